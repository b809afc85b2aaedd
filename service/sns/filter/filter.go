// Package filter decides which messages a subscription gets: filter policies, which are event patterns (package
// event/pattern) over the message's attributes or over its body, with limits of their own.
// https://docs.aws.amazon.com/sns/latest/dg/sns-message-filtering.html
package filter

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/brume-dev/brume/event/pattern"
	"github.com/brume-dev/brume/jsondoc"
)

// The scopes of a policy.
const (
	Attributes = "MessageAttributes"
	Body       = "MessageBody"
)

// Limits of a policy. https://docs.aws.amazon.com/sns/latest/dg/subscription-filter-policy-constraints.html
const (
	maxLength       = 256 << 10 // bytes
	maxKeys         = 5         // at the top
	maxCombinations = 150
	maxNumber       = 1_000_000_000 // of numeric matching, either way
)

// Policy is a compiled policy. It may be used by many goroutines.
type Policy struct {
	pattern *pattern.Pattern
	body    bool
}

// Compile parses a policy for a scope. The error's text is the reason as SNS words it.
func Compile(text, scope string) (*Policy, error) {
	if len(text) > maxLength {
		return nil, errors.New("Filter policy is too long")
	}
	doc, err := jsondoc.Parse([]byte(text))
	if err != nil {
		return nil, errors.New("failed to parse JSON.")
	}
	o, ok := doc.(*jsondoc.Object)
	if !ok {
		return nil, errors.New("Filter policy must be a JSON object")
	}
	if o.Len() == 0 {
		return nil, nil // it takes everything
	}
	c := counter{body: scope == Body, keys: map[string]bool{}}
	n := c.object(o, 1, true)
	if c.err != nil {
		return nil, c.err
	}
	p, err := pattern.Compile([]byte(text))
	if err != nil {
		var bad *pattern.Error
		if errors.As(err, &bad) {
			return nil, errors.New(bad.Reason)
		}
		return nil, err
	}
	switch {
	case len(c.keys) > maxKeys:
		return nil, errors.New("Filter policy can not have more than 5 keys")
	case n.Cmp(big.NewInt(maxCombinations)) > 0:
		return nil, errors.New("Filter policy is too complex")
	}
	return &Policy{pattern: p, body: scope == Body}, nil
}

// counter goes through a policy for its limits.
type counter struct {
	body bool
	keys map[string]bool // those at the top, also of the alternatives of $or
	err  error
}

// object is the number of combinations of an object: the product over its fields of their values, each value of a body's
// field counted once for each level that it lies deep. The alternatives of $or add up.
func (c *counter) object(o *jsondoc.Object, depth int64, top bool) *big.Int {
	n := big.NewInt(1)
	for name, v := range o.All() {
		if a, ok := v.(*jsondoc.Array); ok && name == "$or" && len(a.Items) > 1 {
			sum := new(big.Int)
			for _, item := range a.Items {
				if alternative, ok := item.(*jsondoc.Object); ok {
					sum.Add(sum, c.object(alternative, depth, top))
				}
			}
			n.Mul(n, sum)
			continue
		}
		if top {
			c.keys[name] = true
		}
		switch v := v.(type) {
		case *jsondoc.Array:
			n.Mul(n, big.NewInt(int64(len(v.Items))))
			if c.body {
				n.Mul(n, big.NewInt(depth))
			}
			c.values(v)
		case *jsondoc.Object:
			if !c.body {
				c.fail("Filter policy scope MessageAttributes does not support nested filter policy")
			}
			n.Mul(n, c.object(v, depth+1, false))
		}
	}
	return n
}

// values checks the numbers that the operators of a field compare with.
func (c *counter) values(a *jsondoc.Array) {
	for _, item := range a.Items {
		o, ok := item.(*jsondoc.Object)
		if !ok {
			c.number(item)
			continue
		}
		for _, operand := range o.All() {
			c.number(operand)
			if list, ok := operand.(*jsondoc.Array); ok {
				for _, v := range list.Items {
					c.number(v)
				}
			}
		}
	}
}

func (c *counter) number(v any) {
	n, ok := v.(json.Number)
	if !ok {
		return
	}
	f, err := n.Float64()
	if err != nil || f > maxNumber || f < -maxNumber {
		c.fail(fmt.Sprintf("Value must be between -1.0E9 and 1.0E9, inclusive: %s", n))
	}
}

func (c *counter) fail(text string) {
	if c.err == nil {
		c.err = errors.New(text)
	}
}

// Attribute is a message attribute as policies see it.
type Attribute struct{ Type, Value string }

// Message is a published message, ready to be compared with many policies. It is used by one goroutine.
type Message struct {
	body       string
	attributes map[string]Attribute
	event      []byte // the attributes as an event
}

// NewMessage returns the message with this body and these attributes.
func NewMessage(body string, attributes map[string]Attribute) *Message {
	return &Message{body: body, attributes: attributes}
}

// Accepts reports whether the policy takes the message. A nil policy takes all. A body that is no JSON object is taken by no
// policy on bodies.
func (p *Policy) Accepts(m *Message) bool {
	if p == nil {
		return true
	}
	event := []byte(m.body)
	if !p.body {
		if m.event == nil {
			m.event = eventOf(m.attributes)
		}
		event = m.event
	}
	ok, err := p.pattern.Matches(event)
	return err == nil && ok
}

// eventOf makes the attributes an event: strings, numbers, and of String.Array the list that it holds. Binary attributes are
// left out.
func eventOf(attributes map[string]Attribute) []byte {
	b := []byte{'{'}
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		value, ok := valueOf(attributes[name])
		if !ok {
			continue
		}
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = append(jsondoc.AppendString(b, name), ':')
		b = jsondoc.Append(b, value)
	}
	return append(b, '}')
}

func valueOf(a Attribute) (any, bool) {
	kind, label, _ := strings.Cut(a.Type, ".")
	switch {
	case kind == "Binary":
		return nil, false
	case kind == "Number":
		if doc, err := jsondoc.Parse([]byte(strings.TrimSpace(a.Value))); err == nil {
			if n, ok := doc.(json.Number); ok {
				return n, true
			}
		}
		if f, err := strconv.ParseFloat(strings.TrimSpace(a.Value), 64); err == nil && f >= -maxNumber && f <= maxNumber { // "007", "+1"
			return json.Number(strconv.FormatFloat(f, 'f', -1, 64)), true
		}
	case label == "Array":
		if doc, err := jsondoc.Parse([]byte(a.Value)); err == nil {
			if list, ok := doc.(*jsondoc.Array); ok {
				return list, true
			}
		}
	}
	return a.Value, true
}
