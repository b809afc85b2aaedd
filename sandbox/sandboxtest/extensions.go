package sandboxtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/brume-dev/brume/sandbox"
)

func (b *bench) extensions(t *testing.T) {
	t.Run("Events", b.extensionEvents)
	t.Run("Slow", b.slowExtension)
	t.Run("Failures", b.extensionFailures)
	if b.Languages { // it takes the whole time of a shutdown
		t.Run("Stubborn", b.stubbornExtension)
	}
	t.Run("Telemetry", b.telemetry)
	t.Run("Internal", b.internalExtension)
}

// with starts an environment with external extensions, by their names.
func (b *bench) with(t *testing.T, names ...string) (*env, error) {
	t.Helper()
	return b.try(t, func(s *sandbox.Spec) {
		layer := write(t, nil)
		if err := os.Mkdir(filepath.Join(layer, "extensions"), 0o755); err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if err := os.Link(filepath.Join(b.code, "bootstrap"), filepath.Join(layer, "extensions", name)); err != nil {
				t.Fatal(err)
			}
		}
		s.Layers, s.Account = []string{layer}, "123456789012"
		s.Env["AWS_LAMBDA_FUNCTION_NAME"], s.Env["AWS_LAMBDA_FUNCTION_VERSION"] = "f", "7"
	})
}

// extended is with for environments that start.
func (b *bench) extended(t *testing.T, names ...string) *env {
	t.Helper()
	e, err := b.with(t, names...)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func (b *bench) extensionEvents(t *testing.T) {
	e := b.extended(t, "one", "two")
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	if in, err := e.Init(ctx); err != nil || in.Error != nil {
		t.Fatalf("init: %+v %v", in, err)
	}
	if got, fail := e.ask(map[string]any{"Do": "echo", "Text": "x"}); got != `"x"` {
		t.Errorf("the function: %s %s", got, fail)
	}
	if err := e.Settle(ctx); err != nil {
		t.Error(err)
	}
	if err := e.Freeze(); err != nil {
		t.Error(err)
	}
	e.Shutdown(sandbox.Spindown)
	got := e.printed()
	for _, want := range []string{
		`register 200 {"accountId":"123456789012","functionName":"f","functionVersion":"7","handler":"x"}`,
		"one: INVOKE %!s(<nil>)", "two: INVOKE %!s(<nil>)", "one: SHUTDOWN spindown", "two: SHUTDOWN spindown"} {
		if !slices.Contains(got, want) {
			t.Errorf("no line %q in %q", want, got)
		}
	}
}

// An environment is free when its extensions have asked for the next event, although the answer comes before.
func (b *bench) slowExtension(t *testing.T) {
	e := b.extended(t, "slow")
	if !b.Isolated {
		defer os.Remove("/tmp/slow")
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	for n := 1; n < 5; n += 2 {
		e.invoke(map[string]any{"Do": "echo"})
		if err := e.Settle(ctx); err != nil {
			t.Fatal(err)
		}
		got, fail := e.ask(map[string]any{"Do": "read", "Path": "/tmp/slow"}) // an event more, which it may be quick with
		if got != fmt.Sprintf(`"event %d"`, n) && got != fmt.Sprintf(`"event %d"`, n+1) {
			t.Errorf("after the extension had settled with event %d: %s %s", n, got, fail)
		}
	}
	e = b.extended(t, "sleeper")
	e.invoke(map[string]any{"Do": "echo"})
	short, cancel := context.WithTimeout(ctx, time.Millisecond)
	defer cancel()
	if err := e.Settle(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a wait that is too short: %v", err)
	}
}

func (b *bench) extensionFailures(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	e := b.extended(t, "broken")
	var exit *sandbox.ExitError
	if _, err := e.Init(ctx); !errors.As(err, &exit) || exit.Kind() != "Extension.InitError" || exit.Error() != "Extension.NoLuck" {
		t.Errorf("an extension that reports an error: %v", err)
	}
	e = b.extended(t, "crasher", "other")
	if _, err := e.invokeContext(ctx, map[string]any{"Do": "sleep", "N": 10_000}); !errors.As(err, &exit) || exit.Kind() != "Extension.Crash" ||
		exit.Error() != "exit code 5" {
		t.Errorf("an extension that ends: %v", err)
	}
	e.Shutdown(sandbox.Failure)
	if got := e.printed(); !slices.Contains(got, "other: SHUTDOWN failure") {
		t.Errorf("the other one was not told: %q", got)
	}
	layer := write(t, map[string]string{"extensions/text": "no program"})
	_, err := b.try(t, func(s *sandbox.Spec) { s.Layers = []string{layer} })
	if !errors.As(err, &exit) || exit.Kind() != "Extension.LaunchError" || !strings.HasSuffix(exit.Error(), "extensions/text: permission denied") {
		t.Errorf("an extension that is no program: %v", err)
	}
}

// An extension that does not end is ended.
func (b *bench) stubbornExtension(t *testing.T) {
	e := b.extended(t, "stubborn")
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	e.invoke(map[string]any{"Do": "echo"})
	_, _ = e.invokeContext(ctx, map[string]any{"Do": "loop"})
	e.Shutdown(sandbox.Timeout)
	if got := e.printed(); !slices.Contains(got, "stubborn: SHUTDOWN timeout") {
		t.Errorf("it was not told: %q", got)
	}
}

func (b *bench) telemetry(t *testing.T) {
	if !b.Isolated {
		t.Skip("ports and names are the host's here")
	}
	e := b.extended(t, "telemetry")
	e.invoke(map[string]any{"Do": "print", "Text": "hello", "N": 1})
	e.Tell("platform.report", func() map[string]any { return map[string]any{"requestId": "request-1", "status": "success"} })
	var got string
	for deadline := time.Now().Add(timeout); !strings.Contains(got, "platform.report"); {
		got, _ = e.ask(map[string]any{"Do": "read", "Path": "/tmp/telemetry"})
		if time.Now().After(deadline) {
			t.Fatalf("telemetry so far: %s\n%q", got, e.printed())
		}
	}
	var text string
	if err := json.Unmarshal([]byte(got), &text); err != nil {
		t.Fatal(err)
	}
	type event struct {
		Time, Type string
		Record     any
	}
	seen := map[string]any{}
	for line := range strings.Lines(text) {
		var ev event
		if err := json.Unmarshal([]byte(line), &ev); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if _, err := time.Parse("2006-01-02T15:04:05.000Z", ev.Time); err != nil {
			t.Error(err)
		}
		if seen[ev.Type] == nil {
			seen[ev.Type] = ev.Record
		}
	}
	for _, kind := range []string{"platform.initStart", "platform.initRuntimeDone", "platform.initReport", "platform.extension", "platform.telemetrySubscription",
		"platform.start", "platform.runtimeDone", "platform.report", "function", "extension"} {
		if seen[kind] == nil {
			t.Errorf("no event %s in\n%s", kind, text)
		}
	}
	if seen["function"] != "hello 0" {
		t.Errorf("what the function printed: %v", seen["function"])
	}
	if r, ok := seen["platform.runtimeDone"].(map[string]any); !ok || r["requestId"] != "request-1" || r["status"] != "success" {
		t.Errorf("runtimeDone: %v", seen["platform.runtimeDone"])
	}
}

// An internal extension is a part of the runtime's process, which then hears SIGTERM before it ends.
func (b *bench) internalExtension(t *testing.T) {
	e := b.start(t, func(s *sandbox.Spec) { s.Env["INTERNAL"] = "yes" })
	e.invoke(map[string]any{"Do": "echo"})
	e.await("internal INVOKE")
	e.Shutdown(sandbox.Spindown)
	if got := e.printed(); !slices.Contains(got, "SIGTERM") {
		t.Errorf("printed %q", got)
	}
	e = b.start(t, nil) // without extensions there is no notice
	e.invoke(map[string]any{"Do": "echo"})
	e.Shutdown(sandbox.Spindown)
	<-e.Gone()
}
