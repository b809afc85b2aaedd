package dispatch

import (
	"sort"
	"sync/atomic"
	"time"

	"github.com/brume-dev/brume/aws"
)

// Metric counts the calls of one operation since the start.
type Metric struct {
	Op      aws.Op
	Calls   int64
	Errors  int64         // answered with an error that is the caller's
	Faults  int64         // answered with an error that is ours
	Time    time.Duration // spent in all calls together
	Longest time.Duration
}

type counters struct {
	calls, errors, faults, nanos, longest atomic.Int64
}

func (c *counters) add(d time.Duration, err error) {
	c.calls.Add(1)
	c.nanos.Add(int64(d))
	for {
		longest := c.longest.Load()
		if int64(d) <= longest || c.longest.CompareAndSwap(longest, int64(d)) {
			break
		}
	}
	if err == nil {
		return
	}
	if aws.InfoOf(err).Fault {
		c.faults.Add(1)
	} else {
		c.errors.Add(1)
	}
}

// Metrics returns the counts of every operation that has been called, ordered by service and name.
func (t *Table) Metrics() []Metric {
	var out []Metric
	for _, s := range t.services {
		for _, e := range s.ops {
			if n := e.count.calls.Load(); n > 0 {
				out = append(out, Metric{Op: e.op.Op, Calls: n, Errors: e.count.errors.Load(),
					Faults: e.count.faults.Load(), Time: time.Duration(e.count.nanos.Load()),
					Longest: time.Duration(e.count.longest.Load())})
			}
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Op.String() < out[j].Op.String() })
	return out
}
