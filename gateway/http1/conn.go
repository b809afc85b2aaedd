package http1

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// conn is a connection. One goroutine uses it, but for a watch that is running, and retire.
type conn struct {
	net.Conn
	server *Server
	remote string
	buf    []byte // read and not used yet
	space  *[]byte
	answer answer
	armed  time.Time // until when reading may wait, as the connection has been told
	begun  bool      // that is for the rest of a head
	shared bool      // a handler may have left a goroutine that reads a body out of buf
	given  []byte

	// state tells Shutdown whether the connection may be cut: waiting for a request, or not.
	state atomic.Int32 // waiting, working or retired
}

const (
	waiting int32 = iota
	working
	retired
)

// spaces are the buffers of connections: of heads, and of answers.
var spaces = sync.Pool{New: func() any { b := make([]byte, maxHead); return &b }}

func newConn(s *Server, c net.Conn, given []byte) *conn {
	return &conn{Conn: c, server: s, remote: c.RemoteAddr().String(), given: given}
}

// errHandOver says that the next request is for net/http.
var errHandOver = errors.New("http1: not a plain request")

// serve answers requests until the connection ends, which closes it, or is to be handed over, which returns it.
func (c *conn) serve() net.Conn {
	c.space = spaces.Get().(*[]byte)
	c.buf = (*c.space)[:copy(*c.space, c.given)]
	defer func() {
		if !c.shared {
			spaces.Put(c.space)
		}
	}()
	for {
		r, err := c.next()
		if errors.Is(err, errHandOver) {
			_ = c.SetReadDeadline(time.Time{})
			return Begun(c.Conn, bytes.Clone(c.buf))
		}
		if err != nil || !c.once(r) || !c.state.CompareAndSwap(working, waiting) {
			c.Conn.Close()
			return nil
		}
	}
}

// retire has a connection end that waits for a request, or else after the request under way.
func (c *conn) retire() {
	if c.state.Swap(retired) == waiting {
		c.Conn.Close()
	}
}

// next reads the head of the next request. What follows it stays in c.buf.
func (c *conn) next() (*request, error) {
	for {
		if end := bytes.Index(c.buf, []byte("\r\n\r\n")); end >= 0 {
			r, err := parse(c.buf[:end+2])
			if err != nil {
				return nil, err
			}
			c.buf = c.buf[end+4:]
			c.begun = false
			if !c.state.CompareAndSwap(waiting, working) {
				return nil, net.ErrClosed
			}
			return r, nil
		}
		if len(c.buf) > 0 && !plausible(c.buf) {
			return nil, errHandOver
		}
		if err := c.fill(); err != nil {
			return nil, err
		}
	}
}

// fill reads more of a head.
func (c *conn) fill() error {
	if len(c.buf) == cap(c.buf) && len(c.buf) < len(*c.space) || len(c.buf) == 0 {
		c.buf = (*c.space)[:copy(*c.space, c.buf)]
	}
	if len(c.buf) == len(*c.space) {
		return errHandOver
	}
	if err := c.arm(); err != nil {
		return err
	}
	n, err := c.Read(c.buf[len(c.buf):cap(c.buf)])
	c.buf = c.buf[:len(c.buf)+n]
	if n > 0 {
		return nil
	}
	return err
}

// arm sets the time until which a head may be waited for: from its first byte on, however slowly the rest comes. An idle connection
// is told only now and then: it costs as much as parsing a request.
func (c *conn) arm() error {
	now := time.Now()
	left := c.armed.Sub(now)
	switch {
	case c.begun, len(c.buf) == 0 && left > c.server.Idle*9/10 && left <= c.server.Idle:
		return nil
	case len(c.buf) > 0:
		c.begun, c.armed = true, now.Add(c.server.Head)
	default:
		c.armed = now.Add(c.server.Idle)
	}
	return c.SetReadDeadline(c.armed)
}

// once answers r, and reports whether the connection goes on.
func (c *conn) once(r *request) bool {
	body := &body{conn: c}
	body.left.Store(r.length)
	ctx := &exchange{conn: c, body: body}
	body.exchange = ctx
	c.answer.reset(c, r, body)
	ok := c.handle(r.http(ctx, c.remote))
	intact := ctx.end()
	if !ok || c.answer.finish() != nil || !intact {
		c.shared = body.left.Load() > 0
		return false
	}
	if body.left.Load() > 0 && !body.discard() {
		c.shared = true
		c.lastWords()
		return false
	}
	return !c.answer.close
}

// handle runs the handler, and reports whether it came to its end.
func (c *conn) handle(r *http.Request) (ok bool) {
	defer func() {
		if e := recover(); e != nil {
			ok = false
			if e != http.ErrAbortHandler {
				c.server.Log.Error("panic serving", "remote", c.remote, "error", fmt.Sprint(e), "stack", string(debug.Stack()))
			}
		}
	}()
	c.server.Handler.ServeHTTP(&c.answer, r)
	return true
}

// lastWords lets the client read the answer before its unread request ends the connection.
func (c *conn) lastWords() {
	if w, ok := c.Conn.(interface{ CloseWrite() error }); ok && w.CloseWrite() == nil {
		_ = c.SetReadDeadline(time.Now().Add(lastWords))
		_, _ = io.Copy(io.Discard, c.Conn)
	}
}

// body is the body of a request. Another goroutine than the handler's may read it, one at a time.
type body struct {
	conn     *conn
	exchange *exchange
	left     atomic.Int64 // not read yet; the answer's head depends on it

	mu     sync.Mutex // one reader at a time
	closed bool
}

func (b *body) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	left := b.left.Load()
	switch {
	case b.closed:
		return 0, http.ErrBodyReadAfterClose
	case left == 0:
		return 0, io.EOF
	case int64(len(p)) > left:
		p = p[:left]
	}
	n, err := 0, error(nil)
	if c := b.conn; len(c.buf) > 0 {
		n = copy(p, c.buf)
		c.buf = c.buf[n:]
	} else {
		if !c.armed.IsZero() { // a body may take its time
			c.armed = time.Time{}
			_ = c.SetReadDeadline(time.Time{})
		}
		if n, err = c.Read(p); err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
	}
	if b.left.Add(-int64(n)) == 0 {
		b.exchange.read()
		if err == nil {
			err = io.EOF
		}
	}
	return n, err
}

// Close ends reading; what is left is discarded when the request has been answered.
func (b *body) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	return nil
}

// discard reads what the handler left, if it is little.
func (b *body) discard() bool {
	if b.left.Load() > maxDiscard {
		return false
	}
	b.mu.Lock()
	b.closed = false
	b.mu.Unlock()
	_, err := io.Copy(io.Discard, b)
	return err == nil && b.left.Load() == 0
}
