package lambda

import (
	"context"
	"errors"
	"time"

	"github.com/brume-dev/brume/sandbox"
	"github.com/brume-dev/brume/service/lambda/fleet"
)

// environment returns a warm environment, or one that is initialised: its own, unless another request is done with one
// before that. Without one, failure says why, as the function's answer.
func (r *run) environment(ctx context.Context) (m *fleet.Member, failure *answer, err error) {
	needed := r.s.now().Add(r.c.timeout() + sparePassword)
	if m := r.s.fleet.Take(r.c.key(), needed); m != nil {
		return r.warm(m), nil, nil
	}
	w := r.s.fleet.Await(r.c.key(), needed)
	if m := r.s.fleet.Take(r.c.key(), needed); m != nil { // it came between the two
		r.s.giveBack(w.Leave())
		return r.warm(m), nil, nil
	}
	begun, leave := r.launch(ctx)
	select {
	case m := <-w.Got():
		leave()
		return r.warm(m), nil, nil
	case <-ctx.Done():
		leave()
		r.s.giveBack(w.Leave())
		return nil, nil, errInterrupted
	case own := <-begun:
		other := w.Leave()
		if own.err != nil && other != nil {
			return r.warm(other), nil, nil
		}
		r.s.giveBack(other)
		return r.cold(ctx, own)
	}
}

// warm goes on with an environment that is initialised already.
func (r *run) warm(m *fleet.Member) *fleet.Member {
	r.attach(m)
	r.begun = r.s.Now()
	return m
}

// cold goes on with the environment that was started for the request.
func (r *run) cold(ctx context.Context, own started) (m *fleet.Member, failure *answer, err error) {
	r.phase, r.log = "init", own.log
	if own.err == nil {
		r.init, r.begun = own.init, r.s.Now()
		return own.m, nil, nil
	}
	if !functions(own.err) {
		return nil, nil, own.err
	}
	// It is initialised once more as a part of the invocation, with the function's own timeout.
	// https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
	r.phase, r.begun = "invoke", r.s.Now()
	m, _, err = r.start(ctx, r.c.timeout())
	if err != nil && functions(err) {
		return nil, r.failed(ctx, err), nil
	}
	return m, nil, err
}

// started is what became of a start.
type started struct {
	m    *fleet.Member
	log  journal
	init time.Duration
	err  error
}

// launch starts an environment that is initialised also when the request does not wait for it any more: after leave it joins
// the fleet. One whose turn has not come when nobody waits for any is not started.
func (r *run) launch(ctx context.Context) (begun <-chan started, leave func()) {
	ctx = context.WithoutCancel(ctx)
	own := &run{s: r.s, c: r.c, ev: r.ev, log: r.log, trace: r.trace, phase: "init", spare: true}
	out, left := make(chan started), make(chan struct{})
	go func() {
		m, init, err := own.start(ctx, sandbox.InitTimeout)
		select {
		case out <- started{m, own.log, init, err}:
		case <-left:
			if m != nil && own.ev.tail {
				m.Log.Tail() // nobody asks for it
			}
			own.s.giveBack(m)
		}
	}()
	return out, func() { close(left) }
}

// giveBack returns an environment to the fleet, if there is one.
func (s *Service) giveBack(m *fleet.Member) {
	if m != nil {
		s.fleet.Return(m)
	}
}

// attach directs the journal to the environment's stream.
func (r *run) attach(m *fleet.Member) {
	if r.ev.tail && r.log.stream == nil {
		m.Log.Watch()
	}
	r.log.stream, r.log.now, r.log.member = m.Log, r.s.now, m
}

// initError is an initialisation that ended with the runtime's report of an error.
type initError struct{ report *sandbox.Result }

func (e *initError) Error() string { return e.report.ErrorType }

// functions reports whether err is the function's own fault.
func functions(err error) bool {
	var init *initError
	var exit *sandbox.ExitError
	var entry *sandbox.EntrypointError
	return errors.As(err, &init) || errors.As(err, &exit) || errors.As(err, &entry) || errors.Is(err, context.DeadlineExceeded)
}

// start starts an environment and waits for its initialisation, for at most limit.
func (r *run) start(ctx context.Context, limit time.Duration) (*fleet.Member, time.Duration, error) {
	m, err := r.s.newMember(ctx, r.c, r.log.stream, r.ahead, func(m *fleet.Member) bool {
		if r.spare && !r.s.fleet.Awaited(r.c.key()) {
			return false
		}
		r.attach(m)
		r.log.initStart(ctx, r)
		return true
	})
	begun := r.s.Now()
	if err == nil {
		var in sandbox.Init
		bounded, cancel := context.WithTimeout(ctx, limit)
		in, err = m.Init(bounded)
		cancel()
		if err == nil && in.Error != nil {
			err = &initError{in.Error}
		}
		if err == nil {
			return m, in.Duration, nil
		}
		m.Flush()
		m.Shutdown(ended(err)) // what it printed comes before the report
		r.s.fleet.Drop(m)
	}
	if r.s.stopping() || ctx.Err() != nil {
		return nil, 0, errInterrupted
	}
	if functions(err) {
		r.log.initReport(r, r.s.Now().Sub(begun), err)
	}
	return nil, 0, err
}
