// Package wasm is the runtime of functions that are WebAssembly modules (runtime id "wasm"): Brume's own program, started
// a second time inside a function's isolation, which runs the module with WASI preview 1. A module is a command: it is
// started anew for each event, reads it from standard input and writes its answer to standard output; what it prints
// to standard error is its log. An exit status other than 0 is an error.
//
// AWS has no such runtime; everything that a function in it sees besides is as in the others: its variables, /var/task,
// /tmp, the limits of memory and time.
package wasm

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
	"github.com/tetratelabs/wazero/sys"
	"golang.org/x/sys/unix"

	"github.com/brume-dev/brume/sandbox"
)

// Runtime is the runtime id of such functions.
const Runtime = "wasm"

// Variables that the module sees of each invocation, beside the function's own.
const (
	requestVariable  = "AWS_LAMBDA_REQUEST_ID"
	deadlineVariable = "AWS_LAMBDA_DEADLINE_MS"
	arnVariable      = "AWS_LAMBDA_INVOKED_FUNCTION_ARN"
	traceVariable    = "_X_AMZN_TRACE_ID"
)

// File is the path of the module that a handler names in a folder: the file itself, or with the ending .wasm.
func File(folder, handler string) (string, error) {
	for _, name := range []string{handler, handler + ".wasm"} {
		path := filepath.Join(folder, name)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && filepath.IsLocal(name) {
			return path, nil
		}
	}
	return "", fmt.Errorf("no module %s or %s.wasm in the function's code", handler, handler)
}

// Compile compiles the module in a file into the cache in dir, where Main finds it: that takes seconds for a large one.
func Compile(ctx context.Context, dir, file string) error {
	code, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("wasm: %w", err)
	}
	r, closer, err := newRuntime(ctx, dir)
	if err != nil {
		return err
	}
	defer closer()
	if _, err := r.CompileModule(ctx, code); err != nil {
		return fmt.Errorf("wasm: %w", err)
	}
	// Functions run as other users, who must be able to read what has been compiled.
	return filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.Chmod(path, 0o755)
		}
		return os.Chmod(path, 0o644)
	})
}

// newRuntime returns a runtime that keeps compiled code in dir.
func newRuntime(ctx context.Context, dir string) (wazero.Runtime, func(), error) {
	config := wazero.NewRuntimeConfig().WithCloseOnContextDone(false)
	var cache wazero.CompilationCache
	if dir != "" {
		var err error
		if cache, err = wazero.NewCompilationCacheWithDir(dir); err != nil {
			return nil, nil, fmt.Errorf("wasm: %w", err)
		}
		config = config.WithCompilationCache(cache)
	}
	r := wazero.NewRuntimeWithConfig(ctx, config)
	return r, func() {
		_ = r.Close(ctx)
		if cache != nil {
			_ = cache.Close(ctx)
		}
	}, nil
}

// host runs one module.
type host struct {
	runtime wazero.Runtime
	module  wazero.CompiledModule
	config  wazero.ModuleConfig
	limit   uint64 // bytes of the module's memory
}

// Main is the runtime: it compiles, or finds compiled, the module in file and serves events until the Runtime API is gone.
func Main(file, cache string) error {
	ctx := context.Background()
	api := &client{address: os.Getenv("AWS_LAMBDA_RUNTIME_API")}
	h, err := open(ctx, file, cache)
	if err != nil {
		return errors.Join(err, api.fail("init/error", "Runtime.InvalidEntrypoint", err.Error()))
	}
	for {
		in, err := api.next()
		if err != nil {
			return err
		}
		out, err := h.run(ctx, in)
		switch {
		case errors.Is(err, errTooLarge): // as the Runtime API itself says it
			err = api.post("invocation/"+in.ID+"/response", "", out)
		case err != nil:
			err = api.fail("invocation/"+in.ID+"/error", "Runtime.ExitError",
				fmt.Sprintf("RequestId: %s Error: Runtime exited with error: %v", in.ID, err))
		default:
			err = api.post("invocation/"+in.ID+"/response", "", out)
		}
		if err != nil {
			return err
		}
	}
}

func open(ctx context.Context, file, cache string) (*host, error) {
	code, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	if cache != "" {
		if info, err := os.Stat(cache); err != nil || !info.IsDir() {
			cache = ""
		}
	}
	r, _, err := newRuntime(ctx, cache)
	if err != nil {
		return nil, err
	}
	wasi_snapshot_preview1.MustInstantiate(ctx, r)
	module, err := r.CompileModule(ctx, code)
	if err != nil {
		return nil, err
	}
	var megabytes uint64
	_, _ = fmt.Sscan(os.Getenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"), &megabytes)
	if megabytes == 0 {
		megabytes = sandbox.MinMemoryMB
	}
	task := os.Getenv("LAMBDA_TASK_ROOT")
	tmp := os.Getenv("TMPDIR")
	if tmp == "" {
		tmp = "/tmp"
	}
	fs := wazero.NewFSConfig().WithReadOnlyDirMount(task, "/var/task").WithDirMount(tmp, "/tmp")
	config := wazero.NewModuleConfig().WithName("").WithArgs(filepath.Base(file)).WithStderr(os.Stderr).WithFSConfig(fs).
		WithSysWalltime().WithSysNanotime().WithSysNanosleep().WithRandSource(rand.Reader)
	for _, v := range os.Environ() {
		if name, value, ok := strings.Cut(v, "="); ok && name != "TMPDIR" {
			config = config.WithEnv(name, value)
		}
	}
	return &host{runtime: r, module: module, config: config, limit: megabytes << 20}, nil
}

// errTooLarge says that the answer is over the limit of the Runtime API, which will say so.
var errTooLarge = errors.New("the answer is too large")

// run starts the module with an event and returns what it wrote.
func (h *host) run(ctx context.Context, in *event) ([]byte, error) {
	out := &answer{}
	memory := &memory{limit: h.limit}
	config := h.config.WithStdin(bytes.NewReader(in.Payload)).WithStdout(out).WithEnv(requestVariable, in.ID).
		WithEnv(deadlineVariable, in.Deadline).WithEnv(arnVariable, in.ARN).WithEnv(traceVariable, in.Trace)
	module, err := h.runtime.InstantiateModule(experimental.WithMemoryAllocator(ctx, memory), h.module, config)
	if module != nil {
		_ = module.Close(ctx)
	}
	var exit *sys.ExitError
	switch {
	case errors.As(err, &exit) && exit.ExitCode() == 0:
		err = nil
	case errors.As(err, &exit):
		err = fmt.Errorf("exit status %d", exit.ExitCode())
	}
	if err != nil {
		if memory.refused {
			return nil, fmt.Errorf("%w (out of memory)", err)
		}
		return nil, err
	}
	if len(out.b) == 0 {
		return []byte("null"), nil
	}
	if len(out.b) > sandbox.MaxResponse {
		return out.b, errTooLarge
	}
	return out.b, nil
}

// answer keeps what is written, up to one byte more than an answer may have.
type answer struct{ b []byte }

func (a *answer) Write(b []byte) (int, error) {
	a.b = append(a.b, b[:min(len(b), sandbox.MaxResponse+1-len(a.b))]...)
	return len(b), nil
}

// memory gives modules memory up to a limit.
type memory struct {
	limit   uint64
	refused bool // more was asked for
	b       []byte
}

// Allocate implements experimental.MemoryAllocator. The whole of what a module may have is reserved at once, and comes from
// the machine as the module touches it.
func (m *memory) Allocate(_, _ uint64) experimental.LinearMemory {
	b, err := unix.Mmap(-1, 0, int(m.limit), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err == nil {
		m.b = b
	}
	return m
}

// Reallocate implements experimental.LinearMemory.
func (m *memory) Reallocate(size uint64) []byte {
	if size > uint64(len(m.b)) {
		m.refused = true
		return nil
	}
	return m.b[:size]
}

// Free implements experimental.LinearMemory.
func (m *memory) Free() {
	if m.b != nil {
		_ = unix.Munmap(m.b)
		m.b = nil
	}
}

var _ io.Writer = (*answer)(nil)

// document is the error document.
func document(kind, message string) []byte {
	b, _ := json.Marshal(map[string]string{"errorType": kind, "errorMessage": message}) // texts: cannot fail
	return b
}
