package eventbridge

import (
	"encoding/base64"

	"github.com/brume-dev/brume/store"
)

// page is one answer of a listing by name. Its token is the last name of the answer before.
type page struct {
	limit  int
	after  string
	prefix string
	next   *string
}

// beforeAll sorts before all names.
const beforeAll = " "

func newPage(limit *int32, token, prefix *string) (*page, error) {
	p := &page{limit: listLimit}
	if limit != nil {
		p.limit = int(*limit)
	}
	if prefix != nil {
		p.prefix = *prefix
	}
	if token != nil {
		b, err := base64.RawURLEncoding.DecodeString(*token)
		if err != nil || len(b) == 0 {
			return nil, invalid("Parameter NextToken is not valid. Reason: The token is not one that this operation gave.")
		}
		p.after = string(b)
	}
	return p, nil
}

// each calls f with the names that extend keys, in order, until the page is full; f says whether a name counts.
func (p *page) each(r store.Reader, keys store.Tuple, f func(name string, v store.Value) (bool, error)) error {
	rng := keys.Range()
	if p.prefix != "" { // a text element ends with a zero byte
		begin := keys.Text(p.prefix)
		rng.Begin = begin[:len(begin)-1]
	}
	if p.after != "" && p.after >= p.prefix {
		rng = keys.Text(p.after).After(rng)
	}
	n, last := 0, beforeAll
	pairs, done := r.Scan(rng, store.ScanOpt{})
	for kv := range pairs {
		name := store.Decode(kv.Key, len(keys)).Text()
		if len(name) < len(p.prefix) || name[:len(p.prefix)] != p.prefix {
			break
		}
		if n == p.limit {
			token := base64.RawURLEncoding.EncodeToString([]byte(last))
			p.next = &token
			break
		}
		counts, err := f(name, kv.Value)
		if err != nil {
			return err
		}
		if counts {
			n, last = n+1, name
		}
	}
	return done()
}
