package execute

import (
	"net/url"
	"strings"
)

// node is a resource in the tree by which requests find theirs.
type node struct {
	path, id string // of the resource
	static   map[string]*node
	variable *node // {name}
	greedy   *node // {name+}
	name     string
	methods  map[string]*method
}

// add makes the node of a path.
func (n *node) add(path string) *node {
	for part := range strings.SplitSeq(strings.Trim(path, "/"), "/") {
		if part == "" {
			continue
		}
		next := &n.variable
		name := strings.Trim(part, "{}")
		switch {
		case strings.HasSuffix(part, "+}"):
			next, name = &n.greedy, strings.TrimSuffix(name, "+")
		case !strings.HasPrefix(part, "{"):
			if n.static == nil {
				n.static = map[string]*node{}
			}
			if n.static[part] == nil {
				n.static[part] = &node{}
			}
			n = n.static[part]
			continue
		}
		if *next == nil {
			*next = &node{name: name}
		}
		n = *next
	}
	return n
}

// parameter is a path parameter with its value.
type parameter struct{ name, value string }

// find returns the resource for a raw path: a static part goes before a variable one, that before a greedy one, and
// what leads nowhere is gone back on.
func (n *node) find(path string, verb string) (*node, []parameter) {
	return n.match(strings.Trim(path, "/"), verb, nil)
}

// cut takes the first segment off a path; the rest begins with a slash.
func cut(path string) (segment, rest string) {
	path = strings.TrimPrefix(path, "/")
	if i := strings.IndexByte(path, '/'); i >= 0 {
		return path[:i], path[i:]
	}
	return path, "/"
}

func (n *node) match(path, verb string, found []parameter) (*node, []parameter) {
	if path == "" {
		if n.methods[verb] != nil || n.methods["ANY"] != nil {
			return n, found
		}
		return nil, nil
	}
	segment, rest, _ := strings.Cut(path, "/")
	if next := n.static[decoded(segment)]; next != nil {
		if at, params := next.match(rest, verb, found); at != nil {
			return at, params
		}
	}
	if next := n.variable; next != nil && segment != "" {
		if at, params := next.match(rest, verb, append(found, parameter{next.name, decoded(segment)})); at != nil {
			return at, params
		}
	}
	if next := n.greedy; next != nil {
		if at, params := next.match("", verb, append(found, parameter{next.name, decoded(path)})); at != nil {
			return at, params
		}
	}
	return nil, nil
}

func decoded(s string) string {
	if strings.IndexByte(s, '%') < 0 {
		return s
	}
	if d, err := url.PathUnescape(s); err == nil {
		return d
	}
	return s
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func truth(b *bool) bool { return b != nil && *b }
