package rest

import (
	"bytes"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/protocol"
	"github.com/brume-dev/brume/shape"
)

func TestSplitHeader(t *testing.T) {
	for _, c := range []struct {
		in    string
		dates bool
		want  []string
	}{
		{"a, b,c", false, []string{"a", "b", "c"}},
		{`"a,b", "c\"d" ,e`, false, []string{"a,b", `c"d`, "e"}},
		{"", false, []string{""}},
		{"a,", false, []string{"a", ""}},
		{"Mon, 16 Dec 2019 23:48:18 GMT, Tue, 17 Dec 2019 23:48:18 GMT", true, []string{"Mon, 16 Dec 2019 23:48:18 GMT", "Tue, 17 Dec 2019 23:48:18 GMT"}},
		{`"open`, false, nil},
		{`"a"b`, false, nil},
	} {
		got, ok := splitHeader(c.in, c.dates)
		if ok != (c.want != nil) || ok && !slices.Equal(got, c.want) {
			t.Errorf("%q: %q, %v", c.in, got, ok)
		}
	}
}

// FuzzHeaderList reads back what was written.
func FuzzHeaderList(f *testing.F) {
	f.Add("a", "b,c", `d"e\`)
	type lists struct {
		L []string `aws:"L,header=L"`
	}
	f.Fuzz(func(t *testing.T, a, b, c string) {
		v := &lists{L: []string{a, b, c}}
		for _, s := range v.L {
			if strings.TrimSpace(s) != s || strings.ContainsAny(s, "\x00\r\n") {
				return // no header carries that
			}
		}
		s := shape.ValueOf(v)
		m := s.Shape.Member("L")
		x, _ := s.Member(m)
		joined := joinHeader(x, m)
		got, ok := splitHeader(joined, false)
		if !ok || !reflect.DeepEqual(got, v.L) {
			t.Errorf("%q is written as %q and read as %q, %v", v.L, joined, got, ok)
		}
	})
}

type object struct {
	Body   io.Reader         `aws:"Body,payload,stream"`
	Length *int64            `aws:"Length,header=Content-Length"`
	Type   *string           `aws:"Type,header=Content-Type"`
	Meta   map[string]string `aws:"Meta,headers=x-amz-meta-"`
	At     *time.Time        `aws:"At,header=Last-Modified"`
	Count  *int32            `aws:"Count,header=x-count"`
}

var op = &aws.Operation{Op: aws.Op{Service: "s3", Name: "GetThing"}, Method: "GET", Status: 200,
	Service: &aws.Service{Meta: aws.Meta{Name: "s3", Protocols: aws.RestXML, Namespace: "http://x/"}},
	In:      reflect.TypeFor[object](), Out: reflect.TypeFor[object]()}

type closer struct {
	io.Reader
	closed bool
}

func (c *closer) Close() error { c.closed = true; return nil }

// TestStreams checks that streaming payloads pass through without being read.
func TestStreams(t *testing.T) {
	c := &closer{Reader: strings.NewReader("hello")}
	n, at := int64(5), time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)
	w, err := XML{}.Encode(op, &protocol.Request{ID: "r", HostID: "h"}, &object{Body: c, Length: &n, At: &at, Meta: map[string]string{"a": "b"}})
	if err != nil || w.Stream != io.ReadCloser(c) || w.Length != 5 || w.Body != nil {
		t.Fatalf("%+v, %v", w, err)
	}
	for k, want := range map[string]string{"Content-Length": "5", "Content-Type": "application/octet-stream",
		"Last-Modified": "Thu, 02 Jan 2020 03:04:05 GMT", "X-Amz-Request-Id": "r", "X-Amz-Id-2": "h"} {
		if got := w.Header.Get(k); got != want {
			t.Errorf("%s: %q, want %q", k, got, want)
		}
	}
	if got := w.Header["x-amz-meta-a"]; len(got) != 1 || got[0] != "b" { // clients take the key as it is written
		t.Errorf("metadata %v", w.Header)
	}
	if w.Stream.Close(); !c.closed {
		t.Error("not closed")
	}
	if w, err = (XML{}).Encode(op, &protocol.Request{}, &object{Body: bytes.NewReader([]byte("abc"))}); err != nil || w.Length != 3 {
		t.Errorf("length %d, %v", w.Length, err)
	}
	body := strings.NewReader("hello")
	in := new(object)
	r := &protocol.Request{Method: "PUT", Body: body, Length: 5, Header: http.Header{"X-Amz-Meta-Foo-Bar": {"v"}, "X-Count": {" 7 "}}}
	if err := (XML{}).Decode(op, r, in); err != nil || in.Body != io.Reader(body) || *in.Length != 5 || in.Meta["foo-bar"] != "v" || *in.Count != 7 {
		t.Errorf("%+v, %v", in, err)
	}
}
