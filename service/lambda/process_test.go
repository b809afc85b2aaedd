package lambda_test

import (
	"context"
	"encoding/base64"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/sandbox/interpreter"
	"github.com/brume-dev/brume/sandbox/process"
)

func TestMain(m *testing.M) {
	process.Stage()
	os.Exit(m.Run())
}

// realRig is a rig whose functions are processes.
func realRig(t testing.TB) *rig {
	t.Helper()
	home, _ := os.UserHomeDir()
	dir, err := os.MkdirTemp("", "brume-lambda-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	runner := process.New(process.Config{Dir: filepath.Join(dir, "sandbox"), Endpoint: "127.0.0.1:1", Clock: clock.Real(),
		Interpreters: &interpreter.Finder{Path: os.Getenv("PATH"), Home: home}})
	t.Cleanup(func() {
		if err := runner.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := runner.Probe(context.Background()); err != nil {
		t.Skip(err)
	}
	if _, err := runner.Runtime(context.Background(), "python3.12"); err != nil {
		t.Skip(err)
	}
	return newRig(t, options{runner: runner})
}

func (r *rig) python(name, text string, change func(*lambdaapi.CreateFunctionRequest)) {
	r.t.Helper()
	r.create(name, func(in *lambdaapi.CreateFunctionRequest) {
		handler := "app.handler"
		in.Handler, in.Code.ZipFile = &handler, archive(map[string]string{"app.py": text})
		if change != nil {
			change(in)
		}
	})
}

// A function runs as a process: what it prints is in its log, and what it does wrong is answered as AWS does.
func TestRealFunctions(t *testing.T) {
	r := realRig(t)
	one := int32(1)
	r.python("f", `
import logging, os, sys, time
logging.getLogger().setLevel("INFO")
kept = []
def handler(event, context):
    print("printed")
    logging.info("logged\ntwice")
    if event == "exit": os._exit(3)
    if event == "sleep": time.sleep(60)
    if event == "memory":
        while True: kept.append(bytearray(1 << 20))
    if event == "raise": raise ValueError("bad")
    return [event, context.function_name, context.memory_limit_in_mb]
`, func(in *lambdaapi.CreateFunctionRequest) { in.Timeout = &one })
	for _, c := range []struct{ event, answer, log string }{
		{`"hello"`, `["hello", "f", "128"]`, "printed\n[INFO]\t"},
		{`"raise"`, `"errorType": "ValueError"`, "[ERROR] ValueError: bad"},
		{`"exit"`, `Error: Runtime exited with error: exit status 3"}`, "printed\n"},
		{`"sleep"`, `Error: Task timed out after 1.00 seconds"}`, "Task timed out after 1.00 seconds"},
		{`"memory"`, `Error: Runtime exited with error: signal: killed"}`, "Max Memory Used: 128 MB"},
	} {
		if c.event == `"memory"` {
			minute := int32(60)
			if _, err := r.client.UpdateFunctionConfiguration(t.Context(), alice, &lambdaapi.UpdateFunctionConfigurationRequest{FunctionName: "f", Timeout: &minute}); err != nil {
				t.Fatal(err)
			}
		}
		out, err := r.invoke("f", c.event, func(in *lambdaapi.InvocationRequest) { in.LogType = lambdaapi.LogTypeTail })
		if err != nil {
			t.Fatal(err)
		}
		tail, _ := base64.StdEncoding.DecodeString(*out.LogResult)
		if !strings.Contains(string(out.Payload), c.answer) || !strings.Contains(string(tail), c.log) {
			t.Errorf("%s: %s\n%s", c.event, out.Payload, tail)
		}
	}
}

// BenchmarkWarmInvoke is Invoke of a Python function that is warm, with all that the service does.
func BenchmarkWarmInvoke(b *testing.B) {
	r := realRig(b)
	r.python("f", "def handler(event, context):\n    return event\n", nil)
	r.must("f", "{}", nil)
	took := make([]time.Duration, 0, b.N)
	for b.Loop() {
		begun := time.Now()
		r.must("f", `{"a":1}`, nil)
		took = append(took, time.Since(begun))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "µs-p50")
}

// BenchmarkColdInvoke is Invoke of a Python function that has no environment.
func BenchmarkColdInvoke(b *testing.B) {
	r := realRig(b)
	r.python("f", "def handler(event, context):\n    return event\n", nil)
	r.must("f", "{}", nil)
	best := time.Hour
	for b.Loop() {
		b.StopTimer()
		memory := int32(128 + b.N%2)
		if _, err := r.client.UpdateFunctionConfiguration(b.Context(), alice, &lambdaapi.UpdateFunctionConfigurationRequest{FunctionName: "f", MemorySize: &memory}); err != nil {
			b.Fatal(err)
		}
		r.advance(0)
		begun := time.Now()
		b.StartTimer()
		r.must("f", "{}", nil)
		best = min(best, time.Since(begun))
	}
	b.ReportMetric(float64(best.Microseconds())/1000, "ms-best")
}
