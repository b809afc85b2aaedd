package runtimeapi

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/brume-dev/brume/sandbox"
)

// maxExtensions is how many extensions an environment may have.
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-extensions.html
const maxExtensions = 10

// extensions are those of an environment. The server's mu guards them.
type extensions struct {
	all        map[string]*extension // by identifier
	missing    []string              // external ones that have not registered
	registered chan struct{}         // closed when all external ones have
	failure    chan error            // what an extension reported of itself
	settled    chan struct{}         // closed when no extension works on an event; nil when none ever did
}

// extension is one that has registered.
type extension struct {
	id, name         string
	external         bool
	invoke, shutdown bool        // the events that it wants
	asked            bool        // it waits for an event, or has asked for its first one
	working          bool        // it has an event and has not asked for the next one
	events           chan []byte // has room for an invocation and a shutdown
}

func newExtensions(external []string) extensions {
	x := extensions{all: map[string]*extension{}, missing: slices.Clone(external), registered: make(chan struct{}),
		failure: make(chan error, 1)}
	if len(external) == 0 {
		close(x.registered)
	}
	return x
}

// end lets go of what waits for extensions.
func (x *extensions) end() {
	if x.settled != nil {
		close(x.settled)
		x.settled = nil
	}
}

// Registered is closed when every external extension has registered: the runtime is started then.
func (s *Server) Registered() <-chan struct{} { return s.extensions.registered }

// Failed gives the error that an extension reported of itself.
func (s *Server) Failed() <-chan error { return s.extensions.failure }

// Extensions reports whether extensions of either kind have registered.
func (s *Server) Extensions() (internal, external bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, x := range s.extensions.all {
		internal, external = internal || !x.external, external || x.external
	}
	return internal, external
}

// settleInit ends the init phase when the runtime and all extensions have asked for their first event. s.mu is held.
func (s *Server) settleInit() {
	if !s.asked || len(s.extensions.missing) > 0 {
		return
	}
	for _, x := range s.extensions.all {
		if !x.asked {
			return
		}
	}
	s.endInit(nil)
}

// tracing is how extensions are told of a trace.
type tracing struct {
	Type  string `json:"type"`
	Value string `json:"value"`
}

// tellExtensions gives the event of an invocation to those that want it.
func (s *Server) tellExtensions(in *sandbox.Invocation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.extensions.all) == 0 || s.exited {
		return
	}
	event := struct {
		Type     string  `json:"eventType"`
		Deadline int64   `json:"deadlineMs"`
		Request  string  `json:"requestId"`
		Function string  `json:"invokedFunctionArn"`
		Tracing  tracing `json:"tracing"`
	}{"INVOKE", in.Deadline.UnixMilli(), in.ID, in.FunctionARN, tracing{"X-Amzn-Trace-Id", in.TraceID}}
	doc, _ := json.Marshal(event) // texts and a number: cannot fail
	for _, x := range s.extensions.all {
		if x.invoke {
			s.give(x, doc)
		}
	}
}

// give hands an event to an extension. s.mu is held.
func (s *Server) give(x *extension, doc []byte) {
	select {
	case x.events <- doc:
	default: // it has not taken the one before, and will not
	}
	if !x.working {
		x.working = true
		if s.extensions.settled == nil {
			s.extensions.settled = make(chan struct{})
		}
	}
}

// Settle waits until no extension works on an event. The error is the one that Exit was given, or ctx's.
func (s *Server) Settle(ctx context.Context) error {
	s.mu.Lock()
	settled, exit := s.extensions.settled, s.exit
	s.mu.Unlock()
	if exit != nil {
		return exit
	}
	if settled == nil {
		return nil
	}
	select {
	case <-settled:
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.exit
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Shutdown gives the event of the shutdown to the external extensions that want it. It returns the names of all external
// ones, and which of them were told.
func (s *Server) Shutdown(why sandbox.Reason, deadline time.Time) (told []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	doc, _ := json.Marshal(struct { // texts and a number: cannot fail
		Type     string         `json:"eventType"`
		Reason   sandbox.Reason `json:"shutdownReason"`
		Deadline int64          `json:"deadlineMs"`
	}{"SHUTDOWN", why, deadline.UnixMilli()})
	for _, x := range s.extensions.all {
		if x.external && x.shutdown {
			s.give(x, doc)
			told = append(told, x.name)
		}
	}
	return told
}

// ask notes that an extension asks for its next event.
func (s *Server) ask(x *extension) {
	s.mu.Lock()
	defer s.mu.Unlock()
	x.asked, x.working = true, len(x.events) > 0
	s.settleInit()
	if s.extensions.settled == nil {
		return
	}
	for _, other := range s.extensions.all {
		if other.working {
			return
		}
	}
	close(s.extensions.settled)
	s.extensions.settled = nil
}

// register adds an extension.
func (s *Server) register(name string, invoke, shutdown bool) (*extension, *fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.Index(s.extensions.missing, name)
	external := i >= 0
	for _, x := range s.extensions.all {
		if x.name == name {
			return nil, &fault{403, "Extension.InvalidExtensionState",
				"State transition from Registered to Registered failed for extension " + name + ". Error: State transition is not allowed"}
		}
	}
	select {
	case <-s.ready:
		return nil, &fault{403, "Extension.RegistrationClosed", "Extension registration closed already"}
	default:
	}
	switch {
	case s.exited, !external && s.asked:
		return nil, &fault{403, "Extension.RegistrationClosed", "Extension registration closed already"}
	case !external && shutdown:
		return nil, &fault{400, "Extension.InvalidEventType", "ShutdownEventNotSupportedForInternalExtension"}
	case len(s.extensions.all) >= maxExtensions:
		return nil, &fault{403, "Extension.TooManyExtensions", "Extension limit (10) reached"}
	}
	x := &extension{id: uuid.NewString(), name: name, external: external, invoke: invoke, shutdown: shutdown,
		events: make(chan []byte, 2)}
	s.extensions.all[x.id] = x
	if external {
		s.extensions.missing = slices.Delete(s.extensions.missing, i, i+1)
		if len(s.extensions.missing) == 0 {
			close(s.extensions.registered)
		}
	}
	return x, nil
}
