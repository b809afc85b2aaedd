package http1

import (
	"io"
	"net"
)

// Begun returns c with the bytes that were read of it put back.
func Begun(c net.Conn, given []byte) net.Conn { return &begun{Conn: c, given: given} }

// begun is used by net/http, which reads from one goroutine at a time.
type begun struct {
	net.Conn
	given []byte
}

func (b *begun) Read(p []byte) (int, error) {
	if len(b.given) == 0 {
		return b.Conn.Read(p)
	}
	n := copy(p, b.given)
	b.given = b.given[n:]
	return n, nil
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
