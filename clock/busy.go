package clock

import "context"

// Busy is the further ability of a clock whose time can be moved: it knows what its time has set going, and moves on
// only when that is done. Whoever starts work because some time has come says so by Begin, or by holding on to the
// stop of Until; whoever may have work waiting that nobody has begun yet is asked by way of Settle.
type Busy interface {
	// Begin says that work has begun. Time is not moved until end is called; further calls of end do nothing.
	Begin() (end func())
	// Settle has idle called before each step of the time. It returns once all work that is due now is done, that
	// which this work brings about included, or with ctx's error. It begins no work when there is none.
	Settle(idle func(ctx context.Context) error) (remove func())
}

type waitKey struct{}

// OnWait returns a context by which a call that waits (a long poll) tells its caller when it does: f is called each time
// that the call has armed what ends its waiting. A caller that answers Settle does so only from then on, else time could
// be moved past what the call waits for.
func OnWait(ctx context.Context, f func()) context.Context {
	return context.WithValue(ctx, waitKey{}, f)
}

// Waits is what such a call says when it begins to wait for a time or for something to happen.
func Waits(ctx context.Context) {
	if f, ok := ctx.Value(waitKey{}).(func()); ok {
		f()
	}
}

// Begin is Busy's Begin where c has it; on other clocks it does nothing.
func Begin(c Clock) (end func()) {
	if b, ok := c.(Busy); ok {
		return b.Begin()
	}
	return func() {}
}

// Settle is Busy's Settle where c has it; on other clocks it does nothing.
func Settle(c Clock, idle func(ctx context.Context) error) (remove func()) {
	if b, ok := c.(Busy); ok {
		return b.Settle(idle)
	}
	return func() {}
}
