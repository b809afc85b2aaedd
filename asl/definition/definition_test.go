package definition

import (
	"reflect"
	"slices"
	"testing"

	"github.com/brume-dev/brume/jsondoc"
)

func TestReferences(t *testing.T) {
	for text, want := range map[string]map[string][]string{
		`{"StartAt":"A","States":{"A":{"Type":"Pass","Assign":{"x":1,"y.$":"$.y"},"Next":"B"},
		  "B":{"Type":"Choice","Choices":[{"Variable":"$x","NumericEqualsPath":"$y.n[0]","Next":"C"}],"Default":"C"},
		  "C":{"Type":"Pass","Parameters":{"a.$":"States.Format('$y {}', $x)","b":"$y","c.$":"$$.State.Name","d":[{"e.$":"$.x"}]},"End":true}}}`: {"B": {"x", "y"}, "C": {"x"}},
		`{"QueryLanguage":"JSONata","StartAt":"A","States":{"A":{"Type":"Pass","Assign":{"x":"{% $states.input %}","sum":0},"Next":"M"},
		  "M":{"Type":"Map","Items":"{% $x.list %}","ItemProcessor":{"StartAt":"N","States":{"N":{"Type":"Pass","Output":"{% $sum([1]) + $x /* $sum */ & '$x' %}","Assign":{"n":"{% $$.x %}"},"End":true}}},"Next":"P"},
		  "P":{"Type":"Parallel","Branches":[{"StartAt":"Q","States":{"Q":{"Type":"Wait","Seconds":"{% $xs.n + $x %}","End":true}}}],"End":true}}}`: {"M": {"x"}, "N": {"sum", "x"}, "Q": {"x"}},
		`{"StartAt":"A","States":{"A":{"Type":"Pass","QueryLanguage":"JSONata","Assign":{"x":1},"Output":"{% $x %}","Comment":"$x","Next":"B"},"B":{"Type":"Pass","InputPath":"$x","End":true}}}`: {"A": {"x"}, "B": {"x"}},
		`{"StartAt":"A","States":{"A":{"Type":"Pass","InputPath":"$x","End":true}}}`:                                                                                                              nil,
		`{`: nil, `[]`: nil, `{"States":1}`: nil,
	} {
		if got := References([]byte(text)); !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n%v, want %v", text, got, want)
		}
	}
}

// TestComplaints: each way to read a member that is not as it must be.
func TestComplaints(t *testing.T) {
	doc, err := jsondoc.Parse([]byte(`{"s":"","n":1.5,"b":true,"a":[1],"o":{},"e":[],"~/":{"x":1}}`))
	if err != nil {
		t.Fatal(err)
	}
	var at []string
	n, ok := Root(doc, func(place, _ string) { at = append(at, place) })
	if !ok {
		t.Fatal("an object is one")
	}
	n.Text("n")
	n.Filled("s")
	n.Bool("s")
	n.OneOf("s", "a", "b")
	n.Number("n", "Integer", 0, 9)
	n.Number("n", "Float", 2, 9)
	n.Number("n", "Float", 0, 1)
	n.Inner("a")
	n.Items("a")
	n.Items("o")
	n.Texts("a")
	n.NotEmpty("o")
	n.NotEmpty("e")
	n.Required("s", "t")
	n.ExactlyOne("s", "n")
	n.ExactlyOne("x", "y")
	if in, ok := n.Inner("~/"); ok {
		in.Text("x")
	}
	want := []string{"/n", "/s", "/s", "/s", "/n", "/n", "/n", "/a", "/a[0]", "/o", "/a", "/o", "/e", "", "", "", "/~0~1/x"}
	if !slices.Equal(at, want) {
		t.Errorf("%q, want %q", at, want)
	}
	before := len(at)
	_ = n.Text("none")
	n.AtMostOne("s", "none")
	n.NotEmpty("a")
	if n.Integer("none", 0, 1, 7) != 7 || n.Bool("none") || len(n.Items("e")) != 0 || len(at) != before {
		t.Error("what is right was complained about:", at[before:])
	}
}

func FuzzReferences(f *testing.F) {
	f.Add([]byte(`{"StartAt":"A","States":{"A":{"Type":"Pass","Assign":{"x":"{% '\\ $x %}"},"End":true}},"QueryLanguage":"JSONata"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		for state, names := range References(text) {
			if len(names) == 0 || !slices.IsSorted(names) {
				t.Errorf("%q: %q", state, names)
			}
		}
	})
}
