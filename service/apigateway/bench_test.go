package apigateway_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/brume-dev/brume/aws"
)

// BenchmarkMock is the data plane with a mapping template on each side and no integration.
func BenchmarkMock(b *testing.B) {
	s, _, _ := openWith(b, 1e12)
	api, root := newAPI(b, s)
	mock(b, s, api, child(b, s, api, child(b, s, api, root, "pets"), "{id}"), "GET", `{"id":"$input.params('id')","request":"$context.requestId"}`)
	deploy(b, s, api, nil)
	r := httptest.NewRequest("GET", "/pets/7", nil)
	b.ReportAllocs()
	for b.Loop() {
		w := &quiet{h: http.Header{}}
		s.Plane().ServeData(w, r, aws.Visit{Resource: api, Stage: "dev", Path: "/pets/7", Request: aws.Request{ID: requestID}})
		if w.status != 200 {
			b.Fatal(w.status)
		}
	}
}

// BenchmarkJobs is POST /jobs of examples/jobs with a function that answers at once.
func BenchmarkJobs(b *testing.B) {
	s, w, _ := openWith(b, 1e12)
	api := jobs(b, s)
	w.wire = func(aws.Identity, *http.Request, string) (*http.Response, error) { return answer(202, nil, "") }
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequest("POST", "/jobs", strings.NewReader(`{"seconds":1}`))
		out := &quiet{h: http.Header{}}
		s.Plane().ServeData(out, r, aws.Visit{Resource: api, Stage: "dev", Path: "/jobs", Request: aws.Request{ID: requestID},
			Who: func([]byte) (aws.Identity, error) { return me, nil }})
		w.access, w.asked = w.access[:0], w.asked[:0]
		if out.status != 200 {
			b.Fatal(out.status)
		}
	}
}

// quiet is a ResponseWriter that keeps the status only.
type quiet struct {
	h      http.Header
	status int
}

func (q *quiet) Header() http.Header         { return q.h }
func (q *quiet) Write(p []byte) (int, error) { return len(p), nil }
func (q *quiet) WriteHeader(status int)      { q.status = status }
