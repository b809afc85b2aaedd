package trace

import (
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

func ids(n int) string { return strings.Repeat("ab", n) }

func TestBegin(t *testing.T) {
	const root = "1-6ae729c0-abababababababababababab"
	for _, c := range []struct {
		header string
		sample bool
		want   string
	}{
		{"", false, "Root=" + root + ";Parent=abababababababab;Sampled=0"},
		{"", true, "Root=" + root + ";Parent=abababababababab;Sampled=1"},
		{"Root=1-5-6;Parent=x;Sampled=1", false, "Root=1-5-6;Parent=abababababababab;Sampled=1"},
		{"Root=1-5-6; Sampled=0", true, "Root=1-5-6;Parent=abababababababab;Sampled=0"},
		{"Root=1-5-6;Sampled=?", true, "Root=1-5-6;Parent=abababababababab;Sampled=1"},
		{"nonsense;;=", false, "Root=" + root + ";Parent=abababababababab;Sampled=0"},
	} {
		tr := Begin(c.header, noon, func() bool { return c.sample }, ids)
		if got := tr.Header(); got != c.want {
			t.Errorf("%q: %s, want %s", c.header, got, c.want)
		}
		if (tr.Line() != "") != tr.Sampled {
			t.Errorf("%q: the REPORT line says %q", c.header, tr.Line())
		}
	}
}

func TestSampler(t *testing.T) {
	var s Sampler
	if !s.Take(noon, 0.9) || s.Take(noon, 0.9) || !s.Take(noon, 0.01) || !s.Take(noon.Add(time.Second), 0.9) {
		t.Error("the first of a second, and one in twenty")
	}
}

func TestSegments(t *testing.T) {
	tr := Begin("Root=1-5-6;Parent=p;Sampled=1", noon, nil, ids)
	docs := tr.Segments(Invocation{Name: "f", ARN: "arn", Account: "0", Request: "r", Failed: true, End: noon.Add(3 * time.Second),
		Init: time.Second, Duration: time.Second}, func(int) string { return "i" })
	want := []string{`{"id":"abababababababab","trace_id":"1-5-6","parent_id":"p","name":"f","origin":"AWS::Lambda","start_time":1793534400,` +
		`"end_time":1793534403,"fault":true,"resource_arn":"arn","http":{"response":{"status":200}},"aws":{"request_id":"r"}}`,
		`{"id":"abababababababab","trace_id":"1-5-6","parent_id":"abababababababab","name":"f","origin":"AWS::Lambda::Function",` +
			`"start_time":1793534401,"end_time":1793534403,"fault":true,"aws":{"account_id":"0","function_arn":"arn","resource_names":["f"]},` +
			`"subsegments":[{"id":"i","name":"Initialization","start_time":1793534401,"end_time":1793534402},` +
			`{"id":"i","name":"Invocation","start_time":1793534402,"end_time":1793534403,"fault":true},` +
			`{"id":"i","name":"Overhead","start_time":1793534403,"end_time":1793534403}]}`}
	if len(docs) != 2 || docs[0] != want[0] || docs[1] != want[1] {
		t.Errorf("got %s", strings.Join(docs, "\n"))
	}
}

func FuzzBegin(f *testing.F) {
	f.Add("Root=1-5-6;Parent=p;Sampled=1")
	f.Fuzz(func(t *testing.T, header string) {
		tr := Begin(header, noon, func() bool { return false }, ids)
		if again := Begin(tr.Header(), noon, func() bool { return !tr.Sampled }, ids); again.Root != tr.Root && !strings.ContainsAny(tr.Root, "; \t\r\n\v\f\u0085\u00a0") {
			t.Errorf("%q: root %q became %q", header, tr.Root, again.Root)
		}
	})
}
