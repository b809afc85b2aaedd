package policy

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestMalformed(t *testing.T) {
	identity := func(stmt string) string { return `{"Version":"2012-10-17","Statement":` + stmt + `}` }
	ok := `{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}`
	res := func(r string) string { return identity(`{"Effect":"Allow","Action":"s3:Get*","Resource":"` + r + `"}`) }
	trust := func(rest string) string {
		return identity(`{"Effect":"Allow","Action":"sts:AssumeRole",` + rest + `}`)
	}
	for _, c := range []struct {
		kind Kind
		doc  string
		want string // "" for a good document
	}{
		{Managed, identity(ok), ""},
		{Managed, identity("[" + ok + "]"), ""},
		{Managed, `{"Statement":` + ok + `}`, "Policy document must be version 2012-10-17 or greater."},
		{Managed, `{"Version":"2008-10-17","Statement":` + ok + `}`, "Policy document must be version 2012-10-17 or greater."},
		{Inline, `{"Statement":` + ok + `}`, ""},
		{Inline, `{"Version":"2020-01-01","Statement":` + ok + `}`, "The policy must contain a valid version string"},
		{Managed, ``, textSyntax},
		{Managed, `[]`, textSyntax},
		{Managed, `{"Version":"2012-10-17"}`, textSyntax},
		{Managed, identity(`[]`), textSyntax},
		{Managed, identity(ok) + "x", textSyntax},
		{Managed, "\n " + identity(ok), textLeadingSpace},
		{Managed, `{"Version":"2012-10-17","Statement":[],"Extra":1}`, textSyntax},
		{Managed, identity(`{"Effect":"allow","Action":"s3:Get*","Resource":"*"}`), textSyntax},
		{Managed, identity(`{"Action":"s3:Get*","Resource":"*"}`), textSyntax},
		{Managed, identity(`{"Effect":"Allow","Effect":"Deny","Action":"s3:Get*","Resource":"*"}`), textSyntax},
		{Managed, identity(`{"Effect":"Allow","Action":"s3:Get*","NotAction":"s3:Put*","Resource":"*"}`), textSyntax},
		{Managed, identity(`{"Effect":"Allow","Action":7,"Resource":"*"}`), textSyntax},
		{Managed, identity(`{"Effect":"Allow","Resource":"*"}`), "Policy statement must contain actions."},
		{Managed, identity(`{"Effect":"Allow","Action":[],"Resource":"*"}`), "Policy statement must contain actions."},
		{Managed, identity(`{"Effect":"Allow","Action":"s3:Get*"}`), "Policy statement must contain resources."},
		{Managed, identity(`{"Effect":"Allow","Action":"Get","Resource":"*"}`), textVendorPrefix},
		{Managed, identity(`{"Effect":"Allow","Action":"s3:s3:Get","Resource":"*"}`), "Actions/Condition can contain only one colon."},
		{Managed, identity(`{"Effect":"Allow","Action":"a b:Get","Resource":"*"}`), "Vendor a b is not valid"},
		{Managed, identity(`{"Effect":"Allow","Action":"s3*:Get","Resource":"*"}`), "Vendor s3* is not valid"},
		{Managed, identity(`{"Effect":"Allow","Action":"*","Resource":"*","Principal":"*"}`), "Policy document should not specify a principal."},
		{Managed, identity(`{"Sid":"a b","Effect":"Allow","Action":"*","Resource":"*"}`), "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*"},
		{Managed, identity(`[{"Sid":"a","Effect":"Allow","Action":"*","Resource":"*"},{"Sid":"a","Effect":"Allow","Action":"*","Resource":"*"}]`), "Statement IDs (SID) in a single policy must be unique."},
		{Managed, res("bucket"), `Resource bucket must be in ARN format or "*".`},
		{Managed, res("arn:invalid:s3:::b"), `Partition "invalid" is not valid for resource "arn:invalid:s3:::b".`},
		{Managed, res("arn:aws:sqs"), ""},
		{Managed, res("arn:aws"), "Resource vendor must be fully qualified and cannot contain regexes."},
		{Managed, res("arn:aws::::b"), "Resource vendor must be fully qualified and cannot contain regexes."},
		{Managed, res("arn:aws:s*:::b"), "Resource vendor must be fully qualified and cannot contain regexes."},
		{Managed, res("arn:aws:s3:us-east-1::b"), "Resource arn:aws:s3:us-east-1::b can not contain region information."},
		{Managed, res("arn:aws:iam:us-east-1::user/x"), "IAM resource arn:aws:iam:us-east-1::user/x cannot contain region information."},
		{Managed, res("arn:aws:iam::1:thing"), `IAM resource path must either be "*" or start with user/, federated-user/, role/, group/, instance-profile/, mfa/, server-certificate/, policy/, sms-mfa/, saml-provider/, oidc-provider/, report/, access-report/.`},
		{Managed, res("arn:aws:iam::*:user/${aws:username}"), ""},
		{Managed, identity(`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Strange":{"a:b":"c"}}}`), textSyntax},
		{Managed, identity(`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"NullIfExists":{"a:b":"true"}}}`), textSyntax},
		{Managed, identity(`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"a":"c"}}}`), textVendorPrefix},
		{Managed, identity(`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"a:b":{"c":1}}}}`), textSyntax},
		{Managed, identity(`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"DateLessThan":{"aws:CurrentTime":"soon"}}}`), textLegacy},
		{Managed, identity(`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/33"}}}`), textLegacy},
		{Session, `{`, textBadJSON},
		{Trust, `{`, textBadJSON},
		{Trust, trust(`"Principal":{"Service":"lambda.amazonaws.com"}`), ""},
		{Trust, trust(`"Principal":{"AWS":["123456789012","arn:aws:iam::123456789012:role/a/b"]}`), ""},
		{Trust, trust(`"Principal":"*"`), ""},
		{Trust, trust(`"Principal":{"Service":"lambda.amazonaws.com"},"Resource":"*"`), "Has prohibited field Resource"},
		{Trust, trust(`"Condition":{}`), "Missing required field Principal"},
		{Trust, trust(`"Principal":{"AWS":"bob"}`), `Invalid principal in policy: "AWS":"bob"`},
		{Trust, trust(`"Principal":{"AWS":"arn:aws:iam::123456789012:user/*"}`), `Invalid principal in policy: "AWS":"arn:aws:iam::123456789012:user/*"`},
		{Trust, trust(`"Principal":{"Service":"lambda"}`), `Invalid principal in policy: "SERVICE":"lambda"`},
		{Trust, trust(`"Principal":{"Federated":"x"}`), "Federated principals must be valid domain names or SAML metadata ARNs"},
		{Trust, trust(`"principal":"*"`), "Unknown field principal"},
		{Trust, identity(`{"Effect":"Allow","Action":"s3:Get*","Principal":"*"}`), "AssumeRole policy may only specify STS AssumeRole actions."},
		{Trust, identity(`{"Effect":"Allow","Action":"*","Principal":"*"}`), "AssumeRole policy may only specify STS AssumeRole actions."},
		{Trust, identity(`{"Effect":"Allow","Action":["sts:AssumeRole","sts:TagSession"],"Principal":"*"}`), ""},
		{Trust, identity(`{"Effect":"Allow","Principal":"*"}`), "Missing required field Action"},
		{Resource, identity(`{"Effect":"Allow","Action":"s3:GetObject","Principal":"*","Resource":"arn:aws:s3:::b/*"}`), ""},
		{Resource, identity(`{"Effect":"Allow","Action":"s3:GetObject","Principal":"*","Condition":{"StringIs":{"a:b":"c"}}}`), "Invalid Condition type : StringIs"},
		{Resource, identity(`{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}`), "Missing required field Principal"},
		{Resource, identity(`{"Effect":"Allow","Action":"s3:GetObject","Resource":"*","Principal":{"AWS":"arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1"}}`), ""},
	} {
		_, err := Parse(c.kind, c.doc)
		got := ""
		if err != nil {
			got = err.Error()
			if m := (*Malformed)(nil); !errors.As(err, &m) {
				t.Errorf("%s: error of type %T", c.doc, err)
			}
		}
		if got != c.want {
			t.Errorf("%s\n got %q\nwant %q", c.doc, got, c.want)
		}
	}
}

func TestSize(t *testing.T) {
	if got := Size("{ \"a\":\t\"b c\"\n}"); got != len(`{"a":"bc"}`) {
		t.Error(got)
	}
}

func TestContextKeys(t *testing.T) {
	d, err := Parse(Inline, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*",
		"Resource":"arn:aws:s3:::b/${aws:username}/*","Condition":{"StringLike":{"s3:prefix":["${aws:PrincipalTag/team}/*"]},
		"Bool":{"AWS:SecureTransport":"true","aws:securetransport":"true"}}}}`)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"aws:username", "s3:prefix", "aws:PrincipalTag/team", "AWS:SecureTransport"}
	if got := d.ContextKeys(); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestParseTime(t *testing.T) {
	for in, want := range map[string]time.Time{
		"2024-05-06T07:08:09Z":      time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC),
		"2024-05-06T07:08:09.5Z":    time.Date(2024, 5, 6, 7, 8, 9, 5e8, time.UTC),
		"2024-05-06T07:08:09+02:00": time.Date(2024, 5, 6, 5, 8, 9, 0, time.UTC),
		"2024-05-06T07:08Z":         time.Date(2024, 5, 6, 7, 8, 0, 0, time.UTC),
		"2024-05-06":                time.Date(2024, 5, 6, 0, 0, 0, 0, time.UTC),
		"2024":                      time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC),
		"1700000000":                time.Unix(1700000000, 0),
	} {
		if got, ok := parseTime(in); !ok || !got.Equal(want) {
			t.Errorf("%s: %v %v", in, got, ok)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/${aws:username}/*","Condition":{"StringLike":{"s3:prefix":"${aws:PrincipalTag/t, 'x'}*"}}}}`)
	f.Add(`{"Statement":[{"Effect":"Deny","NotAction":["*"],"NotPrincipal":{"AWS":"123456789012"},"NotResource":["arn:aws:sqs"]}]}`)
	f.Add(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":["a.amazonaws.com"]},"Action":"sts:AssumeRole","Condition":{"ForAllValues:ArnLike":{"aws:SourceArn":["arn:aws:*"]},"NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"}}}]}`)
	f.Fuzz(func(t *testing.T, doc string) {
		for _, k := range []Kind{Managed, Inline, Session, Trust, Resource} {
			d, err := Parse(k, doc)
			if err != nil {
				if err.Error() == "" {
					t.Error("an error without a text")
				}
				continue
			}
			r := &Request{Identity: who(t, "role:r/s"), Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k"}
			p := &Policies{Identity: []*Document{d}}
			if k >= Trust {
				p = &Policies{Resource: d}
			}
			Evaluate(p, r)
			d.ContextKeys()
		}
	})
}

// FuzzGlob compares the matcher with the plain recursive definition.
func FuzzGlob(f *testing.F) {
	f.Add("a*b?c", "axxbyc")
	f.Add("**?", "é")
	f.Fuzz(func(t *testing.T, p, s string) {
		if len(p) > 12 || len(s) > 20 {
			return
		}
		g := compileGlob(p, true, false)
		if got, want := g.match(s, nil), slowMatch([]rune(strings.ToValidUTF8(p, "x")), []rune(strings.ToValidUTF8(s, "x"))); got != want && isValid(p, s) {
			t.Errorf("%q against %q: %v", p, s, got)
		}
	})
}

func isValid(ss ...string) bool {
	for _, s := range ss {
		if strings.ToValidUTF8(s, "") != s {
			return false
		}
	}
	return true
}

func slowMatch(p, s []rune) bool {
	if len(p) == 0 {
		return len(s) == 0
	}
	if p[0] == '*' {
		for i := 0; i <= len(s); i++ {
			if slowMatch(p[1:], s[i:]) {
				return true
			}
		}
		return false
	}
	return len(s) > 0 && (p[0] == '?' || p[0] == s[0]) && slowMatch(p[1:], s[1:])
}
