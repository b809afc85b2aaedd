package functionurl

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/brume-dev/brume/aws"
)

// Whatever a function answers, it is an answer that can be written or an error.
func FuzzInterpret(f *testing.F) {
	for _, s := range []string{`"x"`, `{"statusCode":200,"body":"b","cookies":["a"],"headers":{"a":1}}`, `{"statusCode":"x"}`, `{`, `{"statusCode":null}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := interpret(b)
		if err != nil {
			return
		}
		w := httptest.NewRecorder()
		a.write(w)
		w.WriteHeader(a.status)
		if a.status < 100 || a.status > 599 {
			t.Errorf("status %d", a.status)
		}
		for name, values := range w.Header() {
			if !validName(name) || strings.ContainsAny(strings.Join(values, ""), "\r\n") {
				t.Errorf("header %q: %q", name, values)
			}
		}
	})
}

// However a stream comes, its head and body are the same.
func FuzzBegin(f *testing.F) {
	f.Add([]byte(`{"statusCode":201}` + preludeEnd + "body"))
	f.Add([]byte(preludeEnd))
	f.Fuzz(func(t *testing.T, b []byte) {
		whole, body, err := begin(integration, bytes.NewReader(b))
		slow, slowBody, slowErr := begin(integration, iotest.OneByteReader(bytes.NewReader(b)))
		if (err == nil) != (slowErr == nil) {
			t.Fatalf("%v, %v", err, slowErr)
		}
		if err != nil {
			return
		}
		one, _ := io.ReadAll(body)
		two, _ := io.ReadAll(slowBody)
		if whole.status != slow.status || !bytes.Equal(one, two) {
			t.Errorf("%d %q, %d %q", whole.status, one, slow.status, two)
		}
	})
}

// Every request makes an event that is JSON, with the body in it.
func FuzzEvent(f *testing.F) {
	f.Add("a=1&a=2&%zz", "text/plain", "a=b; c", []byte("x"))
	f.Fuzz(func(t *testing.T, query, kind, cookie string, body []byte) {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.URL.RawQuery = query
		r.Header = http.Header{"Content-Type": {kind}, "Cookie": {cookie}}
		b, err := eventOf(r, &aws.Visit{Resource: "id", Path: "/"}, body, nil, time.Unix(0, 0))
		var e request
		if err != nil || json.Unmarshal(b, &e) != nil {
			t.Fatalf("%s %v", b, err)
		}
		if len(body) > 0 && !e.IsBase64Encoded && *e.Body != string(body) {
			t.Errorf("%q came as %q", body, *e.Body)
		}
	})
}
