package path

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/brume-dev/brume/asl/fault"
	"github.com/brume-dev/brume/jsondoc"
)

// step goes from a value to one inside: to a member when name is set, else to an element.
type step struct {
	name   string
	index  int
	member bool
}

// maxIndex bounds the indexes of reference paths; no document that fits into a payload has more elements.
const maxIndex = 1 << 20

// CompileReference reads a reference path: one that can only name a single place. A backslash in a name after a dot takes
// the special meaning from the next character.
// https://states-language.net/#ref-paths
func CompileReference(text string) (*Path, error) {
	p, rest, err := begin(text)
	if errors.Is(err, errNoDollar) {
		return nil, errors.New("Reference path didn't start with '$'") //nolint:staticcheck // AWS's own words, shown as they are
	}
	if err != nil {
		return nil, err
	}
	p.isRef = true
	for rest != "" {
		var st step
		if st, rest, err = readStep(rest); err != nil {
			return nil, fmt.Errorf("%q: %w", text, err)
		}
		p.steps = append(p.steps, st)
	}
	return p, nil
}

// CompileTarget reads a reference path that a result can be put at: one over the input.
func CompileTarget(text string) (*Path, error) {
	p, err := CompileReference(text)
	if err == nil && p.root != ofInput {
		return nil, fmt.Errorf("%q does not name a place in the input", text)
	}
	return p, err
}

func readStep(s string) (step, string, error) {
	if s[0] == '.' {
		return readName(s[1:])
	}
	if s[0] != '[' {
		return step{}, "", fmt.Errorf("unexpected %q", s)
	}
	s = s[1:]
	if s != "" && (s[0] == '\'' || s[0] == '"') {
		return readQuoted(s[1:], s[0])
	}
	digits, rest, closed := strings.Cut(s, "]")
	n, err := strconv.Atoi(digits)
	if !closed || err != nil || n < 0 || n > maxIndex || digits[0] == '+' || digits[0] == '-' {
		return step{}, "", fmt.Errorf("%q is no index", digits)
	}
	return step{index: n}, rest, nil
}

// readName reads a name up to the next dot or bracket.
func readName(s string) (step, string, error) {
	var b strings.Builder
	i := 0
	for ; i < len(s); i++ {
		c := s[i]
		if c == '\\' && i+1 < len(s) {
			i++
			b.WriteByte(s[i])
			continue
		}
		if c == '.' || c == '[' {
			break
		}
		if strings.IndexByte("@,:?*()'\" \t\r\n]\\", c) >= 0 {
			return step{}, "", fmt.Errorf("character %q is not supported", c)
		}
		b.WriteByte(c)
	}
	if i == 0 {
		return step{}, "", errors.New("a member name is missing")
	}
	return step{name: b.String(), member: true}, s[i:], nil
}

// readQuoted reads a name in quotes and the bracket behind it.
func readQuoted(s string, quote byte) (step, string, error) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		case c == quote:
			rest, ok := strings.CutPrefix(s[i+1:], "]")
			if !ok {
				return step{}, "", errors.New("only one member can be named")
			}
			return step{name: b.String(), member: true}, rest, nil
		default:
			b.WriteByte(c)
		}
	}
	return step{}, "", errors.New("a name in quotes has no end")
}

func follow(v any, steps []step) (any, bool) {
	for _, st := range steps {
		if st.member {
			o, ok := v.(*jsondoc.Object)
			if !ok {
				return nil, false
			}
			if v, ok = o.Get(st.name); !ok {
				return nil, false
			}
			continue
		}
		a, ok := v.(*jsondoc.Array)
		if !ok || st.index >= len(a.Items) {
			return nil, false
		}
		v = a.Items[st.index]
	}
	return v, true
}

// Put gives the document that doc becomes when value is put at the path, which must be from CompileTarget. doc stays as
// it is. Objects that are missing on the way are made; what is there and is no object (or no such element of an array)
// is the error States.ResultPathMatchFailure.
// https://docs.aws.amazon.com/step-functions/latest/dg/input-output-resultpath.html
func (p *Path) Put(doc, value any) (any, error) {
	out, ok := put(doc, true, p.steps, value)
	if !ok {
		return nil, fault.New(fault.ResultPathMatchFailure, "Unable to apply ReferencePath %s to input %s", p.text, jsondoc.Text(doc))
	}
	return out, nil
}

func put(doc any, there bool, steps []step, value any) (any, bool) {
	if len(steps) == 0 {
		return value, true
	}
	st := steps[0]
	if !st.member {
		a, ok := doc.(*jsondoc.Array)
		if !ok || st.index >= len(a.Items) {
			return nil, false
		}
		inner, ok := put(a.Items[st.index], true, steps[1:], value)
		if !ok {
			return nil, false
		}
		items := slices.Clone(a.Items)
		items[st.index] = inner
		return &jsondoc.Array{Items: items}, true
	}
	o, ok := doc.(*jsondoc.Object)
	switch {
	case ok:
		o = o.Clone()
	case there:
		return nil, false
	default:
		o = jsondoc.NewObject()
	}
	old, has := o.Get(st.name)
	inner, ok := put(old, has, steps[1:], value)
	if !ok {
		return nil, false
	}
	o.Set(st.name, inner)
	return o, true
}
