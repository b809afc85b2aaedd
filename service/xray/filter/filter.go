// Package filter is the language of X-Ray's filter expressions.
// https://docs.aws.amazon.com/xray/latest/devguide/xray-console-filters.html
package filter

import (
	"slices"
	"strings"
)

// Facts are what an expression may ask of a trace as a whole, of one of its services, or of an edge between two.
type Facts struct {
	OK, Error, Throttle, Fault, Partial, Inferred bool

	// Seconds.
	ResponseTime, Duration float64
	// Status is that of the HTTP response; 0 when there is none.
	Status int

	// Texts holds the values of each string keyword; of a trace there may be several.
	Texts map[Keyword][]string
	// Annotations holds the values (string, float64 or bool) of each annotation.
	Annotations map[string][]any
}

// Keyword is a string keyword.
type Keyword string

// The string keywords.
const (
	URL       Keyword = "http.url"
	Method    Keyword = "http.method"
	UserAgent Keyword = "http.useragent"
	ClientIP  Keyword = "http.clientip"
	User      Keyword = "user"
	Name      Keyword = "name"
	Type      Keyword = "type"
	Message   Keyword = "message"
	Zone      Keyword = "availabilityzone"
	Instance  Keyword = "instance.id"
	Resource  Keyword = "resource.arn"
	GroupName Keyword = "group.name"
	GroupARN  Keyword = "group.arn"
)

func keywords() []Keyword {
	return []Keyword{URL, Method, UserAgent, ClientIP, User, Name, Type, Message, Zone, Instance, Resource, GroupName, GroupARN}
}

// Service is one visit of a trace to a service.
type Service struct {
	Name, Type, Account string
	Facts               Facts
}

// Edge is a call from one service to another.
type Edge struct {
	From, To *Service
	Facts    Facts
}

// Trace is what expressions are matched with.
type Trace struct {
	Facts    Facts
	Services []*Service
	Edges    []Edge
}

// Expression is a parsed filter expression.
type Expression struct{ root condition }

// Match reports whether the expression holds for t.
func (e *Expression) Match(t *Trace) bool { return e.root.holds(t, &t.Facts) }

// condition is a part of an expression. What it asks of is f: that of the trace t, or of one of its services or edges.
type condition interface{ holds(t *Trace, f *Facts) bool }

type (
	or  struct{ a, b condition }
	and struct{ a, b condition }
	not struct{ a condition }

	// flag is a boolean keyword.
	flag func(f *Facts) bool
	// number compares a number keyword; get reports whether there is one.
	number struct {
		get   func(f *Facts) (float64, bool)
		op    operator
		value float64
	}
	text struct {
		keyword Keyword
		op      operator
		value   string
	}
	// annotation compares the values of an annotation; without an operator it asks whether there is one.
	annotation struct {
		key   string
		op    operator
		value any
	}
	service struct {
		who   who
		inner condition
	}
	edge struct {
		from, to who
		inner    condition
	}
	always struct{}
)

// who says which services are meant; what is empty may be anything.
type who struct{ name, kind, account string }

func (w who) is(s *Service) bool {
	return (w.name == "" || w.name == s.Name) && (w.kind == "" || w.kind == s.Type) && (w.account == "" || w.account == s.Account)
}

func (c or) holds(t *Trace, f *Facts) bool   { return c.a.holds(t, f) || c.b.holds(t, f) }
func (c and) holds(t *Trace, f *Facts) bool  { return c.a.holds(t, f) && c.b.holds(t, f) }
func (c not) holds(t *Trace, f *Facts) bool  { return !c.a.holds(t, f) }
func (c flag) holds(_ *Trace, f *Facts) bool { return c(f) }
func (always) holds(*Trace, *Facts) bool     { return true }

func (c number) holds(_ *Trace, f *Facts) bool {
	v, ok := c.get(f)
	return ok && compare(v, c.op, c.value)
}

func (c text) holds(_ *Trace, f *Facts) bool {
	return slices.ContainsFunc(f.Texts[c.keyword], func(v string) bool { return match(v, c.op, c.value) })
}

func (c annotation) holds(_ *Trace, f *Facts) bool {
	values := f.Annotations[c.key]
	if c.op == "" {
		return len(values) > 0
	}
	return slices.ContainsFunc(values, func(v any) bool {
		switch want := c.value.(type) {
		case string:
			v, ok := v.(string)
			return ok && match(v, c.op, want)
		case float64:
			v, ok := v.(float64)
			return ok && compare(v, c.op, want)
		}
		b, ok := v.(bool)
		return ok && (b == c.value) == (c.op == equal)
	})
}

func (c service) holds(t *Trace, _ *Facts) bool {
	return slices.ContainsFunc(t.Services, func(s *Service) bool { return c.who.is(s) && c.inner.holds(t, &s.Facts) })
}

func (c edge) holds(t *Trace, _ *Facts) bool {
	return slices.ContainsFunc(t.Edges, func(e Edge) bool {
		return c.from.is(e.From) && c.to.is(e.To) && c.inner.holds(t, &e.Facts)
	})
}

type operator string

const (
	equal      operator = "="
	unequal    operator = "!="
	less       operator = "<"
	lessEqual  operator = "<="
	more       operator = ">"
	moreEqual  operator = ">="
	contains   operator = "CONTAINS"
	beginsWith operator = "BEGINSWITH"
	endsWith   operator = "ENDSWITH"
)

func compare(a float64, op operator, b float64) bool {
	switch op {
	case equal:
		return a == b
	case unequal:
		return a != b
	case less:
		return a < b
	case lessEqual:
		return a <= b
	case more:
		return a > b
	}
	return a >= b
}

func match(s string, op operator, want string) bool {
	switch op {
	case equal:
		return s == want
	case unequal:
		return s != want
	case contains:
		return strings.Contains(s, want)
	case beginsWith:
		return strings.HasPrefix(s, want)
	}
	return strings.HasSuffix(s, want)
}
