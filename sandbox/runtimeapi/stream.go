package runtimeapi

import (
	"encoding/base64"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/brume-dev/brume/sandbox"
)

// A streamed answer is a POST whose body comes in chunks; an error that ends it comes as trailers.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html#runtimes-custom-response-streaming
const (
	responseMode = "Lambda-Runtime-Function-Response-Mode"
	errorType    = "Lambda-Runtime-Function-Error-Type"
	errorBody    = "Lambda-Runtime-Function-Error-Body" // base64
)

// exitGrace is how long a broken answer waits for the news that the runtime's process has ended, which explains it better.
const exitGrace = 100 * time.Millisecond

// streamed takes an answer as it comes.
func (s *Server) streamed(w http.ResponseWriter, r *http.Request, id string) {
	c := s.begin(id)
	if c == nil {
		refuse(w, http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
		return
	}
	res := &sandbox.Result{ContentType: r.Header.Get("Content-Type"), Streamed: c.in.Stream != nil}
	var size int
	var err error
	limit := sandbox.MaxStream
	if c.in.Stream == nil {
		limit = sandbox.MaxResponse
		res.Payload, size, err = read(r)
	} else {
		size, err = pass(c.in.Stream(res.ContentType), r.Body)
	}
	switch kind := r.Trailer.Get(errorType); {
	case err != nil:
		s.broken(c, res)
		refuse(w, http.StatusBadRequest, "TruncatedResponse", "Failed to read the request body")
		return
	case size > limit:
		large := tooLarge(size)
		large.Streamed = res.Streamed
		s.complete(c, large)
		refuse(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge",
			"Exceeded maximum allowed payload size ("+strconv.Itoa(limit)+" bytes).")
		return
	case kind != "":
		res.Failed, res.ErrorType = true, kind
		res.Payload, _ = base64.StdEncoding.DecodeString(r.Trailer.Get(errorBody)) // what is no base64 is no document
	}
	s.complete(c, res)
	accept(w)
}

// pass copies what comes to w, which may fail without consequence, and counts it. What is over the limit is not passed on.
func pass(w io.Writer, body io.Reader) (size int, err error) {
	buf := make([]byte, 32<<10)
	for {
		n, err := body.Read(buf)
		size += n
		if n > 0 && w != nil && size <= sandbox.MaxStream {
			if _, failed := w.Write(buf[:n]); failed != nil {
				w = nil
			}
		}
		if err == io.EOF {
			return size, nil
		}
		if err != nil {
			return size, err
		}
	}
}

// broken ends an answer whose rest will never come.
func (s *Server) broken(c *call, res *sandbox.Result) {
	wait := time.NewTimer(exitGrace)
	defer wait.Stop()
	select {
	case <-s.gone: // Invoke has been told
		return
	case <-wait.C:
	}
	res.Failed, res.ErrorType = true, "Runtime.TruncatedResponse"
	res.Payload = []byte(`{"errorMessage":"Response stream was broken off","errorType":"Runtime.TruncatedResponse"}`)
	s.complete(c, res)
}
