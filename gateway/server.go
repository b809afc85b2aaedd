package gateway

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"

	"github.com/brume-dev/brume/gateway/http1"
)

// Server puts a handler behind a listener: clear text and TLS on one port, HTTP/1.1 and HTTP/2, the latter in clear text
// by prior knowledge as well. Package http1 serves plain requests in clear text, net/http everything else.
type Server struct {
	Handler http.Handler
	TLS     *tls.Config // nil: clear text only
	Log     *slog.Logger
}

// Run serves l until ctx ends; then it lets requests under way finish for a while, closes what is left, and returns nil.
// It returns an error when the listener fails. l is closed in any case.
func (s *Server) Run(ctx context.Context, l net.Listener) error {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(true)
	// Requests outlive ctx: ending them is Shutdown's and then Close's.
	srv := &http.Server{Handler: invite(s.Handler), Protocols: protocols, MaxHeaderBytes: maxHeader, ReadHeaderTimeout: headerTimeout,
		IdleTimeout: idleTimeout, HTTP2: &http.HTTP2Config{MaxConcurrentStreams: maxStreams},
		ErrorLog: log.New(quiet{s.Log}, "", 0)}
	plain := &http1.Server{Handler: s.Handler, Log: s.Log, Idle: idleTimeout, Head: headerTimeout}
	sniff := newSniffing(l, s.TLS, plain)
	go sniff.run()
	stopped := make(chan error, 1)
	go func() { stopped <- srv.Serve(sniff) }()
	select {
	case err := <-stopped:
		l.Close()
		return fmt.Errorf("gateway: serve: %w", err)
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	var both sync.WaitGroup
	both.Go(func() { plain.Shutdown(drain) })
	if err := srv.Shutdown(drain); err != nil {
		srv.Close()
	}
	both.Wait()
	if err := <-stopped; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("gateway: serve: %w", err)
	}
	return nil
}

// invite answers "Expect: 100-continue" of a request without a body with 100 Continue, which net/http leaves out there. botocore asks so
// for empty objects; without the 100 it mistakes the answer to the next request on the connection for a head that never ends.
func invite(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength == 0 && r.ProtoMajor == 1 && r.ProtoAtLeast(1, 1) && strings.EqualFold(r.Header.Get("Expect"), "100-continue") {
			w.WriteHeader(http.StatusContinue)
		}
		h.ServeHTTP(w, r)
	})
}

// quiet takes net/http's remarks (broken handshakes, aborted answers) as debug messages, but for panics: those are our
// own fault.
type quiet struct{ log *slog.Logger }

func (q quiet) Write(p []byte) (int, error) {
	level := slog.LevelDebug
	if bytes.Contains(p, []byte("panic serving")) {
		level = slog.LevelError
	}
	q.log.Log(context.Background(), level, "http", "message", string(p))
	return len(p), nil
}
