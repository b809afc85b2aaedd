// Package fleet keeps the environments of functions: warm ones are used again, idle ones are frozen and after a while
// stopped, the longest idle first when the machine is short of memory. It also counts concurrency, in one place.
package fleet

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/event/logbook"
	"github.com/brume-dev/brume/sandbox"
)

// Our own bounds; AWS names none.
const (
	freezeAfter = 100 * time.Millisecond // idle time after which an environment is frozen
	stopAfter   = 10 * time.Minute       // after which it is stopped
	lookEvery   = 5 * time.Second        // between looks at idle times and at memory
	drain       = 3 * time.Second        // for invocations under way when the platform stops
	scarce      = 0.10                   // part of the machine's memory below which idle environments are stopped
)

// Member is an environment in the fleet.
type Member struct {
	sandbox.Environment
	Key     Key
	Log     *logbook.Stream
	Role    aws.Identity // the execution role's session
	Expires time.Time    // of the role's credentials, by the platform's clock
	Release func()       // called once when the environment has stopped
	// Provisioned says that the environment waits for invocations that are to come.
	Provisioned bool
	prepared    bool // it is Provisioned and has been returned once; the fleet's mu is held

	mu     sync.Mutex
	busy   bool
	timer  *time.Timer // freezes it
	idle   time.Time   // since when, by the machine's clock
	ending sync.Once
}

// Key says what an environment is made from: only an invocation with the same Key may have it.
type Key struct {
	Function string // the function's own id, unique for ever
	Version  string // "$LATEST", "7"
	Epoch    string // changes with the code and configuration
}

// Config is what a Fleet needs.
type Config struct {
	Clock  clock.Clock
	Now    func() time.Time // the machine's clock
	Memory func() float64   // the part of the machine's memory that is free; nil: it is not watched
	Log    *slog.Logger
}

// Fleet has the environments of a platform.
type Fleet struct {
	Config
	draining chan struct{}

	mu          sync.Mutex
	idle        map[Key][]*Member // the last one was used last
	ready       map[Key][]*Member // those of Provisioned that are not busy
	all         map[*Member]struct{}
	provisioned map[Key]int // how many of all
	preparing   map[Key]int // how many of provisioned have never been returned
	waiting     map[Key][]*Wait
	busy        int
	quiet       chan struct{} // closed when draining and nothing is busy
	closed      bool
}

// New returns an empty fleet; its loop is Run.
func New(c Config) *Fleet {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Memory == nil {
		c.Memory = func() float64 { return 1 }
	}
	return &Fleet{Config: c, draining: make(chan struct{}), idle: map[Key][]*Member{}, ready: map[Key][]*Member{}, provisioned: map[Key]int{}, preparing: map[Key]int{}, waiting: map[Key][]*Wait{}, all: map[*Member]struct{}{},
		quiet: make(chan struct{})}
}

// Take returns a warm environment for key whose credentials last until needed, or nil. It is the caller's until Return or
// Drop.
func (f *Fleet) Take(key Key, needed time.Time) *Member { return f.take(f.idle, key, needed) }

// TakeReady is Take for a provisioned environment that waits.
func (f *Fleet) TakeReady(key Key, needed time.Time) *Member { return f.take(f.ready, key, needed) }

func (f *Fleet) take(from map[Key][]*Member, key Key, needed time.Time) *Member {
	for {
		f.mu.Lock()
		list := from[key]
		if len(list) == 0 {
			f.mu.Unlock()
			return nil
		}
		m := list[len(list)-1]
		set(from, key, list[:len(list)-1])
		f.busy++
		f.mu.Unlock()
		if m.wake() && m.Expires.After(needed) {
			return m
		}
		f.Drop(m)
	}
}

// set replaces the list of key.
func set(lists map[Key][]*Member, key Key, list []*Member) {
	if len(list) == 0 {
		delete(lists, key)
		return
	}
	lists[key] = list
}

// wake makes an idle environment run; false when it cannot.
func (m *Member) wake() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.busy = true
	if m.timer != nil {
		m.timer.Stop()
	}
	return !m.ended() && m.Thaw() == nil
}

// Add takes a new environment into the fleet, busy with the invocation that it was started for. It reports whether the
// fleet still takes any; if not, the environment is stopped.
func (f *Fleet) Add(m *Member) bool {
	m.busy = true
	f.mu.Lock()
	closed := f.closed
	if !closed {
		f.all[m] = struct{}{}
		if m.Provisioned {
			f.provisioned[m.Key]++
			f.preparing[m.Key]++
		}
	}
	f.busy++
	f.mu.Unlock()
	if closed {
		f.Drop(m)
	}
	return !closed
}

// Return gives an environment back that may be used again.
func (f *Fleet) Return(m *Member) {
	if f.hand(m) {
		return
	}
	m.mu.Lock()
	m.busy, m.idle = false, f.Now()
	m.timer = time.AfterFunc(freezeAfter, m.freeze)
	m.mu.Unlock()
	f.mu.Lock()
	_, ours := f.all[m] // else it was retired meanwhile
	if ours && !f.closed {
		if m.Provisioned {
			f.prepare(m)
			f.ready[m.Key] = append(f.ready[m.Key], m)
		} else {
			f.idle[m.Key] = append(f.idle[m.Key], m)
		}
		f.rest()
		f.mu.Unlock()
		return
	}
	f.mu.Unlock()
	f.Drop(m)
}

func (m *Member) freeze() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.busy {
		_ = m.Freeze() // one that cannot be frozen runs on
	}
}

// rest notes that one environment is busy no more. f.mu is held.
func (f *Fleet) rest() {
	f.busy--
	if f.busy == 0 && f.closed {
		f.closeQuiet()
	}
}

func (f *Fleet) closeQuiet() {
	select {
	case <-f.quiet:
	default:
		close(f.quiet)
	}
}

// Drop stops an environment that was taken.
func (f *Fleet) Drop(m *Member) {
	f.mu.Lock()
	f.forget(m)
	f.rest()
	f.mu.Unlock()
	go m.end()
}

func (m *Member) end() {
	m.ending.Do(func() {
		m.mu.Lock()
		if m.timer != nil {
			m.timer.Stop()
		}
		m.mu.Unlock()
		m.Shutdown(sandbox.Spindown)
		if m.Release != nil {
			m.Release()
		}
	})
}

// Retire stops the environments of which is says so: at once where they are idle, else after their invocation.
func (f *Fleet) Retire(is func(Key) bool) {
	var idle []*Member
	f.mu.Lock()
	for m := range f.all {
		if is(m.Key) {
			f.forget(m)
		}
	}
	for _, lists := range []map[Key][]*Member{f.idle, f.ready} {
		for key, list := range lists {
			if is(key) {
				idle = append(idle, list...)
				delete(lists, key)
			}
		}
	}
	f.mu.Unlock()
	for _, m := range idle {
		go m.end()
	}
}

// Draining is closed when the platform stops: an invocation that fails after that did not fail by itself.
func (f *Fleet) Draining() <-chan struct{} { return f.draining }

// Run stops environments that are idle for too long, until ctx ends. Then it lets invocations under way end for a moment
// and stops everything.
func (f *Fleet) Run(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			f.look()
		case <-ctx.Done():
			f.close()
			return ctx.Err()
		}
	}
}

// look stops what is idle for too long, and, when memory is scarce, the half that is idle longest.
func (f *Fleet) look() {
	f.mu.Lock()
	longest := stopAfter
	if free := f.Memory(); free < scarce {
		longest = f.median()
		f.Log.Warn("lambda: memory is scarce, idle environments are stopped", "free", free)
	}
	var gone []*Member
	for key, list := range f.idle {
		n := 0
		for n < len(list) && f.tooLong(list[n], longest) {
			gone = append(gone, list[n])
			delete(f.all, list[n])
			n++
		}
		set(f.idle, key, list[n:])
	}
	f.mu.Unlock()
	for _, m := range gone {
		go m.end()
	}
}

func (f *Fleet) tooLong(m *Member, longest time.Duration) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return f.Now().Sub(m.idle) >= longest || !m.Expires.After(f.Clock.Now())
}

// median is the idle time that half of the idle environments have reached. f.mu is held.
func (f *Fleet) median() time.Duration {
	var sum time.Duration
	n := 0
	for _, list := range f.idle {
		for _, m := range list {
			m.mu.Lock()
			sum += f.Now().Sub(m.idle)
			m.mu.Unlock()
			n++
		}
	}
	if n == 0 {
		return stopAfter
	}
	return sum / time.Duration(n)
}

// close stops everything; what is busy has a moment.
func (f *Fleet) close() {
	close(f.draining)
	f.mu.Lock()
	f.closed = true
	if f.busy == 0 {
		f.closeQuiet()
	}
	f.mu.Unlock()
	wait := time.NewTimer(drain)
	defer wait.Stop()
	select {
	case <-f.quiet:
	case <-wait.C:
	}
	f.mu.Lock()
	all := make([]*Member, 0, len(f.all))
	for m := range f.all {
		all = append(all, m)
	}
	clear(f.all)
	clear(f.idle)
	clear(f.ready)
	clear(f.provisioned)
	clear(f.preparing)
	f.mu.Unlock()
	var ends sync.WaitGroup
	for _, m := range all {
		ends.Go(m.end)
	}
	ends.Wait()
}

// Size is how many environments there are, and how many of them work.
func (f *Fleet) Size() (all, busy int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.all), f.busy
}
