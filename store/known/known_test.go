package known_test

import (
	"testing"

	"github.com/brume-dev/brume/store/known"
)

func TestMap(t *testing.T) {
	m := known.New[string, int](2)
	older := func(than int) func(int) bool { return func(had int) bool { return had < than } }
	m.Renew("a", 2, older(2))
	m.Renew("a", 1, older(1))
	if v, ok := m.Get("a"); v != 2 || !ok {
		t.Errorf("a is %d, %v: an earlier revision took its place", v, ok)
	}
	m.Put("a", 1)
	m.Put("b", 3)
	m.Put("b", 3)
	if _, ok := m.Get("a"); !ok {
		t.Error("what is known already takes no more room")
	}
	m.Put("c", 4)
	_, a := m.Get("a")
	if c, ok := m.Get("c"); a || c != 4 || !ok {
		t.Errorf("at the bound: a kept %v, c %d %v", a, c, ok)
	}
}
