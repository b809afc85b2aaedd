package route

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/protocol/rest"
	"github.com/brume-dev/brume/shape"
)

// tree finds the operation of one REST service by method and raw path. It is a tree over path segments: a literal
// fits only itself, a label any segment that is not empty, a greedy label all that is left.
type tree struct {
	service *aws.Service
	root    *node
}

type node struct {
	literal map[string]*node
	label   *node
	greedy  *node
	methods map[string]*shared
}

// shared is what answers one method on one template: usually a single operation. Where there are several, literals in
// the query ("?uploads") and required members in query and headers tell them apart.
type shared struct {
	all []*candidate
	// learn reads the required members from the operations' input types, which costs the compilation of
	// their plans: it waits for the first request that needs to know.
	learn sync.Once
}

type candidate struct {
	op       *aws.Operation
	labels   []string // names in the order of the path
	literals [][2]string
	hint     string // the value of x-id=, which clients send and which decides nothing but a draw
	query    []string
	header   []string
}

func newTree(s *aws.Service) *tree {
	t := &tree{service: s, root: &node{}}
	for _, op := range s.Ops {
		t.add(op)
	}
	return t
}

func (t *tree) add(op *aws.Operation) {
	path, query, _ := strings.Cut(op.Path, "?")
	c := &candidate{op: op}
	n := t.root
	for seg := range strings.SplitSeq(strings.Trim(path, "/"), "/") {
		switch name, label := strings.CutPrefix(seg, "{"); {
		case seg == "":
		case label && strings.HasSuffix(seg, "+}"):
			c.labels = append(c.labels, strings.TrimSuffix(name, "+}"))
			n = grow(&n.greedy)
		case label:
			c.labels = append(c.labels, strings.TrimSuffix(name, "}"))
			n = grow(&n.label)
		default:
			if n.literal == nil {
				n.literal = map[string]*node{}
			}
			next := n.literal[seg]
			n.literal[seg] = grow(&next)
			n = next
		}
	}
	for p := range strings.SplitSeq(query, "&") {
		switch k, v, _ := strings.Cut(p, "="); {
		case k == "x-id":
			c.hint = v
		case p != "":
			c.literals = append(c.literals, [2]string{k, v})
		}
	}
	if n.methods == nil {
		n.methods = map[string]*shared{}
	}
	s := n.methods[op.Method]
	if s == nil {
		s = &shared{}
		n.methods[op.Method] = s
	}
	s.all = append(s.all, c)
}

func grow(n **node) *node {
	if *n == nil {
		*n = &node{}
	}
	return *n
}

// maxLabels is above the number of labels in any template.
const maxLabels = 16

// find returns the operation and its decoded labels, or nil.
func (t *tree) find(q *Request, path string) (*aws.Operation, map[string]string) {
	var room [maxLabels]string
	n, values := t.root.match(path, q.Method, room[:0])
	if n == nil {
		return nil, nil
	}
	c := n.methods[q.Method].choose(q)
	if c == nil {
		return nil, nil
	}
	labels := make(map[string]string, len(c.labels))
	for i, name := range c.labels {
		labels[name] = unescape(values[i])
	}
	return c.op, labels
}

// anyMethod makes match take any node that serves one; no method token holds a space.
const anyMethod = "any method"

// match walks down path, which is empty or begins with a slash, and prefers literals to labels to greedy ones. One slash at the end is ignored, except in what a greedy label takes.
func (n *node) match(path, method string, values []string) (*node, []string) {
	if path == "" || path == "/" {
		if method == anyMethod && n.methods != nil || n.methods[method] != nil {
			return n, values
		}
		return nil, nil
	}
	seg, rest := cutSegment(path[1:])
	if seg != "" && len(values) < maxLabels {
		if next := n.literal[seg]; next != nil {
			if found, v := next.match(rest, method, values); found != nil {
				return found, v
			}
		}
		if n.label != nil {
			if found, v := n.label.match(rest, method, append(values, seg)); found != nil {
				return found, v
			}
		}
	}
	if n.greedy != nil && len(values) < maxLabels {
		return n.greedy.match("", method, append(values, path[1:]))
	}
	return nil, nil
}

func unescape(s string) string {
	if u, err := url.PathUnescape(s); err == nil {
		return u
	}
	return s
}

// choose picks among the operations of one template: those whose literals are all there, of these the ones with the
// most, of these the one with the most required members that are all there. It returns nil when none has its literals.
func (s *shared) choose(q *Request) *candidate {
	if len(s.all) == 1 && len(s.all[0].literals) == 0 {
		return s.all[0]
	}
	s.learn.Do(func() {
		for _, c := range s.all {
			c.require()
		}
	})
	var best *candidate
	bestScore := -1
	for _, c := range s.all {
		score, ok := c.score(q)
		if ok && score >= bestScore { // of two that are alike the later: the earlier one's name is the deprecated one's
			best, bestScore = c, score
		}
	}
	return best
}

// score weighs how well c fits q: literals before required members before being there at all before the hint.
func (c *candidate) score(q *Request) (score int, ok bool) {
	for _, l := range c.literals {
		if l[1] == "" && !hasParameter(q.Query, l[0]) || l[1] != "" && formValue(q.Query, l[0]) != l[1] {
			return 0, false
		}
	}
	score = 10000 * len(c.literals)
	met := 0
	for _, name := range c.query {
		if hasParameter(q.Query, name) {
			met++
		}
	}
	inQuery := met
	for _, name := range c.header {
		if q.header(name) != "" {
			met++
		}
	}
	wanted := len(c.query) + len(c.header)
	switch {
	case met == wanted:
		score += 1000 + 10*met
	case inQuery < len(c.query) && c.op.Service.Name == "s3":
		return 0, false // S3 knows no UploadPart without its upload: such a request is another operation, or none
	default:
		score -= 10 * (wanted - met) // of those that lack something, the one that lacks least
	}
	if c.op.Implemented() {
		score += 2
	}
	if c.hint != "" && formValue(q.Query, "x-id") == c.hint {
		score++
	}
	return max(score, 0), true
}

func (c *candidate) require() {
	if c.op.In == nil {
		c.query = c.op.NeedsQuery
		for _, name := range c.op.NeedsHeader {
			c.header = append(c.header, http.CanonicalHeaderKey(name))
		}
		return
	}
	for _, m := range shape.Of(c.op.In).Members {
		switch {
		case !m.Required:
		case m.In == shape.Query:
			c.query = append(c.query, m.Wire)
		case m.In == shape.Header:
			c.header = append(c.header, http.CanonicalHeaderKey(m.Wire))
		}
	}
}

// notFound tells why find found nothing.
func (t *tree) notFound(method, path string) error {
	n, values := t.root.match(path, anyMethod, nil)
	if t.service.Name != "s3" || n == nil {
		return rest.UnknownPath()
	}
	resources := [...]string{"SERVICE", "BUCKET", "OBJECT"}
	return rest.MethodNotAllowed(method, resources[min(len(values), 2)], slices.Sorted(maps.Keys(n.methods)))
}
