package page_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/memstore"
	"github.com/brume-dev/brume/store/page"
)

var at = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// names are awkward: prefixes of each other, with zero bytes, and the highest bytes there are.
var names = []string{"", "\x00", "a", "a\x00", "a\x00b", "aa", "ab", "b", "b\xff", "b\xff\xff", "c", "ü"}

func TestPagesAreTheListing(t *testing.T) {
	shard := memstore.New(clock.Frozen(at)).Shard(store.Global())
	at := store.Tuple(nil).Text("t")
	if _, err := shard.Update(t.Context(), func(_ context.Context, tx store.Tx) error {
		tx.Set(store.Tuple(nil).Text("s").Text("before"), nil)
		tx.Set(store.Tuple(nil).Text("u").Text("behind"), nil)
		for _, n := range names {
			tx.Set(at.Text(n), store.Value(n))
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for _, prefix := range []string{"", "a", "a\x00", "b", "b\xff", "z"} {
		for _, odd := range []bool{false, true} {
			var want []string
			for i, n := range names {
				if strings.HasPrefix(n, prefix) && (!odd || i%2 == 1) {
					want = append(want, n)
				}
			}
			for limit := 1; limit <= len(names)+1; limit++ {
				for _, looks := range []int{0, 1, 3} {
					for _, reverse := range []bool{false, true} {
						got := all(t, shard, at, page.Page{Limit: limit, Looks: looks, Prefix: prefix, Reverse: reverse}, odd)
						if reverse {
							slices.Reverse(got)
						}
						if !slices.Equal(got, want) {
							t.Errorf("prefix %q, odd %v, limit %d, looks %d, reverse %v: %q, want %q", prefix, odd, limit, looks, reverse, got, want)
						}
					}
				}
			}
		}
	}
}

func all(t *testing.T, shard store.Shard, at store.Tuple, like page.Page, odd bool) (got []string) {
	t.Helper()
	var token *string
	for range 100 {
		p, err := page.New(like.Limit, token)
		if err != nil {
			t.Fatal(err)
		}
		p.Looks, p.Prefix, p.Reverse = like.Looks, like.Prefix, like.Reverse
		on := 0
		if err := shard.View(t.Context(), func(_ context.Context, r store.Reader) error {
			return p.Each(r, at, func(name string, v store.Value) (bool, error) {
				if name != string(v) {
					t.Errorf("%q has the value of %q", name, v)
				}
				if odd && slices.Index(names, name)%2 == 0 {
					return false, nil
				}
				on++
				got = append(got, name)
				return true, nil
			})
		}); err != nil {
			t.Fatal(err)
		}
		if on > like.Limit {
			t.Fatalf("%d on a page of %d", on, like.Limit)
		}
		if token = p.Token(); p.More() != (token != nil) {
			t.Fatalf("more is %v with token %v", p.More(), token)
		}
		if token == nil {
			return got
		}
	}
	t.Fatal("the pages do not end")
	return nil
}

func TestSlice(t *testing.T) {
	items := names[1:]
	for limit := 1; limit <= len(items)+1; limit++ {
		var got []string
		var token *string
		for {
			p, err := page.New(limit, token)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, page.Slice(p, items, func(s string) string { return s })...)
			if token = p.Token(); token == nil {
				break
			}
		}
		if !slices.Equal(got, items) {
			t.Errorf("limit %d: %q", limit, got)
		}
	}
}

// A page without room says that there is more, and the next is the first that has any.
func TestNoRoom(t *testing.T) {
	shard := memstore.New(clock.Frozen(at)).Shard(store.Global())
	keys := store.Tuple(nil).Text("t")
	if _, err := shard.Update(t.Context(), func(_ context.Context, tx store.Tx) error {
		tx.Set(keys.Text("a"), nil)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	p, _ := page.New(0, nil)
	for _, want := range []string{"", "a"} {
		got := ""
		if err := shard.View(t.Context(), func(_ context.Context, r store.Reader) error {
			return p.Each(r, keys, func(name string, _ store.Value) (bool, error) { got += name; return true, nil })
		}); err != nil || got != want {
			t.Fatalf("%q %v, want %q", got, err, want)
		}
		if token := p.Token(); token != nil {
			if p, err := page.New(1, token); err != nil || p.First() {
				t.Fatalf("first: %v, %v", p.First(), err)
			}
		}
		p, _ = page.New(1, p.Token())
	}
}

func TestTokensThatAreNone(t *testing.T) {
	for _, token := range []string{"!", "====", "nonsense", strings.Repeat("a", 4*store.MaxKey)} {
		if _, err := page.New(1, &token); !errors.Is(err, page.ErrToken) {
			t.Errorf("%.20q: %v", token, err)
		}
	}
}

func FuzzToken(f *testing.F) {
	f.Add("YQ")
	f.Add("0C1hcQJhAA")
	shard := memstore.New(clock.Frozen(at)).Shard(store.Global())
	f.Fuzz(func(t *testing.T, token string) {
		p, err := page.New(1, &token)
		if err != nil {
			return
		}
		if err := shard.View(t.Context(), func(_ context.Context, r store.Reader) error {
			return p.Each(r, store.Tuple(nil).Text("t"), func(string, store.Value) (bool, error) { return true, fmt.Errorf("there is nothing") })
		}); err != nil {
			t.Error(err)
		}
	})
}
