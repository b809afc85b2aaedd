package http1

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"
)

// answer is the http.ResponseWriter of a connection, for one request after another.
type answer struct {
	conn   *conn
	body   *body
	header http.Header
	out    []byte // not sent yet: the head, as far as it is known, and what follows
	held   []byte // of the body, while its length is not known

	head    bool // the request was a HEAD
	close   bool // the connection ends with this answer
	status  int  // 0 until WriteHeader
	length  int64
	typed   bool // a content type was given, or there must be none
	begun   bool // the head is complete
	chunked bool
	written int64
	err     error
}

// unknown is a length that the handler did not say.
const unknown = -1

func (a *answer) reset(c *conn, r *request, b *body) {
	header := a.header
	if header == nil {
		header = make(http.Header, 8)
	}
	clear(header)
	*a = answer{conn: c, body: b, header: header, out: a.out[:0], held: a.held[:0], head: r.method == http.MethodHead, length: unknown}
}

// Header implements http.ResponseWriter.
func (a *answer) Header() http.Header { return a.header }

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(status int) {
	if status < 100 || status > 999 {
		panic("http1: invalid status " + strconv.Itoa(status))
	}
	if a.status != 0 {
		a.conn.server.Log.Debug("http: superfluous WriteHeader", "status", status)
		return
	}
	if status < 200 && status != http.StatusSwitchingProtocols {
		a.statusLine(status)
		a.fields()
		a.out = append(a.out, "\r\n"...)
		a.send()
		return
	}
	a.status = status
	a.statusLine(status)
	a.typed = !a.bodyAllowed() || a.header["Content-Encoding"] != nil
	a.fields()
}

func (a *answer) statusLine(status int) {
	a.out = append(a.out, "HTTP/1.1 "...)
	a.out = strconv.AppendInt(a.out, int64(status), 10)
	a.out = append(a.out, ' ')
	if text := http.StatusText(status); text != "" {
		a.out = append(a.out, text...)
	} else {
		a.out = append(append(a.out, "status code "...), strconv.Itoa(status)...)
	}
	a.out = append(a.out, "\r\n"...)
}

// fields writes the handler's header fields, and learns from them.
func (a *answer) fields() {
	dated := false
	for name, values := range a.header {
		switch name {
		case "Content-Length":
			a.declare(values)
			continue
		case "Transfer-Encoding":
			continue
		case "Content-Type":
			if a.typed = true; a.status == http.StatusNotModified {
				continue
			}
		case "Date":
			dated = true
		case "Connection":
			a.close = a.close || httpguts.HeaderValuesContainsToken(values, "close")
		}
		if !httpguts.ValidHeaderFieldName(name) {
			continue
		}
		for _, v := range values {
			a.field(name, v)
		}
	}
	if !dated && a.status != 0 {
		a.field("Date", a.conn.server.now())
	}
}

// declare takes the handler's word for the length of the body, if it is one.
func (a *answer) declare(values []string) {
	if len(values) == 0 || !a.bodyAllowed() {
		return
	}
	if n, err := strconv.ParseUint(strings.TrimSpace(values[0]), 10, 63); err == nil {
		a.length = int64(n)
		a.field("Content-Length", values[0])
	}
}

func (a *answer) field(name, value string) {
	a.out = append(append(a.out, name...), ": "...)
	at := len(a.out)
	a.out = append(a.out, strings.Trim(value, " \t\r\n")...)
	for i := at; i < len(a.out); i++ {
		if a.out[i] == '\r' || a.out[i] == '\n' { // no value makes a line of its own
			a.out[i] = ' '
		}
	}
	a.out = append(a.out, "\r\n"...)
}

func (a *answer) bodyAllowed() bool {
	return a.status >= 200 && a.status != http.StatusNoContent && a.status != http.StatusNotModified
}

// begin completes the head. first is the beginning of the body, whole says that it is all of it.
func (a *answer) begin(first []byte, whole bool) {
	a.begun = true
	if !a.typed && len(first) > 0 {
		a.field("Content-Type", http.DetectContentType(first[:min(len(first), sniffed)]))
	}
	switch {
	case a.length != unknown || !a.bodyAllowed():
	case whole && (!a.head || len(first) > 0):
		a.length = int64(len(first))
		a.field("Content-Length", strconv.Itoa(len(first)))
	case !whole && !a.head:
		a.chunked = true
		a.field("Transfer-Encoding", "chunked")
	}
	if a.header["Connection"] == nil && (a.body.left.Load() > maxDiscard || a.conn.state.Load() == retired) {
		a.close = true
		a.field("Connection", "close")
	}
	a.out = append(a.out, "\r\n"...)
}

// Write implements http.ResponseWriter.
func (a *answer) Write(p []byte) (int, error) {
	if a.status == 0 {
		a.WriteHeader(http.StatusOK)
	}
	switch {
	case a.err != nil:
		return 0, a.err
	case len(p) == 0:
		return 0, nil
	case !a.bodyAllowed():
		return 0, http.ErrBodyNotAllowed
	}
	a.written += int64(len(p))
	if a.length != unknown && a.written > a.length {
		return 0, http.ErrContentLength
	}
	if !a.begun && a.length == unknown {
		if a.held = append(a.held, p...); len(a.held) <= maxHeld {
			return len(p), nil
		}
		a.begin(a.held, false)
		a.put(a.held)
		return len(p), a.err
	}
	if !a.begun {
		a.begin(p, false)
	}
	a.put(p)
	return len(p), a.err
}

// WriteString implements io.StringWriter.
func (a *answer) WriteString(s string) (int, error) { return a.Write([]byte(s)) }

// put adds a part of the body to what goes out, and sends what has become much.
func (a *answer) put(p []byte) {
	switch {
	case a.head:
		return
	case a.chunked:
		a.out = append(strconv.AppendInt(a.out, int64(len(p)), 16), "\r\n"...)
		a.out = append(append(a.out, p...), "\r\n"...)
	case len(a.out)+len(p) > 4*maxHeld:
		a.send()
		if a.err == nil {
			_, a.err = a.conn.Write(p)
		}
		return
	default:
		a.out = append(a.out, p...)
	}
	if len(a.out) > maxHeld {
		a.send()
	}
}

func (a *answer) send() {
	if a.err == nil && len(a.out) > 0 {
		_, a.err = a.conn.Write(a.out)
	}
	a.out = a.out[:0]
}

// Flush implements http.Flusher.
func (a *answer) Flush() { _ = a.FlushError() }

// FlushError is Flush for http.ResponseController.
func (a *answer) FlushError() error {
	if a.status == 0 {
		a.WriteHeader(http.StatusOK)
	}
	if !a.begun {
		held := a.held
		if a.begin(held, false); len(held) > 0 {
			a.put(held)
		}
	}
	a.send()
	return a.err
}

// ReadFrom implements io.ReaderFrom: files go out without coming through memory.
func (a *answer) ReadFrom(r io.Reader) (int64, error) {
	if a.status == 0 {
		a.WriteHeader(http.StatusOK)
	}
	to, ok := a.conn.Conn.(io.ReaderFrom)
	if !ok || a.length == unknown || a.head || !a.typed || !a.bodyAllowed() {
		return io.Copy(struct{ io.Writer }{a}, r)
	}
	if !a.begun {
		a.begin(nil, false)
	}
	a.send()
	if a.err != nil {
		return 0, a.err
	}
	left := a.length - a.written
	if l, ok := r.(*io.LimitedReader); !ok || l.N > left { // the kernel's way is found behind one limit, not behind two
		r = io.LimitReader(r, left)
	}
	n, err := to.ReadFrom(r)
	a.written += n
	return n, err
}

// finish sends what is left. It returns an error when the client has not got what it was told to expect. A connection that waits for its
// next request keeps no large buffer.
func (a *answer) finish() error {
	defer func() {
		if cap(a.out) > 4*maxHeld {
			a.out = nil
		}
		if cap(a.held) > 4*maxHeld {
			a.held = nil
		}
	}()
	if a.status == 0 {
		a.WriteHeader(http.StatusOK)
	}
	if !a.begun {
		a.begin(a.held, true)
		if len(a.held) > 0 {
			a.put(a.held)
		}
	}
	if a.chunked {
		a.out = append(a.out, "0\r\n\r\n"...)
	}
	a.send()
	if a.err == nil && a.length != unknown && !a.head && a.bodyAllowed() && a.written != a.length {
		return io.ErrUnexpectedEOF
	}
	return a.err
}

// stamp is a second, as the Date field writes it.
type stamp struct {
	second int64
	text   string
}

// now is the time for the Date field.
func (s *Server) now() string {
	t := time.Now()
	if d := s.date.Load(); d != nil && d.second == t.Unix() {
		return d.text
	}
	d := &stamp{t.Unix(), t.UTC().Format(http.TimeFormat)}
	s.date.Store(d)
	return d.text
}
