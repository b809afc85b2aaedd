package bench

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"testing"
)

func reading(text string) *conn {
	return &conn{r: bufio.NewReaderSize(strings.NewReader(text), readBuffer)}
}

func TestRead(t *testing.T) {
	for _, c := range []struct {
		name, text string
		status     int
		body       string
		ok, last   bool
		err        error
	}{
		{"length", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello", 200, "hello", true, false, nil},
		{"nothing", "HTTP/1.1 204 No Content\r\n\r\n", 204, "", true, false, nil},
		{"chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nhel\r\n2\r\nlo\r\n0\r\nTrailer: x\r\n\r\n", 200, "hello", true, false, nil},
		{"until the end", "HTTP/1.0 200 OK\r\n\r\nhello", 200, "hello", true, true, nil},
		{"closed", "HTTP/1.1 400 Bad Request\r\nConnection: Close\r\nContent-Length: 2\r\n\r\n{}", 400, "{}", false, true, nil},
		{"interim", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", 200, "hi", true, false, nil},
		{"function's error", "HTTP/1.1 200 OK\r\nX-Amz-Function-Error: Unhandled\r\nContent-Length: 2\r\n\r\n{}", 200, "{}", false, false, nil},
		{"no HTTP", "SSH-2.0-OpenSSH\r\n", 0, "", false, false, errMalformed},
		{"no status", "HTTP/1.1 abc\r\n\r\n", 0, "", false, false, errMalformed},
		{"bad length", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", 0, "", false, false, errMalformed},
		{"bad chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 0, "", false, false, errMalformed},
		{"too much", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7fffffff\r\n", 0, "", false, false, errMalformed},
		{"cut short", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", 0, "", false, false, io.ErrUnexpectedEOF},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, err := reading(c.text).read()
			if c.err != nil {
				if !errors.Is(err, c.err) {
					t.Fatalf("error %v, want %v", err, c.err)
				}
				return
			}
			if err != nil || a.status != c.status || string(a.body) != c.body || a.ok() != c.ok || a.last != c.last {
				t.Errorf("%d %q ok %v last %v, %v", a.status, a.body, a.ok(), a.last, err)
			}
		})
	}
}

// Whatever a server sends, reading ends, and holds no more than it should.
func FuzzRead(f *testing.F) {
	f.Add("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
	f.Add("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n0\r\n\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		a, err := reading(text).read()
		if err == nil && (a.status < 200 || a.status > 999 || len(a.body) > len(text)) {
			t.Errorf("status %d, %d bytes of %d", a.status, len(a.body), len(text))
		}
	})
}
