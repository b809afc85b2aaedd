package fleet

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/sandbox"
)

// still is an environment that notes what is done to it.
type still struct {
	sandbox.Environment
	mu      sync.Mutex
	frozen  bool
	stopped int
	broken  bool
	gone    chan struct{}
}

func (e *still) Freeze() error { e.mu.Lock(); defer e.mu.Unlock(); e.frozen = true; return nil }
func (e *still) Thaw() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.broken {
		return errors.New("broken")
	}
	e.frozen = false
	return nil
}
func (e *still) Stop()                   { e.mu.Lock(); defer e.mu.Unlock(); e.stopped++ }
func (e *still) Shutdown(sandbox.Reason) { e.Stop() }
func (e *still) Gone() <-chan struct{}   { return e.gone }
func (e *still) state() (frozen bool, stopped int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.frozen, e.stopped
}

var key = Key{Function: "f", Version: "$LATEST", Epoch: "1"}

// rig is a fleet on the machine's clock, which synctest moves.
func rig(t *testing.T, memory func() float64) (*Fleet, func(Key) (*Member, *still), context.CancelFunc) {
	f := New(Config{Clock: clock.Frozen(time.Now()), Now: time.Now, Memory: memory})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { _ = f.Run(ctx); close(done) }()
	t.Cleanup(func() { cancel(); <-done })
	return f, func(k Key) (*Member, *still) {
		e := &still{gone: make(chan struct{})}
		m := &Member{Environment: e, Key: k, Expires: time.Now().Add(24 * time.Hour)}
		if !f.Add(m) {
			t.Fatal("not taken")
		}
		return m, e
	}, cancel
}

func TestReuseAndFreeze(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, add, _ := rig(t, nil)
		m, e := add(key)
		if f.Take(key, time.Now()) != nil {
			t.Error("a busy environment was taken")
		}
		f.Return(m)
		if frozen, _ := e.state(); frozen {
			t.Error("frozen at once")
		}
		time.Sleep(freezeAfter + time.Millisecond)
		if frozen, _ := e.state(); !frozen {
			t.Error("not frozen")
		}
		if other := f.Take(Key{Function: "f", Version: "$LATEST", Epoch: "2"}, time.Now()); other != nil {
			t.Error("taken for other code")
		}
		if got := f.Take(key, time.Now()); got != m {
			t.Error("not taken again")
		}
		if frozen, _ := e.state(); frozen {
			t.Error("taken and frozen")
		}
		time.Sleep(time.Second)
		if frozen, _ := e.state(); frozen {
			t.Error("frozen while busy")
		}
		f.Return(m)
		time.Sleep(stopAfter + 2*lookEvery)
		if _, stopped := e.state(); stopped != 1 {
			t.Errorf("stopped %d times after a long idle time", stopped)
		}
		if all, busy := f.Size(); all != 0 || busy != 0 {
			t.Errorf("%d environments, %d busy", all, busy)
		}
	})
}

// What has ended, cannot be thawed or has credentials that end too soon is stopped instead of used.
func TestUnusable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, add, _ := rig(t, nil)
		gone, e1 := add(key)
		broken, e2 := add(key)
		short, e3 := add(key)
		short.Expires = time.Now().Add(time.Minute)
		for _, m := range []*Member{gone, broken, short} {
			f.Return(m)
		}
		close(e1.gone)
		e2.broken = true
		if f.Take(key, time.Now().Add(time.Hour)) != nil {
			t.Error("taken")
		}
		synctest.Wait()
		for i, e := range []*still{e1, e2, e3} {
			if _, stopped := e.state(); stopped != 1 {
				t.Errorf("environment %d stopped %d times", i, stopped)
			}
		}
	})
}

func TestRetire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, add, _ := rig(t, nil)
		idle, e1 := add(key)
		busy, e2 := add(key)
		other, e3 := add(Key{Function: "g"})
		f.Return(idle)
		f.Return(other)
		f.Retire(func(k Key) bool { return k.Function == "f" })
		synctest.Wait()
		if _, stopped := e1.state(); stopped != 1 {
			t.Error("the idle one goes on")
		}
		if _, stopped := e2.state(); stopped != 0 {
			t.Error("the busy one was stopped")
		}
		f.Return(busy)
		synctest.Wait()
		if _, stopped := e2.state(); stopped != 1 {
			t.Error("the busy one goes on after its invocation")
		}
		if _, stopped := e3.state(); stopped != 0 {
			t.Error("another function's was stopped")
		}
	})
}

// When memory is scarce the longest idle half goes.
func TestScarceMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var low atomic.Bool
		f, add, _ := rig(t, func() float64 {
			if low.Load() {
				return scarce / 2
			}
			return 1
		})
		var all []*still
		for i := range 4 {
			m, e := add(key)
			all = append(all, e)
			if i == 2 {
				time.Sleep(time.Minute + time.Second/2) // not at the moment of a look
			}
			f.Return(m)
		}
		low.Store(true)
		time.Sleep(lookEvery + time.Second)
		stopped := 0
		for _, e := range all {
			_, n := e.state()
			stopped += n
		}
		if _, last := all[3].state(); stopped == 0 || stopped == 4 || last != 0 {
			t.Errorf("%d stopped, of the newest %d", stopped, last)
		}
	})
}

// At the end what is busy has a moment, and then everything is stopped.
func TestEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, add, cancel := rig(t, nil)
		idle, e1 := add(key)
		busy, e2 := add(key)
		f.Return(idle)
		cancel()
		synctest.Wait()
		select {
		case <-f.Draining():
		default:
			t.Error("nobody says that it drains")
		}
		if _, stopped := e2.state(); stopped != 0 {
			t.Error("the busy one was stopped at once")
		}
		time.Sleep(drain + time.Second)
		f.Return(busy)
		synctest.Wait()
		for _, e := range []*still{e1, e2} {
			if _, stopped := e.state(); stopped == 0 {
				t.Error("one goes on")
			}
		}
		late := &Member{Environment: &still{gone: make(chan struct{})}, Key: key}
		if f.Add(late) {
			t.Error("taken after the end")
		}
	})
}

func TestCapacity(t *testing.T) {
	c := NewCapacity()
	two := 2
	reserved := Share{Home: "h", Function: "f", Reserved: &two, Shared: 1}
	shared := Share{Home: "h", Function: "g", Shared: 1}
	leave1, ok1 := c.Enter(reserved)
	_, ok2 := c.Enter(reserved)
	_, ok3 := c.Enter(reserved)
	leave4, ok4 := c.Enter(shared)
	_, ok5 := c.Enter(Share{Home: "h", Function: "other", Shared: 1})
	_, ok6 := c.Enter(Share{Home: "elsewhere", Function: "other", Shared: 1})
	if !ok1 || !ok2 || ok3 || !ok4 || ok5 || !ok6 {
		t.Error(ok1, ok2, ok3, ok4, ok5, ok6)
	}
	if c.Running("f") != 2 {
		t.Errorf("%d running", c.Running("f"))
	}
	leave1()
	leave1() // once is enough
	leave4()
	if _, ok := c.Enter(reserved); !ok || c.Running("f") != 2 {
		t.Errorf("after one has left: %v, %d running", ok, c.Running("f"))
	}
	if _, ok := c.Enter(shared); !ok {
		t.Error("no room after one has left")
	}
}

func TestFreeMemory(t *testing.T) {
	if free := FreeMemory(); free <= 0 || free > 1 {
		t.Errorf("free memory: %v", free)
	}
	for text, want := range map[string]float64{"MemTotal: 100 kB\n": 100, "x": -1, "MemTotal:": -1, "MemTotal: many": -1} {
		if got := field([]byte(text), "MemTotal:"); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

// What is provisioned is there when it is initialised, which its first Return says, and not before.
func TestProvisioned(t *testing.T) {
	f := New(Config{Clock: clock.Frozen(time.Now()), Now: time.Now})
	expect := func(when string, all, busy, kept int) {
		t.Helper()
		if a, b := f.Provisioned(key); a != all || b != busy || f.provisioned[key] != kept {
			t.Errorf("%s: %d, of which %d work, and %d on the way or there; want %d, %d, %d", when, a, b, f.provisioned[key], all, busy, kept)
		}
	}
	var members []*Member
	for range 3 {
		m := &Member{Environment: &still{gone: make(chan struct{})}, Key: key, Expires: time.Now().Add(24 * time.Hour), Provisioned: true}
		if !f.Add(m) {
			t.Fatal("not taken")
		}
		members = append(members, m)
	}
	expect("while they are initialised", 0, 0, 3)
	f.Return(members[0])
	expect("when one is", 1, 0, 3)
	f.Drop(members[1])
	expect("when one has failed", 1, 0, 2)
	if f.TakeReady(key, time.Now()) != members[0] {
		t.Fatal("it cannot be taken")
	}
	expect("while it works", 1, 1, 2)
	f.Retire(func(k Key) bool { return k == key })
	expect("when the version is gone", 0, 0, 0)
	f.Return(members[0])
	f.Return(members[2])
	expect("when they come back", 0, 0, 0)
	if len(f.preparing)+len(f.ready)+len(f.provisioned) != 0 {
		t.Errorf("left in the books: %v, %v, %v", f.preparing, f.ready, f.provisioned)
	}
}

// Who waits has the first environment that is returned and lasts, in turn; who has left gets none.
func TestAwait(t *testing.T) {
	f, add, _ := rig(t, nil)
	soon := time.Now().Add(time.Minute)
	m, e := add(key)
	far, first, gone, second := f.Await(key, time.Now().Add(48*time.Hour)), f.Await(key, soon), f.Await(key, soon), f.Await(key, soon)
	if gone.Leave() != nil || !f.Awaited(key) || f.Awaited(Key{Function: "g"}) {
		t.Error("an environment before there is one")
	}
	f.Return(m)
	if got := <-first.Got(); got != m || first.Leave() != nil {
		t.Error("not handed over")
	}
	if frozen, _ := e.state(); frozen || f.Take(key, soon) != nil {
		t.Error("the environment is idle")
	}
	f.Return(m)
	if second.Leave() != m {
		t.Error("what came is not given when leaving")
	}
	f.Return(m)
	if f.Take(key, soon) != m || far.Leave() != nil || f.Awaited(key) {
		t.Error("one whose credentials end too early was handed over")
	}
	other, broken := add(key)
	close(broken.gone)
	w := f.Await(key, soon)
	f.Return(other)
	if w.Leave() != nil {
		t.Error("an environment that has ended was handed over")
	}
	f.Drop(m)
}
