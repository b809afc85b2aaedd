package wasm

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/brume-dev/brume/sandbox"
)

// echo is a module by hand: it reads 64 bytes from standard input and writes what it has read to standard output.
var echo = []byte("\x00asm\x01\x00\x00\x00" +
	"\x01\x0c\x02\x60\x04\x7f\x7f\x7f\x7f\x01\x7f\x60\x00\x00" + // types: (i32×4) → i32, () → ()
	"\x02\x44\x02\x16wasi_snapshot_preview1\x07fd_read\x00\x00\x16wasi_snapshot_preview1\x08fd_write\x00\x00" +
	"\x03\x02\x01\x01" + // function 2 is of type 1
	"\x05\x03\x01\x00\x01" + // one page of memory
	"\x07\x13\x02\x06memory\x02\x00\x06_start\x00\x02" +
	"\x0a\x33\x01\x31\x00" +
	"\x41\x00\x41\x10\x36\x02\x00" + // the buffer is at 16
	"\x41\x04\x41\xc0\x00\x36\x02\x00" + // and has 64 bytes
	"\x41\x00\x41\x00\x41\x01\x41\x08\x10\x00\x1a" + // fd_read(0, …) to 8
	"\x41\x04\x41\x08\x28\x02\x00\x36\x02\x00" + // as much as was read
	"\x41\x01\x41\x00\x41\x01\x41\x08\x10\x01\x1a\x0b")

func TestRun(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "echo.wasm")
	if err := os.WriteFile(file, echo, 0o644); err != nil {
		t.Fatal(err)
	}
	cache := filepath.Join(dir, "cache")
	if err := Compile(context.Background(), cache, file); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
	t.Setenv("LAMBDA_TASK_ROOT", dir)
	t.Setenv("TMPDIR", dir)
	h, err := open(context.Background(), file, cache)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{`{"a":1}`, `"again"`} {
		if got, err := h.run(context.Background(), &event{ID: "r", Payload: []byte(text)}); err != nil || string(got) != text {
			t.Errorf("%s: %s %v", text, got, err)
		}
	}
	if got, err := h.run(context.Background(), &event{ID: "r"}); err != nil || string(got) != "null" {
		t.Errorf("a module that writes nothing: %s %v", got, err)
	}
}

func TestFile(t *testing.T) {
	dir := t.TempDir()
	inner := filepath.Join(dir, "code")
	if err := errors.Join(os.MkdirAll(filepath.Join(inner, "sub"), 0o755), os.WriteFile(filepath.Join(inner, "app.wasm"), nil, 0o644),
		os.WriteFile(filepath.Join(inner, "sub", "x"), nil, 0o644), os.WriteFile(filepath.Join(dir, "out.wasm"), nil, 0o644)); err != nil {
		t.Fatal(err)
	}
	for handler, want := range map[string]string{"app": "app.wasm", "app.wasm": "app.wasm", "sub/x": "sub/x", "sub": "", "nosuch": "", "../out": "", "/app": "", "": ""} {
		got, err := File(inner, handler)
		if rel := strings.TrimPrefix(got, inner+"/"); rel != want || (err == nil) != (want != "") {
			t.Errorf("%q: %s %v, want %s", handler, got, err, want)
		}
	}
}

// What is over the limit of an answer is not kept, and memory ends where it must.
func TestLimits(t *testing.T) {
	var a answer
	for range 8 {
		if n, err := a.Write(bytes.Repeat([]byte("x"), 1<<20)); n != 1<<20 || err != nil {
			t.Fatal(n, err)
		}
	}
	if len(a.b) != sandbox.MaxResponse+1 {
		t.Errorf("kept %d bytes", len(a.b))
	}
	m := &memory{limit: 1 << 20}
	m.Allocate(0, 0)
	defer m.Free()
	if b := m.Reallocate(1 << 20); len(b) != 1<<20 || m.refused {
		t.Errorf("%d bytes, refused %v", len(b), m.refused)
	}
	if b := m.Reallocate(1<<20 + 1); b != nil || !m.refused {
		t.Errorf("over the limit: %d bytes, refused %v", len(b), m.refused)
	}
}
