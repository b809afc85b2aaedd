// Package script runs files of calls against a table of operations and compares the answers with those that the file
// holds, so that the behaviour of a service is reviewed as text:
//
//	# Who asks for a label gets the version that has it.
//	> GetParameter {"Name": "/a:prod"}
//	< {"Parameter": {"Name": "/a", "Version": 1, …}}
//	> GetParameter {"Name": "/a:test"}
//	! ParameterVersionNotFound 400 Systems Manager could not find …
//
// A call is one operation and its document, which may go on over lines that begin with white space. "= NAME" before a call
// makes it, and all that follow, as another identity; "+ 2h" moves the clock. With -update the answers are written into
// the file.
package script

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/brume-dev/brume/aws"
)

var update = flag.Bool("update", false, "write the answers into the scripts")

// Options say what a script runs against.
type Options struct {
	Caller  aws.Caller
	Service string // operations without a service ("kms:Encrypt") are this one's
	// Identities are those that "= NAME" chooses from; "" is the one to begin with.
	Identities map[string]aws.Identity
	// Advance moves the clock; nil when the scripts do not.
	Advance func(context.Context, time.Duration) error
}

// Run runs each file that matches the pattern as a subtest, against what start returns for it.
func Run(t *testing.T, pattern string, start func(*testing.T) Options) {
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts at %s: %v", pattern, err)
	}
	for _, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), filepath.Ext(f)), func(t *testing.T) { run(t, f, start(t)) })
	}
}

func run(t *testing.T, file string, o Options) {
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	id := o.Identities[""]
	var out bytes.Buffer
	lines := strings.Split(strings.TrimRight(string(b), "\n"), "\n")
	for i := 0; i < len(lines); {
		line := lines[i]
		block := []string{line}
		for i++; i < len(lines) && continues(lines[i]); i++ {
			block = append(block, lines[i])
		}
		kind, rest := "", ""
		if len(line) > 1 {
			kind, rest = line[:1], strings.TrimSpace(strings.Join(block, "\n")[1:])
		}
		switch kind {
		case "<", "!":
			continue // written anew below
		case "=":
			next, ok := o.Identities[rest]
			if !ok {
				t.Fatalf("%s: no identity %q", file, rest)
			}
			id = next
		}
		out.WriteString(strings.Join(block, "\n") + "\n")
		switch kind {
		case ">":
			out.WriteString(call(t.Context(), o, id, rest))
		case "+":
			d, err := time.ParseDuration(rest)
			if err == nil {
				err = o.Advance(t.Context(), d)
			}
			if err != nil {
				t.Fatalf("%s: + %s: %v", file, rest, err)
			}
		}
	}
	compare(t, file, string(b), out.String())
}

func continues(line string) bool { return line != "" && (line[0] == ' ' || line[0] == '\t') }

// call makes a call and returns the lines of its answer.
func call(ctx context.Context, o Options, id aws.Identity, text string) string {
	name, doc, _ := strings.Cut(text, " ")
	op := aws.Op{Service: o.Service, Name: name}
	if service, rest, ok := strings.Cut(name, ":"); ok {
		op = aws.Op{Service: service, Name: rest}
	}
	answer, err := o.Caller.Document(ctx, id, op, []byte(doc))
	if err != nil {
		info := aws.InfoOf(err)
		text := fmt.Sprintf("! %s %d %s", info.Code, info.Status, info.Message)
		if info.Code == "InternalFailure" {
			text += " (" + err.Error() + ")"
		}
		return strings.TrimSpace(text) + "\n"
	}
	var indented bytes.Buffer
	if len(answer) <= 120 {
		return "< " + string(answer) + "\n"
	}
	if err := json.Indent(&indented, answer, "  ", "  "); err != nil {
		return fmt.Sprintf("! not JSON: %v: %s\n", err, answer)
	}
	return "< " + indented.String() + "\n"
}

func compare(t *testing.T, file, want, got string) {
	if got == want {
		return
	}
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range g {
		if i >= len(w) || g[i] != w[i] {
			t.Fatalf("%s:%d: got\n%s\nwant\n%s", file, i+1, strings.Join(g[i:min(i+12, len(g))], "\n"),
				strings.Join(w[min(i, len(w)):min(i+12, len(w))], "\n"))
		}
	}
	t.Fatalf("%s has more answers than calls", file)
}
