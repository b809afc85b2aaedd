package telemetry

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// InvalidError says what is wrong with a request to subscribe.
type InvalidError struct{ Message string }

func (e *InvalidError) Error() string { return e.Message }

func invalid(format string, args ...any) error { return &InvalidError{fmt.Sprintf(format, args...)} }

// Limits of buffering.
// https://docs.aws.amazon.com/lambda/latest/dg/telemetry-api-reference.html
const (
	minItems, maxItems     = 1000, 10_000
	minBytes, maxBytes     = 256 << 10, 1 << 20
	minTimeout, maxTimeout = 25, 30_000 // milliseconds
	defaultTimeout         = 1000
)

// request is the body of a request to subscribe, of both interfaces.
type request struct {
	Schema    string   `json:"schemaVersion"`
	Types     []string `json:"types"`
	Buffering struct {
		Items   *int `json:"maxItems"`
		Bytes   *int `json:"maxBytes"`
		Timeout *int `json:"timeoutMs"`
	} `json:"buffering"`
	Destination struct {
		Protocol string `json:"protocol"`
		URI      string `json:"URI"`
		Port     int    `json:"port"` // TCP
		Method   string `json:"method"`
		Encoding string `json:"encoding"`
	} `json:"destination"`
}

// subscription is one subscriber's: the events that wait for it.
type subscription struct {
	hub     *Hub
	api     API
	name    string
	types   []string
	old     bool // a schema without the events of initialisation
	items   int
	bytes   int
	timeout time.Duration
	address string // host:port
	url     string // "" = TCP
	method  string

	mu      sync.Mutex
	waiting [][]byte
	size    int
	dropped int // events
	lost    int // bytes of them
	ready   chan struct{}
}

// Subscribe adds the subscriber name, or replaces its subscription. The error is an *InvalidError.
func (h *Hub) Subscribe(api API, name string, body []byte) error {
	var r request
	if err := json.Unmarshal(body, &r); err != nil {
		return invalid("%v", err)
	}
	s, err := newSubscription(api, &r)
	if err != nil {
		return err
	}
	s.hub, s.name = h, name
	h.mu.Lock()
	if h.closed || h.sealed {
		h.mu.Unlock()
		return invalid("%s API subscription is closed already", api.Name())
	}
	for _, e := range h.backlog {
		s.add(e)
	}
	i := slices.IndexFunc(h.subs, func(o *subscription) bool { return o.name == name && o.api == api })
	if i >= 0 {
		h.subs = slices.Delete(h.subs, i, i+1) // its goroutine ends with the hub: it gets nothing more
	}
	h.subs = append(h.subs, s)
	h.mu.Unlock()
	go s.run()
	kind := "platform.telemetrySubscription"
	if api == Logs {
		kind = "platform.logsSubscription"
	}
	h.Publish(Platform, kind, map[string]any{"name": name, "state": "Subscribed", "types": r.Types})
	return nil
}

func newSubscription(api API, r *request) (*subscription, error) {
	s := &subscription{api: api, types: r.Types, ready: make(chan struct{}, 1)}
	schemas, items := []string{"2022-07-01", "2022-12-13", "2025-01-29"}, minItems
	if api == Logs {
		schemas, items = []string{"", "2020-08-15", "2021-03-18"}, maxItems
		s.old = r.Schema != "2021-03-18"
	}
	if !slices.Contains(schemas, r.Schema) {
		return nil, invalid("schemaVersion %q is not valid", r.Schema)
	}
	if len(r.Types) == 0 {
		return nil, invalid("types is required")
	}
	for _, t := range r.Types {
		if t != Platform && t != Function && t != Extension {
			return nil, invalid("%q is no type of telemetry: platform, function or extension", t)
		}
	}
	var err error
	if s.items, err = within("maxItems", r.Buffering.Items, items, minItems, maxItems); err != nil {
		return nil, err
	}
	if s.bytes, err = within("maxBytes", r.Buffering.Bytes, minBytes, minBytes, maxBytes); err != nil {
		return nil, err
	}
	ms, err := within("timeoutMs", r.Buffering.Timeout, defaultTimeout, minTimeout, maxTimeout)
	if err != nil {
		return nil, err
	}
	s.timeout = time.Duration(ms) * time.Millisecond
	return s, s.aim(r)
}

func within(name string, v *int, standard, least, most int) (int, error) {
	switch {
	case v == nil:
		return standard, nil
	case *v < least || *v > most:
		return 0, invalid("%s must be between %d and %d", name, least, most)
	}
	return *v, nil
}

// hosts are the names of the environment itself.
var hosts = []string{"sandbox.localdomain", "sandbox", "localhost", "127.0.0.1"}

// aim sets where the events go.
func (s *subscription) aim(r *request) error {
	d := &r.Destination
	switch strings.ToUpper(d.Protocol) {
	case "TCP":
		port := fmt.Sprint(d.Port)
		if d.URI != "" {
			u, err := url.Parse(d.URI)
			if err != nil || u.Port() == "" || !slices.Contains(hosts, u.Hostname()) {
				return invalid("destination URI %q is not valid", d.URI)
			}
			port = u.Port()
		} else if d.Port < 1 || d.Port > 65535 {
			return invalid("destination port %d is not valid", d.Port)
		}
		s.address = "127.0.0.1:" + port
	case "HTTP":
		u, err := url.Parse(d.URI)
		if err != nil || u.Scheme != "http" || !slices.Contains(hosts, u.Hostname()) {
			return invalid("destination URI %q is not valid", d.URI)
		}
		port := u.Port()
		if port == "" {
			port = "80"
		}
		s.address, s.url, s.method = "127.0.0.1:"+port, u.String(), "POST"
		if strings.EqualFold(d.Method, "PUT") {
			s.method = "PUT"
		}
		if d.Encoding != "" && !strings.EqualFold(d.Encoding, "JSON") {
			return invalid("destination encoding %q is not valid", d.Encoding)
		}
	default:
		return invalid("destination protocol %q is not valid", d.Protocol)
	}
	return nil
}

// wants reports whether the subscriber gets an event.
func (s *subscription) wants(e event) bool {
	if !slices.Contains(s.types, e.category) {
		return false
	}
	if s.old && (strings.HasPrefix(e.kind, "platform.init") || e.kind == "platform.runtimeDone") {
		return false
	}
	return s.api == Telemetry || e.kind != "platform.telemetrySubscription"
}

// add puts an event among those that wait. What is more than twice a buffer is dropped: the subscriber does not read.
func (s *subscription) add(e event) {
	if !s.wants(e) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.waiting) >= 2*s.items || s.size+len(e.doc) > 2*s.bytes && len(s.waiting) > 0 {
		s.dropped++
		s.lost += len(e.doc)
		return
	}
	s.waiting = append(s.waiting, e.doc)
	s.size += len(e.doc)
	if len(s.waiting) == 1 || s.full() {
		s.wake()
	}
}

// full reports whether a batch is. s.mu is held.
func (s *subscription) full() bool { return len(s.waiting) >= s.items || s.size >= s.bytes }

func (s *subscription) wake() {
	select {
	case s.ready <- struct{}{}:
	default:
	}
}

// take takes the next batch.
func (s *subscription) take() [][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, size := 0, 0
	for n < len(s.waiting) && n < s.items && (n == 0 || size+len(s.waiting[n]) <= s.bytes) {
		size += len(s.waiting[n])
		n++
	}
	batch := s.waiting[:n:n]
	s.waiting, s.size = s.waiting[n:], s.size-size
	if s.dropped > 0 && slices.Contains(s.types, Platform) {
		doc, _ := json.Marshal(map[string]any{ // texts and numbers: cannot fail
			"time": s.hub.Now().UTC().Format("2006-01-02T15:04:05.000Z"), "type": "platform.logsDropped",
			"record": map[string]any{"reason": "Consumer seems to have fallen behind as it has not acknowledged receipt of logs.",
				"droppedRecords": s.dropped, "droppedBytes": s.lost}})
		batch = append(batch, doc)
		s.dropped, s.lost = 0, 0
	}
	return batch
}
