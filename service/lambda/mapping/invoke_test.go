package mapping

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/brume-dev/brume/event/source"
)

// Whatever a function answers, only messages of the batch fail one by one, and only JSON is an answer.
func FuzzFailures(f *testing.F) {
	for _, seed := range []string{``, `null`, `{}`, `{"batchItemFailures":[{"itemIdentifier":"a"}]}`, `{"batchItemFailures":[{"itemIdentifier":""}]}`, `"x"`, `{`} {
		f.Add([]byte(seed))
	}
	batch := []source.Record{{ID: "a"}, {ID: "b"}}
	f.Fuzz(func(t *testing.T, payload []byte) {
		ids, ok := failures(payload, batch)
		if ok && len(payload) > 0 && !json.Valid(payload) {
			t.Errorf("%q is an answer", payload)
		}
		for _, id := range ids {
			if !slices.Contains([]string{"a", "b"}, id) {
				t.Errorf("%q names %q", payload, id)
			}
		}
	})
}
