package expression

import (
	"fmt"
	"maps"
	"slices"

	api "github.com/brume-dev/brume/api/dynamodbapi"
	"github.com/brume-dev/brume/item"
)

// The parameters of before expressions. They become the trees that expressions have, with names and values in place
// of placeholders, and keep their own texts of errors.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/LegacyConditionalParameters.html

const invalidValues = "One or more parameter values were invalid: "

func legacy(format string, args ...any) error {
	return Problem(invalidValues + fmt.Sprintf(format, args...))
}

// builder makes a bound tree without a text.
type builder struct{ b *bound }

func newBuilder(kind Kind) *builder { return &builder{&bound{tree: &tree{kind: kind}}} }

func (bu *builder) path(name string) path { return path{{name: name, alias: -1, index: -1}} }

func (bu *builder) value(v item.Value) operand {
	bu.b.vals = append(bu.b.vals, v)
	return operand{kind: operandValue, value: len(bu.b.vals) - 1}
}

// comparison is a legacy condition on one attribute.
type comparison struct {
	attribute string
	op        api.ComparisonOperator
	values    []item.Value
}

// check checks the number and types of the values.
func (c *comparison) check() error {
	n := len(c.values)
	ok := n == 1
	switch c.op {
	case api.ComparisonOperatorNull, api.ComparisonOperatorNotNull:
		ok = n == 0
	case api.ComparisonOperatorIn:
		ok = n > 0
	case api.ComparisonOperatorBetween:
		ok = n == 2
	}
	if !ok {
		return legacy("Invalid number of argument(s) for the %s ComparisonOperator", c.op)
	}
	for _, v := range c.values {
		if v.Kind() != c.values[0].Kind() {
			return legacy("AttributeValues inside AttributeValueList must all be of the same type")
		}
	}
	if n == 0 {
		return nil
	}
	if k := c.values[0].Kind(); !suits(c.op, k) {
		return legacy("ComparisonOperator %s is not valid for %s AttributeValue type", c.op, k)
	}
	if c.op == api.ComparisonOperatorBetween && item.Compare(c.values[0], c.values[1]) > 0 {
		return Problem("The BETWEEN condition was provided a range where the lower bound is greater than the upper bound")
	}
	return nil
}

// suits reports whether an operator takes values of kind k.
func suits(op api.ComparisonOperator, k item.Kind) bool {
	switch op {
	case api.ComparisonOperatorLe, api.ComparisonOperatorLt, api.ComparisonOperatorGe, api.ComparisonOperatorGt,
		api.ComparisonOperatorBetween, api.ComparisonOperatorIn:
		return k.Ordered()
	case api.ComparisonOperatorBeginsWith:
		return k == item.S || k == item.B
	case api.ComparisonOperatorContains, api.ComparisonOperatorNotContains:
		return k.Ordered() || k == item.BOOL || k == item.NULL
	}
	return true
}

// comparators are the operators that are comparators of expressions.
var comparators = map[api.ComparisonOperator]string{
	api.ComparisonOperatorEq: "=", api.ComparisonOperatorNe: "<>", api.ComparisonOperatorLt: "<",
	api.ComparisonOperatorLe: "<=", api.ComparisonOperatorGt: ">", api.ComparisonOperatorGe: ">=",
}

// node makes the condition that c is.
func (bu *builder) node(c *comparison) *node {
	args := []operand{{kind: operandPath, path: bu.path(c.attribute)}}
	for _, v := range c.values {
		args = append(args, bu.value(v))
	}
	call := func(op string) *node { return &node{kind: nodeCall, op: op, args: args} }
	switch c.op {
	case api.ComparisonOperatorNull:
		return call("attribute_not_exists")
	case api.ComparisonOperatorNotNull:
		return call("attribute_exists")
	case api.ComparisonOperatorBeginsWith:
		return call("begins_with")
	case api.ComparisonOperatorContains:
		return call("contains")
	case api.ComparisonOperatorNotContains: // of something that is there
		there := &node{kind: nodeCall, op: "attribute_exists", args: args[:1]}
		return &node{kind: nodeAnd, subs: []*node{there, {kind: nodeNot, subs: []*node{call("contains")}}}}
	case api.ComparisonOperatorIn:
		return &node{kind: nodeIn, op: "IN", args: args}
	case api.ComparisonOperatorBetween:
		return &node{kind: nodeBetween, op: "BETWEEN", args: args}
	}
	return &node{kind: nodeCompare, op: comparators[c.op], args: args}
}

// join makes the condition that all the comparisons, or with OR one of them, hold.
func join(cs []comparison, op api.ConditionalOperator) (*Condition, error) {
	bu := newBuilder(ConditionKind)
	all := &node{kind: nodeAnd}
	if op == api.ConditionalOperatorOr {
		all.kind = nodeOr
	}
	for i := range cs {
		if err := cs[i].check(); err != nil {
			return nil, err
		}
		all.subs = append(all.subs, bu.node(&cs[i]))
	}
	bu.b.cond = all
	return &Condition{b: bu.b}, nil
}

// Expected is the condition that the parameters Expected and ConditionalOperator of a write make.
func Expected(expected map[string]api.ExpectedAttributeValue, op api.ConditionalOperator) (*Condition, error) {
	var cs []comparison
	for _, name := range slices.Sorted(maps.Keys(expected)) {
		e := expected[name]
		c, err := expectation(name, &e)
		if err != nil {
			return nil, err
		}
		cs = append(cs, c)
	}
	return join(cs, op)
}

func expectation(name string, e *api.ExpectedAttributeValue) (comparison, error) {
	c := comparison{attribute: name, op: e.ComparisonOperator, values: e.AttributeValueList}
	if e.Value != nil {
		c.values = []item.Value{*e.Value}
	}
	exists := "null"
	if e.Exists != nil {
		exists = fmt.Sprint(*e.Exists)
	}
	switch {
	case e.AttributeValueList != nil && e.Value != nil:
		return c, legacy("Value and AttributeValueList cannot be used together for Attribute: %s", name)
	case c.op != "" && e.Exists != nil:
		return c, legacy("Exists and ComparisonOperator cannot be used together for Attribute: %s", name)
	case c.op != "" && c.op != api.ComparisonOperatorNull && c.op != api.ComparisonOperatorNotNull &&
		e.AttributeValueList == nil && e.Value == nil:
		return c, legacy("Value or AttributeValueList must be used with ComparisonOperator: %s for Attribute: %s", c.op, name)
	case c.op != "":
		return c, nil
	case e.AttributeValueList != nil:
		return c, legacy("AttributeValueList can only be used with a ComparisonOperator for Attribute: %s", name)
	case exists != "false" && e.Value == nil:
		return c, legacy("Value must be provided when Exists is %s for Attribute: %s", exists, name)
	case exists == "false" && e.Value != nil:
		return c, legacy("Value cannot be used when Exists is false for Attribute: %s", name)
	case exists == "false":
		c.op = api.ComparisonOperatorNull
	default:
		c.op = api.ComparisonOperatorEq
	}
	return c, nil
}

// Filter is the condition that the parameters QueryFilter or ScanFilter and ConditionalOperator make.
func Filter(filter map[string]api.Condition, op api.ConditionalOperator) (*Condition, error) {
	var cs []comparison
	for _, name := range slices.Sorted(maps.Keys(filter)) {
		cs = append(cs, comparison{name, filter[name].ComparisonOperator, filter[name].AttributeValueList})
	}
	return join(cs, op)
}

// KeyConditions is the key condition that the parameter of that name makes.
func KeyConditions(conditions map[string]api.Condition) (KeyCondition, error) {
	var out KeyCondition
	for _, name := range slices.Sorted(maps.Keys(conditions)) {
		c := comparison{name, conditions[name].ComparisonOperator, conditions[name].AttributeValueList}
		if err := c.check(); err != nil {
			return nil, err
		}
		part := KeyPart{Attribute: name, Op: comparators[c.op], Values: c.values}
		switch c.op {
		case api.ComparisonOperatorBetween:
			part.Op = "BETWEEN"
		case api.ComparisonOperatorBeginsWith:
			part.Op = "begins_with"
		case api.ComparisonOperatorNe:
			part.Op = ""
		}
		if part.Op == "" {
			return nil, Problem("Attempted conditional constraint is not an indexable operation")
		}
		out = append(out, part)
	}
	return out, nil
}

// AttributeUpdates is the update that the parameter of that name makes.
func AttributeUpdates(updates map[string]api.AttributeValueUpdate) (*Update, error) {
	bu := newBuilder(UpdateKind)
	for _, name := range slices.Sorted(maps.Keys(updates)) {
		u := updates[name]
		a := action{path: bu.path(name), lenient: true}
		if u.Value != nil {
			a.operand = bu.value(*u.Value)
		} else if u.Action != api.AttributeActionDelete {
			return nil, legacy("Only DELETE action is allowed when no attribute value is specified")
		}
		switch u.Action {
		case api.AttributeActionDelete:
			a.kind = actionRemove
			if u.Value != nil {
				if a.kind = actionDelete; !isSet(u.Value.Kind()) {
					return nil, legacy("DELETE action with value is not supported for the type %s", u.Value.Kind())
				}
			}
		case api.AttributeActionAdd:
			if k := u.Value.Kind(); k != item.N && k != item.L && !isSet(k) {
				return nil, legacy("ADD action is not supported for the type %s", k)
			}
			a.kind = actionAdd
		}
		bu.b.actions = append(bu.b.actions, a)
	}
	return newUpdate(bu.b)
}
