package bucket

import (
	"net/url"
	"strings"

	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/store"
)

// Listing is what the lists of keys have in common.
type Listing struct {
	Prefix, Delimiter string
	After             string // keys and common prefixes above this one
	Limit             int
	Url               bool        // names are percent-encoded in the answer
	Resume            store.Tuple // a whole key of the family after which the walk begins, instead of all with that text
}

// Text is a name as the answer has it.
func (l *Listing) Text(s string) *string {
	if l.Url {
		s = strings.NewReplacer("+", "%20", "%2F", "/", "%7E", "~", "~", "%7E").Replace(url.QueryEscape(s))
		s = strings.ReplaceAll(s, "%2A", "*")
	}
	return &s
}

// Optional is text, or nil for "".
func (l *Listing) Optional(s string) *string {
	if s == "" {
		return nil
	}
	return l.Text(s)
}

// common returns the common prefix that key falls under, or "".
func (l *Listing) common(key string) string {
	if l.Delimiter == "" {
		return ""
	}
	rest := key[len(l.Prefix):]
	i := strings.Index(rest, l.Delimiter)
	if i < 0 {
		return ""
	}
	return key[:len(l.Prefix)+i+len(l.Delimiter)]
}

// Walk yields the keys of a family that the listing is about, and the common prefixes in their places. Below a common
// prefix nothing is read: the scan starts again behind it. It returns when yield says so or all is seen.
func (l *Listing) Walk(r store.Reader, family store.Tuple, yield func(key string, kv store.KV, common bool) (more bool, err error)) error {
	rng := WithPrefix(family, l.Prefix)
	if l.After != "" && l.After >= l.Prefix {
		rng.Begin = family.Text(l.After).After(rng).Begin
		if l.Resume != nil {
			rng.Begin = l.Resume.After(rng).Begin
		}
		if c := l.skip(); c != "" {
			rng.Begin = WithPrefix(family, c).End
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
func (l *Listing) skip() string {
	if !strings.HasPrefix(l.After, l.Prefix) {
		return ""
	}
	return l.common(l.After)
}

// stretch walks to the next common prefix, and sets rng to what follows it.
func (l *Listing) stretch(r store.Reader, family store.Tuple, rng *store.Range, yield func(string, store.KV, bool) (bool, error)) (again bool, err error) {
	pairs, done := r.Scan(*rng, store.ScanOpt{})
	for kv := range pairs {
		key := store.Decode(kv.Key, len(family)).Text()
		if c := l.common(key); c != "" {
			more, err := yield(c, kv, true)
			rng.Begin = WithPrefix(family, c).End
			return more, err
		}
		if more, err := yield(key, kv, false); err != nil || !more {
			return false, err
		}
	}
	return false, done()
}

// StorageClass is the class as lists show it.
func (o *Object) StorageClass() string {
	if o.Class == "" {
		return string(s3api.StorageClassStandard)
	}
	return o.Class
}

// Listed is the checksum as lists show it: without its value.
func (s Sum) Listed() ([]s3api.ChecksumAlgorithm, s3api.ChecksumType) {
	if s.Algorithm == "" {
		return nil, ""
	}
	return []s3api.ChecksumAlgorithm{s3api.ChecksumAlgorithm(s.Algorithm)}, s3api.ChecksumType(s.Type)
}
