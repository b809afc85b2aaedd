package connection_test

import (
	"errors"
	"net/http"
	"net/url"
	"testing"

	"github.com/brume-dev/brume/event/connection"
)

func TestApply(t *testing.T) {
	a := &connection.Authorization{Header: []connection.Pair{{Name: "X-Key", Value: "secret"}}, Query: []connection.Pair{{Name: "k", Value: "v w"}, {Name: "own", Value: "theirs"}}}
	h := http.Header{"X-Key": {"a", "b"}, "Other": {"c"}}
	u, _ := url.Parse("https://example.com/p?own=mine&z=1")
	a.Apply(h, u)
	if h.Values("X-Key")[0] != "secret" || len(h.Values("X-Key")) != 1 || h.Get("Other") != "c" || u.String() != "https://example.com/p?k=v+w&own=theirs&z=1" {
		t.Error(h, u)
	}
}

func TestMerge(t *testing.T) {
	a := &connection.Authorization{Body: []connection.Pair{{Name: "grant", Value: "a b"}, {Name: "more", Value: `{"x":[1]}`}}}
	for _, c := range []struct{ body, kind, want string }{
		{`{"own":1.50,"grant":"mine"}`, "application/json", `{"own":1.50,"grant":"a b","more":{"x":[1]}}`},
		{``, "application/json; charset=utf-8", `{"grant":"a b","more":{"x":[1]}}`},
		{`own=1&grant=mine`, "application/x-www-form-urlencoded", `grant=a+b&more=%7B%22x%22%3A%5B1%5D%7D&own=1`},
	} {
		got, err := a.Merge([]byte(c.body), c.kind)
		if err != nil || string(got) != c.want {
			t.Errorf("%s %s: %s, %v", c.kind, c.body, got, err)
		}
	}
	for _, body := range []string{`[1]`, `text`, `null`} {
		if _, err := a.Merge([]byte(body), "application/json"); !errors.Is(err, connection.ErrBody) {
			t.Errorf("%s: %v", body, err)
		}
	}
	if got, err := (&connection.Authorization{}).Merge([]byte("text"), ""); string(got) != "text" || err != nil {
		t.Error("a body that needs nothing is changed")
	}
}

func FuzzMerge(f *testing.F) {
	a := &connection.Authorization{Body: []connection.Pair{{Name: "k", Value: "v"}}}
	f.Add([]byte(`{"a":1}`), "application/json")
	f.Add([]byte(`a=1;b`), "application/x-www-form-urlencoded")
	f.Fuzz(func(t *testing.T, body []byte, kind string) {
		got, err := a.Merge(body, kind)
		if err != nil {
			return
		}
		again, err := a.Merge(got, kind)
		if err != nil || string(again) != string(got) {
			t.Errorf("%q %q: %q then %q, %v", kind, body, got, again, err)
		}
	})
}
