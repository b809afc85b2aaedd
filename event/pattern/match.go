package pattern

// satisfies reports whether the event has a value that f takes, or lacks one where f takes that.
func (e *facts) satisfies(f *field, id int) bool {
	ls := e.leaves[id]
	if len(ls) == 0 {
		return f.absence()
	}
	for i := range ls {
		if f.takes(&ls[i]) {
			return true
		}
	}
	return false
}

func (f *field) absence() bool {
	for i := range f.matchers {
		if f.matchers[i].kind == matchAbsent {
			return true
		}
	}
	return false
}

func (f *field) takes(l *leaf) bool {
	for i := range f.matchers {
		if f.matchers[i].match(l) {
			return true
		}
	}
	return false
}

// matches reports whether each field of b is satisfied, and all of them together without taking two elements of one
// array. ids are the path numbers of b's fields.
func (e *facts) matches(b branch, ids []int) bool {
	open := 0 // fields that only values inside of arrays satisfy
	for i := range b {
		ls := e.leaves[ids[i]]
		if len(ls) == 0 {
			if !b[i].absence() {
				return false
			}
			continue
		}
		found, inArray := false, true
		for j := range ls {
			if (ls[j].scope == 0 || !found) && b[i].takes(&ls[j]) {
				if found = true; ls[j].scope == 0 {
					inArray = false
					break
				}
			}
		}
		if !found {
			return false
		}
		if inArray {
			open++
		}
	}
	return open < 2 || e.consistent(b, ids)
}

// wish is a field still to be satisfied, with the scopes of the values that would do it.
type wish []int32

// consistent looks for a choice of values in which no array lends two of its elements.
func (e *facts) consistent(b branch, ids []int) bool {
	var wishes []wish
	for i := range b {
		var w wish
		ls := e.leaves[ids[i]]
		for j := range ls {
			if b[i].takes(&ls[j]) {
				w = append(w, ls[j].scope)
			}
		}
		if len(ls) > 0 {
			wishes = append(wishes, w)
		}
	}
	return e.grant(0, wishes)
}

// grant reports whether the wishes can all be granted inside of scope. A value that lies in the scope itself is free;
// the others lie in arrays of the scope, and of each array one element must grant all that is wished from it.
func (e *facts) grant(scope int32, wishes []wish) bool {
	var open []wish
	var from [][]int32 // the arrays that could grant each open wish
	for _, w := range wishes {
		arrays, free := e.arraysOf(scope, w)
		if free {
			continue
		}
		if len(arrays) == 0 {
			return false
		}
		open, from = append(open, w), append(from, arrays)
	}
	return e.choose(scope, open, from, make([]int32, len(open)), 0)
}

// choose settles which array grants which wish. There is a choice only when keys of the event collide; the number of
// tries is bounded, since such an event may be made to have very many.
func (e *facts) choose(scope int32, open []wish, from [][]int32, chosen []int32, i int) bool {
	if i < len(open) {
		for _, a := range from[i] {
			chosen[i] = a
			if e.choose(scope, open, from, chosen, i+1) {
				return true
			}
			if e.tries > maxTries {
				return false
			}
		}
		return false
	}
	e.tries++
	done := map[int32]bool{}
	for _, a := range chosen {
		if done[a] {
			continue
		}
		done[a] = true
		var group []wish
		for k, w := range open {
			if chosen[k] == a {
				group = append(group, w)
			}
		}
		if !e.grantByOne(scope, a, group) {
			return false
		}
	}
	return true
}

// grantByOne looks for an element of the array that grants the whole group.
func (e *facts) grantByOne(scope, array int32, group []wish) bool {
	byElement := map[int32][]wish{}
	for k, w := range group {
		for _, s := range w {
			el := e.below(scope, s)
			if el < 0 || e.scopes[el].array != array {
				continue
			}
			if k == 0 && byElement[el] == nil {
				byElement[el] = make([]wish, len(group))
			}
			if ws := byElement[el]; ws != nil {
				ws[k] = append(ws[k], s)
			}
		}
	}
	for el, ws := range byElement {
		if e.grant(el, ws) {
			return true
		}
	}
	return false
}

// arraysOf returns the arrays of scope that hold the scopes of w; free says that one of them is scope itself.
func (e *facts) arraysOf(scope int32, w wish) (arrays []int32, free bool) {
	for _, s := range w {
		if s == scope {
			return nil, true
		}
		el := e.below(scope, s)
		if el < 0 {
			continue
		}
		known := false
		for _, a := range arrays {
			known = known || a == e.scopes[el].array
		}
		if !known {
			arrays = append(arrays, e.scopes[el].array)
		}
	}
	return arrays, false
}

// below returns the scope directly below scope that holds s, or -1.
func (e *facts) below(scope, s int32) int32 {
	for s >= 0 {
		if p := e.scopes[s].parent; p == scope {
			return s
		} else {
			s = p
		}
	}
	return -1
}
