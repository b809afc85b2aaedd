package journal

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/brume-dev/brume/api/xrayapi"
	"github.com/brume-dev/brume/asl"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/sfn/execution"
	"github.com/brume-dev/brume/service/sfn/machine"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
	"github.com/brume-dev/brume/timer"
)

// field is a part of a trace header.
func field(header, name string) string {
	for part := range strings.SplitSeq(header, ";") {
		if v, ok := strings.CutPrefix(strings.TrimSpace(part), name+"="); ok {
			return v
		}
	}
	return ""
}

// tracer sends segments. Those of express executions are sent by run.
type tracer struct {
	Config
	client  xrayapi.Client
	waiting chan finished

	mu      sync.Mutex
	running map[string]*subsegments // by the ARN of the express execution
	full    int                     // how many of them there are when it is time to forget some
}

func newTracer(c Config) *tracer {
	return &tracer{Config: c, client: xrayapi.NewClient(c.Caller), waiting: make(chan finished, maxWaiting), running: map[string]*subsegments{}, full: maxRunning}
}

// finished is an express execution that has ended, with its segment.
type finished struct {
	machine           machine.Ref
	role, arn, header string
	segment           segment
}

// traced is an execution that has ended, as its promise names it.
type traced struct {
	machine.Place
	Machine   string `cbor:"3,keyasint"`
	ID        uint64 `cbor:"4,keyasint"`
	Execution string `cbor:"5,keyasint"`
	Role      string `cbor:"6,keyasint"`
}

// ended is the event that ends an execution, if it is among those that are new.
func ended(l *execution.Log) bool {
	if len(l.Events) == 0 {
		return false
	}
	t := string(l.Events[len(l.Events)-1].Type)
	return strings.HasPrefix(t, "Execution") && (t == string(asl.ExecutionSucceeded) || badly(asl.EventType(t)))
}

// note promises the segment of an execution that ends. A child of a map run has none of its own.
func (t *tracer) note(tx store.Tx, l *execution.Log) error {
	if !l.Revision.Tracing || !ended(l) {
		return nil
	}
	name := l.Execution[strings.LastIndexByte(l.Execution, ':')+1:]
	if l.Execution != l.Revision.Execution(name) {
		return nil
	}
	r := l.Revision
	return timer.Set(tx, timer.Promise{Kind: kindTrace, Args: record.Encode(version, traced{r.Place, r.Name, r.ID, name, r.Role})})
}

// keep sends the segment of an execution.
func (t *tracer) keep(ctx context.Context, k *timer.Kept) error {
	var a traced
	if err := record.Decode(k.Args, version, &a); err != nil {
		return err
	}
	at := machine.Spot{Ref: machine.Ref{Place: a.Place, Name: a.Machine}, ID: a.ID}
	var states subsegments
	d, err := t.History(ctx, execution.Ref{Spot: at, Name: a.Execution}, states.take)
	if aws.CodeOf(err) == "ExecutionDoesNotExist" && err != nil {
		return nil
	}
	if err != nil {
		return err
	}
	whole := segment{Name: at.Name, Start: seconds(d.Start), End: seconds(d.Stop), Fault: d.Error != nil, States: states.done}
	return t.put(ctx, at.Ref, a.Role, at.Execution(a.Execution), d.Trace, &whole)
}

// send collects the states of an express execution, and sends its segment when it has ended, in its own time.
func (t *tracer) send(l *execution.Log) {
	if !l.Revision.Tracing || l.Trace == "" || len(l.Events) == 0 {
		return
	}
	states := t.states(l)
	for i := range l.Events {
		states.take(&l.Events[i])
	}
	if !ended(l) {
		return
	}
	t.mu.Lock()
	delete(t.running, l.Execution)
	t.mu.Unlock()
	last, r := l.Events[len(l.Events)-1], l.Revision
	f := finished{r.Ref, r.Role, l.Execution, l.Trace,
		segment{Name: r.Name, Start: seconds(states.since), End: seconds(last.Time), Fault: last.Type != asl.ExecutionSucceeded, States: states.done}}
	select {
	case t.waiting <- f:
	default:
		t.Log.Debug("sfn: trace segments are lost: too many wait", "execution", l.Execution)
	}
}

// states are those of an execution so far.
func (t *tracer) states(l *execution.Log) *subsegments {
	t.mu.Lock()
	defer t.mu.Unlock()
	s, now := t.running[l.Execution], l.Events[0].Time
	if s != nil {
		return s
	}
	if len(t.running) >= t.full { // executions whose platform, or whose caller, has given them up
		maps.DeleteFunc(t.running, func(_ string, s *subsegments) bool { return now.Sub(s.since) > longest })
		t.full = max(maxRunning, 2*len(t.running))
	}
	s = &subsegments{since: now}
	t.running[l.Execution] = s
	return s
}

// run sends what has ended until ctx ends, and then what is left.
func (t *tracer) run(ctx context.Context) {
	var all sync.WaitGroup
	for range senders {
		all.Go(func() {
			for ctx.Err() == nil {
				select {
				case f := <-t.waiting:
					t.tell(context.WithoutCancel(ctx), &f)
				case <-ctx.Done():
				}
			}
			rest, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastCall)
			defer cancel()
			t.drain(rest)
		})
	}
	all.Wait()
}

func (t *tracer) drain(ctx context.Context) {
	for {
		select {
		case f := <-t.waiting:
			t.tell(ctx, &f)
		default:
			return
		}
	}
}

func (t *tracer) tell(ctx context.Context, f *finished) {
	if err := t.put(ctx, f.machine, f.role, f.arn, f.header, &f.segment); err != nil {
		t.Log.Debug("sfn: trace segments are lost", "execution", f.arn, "problem", err)
	}
}

// put sends a segment with the permissions of the machine's role. What cannot be sent is lost, as on AWS.
func (t *tracer) put(ctx context.Context, m machine.Ref, role, arn, header string, whole *segment) error {
	root, sampled := field(header, "Root"), field(header, "Sampled")
	if root == "" || sampled == "0" {
		return nil
	}
	whole.ID, whole.TraceID, whole.ParentID, whole.Origin = execution.SegmentID(arn), root, field(header, "Parent"), "AWS::StepFunctions::StateMachine"
	whole.AWS = map[string]any{"account_id": m.Account, "execution_arn": arn, "state_machine_arn": m.ARN()}
	for i := range whole.States {
		whole.States[i].ID = execution.SegmentID(arn + "/" + fmt.Sprint(i))
	}
	doc, err := json.Marshal(whole)
	if err != nil {
		return err
	}
	id, _, err := t.Roles.Assume(ctx, aws.ForService(machine.Principal, m.Account, m.Region, m.ARN(), aws.Request{}), role, m.Name)
	if err == nil {
		_, err = t.client.PutTraceSegments(ctx, id, &xrayapi.PutTraceSegmentsRequest{TraceSegmentDocuments: []string{string(doc)}})
	}
	if err != nil && aws.InfoOf(err).Status < 500 {
		t.Log.Debug("sfn: trace segments are lost", "execution", arn, "problem", err)
		return nil
	}
	return err
}

// segment is a segment document, or a subsegment in one.
// https://docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html
type segment struct {
	ID       string         `json:"id"`
	TraceID  string         `json:"trace_id,omitempty"`
	ParentID string         `json:"parent_id,omitempty"`
	Name     string         `json:"name"`
	Origin   string         `json:"origin,omitempty"`
	Start    float64        `json:"start_time"`
	End      float64        `json:"end_time"`
	Fault    bool           `json:"fault,omitempty"`
	AWS      map[string]any `json:"aws,omitempty"`
	States   []segment      `json:"subsegments,omitempty"`
}

func seconds(t time.Time) float64 { return float64(t.UnixMicro()) / 1e6 }

// subsegments makes one of each state that was left.
type subsegments struct {
	since time.Time
	open  map[int64]opened // by the event that was last in the state
	done  []segment
}

// opened is a state that was entered.
type opened struct {
	name  string
	at    time.Time
	above int64 // the event before it, by which it belongs to what is around it
	bad   bool
}

// take is told of the events in their order.
func (s *subsegments) take(e *asl.Event) bool {
	if len(s.done) == maxStates {
		return false
	}
	if s.open == nil {
		s.open = map[int64]opened{}
	}
	switch t := string(e.Type); {
	case strings.HasSuffix(t, "StateEntered"):
		s.open[e.ID] = opened{name: e.Name, at: e.Time, above: e.Previous}
	case strings.HasSuffix(t, "StateExited"):
		was, ok := s.open[e.Previous]
		for ok && was.name != e.Name { // what was left inside of it lies between
			was, ok = s.open[was.above]
		}
		if ok {
			s.done = append(s.done, segment{Name: e.Name, Start: seconds(was.at), End: seconds(e.Time), Fault: was.bad})
		}
		s.open[e.ID] = s.open[was.above]
	default:
		was := s.open[e.Previous]
		was.bad = was.bad || badly(e.Type)
		s.open[e.ID] = was
	}
	if len(s.done) == maxStates {
		s.open = nil
	}
	return len(s.done) < maxStates
}
