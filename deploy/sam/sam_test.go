package sam_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/deploy/sam"
	"github.com/brume-dev/brume/deploy/template"
	"github.com/brume-dev/brume/jsondoc"
)

// TestGolden compares the transform with what AWS's own translator makes of the same templates (testdata/translate.py).
func TestGolden(t *testing.T) {
	inputs, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(inputs) == 0 {
		t.Fatalf("%d templates, %v", len(inputs), err)
	}
	for _, in := range inputs {
		t.Run(strings.TrimSuffix(filepath.Base(in), ".yaml"), func(t *testing.T) {
			want, err := os.ReadFile(strings.TrimSuffix(in, ".yaml") + ".json")
			if err != nil {
				t.Fatal(err)
			}
			var wanted map[string]any
			if err := json.Unmarshal(want, &wanted); err != nil {
				t.Fatal(err)
			}
			compare(t, "", normal(transform(t, in)), normal(wanted))
		})
	}
}

func transform(t testing.TB, name string) map[string]any {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := template.Read(text)
	if err != nil {
		t.Fatal(err)
	}
	out, err := sam.Transform(doc, sam.Options{Region: "us-east-1", Account: "123456789012", Stack: "app", Parameters: defaults(doc)})
	if err != nil {
		t.Fatal(err)
	}
	var plain map[string]any
	if err := json.Unmarshal(jsondoc.Append(nil, out), &plain); err != nil {
		t.Fatal(err)
	}
	return plain
}

func defaults(doc *jsondoc.Object) map[string]string {
	out := map[string]string{}
	all, _ := doc.Get("Parameters")
	params, ok := all.(*jsondoc.Object)
	if !ok {
		return out
	}
	for id, v := range params.All() {
		p, _ := v.(*jsondoc.Object)
		if d, ok := p.Get("Default"); ok {
			out[id], _ = template.Text(d)
		}
	}
	return out
}

// deploymentHash is the end of a deployment's logical id: the translator hashes the order in which a dictionary of
// Python 2.7 would keep its keys, ours hashes the document. Either changes exactly when the definition does.
var deploymentHash = regexp.MustCompile(`(Deployment|deployment id: )[0-9a-f]{10,40}`)

// normal leaves out what the comparison does not mean.
func normal(doc map[string]any) any {
	b, err := json.Marshal(doc)
	if err != nil {
		panic(err)
	}
	var out any
	if err := json.Unmarshal(deploymentHash.ReplaceAll(b, []byte("${1}HASH")), &out); err != nil {
		panic(err)
	}
	return out
}

// compare tells every difference by its path. Tags are compared without their order.
func compare(t *testing.T, path string, got, want any) {
	t.Helper()
	g, gotMap := got.(map[string]any)
	w, wantMap := want.(map[string]any)
	if gotMap && wantMap {
		for k := range w {
			if _, ok := g[k]; !ok {
				t.Errorf("%s/%s is missing: %s", path, k, show(w[k]))
				continue
			}
			compare(t, path+"/"+k, g[k], w[k])
		}
		for k := range g {
			if _, ok := w[k]; !ok {
				t.Errorf("%s/%s is too much: %s", path, k, show(g[k]))
			}
		}
		return
	}
	if slices.ContainsFunc([]string{"/Tags", "/DependsOn", "/ApiStages", "/StageKeys"}, func(end string) bool { return strings.HasSuffix(path, end) }) {
		got, want = sorted(got), sorted(want)
	}
	if a, b := show(got), show(want); a != b {
		t.Errorf("%s\n  is     %s\n  wanted %s", path, a, b)
	}
}

func show(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func sorted(v any) any {
	list, ok := v.([]any)
	if !ok {
		return v
	}
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b any) int { return strings.Compare(show(a), show(b)) })
	return list
}

// TestGoldensAreCurrent runs the translator again.
func TestGoldensAreCurrent(t *testing.T) {
	if err := exec.Command("python3", "-c", "import samtranslator").Run(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("aws-sam-translator is not here")
		}
		t.Skip("aws-sam-translator is not here: pip install aws-sam-translator")
	}
	dir := t.TempDir()
	all, err := filepath.Glob("testdata/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range all {
		b, err := os.ReadFile(name)
		if err != nil {
			continue // a folder
		}
		if !strings.HasSuffix(name, ".json") {
			if err := os.WriteFile(filepath.Join(dir, filepath.Base(name)), b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	cmd := exec.Command("python3", "translate.py")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	goldens, err := filepath.Glob("testdata/*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range goldens {
		want, err1 := os.ReadFile(filepath.Join(dir, filepath.Base(g)))
		got, err2 := os.ReadFile(g)
		if err1 != nil || err2 != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not what the translator writes: run testdata/translate.py (%v, %v)", g, err1, err2)
		}
	}
}

// FuzzTransform: whatever the template says, there is a template or a ValidationError, and the input stays as it was.
func FuzzTransform(f *testing.F) {
	inputs, err := filepath.Glob("testdata/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, in := range inputs {
		b, err := os.ReadFile(in)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		doc, err := template.Read(b)
		if err != nil {
			return
		}
		before := jsondoc.Text(doc)
		out, err := sam.Transform(doc, sam.Options{Region: "us-east-1", Account: "123456789012", Stack: "app"})
		if err != nil && aws.CodeOf(err) != "ValidationError" {
			t.Errorf("%v", err)
		}
		if err == nil && out == nil {
			t.Error("neither a template nor an error")
		}
		if after := jsondoc.Text(doc); after != before {
			t.Errorf("the input changed:\n%s\n%s", before, after)
		}
	})
}
