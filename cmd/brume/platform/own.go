package platform

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"net/netip"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/brume-dev/brume/aws"
)

// maxOwnBody bounds what our own endpoints read.
const maxOwnBody = 64 << 10

// own serves the paths below /_brume/ and the root page:
//
//	GET  /_brume/health                          200 once everything is there
//	GET  /_brume/status                          what runs, with counters
//	GET  /_brume/clock                           the time
//	POST /_brume/clock/advance {"duration":"21d"} moves it, when it is virtual
//	GET  /_brume/debug/pprof/NAME                what Go's profiler has seen: profile, heap, allocs, mutex, goroutine …
//	POST /_brume/reset                           empties an open platform
//	GET  /_brume/mail?account=…&region=…         mails that SNS keeps because there is no relay (--smtp)
//
// All but health are for this machine only: they need no credentials.
func (h *house) own() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", h.root)
	mux.HandleFunc("GET /_brume/health", h.health)
	mux.HandleFunc("GET /_brume/status", local(h.status))
	mux.HandleFunc("GET /_brume/clock", local(h.time))
	mux.HandleFunc("POST /_brume/clock/advance", local(h.advanceTime))
	mux.HandleFunc("POST /_brume/reset", local(h.reset))
	mux.HandleFunc("GET /_brume/debug/pprof/{name}", local(profile))
	mux.HandleFunc("GET /_brume/mail", local(h.mails))
	mux.HandleFunc("GET /_aws/sns/{name}", h.certificate)
	mux.HandleFunc("PUT /_aws/cloudformation/{token}", h.takeAnswer)
	mux.HandleFunc("GET /_aws/lambda/code/{token}", func(w http.ResponseWriter, r *http.Request) {
		h.functions.ServeCode(w, r, r.PathValue("token"))
	})
	return mux
}

// profile serves what "go tool pprof" reads.
func profile(w http.ResponseWriter, r *http.Request) {
	if name := r.PathValue("name"); name != "profile" {
		pprof.Handler(name).ServeHTTP(w, r)
		return
	}
	pprof.Profile(w, r)
}

// takeAnswer passes the answer of a custom resource on. Its token is what entitles it.
func (h *house) takeAnswer(w http.ResponseWriter, r *http.Request) {
	h.callbacks.ServeData(w, r, aws.Visit{Path: "/" + r.PathValue("token")})
}

// callback is where custom resources find the platform: inside an isolated function 127.0.0.1 is Brume, on the port too
// that clients which read only the host of the URL take.
func (h *house) callback() string {
	if h.runner.Isolated() {
		return "https://127.0.0.1"
	}
	return h.URL()
}

// local lets requests from this machine through.
func local(f http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		host, _, _ := net.SplitHostPort(r.RemoteAddr)
		if ip, err := netip.ParseAddr(host); err != nil || !ip.Unmap().IsLoopback() {
			fail(w, http.StatusForbidden, errors.New("this endpoint answers this machine only"))
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxOwnBody)
		f(w, r)
	}
}

func (h *house) root(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprintf(w, "Brume %s is ready.\n\naws --endpoint-url %s sts get-caller-identity\n", h.Version, h.URL())
}

func (h *house) health(w http.ResponseWriter, r *http.Request) {
	answer(w, map[string]any{"status": "ready", "version": h.Version})
}

// Status is what GET /_brume/status answers.
type Status struct {
	Version   string    `json:"version"`
	Endpoint  string    `json:"endpoint"`
	Started   time.Time `json:"started"`
	Data      string    `json:"data"`
	Account   string    `json:"account"`
	Region    string    `json:"region"`
	Auth      Auth      `json:"auth"`
	Isolation Isolation `json:"isolation"`
	Functions string    `json:"functions"` // how well they are isolated
	Notes     []string  `json:"notes,omitempty"`
	Time      Time      `json:"time"`
	Services  []Serving `json:"services"`
	Store     struct {
		Commits int64 `json:"commits"`
		Syncs   int64 `json:"syncs"`
		Views   int64 `json:"views"`
		Bytes   int64 `json:"bytesLogged"`
		Relaxed bool  `json:"relaxed"`
	} `json:"store"`
	Promises struct {
		Started int64 `json:"started"`
		Failed  int64 `json:"failed"`
	} `json:"promises"`
	HeapBytes  uint64 `json:"heapBytes"`
	Goroutines int    `json:"goroutines"`
}

// Serving counts the calls of a service.
type Serving struct {
	Name       string `json:"name"`
	Operations int    `json:"operations"` // that are there
	Calls      int64  `json:"calls"`
	Errors     int64  `json:"errors"` // the callers' and ours
	Faults     int64  `json:"faults"` // ours
}

// Time is what GET /_brume/clock answers.
type Time struct {
	Now     time.Time `json:"now"`
	Virtual bool      `json:"virtual"`
	Ahead   string    `json:"ahead,omitempty"` // of the machine's
}

func (h *house) status(w http.ResponseWriter, r *http.Request) {
	s := Status{Version: h.Version, Endpoint: h.URL(), Started: h.began.UTC(), Data: h.Data, Account: h.Account, Region: h.Region,
		Auth: h.Auth, Isolation: h.Isolation, Functions: h.runner.Describe(), Notes: h.notes, Time: h.now(), Services: h.serving(), Goroutines: runtime.NumGoroutine()}
	m := h.store.Metrics()
	s.Store.Commits, s.Store.Syncs, s.Store.Views, s.Store.Bytes, s.Store.Relaxed = m.Commits, m.Syncs, m.Views, m.BytesLogged, m.Relaxed
	t := h.timer.Metrics()
	s.Promises.Started, s.Promises.Failed = t.Started, t.Failed
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	s.HeapBytes = mem.HeapAlloc
	answer(w, s)
}

func (h *house) serving() []Serving {
	var all []Serving
	at := map[string]int{}
	for _, svc := range h.table.Services() {
		at[svc.Name] = len(all)
		n := 0
		for _, op := range svc.Ops {
			if op.Implemented() {
				n++
			}
		}
		all = append(all, Serving{Name: svc.Name, Operations: n})
	}
	for _, m := range h.table.Metrics() {
		s := &all[at[m.Op.Service]]
		s.Calls += m.Calls
		s.Errors += m.Errors
		s.Faults += m.Faults
	}
	return all
}

func (h *house) now() Time {
	t := Time{Now: h.clock.Now()}
	if h.virtual != nil {
		t.Virtual, t.Ahead = true, h.virtual.Offset().Round(time.Second).String()
	}
	return t
}

func (h *house) time(w http.ResponseWriter, r *http.Request) { answer(w, h.now()) }

func (h *house) advanceTime(w http.ResponseWriter, r *http.Request) {
	if h.virtual == nil {
		fail(w, http.StatusConflict, errors.New("the time is the machine's: start with --virtual-clock to move it"))
		return
	}
	var in struct{ Duration string }
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		fail(w, http.StatusBadRequest, fmt.Errorf(`the body is not of the form {"duration":"21d"}: %w`, err))
		return
	}
	d, err := ParseDuration(in.Duration)
	if err == nil && d < 0 {
		err = errors.New("time does not run backwards")
	}
	if err != nil {
		fail(w, http.StatusBadRequest, err)
		return
	}
	if _, err := h.advance(r.Context(), d); err != nil {
		fail(w, http.StatusInternalServerError, err)
		return
	}
	answer(w, h.now())
}

func (h *house) reset(w http.ResponseWriter, r *http.Request) {
	if h.Auth != Open {
		fail(w, http.StatusForbidden, errors.New("only an open platform can be emptied (--auth open)"))
		return
	}
	if err := h.Reset(); err != nil {
		h.Log.Error("reset failed", "error", err)
		fail(w, http.StatusInternalServerError, err)
		return
	}
	answer(w, map[string]any{"status": "ready"})
}

// ParseDuration is time.ParseDuration with days and weeks: "21d", "1w2d12h".
func ParseDuration(s string) (time.Duration, error) {
	var total time.Duration
	rest := s
	for _, u := range []struct {
		unit string
		d    time.Duration
	}{{"w", 7 * 24 * time.Hour}, {"d", 24 * time.Hour}} {
		number, after, ok := strings.Cut(rest, u.unit)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(number, 10, 32)
		if err != nil || n < 0 {
			return 0, fmt.Errorf("%q is not a duration such as 21d, 36h or 90s", s)
		}
		total, rest = total+time.Duration(n)*u.d, after
	}
	if rest == "" && s != "" {
		return total, nil
	}
	d, err := time.ParseDuration(rest)
	if err != nil {
		return 0, fmt.Errorf("%q is not a duration such as 21d, 36h or 90s", s)
	}
	return total + d, nil
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	_ = e.Encode(v) // the client has gone: nobody is left to tell
}

func fail(w http.ResponseWriter, status int, err error) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": err.Error()})
}
