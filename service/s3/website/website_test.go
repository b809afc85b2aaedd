package website

import (
	"strings"
	"testing"

	"github.com/brume-dev/brume/api/s3api"
)

func TestCheck(t *testing.T) {
	index := &s3api.IndexDocument{Suffix: "index.html"}
	to := func(r s3api.Redirect, c *s3api.Condition) []s3api.RoutingRule {
		return []s3api.RoutingRule{{Condition: c, Redirect: &r}}
	}
	for _, c := range []struct {
		conf s3api.WebsiteConfiguration
		want string
	}{
		{s3api.WebsiteConfiguration{IndexDocument: index}, ""},
		{s3api.WebsiteConfiguration{RedirectAllRequestsTo: &s3api.RedirectAllRequestsTo{HostName: "x"}}, ""},
		{s3api.WebsiteConfiguration{}, "must be provided if RedirectAllRequestsTo is empty"},
		{s3api.WebsiteConfiguration{IndexDocument: &s3api.IndexDocument{Suffix: "a/b"}}, "IndexDocument Suffix is not well formed"},
		{s3api.WebsiteConfiguration{IndexDocument: index, RedirectAllRequestsTo: &s3api.RedirectAllRequestsTo{HostName: "x"}}, "in conjunction"},
		{s3api.WebsiteConfiguration{IndexDocument: index, RoutingRules: to(s3api.Redirect{ReplaceKeyWith: new("a"), ReplaceKeyPrefixWith: new("b")}, nil)}, "but not both"},
		{s3api.WebsiteConfiguration{IndexDocument: index, RoutingRules: to(s3api.Redirect{HttpRedirectCode: new("200")}, nil)}, "redirect code (200)"},
		{s3api.WebsiteConfiguration{IndexDocument: index, RoutingRules: to(s3api.Redirect{HostName: new("x")}, &s3api.Condition{HttpErrorCodeReturnedEquals: new("302")})}, "error code (302)"},
	} {
		err := Check(&c.conf)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%+v: %v, want %q", c.conf, err, c.want)
		}
	}
}

func TestRedirect(t *testing.T) {
	c := &s3api.WebsiteConfiguration{RoutingRules: []s3api.RoutingRule{
		{Condition: &s3api.Condition{KeyPrefixEquals: new("docs/")}, Redirect: &s3api.Redirect{ReplaceKeyPrefixWith: new("documents/"), HttpRedirectCode: new("302")}},
		{Condition: &s3api.Condition{HttpErrorCodeReturnedEquals: new("404")}, Redirect: &s3api.Redirect{HostName: new("other"), Protocol: s3api.ProtocolHttps, ReplaceKeyWith: new("lost")}},
	}}
	from := Origin{Scheme: "http", Host: "h", Path: "/x"}
	for _, r := range []struct {
		key    string
		status int
		want   string
		code   int
	}{{"docs/a", 0, "http://h/documents/a", 302}, {"x", 0, "", 0}, {"x", 404, "https://other/lost", 301}, {"x", 403, "", 0}} {
		if got, code, _ := Redirect(c, from, r.key, r.status); got != r.want || code != r.code {
			t.Errorf("%s %d: %s %d", r.key, r.status, got, code)
		}
	}
}
