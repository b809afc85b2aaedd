package expression

import "github.com/brume-dev/brume/item"

// KeyCondition is a key condition expression taken apart: one part for each key attribute that it names.
type KeyCondition []KeyPart

// KeyPart is a condition on one attribute. Op is one of = < <= > >= BETWEEN begins_with.
type KeyPart struct {
	Attribute string
	Op        string
	Values    []item.Value // two for BETWEEN
}

// flipped is what a comparator becomes when its operands change places.
var flipped = map[string]string{"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}

// keyCondition takes b apart, whose operands have been checked.
func (b *bound) keyCondition() (KeyCondition, error) {
	var out KeyCondition
	var walk func(n *node) error
	walk = func(n *node) error {
		switch {
		case n.kind == nodeAnd:
			for _, sub := range n.subs {
				if err := walk(sub); err != nil {
					return err
				}
			}
			return nil
		case n.kind == nodeOr || n.kind == nodeNot || n.kind == nodeIn || n.op == "<>",
			n.kind == nodeCall && n.op != "begins_with":
			return b.kind.problem("Invalid operator used in KeyConditionExpression: %s", n.op)
		}
		part, err := b.keyPart(n)
		if err != nil {
			return err
		}
		for i := range out {
			if out[i].Attribute == part.Attribute {
				return b.kind.problem("KeyConditionExpressions must only contain one condition per key")
			}
		}
		out = append(out, part)
		return nil
	}
	return out, walk(b.cond)
}

// keyPart reads a comparison, BETWEEN or begins_with.
func (b *bound) keyPart(n *node) (KeyPart, error) {
	part := KeyPart{Op: n.op}
	paths := 0
	for i := range n.args {
		switch o := &n.args[i]; o.kind {
		case operandPath:
			if len(o.path) > 1 {
				return part, b.kind.problem("KeyConditionExpressions cannot have conditions on nested attributes")
			}
			part.Attribute = b.nameOf(&o.path[0])
			if paths++; paths > 1 {
				return part, b.kind.problem("Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition")
			}
			if i > 0 {
				if n.kind != nodeCompare {
					return part, b.kind.problem("Invalid condition in KeyConditionExpression: %s operator must have the key attribute as its first operand", n.op)
				}
				part.Op = flipped[n.op]
			}
		case operandCall:
			return part, b.kind.problem("Invalid operator used in KeyConditionExpression: %s", o.op)
		default:
			part.Values = append(part.Values, b.vals[o.value])
		}
	}
	if paths == 0 {
		return part, b.kind.problem("Invalid condition in KeyConditionExpression: No key attribute specified")
	}
	return part, nil
}
