// Package telemetry is the stream of events of an execution environment, as the Telemetry API and the older Logs API
// give it to extensions: what the platform does, and what the function and the extensions print. A Hub belongs to one
// environment; it sends over HTTP or TCP into the environment's own network.
//
// https://docs.aws.amazon.com/lambda/latest/dg/telemetry-api.html
// https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-logs-api.html
package telemetry

import (
	"context"
	"encoding/json"
	"net"
	"sync"
	"time"

	"github.com/brume-dev/brume/sandbox"
)

// The types of events that can be subscribed to.
const (
	Platform  = "platform"
	Function  = "function"
	Extension = "extension"
)

// API is one of the two interfaces.
type API int

// The interfaces.
const (
	Telemetry API = iota
	Logs
)

// Name begins the names of an interface's errors.
func (a API) Name() string {
	if a == Logs {
		return "Logs"
	}
	return "Telemetry"
}

// maxBacklog is how many events of an init phase are kept for those who subscribe during it.
const maxBacklog = 1000

// Config is what a Hub needs.
type Config struct {
	// Dial connects to a port of the environment's own network.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	Now  func() time.Time
	// JSON says that the function logs in JSON: what it prints is passed on as objects.
	JSON bool
}

// Hub takes events and passes them on to subscribers. A nil Hub takes none.
type Hub struct {
	Config

	mu      sync.Mutex
	backlog []event // of the init phase
	sealed  bool    // no one subscribes any more
	subs    []*subscription
	paused  chan struct{} // closed when it goes on; nil: it is not paused
	ended   chan struct{}
	closed  bool
}

// event is one event, written out.
type event struct {
	category, kind string
	doc            []byte
}

// New returns a hub.
func New(c Config) *Hub { return &Hub{Config: c, ended: make(chan struct{})} }

// Active reports whether anyone may want events.
func (h *Hub) Active() bool {
	if h == nil {
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return !h.closed && (!h.sealed || len(h.subs) > 0)
}

// Seal ends the time in which one may subscribe: the init phase.
func (h *Hub) Seal() {
	if h == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sealed, h.backlog = true, nil
}

// Publish passes an event on.
func (h *Hub) Publish(category, kind string, record any) {
	if !h.Active() {
		return
	}
	doc, err := json.Marshal(struct {
		Time   string `json:"time"`
		Type   string `json:"type"`
		Record any    `json:"record"`
	}{h.Now().UTC().Format("2006-01-02T15:04:05.000Z"), kind, record})
	if err != nil {
		return // a record that is no document: there is none
	}
	e := event{category, kind, doc}
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.sealed && len(h.backlog) < maxBacklog {
		h.backlog = append(h.backlog, e)
	}
	for _, s := range h.subs {
		s.add(e)
	}
}

// Line passes on what was printed.
func (h *Hub) Line(l sandbox.Line) {
	if !h.Active() {
		return
	}
	category := Function
	if l.Extension {
		category = Extension
	}
	var record any = string(l.Text)
	if h.JSON && len(l.Text) > 0 && l.Text[0] == '{' && json.Valid(l.Text) {
		record = json.RawMessage(l.Text)
	}
	h.Publish(category, category, record)
}

// Pause holds delivery up while the environment is frozen.
func (h *Hub) Pause(paused bool) {
	if h == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case paused && h.paused == nil:
		h.paused = make(chan struct{})
	case !paused && h.paused != nil:
		close(h.paused)
		h.paused = nil
	}
}

// Flush sends what waits, without waiting for that.
func (h *Hub) Flush() {
	if h == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range h.subs {
		s.wake()
	}
}

// Close ends delivery.
func (h *Hub) Close() {
	if h == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.closed {
		h.closed = true
		close(h.ended)
	}
}

// running waits until the environment is not frozen; false when the hub is closed.
func (h *Hub) running() bool {
	h.mu.Lock()
	paused := h.paused
	h.mu.Unlock()
	if paused != nil {
		select {
		case <-paused:
		case <-h.ended:
		}
	}
	select {
	case <-h.ended:
		return false
	default:
		return true
	}
}
