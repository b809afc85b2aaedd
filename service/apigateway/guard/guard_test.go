package guard_test

import (
	"testing"
	"time"

	"github.com/brume-dev/brume/api/apigatewayapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/policy"
	"github.com/brume-dev/brume/service/apigateway/guard"
)

const (
	account = "111122223333"
	arn     = "arn:aws:execute-api:eu-west-1:111122223333:api/dev/GET/pets"
)

func statement(effect, resource string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"` + effect + `","Action":"execute-api:Invoke","Resource":"` + resource + `"}]}`
}

// The table of AWS for APIs with both kinds of policies.
func TestAllows(t *testing.T) {
	const elsewhere = "arn:aws:execute-api:eu-west-1:111122223333:other/*"
	own := map[string]string{"allow": statement("Allow", arn), "deny": statement("Deny", "*"), "neither": statement("Allow", elsewhere)}
	for _, c := range []struct {
		authorizer, resource string
		allowed, explicit    bool
	}{
		{"allow", "", true, false}, {"deny", "", false, true}, {"neither", "", false, false},
		{"allow", "allow", true, false}, {"allow", "neither", true, false}, {"allow", "deny", false, true},
		{"neither", "allow", true, false}, {"neither", "neither", false, false}, {"neither", "deny", false, true},
		{"deny", "allow", false, true}, {"deny", "neither", false, true}, {"deny", "deny", false, true},
	} {
		v, err := guard.Read([]byte(`{"principalId":"p","policyDocument":` + own[c.authorizer] + `}`))
		if err != nil {
			t.Fatal(err)
		}
		var doc *policy.Document
		if c.resource != "" {
			text := map[string]string{"allow": `"Effect":"Allow","Resource":"` + arn + `"`, "deny": `"Effect":"Deny","Resource":"*"`, "neither": `"Effect":"Allow","Resource":"` + elsewhere + `"`}[c.resource]
			if doc, err = policy.Parse(policy.Resource, `{"Version":"2012-10-17","Statement":[{"Principal":"*","Action":"execute-api:Invoke",`+text+`}]}`); err != nil {
				t.Fatal(err)
			}
		}
		allowed, explicit := v.Allows(doc, arn, aws.Request{}, account, time.Time{})
		if allowed != c.allowed || explicit != c.explicit {
			t.Errorf("%s and %q: %v %v", c.authorizer, c.resource, allowed, explicit)
		}
		if got := guard.Denied(doc, arn, aws.Request{}, account, time.Time{}); got != (c.resource == "deny") {
			t.Errorf("%q: denied without asking: %v", c.resource, got)
		}
	}
}

func TestRead(t *testing.T) {
	v, err := guard.Read([]byte(`{"principalId":"p","policyDocument":` + statement("Allow", "*") + `,"context":{"s":"t","n":1,"f":1.5,"b":true,"x":null},"usageIdentifierKey":"k"}`))
	if err != nil || v.Context["s"] != "t" || v.Context["n"] != "1" || v.Context["f"] != "1.5" || v.Context["b"] != "true" || len(v.Context) != 4 || v.UsageKey != "k" {
		t.Errorf("%+v %v", v, err)
	}
	for _, bad := range []string{"", "null", "[]", "{}", `{"principalId":"p"}`, `{"policyDocument":` + statement("Allow", "*") + `}`,
		`{"principalId":"p","policyDocument":{"Statement":1}}`, `{"principalId":"p","policyDocument":` + statement("Allow", "*") + `,"context":{"a":[1]}}`} {
		if v, err := guard.Read([]byte(bad)); err == nil {
			t.Errorf("%s: %+v", bad, v)
		}
	}
}

func p[T any](v T) *T { return &v }

func TestIdentify(t *testing.T) {
	have := map[guard.Source]string{{Kind: "header", Name: "A"}: "Bearer x", {Kind: "querystring", Name: "q"}: "1", {Kind: "stageVariables", Name: "v"}: "2", {Kind: "context", Name: "accountId"}: "3"}
	find := func(s guard.Source) (string, bool) { v, ok := have[s]; return v, ok }
	for _, c := range []struct {
		kind             apigatewayapi.AuthorizerType
		sources, pattern string
		n                int // of values; -1: refused; -2: no authorizer
	}{
		{"TOKEN", "method.request.header.A", "", 1}, {"TOKEN", "method.request.header.A", "Bearer .*", 1}, {"TOKEN", "method.request.header.A", "Bearer", -1},
		{"TOKEN", "method.request.header.B", "", -1}, {"TOKEN", "", "", -2}, {"TOKEN", "method.request.querystring.q", "", -2}, {"TOKEN", "method.request.header.A", "(", -2},
		{"REQUEST", "", "", 0}, {"REQUEST", "method.request.header.A, method.request.querystring.q,stageVariables.v, context.accountId", "", 4},
		{"REQUEST", "method.request.header.A,method.request.header.B", "", -1}, {"REQUEST", "nonsense", "", -2},
	} {
		g, err := guard.Compile(&apigatewayapi.Authorizer{Type: c.kind, IdentitySource: &c.sources, IdentityValidationExpression: &c.pattern})
		if err != nil || c.n == -2 {
			if err == nil || c.n != -2 {
				t.Errorf("%+v: %v", c, err)
			}
			continue
		}
		if values, ok := g.Identify(find); ok != (c.n >= 0) || ok && len(values) != c.n {
			t.Errorf("%+v: %q %v", c, values, ok)
		}
	}
}

func TestMemory(t *testing.T) {
	var m guard.Memory
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	v := &guard.Verdict{Principal: "p"}
	m.Keep(guard.Key("a", []string{"x", "y"}), v, now.Add(time.Minute))
	if m.Find(guard.Key("a", []string{"x", "y"}), now) != v || m.Find(guard.Key("a", []string{"xy"}), now) != nil || m.Find(guard.Key("a", []string{"x", "y"}), now.Add(time.Minute)) != nil {
		t.Error("what is kept is found for its time, and nothing else")
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"principalId":"p","policyDocument":` + statement("Allow", "*") + `,"context":{"a":1}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if v, err := guard.Read(b); err == nil && v.Principal == "" {
			t.Error("a caller without a name")
		}
	})
}
