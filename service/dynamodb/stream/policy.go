package stream

import (
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
)

// ParseARN reads the ARN of a stream; ok is false when it is none.
func ParseARN(arn string) (n Name, ok bool) {
	n, err := resolve(arn)
	return n, err == nil
}

// Policy returns the resource policy of a stream and its revision, "" when it has none. ok says whether there is such a stream.
func Policy(r store.Reader, n Name) (document, revision string, ok bool, err error) {
	rec, ok, err := get(r, n)
	return rec.Policy, rec.Revision, ok, err
}

// SetPolicy gives a stream a resource policy; "" removes it.
func SetPolicy(tx store.Tx, n Name, document, revision string) error {
	rec, ok, err := get(tx, n)
	if err != nil || !ok {
		return err
	}
	rec.Policy, rec.Revision = document, revision
	tx.Set(n.key(), record.Encode(version, rec))
	return nil
}
