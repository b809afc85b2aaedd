package gateway

import (
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/brume-dev/brume/gateway/http1"
)

// sniffing is a listener for net/http, of connections that speak TLS, as the first byte says (a TLS handshake begins with
// 0x16, which begins no HTTP request), and of those that plain hands over.
type sniffing struct {
	net.Listener
	config *tls.Config
	plain  *http1.Server
	ready  chan net.Conn
	done   chan struct{}
	once   sync.Once
	fail   error // set before done is closed
}

// newSniffing wraps l. run must be running for Accept to return anything.
func newSniffing(l net.Listener, config *tls.Config, plain *http1.Server) *sniffing {
	s := &sniffing{Listener: l, config: config, plain: plain, ready: make(chan net.Conn), done: make(chan struct{})}
	plain.HandOver = s.offer
	return s
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
	if first[0] == 0x16 && s.config != nil {
		s.offer(tls.Server(http1.Begun(c, first[:]), s.config))
		return
	}
	s.plain.Serve(c, first[:])
}

// offer gives c to net/http.
func (s *sniffing) offer(c net.Conn) {
	select {
	case s.ready <- c:
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
