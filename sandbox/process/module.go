package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/brume-dev/brume/sandbox"
	"github.com/brume-dev/brume/sandbox/wasm"
)

// Functions that are WebAssembly modules are run by Brume's own program, started inside the function's isolation, and
// compiled by it too, in a process of its own: what a module does to its compiler is not done to Brume.

// As the first of three arguments, moduleArg makes the program run a module, and compileArg makes it compile one.
const (
	moduleArg  = "sandbox-wasm"
	compileArg = "sandbox-wasm-compile"
	programAt  = runtimeDir + "/brume"
)

// stageModule does what the arguments say, and does not return then.
func stageModule() {
	if len(os.Args) != 4 {
		return
	}
	var err error
	switch os.Args[1] {
	case moduleArg:
		err = wasm.Main(os.Args[2], os.Args[3])
	case compileArg:
		err = wasm.Compile(context.Background(), os.Args[3], os.Args[2])
	default:
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// isModule reports whether the function is a WebAssembly module.
func (p *plan) isModule() bool { return p.spec.Runtime == wasm.Runtime }

// moduleArgv is the command line of a module's runtime.
func (p *plan) moduleArgv() ([]string, error) {
	file, err := wasm.File(p.spec.Code, p.spec.Env["_HANDLER"])
	if err != nil {
		return nil, &sandbox.EntrypointError{Message: err.Error()}
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return []string{p.seen(programAt, self), moduleArg, p.task() + strings.TrimPrefix(file, p.spec.Code), p.seen(compiledPath, p.compiled)}, nil
}

// compileModule compiles the module of a function into the runner's cache, once for each module, and returns the cache's
// folder.
func (r *Runner) compileModule(ctx context.Context, spec *sandbox.Spec) (string, error) {
	file, err := wasm.File(spec.Code, spec.Env["_HANDLER"])
	if err != nil {
		return "", &sandbox.EntrypointError{Message: err.Error()}
	}
	info, err := os.Stat(file)
	if err != nil {
		return "", fmt.Errorf("sandbox: %w", err)
	}
	cache := filepath.Join(r.Dir, "wasm")
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", fmt.Errorf("sandbox: %w", err)
	}
	key := fmt.Sprintf("%s %d %d", file, info.Size(), info.ModTime().UnixNano())
	r.compiling.Lock()
	c := r.compiled[key]
	if c == nil {
		c = &compilation{done: make(chan struct{})}
		r.compiled[key] = c
		go func() {
			defer close(c.done)
			cmd := exec.CommandContext(r.background, "/proc/self/exe", compileArg, file, cache)
			if self, err := os.Executable(); err == nil {
				cmd.Path = self
			}
			cmd.Dir, cmd.Env = "/", []string{}
			if out, err := cmd.CombinedOutput(); err != nil {
				text := strings.TrimSpace(string(out))
				var exit *exec.ExitError
				if !errors.As(err, &exit) {
					text = err.Error()
				}
				c.err = &sandbox.EntrypointError{Message: filepath.Base(file) + ": " + text}
			}
		}()
	}
	r.compiling.Unlock()
	select {
	case <-c.done:
		return cache, c.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}
