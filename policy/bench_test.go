package policy

import (
	"testing"
	"time"
)

func BenchmarkEvaluate(b *testing.B) {
	parse := func(k Kind, s string) *Document {
		d, err := Parse(k, s)
		if err != nil {
			b.Fatal(err)
		}
		return d
	}
	t := &testing.T{}
	admin := &Policies{Identity: []*Document{parse(Managed, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`)}}
	small := &Policies{Identity: []*Document{
		parse(Managed, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["logs:CreateLogGroup","logs:CreateLogStream","logs:PutLogEvents"],"Resource":"*"}}`),
		parse(Inline, `{"Version":"2012-10-17","Statement":[
			{"Effect":"Allow","Action":["dynamodb:GetItem","dynamodb:PutItem"],"Resource":["arn:aws:dynamodb:us-east-1:111122223333:table/jobs","arn:aws:dynamodb:us-east-1:111122223333:table/jobs/index/*"]},
			{"Effect":"Deny","Action":"dynamodb:*","Resource":"*","Condition":{"StringNotEquals":{"aws:RequestedRegion":["us-east-1","eu-west-1"]}}},
			{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/${aws:PrincipalTag/team}/*","Condition":{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}}]}`)}}
	for _, c := range []struct {
		name string
		p    *Policies
		r    *Request
	}{
		{"admin", admin, &Request{Identity: who(t, "user:bob"), Action: "dynamodb:PutItem", Resource: "arn:aws:dynamodb:us-east-1:111122223333:table/jobs"}},
		{"role", small, &Request{Identity: who(t, "role:r/s"), Action: "dynamodb:PutItem", Resource: "arn:aws:dynamodb:us-east-1:111122223333:table/jobs"}},
		{"variables", small, &Request{Identity: who(t, "role:r/s"), Action: "s3:GetObject", Resource: "arn:aws:s3:::b/red/k"}},
	} {
		b.Run(c.name, func(b *testing.B) {
			c.r.Now = time.Now()
			c.r.Identity.Tags = map[string]string{"team": "red"}
			b.ReportAllocs()
			for b.Loop() {
				if !Evaluate(c.p, c.r).Allowed {
					b.Fatal("denied")
				}
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	const doc = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["dynamodb:GetItem","dynamodb:PutItem"],"Resource":["arn:aws:dynamodb:us-east-1:111122223333:table/jobs"]},{"Effect":"Deny","Action":"s3:*","Resource":"*","Condition":{"StringLike":{"s3:prefix":"a*"}}}]}`
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(Inline, doc); err != nil {
			b.Fatal(err)
		}
	}
}
