package cors

import (
	"net/http"
	"strings"
	"testing"

	"github.com/brume-dev/brume/api/s3api"
)

func rule(methods, origins, headers string) s3api.CORSRule {
	return s3api.CORSRule{AllowedMethods: strings.Fields(methods), AllowedOrigins: strings.Fields(origins), AllowedHeaders: strings.Fields(headers)}
}

func TestAllow(t *testing.T) {
	rules := []s3api.CORSRule{rule("PUT", "https://a.example", "x-amz-* Content-Type"), rule("GET", "*", "")}
	for _, c := range []struct {
		q    Question
		want string // the origin allowed
	}{
		{Question{"https://a.example", "PUT", []string{"x-amz-meta-a", "content-type"}}, "https://a.example"},
		{Question{"https://a.example", "PUT", []string{"authorization"}}, ""},
		{Question{"https://b.example", "PUT", nil}, ""},
		{Question{"https://b.example", "GET", nil}, "*"},
		{Question{"https://b.example", "GET", []string{"x"}}, ""},
		{Question{"https://a.example", "DELETE", nil}, ""},
	} {
		h := http.Header{}
		if ok := Allow(rules, c.q, h); ok != (c.want != "") || h.Get("Access-Control-Allow-Origin") != c.want {
			t.Errorf("%+v: %v %v", c.q, ok, h)
		}
		if got := h.Get("Access-Control-Allow-Credentials"); (got == "true") != (c.want != "" && c.want != "*") {
			t.Errorf("%+v: credentials %q", c.q, got)
		}
	}
}

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		rule s3api.CORSRule
		want string
	}{
		{rule("GET HEAD", "http://*.x", "*"), ""},
		{rule("PATCH", "*", ""), "Found unsupported HTTP method"},
		{rule("GET", "*.*", ""), "more than one wildcard"},
		{rule("GET", "*", "a*b*"), "more than one wildcard"},
		{rule("GET", "", ""), "MalformedXML"},
		{s3api.CORSRule{AllowedMethods: []string{"GET"}, AllowedOrigins: []string{"*"}, ExposeHeaders: []string{"x-*"}}, "wildcard for ExposeHeader"},
		{s3api.CORSRule{AllowedMethods: []string{"GET"}, AllowedOrigins: []string{"*"}, AllowedHeaders: []string{"a b"}}, "invalid character"},
	} {
		err := Check([]s3api.CORSRule{c.rule})
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%+v: %v, want %q", c.rule, err, c.want)
		}
	}
}

// FuzzPreflight: what a rule with wildcards everywhere allows is what was asked, and nothing panics.
func FuzzPreflight(f *testing.F) {
	f.Add("https://a", "GET", "content-type, x-y")
	f.Add("", "", ",")
	f.Fuzz(func(t *testing.T, origin, method, headers string) {
		q, err := Preflight(http.Header{"Origin": {origin}, "Access-Control-Request-Method": {method}, "Access-Control-Request-Headers": {headers}})
		if err != nil {
			return
		}
		h := http.Header{}
		if !Allow([]s3api.CORSRule{rule("GET PUT POST DELETE HEAD", "*", "*")}, q, h) || h.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%+v: %v", q, h)
		}
	})
}
