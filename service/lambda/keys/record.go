package keys

import (
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
)

const recordVersion = 1

// Encode makes the record of v.
func Encode(v any) store.Value { return record.Encode(recordVersion, v) }

// Decode fills v from a record.
func Decode(b store.Value, v any) error { return record.Decode(b, recordVersion, v) }

// Get reads the record at key, nil when there is none.
func Get[T any](r store.Reader, key store.Key) (*T, error) {
	b, ok, err := r.Get(key)
	if err != nil || !ok {
		return nil, err
	}
	v := new(T)
	return v, Decode(b, v)
}
