package process

import (
	"context"
	"sync/atomic"

	"github.com/brume-dev/brume/sandbox/bootstrap"
	"github.com/brume-dev/brume/sandbox/interpreter"
)

// compilation is what is prepared for an interpreter, once.
type compilation struct {
	done chan struct{} // closed when environments may start
	err  error         // set before
	// dir is the folder with what has been compiled: the SDK that a Python borrows, which comes later, or the runtime of a
	// Java.
	dir atomic.Pointer[string]
}

// compile prepares the bootstrap for an interpreter and waits until environments may start.
func (r *Runner) compile(ctx context.Context, in *interpreter.Interpreter) error {
	if in == nil || in.Language != interpreter.Python && in.Language != interpreter.Java {
		return nil
	}
	c := r.compilation(in)
	select {
	case <-c.done:
		return c.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// compilation begins to prepare for an interpreter, if that has not been done.
func (r *Runner) compilation(in *interpreter.Interpreter) *compilation {
	r.compiling.Lock()
	defer r.compiling.Unlock()
	c := r.compiled[in.Path]
	if c == nil {
		c = &compilation{done: make(chan struct{})}
		r.compiled[in.Path] = c
		go r.prepareFor(in, c)
	}
	return c
}

func (r *Runner) prepareFor(in *interpreter.Interpreter, c *compilation) {
	if _, err := r.keeper(r.background); err != nil { // it makes the folders
		r.forget(in, c, err)
		return
	}
	if in.Language == interpreter.Java {
		dir, err := bootstrap.CompileJava(r.background, r.Dir, r.bootstraps, in.Path)
		if err != nil {
			r.forget(in, c, err)
			return
		}
		c.dir.Store(&dir)
		close(c.done)
		return
	}
	if err := bootstrap.Compile(r.background, r.bootstraps, in.Path); err != nil {
		r.Log.Warn("sandbox: functions in Python start slower than they could", "problem", err)
	}
	close(c.done)
	if len(in.SDK) == 0 || !r.Isolated() {
		return
	}
	dir, err := bootstrap.CompileSDK(r.background, r.Dir, in.Path, runtimeDir, in.SDK)
	if err != nil {
		r.Log.Debug("sandbox: the SDK is compiled at each start", "problem", err)
		return
	}
	c.dir.Store(&dir)
}

// forget ends a compilation that failed: the next start tries again.
func (r *Runner) forget(in *interpreter.Interpreter, c *compilation, err error) {
	r.compiling.Lock()
	delete(r.compiled, in.Path)
	r.compiling.Unlock()
	c.err = err
	close(c.done)
}

// compiledFor is the folder with what has been compiled for an interpreter, "" when there is none yet.
func (r *Runner) compiledFor(in *interpreter.Interpreter) string {
	r.compiling.Lock()
	c := r.compiled[in.Path]
	r.compiling.Unlock()
	if c == nil {
		return ""
	}
	if dir := c.dir.Load(); dir != nil {
		return *dir
	}
	return ""
}
