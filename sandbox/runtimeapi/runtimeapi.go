// Package runtimeapi is the HTTP interface of an execution environment: the Lambda Runtime API, version 2018-06-01, through
// which a runtime takes invocations and gives its answers, and beside it the Extensions API, the Telemetry API and the
// Logs API. A Server belongs to one environment.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html
// https://docs.aws.amazon.com/lambda/latest/dg/telemetry-api.html
package runtimeapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/brume-dev/brume/sandbox"
	"github.com/brume-dev/brume/sandbox/telemetry"
)

// Server hands invocations to the runtime of one environment.
type Server struct {
	http    http.Server
	pending chan *call    // handed over when the runtime asks for the next invocation
	ready   chan struct{} // closed when the init phase has ended
	gone    chan struct{} // closed by Exit
	exit    error         // set before gone is closed
	closed  chan struct{} // closed by Close

	mu      sync.Mutex
	current *call // handed to the runtime and not answered yet
	begun   time.Time
	init    sandbox.Init
	inited  bool
	exited  bool
	asked   bool // the runtime has asked for its first event

	extensions extensions
	hub        *telemetry.Hub
	config     Config
}

// Config is what extensions are told of the function, and what they are.
type Config struct {
	Function, Version, Handler, Account string
	InitType                            string   // "on-demand", "provisioned-concurrency"
	External                            []string // names of the programs that are started as external extensions
	Telemetry                           *telemetry.Hub
}

// call is one invocation on its way through the runtime.
type call struct {
	in       *sandbox.Invocation
	done     chan *sandbox.Result // has room for the one answer
	streamed bool                 // an answer has begun
}

// New returns a server whose init phase begins with Begin.
func New(c Config) *Server {
	s := &Server{pending: make(chan *call), ready: make(chan struct{}), gone: make(chan struct{}), closed: make(chan struct{}),
		config: c, hub: c.Telemetry}
	s.extensions = newExtensions(c.External)
	s.http.Handler = s
	s.http.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	return s
}

// Begin marks the start of the runtime's process, from which the init phase is measured.
func (s *Server) Begin(at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begun = at
}

// Serve answers requests on l until Close.
func (s *Server) Serve(l net.Listener) error {
	err := s.http.Serve(l)
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// Exit tells the server that the runtime's process has ended and why; what waits for its answer gets err. Extensions are
// served until Close.
func (s *Server) Exit(err error) {
	s.mu.Lock()
	if s.exited {
		s.mu.Unlock()
		return
	}
	s.exited, s.exit = true, err
	s.endInit(nil)
	s.extensions.end()
	s.mu.Unlock()
	close(s.gone)
}

// Close ends the answering, and what waits for an answer.
func (s *Server) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.closed:
		return
	default:
	}
	close(s.closed)
	_ = s.http.Close()
}

// Init waits for the end of the init phase. The error is the one that Exit was given, or ctx's.
func (s *Server) Init(ctx context.Context) (sandbox.Init, error) {
	select {
	case <-s.ready:
	case <-ctx.Done():
		return sandbox.Init{}, ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.exited && s.init.Error == nil && !s.inited {
		return s.init, s.exit
	}
	return s.init, nil
}

// Ready is closed when the init phase has ended, however.
func (s *Server) Ready() <-chan struct{} { return s.ready }

// endInit ends the init phase, once; report is the runtime's error document or nil. s.mu is held.
func (s *Server) endInit(report *sandbox.Result) {
	select {
	case <-s.ready:
		return
	default:
	}
	s.tellInit(report)
	s.init = sandbox.Init{Duration: time.Since(s.begun), Error: report}
	s.inited = report == nil && !s.exited
	close(s.ready)
}

// Invoke hands in to the runtime when it asks for work, and waits for the answer. The extensions are told of it.
func (s *Server) Invoke(ctx context.Context, in *sandbox.Invocation) (*sandbox.Result, error) {
	select {
	case <-s.ready: // extensions register during the init phase
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if err := s.Settle(ctx); err != nil { // of the invocation before
		return nil, err
	}
	c := &call{in: in, done: make(chan *sandbox.Result, 1)}
	if s.hub.Active() {
		begun := time.Now()
		s.tellStart(in)
		s.tellExtensions(in)
		res, err := s.handOver(ctx, c)
		s.tellDone(in, res, err, time.Since(begun))
		return res, err
	}
	s.tellExtensions(in)
	return s.handOver(ctx, c)
}

func (s *Server) handOver(ctx context.Context, c *call) (*sandbox.Result, error) {
	select {
	case s.pending <- c:
	case <-s.gone:
		return nil, s.exit
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select {
	case r := <-c.done:
		return r, nil
	case <-s.gone:
	case <-ctx.Done():
	}
	// The answer may have come in the same moment: an answer that was accepted counts.
	select {
	case r := <-c.done:
		return r, nil
	default:
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return nil, s.exit
}

// answer completes the invocation id. It reports whether that is the one in flight.
func (s *Server) answer(id string, r *sandbox.Result) bool {
	s.mu.Lock()
	c := s.current
	if c == nil || c.in.ID != id || c.streamed {
		s.mu.Unlock()
		return false
	}
	s.current = nil
	s.mu.Unlock()
	c.done <- r
	return true
}

// begin claims the invocation id for a streamed answer; nil when it is not the one in flight.
func (s *Server) begin(id string) *call {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.current
	if c == nil || c.in.ID != id || c.streamed {
		return nil
	}
	c.streamed = true
	return c
}

// complete ends the streamed answer of c.
func (s *Server) complete(c *call, r *sandbox.Result) {
	s.mu.Lock()
	s.current = nil
	s.mu.Unlock()
	c.done <- r
}

// inFlight reports whether id is the invocation that the runtime works on.
func (s *Server) inFlight(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.current != nil && s.current.in.ID == id && !s.current.streamed
}

// tooLarge is the answer of a function whose response is over the limit.
func tooLarge(size int) *sandbox.Result {
	return &sandbox.Result{Failed: true, ErrorType: "Function.ResponseSizeTooLarge", Payload: fmt.Appendf(nil,
		`{"errorMessage":"Response payload size (%d bytes) exceeded maximum allowed payload size (%d bytes).",`+
			`"errorType":"Function.ResponseSizeTooLarge"}`, size, sandbox.MaxResponse)}
}
