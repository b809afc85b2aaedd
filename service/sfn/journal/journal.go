// Package journal writes what happens in executions to the log group that their state machine names, as JSON, by the level
// of its logging configuration, and sends the segments of those that are traced.
// https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html,
// https://docs.aws.amazon.com/step-functions/latest/dg/concepts-xray-tracing.html
package journal

import (
	"context"
	"log/slog"
	"net/http"
	"sync"

	"github.com/brume-dev/brume/api/logsapi"
	"github.com/brume-dev/brume/asl"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/event/logbook"
	"github.com/brume-dev/brume/service/sfn/execution"
	"github.com/brume-dev/brume/service/sfn/machine"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
	"github.com/brume-dev/brume/timer"
)

// The kinds of promises of this package.
const (
	kindLog   = "sfn.log"   // log events; those of one execution are kept in order
	kindTrace = "sfn.trace" // the segment of an execution that has ended
)

const version = 1 // of the promises' arguments

// Config is what a Journal needs.
type Config struct {
	Caller aws.Caller
	Roles  aws.Roles
	Clock  clock.Clock
	Timer  *timer.Runner
	// History reads what has happened in an execution, and how it stands.
	History func(ctx context.Context, ref execution.Ref, take func(*asl.Event) bool) (*execution.Description, error)
	Log     *slog.Logger
}

// Journal implements execution.Journal.
type Journal struct {
	Config
	client logsapi.Client
	book   *logbook.Book
	tracer *tracer

	mu      sync.Mutex
	streams map[string]*logbook.Stream
}

var _ execution.Journal = (*Journal)(nil)

// New returns a journal and registers its promises with the timer. Its loop is Run.
func New(c Config) *Journal {
	j := &Journal{Config: c, client: logsapi.NewClient(c.Caller), book: logbook.New(logbook.Config{Caller: c.Caller, Log: c.Log})}
	j.tracer = newTracer(c)
	c.Timer.Handle(kindLog, j.put, timer.Policy{})
	c.Timer.Handle(kindTrace, j.tracer.keep, timer.Policy{})
	return j
}

// Run writes what Send was given, until ctx ends.
func (j *Journal) Run(ctx context.Context) error {
	var traces sync.WaitGroup
	defer traces.Wait()
	traces.Go(func() { j.tracer.run(ctx) })
	return j.book.Run(ctx)
}

// batch is events on their way to a stream.
type batch struct {
	machine.Place
	Group     string      `cbor:"3,keyasint"`
	Stream    string      `cbor:"4,keyasint"`
	Data      bool        `cbor:"5,keyasint,omitempty"` // input and output are logged too
	Execution string      `cbor:"6,keyasint"`
	Redrives  int         `cbor:"7,keyasint,omitempty"`
	Events    []asl.Event `cbor:"8,keyasint"`
}

// open is a batch for the stream of a revision: each revision of a machine has one of its own.
func open(l *execution.Log) (batch, bool) {
	r := l.Revision
	if !r.Logging.On() {
		return batch{}, false
	}
	place, group, err := r.Logging.Where()
	if err != nil {
		return batch{}, false
	}
	return batch{Place: place, Group: group, Stream: "states/" + r.Name + "/" + r.Updated.UTC().Format("2006-01-02-15-04") + "/" + r.Key[:8],
		Data: r.Logging.Data, Execution: l.Execution, Redrives: l.Redrives}, true
}

// Write implements execution.Journal. The events are made texts when the promise is kept, not in the transaction.
func (j *Journal) Write(tx store.Tx, l *execution.Log) error {
	if err := j.tracer.note(tx, l); err != nil {
		return err
	}
	b, on := open(l)
	if !on {
		return nil
	}
	size := 0
	send := func() error {
		if len(b.Events) == 0 {
			return nil
		}
		err := timer.Set(tx, timer.Promise{Kind: kindLog, Order: l.Execution, Args: record.Encode(version, b)})
		b.Events, size = nil, 0
		return err
	}
	for i := range l.Events {
		e := l.Events[i]
		if !Logged(l.Revision.Logging.Level, e.Type) {
			continue
		}
		if !b.Data {
			e.Input, e.Output, e.Assigned = nil, nil, nil
		}
		if size > maxBatch {
			if err := send(); err != nil {
				return err
			}
		}
		b.Events, size = append(b.Events, e), size+len(e.Input)+len(e.Output)+len(e.Cause)
	}
	return send()
}

// Send implements execution.Journal.
func (j *Journal) Send(l *execution.Log) {
	j.tracer.send(l)
	b, on := open(l)
	if !on {
		return
	}
	var s *logbook.Stream
	for i := range l.Events {
		e := &l.Events[i]
		if !Logged(l.Revision.Logging.Level, e.Type) {
			continue
		}
		if s == nil {
			s = j.stream(&b)
		}
		s.Add(e.Time, string(b.text(e)))
	}
}

func (j *Journal) stream(b *batch) *logbook.Stream {
	j.mu.Lock()
	defer j.mu.Unlock()
	k := b.Account + b.Group + "\n" + b.Stream
	if s := j.streams[k]; s != nil {
		return s
	}
	if j.streams == nil || len(j.streams) >= maxStreams {
		j.streams = map[string]*logbook.Stream{}
	}
	s := j.book.Open(machine.Deliverer(b.Place, aws.Request{}), b.Group, b.Stream)
	j.streams[k] = s
	return s
}

// put writes a batch. What Logs refuses is dropped: logs are delivered as well as they can be.
func (j *Journal) put(ctx context.Context, k *timer.Kept) error {
	var b batch
	if err := record.Decode(k.Args, version, &b); err != nil {
		return err
	}
	id := machine.Deliverer(b.Place, aws.Request{ID: k.Key})
	in := &logsapi.PutLogEventsRequest{LogGroupName: b.Group, LogStreamName: b.Stream}
	for i := range b.Events {
		in.LogEvents = append(in.LogEvents, logsapi.InputLogEvent{Timestamp: b.Events[i].Time.UnixMilli(), Message: string(b.text(&b.Events[i]))})
	}
	_, err := j.client.PutLogEvents(ctx, id, in)
	if aws.CodeOf(err) == "ResourceNotFoundException" {
		_, err = j.client.CreateLogStream(ctx, id, &logsapi.CreateLogStreamRequest{LogGroupName: b.Group, LogStreamName: b.Stream})
		if err == nil || aws.CodeOf(err) == "ResourceAlreadyExistsException" {
			_, err = j.client.PutLogEvents(ctx, id, in)
		}
	}
	if err == nil {
		return nil
	}
	if status := aws.InfoOf(err).Status; (status == http.StatusTooManyRequests || status >= http.StatusInternalServerError) && j.Clock.Now().Sub(k.Set) < maxAge {
		return err
	}
	j.Log.Debug("sfn: log events dropped", "group", b.Group, "events", len(b.Events), "problem", err)
	return nil
}
