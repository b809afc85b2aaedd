package table

import (
	"strconv"
	"time"

	api "github.com/brume-dev/brume/api/dynamodbapi"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
)

const policyVersion = 1

// Policy is the resource policy of a table.
type Policy struct {
	Document string `cbor:"1,keyasint"`
	Revision string `cbor:"2,keyasint"`
}

// NoPolicy is the revision that a client names when it expects that there is none.
const NoPolicy = "NO_POLICY"

// PolicyKey is where the policy lies.
func (t *Table) PolicyKey() store.Key { return t.Data.Uint(familyPolicy) }

// Policy reads the table's policy; its Revision is "" when there is none.
func (t *Table) Policy(r store.Reader) (Policy, error) {
	var rec Policy
	v, ok, err := r.Get(t.PolicyKey())
	if err != nil || !ok {
		return rec, err
	}
	return rec, record.Decode(v, policyVersion, &rec)
}

// SetPolicy stores a policy in place of old and returns its revision, a time in milliseconds. "" removes it.
func (t *Table) SetPolicy(tx store.Tx, old Policy, document string) string {
	t.cache.changed(tx, t.Name)
	rec := t.Record
	if rec.HasPolicy = document != ""; rec.HasPolicy != t.HasPolicy {
		t.put(tx, &rec)
	}
	if document == "" {
		tx.Delete(t.PolicyKey())
		return ""
	}
	revision := old.Next(tx.Now(), document)
	tx.Set(t.PolicyKey(), record.Encode(policyVersion, Policy{document, revision}))
	return revision
}

// Next is the revision of the document that replaces the policy now: a time in milliseconds, "" when it is removed.
func (p *Policy) Next(now time.Time, document string) string {
	if document == "" {
		return ""
	}
	last, _ := strconv.ParseInt(p.Revision, 10, 64)
	return strconv.FormatInt(max(now.UnixMilli(), last+1), 10)
}

// Matches reports whether the policy has the revision that a client expects.
func (p *Policy) Matches(expected *string) bool {
	return expected == nil || *expected == p.Revision || *expected == NoPolicy && p.Revision == ""
}

func (t *Table) tags() store.Tuple { return t.Data.Uint(familyTags) }

// TagKey is where the tag with a key lies.
func (t *Table) TagKey(key string) store.Key { return t.tags().Text(key) }

// ListTags reads the tags of the table; there are never more than a page of them.
func (t *Table) ListTags(r store.Reader) ([]api.Tag, error) {
	out := []api.Tag{}
	prefix := t.tags()
	pairs, done := r.Scan(prefix.Range(), store.ScanOpt{})
	for kv := range pairs {
		out = append(out, api.Tag{Key: store.Decode(kv.Key, len(prefix)).Text(), Value: string(kv.Value)})
	}
	return out, done()
}
