package lint

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/brume-dev/brume/asl"
)

var update = flag.Bool("update", false, "write what is wrong with the definitions into testdata")

// fakeTasks has no queue called by "nope".
type fakeTasks struct{}

func (fakeTasks) Check(res *asl.Resource, _ bool) string {
	if res.Service == "nope" {
		return "The resource provided " + res.Text + " is not recognized."
	}
	return ""
}

func (fakeTasks) CheckFields(res *asl.Resource, fields []string, whole bool) []string {
	var out []string
	for _, f := range fields {
		if f == "Wrong" {
			out = append(out, "The field 'Wrong' is not supported by Step Functions")
		}
	}
	if res.Service == "sqs" && !strings.Contains(strings.Join(fields, " "), "QueueUrl") {
		out = append(out, fmt.Sprintf("The field 'QueueUrl' is required but was missing (%v)", whole))
	}
	return out
}

// archives yields the definitions in testdata with what is said of them. A name that ends in ".express.json" is an express machine's.
func archives(t testing.TB, f func(a *txtar.Archive, i int, definition string, o Options)) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal(err, files)
	}
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(a.Files); i++ {
			if name := a.Files[i].Name; strings.HasSuffix(name, ".json") {
				f(a, i, string(a.Files[i].Data), Options{Express: strings.HasSuffix(name, ".express.json"), Tasks: fakeTasks{}})
			}
		}
		if *update {
			if err := os.WriteFile(file, txtar.Format(a), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestDefinitions(t *testing.T) {
	archives(t, func(a *txtar.Archive, i int, definition string, o Options) {
		var got strings.Builder
		for _, d := range Check(definition, o) {
			fmt.Fprintf(&got, "%s %s %s at %s\n", d.Severity, d.Code, d.Message, d.Location)
		}
		name := a.Files[i].Name
		want := strings.TrimSuffix(name, ".json") + ".want"
		if *update {
			file := txtar.File{Name: want, Data: []byte(got.String())}
			if i+1 < len(a.Files) && a.Files[i+1].Name == want {
				a.Files[i+1] = file
			} else {
				a.Files = append(a.Files[:i+1], append([]txtar.File{file}, a.Files[i+1:]...)...)
			}
			return
		}
		if i+1 >= len(a.Files) || a.Files[i+1].Name != want {
			t.Errorf("%s has no %s", name, want)
		} else if got.String() != string(a.Files[i+1].Data) {
			t.Errorf("%s:\n%swant\n%s", name, got.String(), a.Files[i+1].Data)
		}
	})
}

func TestRefusal(t *testing.T) {
	for _, c := range []struct{ definition, want string }{
		{`{"StartAt":"A","States":{"A":{"Type":"Succeed"}}}`, ""},
		{`{"StartAt":"A","States":{"A":{"Type":"Pass","Parameters":{"x":"$.y"},"End":true}}}`, ""},
		{`{"StartAt":"A","States":{"A":{"Type":"Pass","Next":"NOPE"}}}`,
			`Invalid State Machine Definition: 'MISSING_TRANSITION_TARGET: Missing 'Next' target: NOPE at /States/A/Next, MISSING_END_STATE: Workflow has no terminal state at null'`},
		{`{}`, `Invalid State Machine Definition: 'SCHEMA_VALIDATION_FAILED: These fields are required: [States, StartAt] at /'`},
		{"{\n]", `Invalid State Machine Definition: 'INVALID_JSON_DESCRIPTION: Unexpected character (']' (code 93)) at [Source: (String)"` + "{\n]" + `"; line: 2, column: 1]'`},
	} {
		if got := Refusal(Check(c.definition, Options{})); got != c.want {
			t.Errorf("%s:\n%s, want\n%s", c.definition, got, c.want)
		}
	}
	long := `{"Comment":"` + strings.Repeat("é", 400)
	d := Check(long, Options{})
	if len(d) != 1 || d[0].Code != InvalidJSON || !strings.Contains(d[0].Location, `é"[truncated 312 chars]; line: 1, column: 813]`) {
		t.Errorf("a long text that ends too early: %+v", d)
	}
	if d := Check(strings.Repeat("[", 2000), Options{}); len(d) != 1 || d[0].Code != TooDeeplyNested {
		t.Errorf("2,000 brackets: %+v", d)
	}
	if d := Check(" \n", Options{}); len(d) != 1 || d[0].Code != MissingDescription {
		t.Errorf("nothing: %+v", d)
	}
}

func TestCheckState(t *testing.T) {
	for definition, want := range map[string]string{
		`{"Type":"Pass","Next":"Elsewhere"}`: "",
		`{"Type":"Pass"}`:                    "Invalid State Machine Definition: 'SCHEMA_VALIDATION_FAILED: This object should have only one of the following fields: [Next, End] at /'",
		`{"Type":"Task","Resource":"arn:aws:states:::nope:thing","End":true}`: "Invalid State Machine Definition: 'SCHEMA_VALIDATION_FAILED: The resource provided arn:aws:states:::nope:thing is not recognized. at /Resource'",
		`{"Type":"Map","End":true,"ItemProcessor":{"StartAt":"A","States":{"A":{"Type":"Pass","Next":"B"}}}}`: "Invalid State Machine Definition: 'MISSING_TRANSITION_TARGET: Missing 'Next' target: B at /ItemProcessor/States/A/Next, " +
			"MISSING_END_STATE: Workflow has no terminal state at null'",
		`{"Type":"Pass","QueryLanguage":"JSONata","Output":"{% 1 %}","End":true}`: "",
		`[]`: "Invalid State Machine Definition: 'SCHEMA_VALIDATION_FAILED: Expected value of type Object at /'",
	} {
		if got := Refusal(CheckState(definition, Options{Tasks: fakeTasks{}})); got != want {
			t.Errorf("%s:\n%s, want\n%s", definition, got, want)
		}
	}
}

// FuzzWhatPassesIsParsed changes one place of a definition at a time: what has no error of ours must be acceptable to the parser,
// so that what can be created can also be run.
func FuzzWhatPassesIsParsed(f *testing.F) {
	archives(f, func(_ *txtar.Archive, _ int, definition string, _ Options) { f.Add(definition) })
	f.Fuzz(func(t *testing.T, definition string) {
		if passes := Refusal(CheckState(definition, Options{})) == ""; passes {
			if _, err := asl.ParseState("A", []byte(definition)); err != nil {
				t.Fatalf("%s\npasses as a state, but is not parsed: %v", definition, err)
			}
		}
		if l := check(definition, Options{}); l.errors > 0 {
			return
		}
		if _, err := asl.Parse([]byte(definition)); err != nil {
			t.Fatalf("%s\npasses, but is not parsed: %v", definition, err)
		}
	})
}

// TestMutations is the same with every member taken out, and every value replaced, one by one.
func TestMutations(t *testing.T) {
	tried := 0
	archives(t, func(a *txtar.Archive, i int, definition string, _ Options) {
		for _, changed := range mutations(definition) {
			tried++
			if l := check(changed, Options{}); l.errors > 0 {
				continue
			}
			if _, err := asl.Parse([]byte(changed)); err != nil {
				t.Errorf("%s: passes, but is not parsed: %v", a.Files[i].Name, err)
			}
		}
	})
	if tried < 1000 {
		t.Errorf("only %d definitions were tried", tried)
	}
}
