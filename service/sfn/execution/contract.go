package execution

import (
	"context"
	"time"

	"github.com/brume-dev/brume/asl"
	"github.com/brume-dev/brume/asl/fault"
	"github.com/brume-dev/brume/service/sfn/machine"
	"github.com/brume-dev/brume/store"
)

// Tasks makes the requests of Task states, all but those of activities. Drivers call it outside of any transaction.
type Tasks interface {
	// Call makes the request. What comes back is the result of a RequestResponse task; of a Sync or CallBack task, what
	// TaskSubmitted shows. An error means that nothing is known, and that the request is to be made again: ctx has ended,
	// Brume itself has failed. Everything that is the execution's own trouble is in Answer.Err.
	Call(ctx context.Context, r *Request) (Answer, error)
	// Poll asks for the job that a Sync task has started, where submitted is the Output of Call. ready is false while it runs.
	Poll(ctx context.Context, r *Request, submitted []byte) (a Answer, ready bool, err error)
	// Cancel stops the job of a Sync task whose state was aborted or timed out. What cannot be stopped is left alone.
	Cancel(ctx context.Context, r *Request, submitted []byte) error
}

// Request is the request of a task.
type Request struct {
	Revision  *machine.Revision
	Execution string // ARN
	Trace     string // trace header, "" for none
	Call      *asl.Call
	// Key is the same at every attempt to make this request, and unique otherwise, in the form of a UUID: the idempotency token
	// wherever the callee takes one. Another try by a Retrier is another request.
	Key string
}

// Answer is what came of a request.
type Answer struct {
	Output []byte // JSON text
	// Err, when not nil, is the failure, and Stage where in the task's life it happened.
	Err   *fault.Error
	Stage asl.Stage
}

// Maps runs the map runs of distributed Map states. It keeps its records in the machine's shard, next to the executions
// (under Ref.Spot.Resource().Text("map")), and is told what it has to know in the commits that decide it.
type Maps interface {
	// Begin is called in the commit that starts a map run: it writes its record and the promise to go on with it.
	Begin(tx store.Tx, m *MapStart) error
	// Ended is called in the commit that ends a child execution.
	Ended(tx store.Tx, c *Child) error
	// Stop is called in the commit that aborts the parent: the run is ABORTED, its children are stopped afterwards.
	Stop(tx store.Tx, r *machine.Revision, mapRun string) error
	// Redrive is called in the commit that redrives the parent whose map run has failed: it goes on with what did not succeed.
	Redrive(tx store.Tx, m *MapStart) error
	// Forget is called in the commit that forgets an execution: its map runs go with it.
	Forget(tx store.Tx, ref Ref) error
}

// MapStart is a map run and the thread that waits for it. When it has ended, call Engine.Advance with At, Gen, Seq, and
// Joined or Faulted.
type MapStart struct {
	Revision *machine.Revision
	At       At
	Gen, Seq int64
	Run      *asl.MapRun
	Trace    string
}

// Child is a child execution that has ended.
type Child struct {
	Revision *machine.Revision
	Ref      Ref
	MapRun   string // ARN
	Status   Status
	Output   []byte // of one that SUCCEEDED
	Error    *fault.Error
	Input    []byte
	Start    time.Time
	Stop     time.Time
	Items    int64
	Redrives int
}

// Journal writes the events of executions to the log group of their machine, if its logging configuration says so.
type Journal interface {
	// Write promises them in the transaction that makes them.
	Write(tx store.Tx, l *Log) error
	// Send is for express executions: what has not been written when the process dies is lost.
	Send(l *Log)
}

// Log is what happened in an execution.
type Log struct {
	Revision  *machine.Revision
	Execution string // ARN
	Trace     string // the execution's trace header, for Send
	Redrives  int
	Events    []asl.Event
}

// At is a thread of an execution: the way of indexes to it, empty for the execution's own.
type At struct {
	Ref
	Path []int
}

// Ref is an execution: its machine, and its name. The name of a child execution is "label/name".
type Ref struct {
	machine.Spot
	Name string

	root store.Tuple // Resource, when it is known: keys are made of it again and again
}

// of makes the Ref of an execution of a machine.
func of(spot machine.Spot, name string) Ref { return Ref{spot, name, spot.Resource()} }

// under is what the keys of the machine's executions begin with.
func (r Ref) under() store.Tuple {
	if r.root != nil {
		return r.root
	}
	return r.Resource()
}

// ARN is that of the execution.
func (r Ref) ARN() string {
	if label, name, child := cutLabel(r.Name); child {
		return r.labelled(label, name)
	}
	return r.Spot.Execution(r.Name)
}
