package http1_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/brume-dev/brume/gateway/http1"
)

// both starts net/http and this package on the same handler, and returns their addresses. handed counts the connections that this
// package gave away.
func both(t testing.TB, h http.Handler) (theirs, ours string, handed *atomic.Int32) {
	t.Helper()
	handed = new(atomic.Int32)
	quiet := slog.New(slog.DiscardHandler)
	l := listen(t)
	std := &http.Server{Handler: h, ErrorLog: slog.NewLogLogger(quiet.Handler(), slog.LevelInfo)}
	go std.Serve(l)
	given := &queue{Listener: listen(t), conns: make(chan net.Conn), done: make(chan struct{})}
	rest := &http.Server{Handler: h, ErrorLog: std.ErrorLog}
	go rest.Serve(given)
	s := &http1.Server{Handler: h, Log: quiet, Idle: time.Minute, Head: time.Minute, HandOver: func(c net.Conn) {
		handed.Add(1)
		given.conns <- c
	}}
	accept := listen(t)
	go func() {
		for {
			c, err := accept.Accept()
			if err != nil {
				return
			}
			go s.Serve(c, nil)
		}
	}()
	t.Cleanup(func() {
		accept.Close()
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		s.Shutdown(ctx)
		std.Close()
		rest.Close()
	})
	return l.Addr().String(), accept.Addr().String(), handed
}

func listen(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// queue is a listener of connections that come by a channel.
type queue struct {
	net.Listener
	conns chan net.Conn
	done  chan struct{}
}

func (q *queue) Accept() (net.Conn, error) {
	select {
	case c := <-q.conns:
		return c, nil
	case <-q.done:
		return nil, net.ErrClosed
	}
}

func (q *queue) Close() error {
	close(q.done)
	return q.Listener.Close()
}

// talk sends raw, closes its side, and returns all that comes back but the Date fields.
func talk(t *testing.T, address, raw string) string {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(2 * time.Minute))
	if _, err := io.WriteString(c, raw); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(c)
	var out strings.Builder
	for method := range strings.SplitSeq(methodsOf(raw), " ") {
		resp, err := http.ReadResponse(r, &http.Request{Method: method})
		if err != nil {
			fmt.Fprintf(&out, "no answer: %v\n", err)
			break
		}
		body, err := io.ReadAll(resp.Body)
		resp.Header.Del("Date")
		fmt.Fprintf(&out, "%s length %d %v close %v err %v\n", resp.Status, resp.ContentLength, resp.TransferEncoding, resp.Close, err)
		for _, k := range slices.Sorted(maps.Keys(resp.Header)) {
			fmt.Fprintf(&out, "  %s: %q\n", k, resp.Header[k])
		}
		fmt.Fprintf(&out, "%q\n", body)
	}
	return out.String()
}

// methodsOf are the methods of the requests in raw, each of which begins a line with "METHOD /".
func methodsOf(raw string) string {
	var all []string
	for line := range strings.SplitSeq(raw, "\r\n") {
		if m, _, ok := strings.Cut(line, " HTTP/1."); ok {
			m, _, _ = strings.Cut(m, " ")
			all = append(all, m)
		}
	}
	return strings.Join(all, " ")
}

// mirror answers with the request as a handler sees it.
func mirror(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	host, _, _ := net.SplitHostPort(r.RemoteAddr)
	fmt.Fprintf(w, "%s %q %q %s %d %d host %q from %s uri %q length %d te %v close %v %q err %v\n", r.Method, r.URL.String(), r.URL.RawQuery, r.Proto, r.ProtoMajor,
		r.ProtoMinor, r.Host, host, r.RequestURI, r.ContentLength, r.TransferEncoding, r.Close, body, err)
	for _, k := range slices.Sorted(maps.Keys(r.Header)) {
		fmt.Fprintf(w, "%s: %q\n", k, r.Header[k])
	}
}

const head = " HTTP/1.1\r\nHost: 127.0.0.1\r\n"

// TestRequests sends requests of all kinds to net/http and to this package: both must see and answer the same.
func TestRequests(t *testing.T) {
	theirs, ours, handed := both(t, http.HandlerFunc(mirror))
	for _, c := range []struct {
		raw   string
		plain bool
	}{
		{"GET /" + head + "\r\n", true},
		{"HEAD /x" + head + "\r\n", true},
		{"POST /" + head + "Content-Length: 5\r\nX-Amz-Target: A.B\r\nx-amz-date: now\r\n\r\nhello", true},
		{"PUT /a%2Fb/../c?x=1&y=%20+" + head + "Content-Length: 0\r\n\r\n", true},
		{"DELETE //double" + head + "X-Two: 1\r\nx-two:2\r\nX-Empty:\r\nX-Space: \t a b \t\r\n\r\n", true},
		{"PATCH /?q" + head + "Connection: keep-alive\r\nCookie: a=b\r\nAccept-Encoding: identity\r\n\r\n", true},
		{"OPTIONS /x" + head + "Origin: http://a\r\n\r\n", true},
		{"POST /1" + head + "Content-Length: 3\r\n\r\nonePOST /2" + head + "Content-Length: 3\r\n\r\ntwoGET /3" + head + "\r\n", true},
		{"GET /p" + head + "X-UTF8: sm\u00f8rrebr\u00f8d\r\n\r\n", true},
		{"POST /" + head + "Content-Length: 20000\r\n\r\n" + strings.Repeat("x", 20000), true},

		{"OPTIONS *" + head + "\r\n", false},
		{"GET http://example.com/abs" + head + "\r\n", false},
		{"GET / HTTP/1.0\r\n\r\n", false},
		{"BREW /" + head + "\r\n", false},
		{"GET /" + head + "Connection: close\r\n\r\n", false},
		{"POST /" + head + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", false},
		{"POST /" + head + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n3\r\nabc\r\n0\r\n\r\n", false},
		{"GET /" + head + "Host: two\r\n\r\n", false},
		{"GET / HTTP/1.1\r\n\r\n", false},
		{"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", false},
		{"GET /" + head + "Bad Name: x\r\n\r\n", false},
		{"GET /" + head + "X: a\x01b\r\n\r\n", false},
		{"GET /" + head + "X: a\r\n folded\r\n\r\n", false},
		{"GET /%zz" + head + "\r\n", false},
		{"GET / " + head + "\r\n", false},
		{"POST /" + head + "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", false},
		{"POST /" + head + "Content-Length: -3\r\n\r\n", false},
		{"POST /" + head + "Content-Length: 99999999999999999999\r\n\r\n", false},
		{"GET /" + head + "Pragma: no-cache\r\n\r\n", false},
		{"GET /" + head + "X-Long: " + strings.Repeat("y", 10_000) + "\r\n\r\n", false},
		{"GET /one" + head + "\r\nPOST /two" + head + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nGET /three" + head + "\r\n", false},
	} {
		name := strconv.Quote(c.raw[:min(len(c.raw), 60)])
		before := handed.Load()
		want, got := talk(t, theirs, c.raw), talk(t, ours, c.raw)
		if got != want {
			t.Errorf("%s:\n--- net/http\n%s--- http1\n%s", name, want, got)
		}
		if plain := handed.Load() == before; plain != c.plain {
			t.Errorf("%s: served here: %v, want %v", name, plain, c.plain)
		}
	}
}

// TestAnswers has handlers of all kinds answer through net/http and through this package.
func TestAnswers(t *testing.T) {
	big := strings.Repeat("0123456789", 10_000)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte(big), 0o600); err != nil {
		t.Fatal(err)
	}
	handlers := map[string]http.HandlerFunc{
		"/nothing": func(http.ResponseWriter, *http.Request) {},
		"/204":     func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) },
		"/304":     func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Etag", `"x"`); w.WriteHeader(304) },
		"/status":  func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(599); io.WriteString(w, "odd") },
		"/twice": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(201)
			w.WriteHeader(500)
			io.WriteString(w, "one")
		},
		"/sniff": func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<html><body>") },
		"/untyped": func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Content-Type"] = nil
			io.WriteString(w, "<html>")
		},
		"/undated": func(w http.ResponseWriter, _ *http.Request) { w.Header()["Date"] = nil; io.WriteString(w, "x") },
		"/encoded": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			io.WriteString(w, "x")
		},
		"/split": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-A", "a\r\nX-B: b")
			w.Header().Set("bad name", "x")
			io.WriteString(w, "x")
		},
		"/exact": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "3")
			io.WriteString(w, "abc")
		},
		"/close": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Connection", "close")
			io.WriteString(w, "bye")
		},
		"/late": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(200)
			w.Header().Set("X-Late", "1")
			io.WriteString(w, "x")
		},
		"/big": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			io.WriteString(w, big)
		},
		"/bigexact": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", strconv.Itoa(len(big)))
			io.WriteString(w, big)
		},
		"/file": func(w http.ResponseWriter, _ *http.Request) {
			f, err := os.Open(file)
			if err != nil {
				panic(err)
			}
			defer f.Close()
			w.Header().Set("Content-Type", "application/octet-stream")
			w.Header().Set("Content-Length", strconv.Itoa(len(big)))
			io.CopyN(w, f, int64(len(big)))
		},
		"/flushed": func(w http.ResponseWriter, _ *http.Request) {
			for i := range 3 {
				fmt.Fprintf(w, "part %d", i)
				w.(http.Flusher).Flush()
			}
		},
		"/more": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "3")
			_, err := io.WriteString(w, "abcd")
			w.Header().Set("X", fmt.Sprint(err))
			io.WriteString(w, "abc")
		},
		"/less": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "10")
			io.WriteString(w, "abc")
		},
		"/abort": func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "abc"); panic(http.ErrAbortHandler) },
		"/panic": func(http.ResponseWriter, *http.Request) { panic("our own fault") },
		"/early": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(103)
			w.WriteHeader(200)
			io.WriteString(w, "x")
		},
	}
	theirs, ours, handed := both(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handlers[r.URL.Path](w, r) }))
	for path := range handlers {
		for _, raw := range []string{"GET " + path + head + "\r\n", "HEAD " + path + head + "\r\n",
			"POST " + path + head + "Content-Length: 4\r\n\r\nbody" + "GET /exact" + head + "\r\n"} {
			if want, got := talk(t, theirs, raw), talk(t, ours, raw); got != want {
				t.Errorf("%q:\n--- net/http\n%s--- http1\n%s", raw[:20], want, got)
			}
		}
	}
	if n := handed.Load(); n != 0 {
		t.Errorf("%d connections were handed over", n)
	}
}

// TestHangUp: a handler that waits for its context's end gets it when the client goes; one that has read nothing of a large
// body answers all the same.
func TestHangUp(t *testing.T) {
	gone := make(chan error, 1)
	_, ours, _ := both(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/wait" {
			io.Copy(io.Discard, r.Body)
			ctx, cancel := context.WithTimeout(r.Context(), 2*time.Minute)
			defer cancel()
			<-ctx.Done()
			gone <- ctx.Err()
		}
	}))
	c, err := net.Dial("tcp", ours)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(c, "POST /wait"+head+"Content-Length: 4\r\n\r\nbody")
	time.AfterFunc(10*time.Millisecond, func() { c.Close() })
	if err := <-gone; err != context.Canceled {
		t.Errorf("the context ended with %v", err)
	}
	out := talk(t, ours, "POST /large"+head+"Content-Length: 100000000\r\n\r\n"+strings.Repeat("x", 100_000))
	if !strings.HasPrefix(out, "200 OK") || !strings.Contains(out, "close true") {
		t.Errorf("a large body that nobody reads: %s", out)
	}
}

// TestWatched: a connection that was watched for its end goes on, with what came meanwhile.
func TestWatched(t *testing.T) {
	theirs, ours, _ := both(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		body, _ := io.ReadAll(r.Body)
		select {
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond):
		}
		fmt.Fprintf(w, "%s %s %v", r.URL.Path, body, ctx.Err())
	}))
	for range 3 {
		raw := ""
		for i := range 5 {
			raw += fmt.Sprintf("POST /%d%sContent-Length: 3\r\n\r\nabc", i, head)
		}
		if want, got := talk(t, theirs, raw), talk(t, ours, raw); got != want {
			t.Errorf("net/http\n%s\nhttp1\n%s", want, got)
		}
		for _, address := range []string{theirs, ours} { // the second request comes while the first is being answered
			c, err := net.Dial("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			r := bufio.NewReader(c)
			io.WriteString(c, "GET /first"+head+"\r\n")
			time.Sleep(5 * time.Millisecond)
			io.WriteString(c, "GET /second"+head+"\r\n")
			for _, want := range []string{"/first  <nil>", "/second  <nil>"} {
				resp, err := http.ReadResponse(r, nil)
				if err != nil {
					t.Fatal(err)
				}
				if body, _ := io.ReadAll(resp.Body); string(body) != want {
					t.Errorf("%s: %q", address, body)
				}
			}
			c.Close()
		}
	}
}

// TestShutdown: requests under way are answered, connections that wait end, and nothing new is taken.
func TestShutdown(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	s := &http1.Server{Log: slog.New(slog.DiscardHandler), Idle: time.Minute, Head: time.Minute, HandOver: func(c net.Conn) { c.Close() },
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			close(entered)
			<-leave
			io.WriteString(w, "done")
		})}
	idle, idleServer := net.Pipe()
	busy, busyServer := net.Pipe()
	go s.Serve(idleServer, nil)
	go s.Serve(busyServer, []byte("G"))
	io.WriteString(busy, "ET /"+head+"\r\n")
	<-entered
	stopped := make(chan struct{})
	go func() {
		s.Shutdown(context.Background())
		close(stopped)
	}()
	if _, err := idle.Read(make([]byte, 1)); err == nil {
		t.Error("an idle connection stays open")
	}
	close(leave)
	resp, err := http.ReadResponse(bufio.NewReader(busy), nil)
	if err != nil {
		t.Fatal(err)
	}
	if body, _ := io.ReadAll(resp.Body); string(body) != "done" || !resp.Close {
		t.Errorf("%q, close %v", body, resp.Close)
	}
	<-stopped
	late, lateServer := net.Pipe()
	go s.Serve(lateServer, nil)
	if _, err := late.Read(make([]byte, 1)); err == nil {
		t.Error("a connection is taken after Shutdown")
	}
}

// TestSilence: neither a connection that never asks nor a head that never ends is waited for beyond what the Server allows.
func TestSilence(t *testing.T) {
	s := &http1.Server{Log: slog.New(slog.DiscardHandler), Idle: 10 * time.Millisecond, Head: 10 * time.Millisecond, Handler: http.NotFoundHandler()}
	for _, sent := range []string{"", "GET / HTT"} {
		c, server := net.Pipe()
		go s.Serve(server, nil)
		io.WriteString(c, sent)
		if b, err := io.ReadAll(c); err != nil || len(b) > 0 {
			t.Errorf("after %q: %q, %v", sent, b, err)
		}
	}
}

// TestSlowHead: a head that comes byte by byte has no more time than any other.
func TestSlowHead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &http1.Server{Log: slog.New(slog.DiscardHandler), Idle: time.Hour, Head: 10 * time.Second, Handler: http.NotFoundHandler()}
		c, server := net.Pipe()
		go s.Serve(server, nil)
		began, sent := time.Now(), 0
		for ; sent < 100; sent++ {
			if _, err := c.Write([]byte{"GET /"[min(sent, 4)]}); err != nil {
				break
			}
			time.Sleep(4 * time.Second)
		}
		if sent != 3 || time.Since(began) != 12*time.Second { // the first byte begins the ten seconds
			t.Errorf("%d bytes taken, in %v", sent, time.Since(began))
		}
	})
}

// FuzzParse holds what is served here against net/http's own parser: whatever both read, they read alike, and what net/http
// refuses is not served here.
func FuzzParse(f *testing.F) {
	f.Add([]byte("POST /a?b=c HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nX-A: 1\r\nx-a: 2\r\n"))
	f.Add([]byte("GET //x HTTP/1.1\r\nHost: [::1]:80\r\nAuthorization: AWS4-HMAC-SHA256 Credential=a/b, Signature=c\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if bytes.Contains(b, []byte("\r\n\r\n")) || !bytes.HasSuffix(b, []byte("\r\n")) {
			return
		}
		ours, err := http1.Parse(b)
		if err != nil {
			return
		}
		theirs, err := http.ReadRequest(bufio.NewReader(io.MultiReader(bytes.NewReader(b), strings.NewReader("\r\n"))))
		if err != nil {
			t.Fatalf("net/http: %v", err)
		}
		if ours.Method != theirs.Method || ours.RequestURI != theirs.RequestURI || ours.URL.String() != theirs.URL.String() || ours.Host != theirs.Host ||
			ours.ContentLength != theirs.ContentLength || !maps.EqualFunc(ours.Header, theirs.Header, slices.Equal) {
			t.Errorf("%+v\n%+v", ours, theirs)
		}
	})
}
