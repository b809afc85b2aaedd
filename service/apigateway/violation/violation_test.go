package violation_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/brume-dev/brume/service/apigateway/violation"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// TestReasons compares with what API Gateway's validator says.
func TestReasons(t *testing.T) {
	for _, c := range []struct{ schema, body, want string }{
		{`{"type":"object","required":["b","a"]}`, `{}`, `object has missing required properties (["a","b"])`},
		{`{"properties":{"n":{"type":"integer"}}}`, `{"n":"x"}`, `instance type (string) does not match any allowed primitive type (allowed: ["integer"])`},
		{`{"properties":{"n":{"type":"number"}}}`, `{"n":null}`, `instance type (null) does not match any allowed primitive type (allowed: ["integer","number"])`},
		{`{"type":"string"}`, `1`, `instance type (integer) does not match any allowed primitive type (allowed: ["string"])`},
		{`{"type":"string"}`, `1.5`, `instance type (number) does not match any allowed primitive type (allowed: ["string"])`},
		{`{"enum":["a","b"]}`, `"c"`, `instance value ("c") not found in enum (possible values: ["a","b"])`},
		{`{"minLength":3}`, `"x"`, `string "x" is too short (length: 1, required minimum: 3)`},
		{`{"maxLength":1}`, `"xy"`, `string "xy" is too long (length: 2, maximum allowed: 1)`},
		{`{"pattern":"^a$"}`, `"b"`, `ECMA 262 regex "^a$" does not match input string "b"`},
		{`{"minimum":2}`, `1`, `numeric instance is lower than the required minimum (minimum: 2, found: 1)`},
		{`{"maximum":2.5}`, `3`, `numeric instance is greater than the required maximum (maximum: 2.5, found: 3)`},
		{`{"additionalProperties":false}`, `{"x":1}`, `object instance has properties which are not allowed by the schema: ["x"]`},
		{`{"minItems":1}`, `[]`, `array is too short: must have at least 1 elements but instance has 0 elements`},
		{`{"maxItems":1}`, `[1,2]`, `array is too long: must have at most 1 elements but instance has 2 elements`},
		{`{"uniqueItems":true}`, `[1,1]`, `array must not contain duplicate elements`},
		{`{"anyOf":[{"type":"string"},{"type":"null"}]}`, `1`, `instance failed to match at least one required schema among 2`},
		{`{"oneOf":[{"type":"string"},{"type":"null"}]}`, `1`, `instance failed to match exactly one schema (matched 0 out of 2)`},
		{`{"items":{"required":["a"]}}`, `[{"a":1},{}]`, `object has missing required properties (["a"])`},
	} {
		schema, err1 := jsonschema.UnmarshalJSON(strings.NewReader(c.schema))
		body, err2 := jsonschema.UnmarshalJSON(strings.NewReader(c.body))
		compiler := jsonschema.NewCompiler()
		compiler.DefaultDraft(jsonschema.Draft4)
		err3 := compiler.AddResource("model:///m", schema)
		s, err4 := compiler.Compile("model:///m")
		if err1 != nil || err2 != nil || err3 != nil || err4 != nil {
			t.Fatal(c, err1, err2, err3, err4)
		}
		if got := violation.Reasons(s.Validate(body), body); !slices.Equal(got, []string{c.want}) {
			t.Errorf("%s of %s: %q\nwant %s", c.body, c.schema, got, c.want)
		}
	}
}
