// Package brume holds only this test: the plan of the house as rules that the build cannot drift from.
package brume

import (
	"bufio"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/brume-dev/brume"

// mayImport says, for each room, which of our rooms its packages may import; a room covers its subfolders, and the
// longest name that fits a package decides. Edits here are policy: DESIGN.md section 1 has the reasons.
var mayImport = map[string][]string{
	"aws":              {},
	"clock":            {},
	"checksum":         {},
	"shape":            {"aws"},
	"blob":             {"clock"},
	"item":             {"shape"},
	"jsondoc":          {},
	"store":            {"clock", "aws"},
	"policy":           {"aws"},
	"api":              {"aws", "item"},
	"api/gen":          {"aws", "api"},
	"timer":            {"store", "clock", "aws"},
	"protocol":         {"aws", "shape"},
	"dispatch":         {"aws", "shape", "policy", "clock"},
	"gateway":          {"aws", "protocol", "shape", "clock", "checksum"},
	"event/logbook":    {"aws", "api"},
	"event/pattern":    {"aws", "jsondoc"},
	"event/schedule":   {},
	"event/source":     {"aws", "jsondoc", "api", "clock", "item", "event/pattern"},
	"event/target":     {"aws", "jsondoc", "api", "store", "timer", "clock", "event/connection"},
	"event/connection": {"jsondoc"},
	"asl":              {"jsondoc"},
	"sandbox":          {"aws", "clock"},
	"deploy":           {"aws", "api", "shape", "store", "jsondoc"},
	"service":          {"aws", "checksum", "api", "shape", "store", "blob", "timer", "clock", "policy", "event", "item", "jsondoc"},
	"service/lambda": {"aws", "api", "shape", "store", "blob", "timer", "clock", "policy", "event", "sandbox",
		"jsondoc", "protocol/eventstream"},
	"service/sfn": {"aws", "api", "shape", "store", "blob", "timer", "clock", "policy", "event", "asl", "jsondoc", "checksum"},
	"service/cloudformation": {"aws", "api", "shape", "store", "blob", "timer", "clock", "policy", "event",
		"deploy", "jsondoc"},
}

// longFiles are the files that may be over the limits, each with its reason.
var longFiles = map[string]string{}

const (
	maxFileLines     = 500
	maxFunctionLines = 70
	maxPackageLines  = 4000
)

type listed struct {
	ImportPath                         string
	Imports, TestImports, XTestImports []string
}

func TestWhoMayImportWhom(t *testing.T) {
	for _, p := range packages(t) {
		name := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
		room, allowed := rule(name)
		if room == "" {
			continue // cmd, e2e and the root wire everything together
		}
		for _, imp := range p.Imports {
			other, ours := strings.CutPrefix(imp, module+"/")
			if !ours || within(other, room) && sameService(name, other) {
				continue
			}
			if !slices.ContainsFunc(allowed, func(a string) bool { return within(other, a) }) {
				t.Errorf("%s imports %s: %s may import only %v", name, other, room, allowed)
			}
		}
	}
}

// sameService keeps services apart: below service, a package may import only from its own folder.
func sameService(a, b string) bool {
	if !strings.HasPrefix(a, "service/") {
		return true
	}
	return strings.SplitN(a, "/", 3)[1] == strings.SplitN(b+"/", "/", 3)[1]
}

func within(name, room string) bool { return name == room || strings.HasPrefix(name, room+"/") }

func rule(name string) (room string, allowed []string) {
	for r, a := range mayImport {
		if within(name, r) && len(r) > len(room) {
			room, allowed = r, a
		}
	}
	return room, allowed
}

func packages(t *testing.T) []listed {
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports,TestImports,XTestImports", "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []listed
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

func TestFilesAndFunctionsStaySmall(t *testing.T) {
	sizes := map[string]int{}
	walkGo(t, func(path string, generated bool) {
		if generated {
			return
		}
		lines := countLines(t, path)
		if !strings.HasSuffix(path, "_test.go") {
			sizes[filepath.Dir(path)] += lines
		}
		if lines > maxFileLines && longFiles[path] == "" {
			t.Errorf("%s: %d lines, at most %d", path, lines, maxFileLines)
		}
		longFunctions(t, path)
	})
	for dir, n := range sizes {
		if n > maxPackageLines {
			t.Errorf("%s: %d lines in the package, at most %d", dir, n, maxPackageLines)
		}
	}
}

func longFunctions(t *testing.T, path string) {
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range f.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || strings.HasSuffix(path, "_test.go") {
			continue
		}
		if n := fset.Position(fn.End()).Line - fset.Position(fn.Pos()).Line + 1; n > maxFunctionLines {
			t.Errorf("%s: %s has %d lines, at most %d", path, fn.Name.Name, n, maxFunctionLines)
		}
	}
}

// emptyNames say nothing about what is in them.
var emptyNames = []string{"util", "utils", "common", "helper", "helpers", "misc", "shared", "manager", "types", "base"}

func TestNamesSaySomething(t *testing.T) {
	walkGo(t, func(path string, generated bool) {
		if generated {
			return
		}
		for _, part := range strings.Split(strings.TrimSuffix(path, ".go"), "/") {
			if slices.Contains(emptyNames, part) {
				t.Errorf("%s: %q does not say what is inside", path, part)
			}
		}
	})
}

// ownTime lists what only constructors of the outer rooms may touch: everything else gets time, randomness and
// the environment handed in.
func TestTimeAndEnvironmentComeFromOutside(t *testing.T) {
	outer := []string{"cmd", "e2e", "bench", "clock", "gateway", "sandbox", "api/gen", "examples", "store"}
	walkGo(t, func(path string, generated bool) {
		if generated || strings.HasSuffix(path, "_test.go") || slices.ContainsFunc(outer, func(o string) bool { return within(path, o) }) {
			return
		}
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range []string{"time.Now()", "os.Getenv(", "func init()"} {
			if strings.Contains(string(b), word) {
				t.Errorf("%s uses %s: take it through the constructor", path, word)
			}
		}
	})
}

func walkGo(t *testing.T, f func(path string, generated bool)) {
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == ".git" || d.Name() == "node_modules" || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if strings.HasSuffix(path, ".go") {
			f(path, isGenerated(t, path))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func isGenerated(t *testing.T, path string) bool {
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	line, _ := bufio.NewReader(f).ReadString('\n')
	return strings.HasPrefix(line, "// Code generated ")
}

func countLines(t *testing.T, path string) int {
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Count(string(b), "\n")
}
