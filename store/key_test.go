package store

import (
	"bytes"
	"cmp"
	"testing"

	"pgregory.net/rapid"
)

// Encoded keys must sort as their elements do, and come back as they were.
func TestTupleOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s1, s2 := rapid.String().Draw(t, "s1"), rapid.String().Draw(t, "s2")
		n1, n2 := rapid.Int64().Draw(t, "n1"), rapid.Int64().Draw(t, "n2")
		b := rapid.SliceOf(rapid.Byte()).Draw(t, "b")
		k1 := Tuple(nil).Text(s1).Int(n1).Bytes(b)
		k2 := Tuple(nil).Text(s2).Int(n2).Bytes(b)
		want := cmp.Or(cmp.Compare(s1, s2), cmp.Compare(n1, n2))
		if got := bytes.Compare(k1, k2); got != want {
			t.Fatalf("(%q,%d) against (%q,%d): %d, want %d", s1, n1, s2, n2, got, want)
		}
		e := Decode(k1, 0)
		if s, n, bb := e.Text(), e.Int(), e.Bytes(); s != s1 || n != n1 || !bytes.Equal(bb, b) || e.Err() != nil || e.More() {
			t.Fatalf("came back as %q %d %x (%v)", s, n, bb, e.Err())
		}
		r := Tuple(nil).Text(s1).Range()
		if bytes.Compare(k1, r.Begin) < 0 || bytes.Compare(k1, r.End) >= 0 {
			t.Fatalf("%x is not in the range of its prefix", k1)
		}
	})
}

func TestTuplePrefixIsNotShared(t *testing.T) {
	p := Tuple(nil).Text("p")
	a, b := p.Text("a"), p.Text("b")
	if Decode(a, len(p)).Text() != "a" || Decode(b, len(p)).Text() != "b" {
		t.Fatal("two extensions of one prefix share their bytes")
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(Tuple(nil).Text("a").Int(-5).Bytes([]byte{0})))
	f.Fuzz(func(t *testing.T, k []byte) {
		e := Decode(k, 0)
		e.Text()
		e.Int()
		e.Bytes()
		e.Stamp()
	})
}
