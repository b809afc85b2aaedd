// Package http1 serves HTTP/1.1 connections in clear text. It knows the requests that SDKs send and no others: a head that
// comes whole and in one way only can be read, a body of known length. The first request of a connection that is anything else
// (chunked, Expect, Upgrade, HTTP/2, a malformed line) is handed, with the connection and every byte of it, to net/http, which
// answers it and all that follow.
//
// What it saves against net/http is what costs most there: a goroutine and two system calls for every request only to
// notice that a client hangs up (here it begins when a handler asks, by its context's Done), and header maps made twice.
// RFC 9112, https://www.rfc-editor.org/rfc/rfc9112.
package http1

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Server answers the requests of connections with Handler, as net/http's Server does: each connection one after another,
// the request's context done when the client hangs up or the handler returns, http.ErrAbortHandler and other panics ending the
// connection. A ResponseWriter also is an http.Flusher and an io.ReaderFrom; it sends no trailers and cannot be hijacked.
type Server struct {
	Handler http.Handler
	// HandOver takes a connection whose next request is not for this package. Reading the connection begins with that request.
	HandOver func(net.Conn)
	Log      *slog.Logger
	// Idle is how long a connection may wait for its next request, Head how long a head that has begun may take.
	Idle, Head time.Duration

	date    atomic.Pointer[stamp]
	mu      sync.Mutex
	conns   map[*conn]struct{}
	closing bool
	running sync.WaitGroup
}

// Serve answers the requests of c until it ends or is handed over. given is what was read of it already.
func (s *Server) Serve(c net.Conn, given []byte) {
	k := newConn(s, c, given)
	if !s.add(k) {
		c.Close()
		return
	}
	defer s.running.Done()
	handOver := k.serve()
	s.remove(k)
	if handOver != nil {
		s.HandOver(handOver)
	}
}

func (s *Server) add(k *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return false
	}
	if s.conns == nil {
		s.conns = make(map[*conn]struct{})
	}
	s.conns[k] = struct{}{}
	s.running.Add(1)
	return true
}

func (s *Server) remove(k *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, k)
}

// Shutdown ends connections that wait for a request, lets requests under way finish until ctx ends, and then closes what
// is left. It returns when every Serve has.
func (s *Server) Shutdown(ctx context.Context) {
	s.mu.Lock()
	s.closing = true
	for k := range s.conns {
		k.retire()
	}
	s.mu.Unlock()
	done := make(chan struct{})
	go func() {
		s.running.Wait()
		close(done)
	}()
	select {
	case <-done:
		return
	case <-ctx.Done():
	}
	s.mu.Lock()
	for k := range s.conns {
		k.Conn.Close()
	}
	s.mu.Unlock()
	<-done
}
