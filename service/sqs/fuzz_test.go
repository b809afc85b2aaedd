package sqs

import (
	"testing"

	"github.com/brume-dev/brume/aws"
)

func TestParseURL(t *testing.T) {
	for u, want := range map[string]place{
		"http://localhost:4566/000000000000/q":                           {"000000000000", "", "q"},
		"https://sqs.us-east-1.amazonaws.com/000000000000/q.fifo":        {"000000000000", "us-east-1", "q.fifo"},
		"https://queue.amazonaws.com/000000000000/q":                     {"000000000000", "", "q"},
		"https://eu-central-1.queue.amazonaws.com/000000000000/q":        {"000000000000", "eu-central-1", "q"},
		"http://sqs.eu-west-1.localhost.localstack.cloud/000000000000/q": {"000000000000", "eu-west-1", "q"},
		"http://localhost:4566/queue/us-gov-east-1/000000000000/q":       {"000000000000", "us-gov-east-1", "q"},
		"http://127.0.0.1:4566/000000000000/q/":                          {"000000000000", "", "q"},
	} {
		if p, ok := parseURL(u); !ok || p != want {
			t.Errorf("%s: %+v %v", u, p, ok)
		}
	}
	for _, u := range []string{"", "q", "http://", "http://h", "http://h/q", "http:///000000000000/q", "http://h/00000000000/q", "http://h/a/000000000000/q",
		"arn:aws:sqs:us-east-1:000000000000:q", "http://h/000000000000/", "http://h/000000000000"} {
		if p, ok := parseURL(u); ok {
			t.Errorf("%q is %+v", u, p)
		}
	}
}

func FuzzParseURL(f *testing.F) {
	f.Add("http://localhost:4566/queue/us-east-1/000000000000/q")
	f.Fuzz(func(t *testing.T, u string) {
		p, ok := parseURL(u)
		if !ok {
			return
		}
		again, ok := parseURL(p.url("http://h"))
		if again.region = p.region; !ok && len(p.name) > 0 && validName(p.name) || ok && again != p {
			t.Errorf("%q is %+v, which comes back as %+v", u, p, again)
		}
	})
}

func FuzzRedrive(f *testing.F) {
	f.Add(`{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:q","maxReceiveCount":"3"}`)
	f.Add(`{"redrivePermission":"byQueue","sourceQueueArns":["arn:aws:sqs:us-east-1:000000000000:q"]}`)
	f.Fuzz(func(t *testing.T, text string) {
		if r, err := parseRedrive(text); err == nil && r != nil {
			if again, err := parseRedrive(r.String()); err != nil || *again != *r {
				t.Errorf("%q came back as %v (%v)", text, again, err)
			}
		} else if err != nil && aws.CodeOf(err) != "InvalidParameterValue" {
			t.Errorf("%q: %v", text, err)
		}
		if a, err := parseAllow(text); err == nil && a != nil {
			if again, err := parseAllow(a.String()); err != nil || again.String() != a.String() {
				t.Errorf("%q came back as %v (%v)", text, again, err)
			}
		}
	})
}

func FuzzHandle(f *testing.F) {
	f.Add(handle{ID: "x", ARN: "arn:aws:sqs:us-east-1:000000000000:q"}.String())
	f.Fuzz(func(t *testing.T, text string) {
		if h, ok := parseHandle(text); ok {
			if again, ok := parseHandle(h.String()); !ok || again != h {
				t.Errorf("%q came back as %+v", text, again)
			}
		}
	})
}

func TestIsNumber(t *testing.T) {
	for s, want := range map[string]bool{"1": true, "-1.5": true, "+.5e10": true, "1.": true, "1e": false, "": false, ".": false, "1e+": false, "x": false, "1 ": false, "1e-7": true} {
		if isNumber(s) != want {
			t.Errorf("%q", s)
		}
	}
}
