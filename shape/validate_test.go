package shape

import (
	"strings"
	"testing"

	"github.com/brume-dev/brume/aws"
)

const whole = `"Name":"abcd","Color":"RED"`

func TestValidateTexts(t *testing.T) {
	for _, c := range []struct{ name, doc, want string }{
		{"valid", `{` + whole + `}`, ""},
		{"missing", `{}`, "2 validation errors detected: " +
			"Value null at 'name' failed to satisfy constraint: Member must not be null; " +
			"Value null at 'color' failed to satisfy constraint: Member must not be null"},
		{"empty is not missing", `{"Name":"","Color":""}`, "3 validation errors detected: " +
			"Value '' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-z]+; " +
			"Value '' at 'name' failed to satisfy constraint: Member must have length greater than or equal to 3; " +
			"Value '' at 'color' failed to satisfy constraint: Member must satisfy enum value set: [RED, GREEN]"},
		{"length in code points", `{` + whole + `,"KMSKey":"ééééé"}`, "1 validation error detected: " +
			"Value 'ééééé' at 'kMSKey' failed to satisfy constraint: Member must have length less than or equal to 4"},
		{"just long enough", `{` + whole + `,"KMSKey":"éééé"}`, ""},
		{"enum elements", `{` + whole + `,"Colors":["RED","BLUE"]}`, "1 validation error detected: " +
			"Value '[RED, BLUE]' at 'colors' failed to satisfy constraint: Member must satisfy constraint: [Member must satisfy enum value set: [RED, GREEN]]"},
		{"nested", `{` + whole + `,"Leaf":{"Count":0},"Leaves":[{"Id":"a","Count":1,"Ratio":0},{"Id":"abcd","Count":11}]}`,
			"6 validation errors detected: " +
				"Value null at 'leaf.id' failed to satisfy constraint: Member must not be null; " +
				"Value '0' at 'leaf.count' failed to satisfy constraint: Member must have value greater than or equal to 1; " +
				"Value null at 'leaf.ratio' failed to satisfy constraint: Member must not be null; " +
				"Value 'abcd' at 'leaves.2.member.id' failed to satisfy constraint: Member must have length less than or equal to 3; " +
				"Value '11' at 'leaves.2.member.count' failed to satisfy constraint: Member must have value less than or equal to 10; " +
				"Value null at 'leaves.2.member.ratio' failed to satisfy constraint: Member must not be null"},
		{"list too long", `{` + whole + `,"Leaves":[{"Id":"a","Count":1,"Ratio":1},{"Id":"b","Count":1,"Ratio":1},{"Id":"c","Count":1,"Ratio":1,"Flag":true}]}`,
			"1 validation error detected: Value '[leaf(id=a, count=1, ratio=1, flag=null), leaf(id=b, count=1, ratio=1, flag=null), leaf(id=c, count=1, ratio=1, flag=true)]' " +
				"at 'leaves' failed to satisfy constraint: Member must have length less than or equal to 2"},
		{"map keys and values", `{` + whole + `,"Tags":{"B":"x","c":"long"}}`, "2 validation errors detected: " +
			"Value '{B=x, c=long}' at 'tags' failed to satisfy constraint: Map keys must satisfy constraint: " +
			"[Member must have length less than or equal to 4, Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: [a-z]+]; " +
			"Value '{B=x, c=long}' at 'tags' failed to satisfy constraint: Map value must satisfy constraint: [Member must have length less than or equal to 3]"},
		{"sensitive", `{` + whole + `,"Secret":"short"}`, "1 validation error detected: " +
			"Value at 'secret' failed to satisfy constraint: Member must have length greater than or equal to 8"},
		{"below a map", `{` + whole + `,"ByName":{"k":[{"Count":1,"Ratio":1}]}}`, "1 validation error detected: " +
			"Value null at 'byName.k.member.1.member.id' failed to satisfy constraint: Member must not be null"},
		{"null element", `{` + whole + `,"Strings":["a",null]}`, "1 validation error detected: " +
			"Value null at 'strings.2.member' failed to satisfy constraint: Member must not be null"},
		{"pattern as AWS spells it", `{` + whole + `,"Strings":["b"]}`, "1 validation error detected: Value '[b]' at 'strings' failed to satisfy constraint: " +
			"Member must satisfy constraint: [Member must have length less than or equal to 2, Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: \\u0061+]"},
		{"blob", `{` + whole + `,"Blob":"AAAA"}`, "1 validation error detected: " +
			"Value 'java.nio.HeapByteBuffer[pos=0 lim=3 cap=3]' at 'blob' failed to satisfy constraint: Member must have length less than or equal to 2"},
		{"child", `{` + whole + `,"Children":[{"Name":"abcdefghi","Color":"GREEN"}]}`, "1 validation error detected: " +
			"Value 'abcdefghi' at 'children.1.member.name' failed to satisfy constraint: Member must have length less than or equal to 8"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var in tree
			notes, err := DecodeJSON([]byte(c.doc), &in)
			if err != nil {
				t.Fatal(err)
			}
			err = Validate(&in, notes, StyleOf("kms"))
			if c.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			info := aws.InfoOf(err)
			if info.Code != "ValidationException" || info.Status != 400 || info.Message != c.want {
				t.Errorf("%s %d\n got %s\nwant %s", info.Code, info.Status, info.Message, c.want)
			}
		})
	}
}

func TestStyles(t *testing.T) {
	for _, c := range []struct{ service, doc, code, message string }{
		{"iam", `{"Name":"abc"}`, "ValidationError", "1 validation error detected: Value null at 'color' failed to satisfy constraint: Member must not be null"},
		{"logs", `{"Name":"abc"}`, "InvalidParameterException", "1 validation error detected: Value null at 'color' failed to satisfy constraint: Member must not be null"},
		{"ecr", `{"Name":"ab","Color":"RED"}`, "InvalidParameterException", "Invalid parameter at 'name' failed to satisfy constraint: 'Member must have length greater than or equal to 3'"},
		{"sns", `{"Name":"abc"}`, "InvalidParameter", "Invalid parameter: Color Reason: no value for required parameter"},
		{"sqs", `{"Color":"RED"}`, "MissingParameter", "The request must contain the parameter Name."},
		{"s3", `{}`, "", ""},
	} {
		var in tree
		notes, err := DecodeJSON([]byte(c.doc), &in)
		if err != nil {
			t.Fatal(err)
		}
		err = Validate(&in, notes, StyleOf(c.service))
		if c.code == "" {
			if err != nil {
				t.Errorf("%s: %v", c.service, err)
			}
			continue
		}
		if i := aws.InfoOf(err); i.Code != c.code || i.Message != c.message {
			t.Errorf("%s: %s: %s", c.service, i.Code, i.Message)
		}
	}
}

func TestInputsBuiltInGoNeedNoNotes(t *testing.T) {
	in := &tree{Name: "abc", Color: "RED", Leaf: &leaf{ID: "x", Count: 1}}
	if err := Validate(in, nil, StyleOf("kms")); err != nil {
		t.Error(err)
	}
}

// TestManyFindings checks that the work is linear in the input, however much is wrong with it.
func TestManyFindings(t *testing.T) {
	doc := []byte(`{"Strings":[` + strings.Repeat("null,", 200_000) + `null],"Leaves":[` + strings.Repeat("{},", 50_000) + `{}]}`)
	var in tree
	notes, err := DecodeJSON(doc, &in)
	if err != nil || len(notes) != maxNotes {
		t.Fatal(len(notes), err)
	}
	if err := Validate(&in, notes, StyleOf("kms")); err == nil {
		t.Error("valid")
	}
}
