package asl

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/brume-dev/brume/asl/fault"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestHistories runs the machines of testdata/*.txtar: machine, input, mocks (what tasks answer, by state), stop (what happens
// to the execution while a state works), redrive (present: the execution is redriven once when it has failed). The golden
// parts are history, calls and, where the definition is wrong, error.
func TestHistories(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no testdata", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) { golden(t, file) })
	}
}

func golden(t *testing.T, file string) {
	a, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	// A file holds several cases: each begins at a part called machine.
	var cases []*txtar.Archive
	for _, f := range a.Files {
		if f.Name == "machine" {
			cases = append(cases, &txtar.Archive{})
		}
		if len(cases) == 0 {
			t.Fatal("the first part is not a machine")
		}
		c := cases[len(cases)-1]
		c.Files = append(c.Files, f)
	}
	out := &txtar.Archive{Comment: a.Comment}
	for _, c := range cases {
		out.Files = append(out.Files, play(t, c)...)
	}
	got := txtar.Format(out)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, _ := os.ReadFile(file)
	if string(want) != string(got) {
		t.Errorf("%s differs (go test ./asl -update writes it anew):\n%s", file, difference(string(want), string(got)))
	}
}

func difference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	var b strings.Builder
	for i := range max(len(w), len(g)) {
		var a, c string
		if i < len(w) {
			a = w[i]
		}
		if i < len(g) {
			c = g[i]
		}
		if a != c {
			b.WriteString("- " + a + "\n+ " + c + "\n")
		}
	}
	return b.String()
}

func play(t *testing.T, a *txtar.Archive) []txtar.File {
	parts := map[string]string{}
	var out []txtar.File
	for _, f := range a.Files {
		parts[f.Name] = strings.TrimSpace(string(f.Data))
		if f.Name != "history" && f.Name != "calls" && f.Name != "error" {
			out = append(out, f)
		}
	}
	add := func(name string, lines []string) {
		if len(lines) > 0 {
			out = append(out, txtar.File{Name: name, Data: []byte(strings.Join(lines, "\n") + "\n")})
		}
	}
	if _, err := Parse([]byte(parts["machine"])); err != nil {
		add("error", []string{err.Error()})
		return out
	}
	d := newDriver(t, parts["machine"])
	if parts["mocks"] != "" {
		d.mocks = parseMocks(t, parts["mocks"])
	}
	if parts["stop"] != "" {
		state, what, _ := strings.Cut(parts["stop"], " ")
		h := Happening{What: Expired}
		if what != "expired" {
			h = Happening{What: Aborted, Error: &fault.Error{Name: "Stopped", Cause: what}}
		}
		d.stop = map[string]Happening{state: h}
	}
	input := parts["input"]
	if input == "" {
		input = "{}"
	}
	d.start(input)
	if _, ok := parts["redrive"]; ok {
		if parts["redrive"] != "" {
			d.mocks = parseMocks(t, parts["redrive"])
			d.calls = map[string]int{}
		}
		d.facts.RedriveCount, d.facts.RedriveTime = 1, d.now
		d.step(d.root, Happening{What: Redriven, Count: 1})
		d.drain()
	}
	var lines []string
	for _, e := range d.history {
		lines = append(lines, e.String())
	}
	add("history", lines)
	add("calls", d.made)
	return out
}
