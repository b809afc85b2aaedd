package aws

import "testing"

func TestParseARN(t *testing.T) {
	for _, c := range []struct {
		in         string
		kind, name string
		ok         bool
	}{
		{"arn:aws:lambda:us-east-1:000000000000:function:f:1", "function", "f:1", true},
		{"arn:aws:dynamodb:us-east-1:000000000000:table/t/index/i", "table", "t/index/i", true},
		{"arn:aws:s3:::bucket", "", "bucket", true},
		{"arn:aws:sqs:us-east-1:1:", "", "", false},
		{"aws:sqs", "", "", false},
		{"", "", "", false},
	} {
		a, err := ParseARN(c.in)
		if (err == nil) != c.ok {
			t.Errorf("%q: err %v", c.in, err)
			continue
		}
		if !c.ok {
			continue
		}
		if a.String() != c.in {
			t.Errorf("%q: came back as %q", c.in, a.String())
		}
		if k, n := a.Split(); k != c.kind || n != c.name {
			t.Errorf("%q: split into %q %q", c.in, k, n)
		}
	}
}

func FuzzParseARN(f *testing.F) {
	f.Add("arn:aws:sqs:us-east-1:0:q")
	f.Fuzz(func(t *testing.T, s string) {
		if a, err := ParseARN(s); err == nil && a.String() != s {
			t.Errorf("%q came back as %q", s, a.String())
		}
	})
}
