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

func newRunner(t testing.TB, change func(*process.Config)) *process.Runner {
	dir, err := os.MkdirTemp("", "brume-sandbox-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	c := process.Config{Dir: filepath.Join(dir, "sandbox"), Endpoint: "127.0.0.1:1",
		Interpreters: &interpreter.Finder{Path: os.Getenv("PATH"), Home: os.Getenv("HOME")},
		Log:          slog.New(slog.NewTextHandler(testWriter{t}, nil))}
	if change != nil {
		change(&c)
	}
	r := process.New(c)
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	if err := r.Probe(context.Background()); err != nil {
		t.Fatal(err)
	}
	t.Log(r.Describe())
	return r
}

type testWriter struct{ t testing.TB }

func (w testWriter) Write(b []byte) (int, error) {
	w.t.Logf("%s", b)
	return len(b), nil
}

func TestRunner(t *testing.T) {
	r := newRunner(t, nil)
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("secret"), 0o644); err != nil {
		t.Fatal(err)
	}
	sandboxtest.Run(t, sandboxtest.Subject{Runner: r, Isolated: r.Isolated(), Secret: secret, Source: "../sandboxtest/testdata"})
}
