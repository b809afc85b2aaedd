package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/sandbox"
	"github.com/brume-dev/brume/service/lambda/fault"
	"github.com/brume-dev/brume/service/lambda/fleet"
	"github.com/brume-dev/brume/service/lambda/trace"
)

// event is what a function is invoked with.
type event struct {
	id            string
	payload       []byte
	trace         string // of the request, or ""
	clientContext string
	arn           string                             // as the function was named
	tail          bool                               // the end of the log is wanted
	stream        func(contentType string) io.Writer // takes a streamed answer; nil: answers come whole
}

// answer is what became of an invocation.
type answer struct {
	payload   []byte
	failed    bool
	streamed  bool // the payload went to the event's stream, but for the error that ended it
	errorType string
	version   string
	tail      []byte
}

// errInterrupted says that the platform stopped during an invocation: it did not fail by itself.
var errInterrupted = errors.New("lambda: the platform stops")

// stopping reports whether the platform stops: what fails from then on did not fail by itself.
func (s *Service) stopping() bool {
	select {
	case <-s.fleet.Draining():
		return true
	default:
		return false
	}
}

// run is one invocation under way.
type run struct {
	s     *Service
	c     *chosen
	ev    *event
	log   journal
	trace *trace.Trace
	begun time.Time // of the time that counts against the function's timeout
	init  time.Duration
	phase string // of the last initialisation, "init" or "invoke"; "" when the environment was warm
	ahead bool   // the environment is initialised before there is an event: provisioned concurrency
	spare bool   // it is only started while somebody waits for one
}

// execute runs c with ev. The error is one of Lambda's own: throttled, interrupted, broken. Errors of the function are
// answers.
func (s *Service) execute(ctx context.Context, c *chosen, ev *event) (*answer, error) {
	if err := s.stopLoop(ctx, c.place, ev.trace); err != nil {
		return nil, err
	}
	ready := s.fleet.TakeReady(c.key(), s.now().Add(c.timeout()+sparePassword))
	if ready == nil || c.fn.Reserved != nil { // what is provisioned counts for itself, but in the function's reserve
		leave, ok := s.capacity.Enter(c.share())
		if !ok {
			if ready != nil {
				s.fleet.Return(ready)
			}
			return nil, c.throttled()
		}
		defer leave()
	}
	r := &run{s: s, c: c, ev: ev, log: journal{format: c.cfg.Logging}, trace: s.beginTrace(c, ev)}
	if ready != nil {
		r.attach(ready)
		r.begun = s.Now()
		return r.invoke(ctx, ready)
	}
	m, failure, err := r.environment(ctx)
	if err != nil {
		return nil, r.broken(err)
	}
	if m == nil {
		return failure, nil
	}
	return r.invoke(ctx, m)
}

// broken turns an error of the platform into the one that the client sees.
func (r *run) broken(err error) error {
	if _, ok := fault.Of(err); ok || errors.Is(err, errInterrupted) {
		return err
	}
	r.s.Log.Error("lambda: invoke", "function", r.c.FunctionARN(), "request", r.ev.id, "problem", err)
	t := "Service"
	return &lambdaapi.ServiceException{Type: &t, Message: "An error occurred and the request cannot be processed."}
}

func (c *chosen) key() fleet.Key {
	return fleet.Key{Function: c.fn.ID, Version: c.cfg.version(), Epoch: c.cfg.Epoch}
}

func (c *chosen) timeout() time.Duration { return time.Duration(c.cfg.Timeout) * time.Second }

// invoke hands the event to the environment.
func (r *run) invoke(ctx context.Context, m *fleet.Member) (*answer, error) {
	r.log.start(r)
	left := r.c.timeout() - r.s.Now().Sub(r.begun)
	bounded, cancel := context.WithTimeout(ctx, left)
	defer cancel()
	res, err := m.Invoke(bounded, &sandbox.Invocation{ID: r.ev.id, Payload: r.ev.payload, Deadline: r.s.Now().Add(left),
		FunctionARN: r.ev.arn, TraceID: r.trace.Header(), ClientContext: r.ev.clientContext, Stream: r.ev.stream})
	took := r.s.Now().Sub(r.begun)
	m.Flush()
	if err != nil {
		if r.s.stopping() || ctx.Err() != nil {
			r.s.fleet.Drop(m)
			return nil, errInterrupted
		}
		return r.lost(ctx, m, took, err), nil
	}
	a := &answer{payload: res.Payload, failed: res.Failed, streamed: res.Streamed, errorType: res.ErrorType, version: r.c.cfg.version()}
	if m.Settle(r.s.past) != nil && !r.ev.tail {
		// The client has the answer; extensions go on, and what follows waits for them.
		ctx = context.WithoutCancel(ctx)
		go func() {
			bounded, cancel := context.WithTimeout(ctx, left-took)
			defer cancel()
			r.settle(bounded, ctx, m, a)
		}()
		return a, nil
	}
	r.settle(bounded, ctx, m, a)
	return a, nil
}

// settle waits for the extensions, for which the function's timeout counts too, and ends the invocation.
func (r *run) settle(bounded, ctx context.Context, m *fleet.Member, a *answer) {
	err := m.Settle(r.s.past)
	if err != nil {
		err = m.Settle(bounded)
		m.Flush()
	}
	took := r.s.Now().Sub(r.begun)
	if err != nil {
		r.lost(ctx, m, took, err)
		return
	}
	r.end(ctx, a, took, m.Usage().MaxMemory, nil)
	r.s.fleet.Return(m)
}

// lost is the end of an invocation and of its environment.
func (r *run) lost(ctx context.Context, m *fleet.Member, took time.Duration, err error) *answer {
	memory := m.Usage().MaxMemory
	m.Shutdown(ended(err)) // what it printed until the end comes before the report
	a := r.failure(err)
	r.end(ctx, a, took, memory, err)
	r.s.fleet.Drop(m)
	return a
}

// ended is what extensions are told of an environment that ends with err.
func ended(err error) sandbox.Reason {
	if errors.Is(err, context.DeadlineExceeded) {
		return sandbox.Timeout
	}
	return sandbox.Failure
}

// failed is the end of an invocation that never had an environment.
func (r *run) failed(ctx context.Context, err error) *answer {
	r.log.start(r)
	a := r.failure(err)
	r.end(ctx, a, r.s.Now().Sub(r.begun), 0, err)
	return a
}

// end writes the end of the invocation into the log and the trace.
func (r *run) end(ctx context.Context, a *answer, took time.Duration, memory int64, err error) {
	r.log.end(r, took, memory, err)
	if r.ev.tail && r.log.stream != nil {
		a.tail = r.log.stream.Tail()
	}
	r.endTrace(ctx, a, took)
}

// failure is the answer to an error of the runtime, as AWS writes it.
func (r *run) failure(err error) *answer {
	a := &answer{failed: true, version: r.c.cfg.version()}
	var init *initError
	if errors.As(err, &init) {
		a.payload, a.errorType = init.report.Payload, init.report.ErrorType
		return a
	}
	var text string
	a.errorType, text = problem(err, r.c.timeout())
	a.payload, _ = json.Marshal(struct { // texts: cannot fail
		Type    string `json:"errorType"`
		Message string `json:"errorMessage"`
	}{a.errorType, fmt.Sprintf("RequestId: %s Error: %s", r.ev.id, text)})
	return a
}

// problem names an error of the runtime and says it in words.
func problem(err error, timeout time.Duration) (kind, text string) {
	var entry *sandbox.EntrypointError
	var init *initError
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "Sandbox.Timedout", fmt.Sprintf("Task timed out after %.2f seconds", timeout.Seconds())
	case errors.As(err, &entry):
		return "Runtime.InvalidEntrypoint", entry.Message
	case errors.As(err, &init):
		return init.report.ErrorType, ""
	}
	var exit *sandbox.ExitError
	if errors.As(err, &exit) {
		return exit.Kind(), exit.Error()
	}
	return "Runtime.ExitError", err.Error()
}
