package bucket

import (
	"cmp"
	"iter"
	"math"

	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/service/s3/fault"
	"github.com/brume-dev/brume/store"
)

// The states of a bucket's versioning; it begins as "".
const (
	versioningEnabled   = "Enabled"
	versioningSuspended = "Suspended"
)

// head is the next pair of a scan.
type head struct {
	prefix int // bytes of the keys that are the family
	next   func() (store.KV, bool)
	stop   func()
	done   func() error
	kv     store.KV
	key    string
	ok     bool
}

func newHead(r store.Reader, family store.Tuple, rng store.Range) *head {
	pairs, done := r.Scan(rng, store.ScanOpt{})
	next, stop := iter.Pull(pairs)
	h := &head{prefix: len(family), next: next, stop: stop, done: done}
	h.step()
	return h
}

func (h *head) step() {
	if h.kv, h.ok = h.next(); h.ok {
		h.key = store.Decode(h.kv.Key, h.prefix).Text()
	}
}

// Versions walks the versions of all keys: by key, the newest first.
type Versions struct {
	B        *Bucket
	L        Listing
	cur, old store.Range
}

// From sets where the walk begins: after a version of a key, or after all versions of it.
func (v *Versions) From(r store.Reader, key, version string) error {
	current, others := v.B.Family(FamilyCurrent), v.B.Family(FamilyVersion)
	v.cur, v.old = WithPrefix(current, v.L.Prefix), WithPrefix(others, v.L.Prefix)
	if key == "" || key < v.L.Prefix {
		return nil
	}
	v.cur.Begin = current.Text(key).After(v.cur).Begin
	if c := v.L.skip(); c != "" {
		v.seek(c)
		return nil
	}
	v.old.Begin = others.Text(key).After(v.old).Begin
	if version == "" {
		return nil
	}
	seq, ok := OpenSeq(v.B.N, version, "version")
	if version == nullVersion {
		var err error
		if seq, ok, err = v.B.nullSeq(r, key); err != nil {
			return err
		} else if !ok {
			seq, ok = math.MaxUint64, true // it is, or was, the current one
		}
	}
	if !ok {
		return fault.InvalidArgument("Invalid version id specified", "version-id-marker", version)
	}
	v.old.Begin = v.B.version(key, seq).After(v.old).Begin
	return nil
}

// seek goes behind a common prefix.
func (v *Versions) seek(prefix string) {
	v.cur.Begin = WithPrefix(v.B.Family(FamilyCurrent), prefix).End
	v.old.Begin = WithPrefix(v.B.Family(FamilyVersion), prefix).End
}

// Walk yields the versions; o is nil for a common prefix.
func (v *Versions) Walk(r store.Reader, begun string, yield func(key string, o *Object, latest bool) bool) error {
	for last := begun; ; {
		cur := newHead(r, v.B.Family(FamilyCurrent), v.cur)
		old := newHead(r, v.B.Family(FamilyVersion), v.old)
		prefix, err := v.stretch(cur, old, &last, yield)
		cur.stop()
		old.stop()
		if err != nil || prefix == "" {
			return cmp.Or(err, cur.done(), old.done())
		}
		v.seek(prefix)
	}
}

// stretch walks to the next common prefix, which it returns; "" is the end.
func (v *Versions) stretch(cur, old *head, last *string, yield func(string, *Object, bool) bool) (string, error) {
	for cur.ok || old.ok {
		h := old
		if cur.ok && (!old.ok || cur.key <= old.key) {
			h = cur
		}
		key := h.key
		if c := v.L.common(key); c != "" {
			if !yield(c, nil, false) {
				return "", nil
			}
			return c, nil
		}
		o, err := DecodeObject(h.kv.Value)
		if err != nil {
			return "", err
		}
		if !yield(key, o, key != *last) {
			return "", nil
		}
		*last = key
		h.step()
	}
	return "", nil
}

// List adds a version to a list of versions.
func (b *Bucket) List(out *s3api.ListObjectVersionsOutput, key *string, o *Object, latest bool) {
	id := o.VersionID(b.N)
	if o.Marker {
		out.DeleteMarkers = append(out.DeleteMarkers, s3api.DeleteMarkerEntry{Key: key, VersionId: &id, IsLatest: &latest,
			LastModified: &o.Modified, Owner: Owner(b.Account)})
		return
	}
	e := s3api.ObjectVersion{Key: key, VersionId: &id, IsLatest: &latest, LastModified: &o.Modified, ETag: new(o.Quoted()), Size: &o.Size,
		StorageClass: s3api.ObjectVersionStorageClass(o.StorageClass()), Owner: Owner(b.Account)}
	e.ChecksumAlgorithm, e.ChecksumType = o.Sum.Listed()
	out.Versions = append(out.Versions, e)
}
