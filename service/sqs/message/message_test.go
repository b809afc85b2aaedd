package message

import (
	"reflect"
	"strings"
	"testing"
)

func sample() *Message {
	return &Message{Ref: Ref{Sent: 1_700_000_000_000_123, ID: ID{1, 2, 3}}, Visible: 1_700_000_900_000_123, Body: "the body", Sender: "AIDA", Trace: "Root=1",
		Group: "g", Dedup: "d", Sequence: 77, Source: "arn:aws:sqs:us-east-1:000000000000:s", Received: 3, First: 1_700_000_000_000_456,
		Attributes: []Attribute{{"a", "String", []byte("x")}, {"b", "Binary.png", []byte{0, 1}}}}
}

func TestMessageComesBack(t *testing.T) {
	for _, m := range []*Message{sample(), {Ref: Ref{Sent: 5}, Visible: 5}} {
		got, err := Parse(m.Append(nil, m.Body))
		if err != nil || !reflect.DeepEqual(got, m) {
			t.Errorf("got %+v (%v), want %+v", got, err, m)
		}
	}
	whole := sample().Append(nil, "")
	for i := range whole {
		if _, err := Parse(whole[:i]); err == nil {
			t.Errorf("%d of %d bytes parse", i, len(whole))
		}
	}
	whole[0]++
	if _, err := Parse(whole); err == nil {
		t.Error("another version parses")
	}
}

// The digests are those of the examples in the documentation of the SDKs' own checks: computed by botocore for the same
// values.
func TestDigests(t *testing.T) {
	if got := BodyDigest("This is a test message"); got != "fafb00f5732ab283681e124bf8747ed1" {
		t.Errorf("body: %s", got)
	}
	if got := AttributesDigest([]Attribute{{"timestamp", "Number", []byte("1493147359900")}}); got != "235c5c510d26fb653d073faed50ae77c" {
		t.Errorf("attributes: %s", got)
	}
	if got := AttributesDigest(nil); got != "" {
		t.Errorf("no attributes: %s", got)
	}
}

func TestReceipts(t *testing.T) {
	r := Receipt{Queue: 7, Ref: Ref{Sent: 1_700_000_000_000_123, ID: ID{9, 8, 7}}, Count: 3}
	s := r.String()
	if !strings.HasPrefix(s, "AQEB") {
		t.Errorf("%s does not begin as SQS's do", s)
	}
	if got, ok := ParseReceipt(s); !ok || got != r {
		t.Errorf("%+v (%v), want %+v", got, ok, r)
	}
	for _, bad := range []string{"", "x", s[:len(s)-1], s + "A", strings.ToLower(s), s[:10] + "BBBB" + s[14:]} {
		if _, ok := ParseReceipt(bad); ok {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestForeign(t *testing.T) {
	for s, want := range map[string]rune{"a\x00": 0, "\x1b": 0x1b, "\ufffe": 0xfffe, "\uffff": 0xffff, "\xff": 0xff, "\x0b": 0xb} {
		if c, found := Foreign(s); !found || c != want {
			t.Errorf("%q: %x %v", s, c, found)
		}
	}
	for _, s := range []string{"", "a\t\r\n ~\x7f", "é\ud7ff\ue000\ufffd\U0010ffff"} {
		if c, found := Foreign(s); found {
			t.Errorf("%q: %x", s, c)
		}
	}
}

func TestSize(t *testing.T) {
	if n := sample().Size(); n != 8+(1+6+1)+(1+10+2) {
		t.Errorf("size %d", n)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(sample().Append(nil, "body"))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Parse(b)
		if err != nil {
			return
		}
		if again, err := Parse(m.Append(nil, m.Body)); err != nil || !reflect.DeepEqual(again, m) {
			t.Errorf("%+v came back as %+v (%v)", m, again, err)
		}
	})
}

func FuzzParseReceipt(f *testing.F) {
	f.Add(Receipt{Queue: 1, Count: 2}.String())
	f.Fuzz(func(t *testing.T, s string) {
		if r, ok := ParseReceipt(s); ok && r.String() != s {
			t.Errorf("%q came back as %q", s, r.String())
		}
	})
}

func BenchmarkMessage(b *testing.B) {
	m := sample()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(m.Append(make([]byte, 0, 256), m.Body)); err != nil {
			b.Fatal(err)
		}
	}
}
