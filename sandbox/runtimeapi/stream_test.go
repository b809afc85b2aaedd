package runtimeapi

import (
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/brume-dev/brume/sandbox"
)

// stream begins a streamed answer of the invocation id whose body is what is written to the pipe.
func (r *runtime) stream(id string, trailer http.Header) (*io.PipeWriter, chan int) {
	body, w := io.Pipe()
	req, err := http.NewRequest("POST", r.base+"invocation/"+id+"/response", body)
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set(responseMode, "streaming")
	req.Header.Set("Content-Type", "text/plain")
	req.Trailer = trailer
	status := make(chan int, 1)
	go func() {
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			status <- 0
			return
		}
		_ = res.Body.Close()
		status <- res.StatusCode
	}()
	return w, status
}

// invokeStream hands over an invocation whose answer is read from the pipe; the content type is sent first.
func (r *runtime) invokeStream(id string) (*io.PipeReader, chan string, chan outcome) {
	pr, pw := io.Pipe()
	kind, done := make(chan string, 1), make(chan outcome, 1)
	go func() {
		res, err := r.api.Invoke(r.t.Context(), &sandbox.Invocation{ID: id, Stream: func(t string) io.Writer { kind <- t; return pw }})
		_ = pw.Close()
		done <- outcome{res, err}
	}()
	r.do("GET", "invocation/next", "")
	return pr, kind, done
}

func TestStream(t *testing.T) {
	r := newRuntime(t)
	got, kind, done := r.invokeStream("one")
	w, status := r.stream("one", nil)
	if _, err := io.WriteString(w, "first "); err != nil {
		t.Fatal(err)
	}
	if k := <-kind; k != "text/plain" {
		t.Errorf("content type %q", k)
	}
	buf := make([]byte, 6)
	if _, err := io.ReadFull(got, buf); err != nil || string(buf) != "first " { // before the answer has ended
		t.Fatalf("read %q: %v", buf, err)
	}
	if code, _, _ := r.do("POST", "invocation/one/response", "again"); code != 400 {
		t.Errorf("a second answer beside the stream: %d", code)
	}
	go func() { _, _ = io.WriteString(w, "second"); _ = w.Close() }()
	if rest, err := io.ReadAll(got); err != nil || string(rest) != "second" {
		t.Errorf("the rest is %q, %v", rest, err)
	}
	if o := <-done; o.err != nil || !o.res.Streamed || o.res.Failed || o.res.Payload != nil {
		t.Errorf("outcome %+v", o)
	}
	if code := <-status; code != 202 {
		t.Errorf("status %d", code)
	}
}

// An error after the answer has begun comes as trailers.
func TestStreamFails(t *testing.T) {
	r := newRuntime(t)
	got, _, done := r.invokeStream("one")
	doc := `{"errorMessage":"late","errorType":"E"}`
	w, _ := r.stream("one", http.Header{errorType: {"E"}, errorBody: {base64.StdEncoding.EncodeToString([]byte(doc))}})
	go func() { _, _ = io.WriteString(w, "part"); _ = w.Close() }()
	if b, _ := io.ReadAll(got); string(b) != "part" {
		t.Errorf("read %q", b)
	}
	if o := <-done; o.err != nil || !o.res.Streamed || !o.res.Failed || o.res.ErrorType != "E" || string(o.res.Payload) != doc {
		t.Errorf("outcome %+v", o)
	}
}

// A client that goes away does not hold the function up.
func TestStreamUnread(t *testing.T) {
	r := newRuntime(t)
	got, _, done := r.invokeStream("one")
	_ = got.Close()
	w, status := r.stream("one", nil)
	go func() { _, _ = io.WriteString(w, strings.Repeat("x", 1<<20)); _ = w.Close() }()
	if o := <-done; o.err != nil || o.res.Failed {
		t.Errorf("outcome %+v", o)
	}
	if code := <-status; code != 202 {
		t.Errorf("status %d", code)
	}
}

// Without a taker a streamed answer is a buffered one, and one that breaks off is an error.
func TestStreamGathered(t *testing.T) {
	r := newRuntime(t)
	c := r.invoke(t.Context(), "one", "{}")
	r.do("GET", "invocation/next", "")
	w, _ := r.stream("one", nil)
	go func() { _, _ = io.WriteString(w, "whole"); _ = w.Close() }()
	if o := <-c; o.err != nil || o.res.Streamed || string(o.res.Payload) != "whole" || o.res.ContentType != "text/plain" {
		t.Errorf("outcome %+v", o)
	}
	c = r.invoke(t.Context(), "two", "{}")
	r.do("GET", "invocation/next", "")
	conn, err := net.Dial("tcp", strings.TrimPrefix(strings.TrimSuffix(r.base, prefix), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "POST %sinvocation/two/response HTTP/1.1\r\nHost: x\r\n%s: streaming\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n",
		prefix, responseMode)
	_ = conn.Close()
	if o := <-c; o.err != nil || !o.res.Failed || o.res.ErrorType != "Runtime.TruncatedResponse" {
		t.Errorf("outcome of what broke off %+v", o)
	}
	if code, _, _ := r.do("POST", "invocation/two/response", "", responseMode, "sideways"); code != 400 {
		t.Errorf("an unknown mode: %d", code)
	}
}
