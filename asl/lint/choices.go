package lint

import (
	"encoding/json"
	"strings"

	"github.com/brume-dev/brume/asl/choice"
	"github.com/brume-dev/brume/asl/path"
)

// choices looks at a Choice state.
func (n node) choices(b *block, name string) {
	n.Required("Choices")
	n.Filled("Default")
	for _, rule := range n.items("Choices", false) {
		rule.Required("Next")
		rule.Filled("Next")
		b.leads(name, rule, "Next")
		rule.rule("Next Assign Output Comment", 1)
		rule.Text("Comment")
		rule.assign()
		if rule.JSONata {
			rule.data("Output")
		}
	}
	b.leads(name, n, "Default")
}

// rule looks at the test of a choice rule; own are the fields that it may have beside.
func (n node) rule(own string, depth int) {
	if depth > choice.MaxDepth {
		n.l.report(TooDeeplyNested, n.At, "The choice rules are too deeply nested")
		return
	}
	if n.JSONata {
		n.condition(own)
		return
	}
	operators := choice.Operators()
	n.known(own + " And Or Not Variable Condition " + strings.Join(operators, " "))
	selectors := 0
	for _, key := range []string{"And", "Or", "Not", "Variable"} {
		if n.Has(key) {
			selectors++
		}
	}
	if selectors != 1 {
		n.Wrong("The object must have only one of the following fields, [And, Or, Not, Variable, Condition]")
	}
	var used []string
	for key := range n.Object.All() {
		if choice.IsOperator(key) {
			used = append(used, key)
		}
	}
	switch {
	case n.Has("Variable") && len(used) == 0:
		n.Wrong("This object should have only one of the following fields: [%s]", strings.Join(operators, ", "))
	case len(used) > 1:
		n.Wrong("There should only be one of the following fields: [%s]", strings.Join(used, ", "))
	case !n.Has("Variable") && len(used) == 1:
		n.Wrong("Field '%s' is not supported", used[0])
	}
	n.reference("Variable", false, path.CompileReference)
	for _, key := range used {
		n.operand(key)
	}
	for _, key := range []string{"And", "Or"} {
		for _, in := range n.items(key, false) {
			in.rule("Comment", depth+1)
		}
	}
	if in, ok := n.inner("Not"); ok {
		in.rule("Comment", depth+1)
	}
}

// condition looks at a rule of JSONata.
func (n node) condition(own string) {
	n.known(own + " Condition Variable And Or Not " + strings.Join(choice.Operators(), " "))
	n.Required("Condition")
	for key := range n.Object.All() {
		if choice.IsOperator(key) {
			n.wrongLanguage(key, "JSONata", "JSONPath")
		}
	}
	v, ok := n.Object.Get("Condition")
	if !ok {
		return
	}
	switch c := v.(type) {
	case bool:
	case string:
		if !strings.HasPrefix(c, "{%") || !strings.HasSuffix(c, "%}") {
			n.Fail("Condition", "JSONata string must start with {%% and end with %%}")
			return
		}
		n.l.expression(n.Within("Condition"), c)
	default:
		n.Fail("Condition", "Expected value of type String")
	}
}

// operand looks at what an operator compares with.
func (n node) operand(key string) {
	if strings.HasSuffix(key, "Path") {
		n.reference(key, false, path.CompileReference)
		return
	}
	v, _ := n.Object.Get(key)
	text, isText := v.(string)
	switch needs := choice.Needs(key); {
	case needs == "String" && !isText, needs == "Boolean" && !isBool(v), needs == "Number" && !isNumber(v):
		n.Fail(key, "Expected value of type %s", needs)
	case strings.HasPrefix(key, "Timestamp"):
		if _, ok := choice.Timestamp(text); !ok {
			n.Fail(key, "String does not match RFC3339 timestamp")
		}
	case isText && looksLikePath(text):
		n.l.report(NoPath, n.Within(key), "Field value looks like a path, but field name does not end with 'Path'")
	}
}

func isBool(v any) bool {
	_, ok := v.(bool)
	return ok
}

func isNumber(v any) bool {
	_, ok := v.(json.Number)
	return ok
}
