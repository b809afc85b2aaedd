// Package expression parses and evaluates the expressions of DynamoDB: condition, filter, key condition, update and
// projection expressions, and the parameters that came before them (Expected, AttributeUpdates and their like), which
// become the same trees. It knows no store and no service.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.html
package expression

import (
	"slices"
	"strings"

	"github.com/brume-dev/brume/item"
)

// Request holds what the expressions of one request share: their placeholders. It is used by one goroutine.
type Request struct {
	Names  map[string]string // ExpressionAttributeNames; nil: absent
	Values item.Map          // ExpressionAttributeValues, without a Problem; nil: absent
	Cache  *Cache            // of parsed expressions; nil: none

	used []*tree
}

// Check checks the placeholders themselves, before any expression is read.
func (r *Request) Check() error {
	if r.Names != nil && len(r.Names) == 0 {
		return Problem("ExpressionAttributeNames must not be empty")
	}
	if r.Values != nil && len(r.Values) == 0 {
		return Problem("ExpressionAttributeValues must not be empty")
	}
	for _, key := range sortedKeys(r.Names) {
		if err := checkPlaceholder("ExpressionAttributeNames", '#', key); err != nil {
			return err
		}
		switch name := r.Names[key]; {
		case len(name) > item.MaxName:
			return Problem(item.LongName)
		case name == "":
			return Problem("ExpressionAttributeNames contains invalid value: Attribute name must have a length of at least 1 and at most 65535 for key " + key)
		}
	}
	for i := range r.Values {
		if err := checkPlaceholder("ExpressionAttributeValues", ':', r.Values[i].Name); err != nil {
			return err
		}
	}
	return nil
}

func sortedKeys(m map[string]string) []string {
	if len(m) < 2 {
		for k := range m {
			return []string{k}
		}
		return nil
	}
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func checkPlaceholder(parameter string, sign byte, key string) error {
	if len(key) < 2 || len(key) > MaxPlaceholder || key[0] != sign || wordEnd(key, 1) != len(key) {
		return Problem(parameter + " contains invalid key: Syntax error; key: \"" + key + "\"")
	}
	return nil
}

// Unused reports placeholders that no expression read from r has. It is called after them all.
func (r *Request) Unused() error {
	var names, values []string
	for _, key := range sortedKeys(r.Names) {
		if !r.isUsed(key) {
			names = append(names, key)
		}
	}
	if len(names) > 0 {
		return Problem("Value provided in ExpressionAttributeNames unused in expressions: keys: {" + strings.Join(names, ", ") + "}")
	}
	for i := range r.Values {
		if !r.isUsed(r.Values[i].Name) {
			values = append(values, r.Values[i].Name)
		}
	}
	if len(values) > 0 {
		return Problem("Value provided in ExpressionAttributeValues unused in expressions: keys: {" + strings.Join(values, ", ") + "}")
	}
	return nil
}

func (r *Request) isUsed(placeholder string) bool {
	return slices.ContainsFunc(r.used, func(t *tree) bool { return t.uses(placeholder) })
}

// bind parses src and puts the request's placeholders into it.
func (r *Request) bind(kind Kind, src string) (*bound, error) {
	t, err := r.Cache.parse(kind, src)
	if err != nil {
		return nil, err
	}
	b := &bound{tree: t}
	if len(t.aliases) > 0 {
		b.names = make([]boundName, len(t.aliases))
		for i, alias := range t.aliases {
			b.names[i].name, b.names[i].defined = r.Names[alias]
		}
	}
	if len(t.values) > 0 {
		b.vals = make([]item.Value, len(t.values))
		for i, value := range t.values {
			b.vals[i] = r.Values.Get(value)
		}
	}
	r.used = append(r.used, t)
	return b, b.check()
}

// Condition reads a condition or filter expression.
func (r *Request) Condition(kind Kind, src string) (*Condition, error) {
	b, err := r.bind(kind, src)
	if err != nil {
		return nil, err
	}
	return &Condition{b: b}, nil
}

// KeyCondition reads a key condition expression.
func (r *Request) KeyCondition(src string) (KeyCondition, error) {
	b, err := r.bind(KeyConditionKind, src)
	if err != nil {
		return nil, err
	}
	return b.keyCondition()
}

// Update reads an update expression.
func (r *Request) Update(src string) (*Update, error) {
	b, err := r.bind(UpdateKind, src)
	if err != nil {
		return nil, err
	}
	return newUpdate(b)
}

// Projection reads a projection expression.
func (r *Request) Projection(src string) (*Projection, error) {
	b, err := r.bind(ProjectionKind, src)
	if err != nil {
		return nil, err
	}
	p := &Projection{}
	for i, path := range b.paths {
		if err := p.root.add(b, path, i, b.paths); err != nil {
			return nil, err
		}
	}
	p.root.order()
	return p, nil
}
