package bench

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/gateway/sigv4"
)

var credentials = aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}

// Requests are what AWS clients send: signed, each in its turn, answered on connections that are kept.
func TestSlice(t *testing.T) {
	var connections, unsigned, refuse atomic.Int64
	var seen sync.Map
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, err := sigv4.Parse(sigv4.FromRequest(r)); err != nil || c.Scheme == sigv4.Unsigned {
			unsigned.Add(1)
		}
		seen.Store(r.URL.Path, true)
		if r.URL.Path == "/2" && refuse.Load() > 0 {
			http.Error(w, "no", http.StatusBadRequest)
		}
	}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	s.Start()
	defer s.Close()
	var all []*request
	for _, path := range []string{"/1", "/2", "/3"} {
		all = append(all, rest("lambda", http.MethodPost, path, document{"path": path}))
	}
	l := newLoad(&Target{Endpoint: s.URL, Region: "us-east-1", Credentials: credentials}, s.URL, all, 2)
	defer l.close()
	first, err := l.slice(t.Context(), 20*time.Millisecond)
	if err != nil || first.errors > 0 || first.rate() <= 0 || first.quantile(0.5) > first.quantile(0.99) {
		t.Fatalf("%+v, %v", first, err)
	}
	refuse.Store(1)
	second, err := l.slice(t.Context(), 20*time.Millisecond)
	if err != nil || second.errors == 0 || second.first.Error() != "status 400: no\n" {
		t.Errorf("refusals: %d, the first %v, %v", second.errors, second.first, err)
	}
	if connections.Load() != 2 || unsigned.Load() > 0 {
		t.Errorf("%d connections, %d unsigned requests", connections.Load(), unsigned.Load())
	}
	for _, path := range []string{"/1", "/2", "/3"} {
		if _, ok := seen.Load(path); !ok {
			t.Errorf("%s was never sent", path)
		}
	}
}

// A request is signed anew when its second is over, and only then.
func TestSignedOncePerSecond(t *testing.T) {
	target := &Target{Endpoint: "http://127.0.0.1:1", Region: "us-east-1", Credentials: credentials}
	r := rest("lambda", http.MethodPost, "/", document{"a": 1})
	now := time.Unix(1_800_000_000, 0)
	one, _ := r.bytes(target, now)
	same, _ := r.bytes(target, now.Add(900*time.Millisecond))
	other, err := r.bytes(target, now.Add(time.Second))
	if err != nil || &one[0] != &same[0] || bytes.Equal(one, other) {
		t.Errorf("%v\n%s\n%s\n%s", err, one, same, other)
	}
}

// Whoever was answered finds what it sent in the file.
func TestAppender(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	a := newAppender(f)
	ended := make(chan struct{})
	go func() { a.run(); close(ended) }()
	var writers sync.WaitGroup
	for i := range byte(32) {
		writers.Go(func() {
			for range 10 {
				if err := a.append(bytes.Repeat([]byte{'A' + i}, 100)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	b, err := os.ReadFile(f.Name())
	if err != nil || len(b) != 32*10*100 {
		t.Errorf("%d bytes, %v", len(b), err)
	}
	for i := range byte(32) {
		if n := bytes.Count(b, bytes.Repeat([]byte{'A' + i}, 100)); n != 10 {
			t.Errorf("%d bodies of writer %d", n, i)
		}
	}
	if s := a.syncs(); s.Count < 1 || s.Count > 320 {
		t.Errorf("%+v", s)
	}
	a.close()
	<-ended
	if err := a.append([]byte("late")); err != errClosed {
		t.Errorf("after the end: %v", err)
	}
}

func TestUnknownCase(t *testing.T) {
	b := &Bench{Out: new(bytes.Buffer)}
	if err := b.Run(context.Background(), []string{"nonsense"}); err == nil {
		t.Error("it was run")
	}
}

func TestMedian(t *testing.T) {
	if m := median([]float64{9, 1, 5}); m != 5 {
		t.Error(m)
	}
	if m := median([]float64{4, 1, 2, 9}); m != 3 {
		t.Error(m)
	}
}
