package fleet

import (
	"bytes"
	"os"
	"strconv"
	"sync"
	"time"
)

// Our own bounds: below these parts of free memory and processor time the machine does not bear more invocations.
const (
	memoryToGrow    = 0.20
	processorToGrow = 0.10
	sample          = 500 * time.Millisecond // between two looks at the processors
)

// Load knows whether the machine bears more invocations at a time.
type Load struct {
	now    func() time.Time
	memory func() float64
	times  func() (idle, all float64)

	mu        sync.Mutex
	at        time.Time
	idle, all float64
	free      float64
}

// NewLoad returns the load of this machine; now is its clock.
func NewLoad(now func() time.Time) *Load {
	return &Load{now: now, memory: FreeMemory, times: processors, free: 1}
}

// Bears reports whether there is processor time and memory to spare.
func (l *Load) Bears() bool { return l.processor() > processorToGrow && l.memory() > memoryToGrow }

// processor is the part of the processors' time that was idle lately: 1 where that is not known.
func (l *Load) processor() float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	if now.Sub(l.at) < sample {
		return l.free
	}
	idle, all := l.times()
	if d := all - l.all; d > 0 && !l.at.IsZero() {
		l.free = (idle - l.idle) / d
	}
	l.at, l.idle, l.all = now, idle, all
	return l.free
}

// processors reads how long the machine's processors were idle, and how long there were any, in ticks.
func processors() (idle, all float64) {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, 0
	}
	line, _, _ := bytes.Cut(b, []byte("\n"))
	fields := bytes.Fields(line)
	for i, f := range fields {
		n, err := strconv.ParseFloat(string(f), 64)
		if err != nil || i > 8 { // guest time is in user time already
			continue
		}
		if all += n; i == 4 || i == 5 { // idle, and waiting for a disk
			idle += n
		}
	}
	return idle, all
}
