package form

import (
	"encoding/base64"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
)

var now = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func post(fields ...string) *strings.Reader {
	var b strings.Builder
	for _, f := range fields {
		name, value, _ := strings.Cut(f, "=")
		file := ""
		if name == "file" {
			file = `; filename="f.txt"`
		}
		fmt.Fprintf(&b, "--x\r\nContent-Disposition: form-data; name=%q%s\r\n\r\n%s\r\n", name, file, value)
	}
	return strings.NewReader(b.String() + "--x--\r\n")
}

const kind = "multipart/form-data; boundary=x"

func TestForm(t *testing.T) {
	f, err := Read(kind, post("Key=a/${filename}", "x-amz-meta-A=1", "acl=private", "Content-Type=text/css", "tagging=<Tagging><TagSet><Tag><Key>k</Key><Value>v w</Value></Tag></TagSet></Tagging>",
		"x-amz-signature=s", "file=body", "late=x"))
	if err != nil {
		t.Fatal(err)
	}
	h, err := f.Header()
	if err != nil || f.Key() != "a/f.txt" || h.Get("X-Amz-Meta-A") != "1" || h.Get("X-Amz-Acl") != "private" || h.Get("X-Amz-Tagging") != "k=v+w" || h.Get("X-Amz-Signature") != "" {
		t.Errorf("%s %v %v", f.Key(), h, err)
	}
	if b, err := io.ReadAll(f.File); string(b) != "body" || err != nil {
		t.Errorf("%q %v", b, err)
	}
	for want, r := range map[string]io.Reader{
		"POST requires exactly one file": post("key=k"),
		"a field named 'key'":            post("file=x"),
		"MaxPostPreDataLength":           post("key=k", "a="+strings.Repeat("x", maxFields), "file=x"),
		"exactly one KEY field":          post("key=k", "KEY=l", "file=x"),
		"MalformedPOSTRequest":           strings.NewReader("nothing"),
	} {
		if _, err := Read(kind, r); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	f, err = Read(kind, post("key=k", "file=1", "file=2"))
	if err == nil {
		_, err = io.ReadAll(f.File)
	}
	if err == nil || !strings.Contains(err.Error(), "exactly one file") {
		t.Errorf("two files: %v", err)
	}
}

func TestPolicy(t *testing.T) {
	const later = `"expiration":"2026-01-01T01:00:00Z"`
	for _, c := range []struct{ policy, want string }{
		{`{` + later + `,"conditions":[{"bucket":"b"},["starts-with","$key","a/"],["eq","$x-amz-meta-a","1"],["content-length-range",1,10]]}`, ""},
		{`{"expiration":"2025-12-31T00:00:00Z","conditions":[]}`, "Policy expired."},
		{`{` + later + `,"conditions":[{"bucket":"b"},{"key":"a/k"}]}`, "Extra input fields: x-amz-meta-a"},
		{`{` + later + `,"conditions":[{"key":"a/k"},{"x-amz-meta-a":"1"}]}`, "Extra input fields: bucket"},
		{`{` + later + `,"conditions":[{"bucket":"other"}]}`, `Policy Condition failed: ["eq", "$bucket", "other"]`},
		{`{` + later + `,"conditions":[["starts-with","$key","b/"]]}`, `Policy Condition failed: ["starts-with", "$key", "b/"]`},
		{`{"conditions":[]}`, "missing expiration"},
		{`{` + later + `}`, "missing conditions"},
		{`{` + later + `,"conditions":[["like","$key","x"]]}`, "unknown operation"},
		{`{` + later + `,"conditions":[["content-length-range","x",1]]}`, "not a number"},
		{`[`, "Invalid JSON"},
	} {
		f, err := Read(kind, post("key=a/k", "x-amz-meta-a=1", "policy=p", "x-ignore-b=1", "file=body"))
		if err != nil {
			t.Fatal(err)
		}
		p, err := ParsePolicy(base64.StdEncoding.EncodeToString([]byte(c.policy)))
		if err == nil {
			err = p.Judge(f, "b", now)
		}
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %s", c.policy, err, c.want)
		}
	}
}

func TestBound(t *testing.T) {
	p := &Policy{min: 2, max: 4}
	for body, want := range map[string]string{"1": "EntityTooSmall", "12": "", "1234": "", "12345": "EntityTooLarge"} {
		_, err := io.ReadAll(p.Bound(strings.NewReader(body)))
		if want == "" && err != nil || want != "" && (err == nil || err.Error() != want) {
			t.Errorf("%s: %v, want %q", body, err, want)
		}
	}
}

// FuzzForm feeds forms and policies to the parsers.
func FuzzForm(f *testing.F) {
	f.Add("--x\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\nk\r\n--x\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nb\r\n--x--", `{"expiration":"2026-01-01T01:00:00Z","conditions":[["eq","$key","k"]]}`)
	f.Fuzz(func(t *testing.T, body, policy string) {
		form, err := Read(kind, strings.NewReader(body))
		if err != nil {
			return
		}
		if form.Key() == "" {
			t.Error("no key")
		}
		_, _ = form.Header()
		if p, err := ParsePolicy(base64.StdEncoding.EncodeToString([]byte(policy))); err == nil {
			_ = p.Judge(form, "b", now)
		}
		_, _ = io.Copy(io.Discard, form.File)
	})
}
