package sandboxtest

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/brume-dev/brume/sandbox"
)

// modules are functions that are WebAssembly modules: a Go program, built for WASI.
func (b *bench) modules(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.Command("go", "build", "-buildvcs=false", "-o", filepath.Join(dir, "app.wasm"), ".")
	cmd.Dir = filepath.Join(b.Source, "module")
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build the module: %v\n%s", err, out)
	}
	if err := errors.Join(os.Chmod(dir, 0o755), os.Symlink("/etc/shadow", filepath.Join(dir, "link"))); err != nil {
		t.Fatal(err)
	}
	change := func(s *sandbox.Spec) {
		s.Runtime, s.Code, s.Env["_HANDLER"], s.Env["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] = "wasm", dir, "app", "256"
	}
	e := b.start(t, change)
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	if in, err := e.Init(ctx); err != nil || in.Error != nil {
		t.Fatalf("init: %+v %v\n%s", in, err, strings.Join(e.printed(), "\n"))
	}
	for range 2 { // the second one is warm, and a new instance
		if got, fail := e.ask(map[string]any{"Do": "echo", "Text": "hällo"}); got != `"1 hällo request-`+string(rune('0'+e.n))+` yes"` {
			t.Errorf("echo: %s %s", got, fail)
		}
	}
	e.ask(map[string]any{"Do": "write", "Path": "/tmp/x", "Text": "kept"})
	if got, fail := e.ask(map[string]any{"Do": "read", "Path": "/tmp/x"}); got != `"kept"` {
		t.Errorf("/tmp: %s %s", got, fail)
	}
	for _, path := range []string{"/var/task/link", b.Secret, "/etc/passwd", "/tmp/../etc/passwd"} {
		if got, fail := e.ask(map[string]any{"Do": "read", "Path": path}); fail != "Runtime.ExitError" && !strings.Contains(fail, "exit status 1") {
			t.Errorf("read %s: %s %s", path, got, fail)
		}
	}
	if _, fail := e.ask(map[string]any{"Do": "write", "Path": "/var/task/x"}); !strings.Contains(fail, "exit status 1") {
		t.Errorf("write beside the code: %s", fail)
	}
	if _, fail := e.ask(map[string]any{"Do": "exit", "N": 3}); fail != "RequestId: request-"+number(e.n)+" Error: Runtime exited with error: exit status 3" {
		t.Errorf("exit: %s", fail)
	}
	if _, fail := e.ask(map[string]any{"Do": "memory", "N": 400}); !strings.Contains(fail, "(out of memory)") {
		t.Errorf("too much memory: %s", fail)
	}
	if got, fail := e.ask(map[string]any{"Do": "print", "Text": "to the log"}); got != "null" || !strings.Contains(strings.Join(e.printed(), "|"), "to the log") {
		t.Errorf("print: %s %s %q", got, fail, e.printed())
	}
	short, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancel()
	if _, err := e.invokeContext(short, map[string]any{"Do": "loop"}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("endless loop: %v", err)
	}
	e.Stop()
	var entry *sandbox.EntrypointError
	if _, err := b.try(t, func(s *sandbox.Spec) { change(s); s.Env["_HANDLER"] = "nosuch" }); !errors.As(err, &entry) {
		t.Errorf("no module: %v", err)
	}
	bad := write(t, map[string]string{"app.wasm": "no module"})
	if _, err := b.try(t, func(s *sandbox.Spec) { change(s); s.Code = bad }); !errors.As(err, &entry) || !strings.Contains(entry.Message, "app.wasm: wasm: invalid magic number") {
		t.Errorf("no module inside: %v", err)
	}
}

func number(n int) string {
	b, _ := json.Marshal(n)
	return string(b)
}
