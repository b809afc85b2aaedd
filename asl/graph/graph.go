// Package graph draws state machines: an SVG of the graph in layers, with the branches of Parallel and Map states as boxes in
// it, coloured by how far an execution has come. It reads definitions as they are, also those that nobody would run.
package graph

import (
	"errors"
	"fmt"
	"strings"

	"github.com/brume-dev/brume/jsondoc"
)

// Graph is a definition to draw.
type Graph struct {
	// Comment is the definition's.
	Comment string
	doc     *jsondoc.Object
}

// block is one collection of states.
type block struct {
	start string
	nodes []*node
	edges []*edge
	// filled in by the layout
	layers        [][]*node
	bands         []band
	width, height float64
}

// band is where a layer lies from top to bottom.
type band struct{ top, bottom float64 }

// node is a state, a Start or End, a label of an edge, or a place that an edge goes through.
type node struct {
	kind   string // a state's type; "Start", "End", "label", "bend"
	name   string
	detail string // second line: the resource of a task, how long a Wait waits
	lines  []string
	inner  []*block
	loop   bool // an edge leads back to the node itself

	rank, pos     int
	width, height float64
	x, y          float64 // of the centre, within the block
	in, out       []*node // neighbours in the layers above and below
}

// edge leads from a state to another.
type edge struct {
	from, to *node
	label    string
	kind     string // "next", "choice", "catch"
	back     bool   // it was turned round for the layout
	route    []*node
}

// Parse reads a definition.
func Parse(definition string) (*Graph, error) {
	doc, err := jsondoc.ParseString(definition)
	if err != nil {
		return nil, err
	}
	o, ok := doc.(*jsondoc.Object)
	if !ok {
		return nil, errors.New("graph: the definition is no object")
	}
	if states, ok := object(o, "States"); !ok || states.Len() == 0 {
		return nil, errors.New("graph: the definition has no states")
	}
	return &Graph{Comment: text(o, "Comment"), doc: o}, nil
}

// States yields the names of all states, those inside of others after them, with how deep they are.
func (g *Graph) States(yield func(name string, depth int) bool) {
	var walk func(b *block, depth int) bool
	walk = func(b *block, depth int) bool {
		for _, n := range b.nodes {
			if !yield(n.name, depth) {
				return false
			}
			for _, in := range n.inner {
				if !walk(in, depth+1) {
					return false
				}
			}
		}
		return true
	}
	walk(readBlock(g.doc), 0)
}

func text(o *jsondoc.Object, key string) string {
	v, _ := o.Get(key)
	s, _ := v.(string)
	return s
}

func object(o *jsondoc.Object, key string) (*jsondoc.Object, bool) {
	v, _ := o.Get(key)
	in, ok := v.(*jsondoc.Object)
	return in, ok
}

func objects(o *jsondoc.Object, key string) (out []*jsondoc.Object) {
	v, _ := o.Get(key)
	a, ok := v.(*jsondoc.Array)
	if !ok {
		return nil
	}
	for _, item := range a.Items {
		if in, ok := item.(*jsondoc.Object); ok {
			out = append(out, in)
		}
	}
	return out
}

func readBlock(o *jsondoc.Object) *block {
	b := &block{start: text(o, "StartAt")}
	states, ok := object(o, "States")
	if !ok {
		return b
	}
	byName, defs := map[string]*node{}, map[*node]*jsondoc.Object{}
	for name, v := range states.All() {
		s, ok := v.(*jsondoc.Object)
		if !ok {
			continue
		}
		n := &node{kind: text(s, "Type"), name: name, detail: detail(s)}
		for _, branch := range objects(s, "Branches") {
			n.inner = append(n.inner, readBlock(branch))
		}
		for _, key := range []string{"ItemProcessor", "Iterator"} {
			if p, ok := object(s, key); ok {
				n.inner = append(n.inner, readBlock(p))
			}
		}
		b.nodes, byName[name], defs[n] = append(b.nodes, n), n, s
	}
	for _, n := range b.nodes {
		b.connect(n, defs[n], byName)
	}
	return b
}

// connect reads where a state leads.
func (b *block) connect(n *node, s *jsondoc.Object, byName map[string]*node) {
	add := func(to, kind, label string) {
		target := byName[to]
		switch {
		case target == nil:
		case target == n:
			n.loop = true
		default:
			b.edges = append(b.edges, &edge{from: n, to: target, kind: kind, label: label})
		}
	}
	add(text(s, "Next"), "next", "")
	for _, rule := range objects(s, "Choices") {
		add(text(rule, "Next"), "choice", describe(rule))
	}
	add(text(s, "Default"), "choice", "Default")
	for _, catcher := range objects(s, "Catch") {
		add(text(catcher, "Next"), "catch", errorNames(catcher))
	}
}

// frame adds Start and End to the machine's own states.
func (b *block) frame() {
	start, end := &node{kind: "Start", name: "Start"}, &node{kind: "End", name: "End"}
	leads, ends := map[*node]bool{}, false
	for _, e := range b.edges {
		leads[e.from] = leads[e.from] || e.kind != "catch"
	}
	for _, n := range b.nodes {
		if n.name == b.start {
			b.edges = append([]*edge{{from: start, to: n, kind: "next"}}, b.edges...)
		}
	}
	for _, n := range b.nodes {
		if !leads[n] {
			b.edges, ends = append(b.edges, &edge{from: n, to: end, kind: "next"}), true
		}
	}
	b.nodes = append([]*node{start}, b.nodes...)
	if ends {
		b.nodes = append(b.nodes, end)
	}
}

// detail is what the second line of a state says.
func detail(s *jsondoc.Object) string {
	switch text(s, "Type") {
	case "Task":
		resource := text(s, "Resource")
		if i := strings.Index(resource, ":states:::"); i >= 0 {
			return resource[i+len(":states:::"):]
		}
		parts := strings.SplitN(resource, ":", 7)
		if len(parts) == 7 { // arn:aws:lambda:region:account:function:name
			return parts[2] + " " + parts[6]
		}
		return resource
	case "Wait":
		for _, key := range []string{"Seconds", "Timestamp", "SecondsPath", "TimestampPath"} {
			v, ok := s.Get(key)
			if !ok {
				continue
			}
			if key == "Seconds" && text(s, key) == "" {
				return jsondoc.Text(v) + " s"
			}
			return text(s, key)
		}
	case "Fail":
		return text(s, "Error")
	case "Map":
		if p, ok := object(s, "ItemProcessor"); ok {
			if c, ok := object(p, "ProcessorConfig"); ok && text(c, "Mode") == "DISTRIBUTED" {
				return "distributed"
			}
		}
	}
	return ""
}

func errorNames(catcher *jsondoc.Object) string {
	v, _ := catcher.Get("ErrorEquals")
	a, ok := v.(*jsondoc.Array)
	if !ok {
		return "Catch"
	}
	var names []string
	for _, item := range a.Items {
		if s, ok := item.(string); ok {
			names = append(names, strings.TrimPrefix(s, "States."))
		}
	}
	return "Catch " + strings.Join(names, ", ")
}

// describe says in short what a choice rule asks.
func describe(rule *jsondoc.Object) string {
	if c := text(rule, "Condition"); c != "" {
		return strings.TrimSpace(strings.TrimSuffix(strings.TrimPrefix(c, "{%"), "%}"))
	}
	for _, key := range []string{"And", "Or"} {
		if rules := objects(rule, key); rules != nil {
			var parts []string
			for _, r := range rules {
				parts = append(parts, describe(r))
			}
			return strings.Join(parts, " "+strings.ToLower(key)+" ")
		}
	}
	if r, ok := object(rule, "Not"); ok {
		return "not (" + describe(r) + ")"
	}
	variable := text(rule, "Variable")
	for key, v := range rule.All() {
		if word := operatorWord(key); word != "" {
			if yes, isBool := v.(bool); isBool && strings.HasPrefix(key, "Is") {
				if !yes {
					word = strings.Replace(word, "is", "is not", 1)
				}
				return variable + " " + word
			}
			if s, isPath := v.(string); isPath && strings.HasSuffix(key, "Path") {
				return variable + " " + word + " " + s
			}
			return fmt.Sprintf("%s %s %s", variable, word, jsondoc.Text(v))
		}
	}
	return variable
}

// operatorWord is how a comparison operator is written in a label.
func operatorWord(key string) string {
	switch key {
	case "IsNull":
		return "is null"
	case "IsPresent":
		return "is present"
	case "IsNumeric":
		return "is a number"
	case "IsString":
		return "is a string"
	case "IsBoolean":
		return "is a boolean"
	case "IsTimestamp":
		return "is a timestamp"
	case "StringMatches":
		return "matches"
	}
	key = strings.TrimSuffix(key, "Path")
	for _, kind := range []string{"String", "Numeric", "Boolean", "Timestamp"} {
		if test, ok := strings.CutPrefix(key, kind); ok {
			switch test {
			case "Equals":
				return "="
			case "LessThan":
				return "<"
			case "GreaterThan":
				return ">"
			case "LessThanEquals":
				return "≤"
			case "GreaterThanEquals":
				return "≥"
			}
		}
	}
	return ""
}
