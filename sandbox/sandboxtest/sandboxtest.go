// Package sandboxtest is the suite that every sandbox.Runner passes: the life of an environment, the languages, and
// tests of isolation that try to break it.
package sandboxtest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/brume-dev/brume/sandbox"
)

// Subject is a runner under test.
type Subject struct {
	Runner sandbox.Runner
	// Isolated says that functions have file systems, processes and networks of their own.
	Isolated bool
	// Languages says that the programs in other languages are tried too.
	Languages bool
	// Secret is a file of the host that no function may read.
	Secret string
	// Source is the folder of this package's testdata.
	Source string
}

// Run runs the whole suite.
func Run(t *testing.T, s Subject) {
	b := &bench{Subject: s, code: t.TempDir()}
	b.build(t)
	t.Run("Life", b.life)
	t.Run("Extensions", b.extensions)
	if s.Languages {
		t.Run("Python", b.python)
		t.Run("Node", b.node)
		t.Run("Ruby", b.ruby)
		if s.Isolated { // they take long, and nothing of them depends on the kind of isolation
			t.Run("Java", b.java)
			t.Run("Modules", b.modules)
		}
	}
	t.Run("Limits", b.limits)
	if s.Isolated {
		t.Run("Isolation", b.isolation)
	}
}

// bench is the suite's workplace.
type bench struct {
	Subject
	code string // folder with the custom runtime of testdata
	n    int
	mu   sync.Mutex
}

// timeout bounds whatever the suite waits for: generous, because only a failure takes so long.
const timeout = 5 * time.Minute

func (b *bench) build(t *testing.T) {
	cmd := exec.Command("go", "build", "-buildvcs=false", "-o", filepath.Join(b.code, "bootstrap"), ".")
	cmd.Dir = filepath.Join(b.Source, "bootstrap")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build the function: %v\n%s", err, out)
	}
	if err := os.Chmod(b.code, 0o755); err != nil {
		t.Fatal(err)
	}
}

// env is an environment with the lines that it printed.
type env struct {
	sandbox.Environment
	t *testing.T
	n int

	mu    sync.Mutex
	lines []string
	came  chan struct{} // there may be new lines
}

// await waits until a line has been printed.
func (e *env) await(line string) {
	e.t.Helper()
	for deadline := time.After(timeout); ; {
		e.mu.Lock()
		found := slices.Contains(e.lines, line)
		e.mu.Unlock()
		if found {
			return
		}
		select {
		case <-e.came:
		case <-deadline:
			e.t.Fatalf("no line %q in %q", line, e.printed())
		}
	}
}

func (e *env) printed() []string {
	e.Flush()
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]string(nil), e.lines...)
}

// start starts an environment; change adapts the spec, which is for the custom runtime.
func (b *bench) start(t *testing.T, change func(*sandbox.Spec)) *env {
	t.Helper()
	e, err := b.try(t, change)
	if err != nil {
		t.Fatalf("start: %v", err)
	}
	return e
}

func (b *bench) try(t *testing.T, change func(*sandbox.Spec)) (*env, error) {
	b.mu.Lock()
	b.n++
	id := fmt.Sprintf("test-%d", b.n)
	b.mu.Unlock()
	e := &env{t: t, came: make(chan struct{}, 1)}
	spec := &sandbox.Spec{ID: id, Runtime: "provided.al2023", Code: b.code, MemoryMB: 256, TmpMB: 512,
		Env: map[string]string{"_HANDLER": "x", "MINE": "yes"},
		Output: func(l sandbox.Line) {
			e.mu.Lock()
			defer e.mu.Unlock()
			e.lines = append(e.lines, string(l.Text))
			select {
			case e.came <- struct{}{}:
			default:
			}
		}}
	if change != nil {
		change(spec)
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	inner, err := b.Runner.Start(ctx, spec)
	if err != nil {
		return nil, err
	}
	e.Environment = inner
	t.Cleanup(inner.Stop)
	return e, nil
}

// invoke sends an event and fails the test unless there is an answer, of whatever kind.
func (e *env) invoke(event any) *sandbox.Result {
	e.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	r, err := e.invokeContext(ctx, event)
	if err != nil {
		e.t.Fatalf("invoke %v: %v\n%s", event, err, strings.Join(e.printed(), "\n"))
	}
	return r
}

func (e *env) invokeContext(ctx context.Context, event any) (*sandbox.Result, error) {
	payload, ok := event.([]byte)
	if !ok {
		var err error
		if payload, err = json.Marshal(event); err != nil {
			e.t.Fatal(err)
		}
	}
	e.n++
	deadline, _ := ctx.Deadline()
	return e.Invoke(ctx, &sandbox.Invocation{ID: fmt.Sprintf("request-%d", e.n), Payload: payload, Deadline: deadline,
		FunctionARN: "arn:aws:lambda:us-east-1:000000000000:function:f", TraceID: "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0",
		ClientContext: `{"custom":{"k":"v"}}`, CognitoIdentity: `{"cognitoIdentityId":"i","cognitoIdentityPoolId":"p"}`})
}

// ask sends an event to the custom runtime and returns its answer, or its error's text.
func (e *env) ask(event map[string]any) (answer, failure string) {
	e.t.Helper()
	r := e.invoke(event)
	if r.Failed {
		var doc struct{ ErrorMessage string }
		if err := json.Unmarshal(r.Payload, &doc); err != nil {
			e.t.Fatalf("error document %s: %v", r.Payload, err)
		}
		return "", doc.ErrorMessage
	}
	return string(r.Payload), ""
}

// write makes a code folder of files.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// sameJSON compares documents as values.
func sameJSON(a, b []byte) bool {
	var x, y bytes.Buffer
	if json.Compact(&x, a) != nil || json.Compact(&y, b) != nil {
		return false
	}
	return bytes.Equal(x.Bytes(), y.Bytes())
}
