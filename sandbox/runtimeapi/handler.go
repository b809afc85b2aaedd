package runtimeapi

import (
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/brume-dev/brume/sandbox"
)

const prefix = "/2018-06-01/runtime/"

// maxCause bounds the X-Ray error cause that a runtime may send in a header.
const maxCause = 1 << 20

// ServeHTTP answers one request of the runtime.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path, ok := strings.CutPrefix(r.URL.Path, prefix)
	if !ok {
		s.serveExtension(w, r)
		return
	}
	switch {
	case path == "invocation/next":
		s.only(http.MethodGet, s.next)(w, r)
	case path == "init/error":
		s.only(http.MethodPost, s.initError)(w, r)
	default:
		rest, ok := strings.CutPrefix(path, "invocation/")
		id, what, cut := strings.Cut(rest, "/")
		switch {
		case ok && cut && what == "response":
			s.only(http.MethodPost, func(w http.ResponseWriter, r *http.Request) { s.response(w, r, id) })(w, r)
		case ok && cut && what == "error":
			s.only(http.MethodPost, func(w http.ResponseWriter, r *http.Request) { s.failure(w, r, id) })(w, r)
		default:
			http.NotFound(w, r)
		}
	}
}

func (s *Server) only(method string, h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method != method {
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		h(w, r)
	}
}

// next gives the runtime its next invocation, as soon as there is one. The first call ends the init phase.
func (s *Server) next(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	if s.current != nil {
		s.mu.Unlock()
		refuse(w, http.StatusForbidden, "InvalidStateTransition",
			"State transition from Running to Ready failed for runtime. Error: State transition is not allowed")
		return
	}
	s.asked = true
	s.settleInit()
	s.mu.Unlock()
	var c *call
	select {
	case c = <-s.pending:
	case <-s.gone:
		return
	case <-r.Context().Done():
		return
	}
	s.mu.Lock()
	s.current = c
	s.mu.Unlock()
	in, h := c.in, w.Header()
	h["Content-Type"] = []string{"application/json"}
	h["Content-Length"] = []string{strconv.Itoa(len(in.Payload))}
	h["Lambda-Runtime-Aws-Request-Id"] = []string{in.ID}
	h["Lambda-Runtime-Deadline-Ms"] = []string{strconv.FormatInt(in.Deadline.UnixMilli(), 10)}
	h["Lambda-Runtime-Invoked-Function-Arn"] = []string{in.FunctionARN}
	optional := func(name, value string) {
		if value != "" {
			h[name] = []string{value}
		}
	}
	optional("Lambda-Runtime-Trace-Id", in.TraceID)
	optional("Lambda-Runtime-Client-Context", in.ClientContext)
	optional("Lambda-Runtime-Cognito-Identity", in.CognitoIdentity)
	_, _ = w.Write(in.Payload)
}

func (s *Server) response(w http.ResponseWriter, r *http.Request, id string) {
	if mode := r.Header.Get(responseMode); mode == "streaming" {
		s.streamed(w, r, id)
		return
	} else if mode != "" && mode != "buffered" {
		refuse(w, http.StatusBadRequest, "InvalidResponseMode", "Invalid function response mode")
		return
	}
	if !s.inFlight(id) {
		refuse(w, http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
		return
	}
	body, size, err := read(r)
	s.finish(w, id, size, err, &sandbox.Result{Payload: body, ContentType: r.Header.Get("Content-Type")})
}

// finish gives res, whose body was read with size and err, as the answer of the invocation id.
func (s *Server) finish(w http.ResponseWriter, id string, size int, err error, res *sandbox.Result) {
	switch {
	case err != nil:
		refuse(w, http.StatusBadRequest, "RequestReadError", "Failed to read the request body")
	case size > sandbox.MaxResponse:
		s.answer(id, tooLarge(size))
		refuse(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge",
			"Exceeded maximum allowed payload size ("+strconv.Itoa(sandbox.MaxResponse)+" bytes).")
	case !s.answer(id, res):
		refuse(w, http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
	default:
		accept(w)
	}
}

func (s *Server) failure(w http.ResponseWriter, r *http.Request, id string) {
	if !s.inFlight(id) {
		refuse(w, http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
		return
	}
	body, size, err := read(r)
	s.finish(w, id, size, err, report(r, body))
}

func (s *Server) initError(w http.ResponseWriter, r *http.Request) {
	body, _, err := read(r)
	if err != nil {
		refuse(w, http.StatusBadRequest, "RequestReadError", "Failed to read the request body")
		return
	}
	s.mu.Lock()
	select {
	case <-s.ready:
		s.mu.Unlock()
		refuse(w, http.StatusForbidden, "InvalidStateTransition",
			"State transition from Ready to InitError failed for runtime. Error: State transition is not allowed")
		return
	default:
	}
	s.endInit(report(r, body))
	s.mu.Unlock()
	accept(w)
}

// report makes the result of a reported error. The type is the header's, as runtimes must send it.
func report(r *http.Request, body []byte) *sandbox.Result {
	res := &sandbox.Result{Payload: body, Failed: true, ErrorType: r.Header.Get("Lambda-Runtime-Function-Error-Type")}
	if cause := r.Header.Get("Lambda-Runtime-Function-Xray-Error-Cause"); len(cause) <= maxCause {
		res.Cause = cause
	}
	return res
}

// read takes the body up to the response limit. A larger one is read to its end, so that the runtime gets to see the
// refusal, and only its size is given.
func read(r *http.Request) (body []byte, size int, err error) {
	if r.ContentLength >= 0 && r.ContentLength <= sandbox.MaxResponse {
		body = make([]byte, r.ContentLength)
		_, err = io.ReadFull(r.Body, body)
		return body, len(body), err
	}
	body, err = io.ReadAll(io.LimitReader(r.Body, sandbox.MaxResponse+1))
	if err != nil || len(body) <= sandbox.MaxResponse {
		return body, len(body), err
	}
	rest, err := io.Copy(io.Discard, r.Body)
	return nil, len(body) + int(rest), err
}

func accept(w http.ResponseWriter) {
	w.Header()["Content-Type"] = []string{"application/json"}
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, `{"status":"OK"}`+"\n")
}

func refuse(w http.ResponseWriter, status int, kind, message string) {
	w.Header()["Content-Type"] = []string{"application/json"}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, `{"errorMessage":`+strconv.Quote(message)+`,"errorType":"`+kind+`"}`+"\n")
}
