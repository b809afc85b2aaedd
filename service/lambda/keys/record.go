package keys

import (
	"encoding/base64"
	"strings"

	"github.com/brume-dev/brume/service/lambda/fault"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
)

const (
	recordVersion = 1
	maxPage       = 50 // items of a page of any list
)

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

// Page goes through a part of the keys below t and returns the marker of the next part, nil at the end. The marker is the
// last key that was seen. A page has at most items, and never more than Lambda's lists have.
func Page(r store.Reader, t store.Tuple, marker *string, items *int32, each func(store.Key, store.Value) error) (*string, error) {
	return turn(r, t, marker, items, false, each)
}

// PageBack is Page from the last key to the first.
func PageBack(r store.Reader, t store.Tuple, marker *string, items *int32, each func(store.Key, store.Value) error) (*string, error) {
	return turn(r, t, marker, items, true, each)
}

func turn(r store.Reader, t store.Tuple, marker *string, items *int32, back bool, each func(store.Key, store.Value) error) (*string, error) {
	within := t.Range()
	if marker != nil && *marker != "" {
		last, err := base64.URLEncoding.DecodeString(*marker)
		if err != nil || !strings.HasPrefix(string(last), string(t)) {
			return nil, fault.Invalid("Invalid marker: %s", *marker)
		}
		if back {
			within.End = store.Key(last)
		} else {
			within = store.Tuple(last).After(within)
		}
	}
	limit := maxPage
	if items != nil {
		limit = min(int(*items), maxPage)
	}
	pairs, done := r.Scan(within, store.ScanOpt{Limit: limit + 1, Reverse: back})
	n, last := 0, store.Key(nil)
	for kv := range pairs {
		if n == limit {
			return new(base64.URLEncoding.EncodeToString(last)), nil
		}
		if err := each(kv.Key, kv.Value); err != nil {
			return nil, err
		}
		n, last = n+1, append(last[:0], kv.Key...)
	}
	return nil, done()
}
