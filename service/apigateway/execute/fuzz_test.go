package execute

import (
	"net/http"
	"strings"
	"testing"
)

func FuzzParseURI(f *testing.F) {
	for _, s := range []string{"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:1:function:f/invocations",
		"arn:aws:apigateway:us-east-1:dynamodb:action/GetItem", "arn:aws:apigateway:us-east-1:b.s3:path/k", "arn:aws:apigateway::x:", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u, err := ParseURI(s)
		if err != nil {
			return
		}
		if u.Service == "" && u.Subdomain == "" || u.Action && u.What == "" {
			t.Errorf("%q gave %+v", s, u)
		}
	})
}

func FuzzSubstitute(f *testing.F) {
	f.Add("http://${stageVariables.h}/{a}/{b+}?x={", "v")
	f.Fuzz(func(t *testing.T, s, v string) {
		same := func(s string) string { return s }
		got := substitute(s, map[string]string{"h": v}, map[string]string{"a": v, "b": v}, same)
		if !strings.ContainsAny(s, "${") && got != s {
			t.Errorf("%q became %q", s, got)
		}
	})
}

func FuzzMapping(f *testing.F) {
	for _, s := range []string{"'x'", "context.requestId", "stageVariables.a", "method.request.body.a[0].b", "method.request.header.X", "integration.response.body", "method.request.body.$..a"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, from string) {
		c := &call{header: http.Header{"X": {"1"}}, body: []byte(`{"a":[{"b":1}]}`), stage: nowhere("a", "s"), program: &program{}, plane: &Plane{}}
		if strings.HasPrefix(from, "context.response") {
			return // asks the time
		}
		values := c.resolve(from)
		if text, ok := static(from); ok && (len(values) != 1 || values[0] != text || CheckGatewayMapping(from) != nil) {
			t.Errorf("%q has values %q", from, values)
		}
		if err := CheckRequestMapping("integration.request.header.X", from); err == nil && strings.HasPrefix(from, "integration.") {
			t.Errorf("%q was taken for a request", from)
		}
		if err := CheckResponseMapping("method.response.header.X", from); err == nil && strings.HasPrefix(from, "method.") {
			t.Errorf("%q was taken for a response", from)
		}
	})
}

func FuzzAccessLog(f *testing.F) {
	f.Add(`{"a":"$context.requestId","b":$context.status} $context.identity.sourceIp`)
	f.Add("$context.requestId,$context.path,$context.nope.x.y $context.")
	f.Fuzz(func(t *testing.T, format string) {
		c := &call{header: http.Header{}, stage: nowhere("api", "dev"), program: &program{}, plane: &Plane{}}
		if strings.Contains(format, "Latency") {
			return // asks the time
		}
		a := newAccessLog("arn:aws:logs:r:1:log-group:g", format)
		line := a.line(c)
		if !strings.Contains(format, "$context") && line != strings.TrimRight(format, "\n") {
			t.Errorf("%q became %q", format, line)
		}
	})
}

func FuzzRoute(f *testing.F) {
	f.Add("/a/b%2Fc/../x")
	f.Add("//a//")
	f.Fuzz(func(t *testing.T, path string) {
		root := &node{}
		all := map[string]*method{"ANY": {}}
		for _, p := range []string{"/", "/a", "/a/{b}", "/a/{b}/c", "/{proxy+}"} {
			n := root.add(p)
			n.path, n.methods = p, all
		}
		if n, _ := root.find(path, "GET"); n == nil && strings.Trim(path, "/") != "" {
			// {proxy+} takes everything that has a segment
			t.Errorf("%q leads nowhere", path)
		}
	})
}

func FuzzExpandPolicy(f *testing.F) {
	f.Add(`{"Statement":[{"Resource":"execute-api:/*"},{"Resource":["execute-api:/a","x"]}]}`)
	f.Add(`{"Statement":{"Resource":"execute-api:/*"}}`)
	f.Fuzz(func(t *testing.T, s string) {
		if !strings.Contains(s, "execute-api:") && ExpandPolicy(s, "p/") != s {
			t.Errorf("%q was changed", s)
		}
	})
}

func TestEscapeJavaScript(t *testing.T) {
	if got, want := escapeJavaScript("a'b\"c\\d/é\n\U0001F600"), `a\'b\"c\\d\/\u00E9\n\uD83D\uDE00`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
