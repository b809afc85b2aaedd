package s3

import (
	"context"
	"iter"
	"math"

	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
)

// The states of a bucket's versioning; it begins as "".
const (
	versioningEnabled   = "Enabled"
	versioningSuspended = "Suspended"
)

// GetBucketVersioning says whether versions are kept.
func (s *Service) GetBucketVersioning(ctx context.Context, _ aws.Identity, in *s3api.GetBucketVersioningRequest) (*s3api.GetBucketVersioningOutput, error) {
	return view(ctx, s, in.Bucket, in.ExpectedBucketOwner, func(_ store.Reader, b *bucket) (*s3api.GetBucketVersioningOutput, error) {
		return &s3api.GetBucketVersioningOutput{Status: s3api.BucketVersioningStatus(b.Versioning)}, nil
	})
}

// PutBucketVersioning begins or suspends the keeping of versions; it cannot be as if it had never begun.
func (s *Service) PutBucketVersioning(ctx context.Context, _ aws.Identity, in *s3api.PutBucketVersioningRequest) (*s3api.PutBucketVersioningOutput, error) {
	c := in.VersioningConfiguration
	switch {
	case c.MFADelete == s3api.MFADeleteEnabled:
		return nil, notImplemented("Brume has no MFA delete")
	case c.Status == "":
		return nil, aws.Errorf("IllegalVersioningConfigurationException", 400, "The Versioning element must be specified")
	}
	return update(ctx, s, in.Bucket, in.ExpectedBucketOwner, func(tx store.Tx, b *bucket) (*s3api.PutBucketVersioningOutput, error) {
		b.Versioning = string(c.Status)
		b.save(tx)
		return &s3api.PutBucketVersioningOutput{}, nil
	})
}

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

// versions walks the versions of all keys: by key, the newest first.
type versions struct {
	b        *bucket
	l        listing
	cur, old store.Range
}

// from sets where the walk begins: after a version of a key, or after all versions of it.
func (v *versions) from(r store.Reader, key, version string) error {
	current, others := v.b.family(familyCurrent), v.b.family(familyVersion)
	v.cur, v.old = withPrefix(current, v.l.prefix), withPrefix(others, v.l.prefix)
	if key == "" || key < v.l.prefix {
		return nil
	}
	v.cur.Begin = current.Text(key).After(v.cur).Begin
	if c := v.l.skip(); c != "" {
		v.seek(c)
		return nil
	}
	v.old.Begin = others.Text(key).After(v.old).Begin
	if version == "" {
		return nil
	}
	seq, ok := openSeq(v.b.N, version, "version")
	if version == nullVersion {
		var err error
		if seq, ok, err = v.b.nullSeq(r, key); err != nil {
			return err
		} else if !ok {
			seq, ok = math.MaxUint64, true // it is, or was, the current one
		}
	}
	if !ok {
		return invalidArgument("Invalid version id specified", "version-id-marker", version)
	}
	v.old.Begin = v.b.version(key, seq).After(v.old).Begin
	return nil
}

// seek goes behind a common prefix.
func (v *versions) seek(prefix string) {
	v.cur.Begin = withPrefix(v.b.family(familyCurrent), prefix).End
	v.old.Begin = withPrefix(v.b.family(familyVersion), prefix).End
}

// walk yields the versions; o is nil for a common prefix.
func (v *versions) walk(r store.Reader, begun string, yield func(key string, o *object, latest bool) bool) error {
	for last := begun; ; {
		cur := newHead(r, v.b.family(familyCurrent), v.cur)
		old := newHead(r, v.b.family(familyVersion), v.old)
		prefix, err := v.stretch(cur, old, &last, yield)
		cur.stop()
		old.stop()
		if err != nil || prefix == "" {
			return firstError(err, cur.done(), old.done())
		}
		v.seek(prefix)
	}
}

// stretch walks to the next common prefix, which it returns; "" is the end.
func (v *versions) stretch(cur, old *head, last *string, yield func(string, *object, bool) bool) (string, error) {
	for cur.ok || old.ok {
		h := old
		if cur.ok && (!old.ok || cur.key <= old.key) {
			h = cur
		}
		key := h.key
		if c := v.l.common(key); c != "" {
			if !yield(c, nil, false) {
				return "", nil
			}
			return c, nil
		}
		o, err := decodeObject(h.kv.Value)
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

// ListObjectVersions lists all versions and delete markers.
func (s *Service) ListObjectVersions(ctx context.Context, _ aws.Identity, in *s3api.ListObjectVersionsRequest) (*s3api.ListObjectVersionsOutput, error) {
	key, version := or(in.KeyMarker, ""), or(in.VersionIdMarker, "")
	l, err := newListing(in.Prefix, in.Delimiter, key, in.MaxKeys, "maxKeys", in.EncodingType)
	if err != nil {
		return nil, err
	}
	if version != "" && key == "" {
		return nil, invalidArgument("A version-id marker cannot be specified without a key marker.", "version-id-marker", version)
	}
	return view(ctx, s, in.Bucket, in.ExpectedBucketOwner, func(r store.Reader, b *bucket) (*s3api.ListObjectVersionsOutput, error) {
		out := &s3api.ListObjectVersionsOutput{Name: &in.Bucket, Prefix: l.text(l.prefix), Delimiter: l.optional(l.delimiter), KeyMarker: l.text(key),
			VersionIdMarker: &version, MaxKeys: ptr(int32(l.limit)), IsTruncated: ptr(false), EncodingType: in.EncodingType}
		if l.limit == 0 {
			return out, nil
		}
		v := versions{b: b, l: l}
		if err := v.from(r, key, version); err != nil {
			return nil, err
		}
		begun := ""
		if version != "" {
			begun = key // its latest version has been listed
		}
		n, lastKey, lastVersion := 0, "", ""
		err := v.walk(r, begun, func(key string, o *object, latest bool) bool {
			if n == l.limit {
				out.IsTruncated, out.NextKeyMarker, out.NextVersionIdMarker = ptr(true), l.text(lastKey), some(lastVersion)
				return false
			}
			n++
			lastKey, lastVersion = key, ""
			if o == nil {
				out.CommonPrefixes = append(out.CommonPrefixes, s3api.CommonPrefix{Prefix: l.text(key)})
				return true
			}
			lastVersion = o.versionID(b.N)
			b.list(out, l.text(key), o, latest)
			return true
		})
		return out, err
	})
}

// list adds a version to a list of versions.
func (b *bucket) list(out *s3api.ListObjectVersionsOutput, key *string, o *object, latest bool) {
	id := o.versionID(b.N)
	if o.Marker {
		out.DeleteMarkers = append(out.DeleteMarkers, s3api.DeleteMarkerEntry{Key: key, VersionId: &id, IsLatest: &latest,
			LastModified: &o.Modified, Owner: owner(b.Account)})
		return
	}
	e := s3api.ObjectVersion{Key: key, VersionId: &id, IsLatest: &latest, LastModified: &o.Modified, ETag: ptr(o.etag()), Size: &o.Size,
		StorageClass: s3api.ObjectVersionStorageClass(o.class()), Owner: owner(b.Account)}
	e.ChecksumAlgorithm, e.ChecksumType = o.Sum.listed()
	out.Versions = append(out.Versions, e)
}
