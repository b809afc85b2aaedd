package script

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/brume-dev/brume/aws"
)

// echo answers with what it was asked.
type echo struct{ aws.Caller }

func (echo) Document(_ context.Context, id aws.Identity, op aws.Op, in []byte) ([]byte, error) {
	switch op.Name {
	case "Fail":
		return nil, aws.Errorf("Code", 404, "no %s", strings.TrimSpace(string(in)))
	case "Break":
		return nil, errors.New("disk full")
	}
	return []byte(`{"op":"` + op.String() + `","by":"` + id.Name + `","in":` + string(in) + `}`), nil
}

func TestReplay(t *testing.T) {
	moved := time.Duration(0)
	o := Options{Caller: echo{}, Service: "s", Identities: map[string]aws.Identity{"": {Name: "a"}, "b": {Name: "b"}},
		Advance: func(_ context.Context, d time.Duration) error { moved += d; return nil }}
	const want = `# a comment
> Op {"x": 1}
< {"op":"s:Op","by":"a","in":{"x": 1}}

= b
> other:Op {
    "x": 2}
< {"op":"other:Op","by":"b","in":{
    "x": 2}}
+ 2h
> Fail 7
! Code 404 no 7
> Break {}
! InternalFailure 500 The request processing has failed because of an unknown error, exception or failure. (disk full)
`
	got, err := replay(t.Context(), want, o)
	if err != nil || got != want {
		t.Errorf("%v: %s", err, difference(want, got))
	}
	if moved != 2*time.Hour {
		t.Errorf("moved by %v", moved)
	}
	stale := strings.Replace(want, "no 7", "nothing", 1)
	if got, _ = replay(t.Context(), stale, o); got == stale || got != want {
		t.Errorf("a wrong answer was left: %s", difference(want, got))
	}
	if d := difference(stale, want); !strings.HasPrefix(d, "12: got\n! Code 404 no 7\n") {
		t.Errorf("difference %q", d)
	}
	long := "> Op \"" + strings.Repeat("x", 120) + "\"\n"
	if got, _ = replay(t.Context(), long, o); !strings.Contains(got, "\n    \"by\": \"a\",\n") {
		t.Errorf("a long answer on one line: %s", got)
	}
	for _, bad := range []string{"= nobody", "+ soon"} {
		if _, err := replay(t.Context(), bad, o); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}
