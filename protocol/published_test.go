package protocol_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/protocol"
	awsjson "github.com/brume-dev/brume/protocol/json"
	"github.com/brume-dev/brume/protocol/query"
	"github.com/brume-dev/brume/protocol/rest"
	"github.com/brume-dev/brume/protocol/xml"
)

// The cases below testdata/published are those that AWS publishes for its SDKs (aws-sdk-go v1.55.8, models/protocol_tests,
// Apache-2.0). They say what a client sends for given parameters, and what it understands of a given answer. A server
// reads them the other way round: the sent bytes must decode to the parameters, the results must encode to the answer.

type suite struct {
	Description string
	Metadata    struct{ Protocol, JSONVersion string }
	Shapes      map[string]*modelShape
	Cases       []*struct {
		Given struct {
			Name          string
			HTTP          struct{ Method, RequestURI string }
			Input, Output *modelRef
		}
		Params     map[string]any
		Serialized struct {
			URI     string
			Headers map[string]any
			Body    json.RawMessage
		}
		Result   any
		Response struct {
			Status  int `json:"status_code"`
			Headers map[string]string
			Body    json.RawMessage
		}
	}
}

// skipped are the cases that say something of clients only, by suite and number.
var skipped = map[string]string{
	"input/json/Idempotency token auto fill/1":          "the client makes up a token",
	"input/query/Idempotency token auto fill/1":         "the client makes up a token",
	"input/ec2/Idempotency token auto fill/1":           "the client makes up a token",
	"input/rest-json/Idempotency token auto fill/1":     "the client makes up a token",
	"input/rest-xml/Idempotency token auto fill/1":      "the client makes up a token",
	"input/rest-json/Structure payload/1":               "the client writes an absent payload as {}",
	"input/rest-json/JSON value trait/2":                "the client writes an absent payload as {}",
	"input/rest-json/rest-json Content-Type and body/2": "the client writes an absent payload as {}",
	"input/rest-json/rest-json Content-Type and body/4": "the client writes an absent payload as {}",
	"input/rest-xml/Header whitespace/0":                "the client trims what it sends",
	"output/json/Lists/1":                               "generated lists hold no nulls",
	"output/json/Ignores extra data/0":                  "the answer has members that the model lacks",
	"output/rest-json/Ignores extra data/0":             "the answer has members that the model lacks",
	"output/rest-json/Ignores undefined output/0":       "the operation has no output",
	"output/rest-json/Scalar members/0":                 "a timestamp in a form that clients tolerate",
	"output/json/unmodeled non-json response payload/0": "an answer that is no answer of AWS",
	"output/json/unmodeled non-json response payload/1": "an answer that is no answer of AWS",
	"output/json/unmodeled non-json response payload/2": "an answer that is no answer of AWS",
}

var codecs = map[string]protocol.Codec{
	"json": awsjson.Codec{}, "query": query.Codec{}, "ec2": query.EC2{}, "rest-json": rest.JSON{}, "rest-xml": rest.XML{},
}

func suites(t *testing.T, direction string, run func(t *testing.T, s *suite, m *model, i int)) {
	files, err := filepath.Glob("testdata/published/" + direction + "/*.json")
	if err != nil || len(files) != 5 {
		t.Fatalf("%v: %v", files, err)
	}
	total := 0
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var all []*suite
		if err := json.Unmarshal(b, &all); err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		for _, s := range all {
			p := s.Metadata.Protocol
			m := &model{s.Shapes, p != "json" && p != "rest-json", p == "ec2"}
			for i := range s.Cases {
				name := fmt.Sprintf("%s/%s/%s/%d", direction, p, s.Description, i)
				total++
				t.Run(name, func(t *testing.T) {
					if why := skipped[name]; why != "" {
						t.Skip(why)
					}
					run(t, s, m, i)
				})
			}
		}
	}
	t.Logf("%d cases", total)
}

func (m *model) operation(name string, in, out *modelRef) *aws.Operation {
	op := &aws.Operation{Op: aws.Op{Service: "test", Name: name}, Status: 200, In: reflect.TypeFor[struct{}](), Out: reflect.TypeFor[struct{}]()}
	if in != nil {
		if in.Payload != "" {
			m.shapes[in.Shape].Payload = in.Payload
		}
		op.In = m.of(in.Shape, nil)
	}
	if out != nil {
		op.Out = m.of(out.Shape, nil)
		op.OutputWrapper = out.ResultWrapper
	}
	op.Service = aws.Describe[any](aws.Meta{Name: "test", Protocols: aws.JSON11})
	return op
}

func TestPublishedInputs(t *testing.T) {
	suites(t, "input", func(t *testing.T, s *suite, m *model, i int) {
		c := s.Cases[i]
		if c.Given.Input == nil {
			c.Given.Input = &modelRef{Shape: "none"}
			s.Shapes["none"] = &modelShape{Type: "structure"}
		}
		op := m.operation(c.Given.Name, c.Given.Input, nil)
		want := reflect.New(op.In)
		if c.Params != nil {
			m.fill(want.Elem(), c.Given.Input.Shape, c.Params)
		}
		uri, rawQuery, _ := strings.Cut(c.Serialized.URI, "?")
		body := text(c.Serialized.Body)
		r := &protocol.Request{Method: first(c.Given.HTTP.Method, "POST"), Path: uri, Query: rawQuery, Header: http.Header{},
			Labels: labels(t, c.Given.HTTP.RequestURI, uri), Body: strings.NewReader(body), Length: int64(len(body))}
		for k, v := range c.Serialized.Headers {
			r.Header.Set(k, fmt.Sprint(v))
		}
		got := op.NewInput()
		if err := codecs[s.Metadata.Protocol].Decode(op, r, got); err != nil {
			t.Fatalf("%v\n%s", err, body)
		}
		same(t, got, want.Interface())
	})
}

// text is a body, which the cases give as a string, or as JSON.
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	return string(raw)
}

// labels matches a path with its template.
func labels(t *testing.T, template, path string) map[string]string {
	template, _, _ = strings.Cut(template, "?")
	var names []string
	pattern := regexp.MustCompile(`\{(\w+)(\+?)\}`).ReplaceAllStringFunc(template, func(l string) string {
		l = strings.Trim(l, "{}")
		names = append(names, strings.TrimSuffix(l, "+"))
		if strings.HasSuffix(l, "+") {
			return "(.*)"
		}
		return "([^/]*)"
	})
	match := regexp.MustCompile("^" + pattern + "$").FindStringSubmatch(path)
	if match == nil {
		if len(names) > 0 {
			t.Fatalf("%s does not match %s", path, template)
		}
		return nil
	}
	ls := map[string]string{}
	for i, n := range names {
		v, err := url.PathUnescape(match[i+1])
		if err != nil {
			t.Fatal(err)
		}
		ls[n] = v
	}
	return ls
}

// same compares two structures; streams by what they hold.
func same(t *testing.T, got, want any) {
	t.Helper()
	if g, w := dump(reflect.ValueOf(got)), dump(reflect.ValueOf(want)); g != w {
		t.Errorf("\n got %s\nwant %s", g, w)
	}
}

func dump(v reflect.Value) string {
	switch {
	case v.Type() == reflect.TypeFor[io.Reader]():
		if v.IsNil() {
			return "no stream"
		}
		b, _ := io.ReadAll(v.Interface().(io.Reader))
		if s, ok := v.Interface().(io.Seeker); ok { // so that it can be read again
			if _, err := s.Seek(0, io.SeekStart); err != nil {
				panic(err)
			}
		}
		return fmt.Sprintf("stream %q", b)
	case v.Kind() == reflect.Pointer:
		if v.IsNil() {
			return "absent"
		}
		return dump(v.Elem())
	case v.CanInterface() && v.Type().PkgPath() == "time":
		return fmt.Sprint(v.Interface())
	case v.Kind() == reflect.Struct:
		var s []string
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				s = append(s, v.Type().Field(i).Name+":"+dump(v.Field(i)))
			}
		}
		return "{" + strings.Join(s, " ") + "}"
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() != reflect.Uint8:
		var s []string
		for i := range v.Len() {
			s = append(s, dump(v.Index(i)))
		}
		return fmt.Sprint(v.IsNil(), s)
	case v.Kind() == reflect.Map:
		var s []string
		for _, k := range v.MapKeys() {
			s = append(s, fmt.Sprintf("%q:%s", k.String(), dump(v.MapIndex(k))))
		}
		slices.Sort(s)
		return fmt.Sprint(v.IsNil(), s)
	}
	return fmt.Sprintf("%q", fmt.Sprint(v))
}

func TestPublishedOutputs(t *testing.T) {
	suites(t, "output", func(t *testing.T, s *suite, m *model, i int) {
		c := s.Cases[i]
		if c.Given.Output == nil {
			c.Given.Output = &modelRef{Shape: "OutputShape"}
		}
		if c.Given.Output.ResultWrapper == "" && strings.Contains(text(c.Response.Body), "<OperationNameResult>") {
			c.Given.Output.ResultWrapper = "OperationNameResult"
		}
		op := m.operation(c.Given.Name, nil, c.Given.Output)
		out := reflect.New(op.Out)
		if c.Result != nil {
			m.fill(out.Elem(), c.Given.Output.Shape, c.Result)
		}
		w, err := codecs[s.Metadata.Protocol].Encode(op, &protocol.Request{Header: http.Header{}, ID: "id"}, out.Interface())
		if err != nil {
			t.Fatal(err)
		}
		if w.Status != c.Response.Status {
			t.Errorf("status %d, want %d", w.Status, c.Response.Status)
		}
		for k, v := range c.Response.Headers {
			if got := w.Header.Get(k); got != v {
				t.Errorf("header %s: %q, want %q", k, got, v)
			}
		}
		body := w.Body
		if w.Stream != nil {
			if body, err = io.ReadAll(w.Stream); err != nil {
				t.Fatal(err)
			}
		}
		want := text(c.Response.Body)
		if want = strings.TrimSpace(want); want == "" || want == "{}" {
			want = "" // clients take either for an empty answer
			switch canonical(t, body) {
			case "{}", `("")`:
				body = nil
			}
		}
		if g, w := canonical(t, body), canonical(t, []byte(want)); g != w {
			t.Errorf("body\n got %s\nwant %s", g, w)
		}
	})
}

// canonical brings a body into a form in which equal meanings are equal texts.
func canonical(t *testing.T, b []byte) string {
	b = bytes.TrimSpace(b)
	if bytes.HasPrefix(b, []byte("<")) {
		n, err := xml.Parse(b)
		if err != nil {
			t.Fatalf("%v: %s", err, b)
		}
		return canonicalXML(n)
	}
	var x any
	if json.Unmarshal(b, &x) == nil {
		return string(document(x))
	}
	return string(b)
}

// canonicalXML leaves out the root's name, white space between elements, and the request id.
func canonicalXML(n *xml.Node) string {
	var kids []string
	for _, k := range n.Kids {
		if k.Name != "ResponseMetadata" && !strings.EqualFold(k.Name, "RequestId") {
			kids = append(kids, k.Name+canonicalXML(k))
		}
	}
	slices.Sort(kids)
	attr := ""
	if v, ok := n.Attr("type"); ok {
		attr = " type=" + v
	}
	if len(kids) == 0 {
		return attr + fmt.Sprintf("(%q)", n.Text)
	}
	return attr + "(" + strings.Join(kids, " ") + ")"
}
