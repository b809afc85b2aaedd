package process_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/brume-dev/brume/sandbox/interpreter"
	"github.com/brume-dev/brume/sandbox/process"
	"github.com/brume-dev/brume/sandbox/sandboxtest"
)

func TestMain(m *testing.M) {
	process.Stage()
	os.Exit(m.Run())
}

// finder is asked by all tests: what it finds does not change.
var finder = &interpreter.Finder{Path: os.Getenv("PATH"), Home: os.Getenv("HOME")}

func newRunner(t testing.TB, change func(*process.Config, *process.Runner)) *process.Runner {
	dir, err := os.MkdirTemp("", "brume-sandbox-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	r := process.New(process.Config{Dir: filepath.Join(dir, "sandbox"), Endpoint: "127.0.0.1:1",
		Interpreters: finder,
		Log:          slog.New(slog.NewTextHandler(testWriter{t}, nil))})
	if change != nil {
		change(&r.Config, r)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	if err := r.Probe(context.Background()); err != nil {
		t.Skipf("this kind of isolation is not available here: %v", err)
	}
	t.Log(r.Describe())
	return r
}

type testWriter struct{ t testing.TB }

func (w testWriter) Write(b []byte) (int, error) {
	w.t.Logf("%s", b)
	return len(b), nil
}

// The suite runs over every way to start functions that the machine has: as root with many users, as root without user
// namespaces, bare, and as a user who has only himself.
func TestRunner(t *testing.T) {
	for _, c := range []struct {
		name      string
		euid, n   int
		languages bool
	}{{"ManyUsers", 0, 0, true}, {"HostUsers", 0, 1, false}, {"Bare", 0, 2, true}, {"OneUser", 1000, 0, false}} {
		t.Run(c.name, func(t *testing.T) {
			if c.euid != os.Geteuid() && os.Geteuid() != 0 {
				t.Skip("needs root")
			}
			r := newRunner(t, func(_ *process.Config, r *process.Runner) { r.Only(c.euid, c.n); r.Unhurried() })
			secret := filepath.Join(t.TempDir(), "secret")
			if err := os.WriteFile(secret, []byte("secret"), 0o644); err != nil {
				t.Fatal(err)
			}
			sandboxtest.Run(t, sandboxtest.Subject{Runner: r, Isolated: r.Isolated(), Languages: c.languages,
				Secret: secret, Source: "../sandboxtest/testdata"})
		})
	}
}
