package s3

import (
	"context"
	"net/url"
	"strings"

	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
)

// listing is what the lists of keys have in common.
type listing struct {
	prefix, delimiter string
	after             string // keys and common prefixes above this one
	limit             int
	url               bool        // names are percent-encoded in the answer
	resume            store.Tuple // a whole key of the family after which the walk begins, instead of all with that text
}

// newListing reads the parameters that lists share.
func newListing(prefix, delimiter *string, after string, max *int32, name string, encoding s3api.EncodingType) (l listing, err error) {
	l = listing{prefix: or(prefix, ""), delimiter: or(delimiter, ""), after: after, limit: maxPage}
	if max != nil {
		if *max < 0 {
			return l, invalidArgument("Argument "+name+" must be an integer between 0 and 2147483647", name, itoa(int64(*max)))
		}
		l.limit = min(int(*max), maxPage)
	}
	if encoding != "" {
		if encoding != s3api.EncodingTypeUrl {
			return l, invalidArgument("Invalid Encoding Method specified in Request", "encoding-type", string(encoding))
		}
		l.url = true
	}
	return l, nil
}

// text is a name as the answer has it.
func (l *listing) text(s string) *string {
	if l.url {
		s = strings.NewReplacer("+", "%20", "%2F", "/", "%7E", "~", "~", "%7E").Replace(url.QueryEscape(s))
		s = strings.ReplaceAll(s, "%2A", "*")
	}
	return &s
}

// optional is text, or nil for "".
func (l *listing) optional(s string) *string {
	if s == "" {
		return nil
	}
	return l.text(s)
}

// common returns the common prefix that key falls under, or "".
func (l *listing) common(key string) string {
	if l.delimiter == "" {
		return ""
	}
	rest := key[len(l.prefix):]
	i := strings.Index(rest, l.delimiter)
	if i < 0 {
		return ""
	}
	return key[:len(l.prefix)+i+len(l.delimiter)]
}

// walk yields the keys of a family that the listing is about, and the common prefixes in their places. Below a common
// prefix nothing is read: the scan starts again behind it. It returns when yield says so or all is seen.
func (l *listing) walk(r store.Reader, family store.Tuple, yield func(key string, kv store.KV, common bool) (more bool, err error)) error {
	rng := withPrefix(family, l.prefix)
	if l.after != "" && l.after >= l.prefix {
		rng.Begin = family.Text(l.after).After(rng).Begin
		if l.resume != nil {
			rng.Begin = l.resume.After(rng).Begin
		}
		if c := l.skip(); c != "" {
			rng.Begin = withPrefix(family, c).End
		}
	}
	for {
		again, err := l.stretch(r, family, &rng, yield)
		if err != nil || !again {
			return err
		}
	}
}

// skip is the common prefix that the last page ended with or in, whose keys are not to be listed again.
func (l *listing) skip() string {
	if !strings.HasPrefix(l.after, l.prefix) {
		return ""
	}
	return l.common(l.after)
}

// stretch walks to the next common prefix, and sets rng to what follows it.
func (l *listing) stretch(r store.Reader, family store.Tuple, rng *store.Range, yield func(string, store.KV, bool) (bool, error)) (again bool, err error) {
	pairs, done := r.Scan(*rng, store.ScanOpt{})
	for kv := range pairs {
		key := store.Decode(kv.Key, len(family)).Text()
		if c := l.common(key); c != "" {
			more, err := yield(c, kv, true)
			rng.Begin = withPrefix(family, c).End
			return more, err
		}
		if more, err := yield(key, kv, false); err != nil || !more {
			return false, err
		}
	}
	return false, done()
}

// page is what a listing of objects gives.
type page struct {
	objects   []s3api.Object
	prefixes  []s3api.CommonPrefix
	last      string // the last name of the page
	truncated bool
}

// objects lists the current versions.
func (s *Service) objects(ctx context.Context, l listing, name string, expected *string, owned bool) (page, error) {
	return view(ctx, s, name, expected, func(r store.Reader, b *bucket) (p page, err error) {
		if l.limit == 0 {
			return p, nil
		}
		n := 0
		err = l.walk(r, b.family(familyCurrent), func(key string, kv store.KV, common bool) (bool, error) {
			if n == l.limit {
				p.truncated = true
				return false, nil
			}
			n++
			p.last = key
			if common {
				p.prefixes = append(p.prefixes, s3api.CommonPrefix{Prefix: l.text(key)})
				return true, nil
			}
			o, err := decodeObject(kv.Value)
			if err != nil {
				return false, err
			}
			e := s3api.Object{Key: l.text(key), LastModified: &o.Modified, ETag: ptr(o.etag()), Size: &o.Size,
				StorageClass: s3api.ObjectStorageClass(o.class())}
			e.ChecksumAlgorithm, e.ChecksumType = o.Sum.listed()
			if owned {
				e.Owner = owner(b.Account)
			}
			p.objects = append(p.objects, e)
			return true, nil
		})
		return p, err
	})
}

func (o *object) class() string {
	if o.Class == "" {
		return string(s3api.StorageClassStandard)
	}
	return o.Class
}

func (s sum) listed() ([]s3api.ChecksumAlgorithm, s3api.ChecksumType) {
	if s.Algorithm == "" {
		return nil, ""
	}
	return []s3api.ChecksumAlgorithm{s3api.ChecksumAlgorithm(s.Algorithm)}, s3api.ChecksumType(s.Type)
}

// ListObjectsV2 lists objects.
func (s *Service) ListObjectsV2(ctx context.Context, _ aws.Identity, in *s3api.ListObjectsV2Request) (*s3api.ListObjectsV2Output, error) {
	after := or(in.StartAfter, "")
	if in.ContinuationToken != nil {
		var err error
		if after, err = openToken(*in.ContinuationToken); err != nil {
			return nil, err
		}
	}
	l, err := newListing(in.Prefix, in.Delimiter, after, in.MaxKeys, "maxKeys", in.EncodingType)
	if err != nil {
		return nil, err
	}
	p, err := s.objects(ctx, l, in.Bucket, in.ExpectedBucketOwner, or(in.FetchOwner, false))
	if err != nil {
		return nil, err
	}
	out := &s3api.ListObjectsV2Output{Name: &in.Bucket, Prefix: l.text(l.prefix), Delimiter: l.optional(l.delimiter), MaxKeys: ptr(int32(l.limit)),
		KeyCount: ptr(int32(len(p.objects) + len(p.prefixes))), IsTruncated: &p.truncated, Contents: p.objects, CommonPrefixes: p.prefixes,
		EncodingType: in.EncodingType, ContinuationToken: in.ContinuationToken, StartAfter: l.optional(or(in.StartAfter, ""))}
	if p.truncated {
		out.NextContinuationToken = ptr(sealToken(p.last))
	}
	return out, nil
}

// ListObjects is the first version of the same list. NextMarker is there with a delimiter only.
func (s *Service) ListObjects(ctx context.Context, _ aws.Identity, in *s3api.ListObjectsRequest) (*s3api.ListObjectsOutput, error) {
	l, err := newListing(in.Prefix, in.Delimiter, or(in.Marker, ""), in.MaxKeys, "maxKeys", in.EncodingType)
	if err != nil {
		return nil, err
	}
	p, err := s.objects(ctx, l, in.Bucket, in.ExpectedBucketOwner, true)
	if err != nil {
		return nil, err
	}
	out := &s3api.ListObjectsOutput{Name: &in.Bucket, Prefix: l.text(l.prefix), Marker: l.text(l.after), Delimiter: l.optional(l.delimiter),
		MaxKeys: ptr(int32(l.limit)), IsTruncated: &p.truncated, Contents: p.objects, CommonPrefixes: p.prefixes, EncodingType: in.EncodingType}
	if p.truncated && l.delimiter != "" {
		out.NextMarker = l.text(p.last)
	}
	return out, nil
}
