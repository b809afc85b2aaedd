package runtimeapi

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/brume-dev/brume/sandbox"
)

// runtime is a runtime that the test plays.
type runtime struct {
	t    *testing.T
	api  *Server
	base string
}

func newRuntime(t *testing.T) *runtime {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &runtime{t: t, api: New(Config{}), base: "http://" + l.Addr().String() + prefix}
	r.api.Begin(time.Now())
	done := make(chan error)
	go func() { done <- r.api.Serve(l) }()
	t.Cleanup(func() {
		r.api.Exit(errors.New("over"))
		r.api.Close()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return r
}

func (r *runtime) do(method, path, body string, header ...string) (int, http.Header, string) {
	r.t.Helper()
	req, err := http.NewRequest(method, r.base+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return res.StatusCode, res.Header, strings.TrimSpace(string(b))
}

type outcome struct {
	res *sandbox.Result
	err error
}

func (r *runtime) invoke(ctx context.Context, id, payload string) chan outcome {
	c := make(chan outcome, 1)
	go func() {
		res, err := r.api.Invoke(ctx, &sandbox.Invocation{ID: id, Payload: []byte(payload), Deadline: time.UnixMilli(1_700_000_000_123),
			FunctionARN: "arn", TraceID: "trace"})
		c <- outcome{res, err}
	}()
	return c
}

func TestInvocation(t *testing.T) {
	r := newRuntime(t)
	c := r.invoke(t.Context(), "one", `{"a":1}`)
	status, h, body := r.do("GET", "invocation/next", "")
	if status != 200 || body != `{"a":1}` || h.Get("Lambda-Runtime-Aws-Request-Id") != "one" || h.Get("Lambda-Runtime-Deadline-Ms") != "1700000000123" ||
		h.Get("Lambda-Runtime-Invoked-Function-Arn") != "arn" || h.Get("Lambda-Runtime-Trace-Id") != "trace" || h.Values("Lambda-Runtime-Client-Context") != nil {
		t.Errorf("next: %d %v %s", status, h, body)
	}
	if in, err := r.api.Init(t.Context()); err != nil || in.Error != nil || in.Duration <= 0 {
		t.Errorf("init: %+v %v", in, err)
	}
	for _, bad := range []struct{ path, want string }{
		{"invocation/other/response", `400 {"errorMessage":"Invalid request ID","errorType":"InvalidRequestID"}`},
		{"invocation/other/error", `400 {"errorMessage":"Invalid request ID","errorType":"InvalidRequestID"}`},
		{"init/error", `403 {"errorMessage":"State transition from Ready to InitError failed for runtime. Error: State transition is not allowed","errorType":"InvalidStateTransition"}`},
		{"invocation/one/whatever", "404 404 page not found"}, {"nothing", "404 404 page not found"},
	} {
		status, _, body := r.do("POST", bad.path, "{}")
		if bad.want != strconv.Itoa(status)+" "+body {
			t.Errorf("%s: %d %s, want %s", bad.path, status, body, bad.want)
		}
	}
	if status, _, body := r.do("GET", "invocation/next", ""); status != 403 || !strings.Contains(body, "InvalidStateTransition") {
		t.Errorf("next while running: %d %s", status, body)
	}
	if status, _, _ := r.do("POST", "invocation/next", ""); status != 405 {
		t.Errorf("a wrong method: %d", status)
	}
	if status, _, body := r.do("POST", "invocation/one/response", `"yes"`); status != 202 || body != `{"status":"OK"}` {
		t.Errorf("response: %d %s", status, body)
	}
	if o := <-c; o.err != nil || o.res.Failed || string(o.res.Payload) != `"yes"` {
		t.Errorf("outcome %+v", o)
	}
	if status, _, _ := r.do("POST", "invocation/one/response", "again"); status != 400 {
		t.Errorf("a second response: %d", status)
	}
}

func TestErrors(t *testing.T) {
	r := newRuntime(t)
	c := r.invoke(t.Context(), "one", "{}")
	r.do("GET", "invocation/next", "")
	r.do("POST", "invocation/one/error", `{"errorType":"X"}`, "Lambda-Runtime-Function-Error-Type", "X", "Lambda-Runtime-Function-XRay-Error-Cause", "{}")
	if o := <-c; o.err != nil || !o.res.Failed || o.res.ErrorType != "X" || o.res.Cause != "{}" || string(o.res.Payload) != `{"errorType":"X"}` {
		t.Errorf("outcome %+v", o)
	}
	c = r.invoke(t.Context(), "two", "{}")
	r.do("GET", "invocation/next", "")
	if status, _, body := r.do("POST", "invocation/two/response", strings.Repeat("x", sandbox.MaxResponse+7)); status != 413 ||
		body != `{"errorMessage":"Exceeded maximum allowed payload size (6291556 bytes).","errorType":"RequestEntityTooLarge"}` {
		t.Errorf("too large: %d %s", status, body)
	}
	if o := <-c; o.err != nil || o.res.ErrorType != "Function.ResponseSizeTooLarge" || !strings.Contains(string(o.res.Payload), "(6291563 bytes)") {
		t.Errorf("outcome %+v", o)
	}
	// The runtime dies: who waits, and who comes later, is told.
	c = r.invoke(t.Context(), "three", "{}")
	r.do("GET", "invocation/next", "")
	exit := &sandbox.ExitError{Reason: "exit status 1"}
	r.api.Exit(exit)
	r.api.Exit(errors.New("only the first counts"))
	if o := <-c; !errors.Is(o.err, exit) {
		t.Errorf("outcome %+v", o)
	}
	if o := <-r.invoke(t.Context(), "four", "{}"); !errors.Is(o.err, exit) {
		t.Errorf("outcome %+v", o)
	}
}

func TestInitError(t *testing.T) {
	r := newRuntime(t)
	if status, _, _ := r.do("POST", "init/error", `{"errorType":"Runtime.X"}`, "Lambda-Runtime-Function-Error-Type", "Runtime.X"); status != 202 {
		t.Errorf("status %d", status)
	}
	r.api.Exit(&sandbox.ExitError{Reason: "exit status 1"})
	if in, err := r.api.Init(t.Context()); err != nil || in.Error == nil || in.Error.ErrorType != "Runtime.X" {
		t.Errorf("init: %+v %v", in, err)
	}
	r = newRuntime(t)
	exit := &sandbox.ExitError{}
	r.api.Exit(exit)
	if _, err := r.api.Init(t.Context()); !errors.Is(err, exit) {
		t.Errorf("init that exits: %v", err)
	}
	r = newRuntime(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.api.Init(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("init that is not waited for: %v", err)
	}
	if o := <-r.invoke(ctx, "x", "{}"); !errors.Is(o.err, context.Canceled) {
		t.Errorf("invoke that is not waited for: %+v", o)
	}
}

func FuzzServeHTTP(f *testing.F) {
	f.Add("POST", "/2018-06-01/runtime/invocation/x/response", "body")
	f.Fuzz(func(t *testing.T, method, path, body string) {
		s := New(Config{})
		s.Exit(errors.New("over"))
		req, err := http.NewRequest(method, "http://x"+path, strings.NewReader(body))
		if err != nil {
			return
		}
		w := &discard{header: http.Header{}}
		s.ServeHTTP(w, req)
		if w.status == 202 && !strings.HasSuffix(req.URL.Path, "/init/error") {
			t.Errorf("%s %s was accepted", method, path)
		}
	})
}

type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }
func (d *discard) WriteHeader(status int)      { d.status = status }
