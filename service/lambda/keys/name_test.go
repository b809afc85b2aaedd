package keys

import (
	"strings"
	"testing"

	"github.com/brume-dev/brume/aws"
)

var someone = aws.Identity{Account: "000000000000", Region: "us-east-1"}

func TestFind(t *testing.T) {
	seven := "7"
	for _, c := range []struct {
		name      string
		qualifier *string
		want      string // ARN, or the error's code
	}{
		{"f", nil, "function:f"}, {"f:live", nil, "function:f:live"}, {"f:$LATEST", nil, "function:f:$LATEST"}, {"f", &seven, "function:f:7"},
		{"function:f", nil, "function:f"}, {"000000000000:function:f:1", nil, "function:f:1"},
		{"us-east-1:000000000000:function:f", nil, "function:f"},
		{"arn:aws:lambda:us-east-1:000000000000:function:f:7", &seven, "function:f:7"},
		{"f:8", &seven, "InvalidParameterValueException"}, {"f f", nil, "ValidationException"}, {"", nil, "ValidationException"},
		{strings.Repeat("f", 65), nil, "ValidationException"},
		{"arn:aws:lambda:eu-west-1:000000000000:function:f", nil, "ResourceNotFoundException"},
	} {
		p, err := Find(someone, c.name, c.qualifier)
		got := strings.TrimPrefix(p.ARN(), "arn:aws:lambda:us-east-1:000000000000:")
		if err != nil {
			got = aws.CodeOf(err)
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	other, err := Find(someone, "111111111111:function:f", nil)
	if err != nil || other.Account != "111111111111" {
		t.Errorf("another account's: %+v %v", other, err)
	}
}

func FuzzFind(f *testing.F) {
	f.Add("arn:aws:lambda:us-east-1:000000000000:function:f:7")
	f.Fuzz(func(t *testing.T, name string) {
		p, err := Find(someone, name, nil)
		if err != nil {
			return
		}
		again, err := Find(someone, p.ARN(), nil)
		if err != nil || again.ARN() != p.ARN() {
			t.Errorf("%q is %s, which is %s, %v", name, p.ARN(), again.ARN(), err)
		}
	})
}
