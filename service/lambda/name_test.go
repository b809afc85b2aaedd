package lambda

import (
	"encoding/json"
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
		p, err := find(someone, c.name, c.qualifier)
		got := strings.TrimPrefix(p.space.arn(p.name, p.qualifier), "arn:aws:lambda:us-east-1:000000000000:")
		if err != nil {
			got = aws.CodeOf(err)
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	other, err := find(someone, "111111111111:function:f", nil)
	if err != nil || other.account != "111111111111" {
		t.Errorf("another account's: %+v %v", other, err)
	}
}

func FuzzFind(f *testing.F) {
	f.Add("arn:aws:lambda:us-east-1:000000000000:function:f:7")
	f.Fuzz(func(t *testing.T, name string) {
		p, err := find(someone, name, nil)
		if err != nil {
			return
		}
		again, err := find(someone, p.arn(), nil)
		if err != nil || again.arn() != p.arn() {
			t.Errorf("%q is %s, which is %s, %v", name, p.arn(), again.arn(), err)
		}
	})
}

func TestJSONProblem(t *testing.T) {
	const where = "\n at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: "
	for text, want := range map[string]string{
		"nope":          "Unrecognized token 'nope': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')" + where + "1, column: 5]",
		"{\n \"a\": b}": "Unrecognized token 'b': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')" + where + "2, column: 8]",
		"{":             "Unexpected end-of-input" + where + "1, column: 2]",
		"[1,]":          "Unexpected character (']' (code 93))" + where + "1, column: 5]",
	} {
		if got := jsonProblem([]byte(text)); got != want {
			t.Errorf("%q: %s\nwant %s", text, got, want)
		}
	}
}

func FuzzJSONProblem(f *testing.F) {
	f.Add([]byte("{nope"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 0 && !json.Valid(b) && jsonProblem(b) == "" {
			t.Errorf("%q: nothing is said", b)
		}
	})
}
