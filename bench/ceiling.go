package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Ceilings are the two handlers that a platform is compared with: as little as a server in Go can do for the same
// requests. They run in a process of their own, as the platform does.
//
//	bare    answers a fixed body
//	synced  appends each body to a file and answers once it is on disk; those who wait share one fdatasync
type Ceilings struct {
	Size int    // of the answers' bodies
	File string // that synced appends to
}

// syncsPath is where synced tells how long its syncs took.
const syncsPath = "/_bench/syncs"

// syncs is what synced tells of its syncs.
type syncs struct {
	Count  int   `json:"count"`
	Median int64 `json:"median"` // ns
}

// Serve serves both on ports of their own, which it tells in one line, until ctx ends.
func (c *Ceilings) Serve(ctx context.Context, out io.Writer) error {
	f, err := os.Create(c.File)
	if err != nil {
		return err
	}
	defer f.Close()
	body := bytes.Repeat([]byte{'x'}, c.Size)
	synced := newAppender(f)
	mux := func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == syncsPath {
			_ = json.NewEncoder(w).Encode(synced.syncs()) // the client has gone
			return
		}
		sent, err := io.ReadAll(r.Body)
		if err == nil {
			err = synced.append(sent)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		fixed(w, body)
	}
	servers := []*http.Server{
		{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fixed(w, body) })},
		{Handler: http.HandlerFunc(mux)},
	}
	line := "Ready."
	ended := make(chan error, len(servers))
	for _, s := range servers {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		defer s.Close()
		line += " http://" + l.Addr().String()
		go func() { ended <- s.Serve(l) }()
	}
	fmt.Fprintln(out, line)
	go synced.run()
	defer synced.close()
	select {
	case <-ctx.Done():
		return nil
	case err := <-ended:
		return err
	}
}

func fixed(w http.ResponseWriter, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body) // the client has gone
}

// appender appends to a file and syncs it for all who wait at once.
type appender struct {
	file *os.File

	mu      sync.Mutex
	more    *sync.Cond
	closed  bool
	pending []byte
	waiting *group
	took    []time.Duration
}

// group is those whose bodies go to disk together.
type group struct {
	done chan struct{}
	err  error
}

var errClosed = errors.New("the file is closed")

func newAppender(f *os.File) *appender {
	a := &appender{file: f, waiting: &group{done: make(chan struct{})}}
	a.more = sync.NewCond(&a.mu)
	return a
}

// append returns once b is on disk.
func (a *appender) append(b []byte) error {
	a.mu.Lock()
	if a.closed {
		a.mu.Unlock()
		return errClosed
	}
	a.pending = append(a.pending, b...)
	g := a.waiting
	a.more.Signal()
	a.mu.Unlock()
	<-g.done
	return g.err
}

// run writes and syncs until close.
func (a *appender) run() {
	var spare []byte
	for {
		a.mu.Lock()
		for len(a.pending) == 0 && !a.closed {
			a.more.Wait()
		}
		if a.closed {
			a.waiting.err = errClosed
			close(a.waiting.done)
			a.mu.Unlock()
			return
		}
		b, g := a.pending, a.waiting
		a.pending, a.waiting = spare[:0], &group{done: make(chan struct{})}
		a.mu.Unlock()

		_, err := a.file.Write(b)
		began := time.Now()
		g.err = errors.Join(err, fdatasync(a.file))
		took := time.Since(began)
		close(g.done)
		spare = b
		a.mu.Lock()
		a.took = append(a.took, took)
		a.mu.Unlock()
	}
}

func (a *appender) close() {
	a.mu.Lock()
	a.closed = true
	a.more.Signal()
	a.mu.Unlock()
}

func (a *appender) syncs() syncs {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.took) == 0 {
		return syncs{}
	}
	sorted := slices.Sorted(slices.Values(a.took))
	return syncs{Count: len(sorted), Median: int64(sorted[len(sorted)/2])}
}
