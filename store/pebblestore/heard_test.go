package pebblestore

import (
	"context"
	"fmt"
	"hash/maphash"
	"testing"

	"github.com/brume-dev/brume/store"
)

// TestHeard: what Views read again and again is known by heart, and still is of the state that each reads.
func TestHeard(t *testing.T) {
	s := openMem(t)
	read := func(want string) {
		t.Helper()
		for range 3 * heardOften {
			err := s.View(t.Context(), func(_ context.Context, r store.Reader) error {
				v, ok, err := r.Get(store.Key("k"))
				if string(v) != want || ok != (want != "") {
					t.Fatalf("%q %v, want %q", v, ok, want)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		st, err := s.acquire()
		if err != nil {
			t.Fatal(err)
		}
		defer s.release(st)
		if v, ok := st.heard.get(store.Key("k")); !ok || string(v) != want {
			t.Errorf("known by heart: %q %v, want %q", v, ok, want)
		}
	}
	read("")
	s.must(t, func(tx store.Tx) { tx.Set(store.Key("k"), store.Value("one")) })
	read("one")
	s.must(t, func(tx store.Tx) { tx.Set(store.Key("k"), store.Value("two")) })
	read("two")
	s.must(t, func(tx store.Tx) { tx.Delete(store.Key("k")) })
	read("")
}

// TestHeardIsBounded: however many keys are read often, few are kept, and no long values.
func TestHeardIsBounded(t *testing.T) {
	var h heard
	seed := maphash.MakeSeed()
	for i := range 100 * maxHeard {
		for range 2 * heardOften {
			h.read(seed, store.Key(fmt.Sprint(i)), store.Value("v"))
			h.read(seed, store.Key(fmt.Sprint("long", i)), make(store.Value, maxHeardValue+1))
		}
	}
	if n := len(*h.values.Load()); n != maxHeard {
		t.Errorf("%d values", n)
	}
	for k, v := range *h.values.Load() {
		if len(v) > 1 {
			t.Errorf("%s has %d bytes", k, len(v))
		}
	}
}
