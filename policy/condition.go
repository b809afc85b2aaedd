package policy

import (
	"encoding/base64"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// condition is one compiled line of a Condition element: an operator, a key and the values it is compared with. All
// conditions of a statement must hold; of the values one suffices, and of a negated operator none may match.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
type condition struct {
	op       operator
	key      key
	set      setOperator
	ifExists bool

	globs   []glob      // string operators
	numbers []float64   // Numeric…
	times   []time.Time // Date…
	nets    []netip.Prefix
	arns    []arnPattern
	bytes   [][]byte
}

type setOperator uint8

const (
	setNone setOperator = iota
	setAny
	setAll
)

// operator is a condition operator: what it compares, how, and whether the outcome is turned round.
type operator struct {
	kind    valueKind
	compare comparison
	not     bool
}

type valueKind uint8

const (
	valueString valueKind = iota
	valueStringFold
	valueStringLike
	valueNumber
	valueDate
	valueBool
	valueBinary
	valueIP
	valueARN
	valueNull
)

type comparison uint8

const (
	equal comparison = iota
	less
	lessEqual
	greater
	greaterEqual
)

var operators = map[string]operator{
	"StringEquals":              {kind: valueString},
	"StringNotEquals":           {kind: valueString, not: true},
	"StringEqualsIgnoreCase":    {kind: valueStringFold},
	"StringNotEqualsIgnoreCase": {kind: valueStringFold, not: true},
	"StringLike":                {kind: valueStringLike},
	"StringNotLike":             {kind: valueStringLike, not: true},
	"NumericEquals":             {kind: valueNumber},
	"NumericNotEquals":          {kind: valueNumber, not: true},
	"NumericLessThan":           {kind: valueNumber, compare: less},
	"NumericLessThanEquals":     {kind: valueNumber, compare: lessEqual},
	"NumericGreaterThan":        {kind: valueNumber, compare: greater},
	"NumericGreaterThanEquals":  {kind: valueNumber, compare: greaterEqual},
	"DateEquals":                {kind: valueDate},
	"DateNotEquals":             {kind: valueDate, not: true},
	"DateLessThan":              {kind: valueDate, compare: less},
	"DateLessThanEquals":        {kind: valueDate, compare: lessEqual},
	"DateGreaterThan":           {kind: valueDate, compare: greater},
	"DateGreaterThanEquals":     {kind: valueDate, compare: greaterEqual},
	"Bool":                      {kind: valueBool},
	"BinaryEquals":              {kind: valueBinary},
	"IpAddress":                 {kind: valueIP},
	"NotIpAddress":              {kind: valueIP, not: true},
	"ArnEquals":                 {kind: valueARN},
	"ArnLike":                   {kind: valueARN},
	"ArnNotEquals":              {kind: valueARN, not: true},
	"ArnNotLike":                {kind: valueARN, not: true},
	"Null":                      {kind: valueNull},
}

// parseOperator reads an operator's name with its set operator and IfExists.
func parseOperator(name string) (op operator, set setOperator, ifExists, ok bool) {
	if rest, found := strings.CutPrefix(name, "ForAnyValue:"); found {
		name, set = rest, setAny
	} else if rest, found := strings.CutPrefix(name, "ForAllValues:"); found {
		name, set = rest, setAll
	}
	if rest, found := strings.CutSuffix(name, "IfExists"); found {
		name, ifExists = rest, true
	}
	op, ok = operators[name]
	return op, set, ifExists, ok && !(ifExists && op.kind == valueNull)
}

// compileCondition compiles one operator and key. ok is false when a value is not of the operator's kind.
func compileCondition(op operator, set setOperator, ifExists bool, name string, vals []string, vars bool) (condition, bool) {
	c := condition{op: op, key: compileKey(name), set: set, ifExists: ifExists}
	ok := true
	for _, v := range vals {
		if !c.add(v, vars) {
			ok = false
		}
	}
	return c, ok
}

func (c *condition) add(v string, vars bool) bool {
	switch c.op.kind {
	case valueNumber:
		f, err := strconv.ParseFloat(v, 64)
		if err != nil {
			return false
		}
		c.numbers = append(c.numbers, f)
	case valueDate:
		t, ok := parseTime(v)
		if !ok {
			return false
		}
		c.times = append(c.times, t)
	case valueIP:
		p, ok := parsePrefix(v)
		if !ok {
			return false
		}
		c.nets = append(c.nets, p)
	case valueBinary:
		b, err := base64.StdEncoding.DecodeString(v)
		if err != nil {
			return false
		}
		c.bytes = append(c.bytes, b)
	case valueARN:
		from := arnParts
		if vars {
			from = 0
		}
		c.arns = append(c.arns, compileARN(v, from))
	case valueNull:
		if v != "true" && v != "false" {
			return false
		}
		c.globs = append(c.globs, compileGlob(v, false, false))
	default:
		c.globs = append(c.globs, compileGlob(v, c.op.kind == valueStringLike, vars))
	}
	return true
}

func parsePrefix(v string) (netip.Prefix, bool) {
	if !strings.Contains(v, "/") {
		a, err := netip.ParseAddr(v)
		if err != nil {
			return netip.Prefix{}, false
		}
		return netip.PrefixFrom(a, a.BitLen()), true
	}
	p, err := netip.ParsePrefix(v)
	return p.Masked(), err == nil
}

// timeLayouts are the W3C forms of ISO 8601, https://www.w3.org/TR/NOTE-datetime
var timeLayouts = []string{"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05", "2006-01-02",
	"2006-01", "2006"}

// parseTime reads an ISO 8601 date or seconds since the epoch. Four digits are a year.
func parseTime(v string) (time.Time, bool) {
	for _, l := range timeLayouts {
		if t, err := time.Parse(l, v); err == nil {
			return t, true
		}
	}
	if s, err := strconv.ParseFloat(v, 64); err == nil && s >= 0 && s < 1e12 {
		return time.Unix(0, 0).Add(time.Duration(s * float64(time.Second))), true
	}
	return time.Time{}, false
}

// holds reports whether the condition is true of the request.
func (c *condition) holds(e *evaluation) bool {
	if c.op.kind == valueNull {
		_, present := e.values(&c.key)
		for i := range c.globs {
			if (c.globs[i].text == "true") != present {
				return true
			}
		}
		return false
	}
	if c.op.kind == valueDate && c.set == setNone {
		if t, ok := e.time(&c.key); ok {
			return c.anyTime(t) != c.op.not
		}
	}
	vals, present := e.values(&c.key)
	if !present {
		// A key that is not there matches nothing, so that a negated operator is true of it.
		return c.ifExists || c.set == setAll || c.op.not && c.set == setNone
	}
	e.unresolved = false
	m := c.many(vals, e)
	// A variable without a value makes the statement invalid, even where it was not to match.
	return m && !(c.op.not && e.unresolved)
}

// many applies the set operator. A key with several values and no set operator is taken as ForAnyValue; negated, no
// value may match.
func (c *condition) many(vals []string, e *evaluation) bool {
	for _, v := range vals {
		m := c.one(v, e) != c.op.not
		switch {
		case c.set == setAll || c.set == setNone && c.op.not:
			if !m {
				return false
			}
		case m:
			return true
		}
	}
	return c.set == setAll || c.set == setNone && c.op.not
}

// one reports whether one value of the request matches one of the condition's, not yet negated.
func (c *condition) one(v string, e *evaluation) bool {
	switch c.op.kind {
	case valueNumber:
		f, err := strconv.ParseFloat(v, 64)
		return err == nil && c.anyNumber(f)
	case valueDate:
		t, ok := parseTime(v)
		return ok && c.anyTime(t)
	case valueIP:
		return c.anyNet(v)
	case valueBinary:
		for _, b := range c.bytes {
			if string(b) == v {
				return true
			}
		}
		return false
	case valueARN:
		parts, ok := splitARN(v)
		for i := range c.arns {
			if c.arns[i].match(v, &parts, ok, e) {
				return true
			}
		}
		return false
	case valueStringFold, valueBool:
		for i := range c.globs {
			if w, ok := c.globs[i].value(e); ok && strings.EqualFold(w, v) {
				return true
			}
		}
		return false
	}
	for i := range c.globs {
		if c.globs[i].match(v, e) {
			return true
		}
	}
	return false
}

func (c *condition) anyNumber(v float64) bool {
	for _, w := range c.numbers {
		var m bool
		switch c.op.compare {
		case equal:
			m = v == w
		case less:
			m = v < w
		case lessEqual:
			m = v <= w
		case greater:
			m = v > w
		case greaterEqual:
			m = v >= w
		}
		if m {
			return true
		}
	}
	return false
}

func (c *condition) anyTime(v time.Time) bool {
	for _, w := range c.times {
		d := v.Compare(w)
		var m bool
		switch c.op.compare {
		case equal:
			m = d == 0
		case less:
			m = d < 0
		case lessEqual:
			m = d <= 0
		case greater:
			m = d > 0
		case greaterEqual:
			m = d >= 0
		}
		if m {
			return true
		}
	}
	return false
}

func (c *condition) anyNet(v string) bool {
	a, err := netip.ParseAddr(v)
	if err != nil {
		return false
	}
	a = a.Unmap()
	for _, n := range c.nets {
		if n.Contains(a) {
			return true
		}
	}
	return false
}
