package process

import (
	"bytes"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/brume-dev/brume/sandbox"
)

// watch holds an environment to its memory limit and remembers the most that it used. Where a control group counts,
// looking is one short read; else the memory of the process and its descendants is added up.
type watch struct {
	e       *environment
	limit   int64
	pid     atomic.Int64 // of the runtime's process
	init    atomic.Int64 // of the first process of its pid namespace, 0: it has none
	most    atomic.Int64
	paused  atomic.Bool
	resumed chan struct{}

	sampling  sync.Mutex
	groupPeak int64     // of the group when status was read last
	sampled   time.Time // when, where groups do not count
	status    *os.File  // /proc/PID/status
}

func newWatch(e *environment) *watch {
	return &watch{e: e, limit: int64(e.plan.spec.MemoryMB) << 20, resumed: make(chan struct{}, 1)}
}

// pause stops the looking while the environment is frozen.
func (w *watch) pause(frozen bool) {
	w.paused.Store(frozen)
	if !frozen {
		select {
		case w.resumed <- struct{}{}:
		default:
		}
	}
}

func (w *watch) run() {
	timer := time.NewTimer(watchNear)
	defer timer.Stop()
	var disk time.Time
	for {
		select {
		case <-w.e.gone:
			return
		case <-w.resumed:
		case <-timer.C:
		}
		if w.paused.Load() {
			continue // until resumed
		}
		wait := w.look()
		if w.e.plan.tmp != "" && time.Since(disk) > watchDisk {
			disk = time.Now()
			w.lookAtDisk()
		}
		timer.Reset(wait)
	}
}

// look reads the memory in use, ends the environment if it is over its limit, and says when to look again.
func (w *watch) look() time.Duration {
	used, ok := w.e.group.Used()
	over := ok && w.e.group.OutOfMemory() // the kernel was faster, and may have taken a child only
	if ok && !over && used <= w.limit/2 {
		return watchFar
	}
	if !ok || used > w.limit*3/4 {
		used = w.own()
	}
	w.note(used)
	if over || used > w.limit {
		w.e.oom.Store(true)
		w.e.kill()
		return watchFar
	}
	if used > w.limit/2 {
		return watchNear
	}
	return watchFar
}

// own is the memory that the function's processes have for themselves.
func (w *watch) own() int64 {
	if n, ok := w.e.group.Anonymous(); ok {
		return n
	}
	var sum int64
	n := 0
	w.processes(func(pid int) {
		n++
		sum += ownMemory(pid)
	})
	if n > sandbox.MaxProcesses { // no group stops a fork bomb here
		w.e.runner.Log.Warn("sandbox: too many processes", "environment", w.e.plan.spec.ID)
		w.e.kill()
	}
	return sum
}

// processes visits the environment's processes: what descends from the runtime, and, in a pid namespace, from its
// first process, which inherits those whose parents have ended.
func (w *watch) processes(visit func(pid int)) {
	for _, root := range []int64{w.pid.Load(), w.init.Load()} {
		if root > 0 {
			descend(int(root), visit)
		}
	}
}

// running reports whether the runtime's process computes, or would if it had a processor; it is asked while that starts.
func (w *watch) running() bool {
	stat, err := os.ReadFile("/proc/" + strconv.FormatInt(w.pid.Load(), 10) + "/stat")
	if err != nil {
		return false
	}
	i := bytes.LastIndexByte(stat, ')') // the name before it may hold anything
	return i >= 0 && len(stat) > i+2 && (stat[i+2] == 'R' || stat[i+2] == 'D')
}

func (w *watch) note(n int64) {
	for {
		old := w.most.Load()
		if n <= old || w.most.CompareAndSwap(old, n) {
			return
		}
	}
}

// peak is the most memory used so far: what the watch saw, or the peak of the runtime's process, which the kernel keeps.
// Reading that takes longer than the rest of a short invocation, so it is read only when there can be a new one: when
// the group as a whole has a new peak, which is one short read, or where nothing counts for the group, after a while.
func (w *watch) peak() int64 {
	if w.e.oom.Load() {
		return w.limit
	}
	w.sampling.Lock()
	defer w.sampling.Unlock()
	if w.stale() {
		w.note(min(w.limit, w.processPeak()))
	}
	return w.most.Load()
}

// stale reports whether the process may have a peak that has not been read. w.sampling is held.
func (w *watch) stale() bool {
	if peak, ok := w.e.group.Peak(); ok {
		fresh := peak > w.groupPeak
		w.groupPeak = peak
		return fresh
	}
	now := time.Now()
	if now.Sub(w.sampled) < watchFar {
		return false
	}
	w.sampled = now
	return true
}

// processPeak is the largest resident memory of the runtime's process so far; 0 when it is gone.
func (w *watch) processPeak() int64 {
	if w.status == nil {
		f, err := os.Open("/proc/" + strconv.FormatInt(w.pid.Load(), 10) + "/status")
		if err != nil {
			return 0
		}
		w.status = f
	}
	var buf [4096]byte
	n, _ := w.status.ReadAt(buf[:], 0) // io.EOF, as the file is shorter
	_, rest, _ := bytes.Cut(buf[:n], []byte("\nVmHWM:"))
	line, _, _ := bytes.Cut(rest, []byte(" kB"))
	kb, err := strconv.ParseInt(string(bytes.TrimSpace(line)), 10, 64)
	if err != nil {
		return 0
	}
	return kb << 10
}

// close lets go of what is open. The last figures stay.
func (w *watch) close() {
	w.sampling.Lock()
	defer w.sampling.Unlock()
	if w.status != nil {
		_ = w.status.Close()
	}
}
