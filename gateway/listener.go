package gateway

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// sniffing is a listener whose connections speak TLS or clear text, as the first byte says: a TLS handshake begins
// with 0x16, which begins no HTTP request.
type sniffing struct {
	net.Listener
	config *tls.Config
	ready  chan net.Conn
	done   chan struct{}
	once   sync.Once
	fail   error // set before done is closed
}

// newSniffing wraps l. Run must be running for Accept to return anything.
func newSniffing(l net.Listener, config *tls.Config) *sniffing {
	return &sniffing{Listener: l, config: config, ready: make(chan net.Conn), done: make(chan struct{})}
}

// run accepts connections until the listener is closed. The first byte of each is awaited apart, so that a silent client
// holds up nobody.
func (s *sniffing) run() {
	var wait time.Duration
	for {
		c, err := s.Listener.Accept()
		if err != nil {
			var temporary interface{ Temporary() bool }
			if errors.As(err, &temporary) && temporary.Temporary() { // out of file descriptors, for a while
				wait = min(max(2*wait, 5*time.Millisecond), time.Second)
				select {
				case <-time.After(wait):
					continue
				case <-s.done:
				}
			}
			s.stop(err)
			return
		}
		wait = 0
		go s.sniff(c)
	}
}

func (s *sniffing) sniff(c net.Conn) {
	var first [1]byte
	_ = c.SetReadDeadline(time.Now().Add(firstByteTimeout))
	if _, err := c.Read(first[:]); err != nil {
		c.Close()
		return
	}
	_ = c.SetReadDeadline(time.Time{})
	var conn net.Conn = &begun{Conn: c, first: first[0]}
	if first[0] == 0x16 && s.config != nil {
		conn = tls.Server(conn, s.config)
	}
	select {
	case s.ready <- conn:
	case <-s.done:
		c.Close()
	}
}

// Accept implements net.Listener.
func (s *sniffing) Accept() (net.Conn, error) {
	select {
	case c := <-s.ready:
		return c, nil
	case <-s.done:
		return nil, s.fail
	}
}

// Close implements net.Listener.
func (s *sniffing) Close() error {
	s.stop(net.ErrClosed)
	return s.Listener.Close()
}

func (s *sniffing) stop(err error) {
	s.once.Do(func() {
		s.fail = err
		close(s.done)
	})
}

// begun is a connection whose first byte has been read. It is used by net/http, which reads from one goroutine at a
// time.
type begun struct {
	net.Conn
	first byte
	given bool
}

func (b *begun) Read(p []byte) (int, error) {
	if b.given || len(p) == 0 {
		return b.Conn.Read(p)
	}
	b.given = true
	p[0] = b.first
	return 1, nil
}

// ReadFrom keeps net/http's way of sending files without copying them through memory.
func (b *begun) ReadFrom(r io.Reader) (int64, error) {
	if to, ok := b.Conn.(io.ReaderFrom); ok {
		return to.ReadFrom(r)
	}
	return io.Copy(struct{ io.Writer }{b.Conn}, r)
}

// CloseWrite lets net/http say that an answer is whole before it gives up a request's unread body.
func (b *begun) CloseWrite() error {
	if c, ok := b.Conn.(interface{ CloseWrite() error }); ok {
		return c.CloseWrite()
	}
	return nil
}
