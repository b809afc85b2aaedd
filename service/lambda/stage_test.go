package lambda_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/brume-dev/brume/sandbox"
)

// handler is a function in Go: it answers, fails, or ends its process with an error.
type handler func(ctx context.Context, in *sandbox.Invocation, e *performer) (any, error)

// errExit ends a function's process.
var errExit = errors.New("exit")

// stage is a sandbox.Runner for functions in Go, by the name of their handler.
type stage struct {
	mu       sync.Mutex
	handlers map[string]handler
	inits    map[string]func() (*sandbox.Result, error)
	started  int
	stopped  int
	envs     []map[string]string
}

func newStage() *stage {
	return &stage{handlers: map[string]handler{}, inits: map[string]func() (*sandbox.Result, error){}}
}

func (s *stage) Name() string     { return "stage" }
func (s *stage) Describe() string { return "functions in Go" }
func (s *stage) Close() error     { return nil }

func (s *stage) Runtime(_ context.Context, id string) (sandbox.Runtime, error) {
	switch id {
	case "python3.12":
		return sandbox.Runtime{ID: id, Version: "3.12.1", Program: "/python", Exact: true}, nil
	case "python3.14":
		return sandbox.Runtime{ID: id, Version: "3.13.0", Program: "/python"}, nil
	case "provided.al2023":
		return sandbox.Runtime{ID: id, Exact: true}, nil
	}
	return sandbox.Runtime{}, fmt.Errorf("no interpreter for %s", id)
}

func (s *stage) on(name string, h handler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handlers[name] = h
}

func (s *stage) counts() (started, stopped int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.started, s.stopped
}

func (s *stage) Start(_ context.Context, spec *sandbox.Spec) (sandbox.Environment, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := spec.Env["_HANDLER"]
	if name == "nothing" {
		return nil, &sandbox.EntrypointError{Message: "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"}
	}
	if !spec.Turn() {
		return nil, sandbox.ErrUnwanted
	}
	s.started++
	s.envs = append(s.envs, spec.Env)
	return &performer{stage: s, spec: spec, handle: s.handlers[name], init: s.inits[name], gone: make(chan struct{})}, nil
}

// performer is an environment.
type performer struct {
	stage  *stage
	spec   *sandbox.Spec
	handle handler
	init   func() (*sandbox.Result, error)
	gone   chan struct{}
	once   sync.Once
	exit   *sandbox.ExitError
	frozen bool
	calls  int
}

func (p *performer) print(text string) { p.spec.Output(sandbox.Line{Time: noon, Text: []byte(text)}) }

func (p *performer) end(x *sandbox.ExitError) {
	p.once.Do(func() {
		p.exit = x
		close(p.gone)
		p.stage.mu.Lock()
		p.stage.stopped++
		p.stage.mu.Unlock()
	})
}

func (p *performer) Init(ctx context.Context) (sandbox.Init, error) {
	if p.init == nil {
		return sandbox.Init{Duration: 20 * time.Millisecond}, nil
	}
	res, err := p.init()
	if errors.Is(err, context.DeadlineExceeded) {
		<-ctx.Done()
		return sandbox.Init{}, ctx.Err()
	}
	if err != nil || res != nil {
		p.end(&sandbox.ExitError{Reason: "exit status 1"})
	}
	return sandbox.Init{Duration: 20 * time.Millisecond, Error: res}, err
}

func (p *performer) Invoke(ctx context.Context, in *sandbox.Invocation) (*sandbox.Result, error) {
	if p.frozen {
		return nil, errors.New("invoked while frozen")
	}
	p.calls++
	type answer struct {
		v   any
		err error
	}
	done := make(chan answer, 1)
	go func() {
		v, err := p.handle(ctx, in, p)
		done <- answer{v, err}
	}()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-p.gone:
		return nil, p.exit
	case a := <-done:
		switch {
		case errors.Is(a.err, errExit):
			p.end(&sandbox.ExitError{Reason: "exit status 1"})
			return nil, p.exit
		case a.err == nil && in.Stream != nil:
			if s, ok := a.v.(streaming); ok {
				return s.play(in), nil
			}
		case a.err != nil:
			b, _ := json.Marshal(map[string]string{"errorMessage": a.err.Error(), "errorType": "Error"})
			return &sandbox.Result{Failed: true, ErrorType: "Error", Payload: b}, nil
		}
		b, err := json.Marshal(a.v)
		return &sandbox.Result{Payload: b}, err
	}
}

func (p *performer) Freeze() error { p.frozen = true; return nil }
func (p *performer) Thaw() error   { p.frozen = false; return nil }
func (p *performer) Usage() sandbox.Usage {
	return sandbox.Usage{MaxMemory: 30 << 20}
}
func (p *performer) Flush()                             {}
func (p *performer) Settle(context.Context) error       { return nil }
func (p *performer) Tell(string, func() map[string]any) {}
func (p *performer) Shutdown(sandbox.Reason)            { p.Stop() }
func (p *performer) Stop()                              { p.end(&sandbox.ExitError{Reason: "signal: killed"}) }
func (p *performer) Gone() <-chan struct{}              { return p.gone }
