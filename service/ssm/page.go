package ssm

import (
	"strings"

	"github.com/brume-dev/brume/api/ssmapi"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/page"
)

// A token is the name (or version) that a page ended with, so that the next page goes on behind it whatever has happened to the
// parameters meanwhile.

func token(last string) *string {
	t := page.Seal(last)
	return &t
}

// readToken returns what token was given, "" for none.
func readToken(t *string) (string, error) {
	if t == nil || *t == "" {
		return "", nil
	}
	last, err := page.Open(*t)
	if err != nil || len(last) > maxARN {
		return "", &ssmapi.InvalidNextToken{Message: "The specified token isn't valid."}
	}
	return last, nil
}

func orDefault(n *int32, def int) int {
	if n == nil {
		return def
	}
	return int(*n)
}

// listing is a walk over the newest versions of parameters in the order of their names.
type listing struct {
	space
	prefix string // of the names
	after  string // begin behind this name, when it is not ""
	level  bool   // only the level below prefix, not what lies deeper
	limit  int    // results
}

// picker chooses what a listing shows of a parameter: a version of it, or nil to leave it out.
type picker func(name string, newest *version) (*version, error)

// page collects what pick chooses. next is the name to go on behind, "" at the end.
func (l listing) page(r store.Reader, pick picker) (out []found, next string, err error) {
	p := pager{listing: l, pick: pick}
	rng := l.prefixed(l.prefix)
	switch {
	case strings.HasPrefix(l.after, l.prefix) && l.after != "":
		rng.Begin = append(l.newest(l.after), 0) // the first key behind it
	case l.after > l.prefix:
		return nil, "", nil
	}
	for {
		jump, err := p.scan(r, rng)
		if err != nil || p.full {
			return p.out, p.last, err
		}
		if jump == "" {
			return p.out, "", nil
		}
		p.last = jump
		rng.Begin = l.prefixed(jump).End
	}
}

// pager is a page in the making.
type pager struct {
	listing
	pick    picker
	scanned int
	last    string // what was looked at last
	full    bool
	out     []found
}

// scan adds to the page until it is full, rng ends, or a deeper level begins, which it returns.
func (p *pager) scan(r store.Reader, rng store.Range) (jump string, err error) {
	kvs, done := r.Scan(rng, store.ScanOpt{})
	for kv := range kvs {
		if len(p.out) == p.limit || p.scanned == maxScanned {
			p.full = true
			break
		}
		p.scanned++
		name, err := p.nameOf(kv.Key)
		if err != nil {
			return "", err
		}
		if level, ok := p.deeper(name); ok {
			return level, nil
		}
		p.last = name
		v, err := decodeVersion(kv.Value)
		if err != nil {
			return "", err
		}
		if v, err = p.pick(name, v); err != nil {
			return "", err
		}
		if v != nil {
			p.out = append(p.out, found{name: name, version: v})
		}
	}
	return "", done()
}

// deeper reports whether a listing of one level skips name, and the level, with its slash, that it lies in.
func (l listing) deeper(name string) (level string, skip bool) {
	if !l.level {
		return "", false
	}
	from := len(l.prefix)
	if from == 0 {
		from = 1 // the root: its names may begin with a slash
	}
	if i := strings.IndexByte(name[from:], '/'); i >= 0 {
		return name[:from+i+1], true
	}
	return "", false
}
