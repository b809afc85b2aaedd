package process_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/brume-dev/brume/sandbox"
)

// spec returns a spec for the runtime with code of one file.
func spec(b *testing.B, runtime, name, text string) *sandbox.Spec {
	dir := b.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		b.Fatal(err)
	}
	if name == "bootstrap" {
		cmd := exec.Command("go", "build", "-o", filepath.Join(dir, name), ".")
		cmd.Dir = "../sandboxtest/testdata/bootstrap"
		if out, err := cmd.CombinedOutput(); err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
	} else if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
		b.Fatal(err)
	}
	return &sandbox.Spec{ID: "bench", Runtime: runtime, Code: dir, MemoryMB: 128, TmpMB: 512,
		Env: map[string]string{"_HANDLER": "app.handler", "AWS_EXECUTION_ENV": "AWS_Lambda_" + runtime}}
}

func subjects(b *testing.B) map[string]*sandbox.Spec {
	return map[string]*sandbox.Spec{
		"go":     spec(b, "provided.al2023", "bootstrap", ""),
		"python": spec(b, "python3.12", "app.py", "def handler(event, context):\n    return event\n"),
		"node":   spec(b, "nodejs20.x", "app.js", "exports.handler = async (event) => event;\n"),
	}
}

// BenchmarkColdStart is from the order to the end of the first invocation.
func BenchmarkColdStart(b *testing.B) {
	r := newRunner(b, nil)
	for name, s := range subjects(b) {
		b.Run(name, func(b *testing.B) {
			var ready time.Duration
			best := time.Hour
			for i := range b.N {
				s.ID = fmt.Sprintf("cold-%s-%d", name, i)
				begun := time.Now()
				e, err := r.Start(context.Background(), s)
				if err != nil {
					b.Fatal(err)
				}
				ready += time.Since(begun)
				if _, err := e.Invoke(context.Background(), &sandbox.Invocation{ID: "x", Payload: []byte(`{"Do":"echo"}`)}); err != nil {
					b.Fatal(err)
				}
				best = min(best, time.Since(begun))
				b.StopTimer()
				e.Stop()
				b.StartTimer()
			}
			b.ReportMetric(float64(ready.Microseconds())/float64(b.N)/1000, "ms-start/op")
			b.ReportMetric(float64(best.Microseconds())/1000, "ms-best")
		})
	}
}

// BenchmarkWarmInvoke is one invocation after another.
func BenchmarkWarmInvoke(b *testing.B) {
	r := newRunner(b, nil)
	for name, s := range subjects(b) {
		b.Run(name, func(b *testing.B) {
			s.ID = fmt.Sprintf("warm-%s-%d", name, b.N)
			e, err := r.Start(context.Background(), s)
			if err != nil {
				b.Fatal(err)
			}
			defer e.Stop()
			if _, err := e.Init(context.Background()); err != nil {
				b.Fatal(err)
			}
			b.ResetTimer()
			took := make([]time.Duration, b.N)
			for i := range b.N {
				begun := time.Now()
				in := &sandbox.Invocation{ID: fmt.Sprint(i), Payload: []byte(`{"Do":"echo"}`)}
				if _, err := e.Invoke(context.Background(), in); err != nil {
					b.Fatal(err)
				}
				took[i] = time.Since(begun)
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds()), "µs-p50")
		})
	}
}
