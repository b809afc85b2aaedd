package payload

import (
	"encoding/json"
	"testing"
)

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
