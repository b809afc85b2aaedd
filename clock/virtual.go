package clock

import (
	"container/heap"
	"context"
	"errors"
	"sync"
	"time"
)

// Virtual is a clock whose time can be moved forward. It is Busy: Advance stops at every time that somebody waits for,
// in order, and moves on when what began there has ended.
type Virtual struct {
	source func() time.Time // the machine's time, or one that stands still
	runs   bool

	turn chan struct{} // held by the running Advance

	mu      sync.Mutex
	offset  time.Duration
	waiting waiters
	alarm   *time.Timer // wakes the first of waiting when time runs by itself
	alarmed *waiter     // whom the alarm is for
	busy    int
	begun   uint64        // how often busy went up
	idle    chan struct{} // closed when busy is 0 again; nil when nobody waits for that
	probes  map[*probe]struct{}
}

type probe struct{ idle func(context.Context) error }

// Shifted returns a clock that runs as the machine's does, offset ahead of it. Advance adds to the offset.
func Shifted(offset time.Duration) *Virtual {
	v := newVirtual(real{}.Now, true)
	v.offset = offset
	return v
}

// Frozen returns a clock that stands at start and moves by Advance only. Tests use it. Work that waits on it while
// Advance waits for that work waits until Advance's context ends; on a Shifted clock it just takes its time.
func Frozen(start time.Time) *Virtual {
	start = start.UTC().Round(0)
	return newVirtual(func() time.Time { return start }, false)
}

func newVirtual(source func() time.Time, runs bool) *Virtual {
	return &Virtual{source: source, runs: runs, turn: make(chan struct{}, 1), probes: map[*probe]struct{}{}}
}

// Now is part of Clock.
func (v *Virtual) Now() time.Time {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.now()
}

func (v *Virtual) now() time.Time { return v.source().Add(v.offset) }

// Offset is how far the clock is ahead of its source: what Shifted needs to go on after a restart.
func (v *Virtual) Offset() time.Duration {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.offset
}

// Sleep is part of Clock. Advance does not wait for what its caller does afterwards: work that must be done before
// time moves on uses Until.
func (v *Virtual) Sleep(ctx context.Context, d time.Duration) error { return sleep(ctx, v, d) }

// Until is part of Clock. From the moment that t is reached until stop is called the caller counts as busy: it calls
// stop when it has done what it waited to do, or has begun it and said so by Begin, and is waiting for its next time.
func (v *Virtual) Until(t time.Time) (<-chan struct{}, func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	w := &waiter{t: t, reached: make(chan struct{})}
	if !v.now().Before(t) {
		close(w.reached)
		return w.reached, func() {}
	}
	heap.Push(&v.waiting, w)
	v.arm()
	return w.reached, func() { v.stop(w) }
}

func (v *Virtual) stop(w *waiter) {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch {
	case w.stopped:
		return
	case w.fired:
		v.end()
	default:
		heap.Remove(&v.waiting, w.index)
		v.arm()
	}
	w.stopped = true
}

// Begin is part of Busy.
func (v *Virtual) Begin() (end func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.begin()
	return sync.OnceFunc(func() {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.end()
	})
}

func (v *Virtual) begin() {
	v.busy++
	v.begun++
}

func (v *Virtual) end() {
	v.busy--
	if v.busy == 0 && v.idle != nil {
		close(v.idle)
		v.idle = nil
	}
}

// Settle is part of Busy.
func (v *Virtual) Settle(idle func(ctx context.Context) error) (remove func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	p := &probe{idle}
	v.probes[p] = struct{}{}
	return func() {
		v.mu.Lock()
		defer v.mu.Unlock()
		delete(v.probes, p)
	}
}

// Advance moves the time forward by d, from the time of the call, and returns the time then. It stops at each time that
// somebody waits for, in order, and at each waits until nobody is busy any more. When ctx ends first the time stays
// where it is. Calls take turns.
func (v *Virtual) Advance(ctx context.Context, d time.Duration) (time.Time, error) {
	if d < 0 {
		return v.Now(), errors.New("clock: time does not go back")
	}
	select {
	case v.turn <- struct{}{}:
		defer func() { <-v.turn }()
	case <-ctx.Done():
		return v.Now(), ctx.Err()
	}
	target := v.Now().Add(d)
	for {
		if err := v.settle(ctx); err != nil {
			return v.Now(), err
		}
		if !v.step(target) {
			return v.Now(), nil
		}
	}
}

// step moves to the next time that somebody waits for, but not past target, and reports whether anything was left to do.
func (v *Virtual) step(target time.Time) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	to := target
	if len(v.waiting) > 0 && v.waiting[0].t.Before(target) {
		to = v.waiting[0].t
	}
	moved := v.now().Before(to)
	if moved {
		v.offset += to.Sub(v.now())
	}
	return v.fire() || moved
}

// settle returns once nothing is busy and none of the probes knows of anything left to do.
func (v *Virtual) settle(ctx context.Context) error {
	for {
		begun, probes, err := v.rest(ctx)
		if err != nil {
			return err
		}
		for _, p := range probes {
			if err := p.idle(ctx); err != nil {
				return err
			}
		}
		v.mu.Lock()
		still := v.busy == 0 && v.begun == begun // else one probe may have given work to another that was done
		v.mu.Unlock()
		if still {
			return nil
		}
	}
}

// rest waits until nothing is busy.
func (v *Virtual) rest(ctx context.Context) (begun uint64, probes []*probe, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for v.busy > 0 {
		if v.idle == nil {
			v.idle = make(chan struct{})
		}
		idle := v.idle
		v.mu.Unlock()
		select {
		case <-idle:
		case <-ctx.Done():
			err = ctx.Err()
		}
		v.mu.Lock()
		if err != nil {
			return 0, nil, err
		}
	}
	for p := range v.probes {
		probes = append(probes, p)
	}
	return v.begun, probes, ctx.Err()
}

// fire wakes all whose time has come and reports whether there were any.
func (v *Virtual) fire() bool {
	now, any := v.now(), false
	for len(v.waiting) > 0 && !now.Before(v.waiting[0].t) {
		w := heap.Pop(&v.waiting).(*waiter)
		w.fired, any = true, true
		v.begin()
		close(w.reached)
	}
	v.arm()
	return any
}

// arm sets the alarm for the first of those who wait, when time runs by itself.
func (v *Virtual) arm() {
	if !v.runs || len(v.waiting) > 0 && v.waiting[0] == v.alarmed {
		return
	}
	if v.alarm != nil {
		v.alarm.Stop()
	}
	if v.alarmed = nil; len(v.waiting) > 0 {
		v.alarmed = v.waiting[0]
		v.alarm = time.AfterFunc(patience(v.alarmed.t.Sub(v.now())), v.ring)
	}
}

// ring is the alarm, which may be early when it had no patience left.
func (v *Virtual) ring() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.alarmed = nil
	v.fire()
}

type waiter struct {
	t              time.Time
	reached        chan struct{}
	index          int
	fired, stopped bool
}

// waiters is a heap, the earliest first.
type waiters []*waiter

func (h waiters) Len() int           { return len(h) }
func (h waiters) Less(i, j int) bool { return h[i].t.Before(h[j].t) }
func (h waiters) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

// Push is part of heap.Interface.
func (h *waiters) Push(x any) {
	w := x.(*waiter)
	w.index = len(*h)
	*h = append(*h, w)
}

// Pop is part of heap.Interface.
func (h *waiters) Pop() any {
	old := *h
	w := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return w
}
