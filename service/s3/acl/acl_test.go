package acl

import (
	"strings"
	"testing"

	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/policy"
)

var me, you = strings.Repeat("a", 64), strings.Repeat("b", 64)

func TestGrants(t *testing.T) {
	owners := Owners{Resource: me, Bucket: you}
	for _, c := range []struct {
		name  string
		given Given
		want  string
	}{
		{"nothing", Given{}, "a:FULL_CONTROL"},
		{"public-read", Given{Canned: "public-read"}, "a:FULL_CONTROL AllUsers:READ"},
		{"bucket-owner-read", Given{Canned: "bucket-owner-read"}, "a:FULL_CONTROL b:READ"},
		{"headers", Given{Read: new(`id="` + you + `", uri="` + Everybody + `"`), WriteACP: new("id=" + me)}, "b:READ AllUsers:READ a:WRITE_ACP"},
		{"unknown", Given{Canned: "everybody"}, "InvalidArgument"},
		{"both", Given{Canned: "private", Read: new("id=" + me)}, "InvalidRequest"},
		{"email", Given{Read: new(`emailAddress="a@b"`)}, "MethodNotAllowed"},
		{"no id", Given{Read: new(`id="x"`)}, "InvalidArgument"},
		{"no group", Given{Read: new(`uri="http://x"`)}, "InvalidArgument"},
		{"no pair", Given{Read: new("x")}, "InvalidArgument"},
		{"body", Given{Policy: &s3api.AccessControlPolicy{Owner: &s3api.Owner{ID: &me}, Grants: []s3api.Grant{{Permission: s3api.PermissionRead,
			Grantee: &s3api.Grantee{Type: s3api.TypeGroup, URI: new(Authenticated)}}}}}, "AuthenticatedUsers:READ"},
		{"other owner", Given{Policy: &s3api.AccessControlPolicy{Owner: &s3api.Owner{ID: &you}}}, "AccessDenied"},
		{"no owner", Given{Policy: &s3api.AccessControlPolicy{}}, "MalformedACLError"},
	} {
		grants, err := c.given.Grants(owners, true)
		got := ""
		for _, g := range grants {
			got += " " + g.ID[:min(1, len(g.ID))] + g.Group[strings.LastIndexByte(g.Group, '/')+1:] + ":" + g.Permission
		}
		if err != nil {
			got = err.Error()
		}
		if got = strings.TrimSpace(got); got != c.want && (err == nil || !strings.HasPrefix(got, c.want)) {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// TestPolicy: what grants allow is a policy that the policy language takes, with the statements that were there before.
func TestPolicy(t *testing.T) {
	const before = `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::b/*"}}`
	grants := []Grant{{ID: me, Permission: "FULL_CONTROL"}, {ID: you, Permission: "READ"}, {Group: Everybody, Permission: "READ"}, {Group: Authenticated, Permission: "READ_ACP"}}
	for _, c := range []struct {
		public     bool
		statements int
	}{{true, 4}, {false, 2}} {
		doc, err := Policy(before, grants, "arn:aws:s3:::b/k", true, c.public, Asker{Account: "111122223333", ID: me})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := policy.Parse(policy.Resource, doc); err != nil || strings.Count(doc, `"Effect"`) != c.statements {
			t.Errorf("%v: %s", err, doc)
		}
	}
	if doc, err := Policy(before, grants[1:2], "arn:aws:s3:::b/k", true, true, Asker{Account: "111122223333", ID: me}); doc != before || err != nil {
		t.Errorf("%s %v", doc, err)
	}
}
