package graph

import (
	"fmt"
	"strings"
	"time"
)

// Event is what a picture or a report needs of an event of an execution's history.
type Event struct {
	ID, Previous int64
	Type         string
	// Name is the state's, of ...StateEntered and ...StateExited.
	Name string
	// MapRun is the ARN of MapRunStarted.
	MapRun string
	Time   time.Time
}

// Visit is one time that an execution was in a state.
type Visit struct {
	State   string
	Type    string // "Task", "Choice" …
	Status  Status
	Entered time.Time
	// Left is zero while the state is running.
	Left time.Time
	// Retries is how often the state was tried again.
	Retries int
	// MapRun is the ARN of the run of a distributed Map; what is inside has histories of its own.
	MapRun string
	// Note is what a picture says below the name, if it is more than how often and how long. It is for the user of the package.
	Note string

	id     int64 // of the event of entry
	exited bool
	broken bool // a Parallel or Map state has failed, and may yet catch that or try again
}

// Progress follows an execution by its events.
type Progress struct {
	events  map[int64]Event
	visits  map[int64]*Visit // by the id of the event of entry
	order   []*Visit
	changed []*Visit // by the last event
	ended   bool
}

// NewProgress follows an execution from its first event.
func NewProgress() *Progress {
	return &Progress{events: map[int64]Event{}, visits: map[int64]*Visit{}}
}

// Visits are all visits in the order of entry.
func (p *Progress) Visits() []*Visit { return p.order }

// Ended reports whether the execution has ended.
func (p *Progress) Ended() bool { return p.ended }

// Add takes the next event of the history, and returns the visits that it began or ended, or whose task it tries again.
func (p *Progress) Add(e Event) []*Visit {
	p.events[e.ID] = e
	p.changed = nil
	switch {
	case strings.HasSuffix(e.Type, "StateEntered"):
		v := &Visit{State: e.Name, Type: strings.TrimSuffix(e.Type, "StateEntered"), Status: Running, Entered: e.Time, id: e.ID}
		p.visits[e.ID], p.order = v, append(p.order, v)
		p.change(v)
	case strings.HasSuffix(e.Type, "StateExited"):
		p.exit(e)
	case e.Type == "ExecutionFailed" || e.Type == "ExecutionTimedOut" || e.Type == "ExecutionAborted" || e.Type == "ExecutionSucceeded":
		p.ended = true
		if failure(e.Type) {
			p.fail(e)
		}
		p.abort(0, e)
	case e.Type == "ExecutionRedriven":
		p.redrive()
	case e.Type == "ParallelStateFailed" || e.Type == "MapStateFailed":
		if v := p.fail(e); v != nil {
			p.abort(v.id, e)
		}
	case e.Type == "MapIterationFailed":
		p.fail(e)
	case e.Type == "ParallelStateStarted" || e.Type == "MapStateStarted":
		p.restart(e)
	case e.Type == "MapRunStarted":
		if v := p.owner(e.Previous); v != nil {
			v.MapRun = e.MapRun
		}
	case strings.HasSuffix(e.Type, "Scheduled"):
		p.retried(e)
	}
	return p.changed
}

func (p *Progress) change(v *Visit) { p.changed = append(p.changed, v) }

// end gives a visit its end.
func (p *Progress) end(v *Visit, s Status, e Event) {
	v.Status, v.Left = s, e.Time
	p.change(v)
}

// restart notes that a Parallel or Map state has begun its inside, perhaps anew.
func (p *Progress) restart(e Event) {
	for id := e.Previous; id > 0; id = p.events[id].Previous {
		if v := p.visits[id]; v != nil && v.Type+"StateStarted" == e.Type && v.Status == Running {
			v.broken = false
			return
		}
	}
}

// owner is the visit that an event belongs to: the nearest on the way back.
func (p *Progress) owner(id int64) *Visit {
	for ; id > 0; id = p.events[id].Previous {
		if v := p.visits[id]; v != nil {
			return v
		}
	}
	return nil
}

// exit ends the visit that an event of exit belongs to: the nearest of its name on the way back that has not been left. It has
// caught an error when the event before is a failure of its own, not of something inside.
func (p *Progress) exit(e Event) {
	for id := e.Previous; id > 0; id = p.events[id].Previous {
		v := p.visits[id]
		if v == nil || v.State != e.Name || v.exited {
			continue
		}
		v.exited = true
		status := Succeeded
		if before := p.events[e.Previous].Type; failure(before) && (before == v.Type+"StateFailed" || p.owner(e.Previous) == v) {
			status = Caught
		}
		p.end(v, status, e)
		return
	}
}

// failure reports whether a state that is left after an event of the type has caught an error.
func failure(kind string) bool {
	return strings.HasSuffix(kind, "Failed") || strings.HasSuffix(kind, "TimedOut")
}

// fail marks the open visits on the way back from an event as failed, up to the Parallel or Map state that the event is of,
// which stays open as it may yet catch that, and is returned.
func (p *Progress) fail(e Event) *Visit {
	own := strings.TrimSuffix(e.Type, "StateFailed")
	for id := e.Previous; id > 0; id = p.events[id].Previous {
		v := p.visits[id]
		if v != nil && v.Status == Running {
			if own == v.Type && !v.broken {
				v.broken = true
				return v
			}
			p.end(v, Failed, e)
		}
		if e.Type == "MapIterationFailed" && p.events[id].Type == "MapIterationStarted" {
			return nil
		}
	}
	return nil
}

// abort ends the visits that are still open and were begun after the event of an id.
func (p *Progress) abort(after int64, e Event) {
	for _, v := range p.order {
		if v.id > after && v.Status == Running {
			p.end(v, Aborted, e)
		}
	}
}

// redrive opens again what has not been left.
func (p *Progress) redrive() {
	p.ended = false
	for _, v := range p.order {
		if !v.exited {
			v.Status, v.Left, v.broken = Running, time.Time{}, false
		}
	}
}

// retried counts a task that is scheduled again.
func (p *Progress) retried(e Event) {
	if v := p.owner(e.Previous); v != nil && failure(p.events[e.Previous].Type) {
		v.Retries++
		p.change(v)
	}
}

// Marks are what a picture says of the states: the most telling status of each, and how often or how long it ran.
func (p *Progress) Marks() map[string]Mark {
	out := map[string]Mark{}
	last, times := map[string]*Visit{}, map[string]int{}
	for _, v := range p.order {
		times[v.State]++
		if was, ok := out[v.State]; !ok || telling(v.Status) >= telling(was.Status) {
			out[v.State] = Mark{Status: v.Status}
		}
		last[v.State] = v
	}
	for name, m := range out {
		v := last[name]
		switch {
		case v.Note != "":
			m.Note = v.Note
		case times[name] > 1:
			m.Note = fmt.Sprintf("%d times", times[name])
		case v.Retries > 0:
			m.Note = fmt.Sprintf("%d retries", v.Retries)
		case !v.Left.IsZero() && v.Left.Sub(v.Entered) >= time.Millisecond:
			m.Note = Duration(v.Left.Sub(v.Entered))
		}
		out[name] = m
	}
	return out
}

// telling orders statuses: of several visits to a state, the one with the highest decides its colour.
func telling(s Status) int {
	switch s {
	case Running:
		return 4
	case Failed:
		return 3
	case Caught:
		return 2
	case Succeeded:
		return 1
	default:
		return 0
	}
}

// Duration writes a time in as many digits as people read: "4 ms", "1.2 s", "3 min 5 s", "2 h 10 min".
func Duration(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
	default:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	}
}
