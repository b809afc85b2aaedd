package process_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/brume-dev/brume/sandbox"
	"github.com/brume-dev/brume/sandbox/process"
)

// burst starts n environments at once, invokes each once, and returns how long each took from the first order.
func burst(t testing.TB, r sandbox.Runner, s sandbox.Spec, n int) []time.Duration {
	took := make([]time.Duration, n)
	errs := make(chan error)
	begun := time.Now()
	for i := range n {
		go func() {
			spec := s
			spec.ID = fmt.Sprintf("%s-%d", s.ID, i)
			ctx, cancel := context.WithTimeout(context.Background(), waiting)
			defer cancel()
			e, err := r.Start(ctx, &spec)
			if err == nil {
				_, err = e.Invoke(ctx, &sandbox.Invocation{ID: "r", Payload: []byte("{}"), Deadline: time.Now().Add(waiting)})
				took[i] = time.Since(begun)
				t.Cleanup(e.Stop)
			}
			errs <- err
		}()
	}
	for range n {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	return took
}

// Environments that start at once beside others that use every processor all come through. Before functions had a weight
// of their own, and a start that of a whole processor, one of them did not come through its init phase in 10 s.
func TestBurst(t *testing.T) {
	r := newRunner(t, nil)
	s := pythonSpec(t, r, "def handler(e, c):\n    return 1\n")
	loop := pythonSpec(t, r, "def handler(e, c):\n    while True: pass\n")
	loop.MemoryMB, s.MemoryMB = 128, 128
	ctx, stop := context.WithCancel(context.Background())
	loops := make(chan error)
	for i := range 4 {
		go func() {
			spec := loop
			spec.ID = fmt.Sprint("loop-", i)
			e, err := r.Start(ctx, &spec)
			if err == nil {
				_, err = e.Invoke(ctx, &sandbox.Invocation{ID: "r", Payload: []byte("{}")})
				e.Stop()
			}
			loops <- err
		}()
	}
	t.Logf("answers after %v", burst(t, r, s, 32))
	stop()
	for range 4 {
		if err := <-loops; !errors.Is(err, context.Canceled) {
			t.Errorf("a loop ended: %v", err)
		}
	}
}

// An environment has the weight of a whole processor while it starts, and then what its memory entitles it to.
func TestWeightWhileStarting(t *testing.T) {
	r := newRunner(t, nil)
	s := pythonSpec(t, r, "import os\nwhile not os.path.exists('/tmp/go'):\n    pass\ndef handler(e, c):\n    return 1\n")
	s.MemoryMB = 177 // a tenth of a processor
	e, err := r.Start(context.Background(), &s)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Stop()
	starting, ok := process.Weight(e)
	if !ok {
		t.Skip("no control groups that weigh")
	}
	if starting != 1024 {
		t.Errorf("weight while it starts: %d", starting)
	}
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/root/tmp/go", process.Pid(e)), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	invoke(t, e)
	for deadline := time.Now().Add(waiting); ; time.Sleep(time.Millisecond) {
		if after, _ := process.Weight(e); after == 102 {
			break
		} else if time.Now().After(deadline) {
			t.Fatalf("weight afterwards: %d", after)
		}
	}
}

// Initialisations that take for ever hold up others for a moment only.
func TestStartsBesideSlowOnes(t *testing.T) {
	r := newRunner(t, nil)
	slow := pythonSpec(t, r, "import time\ntime.sleep(3600)\n")
	for i := range r.Places() + 1 {
		spec := slow
		spec.ID = fmt.Sprint("slow-", i)
		e, err := r.Start(context.Background(), &spec)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(e.Stop)
	}
	if got := invoke(t, python(t, r, "def handler(e, c):\n    return 1\n", nil)); got != "1" {
		t.Errorf("got %s", got)
	}
}

// What a function used is known after each invocation, although it is not read each time.
func TestPeakAfterEachInvocation(t *testing.T) {
	r := newRunner(t, nil)
	e := python(t, r, "def handler(e, c):\n    bytearray(e['MB'] << 20)\n    return 1\n", nil)
	for _, c := range []struct{ mb, least, most int64 }{{0, 5, 30}, {0, 5, 30}, {60, 60, 100}, {0, 60, 100}, {100, 100, 150}} {
		ctx, cancel := context.WithTimeout(context.Background(), waiting)
		_, err := e.Invoke(ctx, &sandbox.Invocation{ID: "r", Payload: fmt.Appendf(nil, `{"MB": %d}`, c.mb)})
		cancel()
		if err != nil {
			t.Fatal(err)
		}
		if got := e.Usage().MaxMemory >> 20; got < c.least || got > c.most {
			t.Errorf("after %d MB: %d MB, want %d to %d", c.mb, got, c.least, c.most)
		}
	}
}
