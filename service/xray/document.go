package xray

import (
	"encoding/json"
	"math"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/brume-dev/brume/api/xrayapi"
	"github.com/brume-dev/brume/jsondoc"
)

// segment is a segment document, or a subsegment that came alone.
// https://docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html
type segment struct {
	doc        *jsondoc.Object
	text       []byte // doc as it is stored
	id         string
	trace      string
	parent     string
	start, end float64 // seconds since 1970; end is 0 while the segment is in progress
	sub        bool
}

func (s *segment) inProgress() bool { return s.end == 0 }

// refusal says why a document was not taken.
type refusal struct {
	id   string // "" when the document has none
	what string // "segment" or "subsegment"
	code string
}

// answer is what PutTraceSegments says of it.
func (r *refusal) answer() xrayapi.UnprocessedTraceSegment {
	text := "Invalid " + r.what + ". ErrorCode: " + r.code + ", Cause: null"
	out := xrayapi.UnprocessedTraceSegment{ErrorCode: &r.code, Message: &text}
	if r.id != "" {
		out.Id = &r.id
	}
	return out
}

// parseDocument reads a document: a segment, a subsegment, or an array of subsegments.
func parseDocument(text string) ([]*segment, *refusal) {
	if len(text) > maxDocument {
		return nil, &refusal{what: "segment", code: "DocumentTooLarge"}
	}
	v, err := jsondoc.Parse([]byte(text))
	if err != nil {
		return nil, &refusal{what: "segment", code: "ParseError"}
	}
	switch v := v.(type) {
	case *jsondoc.Object:
		s, bad := readSegment(v)
		if bad != nil {
			return nil, bad
		}
		s.text = []byte(text)
		return []*segment{s}, nil
	case *jsondoc.Array:
		var out []*segment
		for _, item := range v.Items {
			o, ok := item.(*jsondoc.Object)
			if !ok {
				return nil, &refusal{what: "segment", code: "ParseError"}
			}
			s, bad := readSegment(o)
			if bad != nil {
				return nil, bad
			}
			s.text = jsondoc.Append(nil, o)
			out = append(out, s)
		}
		if len(out) > 0 {
			return out, nil
		}
		return nil, &refusal{what: "segment", code: "MissingId"}
	}
	return nil, &refusal{what: "segment", code: "ParseError"}
}

func readSegment(o *jsondoc.Object) (*segment, *refusal) {
	s := &segment{doc: o, sub: textOf(o, "type") == "subsegment"}
	what := "segment"
	if s.sub {
		what = "subsegment"
	}
	s.id = textOf(o, "id")
	if code := checkElement(o); code != "" {
		return nil, &refusal{s.id, what, code}
	}
	s.start, _ = numberOf(o, "start_time")
	s.end, _ = numberOf(o, "end_time")
	if flagOf(o, "in_progress") {
		s.end = 0
	}
	s.parent = textOf(o, "parent_id")
	id, valid := traceID(textOf(o, "trace_id"))
	code := ""
	switch {
	case !has(o, "trace_id"):
		code = "MissingTraceId"
	case !valid:
		code = "InvalidTraceId"
	case s.sub && s.parent == "":
		code = "MissingParentId"
	case s.parent != "" && !hexadecimal(s.parent, 16):
		code = "InvalidParentId"
	}
	if code != "" {
		return nil, &refusal{s.id, what, code}
	}
	s.trace = id
	for sub := range subsegments(o) {
		if code := checkTree(sub); code != "" {
			return nil, &refusal{s.id, "subsegment", code}
		}
	}
	return s, nil
}

func checkTree(o *jsondoc.Object) string {
	if code := checkElement(o); code != "" {
		return code
	}
	for sub := range subsegments(o) {
		if code := checkTree(sub); code != "" {
			return code
		}
	}
	return ""
}

// checkElement checks what segments and subsegments have alike, and returns the code of what is wrong, or "".
func checkElement(o *jsondoc.Object) string {
	start, ok := numberOf(o, "start_time")
	end, ended := numberOf(o, "end_time")
	name := textOf(o, "name")
	switch {
	case !has(o, "id"):
		return "MissingId"
	case !hexadecimal(textOf(o, "id"), 16):
		return "InvalidId"
	case !has(o, "name"):
		return "MissingName"
	case !validName(name):
		return "InvalidName"
	case !has(o, "start_time"):
		return "MissingStartTime"
	case !ok || start <= 0 || start > maxTime:
		return "InvalidStartTime"
	case !has(o, "end_time") && !flagOf(o, "in_progress"):
		return "MissingEndTime"
	case has(o, "end_time") && (!ended || end <= 0 || end > maxTime):
		return "InvalidEndTime"
	}
	return ""
}

// maxTime bounds times, in seconds, so that they fit the orders of time: the year 9999.
const maxTime = 253_402_300_799

// validName reports whether a name has at most 200 of the characters that names may have.
func validName(name string) bool {
	if name == "" || !utf8.ValidString(name) || utf8.RuneCountInString(name) > maxName {
		return false
	}
	for _, r := range name {
		if !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.IsSpace(r) && !strings.ContainsRune(`_.:/%&#=+\-@`, r) {
			return false
		}
	}
	return true
}

// traceID checks a trace id and returns it in X-Ray's form, 1-8 hexadecimal digits-24 digits. One in the form of the W3C
// trace context, 32 digits, is the same without the hyphens.
func traceID(s string) (string, bool) {
	if len(s) == 32 {
		s = "1-" + s[:8] + "-" + s[8:]
	}
	if len(s) != 35 || s[:2] != "1-" || s[10] != '-' {
		return "", false
	}
	return strings.ToLower(s), hexadecimal(s[2:10], 8) && hexadecimal(s[11:], 24)
}

func hexadecimal(s string, n int) bool {
	return len(s) == n && strings.Trim(s, "0123456789abcdefABCDEF") == ""
}

func has(o *jsondoc.Object, key string) bool {
	v, ok := o.Get(key)
	return ok && v != nil
}

func textOf(o *jsondoc.Object, key string) string {
	v, _ := o.Get(key)
	s, _ := v.(string)
	return s
}

func numberOf(o *jsondoc.Object, key string) (float64, bool) {
	v, _ := o.Get(key)
	n, ok := v.(json.Number)
	if !ok {
		return 0, false
	}
	f, err := n.Float64()
	return f, err == nil && !math.IsNaN(f) && !math.IsInf(f, 0)
}

func flagOf(o *jsondoc.Object, key string) bool {
	v, _ := o.Get(key)
	b, _ := v.(bool)
	return b
}

// objectOf returns the object under a path of keys; one that is not there is empty.
func objectOf(o *jsondoc.Object, path ...string) *jsondoc.Object {
	for _, key := range path {
		v, _ := o.Get(key)
		inner, ok := v.(*jsondoc.Object)
		if !ok {
			return jsondoc.NewObject()
		}
		o = inner
	}
	return o
}

// subsegments yields those directly under o.
func subsegments(o *jsondoc.Object) func(func(*jsondoc.Object) bool) {
	return func(yield func(*jsondoc.Object) bool) {
		v, _ := o.Get("subsegments")
		list, ok := v.(*jsondoc.Array)
		if !ok {
			return
		}
		for _, item := range list.Items {
			if sub, ok := item.(*jsondoc.Object); ok && !yield(sub) {
				return
			}
		}
	}
}
