// Package pattern decides whether an event matches an event pattern: the content filters of EventBridge rules, which
// Pipes, Lambda's filter criteria and SNS's filter policies on the body share. The language is that of
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html, its finer points those of
// AWS's Event Ruler: fields are compared as their JSON texts are, arrays stand for each of their elements, and two
// fields of one pattern never match in different elements of the same array.
//
// A Pattern is one compiled pattern. A Set holds the patterns of many rules and finds those that match an event by one
// exact value of each, without looking at the others.
package pattern

// Pattern is a compiled event pattern. It is immutable and may be used by many goroutines.
type Pattern struct {
	branches []branch
	fields   fieldTree
	ids      [][]int // of each branch's fields in the tree
}

// branch is a conjunction of fields; a pattern matches when one of its branches does. $or makes several.
type branch []field

type field struct {
	path     string // names joined by dots: EventBridge does not tell "a.b" from b inside a
	matchers []matcher
}

// Compile parses a pattern. The error is a *Error.
func Compile(src []byte) (*Pattern, error) {
	c := compiler{scanner: scanner{src: string(src)}}
	branches, err := c.compile()
	if err != nil {
		return nil, err
	}
	p := &Pattern{branches: branches}
	for _, b := range branches {
		ids := make([]int, len(b))
		for i := range b {
			ids[i] = p.fields.add(b[i].path)
		}
		p.ids = append(p.ids, ids)
	}
	return p, nil
}

// Matches reports whether the event, a JSON document, matches. The error says that it is not JSON.
func (p *Pattern) Matches(event []byte) (bool, error) {
	e := &facts{}
	if err := e.read(event, &p.fields); err != nil {
		return false, err
	}
	for i, b := range p.branches {
		if e.matches(b, p.ids[i]) {
			return true, nil
		}
	}
	return false, nil
}

// Missed returns the paths that keep the event from matching: those of the branch that came nearest. It is nil when the
// event matches, and also when each field matches but in different elements of an array.
func (p *Pattern) Missed(event []byte) ([]string, error) {
	e := &facts{}
	if err := e.read(event, &p.fields); err != nil {
		return nil, err
	}
	var best []string
	for i, b := range p.branches {
		if e.matches(b, p.ids[i]) {
			return nil, nil
		}
		missed := []string{}
		for j := range b {
			if !e.satisfies(&b[j], p.ids[i][j]) {
				missed = append(missed, b[j].path)
			}
		}
		if best == nil || len(missed) < len(best) {
			best = missed
		}
	}
	return best, nil
}
