package sandboxtest

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/brume-dev/brume/sandbox"
)

func (b *bench) life(t *testing.T) {
	t.Run("Invoke", b.invokes)
	t.Run("Environment", b.environment)
	t.Run("Output", b.output)
	t.Run("Init", b.inits)
	t.Run("Exit", b.exits)
	t.Run("Freeze", b.freezes)
	t.Run("Timeout", b.timeouts)
	t.Run("Entrypoint", b.entrypoints)
	t.Run("Tmp", b.tmp)
	t.Run("Layers", b.layers)
}

func (b *bench) invokes(t *testing.T) {
	e := b.start(t, nil)
	for range 3 {
		if got, fail := e.ask(map[string]any{"Do": "echo", "Text": "hällo"}); got != `"hällo"` {
			t.Errorf("echo: %s %s", got, fail)
		}
	}
	r := e.invoke(map[string]any{"Do": "fail", "Text": "on purpose"})
	if !r.Failed || r.ErrorType != "Function.Error" || !strings.Contains(string(r.Payload), "on purpose") {
		t.Errorf("fail: %+v", r)
	}
	var head map[string]string
	got, _ := e.ask(map[string]any{"Do": "head"})
	if err := json.Unmarshal([]byte(got), &head); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"lambda-runtime-aws-request-id":       "request-5",
		"lambda-runtime-invoked-function-arn": "arn:aws:lambda:us-east-1:000000000000:function:f",
		"lambda-runtime-trace-id":             "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0",
		"lambda-runtime-client-context":       `{"custom":{"k":"v"}}`,
		"lambda-runtime-cognito-identity":     `{"cognitoIdentityId":"i","cognitoIdentityPoolId":"p"}`,
		"content-type":                        "application/json",
	} {
		if head[name] != want {
			t.Errorf("header %s is %q, want %q", name, head[name], want)
		}
	}
	if len(head["lambda-runtime-deadline-ms"]) != 13 {
		t.Errorf("deadline %q", head["lambda-runtime-deadline-ms"])
	}
}

func (b *bench) environment(t *testing.T) {
	e := b.start(t, nil)
	got, _ := e.ask(map[string]any{"Do": "env"})
	var vars []string
	if err := json.Unmarshal([]byte(got), &vars); err != nil {
		t.Fatal(err)
	}
	has := func(name string) bool {
		return slices.ContainsFunc(vars, func(v string) bool { return strings.HasPrefix(v, name+"=") })
	}
	for _, name := range []string{"_HANDLER", "MINE", "AWS_LAMBDA_RUNTIME_API", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR",
		"PATH", "LANG", "TZ", "AWS_ENDPOINT_URL"} {
		if !has(name) {
			t.Errorf("no variable %s in %q", name, vars)
		}
	}
	for _, v := range os.Environ() {
		name, _, _ := strings.Cut(v, "=")
		if !slices.Contains([]string{"PATH", "LANG", "TZ", "PWD"}, name) && !strings.Contains(strings.ToUpper(name), "PROXY") &&
			!strings.HasPrefix(name, "AWS") && !strings.Contains(name, "CA") && !strings.HasPrefix(name, "SSL") && has(name) {
			t.Errorf("the host's variable %s reached the function", name)
		}
	}
}

func (b *bench) output(t *testing.T) {
	e := b.start(t, nil)
	e.invoke(map[string]any{"Do": "print", "Text": "line", "N": 3})
	if got, want := strings.Join(e.printed(), "|"), "line 0|line 1|line 2|unfinished"; got != want {
		t.Errorf("printed %q, want %q", got, want)
	}
}

func (b *bench) inits(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	e := b.start(t, nil)
	in, err := e.Init(ctx)
	if err != nil || in.Error != nil || in.Duration <= 0 {
		t.Errorf("init: %+v %v", in, err)
	}
	e = b.start(t, func(s *sandbox.Spec) { s.Env["INIT"] = "error" })
	in, err = e.Init(ctx)
	if err != nil || in.Error == nil || in.Error.ErrorType != "Runtime.BadInit" {
		t.Errorf("init that reports an error: %+v %v", in, err)
	}
	e = b.start(t, func(s *sandbox.Spec) { s.Env["INIT"] = "exit" })
	var exit *sandbox.ExitError
	if in, err = e.Init(ctx); !errors.As(err, &exit) || exit.Reason != "exit status 3" {
		t.Errorf("init that exits: %+v %v", in, err)
	}
	e = b.start(t, func(s *sandbox.Spec) { s.Env["INIT"] = "hang" })
	short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	if _, err = e.Init(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("init that hangs: %v", err)
	}
}

func (b *bench) exits(t *testing.T) {
	for _, c := range []struct {
		event map[string]any
		text  string
	}{
		{map[string]any{"Do": "exit", "N": 0}, "Runtime exited without providing a reason"},
		{map[string]any{"Do": "exit", "N": 7}, "Runtime exited with error: exit status 7"},
		{map[string]any{"Do": "kill", "N": 9}, "Runtime exited with error: signal: killed"},
		{map[string]any{"Do": "kill", "N": 11}, "Runtime exited with error: exit status 2"}, // Go prints and exits
	} {
		e := b.start(t, nil)
		ctx, cancel := context.WithTimeout(context.Background(), timeout)
		_, err := e.invokeContext(ctx, c.event)
		var exit *sandbox.ExitError
		if !errors.As(err, &exit) || exit.Error() != c.text || exit.OutOfMemory {
			t.Errorf("%v: %v, want %s", c.event, err, c.text)
		}
		<-e.Gone()
		if _, err := e.invokeContext(ctx, c.event); !errors.As(err, &exit) {
			t.Errorf("invoke of what is gone: %v", err)
		}
		cancel()
	}
}

func (b *bench) freezes(t *testing.T) {
	e := b.start(t, nil)
	ticks := func() (n int) {
		got, _ := e.ask(map[string]any{"Do": "ticks"})
		if err := json.Unmarshal([]byte(got), &n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	running := 0
	for deadline := time.Now().Add(timeout); running == 0; { // the counter runs
		if running = ticks(); time.Now().After(deadline) {
			t.Fatal("the counter does not run")
		}
	}
	asked := time.Now()
	running = ticks()
	for range 2 {
		if err := e.Freeze(); err != nil {
			t.Fatal(err)
		}
	}
	thawed := time.Since(asked) // how long it has run, so far
	time.Sleep(300 * time.Millisecond)
	again := time.Now()
	for range 2 {
		if err := e.Thaw(); err != nil {
			t.Fatal(err)
		}
	}
	after := ticks()
	if thawed += time.Since(again); after-running > int(thawed.Milliseconds())+150 { // it counts milliseconds
		t.Errorf("the counter went from %d to %d, thawed for %v", running, after, thawed)
	}
	if err := e.Freeze(); err != nil {
		t.Fatal(err)
	}
	e.Stop() // what is frozen can be stopped
	if err := errors.Join(e.Freeze(), e.Thaw()); err != nil {
		t.Errorf("after the end: %v", err)
	}
}

func (b *bench) timeouts(t *testing.T) {
	e := b.start(t, nil)
	e.invoke(map[string]any{"Do": "echo"})
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if _, err := e.invokeContext(ctx, map[string]any{"Do": "loop"}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("endless loop: %v", err)
	}
	e.Stop()
	select {
	case <-e.Gone():
	default:
		t.Error("Stop came back before the end")
	}
}

func (b *bench) entrypoints(t *testing.T) {
	empty := write(t, map[string]string{"readme": "x"})
	text := write(t, map[string]string{"bootstrap": "not a program"})
	garbage := write(t, map[string]string{"bootstrap": "\x7fELF garbage"})
	if err := os.Chmod(filepath.Join(garbage, "bootstrap"), 0o755); err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]string{empty: "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]",
		text: "bootstrap: permission denied", garbage: "bootstrap: exec format error"} {
		_, err := b.try(t, func(s *sandbox.Spec) { s.Code = dir })
		var entry *sandbox.EntrypointError
		if !errors.As(err, &entry) || !strings.HasSuffix(entry.Message, want) {
			t.Errorf("start: %v, want %s", err, want)
		}
	}
	turns := 0
	if _, err := b.try(t, func(s *sandbox.Spec) { s.Turn = func() bool { turns++; return false } }); !errors.Is(err, sandbox.ErrUnwanted) || turns != 1 {
		t.Errorf("what nobody wants any more: %v, asked %d times", err, turns)
	}
	if _, err := b.try(t, func(s *sandbox.Spec) { s.Runtime = "cobol74" }); err == nil {
		t.Error("an unknown runtime started")
	}
}

func (b *bench) tmp(t *testing.T) {
	path := "/tmp/file"
	if !b.Isolated {
		t.Skip("/tmp is the host's here")
	}
	e := b.start(t, nil)
	e.ask(map[string]any{"Do": "write", "Path": path, "Text": "mine"})
	if got, fail := e.ask(map[string]any{"Do": "read", "Path": path}); got != `"mine"` {
		t.Errorf("read what was written: %s %s", got, fail)
	}
	other := b.start(t, nil)
	if _, fail := other.ask(map[string]any{"Do": "read", "Path": path}); !strings.Contains(fail, "no such file") {
		t.Errorf("another environment's /tmp: %s", fail)
	}
}

func (b *bench) layers(t *testing.T) {
	if !b.Isolated {
		t.Skip("/opt is the host's here")
	}
	one := write(t, map[string]string{"a": "one", "b": "one"})
	two := write(t, map[string]string{"b": "two", "dir/c": "two"})
	e := b.start(t, func(s *sandbox.Spec) { s.Layers = []string{one, two} })
	for path, want := range map[string]string{"/opt/a": "one", "/opt/b": "two", "/opt/dir/c": "two"} {
		if got, fail := e.ask(map[string]any{"Do": "read", "Path": path}); got != `"`+want+`"` {
			t.Errorf("%s: %s %s, want %s", path, got, fail, want)
		}
	}
	e = b.start(t, func(s *sandbox.Spec) { s.Layers = []string{one} })
	if got, fail := e.ask(map[string]any{"Do": "read", "Path": "/opt/b"}); got != `"one"` {
		t.Errorf("one layer: %s %s", got, fail)
	}
}
