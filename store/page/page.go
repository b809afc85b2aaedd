// Package page reads listings a page at a time, in the order of their keys. A token is where the page before ended, so
// that the next one goes on behind it whatever has happened to the items meanwhile; it costs nothing to keep.
package page

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"strings"

	"github.com/brume-dev/brume/store"
)

// ErrToken says that a token is none that a page gave.
var ErrToken = errors.New("page: not a token")

// beforeAll is less than what extends any key: where a page ended that had no room at all.
const beforeAll = "\x00"

// Page is one page of a listing.
type Page struct {
	Limit   int    // items on the page
	Looks   int    // keys that may be looked at before the page ends, full or not; 0: as many as it takes
	Prefix  string // of the names of Each and Slice
	Reverse bool   // Keys and Each go from the last to the first
	after   string // where the page before ended
	through string // where this one did
	more    bool
}

// New returns the page behind the one that token came from; nil and "" mean the first.
func New(limit int, token *string) (*Page, error) {
	p := &Page{Limit: limit, through: beforeAll}
	if token == nil || *token == "" {
		return p, nil
	}
	after, err := Open(*token)
	if err != nil {
		return nil, err
	}
	p.after = after
	return p, nil
}

// sumSize is the length of the checksum that a token begins with, by which one that somebody made up is told.
const sumSize = 4

// Seal makes a token of where a page ended, which is not empty.
func Seal(through string) string {
	b := binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte(through)))
	return base64.RawURLEncoding.EncodeToString(append(b, through...))
}

// Open returns what Seal made a token of, or ErrToken.
func Open(token string) (string, error) {
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(b) <= sumSize || len(b) > store.MaxKey || binary.BigEndian.Uint32(b) != crc32.ChecksumIEEE(b[sumSize:]) {
		return "", ErrToken
	}
	return string(b[sumSize:]), nil
}

// Size is the limit that was asked for, or the usual one.
func Size(asked *int32, usual int) int {
	if asked == nil {
		return usual
	}
	return int(*asked)
}

// First reports whether it is the first page.
func (p *Page) First() bool { return p.after == "" }

// More reports whether something is left.
func (p *Page) More() bool { return p.more }

// Token returns what New takes for the page behind this one, or nil when nothing is left.
func (p *Page) Token() *string {
	if !p.more {
		return nil
	}
	t := p.End()
	return &t
}

// End is the token of the place where the page ended, also when nothing is left behind it.
func (p *Page) End() string { return Seal(p.through) }

// Keys calls take with what extends each of the keys below t, in order. take says whether that is an item of the page;
// the page ends before the first key that may not be on it.
func (p *Page) Keys(r store.Reader, t store.Tuple, take func(key *store.Elements, v store.Value) (bool, error)) error {
	rng := t.Range()
	if p.Prefix != "" {
		rng = named(t, p.Prefix)
	}
	if p.after != "" {
		last := t.Raw([]byte(p.after))
		if begin := last.After(rng).Begin; !p.Reverse && bytes.Compare(begin, rng.Begin) > 0 {
			rng.Begin = begin
		} else if p.Reverse && bytes.Compare(last, rng.End) < 0 {
			rng.End = store.Key(last)
		}
	}
	if bytes.Compare(rng.Begin, rng.End) >= 0 {
		return nil
	}
	taken, seen := 0, 0
	pairs, done := r.Scan(rng, store.ScanOpt{Reverse: p.Reverse})
	for kv := range pairs {
		if taken == p.Limit || p.Looks > 0 && seen == p.Looks {
			p.more = true
			break
		}
		seen++
		p.through = string(kv.Key[len(t):])
		key := store.Decode(kv.Key, len(t))
		ok, err := take(key, kv.Value)
		if err := errors.Join(err, key.Err()); err != nil {
			return err
		}
		if ok {
			taken++
		}
	}
	return done()
}

// named is the range of the texts below t that begin with prefix.
func named(t store.Tuple, prefix string) store.Range {
	begin := t.Text(prefix)
	begin = begin[:len(begin)-1] // a text element ends with a zero byte
	end := bytes.Clone(begin)
	for end[len(end)-1] == 0xff {
		end = end[:len(end)-1]
	}
	end[len(end)-1]++
	return store.Range{Begin: store.Key(begin), End: store.Key(end)}
}

// Each is Keys where names extend t.
func (p *Page) Each(r store.Reader, t store.Tuple, take func(name string, v store.Value) (bool, error)) error {
	return p.Keys(r, t, func(key *store.Elements, v store.Value) (bool, error) { return take(key.Text(), v) })
}

// Slice returns the items that are on the page of a list in memory, which is in the order of its names.
func Slice[T any](p *Page, items []T, name func(T) string) []T {
	var out []T
	for _, it := range items {
		n := name(it)
		if n <= p.after || !strings.HasPrefix(n, p.Prefix) {
			continue
		}
		if len(out) == p.Limit {
			p.more = true
			break
		}
		out, p.through = append(out, it), n
	}
	return out
}
