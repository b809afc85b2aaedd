package table

import (
	"fmt"

	"github.com/brume-dev/brume/item"
	"github.com/brume-dev/brume/service/dynamodb/expression"
	"github.com/brume-dev/brume/store"
)

// Parts finds the values of the partition key and the conditions on the sort key, and checks that they fit: all
// attributes of a partition key are compared for equality, those of a sort key from the left on, and only the last of
// these otherwise than for equality.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.DesignPattern.MultiAttributeKeys.html
func (sp *Space) Parts(keys expression.KeyCondition) (hash []item.Value, sort []*expression.KeyPart, err error) {
	if n := len(sp.Hash) + len(sp.Sort); len(keys) > n {
		return nil, nil, problem(fmt.Sprintf("The number of query conditions (%d) exceeds the number of key attributes defined in the schema (%d)",
			len(keys), n))
	}
	on := func(a Attribute) *expression.KeyPart {
		for i := range keys {
			if keys[i].Attribute == a.Name {
				return &keys[i]
			}
		}
		return nil
	}
	for _, a := range sp.Hash {
		part := on(a)
		switch {
		case part == nil:
			return nil, nil, problem("Query condition missed key schema element: " + a.Name)
		case part.Op != "=":
			return nil, nil, problem("Query key condition not supported")
		}
		hash = append(hash, part.Values[0])
	}
	for _, a := range sp.Sort {
		part := on(a)
		if part == nil {
			if len(hash)+len(sort) < len(keys) {
				return nil, nil, problem("Query condition missed key schema element: " + a.Name)
			}
			break
		}
		if n := len(sort); n > 0 && sort[n-1].Op != "=" {
			return nil, nil, problem("Query key condition not supported")
		}
		sort = append(sort, part)
	}
	return hash, sort, sp.checkConditionValues(hash, sort)
}

// checkConditionValues refuses values that no key can have.
func (sp *Space) checkConditionValues(hash []item.Value, sort []*expression.KeyPart) error {
	for i, v := range hash {
		if v.Kind() != sp.Hash[i].Kind {
			return wrongType
		}
	}
	for i, c := range sort {
		for _, v := range c.Values {
			if v.Kind() != sp.Sort[i].Kind {
				return wrongType
			}
		}
	}
	for i, v := range hash {
		if err := checkKeyValue(sp.Hash[i], v, 0); err != nil {
			return err
		}
	}
	for i, c := range sort {
		if c.Op == "begins_with" && c.Values[0].Text() == "" {
			continue
		}
		for _, v := range c.Values {
			if err := checkKeyValue(sp.Sort[i], v, 1); err != nil {
				return err
			}
		}
	}
	return nil
}

const wrongType = problem(invalidValues + "Condition parameter type does not match schema type")

// SortRange narrows a range, whose keys begin with prefix, to a condition on what follows.
func SortRange(prefix []byte, whole store.Range, c *expression.KeyPart) store.Range {
	at := func(v item.Value) store.Key { return v.AppendKey(prefix[:len(prefix):len(prefix)]) }
	first := at(c.Values[0])
	switch c.Op {
	case "=":
		return store.Range{Begin: first, End: Beyond(first)}
	case "<":
		return store.Range{Begin: whole.Begin, End: first}
	case "<=":
		return store.Range{Begin: whole.Begin, End: Beyond(first)}
	case ">":
		return store.Range{Begin: Beyond(first), End: whole.End}
	case ">=":
		return store.Range{Begin: first, End: whole.End}
	case "BETWEEN":
		return store.Range{Begin: first, End: Beyond(at(c.Values[1]))}
	}
	begin := c.Values[0].AppendKeyPrefix(prefix[:len(prefix):len(prefix)]) // begins_with
	return store.Range{Begin: begin, End: Past(begin)}
}
