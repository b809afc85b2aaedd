package iam

import (
	"bytes"
	"encoding/base64"
	"net/http"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
)

// page is one page of a listing.
type page struct {
	size   int
	marker string
	more   bool
	next   string
}

func newPage(marker *string, items *int32) *page {
	return &page{marker: or(marker, ""), size: int(or(items, defaultPage))}
}

// result gives IsTruncated and Marker of the answer.
func (p *page) result() (*bool, *string) {
	if !p.more {
		return ptr(false), nil
	}
	return ptr(true), ptr(p.next)
}

// keys lists the keys below t, in order, from where the marker says. take is told each with what comes after t, and
// whether it is on the page. A page that looked at scanPage keys ends, full or not.
func (c *scope) keys(t store.Tuple, p *page, take func(*store.Elements, store.Value) (bool, error)) error {
	r := t.Range()
	if p.marker != "" {
		last, err := base64.RawURLEncoding.DecodeString(p.marker)
		if err != nil || len(last) == 0 {
			return badMarker()
		}
		r = t.Raw(last).After(r)
	}
	taken, seen := 0, 0
	var last []byte
	kvs, done := c.Scan(r, store.ScanOpt{})
	for kv := range kvs {
		if taken == p.size || seen == scanPage {
			p.more = true
			break
		}
		seen++
		last = bytes.Clone(kv.Key[len(t):])
		ok, err := take(store.Decode(kv.Key, len(t)), kv.Value)
		if err != nil {
			return err
		}
		if ok {
			taken++
		}
	}
	p.next = base64.RawURLEncoding.EncodeToString(last)
	return done()
}

func badMarker() error {
	return aws.Errorf("ValidationError", http.StatusBadRequest, "Invalid Marker.")
}

// slice is keys for lists that are in memory: it returns the bounds of the page in n items, each named by name.
func (p *page) slice(n int, name func(int) string) (from, to int, err error) {
	if p.marker != "" {
		b, err := base64.RawURLEncoding.DecodeString(p.marker)
		if err != nil {
			return 0, 0, badMarker()
		}
		for from < n && name(from) <= string(b) {
			from++
		}
	}
	to = min(n, from+p.size)
	if p.more = to < n; p.more {
		p.next = base64.RawURLEncoding.EncodeToString([]byte(name(to - 1)))
	}
	return from, to, nil
}
