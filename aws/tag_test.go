package aws

import "testing"

func TestReservedTag(t *testing.T) {
	for key, want := range map[string]bool{"aws:a": true, "AwS:": true, "aws": false, "laws:a": false, "": false, "aw\u017f:a": false} {
		if ReservedTag(key) != want {
			t.Errorf("%q: %v", key, !want)
		}
	}
}
