package process

import (
	"net"
	"sync"
)

// doors is the listener on which Brume meets functions: connections that any function makes inside its own network to
// the endpoint's address come out of its Accept.
type doors struct {
	conns chan net.Conn
	gone  chan struct{}
	close sync.Once
}

func newDoors() *doors {
	return &doors{conns: make(chan net.Conn), gone: make(chan struct{})}
}

// open passes on what l accepts, until l is closed.
func (d *doors) open(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		select {
		case d.conns <- c:
		case <-d.gone:
			_ = c.Close()
			return
		}
	}
}

// Accept implements net.Listener.
func (d *doors) Accept() (net.Conn, error) {
	select {
	case c := <-d.conns:
		return c, nil
	case <-d.gone:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (d *doors) Close() error {
	d.close.Do(func() { close(d.gone) })
	return nil
}

// Addr implements net.Listener: the address is the same inside every function.
func (d *doors) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: EndpointPort} }
