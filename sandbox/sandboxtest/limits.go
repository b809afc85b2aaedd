package sandboxtest

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/brume-dev/brume/sandbox"
)

func (b *bench) limits(t *testing.T) {
	t.Run("Memory", b.memory)
	t.Run("Response", b.response)
	t.Run("Descriptors", b.descriptors)
	t.Run("Many", b.many)
}

// A function over its memory is ended, and what it used is known.
func (b *bench) memory(t *testing.T) {
	e := b.start(t, func(s *sandbox.Spec) { s.MemoryMB = 128 })
	e.invoke(map[string]any{"Do": "memory", "N": 40})
	if got := e.Usage().MaxMemory >> 20; got < 40 || got > 100 {
		t.Errorf("used %d MB, want a little more than 40", got)
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	_, err := e.invokeContext(ctx, map[string]any{"Do": "memory", "N": 4000})
	var exit *sandbox.ExitError
	if !errors.As(err, &exit) || !exit.OutOfMemory || exit.Error() != "Runtime exited with error: signal: killed" {
		t.Fatalf("a memory hog: %v", err)
	}
	if got := e.Usage().MaxMemory >> 20; got != 128 {
		t.Errorf("used %d MB, want all of 128", got)
	}
	// The memory of children counts too.
	e = b.start(t, func(s *sandbox.Spec) { s.MemoryMB = 128 })
	_, err = e.invokeContext(ctx, map[string]any{"Do": "hogs", "N": 60})
	if !errors.As(err, &exit) || !exit.OutOfMemory {
		t.Fatalf("children that hog memory: %v", err)
	}
}

func (b *bench) response(t *testing.T) {
	e := b.start(t, nil)
	const most = sandbox.MaxResponse - 2 // the quotes of the string
	if r := e.invoke(map[string]any{"Do": "answer", "N": most}); r.Failed || len(r.Payload) != sandbox.MaxResponse {
		t.Errorf("the largest answer: %d bytes, %s", len(r.Payload), r.ErrorType)
	}
	r := e.invoke(map[string]any{"Do": "answer", "N": most + 1})
	if !r.Failed || r.ErrorType != "Function.ResponseSizeTooLarge" ||
		!strings.Contains(string(r.Payload), "exceeded maximum allowed payload size (6291556 bytes)") {
		t.Errorf("a larger one: %d bytes, %s", len(r.Payload), r.ErrorType)
	}
	if got, _ := e.ask(map[string]any{"Do": "echo", "Text": "still"}); got != `"still"` {
		t.Errorf("afterwards: %s", got)
	}
}

func (b *bench) descriptors(t *testing.T) {
	e := b.start(t, nil)
	if _, fail := e.ask(map[string]any{"Do": "open", "Path": "/dev/null", "N": 2000}); !strings.Contains(fail, "too many open files") {
		t.Errorf("2000 open files: %s", fail)
	}
}

// Many environments start, work and stop at the same time.
func (b *bench) many(t *testing.T) {
	const n = 16
	done := make(chan error, n)
	for range n {
		go func() {
			e, err := b.try(t, nil)
			if err == nil {
				var r *sandbox.Result
				ctx, cancel := context.WithTimeout(context.Background(), timeout)
				defer cancel()
				if r, err = e.invokeContext(ctx, map[string]any{"Do": "echo", "Text": "x"}); err == nil && string(r.Payload) != `"x"` {
					err = errors.New(string(r.Payload))
				}
				e.Stop()
			}
			done <- err
		}()
	}
	for range n {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}
