package gateway_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/brume-dev/brume/gateway"
	"github.com/brume-dev/brume/gateway/authority"
	"github.com/brume-dev/brume/gateway/sigv4"
)

// serve runs h on a port of its own until stop, or the end of the test; stop gives what Run returned.
func serve(t testing.TB, h http.Handler) (addr string, a *authority.Authority, stop func() error) {
	t.Helper()
	a, err := authority.Open(t.TempDir(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &gateway.Server{Handler: h, TLS: a.TLS(), Log: slog.New(slog.DiscardHandler)}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx, l) }()
	stop = sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	t.Cleanup(func() { stop() })
	return l.Addr().String(), a, stop
}

// Clear text and TLS, HTTP/1.1 and HTTP/2, on one port.
func TestOnePort(t *testing.T) {
	addr, a, stop := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s tls=%v %s", r.Proto, r.TLS != nil, body)
	}))
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(a.PEM())
	for _, c := range []struct {
		scheme string
		http2  bool
		want   string
	}{
		{"http", false, "HTTP/1.1 tls=false body"}, {"https", false, "HTTP/1.1 tls=true body"},
		{"http", true, "HTTP/2.0 tls=false body"}, {"https", true, "HTTP/2.0 tls=true body"},
	} {
		p := new(http.Protocols)
		p.SetHTTP1(!c.http2)
		p.SetHTTP2(c.http2)
		p.SetUnencryptedHTTP2(c.http2)
		tr := &http.Transport{Protocols: p, TLSClientConfig: &tls.Config{RootCAs: roots}}
		res, err := (&http.Client{Transport: tr}).Post(c.scheme+"://"+addr, "", strings.NewReader("body"))
		if err != nil {
			t.Errorf("%s, HTTP/2 %v: %v", c.scheme, c.http2, err)
			continue
		}
		got, _ := io.ReadAll(res.Body)
		res.Body.Close()
		tr.CloseIdleConnections()
		if string(got) != c.want {
			t.Errorf("%s, HTTP/2 %v: %s, want %s", c.scheme, c.http2, got, c.want)
		}
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// A client that says nothing holds up nobody, neither others nor the end.
func TestSilentClient(t *testing.T) {
	addr, _, stop := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "answered") }))
	silent, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	res, err := http.Get("http://" + addr)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if err := stop(); err != nil {
		t.Error(err)
	}
	if _, err := net.Dial("tcp", addr); err == nil {
		t.Error("the port is still open")
	}
}

// A request under way when the end comes is answered.
func TestGracefulEnd(t *testing.T) {
	begun, goOn := make(chan bool), make(chan bool)
	addr, _, stop := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun <- true
		<-goOn
		io.WriteString(w, "answered")
	}))
	answer := make(chan string, 1)
	go func() {
		res, err := http.Get("http://" + addr)
		if err != nil {
			answer <- err.Error()
			return
		}
		b, _ := io.ReadAll(res.Body)
		answer <- string(b)
	}()
	<-begun
	ended := make(chan error, 1)
	go func() { ended <- stop() }()
	goOn <- true
	if got := <-answer; got != "answered" {
		t.Error(got)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// Expect: 100-continue: a refused upload is never sent.
func TestExpectContinue(t *testing.T) {
	h := newHouse(false)
	addr, _, _ := serve(t, h)
	for _, c := range []struct {
		secret string
		want   string
	}{{"test", "HTTP/1.1 100"}, {"wrong", "HTTP/1.1 403"}} {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		r, _ := http.NewRequest("PUT", "http://"+addr+"/bucket/key", strings.NewReader("hello"))
		creds := longTerm
		creds.SecretAccessKey = c.secret
		sigv4.Sign(r, creds, "us-east-1", "s3", []byte("hello"), now)
		fmt.Fprintf(conn, "PUT /bucket/key HTTP/1.1\r\nHost: %s\r\nContent-Length: 5\r\nExpect: 100-continue\r\n", addr)
		r.Header.Write(conn)
		io.WriteString(conn, "\r\n")
		got := make([]byte, len(c.want))
		if _, err := io.ReadFull(conn, got); err != nil || string(got) != c.want {
			t.Errorf("%s: %q, %v", c.secret, got, err)
		}
		conn.Close()
	}
}

// A client that asks before it sends an empty body is told to go on, and then gets its answer.
func TestExpectContinueEmpty(t *testing.T) {
	addr, _, _ := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	const want = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n"
	for range 2 { // on the same connection
		io.WriteString(conn, "PUT /k HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nExpect: 100-continue\r\n\r\n")
		in := bufio.NewReader(conn)
		got := make([]byte, len(want))
		if _, err := io.ReadFull(in, got); err != nil || string(got) != want {
			t.Fatalf("%q, %v, want %q", got, err, want)
		}
		for line := "-"; line != "\r\n"; {
			if line, err = in.ReadString('\n'); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// The whole way of a call that does nothing, through a socket, beside a bare net/http handler that reads as much and
// answers as much.
func BenchmarkHTTP(b *testing.B) {
	h := newHouse(false)
	const body = `{"TableName":"t","Key":{"k":{"S":"0123456789"}}}`
	for _, c := range []struct {
		name    string
		handler http.Handler
	}{
		{"bare", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			w.Header()["Content-Type"] = []string{json10}
			io.WriteString(w, "{}")
		})},
		{"gateway", h},
	} {
		b.Run(c.name, func(b *testing.B) {
			addr, _, _ := serve(b, c.handler)
			r, _ := http.NewRequest("POST", "http://"+addr+"/", nil)
			r.Header.Set("Content-Type", json10)
			r.Header.Set("X-Amz-Target", "DynamoDB_20120810.GetItem")
			r.Header.Set("User-Agent", "bench")
			sigv4.Sign(r, longTerm, "us-east-1", "dynamodb", []byte(body), now)
			var head strings.Builder
			fmt.Fprintf(&head, "POST / HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n", addr, len(body))
			r.Header.Write(&head)
			request := head.String() + "\r\n" + body
			before := cpuTime(b)
			b.RunParallel(func(pb *testing.PB) {
				conn, err := net.Dial("tcp", addr)
				if err != nil {
					b.Error(err)
					return
				}
				defer conn.Close()
				buf := make([]byte, 4096)
				for pb.Next() {
					io.WriteString(conn, request)
					n, err := conn.Read(buf)
					if err != nil || string(buf[9:12]) != "200" {
						b.Errorf("%v %s", err, buf[:n])
						return
					}
				}
			})
			// Client and server together: what counts is the difference to the bare handler.
			b.ReportMetric(float64(cpuTime(b)-before)/float64(b.N), "cpu-ns/op")
		})
	}
}

// cpuTime is the processor time that the process has used.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// The same call without a socket.
func BenchmarkServe(b *testing.B) {
	h := newHouse(false)
	const body = `{"TableName":"t","Key":{"k":{"S":"0123456789"}}}`
	r := signed(getItem(body), longTerm, "dynamodb")
	b.ReportAllocs()
	for b.Loop() {
		r.Body = io.NopCloser(strings.NewReader(body))
		if w := h.answer(r); w.Code != 200 {
			b.Fatal(w.Body)
		}
	}
}
