package expression

import (
	"slices"

	"github.com/brume-dev/brume/item"
)

// What DynamoDB says of an update that does not fit the item.
const (
	wrongType     = Problem("An operand in the update expression has an incorrect data type")
	noAttribute   = Problem("The provided expression refers to an attribute that does not exist in the item")
	noPath        = Problem("The document path provided in the update expression is invalid for update")
	mismatch      = Problem("Type mismatch for attribute to update")
	noLeaf        = -1
	costUpdate    = 3  // bytes that an update counts for beside what it writes, as measured on AWS
	costSetOrAdd  = 19 // and for each action
	costOfRemoval = 2
)

// Update is an update that can be applied to items. It is safe for concurrent use.
type Update struct {
	b    *bound
	root branch
}

func newUpdate(b *bound) (*Update, error) {
	u := &Update{b: b}
	paths := make([]path, len(b.actions))
	for i := range b.actions {
		paths[i] = b.actions[i].path
	}
	for i, p := range paths {
		if err := u.root.add(b, p, i, paths); err != nil {
			return nil, err
		}
	}
	u.root.order()
	return u, nil
}

// Attributes returns the names of the top-level attributes that the update changes.
func (u *Update) Attributes() []string {
	return (&Projection{root: u.root}).TopLevel()
}

// OnlyRemoves reports whether the update takes away and puts nothing: it does not create an item that is not there.
func (u *Update) OnlyRemoves() bool {
	for i := range u.b.actions {
		if k := u.b.actions[i].kind; k == actionSet || k == actionAdd {
			return false
		}
	}
	return len(u.b.actions) > 0
}

// Changed returns the parts of m that the update names: of the item before it, or after it.
func (u *Update) Changed(m item.Map) item.Map { return (&Projection{root: u.root}).Of(m) }

// effect is what an action does to its place: a value to put there, None to take away what is there.
type effect struct {
	value item.Value
	none  bool // leave the place as it is
}

// Apply returns the item that m becomes; m itself does not change. Every operand is that of m before the update. written
// is what DynamoDB counts for the update: the size of what it writes and a cost for each action.
func (u *Update) Apply(m item.Map) (out item.Map, written int, err error) {
	effects := make([]effect, len(u.b.actions))
	written = costUpdate
	for i := range u.b.actions {
		a := &u.b.actions[i]
		if effects[i], err = u.b.effect(a, m); err != nil {
			return nil, 0, err
		}
		switch a.kind {
		case actionSet, actionAdd:
			name := &a.path[len(a.path)-1]
			written += costSetOrAdd + len(u.b.nameOf(name)) + effects[i].value.Size()
		default:
			written += costOfRemoval
		}
	}
	out, err = u.b.applyMap(&u.root, m, effects)
	return out, written, err
}

// effect evaluates an action on the item m.
func (b *bound) effect(a *action, m item.Map) (effect, error) {
	if a.kind == actionRemove {
		return effect{}, nil
	}
	v, err := b.evaluate(&a.operand, m)
	if err != nil || a.kind == actionSet {
		return effect{value: v}, err
	}
	old := b.lookup(a.path, m)
	bad := error(wrongType)
	if a.lenient {
		bad = mismatch
	}
	if a.kind == actionDelete {
		switch {
		case old.Kind() == item.None:
			return effect{none: true}, nil
		case old.Kind() != v.Kind():
			return effect{}, bad
		}
		return effect{value: item.Difference(old, v)}, nil
	}
	switch {
	case old.Kind() == item.None:
		return effect{value: v}, nil
	case old.Kind() != v.Kind():
		return effect{}, bad
	case v.Kind() == item.N:
		sum, problem := item.Add(old, v, false)
		if problem != "" {
			return effect{}, Problem(problem)
		}
		return effect{value: sum}, nil
	case v.Kind() == item.L: // AttributeUpdates only
		return effect{value: item.List(slices.Concat(old.List(), v.List())...)}, nil
	}
	return effect{value: item.Union(old, v)}, nil
}

// evaluate returns what an operand of an update is; what is not there is an error.
func (b *bound) evaluate(o *operand, m item.Map) (item.Value, error) {
	switch o.kind {
	case operandValue:
		return b.vals[o.value], nil
	case operandPath:
		v := b.lookup(o.path, m)
		if v.Kind() == item.None {
			return v, noAttribute
		}
		return v, nil
	}
	if o.op == "if_not_exists" {
		if v := b.lookup(o.args[0].path, m); v.Kind() != item.None {
			return v, nil
		}
		return b.evaluate(&o.args[1], m)
	}
	x, err := b.evaluate(&o.args[0], m)
	if err != nil {
		return item.Value{}, err
	}
	y, err := b.evaluate(&o.args[1], m)
	if err != nil {
		return item.Value{}, err
	}
	if o.op == "list_append" {
		if x.Kind() != item.L || y.Kind() != item.L {
			return item.Value{}, wrongType
		}
		return item.List(slices.Concat(x.List(), y.List())...), nil
	}
	if x.Kind() != item.N || y.Kind() != item.N {
		return item.Value{}, wrongType
	}
	v, problem := item.Add(x, y, o.op == "-")
	if problem != "" {
		return item.Value{}, Problem(problem)
	}
	return v, nil
}

// applyMap returns m with the effects of br's kids, which are names.
func (b *bound) applyMap(br *branch, m item.Map, effects []effect) (item.Map, error) {
	out := m.Clone()
	if out == nil {
		out = item.Map{}
	}
	for i := range br.kids {
		k := &br.kids[i]
		if k.leaf == noLeaf {
			v, err := b.applyTo(k, m.Get(k.name), effects)
			if err != nil {
				return nil, err
			}
			out.Put(k.name, v)
			continue
		}
		switch e := &effects[k.leaf]; {
		case e.none:
		case e.value.Kind() == item.None:
			out.Remove(k.name)
		default:
			out.Put(k.name, e.value)
		}
	}
	return out, nil
}

// applyTo returns v, a map or list, with the effects of br's kids.
func (b *bound) applyTo(br *branch, v item.Value, effects []effect) (item.Value, error) {
	names := br.kids[0].index < 0
	switch {
	case names && v.Kind() == item.M:
		m, err := b.applyMap(br, v.Map(), effects)
		return item.MapOf(m), err
	case !names && v.Kind() == item.L:
		return b.applyList(br, v.List(), effects)
	}
	return item.Value{}, noPath
}

// applyList returns list with the effects of br's kids, which are indexes in rising order. Indexes are those before
// the update; what lies beyond the end is appended.
func (b *bound) applyList(br *branch, list []item.Value, effects []effect) (item.Value, error) {
	out := append(make([]item.Value, 0, len(list)+len(br.kids)), list...)
	removed := map[int]bool{}
	for i := range br.kids {
		k := &br.kids[i]
		inside := k.index < len(list)
		if k.leaf == noLeaf {
			if !inside {
				return item.Value{}, noPath
			}
			v, err := b.applyTo(k, list[k.index], effects)
			if err != nil {
				return item.Value{}, err
			}
			out[k.index] = v
			continue
		}
		switch e := &effects[k.leaf]; {
		case e.none:
		case e.value.Kind() == item.None:
			removed[k.index] = true
		case inside:
			out[k.index] = e.value
		default:
			out = append(out, e.value)
		}
	}
	if len(removed) > 0 {
		kept := out[:0]
		for i, v := range out {
			if !removed[i] || i >= len(list) {
				kept = append(kept, v)
			}
		}
		out = kept
	}
	return item.List(out...), nil
}
