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
	got, err := replay(t.Context(), string(b), o)
	switch {
	case err != nil:
		t.Fatalf("%s: %v", file, err)
	case got == string(b):
	case *update:
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Fatalf("%s:%s", file, difference(string(b), got))
	}
}

// replay makes the calls of a script and returns it with their answers in place of those that it holds.
func replay(ctx context.Context, text string, o Options) (string, error) {
	id := o.Identities[""]
	var out strings.Builder
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i := 0; i < len(lines); {
		block := lines[i]
		for i++; i < len(lines) && continues(lines[i]); i++ {
			block += "\n" + lines[i]
		}
		kind, rest := "", ""
		if len(block) > 1 {
			kind, rest = block[:1], strings.TrimSpace(block[1:])
		}
		if kind == "<" || kind == "!" {
			continue
		}
		out.WriteString(block + "\n")
		switch kind {
		case ">":
			out.WriteString(call(ctx, o, id, rest))
		case "=":
			var ok bool
			if id, ok = o.Identities[rest]; !ok {
				return "", fmt.Errorf("no identity %q", rest)
			}
		case "+":
			d, err := time.ParseDuration(rest)
			if err == nil {
				err = o.Advance(ctx, d)
			}
			if err != nil {
				return "", fmt.Errorf("+ %s: %w", rest, err)
			}
		}
	}
	return out.String(), nil
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

// difference shows the first line in which got differs from want, and some lines of both from there on.
func difference(want, got string) string {
	const shown = 12
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	i := 0
	for i < len(w) && i < len(g) && w[i] == g[i] {
		i++
	}
	return fmt.Sprintf("%d: got\n%s\nwant\n%s", i+1, strings.Join(g[i:min(i+shown, len(g))], "\n"),
		strings.Join(w[i:min(i+shown, len(w))], "\n"))
}
