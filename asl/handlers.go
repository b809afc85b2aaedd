package asl

import (
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/brume-dev/brume/asl/definition"
	"github.com/brume-dev/brume/asl/fault"
	"github.com/brume-dev/brume/asl/path"
	"github.com/brume-dev/brume/jsondoc"
)

// retrier is one element of Retry.
type retrier struct {
	errors   []string
	interval float64 // seconds
	rate     float64
	attempts int
	maxDelay float64 // seconds; 0: no bound
	jitter   bool    // FULL
}

// catcher is one element of Catch.
type catcher struct {
	errors     []string
	next       string
	resultPath *path.Path // nil: the error output replaces the input
	discard    bool       // ResultPath null
	assign     *assignment
	output     field
}

// The defaults of https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html.
const (
	defaultInterval = 1
	defaultAttempts = 3
	defaultRate     = 2.0
)

// handlers reads Retry and Catch.
func (c compiler) handlers() {
	s := c.state
	retries := c.Items("Retry")
	for i, n := range retries {
		r := retrier{
			errors:   errorNames(n, i == len(retries)-1),
			interval: float64(n.Integer("IntervalSeconds", 0, MaxSeconds, defaultInterval)),
			attempts: int(n.Integer("MaxAttempts", 0, MaxSeconds, defaultAttempts)),
			maxDelay: float64(n.Integer("MaxDelaySeconds", 1, MaxRetryDelay, 0)),
			rate:     defaultRate,
			jitter:   n.OneOf("JitterStrategy", "NONE", "FULL") == "FULL",
		}
		if f, ok := n.Number("BackoffRate", "Float", 1, definition.Unbounded); ok {
			r.rate = f
		}
		s.retriers = append(s.retriers, r)
	}
	catches := c.Items("Catch")
	for i, n := range catches {
		n.Required("Next")
		one := c.of(n)
		k := catcher{errors: errorNames(n, i == len(catches)-1), next: n.Text("Next"), assign: one.assign()}
		if s.JSONata {
			k.output = one.value("Output")
		} else {
			k.resultPath, k.discard = one.optionalPath("ResultPath", path.CompileTarget)
		}
		s.catchers = append(s.catchers, k)
		s.Catches = append(s.Catches, k.next)
	}
}

// errorNames reads ErrorEquals.
func errorNames(n definition.Node, last bool) []string {
	n.Required("ErrorEquals")
	n.NotEmpty("ErrorEquals")
	names := n.Texts("ErrorEquals")
	if slices.Contains(names, fault.All) && (len(names) > 1 || !last) {
		n.Fail("ErrorEquals", "States.ALL must appear alone and at end of list")
	}
	return names
}

// terminal reports whether an error fails the execution whatever its states say.
func terminal(name string) bool { return name == fault.Runtime }

// matching reports whether an error is one of those that ErrorEquals lists. The wildcards do not match the terminal errors;
// States.TaskFailed matches all others but States.Timeout; a missed heartbeat is also a time-out.
func matching(names []string, name string) bool {
	if terminal(name) {
		return false
	}
	for _, n := range names {
		switch {
		case n == name:
			return true
		case n == fault.All && name != fault.DataLimitExceeded,
			n == fault.TaskFailed && name != fault.DataLimitExceeded && name != fault.Timeout,
			n == fault.Timeout && name == fault.HeartbeatTimeout:
			return true
		}
	}
	return false
}

// handle looks for a retrier or catcher for an error of the state; without one the thread is broken.
func (r *run) handle(s *State, e *fault.Error) {
	if r.inspect != nil {
		r.inspect.RetryIndex, r.inspect.CatchIndex = -1, -1
	}
	t := &r.thread
	for i := range s.retriers {
		k := &s.retriers[i]
		if !matching(k.errors, e.Name) {
			continue
		}
		used := 0
		if i < len(t.Retries) {
			used = t.Retries[i]
		}
		if used >= k.attempts {
			break // an exhausted retrier does not pass the error on to the next
		}
		retries := make([]int, len(s.retriers))
		copy(retries, t.Retries)
		retries[i]++
		t.Retries, t.RetryCount = retries, t.RetryCount+1
		t.Forked, t.MapRun = false, "" // the retry begins with new children
		delay := k.delay(used, r)
		if r.inspect != nil {
			r.inspect.RetryIndex, r.inspect.RetryBackoff = i, delay
		}
		r.sleep(Backoff, r.set.Now.Add(delay))
		return
	}
	for i := range s.catchers {
		if matching(s.catchers[i].errors, e.Name) {
			if r.inspect != nil {
				r.inspect.CatchIndex = i
			}
			r.catch(s, &s.catchers[i], e)
			return
		}
	}
	r.broken(e)
}

// delay is how long to wait before the retry that follows used earlier ones.
func (k *retrier) delay(used int, random rand.Source) time.Duration {
	seconds := k.interval * math.Pow(k.rate, float64(used))
	if k.maxDelay > 0 {
		seconds = min(seconds, k.maxDelay)
	}
	seconds = min(seconds, MaxSeconds)
	if k.jitter {
		seconds *= rand.New(random).Float64()
	}
	return time.Duration(seconds * float64(time.Second)).Round(time.Millisecond)
}

// catch goes on at a catcher's Next with the error output.
func (r *run) catch(s *State, k *catcher, e *fault.Error) {
	o := jsondoc.SizedObject(2)
	o.Set("Error", e.Name)
	o.Set("Cause", e.Cause)
	sc := r.current(s)
	sc.failure = valueDoc(o)
	sc.over(o)
	variables, err := sc.assign(k.assign)
	if err != nil {
		r.fails(s, err, false)
		return
	}
	out := sc.failure
	switch {
	case k.output != nil:
		v, err := k.output.eval(sc)
		if err != nil {
			r.fails(s, err, false)
			return
		}
		out = valueDoc(v)
	case k.discard:
		out = sc.raw
	case k.resultPath != nil:
		v, err := k.resultPath.Put(sc.raw.get(), o)
		if err != nil {
			r.fails(s, err, false)
			return
		}
		out = valueDoc(v)
	}
	if err := r.exit(s, out, variables, k.next); err != nil {
		r.fails(s, err, false)
	}
}
