package eventbridge_test

import "testing"

func TestHears(t *testing.T) {
	r := newRig(t)
	hears := func(want bool) {
		t.Helper()
		if got := r.Hears(t.Context(), me.Account, me.Region); got != want {
			t.Errorf("hears: %v", got)
		}
	}
	hears(false)
	r.archive("a", "default", nil, 0)
	hears(true)
	if r.Hears(t.Context(), me.Account, "eu-central-1") {
		t.Error("another region hears")
	}
}
