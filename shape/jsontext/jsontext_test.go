package jsontext

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestSkip(t *testing.T) {
	for _, c := range []struct {
		in  string
		err error
	}{
		{`{"a":[1,-0.5e+10,true,false,null,"xA\n"],"b":{}}`, nil},
		{` [ ] `, nil},
		{"\t{ \"a\" :\r\n1 }", nil},
		{`01`, ErrSyntax},
		{`1.`, ErrSyntax},
		{`-`, ErrSyntax},
		{`+1`, ErrSyntax},
		{`.5`, ErrSyntax},
		{`1e`, ErrSyntax},
		{`[1,]`, ErrSyntax},
		{`{"a":1,}`, ErrSyntax},
		{`{"a" 1}`, ErrSyntax},
		{`{a:1}`, ErrSyntax},
		{`"a`, ErrSyntax},
		{`"\x"`, ErrSyntax},
		{`"\u12"`, ErrSyntax},
		{"\"\x01\"", ErrSyntax},
		{"\"\xff\"", ErrSyntax},
		{"\"\\n\xff\"", ErrSyntax},
		{`tru`, ErrSyntax},
		{`nul`, ErrSyntax},
		{`1 2`, ErrSyntax},
		{``, ErrSyntax},
		{`// comment`, ErrSyntax},
		{strings.Repeat("[", MaxDepth) + strings.Repeat("]", MaxDepth), nil},
		{strings.Repeat("[", MaxDepth+1) + strings.Repeat("]", MaxDepth+1), ErrDepth},
		{strings.Repeat(`{"a":`, MaxDepth+1), ErrDepth},
	} {
		s := New([]byte(c.in))
		err := s.Skip()
		if err == nil {
			err = s.End()
		}
		if err != c.err {
			t.Errorf("%.40q: %v, want %v", c.in, err, c.err)
		}
	}
}

func TestStringEscapes(t *testing.T) {
	for in, want := range map[string]string{
		`"\"\\\/\b\f\n\r\t"`: "\"\\/\b\f\n\r\t",
		`"é€"`:               "é€",
		`"\ud83d\ude00"`:     "\U0001F600",
		`"\ud83d"`:           "\uFFFD",
		`"\ud83dx"`:          "\uFFFDx",
		`"\ud83dA"`:          "\uFFFDA",
		`"\ude00"`:           "\uFFFD",
		`"日本\n語"`:            "日本\n語",
	} {
		got, err := New([]byte(in)).String()
		if err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", in, got, err)
		}
	}
}

func TestAppendFloat(t *testing.T) {
	for _, c := range []struct {
		f    float64
		bits int
		want string
	}{
		{0, 64, "0.0"}, {1, 64, "1.0"}, {-2.5, 64, "-2.5"}, {1e20, 64, "100000000000000000000.0"}, {1e21, 64, "1e+21"},
		{1e-7, 64, "1e-07"}, {float64(float32(0.1)), 32, "0.1"}, {math.NaN(), 64, `"NaN"`},
		{math.Inf(1), 64, `"Infinity"`}, {math.Inf(-1), 32, `"-Infinity"`},
	} {
		if got := string(AppendFloat(nil, c.f, c.bits)); got != c.want {
			t.Errorf("%v: %s, want %s", c.f, got, c.want)
		}
	}
}

func TestAppendUnix(t *testing.T) {
	for ms, want := range map[int64]string{
		0: "0", 1000: "1", 1500: "1.5", 1050: "1.05", 1001: "1.001", 1120: "1.12", -1500: "-1.5", 1700000000123: "1700000000.123",
	} {
		if got := string(AppendUnix(nil, time.UnixMilli(ms))); got != want {
			t.Errorf("%d: %s, want %s", ms, got, want)
		}
	}
}

// FuzzSkip compares what the scanner takes with what encoding/json takes, which is laxer about invalid UTF-8 and depth.
func FuzzSkip(f *testing.F) {
	for _, s := range []string{`{"a":[1,2.5e3,"xé"],"b":{"c":null}}`, `[[],{}]`, `"\ud800"`, `-0`, ` 1 `} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s := New(b)
		err := s.Skip()
		if err == nil {
			err = s.End()
		}
		if err == nil && !json.Valid(b) {
			t.Errorf("%q was taken", b)
		}
		if err != nil && err != ErrDepth && json.Valid(b) && utf8.Valid(b) {
			t.Errorf("%q: %v", b, err)
		}
	})
}

// FuzzString compares unescaping and escaping with encoding/json.
func FuzzString(f *testing.F) {
	f.Add("a\n\"\\\x00\u2028é\U0001F600\xff")
	f.Fuzz(func(t *testing.T, s string) {
		b := AppendString(nil, s)
		var std string
		if err := json.Unmarshal(b, &std); err != nil {
			t.Fatalf("%q is written as %s: %v", s, b, err)
		}
		got, err := New(b).String()
		if err != nil || string(got) != std {
			t.Errorf("%s: %q, %v; encoding/json reads %q", b, got, err, std)
		}
		if utf8.ValidString(s) && std != s {
			t.Errorf("%q came back as %q", s, std)
		}
		quoted, _ := json.Marshal(s)
		if got, err = New(quoted).String(); err != nil || string(got) != std {
			t.Errorf("%s: %q, %v", quoted, got, err)
		}
	})
}
