package item

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

// The JSON that is made of stored items is that of the items.
func TestItems(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var ms []Map
		w := NewWriter([]byte("used before"))
		for range rapid.IntRange(0, 3).Draw(t, "n") {
			m := drawMap(t, 0)
			ms = append(ms, m)
			if err := w.Add(m.Append(nil)); err != nil {
				t.Fatal(err)
			}
		}
		got, room := w.Items()
		clear(room)
		if a, b := got.AppendJSON(nil), ItemsOf(ms).AppendJSON(nil); !bytes.Equal(a, b) || got.Len() != len(ms) {
			t.Fatalf("%s, want %s", a, b)
		}
		all := got.All()
		for i := range ms {
			if !EqualMaps(all[i], ms[i]) {
				t.Fatalf("%s became %s", ms[i].AppendJSON(nil), all[i].AppendJSON(nil))
			}
		}
		var again Items
		if rest, err := again.DecodeJSON(got.AppendJSON(nil)); err != nil || len(rest) > 0 || again.Len() != len(ms) {
			t.Fatalf("read again: %v, %d items", err, again.Len())
		}
	})
}

// Whatever lies in the store, AppendStored takes what Decode takes, and neither anything else.
func FuzzAppendStored(f *testing.F) {
	var m Map
	if _, err := m.DecodeJSON([]byte(sample)); err != nil {
		f.Fatal(err)
	}
	f.Add(m.Append(nil))
	f.Add([]byte{version, 1, 1, 'a', tagL, 200, 1})
	f.Fuzz(func(t *testing.T, stored []byte) {
		m, err := Decode(stored)
		got, err2 := AppendStored(nil, stored)
		if (err == nil) != (err2 == nil) {
			t.Fatalf("Decode: %v, AppendStored: %v", err, err2)
		}
		if want := m.AppendJSON(nil); err == nil && !bytes.Equal(got, want) {
			t.Errorf("%s, want %s", got, want)
		}
	})
}
