package main

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

var update = flag.Bool("update", false, "rewrite the expected output")

// repository lays out a repository in a temporary folder with one service, and returns it and its models.
func repository(t *testing.T, name, model, overlay, ops string) (root string, models fstest.MapFS) {
	t.Helper()
	root = t.TempDir()
	for path, text := range map[string]string{
		filepath.Join(root, overlayDir, name+".json"): overlay,
		filepath.Join(folder(root, name), "ops.txt"):  ops,
	} {
		if err := writeFile(path, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	return root, fstest.MapFS{name + "/2020/service-2.json": {Data: []byte(model)}, name + "/2019/service-2.json": {Data: []byte("{}")}}
}

func read(t *testing.T, path ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestGolden generates the models in testdata and compares with the packages beside them.
func TestGolden(t *testing.T) {
	for _, name := range []string{"rest", "query"} {
		t.Run(name, func(t *testing.T) {
			in := filepath.Join("testdata", name)
			root, models := repository(t, name, read(t, in, "service-2.json"), read(t, in, "overlay.json"), read(t, in, "ops.txt"))
			stale := filepath.Join(folder(root, name), "stale.go")
			own := filepath.Join(folder(root, name), "own.go")
			for _, f := range []string{stale, own} {
				text := "package x\n"
				if f == stale {
					text = header + text
				}
				if err := os.WriteFile(f, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if err := writeService(root, name, models); err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(stale); err == nil {
				t.Error("a generated file that is no longer made was kept")
			}
			if _, err := os.Stat(own); err != nil {
				t.Error("a written file was removed")
			}
			files, err := filepath.Glob(filepath.Join(folder(root, name), "*.go"))
			if err != nil || len(files) < 5 {
				t.Fatal(files, err)
			}
			for _, f := range files {
				want := filepath.Join(in, "want", filepath.Base(f)+".txt")
				if f == own {
					continue
				}
				if *update {
					if err := writeFile(want, []byte(read(t, f))); err != nil {
						t.Fatal(err)
					}
				}
				if got := read(t, f); got != read(t, want) {
					t.Errorf("%s differs from %s:\n%s", filepath.Base(f), want, got)
				}
			}
		})
	}
}

// TestRefusals shows what the generator refuses rather than guesses.
func TestRefusals(t *testing.T) {
	const shapes = `"In": {"type": "structure", "members": {"A": {"shape": "A"}}}, "S": {"type": "string"}`
	op := `"metadata": {"protocol": "json", "jsonVersion": "1.1"}, "operations": {"Op": {"name": "Op", "http": {"method": "POST", "requestUri": "/"},
		"input": {"shape": "In"}}}, "shapes": `
	for _, c := range []struct{ name, model, overlay, ops, want string }{
		{"operation that is not there", `{` + op + `{` + shapes + `, "A": {"type": "string"}}}`, `{}`, "Nope", "no operation Nope"},
		{"pattern that is not RE2", `{` + op + `{` + shapes + `, "A": {"type": "string", "pattern": "(?!a)b"}}}`, `{}`, "Op", "pattern of A is not RE2"},
		{"overlay pattern that is not RE2", `{` + op + `{` + shapes + `, "A": {"type": "string", "pattern": "(?!a)b"}}}`, `{"patterns": {"A": "("}}`, "Op", "pattern of A"},
		{"missing shape", `{` + op + `{` + shapes + `}}`, `{}`, "Op", `shape "A"`},
		{"unknown type", `{` + op + `{` + shapes + `, "A": {"type": "quaternion"}}}`, `{}`, "Op", "quaternion"},
		{"event stream", `{` + op + `{` + shapes + `, "A": {"type": "structure", "eventstream": true, "members": {}}}}`, `{}`, "Op", "event streams"},
		{"same name twice", `{` + op + `{` + shapes + `, "A": {"type": "structure", "members": {"X": {"shape": "In2"}, "Y": {"shape": "in2"}}},
			"In2": {"type": "structure", "members": {}}, "in2": {"type": "structure", "members": {}}}}`, `{}`, "Op", "both called In2"},
		{"same member twice", `{` + op + `{` + shapes + `, "A": {"type": "structure", "members": {"X": {"shape": "S"}, "x": {"shape": "S"}}}}}`, `{}`, "Op", "two members called X"},
		{"stale union", `{` + op + `{` + shapes + `, "A": {"type": "string"}}}`, `{"unions": ["Gone"]}`, "Op", "union Gone"},
		{"stale member", `{` + op + `{` + shapes + `, "A": {"type": "string"}}}`, `{"members": {"In.Gone": {}}}`, "Op", "member In.Gone is gone"},
		{"optional by now", `{` + op + `{` + shapes + `, "A": {"type": "string"}}}`, `{"members": {"In.A": {"optional": true}}}`, "Op", "optional by now"},
		{"stale error", `{` + op + `{` + shapes + `, "A": {"type": "string"}}}`, `{"errors": {"Gone": {}}}`, "Op", "error Gone is gone"},
		{"stale name", `{` + op + `{` + shapes + `, "A": {"type": "string"}}}`, `{"names": {"Gone": "X"}}`, "Op", "shape Gone is gone"},
		{"misspelt overlay", `{` + op + `{` + shapes + `, "A": {"type": "string"}}}`, `{"nmaes": {}}`, "Op", "unknown field"},
		{"unknown protocol", `{` + op + `{` + shapes + `, "A": {"type": "string"}}}`, `{"protocols": ["soap"]}`, "Op", "soap"},
		{"member twice in the model", `{` + op + `{` + shapes + `, "A": {"type": "string"}, "A": {"type": "string"}}}`, `{}`, "Op", "stands twice"},
	} {
		t.Run(c.name, func(t *testing.T) {
			root, models := repository(t, "x", c.model, c.overlay, c.ops)
			err := writeService(root, "x", models)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if made, _ := filepath.Glob(filepath.Join(folder(root, "x"), "*.go")); len(made) > 0 {
				t.Errorf("wrote %v all the same", made)
			}
		})
	}
}

func TestSentence(t *testing.T) {
	for in, want := range map[string]string{
		"":                                   "",
		"<p>One  thing. Another.</p>":        "One thing.",
		"a &lt;b&gt; &amp; <code>c</code> .": "a <b> & c.",
		"words words words words":            "words words …",
		"see 1.5 things":                     "see 1.5 things",
	} {
		if got := sentence(in, 16); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func FuzzOrdered(f *testing.F) {
	f.Add(`{"b":1,"a":2}`)
	f.Fuzz(func(t *testing.T, s string) {
		var o ordered[json.RawMessage]
		if json.Unmarshal([]byte(s), &o) == nil && len(o.Keys) != len(o.m) {
			t.Errorf("%q: %d keys, %d members", s, len(o.Keys), len(o.m))
		}
	})
}

func TestBeginService(t *testing.T) {
	root := t.TempDir()
	model := `{"metadata": {"protocol": "json", "jsonVersion": "1.1", "serviceId": "Big Thing"}, "shapes": {},
		"operations": {"Do": {"name": "Do", "http": {"method": "POST", "requestUri": "/"}}}}`
	models := fstest.MapFS{"big-thing/2020/service-2.json": {Data: []byte(model)}}
	for range 2 { // the second time changes nothing
		name, err := beginService(root, "big-thing", models)
		if err != nil || name != "bigthing" {
			t.Fatal(name, err)
		}
		if err := writeService(root, name, models); err != nil {
			t.Fatal(err)
		}
		if err := writeCompatibility(root, []string{name}, models); err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range map[string]string{
		"service/bigthing/bigthing.go":  "var _ bigthingapi.Handler = (*Service)(nil)",
		"api/bigthingapi/service.go":    `aws.Lacks("Do", "POST", "/")`,
		"api/gen/overlay/bigthing.json": `"big-thing"`,
		"docs/COMPATIBILITY.md":         "Not there: Do\n",
	} {
		if got := read(t, root, path); !strings.Contains(got, want) {
			t.Errorf("%s lacks %q:\n%s", path, want, got)
		}
	}
	if _, err := beginService(root, "nosuch", models); err == nil {
		t.Error("began a service that AWS does not have")
	}
}

func TestCompatibility(t *testing.T) {
	in := filepath.Join("testdata", "rest")
	root, models := repository(t, "rest", read(t, in, "service-2.json"), read(t, in, "overlay.json"), read(t, in, "ops.txt"))
	inert := filepath.Join(folder(root, "rest"), "inert.txt")
	doc := filepath.Join(root, "docs", "COMPATIBILITY.md")
	write := func(t *testing.T, lines string) error {
		t.Helper()
		if err := writeFile(inert, []byte(lines)); err != nil {
			t.Fatal(err)
		}
		return writeCompatibility(root, []string{"rest"}, models)
	}
	if err := write(t, ""); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(read(t, doc), "Example Parcels") {
		t.Error("a service without a folder is named")
	}
	if err := os.MkdirAll(filepath.Join(root, "service", "rest"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := write(t, "SendParcelRequest.Price returned by nobody\nParcel.Photo\n"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"| [Example Parcels](#rest) | 3 | 4 |", "There: SendParcel, Ping, ListParcels\n\nNot there: LostParcel\n",
		"- `SendParcelRequest.Price`: returned by nobody\n- `Parcel.Photo`\n"} {
		if got := read(t, doc); !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	for _, bad := range []string{"Parcel.Gone", "Gone.Photo"} {
		if err := write(t, bad); err == nil || !strings.Contains(err.Error(), "Gone") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestRE2(t *testing.T) {
	o := &overlay{Patterns: map[string]string{"Fixed": "b", "None": ""}}
	for _, c := range []struct{ name, in, want string }{
		{"X", `[a-z]+`, `[a-z]+`},
		{"X", `[\u0009\u00FF]`, `[\x{0009}\x{00FF}]`},
		{"X", `[\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF]`, `[\x{E000}-\x{FFFD}\x{10000}-\x{10FFFF}]`},
		{"Fixed", `(?!a)b`, `b`},
		{"None", `(?!a)b`, ``},
	} {
		if got, err := o.re2(c.name, c.in); err != nil || got != c.want {
			t.Errorf("%s: got %q, %v", c.in, got, err)
		}
	}
}
