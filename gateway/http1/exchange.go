package http1

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// exchange is the context of a request. It is done when the handler has returned, or when the client hangs up: that is watched for
// from the first call of Done on, once the body has been read. Until then it costs nothing.
type exchange struct {
	conn *conn
	body *body

	mu      sync.Mutex
	inner   context.Context // nil until somebody asks
	cancel  context.CancelFunc
	whole   bool          // the body has been read
	ended   bool          // the handler has returned
	watch   chan struct{} // not nil while the connection is watched; closed when that ends
	early   []byte        // what came of the next request meanwhile
	hungUp  bool
	discard [1]byte
}

// Deadline implements context.Context.
func (x *exchange) Deadline() (time.Time, bool) { return time.Time{}, false }

// Done implements context.Context.
func (x *exchange) Done() <-chan struct{} {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.inner == nil {
		x.inner, x.cancel = context.WithCancel(context.Background())
		if x.ended {
			x.cancel()
		}
		x.look()
	}
	return x.inner.Done()
}

// Err implements context.Context.
func (x *exchange) Err() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	switch {
	case x.inner != nil:
		return x.inner.Err()
	case x.ended:
		return context.Canceled
	}
	return nil
}

// Value implements context.Context.
func (x *exchange) Value(key any) any {
	if key == http.LocalAddrContextKey {
		return x.conn.LocalAddr()
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.inner != nil {
		return x.inner.Value(key) // package context finds its own there, and needs no goroutine for each derived context
	}
	return nil
}

// read says that the body has been read.
func (x *exchange) read() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.whole = true
	x.look()
}

// look begins to watch, when it is wanted and possible. A client that has sent more already has not hung up.
func (x *exchange) look() {
	if x.inner == nil || !x.whole || x.ended || x.watch != nil || len(x.conn.buf) > 0 {
		return
	}
	x.conn.armed = time.Time{}
	_ = x.conn.SetReadDeadline(time.Time{})
	x.watch = make(chan struct{})
	go x.watching()
}

func (x *exchange) watching() {
	n, err := x.conn.Read(x.discard[:])
	x.mu.Lock()
	defer x.mu.Unlock()
	x.early = x.discard[:n]
	if n == 0 && err != nil && !x.ended {
		x.hungUp = true
		x.cancel()
	}
	close(x.watch)
}

// end says that the handler has returned. It reports whether the connection is still whole.
func (x *exchange) end() bool {
	x.mu.Lock()
	x.ended = true
	watch := x.watch
	if x.cancel != nil {
		x.cancel()
	}
	x.mu.Unlock()
	if watch == nil {
		return true
	}
	_ = x.conn.SetReadDeadline(time.Unix(1, 0)) // wakes the watch
	<-watch
	x.conn.buf = append(x.conn.buf, x.early...)
	return !x.hungUp
}
