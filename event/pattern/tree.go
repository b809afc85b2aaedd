package pattern

import "strings"

// fieldTree numbers the paths that patterns name, so that reading an event skips all others. Paths are counted: one that
// no pattern names any more gives its number back.
type fieldTree struct {
	root node
	free []int
	size int // numbers given out so far
}

type node struct {
	children map[string]*node
	id       int // -1: no pattern names this path
	refs     int
}

// add returns the number of path.
func (t *fieldTree) add(path string) int {
	n := &t.root
	for name := range strings.SplitSeq(path, ".") {
		next := n.children[name]
		if next == nil {
			next = &node{id: -1}
			if n.children == nil {
				n.children = map[string]*node{}
			}
			n.children[name] = next
		}
		n = next
	}
	if n.refs == 0 {
		if k := len(t.free); k > 0 {
			n.id, t.free = t.free[k-1], t.free[:k-1]
		} else {
			n.id = t.size
			t.size++
		}
	}
	n.refs++
	return n.id
}

// remove undoes one add of path.
func (t *fieldTree) remove(path string) { t.removeBelow(&t.root, strings.Split(path, ".")) }

func (t *fieldTree) removeBelow(n *node, names []string) {
	if len(names) == 0 {
		if n.refs--; n.refs == 0 {
			t.free = append(t.free, n.id)
			n.id = -1
		}
		return
	}
	child := n.children[names[0]]
	t.removeBelow(child, names[1:])
	if child.refs == 0 && len(child.children) == 0 {
		delete(n.children, names[0])
	}
}

// child finds the node of a key of an event, which may itself hold dots.
func (n *node) child(key []byte) *node {
	if n == nil || n.children == nil {
		return nil
	}
	for {
		dot := -1
		for i, c := range key {
			if c == '.' {
				dot = i
				break
			}
		}
		if dot < 0 {
			return n.children[string(key)]
		}
		if n = n.children[string(key[:dot])]; n == nil {
			return nil
		}
		key = key[dot+1:]
	}
}
