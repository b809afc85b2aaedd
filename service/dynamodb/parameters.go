package dynamodb

import (
	"strings"

	api "github.com/brume-dev/brume/api/dynamodbapi"
	"github.com/brume-dev/brume/item"
	"github.com/brume-dev/brume/service/dynamodb/expression"
)

// parameters are the parts of a request that expressions are made of.
type parameters struct {
	expressions []parameter // those that the operation has, given or not
	legacy      []parameter
	wording     item.Wording
}

// parameter is an expression, or what there was before expressions, by its name.
type parameter struct {
	name  string
	given bool
}

// given reports whether one of the parameters is.
func given(ps []parameter) bool {
	for i := range ps {
		if ps[i].given {
			return true
		}
	}
	return false
}

// names are those of the parameters that are given.
func names(ps []parameter) string {
	var out []string
	for _, p := range ps {
		if p.given {
			out = append(out, p.name)
		}
	}
	return strings.Join(out, ", ")
}

// request checks that the parameters go together and returns what parses the expressions.
func (s *Service) request(p parameters, byName map[string]string, values item.Map) (*expression.Request, error) {
	exprs, legacy := given(p.expressions), given(p.legacy)
	if exprs && legacy {
		return nil, problem("Can not use both expression and non-expression parameters in the same request: " +
			"Non-expression parameters: {" + names(p.legacy) + "} Expression parameters: {" + names(p.expressions) + "}")
	}
	if !exprs {
		if byName != nil {
			return nil, problem("ExpressionAttributeNames can only be specified when using expressions")
		}
		if values != nil {
			return nil, problem("ExpressionAttributeValues can only be specified when using expressions" + p.whatIsMissing())
		}
	}
	r := &expression.Request{Names: byName, Values: values, Cache: &s.expressions}
	if err := r.Check(); err != nil {
		return nil, err
	}
	for i := range values {
		if text := values[i].Value.Problem(p.wording); text != "" {
			if p.wording == item.Older {
				text = "ExpressionAttributeValues contains invalid value: " + text + " for key " + values[i].Name
			}
			return nil, problem(text)
		}
	}
	return r, nil
}

// whatIsMissing is the end of a text in its older wording.
func (p *parameters) whatIsMissing() string {
	if p.wording != item.Older {
		return ""
	}
	var names []string
	for _, e := range p.expressions {
		if e.name != "ProjectionExpression" {
			names = append(names, e.name)
		}
	}
	if len(names) == 1 {
		return ": " + names[0] + " is null"
	}
	return ": " + strings.Join(names, " and ") + " are null"
}

// checkOperator checks a ConditionalOperator, which needs at least two conditions to join.
func checkOperator(op api.ConditionalOperator, conditions int, anyGiven bool) error {
	switch {
	case op == "":
		return nil
	case !anyGiven:
		return problem("ConditionalOperator cannot be used without Filter or Expected")
	case conditions < 2:
		return problem("ConditionalOperator can only be used when Filter or Expected has two or more elements")
	}
	return nil
}

// expected reads the legacy condition of a write, nil when there is none.
func expected(conditions map[string]api.ExpectedAttributeValue, op api.ConditionalOperator) (*expression.Condition, error) {
	if err := checkOperator(op, len(conditions), conditions != nil); err != nil || len(conditions) == 0 {
		return nil, err
	}
	for _, name := range sortedKeys(conditions) {
		c := conditions[name]
		if c.Value != nil {
			if text := c.Value.Problem(item.Current); text != "" {
				return nil, problem(text)
			}
		}
		if err := checkValues(c.AttributeValueList, item.Current); err != nil {
			return nil, err
		}
	}
	return expression.Expected(conditions, op)
}

// filtered reads the legacy filter of a query or scan, nil when there is none.
func filtered(conditions map[string]api.Condition, op api.ConditionalOperator, w item.Wording) (*expression.Condition, error) {
	if err := checkOperator(op, len(conditions), conditions != nil); err != nil || len(conditions) == 0 {
		return nil, err
	}
	if err := checkConditions(conditions, w); err != nil {
		return nil, err
	}
	return expression.Filter(conditions, op)
}

func checkConditions(conditions map[string]api.Condition, w item.Wording) error {
	for _, name := range sortedKeys(conditions) {
		if err := checkValues(conditions[name].AttributeValueList, w); err != nil {
			return err
		}
	}
	return nil
}

func checkValues(vs []item.Value, w item.Wording) error {
	for _, v := range vs {
		if text := v.Problem(w); text != "" {
			return problem(text)
		}
	}
	return nil
}

// projection reads what a read returns of items: all when it is nil.
func projection(r *expression.Request, expr *string, attributes []string) (*expression.Projection, error) {
	if expr != nil {
		return r.Projection(*expr)
	}
	if attributes == nil {
		return nil, nil
	}
	seen := map[string]bool{}
	for _, name := range attributes {
		if seen[name] {
			return nil, problem(invalidValues + "Duplicate value in attribute name: " + name)
		}
		seen[name] = true
	}
	return expression.Attributes(attributes...), nil
}
