package expression

import (
	"fmt"
	"slices"

	"github.com/brume-dev/brume/item"
)

// Projection chooses parts of items. It is safe for concurrent use.
type Projection struct {
	root    branch
	columns bool // each part by itself, under the end of its path
}

// Columns returns the projection that chooses what p does in the way of PartiQL: each part stands by itself, under the
// name that its path ends with and the indexes after that.
func (p *Projection) Columns() *Projection { return &Projection{root: p.root, columns: true} }

// Attributes returns the projection that keeps the given top-level attributes.
func Attributes(names ...string) *Projection {
	p := &Projection{}
	for _, name := range names {
		if p.root.kid(name, -1) == nil {
			p.root.kids = append(p.root.kids, branch{name: name, index: -1, leaf: 0})
		}
	}
	return p
}

// Of returns the chosen parts of m: maps with the chosen members, lists with the chosen elements in their order. What
// is not there is left out; the result is never nil.
func (p *Projection) Of(m item.Map) item.Map {
	var out item.Map
	if p.columns {
		p.root.column(item.MapOf(m), "", &out)
	} else {
		out = p.root.ofMap(m)
	}
	if out == nil {
		return item.Map{}
	}
	return out
}

// TopLevel returns the names of the top-level attributes that are chosen, wholly or in part.
func (p *Projection) TopLevel() []string {
	out := make([]string, len(p.root.kids))
	for i := range p.root.kids {
		out[i] = p.root.kids[i].name
	}
	return out
}

// branch is a step of the document paths of a projection or an update, joined where they are the same. A leaf is the
// end of a path and has no kids; the kids of others are all names or all indexes.
type branch struct {
	name  string
	index int // -1: a name
	leaf  int // which path ends here; -1: none
	first int // the first path that goes through here
	kids  []branch
}

func (br *branch) kid(name string, index int) *branch {
	for i := range br.kids {
		if br.kids[i].index == index && br.kids[i].name == name {
			return &br.kids[i]
		}
	}
	return nil
}

// add adds the path that has the given number. It fails when the path meets one that was added before.
func (br *branch) add(b *bound, p path, number int, all []path) error {
	clash := func(kind string, other int) error {
		return b.kind.problem("Two document paths %s with each other; must remove or rewrite one of these paths; path one: %s, path two: %s",
			kind, b.show(all[other]), b.show(p))
	}
	for i := range p {
		name, index := "", p[i].index
		if index < 0 {
			name = b.nameOf(&p[i])
		}
		last := i == len(p)-1
		next := br.kid(name, index)
		switch {
		case next == nil:
			if len(br.kids) > 0 && (br.kids[0].index < 0) != (index < 0) {
				return clash("conflict", br.kids[0].first)
			}
			br.kids = append(br.kids, branch{name: name, index: index, leaf: -1, first: number})
			next = &br.kids[len(br.kids)-1]
			if last {
				next.leaf = number
			}
		case next.leaf >= 0 || last:
			return clash("overlap", next.first)
		}
		br = next
	}
	return nil
}

// order sorts the kids that are indexes, all the way down.
func (br *branch) order() {
	slices.SortFunc(br.kids, func(x, y branch) int {
		if x.index != y.index {
			return x.index - y.index
		}
		return x.first - y.first
	})
	for i := range br.kids {
		br.kids[i].order()
	}
}

// of returns what br's kids choose of v, None when that is nothing.
func (br *branch) of(v item.Value) item.Value {
	if br.leaf >= 0 || v.Kind() == item.None {
		return v
	}
	if br.kids[0].index < 0 {
		if out := br.ofMap(v.Map()); out != nil {
			return item.MapOf(out)
		}
		return item.Value{}
	}
	var list []item.Value
	for i := range br.kids {
		if k := &br.kids[i]; k.index < len(v.List()) {
			if e := k.of(v.List()[k.index]); e.Kind() != item.None {
				list = append(list, e)
			}
		}
	}
	if list == nil {
		return item.Value{}
	}
	return item.List(list...)
}

// column puts into out what br's kids choose of v, which is called name.
func (br *branch) column(v item.Value, name string, out *item.Map) {
	for i := range br.kids {
		k, of, part := &br.kids[i], br.kids[i].name, item.Value{}
		if k.index < 0 {
			part = v.Map().Get(k.name)
		} else if of = fmt.Sprintf("%s[%d]", name, k.index); k.index < len(v.List()) {
			part = v.List()[k.index]
		}
		switch {
		case part.Kind() == item.None:
		case k.leaf >= 0:
			out.Put(of, part)
		default:
			k.column(part, of, out)
		}
	}
}

// ofMap returns the members of m that br's kids choose, nil when there are none.
func (br *branch) ofMap(m item.Map) item.Map {
	var out item.Map
	for i := range br.kids {
		k := &br.kids[i]
		if v := k.of(m.Get(k.name)); v.Kind() != item.None {
			if out == nil {
				out = make(item.Map, 0, len(br.kids))
			}
			out.Put(k.name, v)
		}
	}
	return out
}
