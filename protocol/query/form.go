package query

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/brume-dev/brume/protocol"
)

// pair is one parameter of a form: "Tags.member.1.Key", "stage".
type pair struct{ key, value string }

// maxSegments bounds how deeply a parameter may reach into a structure; no API model comes near it.
const maxSegments = 128

// compareKeys orders keys so that all keys that begin with the same segments stand together, the shortest first: a '.'
// counts as less than any other character.
func compareKeys(a, b pair) int {
	for i := 0; i < len(a.key) && i < len(b.key); i++ {
		x, y := a.key[i], b.key[i]
		switch {
		case x == y:
			continue
		case x == '.':
			return -1
		case y == '.':
			return 1
		}
		return cmp.Compare(x, y)
	}
	return cmp.Compare(len(a.key), len(b.key))
}

// node is a part of a sorted form: the parameters whose keys begin with the same segments, the first off bytes.
type node struct {
	pairs []pair
	off   int
}

// parse returns the parameters of a request, those of the URL and, when it is a form, those of the body.
func parse(r *protocol.Request) ([]pair, error) {
	ps, err := appendPairs(nil, r.Query)
	if err != nil || r.Method == "GET" {
		return ps, err
	}
	body, err := protocol.ReadBody(r)
	if err != nil {
		return nil, err
	}
	return appendPairs(ps, string(body))
}

func appendPairs(ps []pair, form string) ([]pair, error) {
	if ps == nil {
		ps = make([]pair, 0, strings.Count(form, "&")+1)
	}
	for form != "" {
		var p string
		p, form, _ = strings.Cut(form, "&")
		if p == "" {
			continue
		}
		k, v, _ := strings.Cut(p, "=")
		k, err := url.QueryUnescape(k)
		if err != nil || strings.Count(k, ".") > maxSegments {
			return nil, malformed()
		}
		if v, err = url.QueryUnescape(v); err != nil {
			return nil, malformed()
		}
		ps = append(ps, pair{k, v})
	}
	return ps, nil
}

// form sorts the parameters into a tree's root.
func form(ps []pair) node {
	slices.SortStableFunc(ps, compareKeys)
	return node{pairs: ps}
}

// value returns the parameter that ends where n does; the last one when there are several.
func (n node) value() (string, bool) {
	v, ok := "", false
	for _, p := range n.pairs {
		if len(p.key) != n.off-1 {
			break
		}
		v, ok = p.value, true
	}
	return v, ok
}

// child returns the part of n below the segment name; ok is false when it is empty.
func (n node) child(name string) (c node, ok bool) {
	lo, _ := slices.BinarySearchFunc(n.pairs, name, func(p pair, name string) int {
		if len(p.key) < n.off {
			return -1
		}
		return compareKeys(pair{key: p.key[n.off:]}, pair{key: name})
	})
	hi := lo
	for hi < len(n.pairs) && n.pairs[hi].under(n.off, name) {
		hi++
	}
	return node{n.pairs[lo:hi], n.off + len(name) + 1}, hi > lo
}

// under reports whether the segment of p at off is name.
func (p pair) under(off int, name string) bool {
	rest, ok := strings.CutPrefix(p.key[min(off, len(p.key)):], name)
	return ok && (rest == "" || rest[0] == '.')
}

// elements returns the numbered parts of n in the order of their numbers. Parts without a number are ignored, gaps
// closed.
func (n node) elements() []node {
	type element struct {
		number int
		node
	}
	var es []element
	for i := 0; i < len(n.pairs); {
		if len(n.pairs[i].key) < n.off {
			i++ // n's own value
			continue
		}
		seg, _, _ := strings.Cut(n.pairs[i].key[n.off:], ".")
		j := i
		for j < len(n.pairs) && n.pairs[j].under(n.off, seg) {
			j++
		}
		if x, err := strconv.Atoi(seg); err == nil {
			es = append(es, element{x, node{n.pairs[i:j], n.off + len(seg) + 1}})
		}
		i = j
	}
	slices.SortStableFunc(es, func(a, b element) int { return cmp.Compare(a.number, b.number) })
	ns := make([]node, len(es))
	for i, e := range es {
		ns[i] = e.node
	}
	return ns
}
