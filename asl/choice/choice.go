// Package choice is the choice rules of the query language JSONPath, compiled once.
//
// https://docs.aws.amazon.com/step-functions/latest/dg/state-choice.html,
// https://states-language.net/#choice-state
package choice

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/brume-dev/brume/asl/fault"
	"github.com/brume-dev/brume/asl/path"
	"github.com/brume-dev/brume/jsondoc"
)

// Rule is a compiled rule. It is safe for concurrent use.
type Rule struct {
	// of a boolean expression: And, Or or Not, with the rules inside
	combine string
	rules   []*Rule

	// of a test
	variable *path.Path
	op       operator
	against  *path.Path // of an operator that ends in Path
	text     string     // of strings, and the pattern of StringMatches
	number   json.Number
	instant  time.Time
	yes      bool // of BooleanEquals and the Is… operators
}

// MaxDepth is how deep And, Or and Not may be nested.
const MaxDepth = 50

// ErrTest is wrapped by the error of a rule that has no test or more than one.
var ErrTest = errors.New("a choice rule has exactly one of And, Or, Not and a comparison operator")

// Compile reads a rule. Members that belong to the Choice state and not to the test (Next, Assign, Comment) are passed over.
func Compile(rule *jsondoc.Object) (*Rule, error) { return compile(rule, 1) }

func compile(rule *jsondoc.Object, depth int) (*Rule, error) {
	if depth > MaxDepth {
		return nil, fmt.Errorf("choice rules are nested more than %d times", MaxDepth)
	}
	r, tests := &Rule{}, 0
	for key, v := range rule.All() {
		var err error
		switch op, isOperator := parseOperator(key); {
		case key == "And" || key == "Or" || key == "Not":
			tests++
			err = r.compileInner(key, v, depth)
		case key == "Variable":
			r.variable, err = reference(v)
		case isOperator:
			tests++
			err = r.compileTest(op, v)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
	}
	if tests != 1 || (r.combine == "") != (r.variable != nil) {
		return nil, ErrTest
	}
	return r, nil
}

func reference(v any) (*path.Path, error) {
	text, ok := v.(string)
	if !ok {
		return nil, errors.New("a path must be a string")
	}
	return path.CompileReference(text)
}

func (r *Rule) compileInner(key string, v any, depth int) error {
	r.combine = key
	inner := []any{v}
	if key != "Not" {
		a, ok := v.(*jsondoc.Array)
		if !ok || len(a.Items) == 0 {
			return errors.New("a non-empty array of rules is needed")
		}
		inner = a.Items
	}
	for _, item := range inner {
		o, ok := item.(*jsondoc.Object)
		if !ok {
			return errors.New("a rule must be an object")
		}
		rule, err := compile(o, depth+1)
		if err != nil {
			return err
		}
		r.rules = append(r.rules, rule)
	}
	return nil
}

func (r *Rule) compileTest(op operator, v any) (err error) {
	r.op = op
	if op.path {
		r.against, err = reference(v)
		return err
	}
	ok := false
	switch op.kind {
	case texts:
		r.text, ok = v.(string)
	case numbers:
		r.number, ok = v.(json.Number)
	case booleans, presence:
		r.yes, ok = v.(bool)
	case instants:
		text, isText := v.(string)
		if r.instant, ok = Timestamp(text); isText && !ok {
			return errors.New("String does not match RFC3339 timestamp") //nolint:staticcheck // AWS's words
		}
	}
	if !ok {
		return fmt.Errorf("a value of type %s is needed", op.kind.needs())
	}
	return nil
}

// Paths yields the reference paths of the rule and of those inside.
func (r *Rule) Paths(yield func(*path.Path) bool) bool {
	for _, inner := range r.rules {
		if !inner.Paths(yield) {
			return false
		}
	}
	for _, p := range []*path.Path{r.variable, r.against} {
		if p != nil && !yield(p) {
			return false
		}
	}
	return true
}

// Match reports whether the rule holds. A test whose types differ does not. A path that names nothing is the error States.Runtime
// except for IsPresent; what And and Or need not look at is not looked at.
func (r *Rule) Match(s *path.Scope) (bool, error) {
	switch r.combine {
	case "And", "Or":
		for _, inner := range r.rules {
			holds, err := inner.Match(s)
			if err != nil || holds == (r.combine == "Or") {
				return holds, err
			}
		}
		return r.combine == "And", nil
	case "Not":
		holds, err := r.rules[0].Match(s)
		return err == nil && !holds, err
	}
	v, found := r.variable.Find(s)
	if r.op.kind == presence && r.op.test == isPresent {
		return found == r.yes, nil
	}
	if !found {
		return false, missing(r.variable)
	}
	if r.op.path {
		other, found := r.against.Find(s)
		if !found {
			return false, missing(r.against)
		}
		return r.op.compare(v, other), nil
	}
	return r.test(v), nil
}

func missing(p *path.Path) error {
	return fault.New(fault.Runtime, "Invalid path '%s': The choice state's condition path references an invalid value.", p.String())
}

// test compares with the constant.
func (r *Rule) test(v any) bool {
	switch r.op.kind {
	case texts:
		s, ok := v.(string)
		if !ok {
			return false
		}
		if r.op.test == matches {
			return like(s, r.text)
		}
		return r.op.holds(compareStrings(s, r.text))
	case numbers:
		n, ok := v.(json.Number)
		return ok && r.op.holds(compareNumbers(n, r.number))
	case booleans:
		b, ok := v.(bool)
		return ok && b == r.yes
	case instants:
		text, isText := v.(string)
		t, ok := Timestamp(text)
		return isText && ok && r.op.holds(t.Compare(r.instant))
	default:
		return r.op.is(v) == r.yes
	}
}

// compare compares two values of a document.
func (op operator) compare(a, b any) bool {
	switch op.kind {
	case texts:
		x, ok1 := a.(string)
		y, ok2 := b.(string)
		return ok1 && ok2 && op.holds(compareStrings(x, y))
	case numbers:
		x, ok1 := a.(json.Number)
		y, ok2 := b.(json.Number)
		return ok1 && ok2 && op.holds(compareNumbers(x, y))
	case booleans:
		x, ok1 := a.(bool)
		y, ok2 := b.(bool)
		return ok1 && ok2 && x == y
	default:
		x, _ := a.(string)
		y, _ := b.(string)
		t, ok1 := Timestamp(x)
		u, ok2 := Timestamp(y)
		return ok1 && ok2 && op.holds(t.Compare(u))
	}
}

// Operators are the names of all comparison operators, in alphabetical order.
func Operators() []string {
	var out []string
	for _, kind := range []string{"String", "Numeric", "Timestamp", "Boolean"} {
		for _, test := range []string{"Equals", "LessThan", "GreaterThan", "LessThanEquals", "GreaterThanEquals"} {
			if kind != "Boolean" || test == "Equals" {
				out = append(out, kind+test, kind+test+"Path")
			}
		}
	}
	out = append(out, "StringMatches", "IsNull", "IsPresent", "IsNumeric", "IsString", "IsBoolean", "IsTimestamp")
	slices.Sort(out)
	return out
}
