package ssm

import (
	"strings"
	"testing"

	"github.com/brume-dev/brume/aws"
)

func FuzzRefer(f *testing.F) {
	for _, s := range []string{"a", "/a/b:3", "/a:label", "arn:aws:ssm:r:1:parameter/a:1", "arn:aws:ssm:r:1:parameter/a/b", ":", "a:", " a "} {
		f.Add(s)
	}
	id := aws.Identity{Account: "1", Region: "r"}
	f.Fuzz(func(t *testing.T, s string) {
		ref, err := refer(id, s)
		if err != nil {
			if _, ok := err.(aws.Error); !ok {
				t.Errorf("%q: %v is no error for a client", s, err)
			}
			return
		}
		if len(ref.names) == 0 {
			t.Errorf("%q: no name", s)
		}
		for _, name := range ref.names {
			if !nameForm.MatchString(name) || strings.Contains(name, ":") {
				t.Errorf("%q: the name %q", s, name)
			}
			again, err := refer(id, parameterARN("1", "r", name))
			if err != nil || again.names[0] != name && again.names[len(again.names)-1] != name {
				t.Errorf("%q: its ARN refers to %v, %v", name, again.names, err)
			}
		}
	})
}

func FuzzPolicies(f *testing.F) {
	f.Add(`[{}]`)
	f.Add(`[{"Type":"Expiration","Version":"1.0","Attributes":{"Timestamp":"2026-11-02T12:00:00.000Z"}}]`)
	f.Add(`[{"Type":"NoChangeNotification","Version":"1.0","Attributes":{"After":"20","Unit":"Days"}}]`)
	f.Fuzz(func(t *testing.T, s string) {
		c, err := changePolicies(&s)
		if err != nil {
			if _, ok := err.(aws.Error); !ok {
				t.Errorf("%q: %v is no error for a client", s, err)
			}
			return
		}
		for _, p := range c.policies {
			if (p.Type == expiration) != !p.Expires.IsZero() && p.Expires.Year() != 1 {
				t.Errorf("%q: %+v", s, p)
			}
		}
	})
}
