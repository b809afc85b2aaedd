package bench

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strconv"
)

const (
	// maxAnswer bounds the body of an answer: nothing that is measured answers more.
	maxAnswer = 8 << 20
	// readBuffer holds the head of any answer; a line longer than it is an error.
	readBuffer = 8 << 10
)

// dial connects to the host of an endpoint. Certificates are not checked: it is its speed that is asked after.
func dial(ctx context.Context, endpoint string) (*conn, error) {
	u, err := url.Parse(endpoint)
	if err != nil {
		return nil, err
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		return nil, err
	}
	if u.Scheme == "https" {
		c = tls.Client(c, &tls.Config{ServerName: u.Hostname(), InsecureSkipVerify: true})
	}
	return &conn{Conn: c, r: bufio.NewReaderSize(c, readBuffer)}, nil
}

// conn is a connection that is kept open, with as little of HTTP/1.1 as it takes to send a request that is bytes already
// and to find the end of its answer: the client shares the machine with what it measures.
type conn struct {
	net.Conn
	r    *bufio.Reader
	body []byte
}

// answer is what came back. Its body is the connection's, until the next exchange.
type answer struct {
	status int
	failed bool // a function's own error, which comes with status 200
	last   bool // the connection ends with it
	body   []byte
}

// ok reports whether the request did what it should.
func (a *answer) ok() bool { return a.status/100 == 2 && !a.failed }

// exchange sends a request and reads the whole answer.
func (c *conn) exchange(wire []byte) (answer, error) {
	if _, err := c.Write(wire); err != nil {
		return answer{}, err
	}
	return c.read()
}

var errMalformed = errors.New("malformed HTTP answer")

// read reads an answer; those before the final one are skipped.
func (c *conn) read() (answer, error) {
	for {
		a, length, err := c.head()
		if err != nil {
			return a, err
		}
		if a.status/100 == 1 {
			continue
		}
		c.body = c.body[:0]
		switch {
		case a.status == 204 || a.status == 304:
		case length == chunked:
			err = c.chunks()
		case length == untilClose:
			a.last = true
			err = c.take(io.LimitReader(c.r, maxAnswer))
		default:
			err = c.exactly(length)
		}
		a.body = c.body
		return a, err
	}
}

// The lengths of bodies that are not told beforehand.
const (
	chunked    = -1
	untilClose = -2
)

func (c *conn) head() (a answer, length int, err error) {
	line, err := c.line()
	if err != nil {
		return a, 0, err
	}
	if len(line) < len("HTTP/1.1 200") || !bytes.HasPrefix(line, []byte("HTTP/1.")) || line[8] != ' ' {
		return a, 0, fmt.Errorf("%w: it begins %q", errMalformed, line)
	}
	if a.status, err = strconv.Atoi(string(line[9:12])); err != nil || a.status < 100 {
		return a, 0, fmt.Errorf("%w: status %q", errMalformed, line[9:12])
	}
	length = untilClose
	for {
		if line, err = c.line(); err != nil || len(line) == 0 {
			return a, length, err
		}
		name, value, found := bytes.Cut(line, []byte(":"))
		if !found {
			return a, 0, fmt.Errorf("%w: header %q", errMalformed, line)
		}
		value = bytes.TrimSpace(value)
		switch {
		case is(name, "content-length"):
			n, err := strconv.Atoi(string(value))
			if err != nil || n < 0 || n > maxAnswer {
				return a, 0, fmt.Errorf("%w: length %q", errMalformed, value)
			}
			if length != chunked {
				length = n
			}
		case is(name, "transfer-encoding"):
			length = chunked
		case is(name, "connection"):
			a.last = is(value, "close")
		case is(name, "x-amz-function-error"):
			a.failed = true
		}
	}
}

// is compares without regard to case; lower is in small letters.
func is(b []byte, lower string) bool {
	if len(b) != len(lower) {
		return false
	}
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

func (c *conn) line() ([]byte, error) {
	line, err := c.r.ReadSlice('\n')
	if err != nil {
		return nil, err
	}
	return bytes.TrimRight(line, "\r\n"), nil
}

func (c *conn) chunks() error {
	for {
		line, err := c.line()
		if err != nil {
			return err
		}
		size, _, _ := bytes.Cut(line, []byte(";"))
		n, err := strconv.ParseUint(string(bytes.TrimSpace(size)), 16, 31)
		if err != nil {
			return fmt.Errorf("%w: chunk %q", errMalformed, line)
		}
		if n == 0 {
			break
		}
		if err := c.exactly(int(n)); err != nil {
			return err
		}
		if line, err = c.line(); err != nil || len(line) > 0 {
			return errors.Join(err, errMalformed)
		}
	}
	for { // trailers
		if line, err := c.line(); err != nil || len(line) == 0 {
			return err
		}
	}
}

// exactly appends the next n bytes to the body.
func (c *conn) exactly(n int) error {
	have := len(c.body)
	if have+n > maxAnswer {
		return fmt.Errorf("%w: more than %d bytes", errMalformed, maxAnswer)
	}
	if cap(c.body) < have+n {
		c.body = append(make([]byte, 0, 2*(have+n)), c.body...)
	}
	c.body = c.body[:have+n]
	_, err := io.ReadFull(c.r, c.body[have:])
	return err
}

func (c *conn) take(r io.Reader) error {
	b, err := io.ReadAll(r)
	c.body = append(c.body, b...)
	return err
}
