package sqs

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/brume-dev/brume/api/sqsapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/sqs/backlog"
	"github.com/brume-dev/brume/service/sqs/message"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
	"github.com/brume-dev/brume/timer"
)

// taskRecord is a message move task. It lies with the queue that it empties.
type taskRecord struct {
	ID          string `cbor:"1,keyasint"`
	Started     int64  `cbor:"2,keyasint"` // microseconds
	Destination string `cbor:"3,keyasint,omitempty"`
	Rate        int32  `cbor:"4,keyasint,omitempty"` // messages a second; 0: as fast as it goes
	Moved       int64  `cbor:"5,keyasint,omitempty"`
	ToMove      int64  `cbor:"6,keyasint,omitempty"`
	Status      string `cbor:"7,keyasint"`
	Reason      string `cbor:"8,keyasint,omitempty"`
}

const taskVersion = 1

// The states of a task.
const (
	running   = "RUNNING"
	completed = "COMPLETED"
	cancelled = "CANCELLED"
	taskFail  = "FAILED"
)

// handle is what a TaskHandle says, in JSON in base64.
type handle struct {
	place `json:"-"`
	ID    string `json:"taskId"`
	ARN   string `json:"sourceArn"`
}

func (h handle) String() string {
	b, err := json.Marshal(h)
	if err != nil {
		panic(err) // two strings
	}
	return base64.StdEncoding.EncodeToString(b)
}

func parseHandle(text string) (h handle, ok bool) {
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil || json.Unmarshal(b, &h) != nil || h.ID == "" {
		return h, false
	}
	h.place, ok = placeOfARN(h.ARN)
	return h, ok
}

func noResource(what string) error {
	return &sqsapi.ResourceNotFoundException{Message: "The resource that you specified for the " + what + " parameter doesn't exist."}
}

// byARN finds a queue that a parameter names by its ARN.
func (s *Service) byARN(ctx context.Context, id aws.Identity, arn, parameter string) (*queue, error) {
	p, ok := placeOfARN(arn)
	if !ok || p.account != id.Account || p.region != id.Region {
		return nil, noResource(parameter)
	}
	q, err := s.lookUp(ctx, p)
	if aws.CodeOf(err) == aws.CodeOf(noQueue()) {
		return nil, noResource(parameter)
	}
	return q, err
}

// StartMessageMoveTask begins to move the messages of a dead-letter queue, to one queue or to those that they came from.
func (s *Service) StartMessageMoveTask(ctx context.Context, id aws.Identity, in *sqsapi.StartMessageMoveTaskRequest) (*sqsapi.StartMessageMoveTaskResult, error) {
	q, err := s.byARN(ctx, id, in.SourceArn, "SourceArn")
	if err != nil {
		return nil, err
	}
	t := taskRecord{Status: running}
	if err := s.checkTask(ctx, id, q, in, &t); err != nil {
		return nil, err
	}
	var raw message.ID
	if _, err := io.ReadFull(s.Rand, raw[:]); err != nil {
		return nil, fmt.Errorf("sqs: read random bytes: %w", err)
	}
	raw.Random()
	t.ID = raw.String()
	counts, err := s.count(ctx, q)
	if err != nil {
		return nil, err
	}
	t.ToMove = counts[backlog.Visible]
	_, err = update(ctx, s, q, func(tx store.Tx) (struct{}, error) { return struct{}{}, q.startTask(tx, t) })
	if err != nil {
		return nil, err
	}
	h := handle{ID: t.ID, ARN: q.arn()}.String()
	return &sqsapi.StartMessageMoveTaskResult{TaskHandle: &h}, nil
}

func (s *Service) checkTask(ctx context.Context, id aws.Identity, q *queue, in *sqsapi.StartMessageMoveTaskRequest, t *taskRecord) error {
	dlq, err := store.View(ctx, s.home(q.place), func(_ context.Context, r store.Reader) (bool, error) { return isDeadLetters(r, q.place) })
	if err != nil {
		return err
	}
	if !dlq {
		return invalid("Source queue must be configured as a Dead Letter Queue.")
	}
	if r := in.MaxNumberOfMessagesPerSecond; r != nil {
		if *r < 1 || *r > maxTaskRate {
			return badValue(*r, "MaxNumberOfMessagesPerSecond", "Must be between 1 and 500, if provided.")
		}
		t.Rate = *r
	}
	if in.DestinationArn == nil {
		return nil
	}
	to, err := s.byARN(ctx, id, *in.DestinationArn, "DestinationArn")
	switch {
	case err != nil:
		return err
	case to.place == q.place:
		return invalid("Source queue arn and destination queue arn can not be the same.")
	case to.fifo != q.fifo:
		return invalid("Source queue and destination queue must be of the same type.")
	}
	t.Destination = *in.DestinationArn
	return nil
}

// startTask stores a new task and promises to go on with it. Only the last few tasks are kept.
func (q *queue) startTask(tx store.Tx, t taskRecord) error {
	kept, err := q.lastTasks(tx, maxTasks+1)
	if err != nil {
		return err
	}
	if len(kept) > 0 && kept[0].Status == running {
		return invalid("There is already a task running. Only one active task is allowed for a source queue arn at a given time.")
	}
	for i := maxTasks - 1; i < len(kept); i++ {
		tx.Delete(q.tasks().Int(kept[i].Started))
	}
	t.Started = tx.Now().UnixMicro()
	if len(kept) > 0 {
		t.Started = max(t.Started, kept[0].Started+1)
	}
	q.writeTask(tx, t)
	return timer.Set(tx, timer.Promise{Kind: kindTask, ID: q.sweepID(), Args: q.address()})
}

func (q *queue) writeTask(tx store.Tx, t taskRecord) {
	tx.Set(q.tasks().Int(t.Started), record.Encode(taskVersion, t))
}

// lastTasks returns the tasks of a queue, the last one first.
func (q *queue) lastTasks(r store.Reader, n int) (out []taskRecord, err error) {
	all, done := r.Scan(q.tasks().Range(), store.ScanOpt{Limit: n, Reverse: true})
	for kv := range all {
		var t taskRecord
		if err := record.Decode(kv.Value, taskVersion, &t); err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, done()
}

// errNoSource says that a message in a dead-letter queue came from nowhere.
var errNoSource = errors.New("sqs: a message has no source queue")

// goOn moves some messages, and comes back for more.
func (s *Service) goOn(ctx context.Context, k *timer.Kept) error {
	q, err := readAddress(k.Args)
	if err != nil {
		return err
	}
	full, err := s.lookUp(ctx, q.place)
	if aws.CodeOf(err) == aws.CodeOf(noQueue()) || err == nil && full.ID != q.ID {
		return nil // the queue is gone
	}
	if err != nil {
		return err
	}
	next, err := update(ctx, s, full, func(tx store.Tx) (time.Time, error) { return full.step(tx) })
	if errors.Is(err, errNoSource) {
		next, err = update(ctx, s, full, func(tx store.Tx) (time.Time, error) {
			return time.Time{}, full.endTask(tx, taskFail, "CouldNotDetermineMessageSource")
		})
	}
	if err != nil || next.IsZero() {
		return err
	}
	return &timer.Retry{At: next, Uncounted: true}
}

// step moves some messages, and says when to go on; zero: the task has ended.
func (q *queue) step(tx store.Tx) (next time.Time, err error) {
	last, err := q.lastTasks(tx, 1)
	if err != nil || len(last) == 0 || last[0].Status != running {
		return next, err
	}
	t, now := last[0], tx.Now()
	if now.Sub(time.UnixMicro(t.Started)) > maxTaskLength {
		return next, q.endTask(tx, taskFail, "TaskTimedOut")
	}
	n := taskBatch
	if t.Rate > 0 {
		n = min(n, int(t.Rate))
	}
	taken, err := q.log.Drain(tx, n, q.expired(now))
	if err != nil {
		return next, err
	}
	if len(taken.Dead) == 0 && !taken.Again {
		return next, q.endTask(tx, completed, "")
	}
	for _, m := range taken.Dead {
		to := t.Destination
		if to == "" {
			to = m.Source
		}
		if to == "" {
			return next, errNoSource
		}
		if err := q.dispatch(tx, m, to, true); err != nil {
			return next, err
		}
	}
	t.Moved += int64(len(taken.Dead))
	q.writeTask(tx, t)
	if t.Rate > 0 {
		return now.Add(time.Duration(len(taken.Dead)) * time.Second / time.Duration(t.Rate)), nil
	}
	return now, nil
}

// endTask ends the task that is running.
func (q *queue) endTask(tx store.Tx, status, reason string) error {
	last, err := q.lastTasks(tx, 1)
	if err != nil || len(last) == 0 || last[0].Status != running {
		return err
	}
	last[0].Status, last[0].Reason = status, reason
	q.writeTask(tx, last[0])
	return nil
}

// CancelMessageMoveTask stops a task; what has been moved stays moved.
func (s *Service) CancelMessageMoveTask(ctx context.Context, id aws.Identity, in *sqsapi.CancelMessageMoveTaskRequest) (*sqsapi.CancelMessageMoveTaskResult, error) {
	h, ok := parseHandle(in.TaskHandle)
	if !ok {
		return nil, badValue(in.TaskHandle, "TaskHandle", "The task handle is not valid.")
	}
	q, err := s.byARN(ctx, id, h.ARN, "TaskHandle")
	if err != nil {
		return nil, err
	}
	moved, err := update(ctx, s, q, func(tx store.Tx) (int64, error) {
		kept, err := q.lastTasks(tx, maxTasks)
		if err != nil {
			return 0, err
		}
		for _, t := range kept {
			switch {
			case t.ID != h.ID:
				continue
			case t.Status != running:
				return 0, invalid("Only active tasks can be cancelled.")
			}
			if _, err := timer.Cancel(tx, kindTask, q.sweepID()); err != nil {
				return 0, err
			}
			return t.Moved, q.endTask(tx, cancelled, "")
		}
		return 0, &sqsapi.ResourceNotFoundException{Message: "Task does not exist."}
	})
	return &sqsapi.CancelMessageMoveTaskResult{ApproximateNumberOfMessagesMoved: &moved}, err
}

// ListMessageMoveTasks lists the last tasks of a queue, the last one first.
func (s *Service) ListMessageMoveTasks(ctx context.Context, id aws.Identity, in *sqsapi.ListMessageMoveTasksRequest) (*sqsapi.ListMessageMoveTasksResult, error) {
	n := 1
	if in.MaxResults != nil {
		if *in.MaxResults < 1 || *in.MaxResults > maxTasks {
			return nil, badValue(*in.MaxResults, "MaxResults", "Must be between 1 and 10, if provided.")
		}
		n = int(*in.MaxResults)
	}
	q, err := s.byARN(ctx, id, in.SourceArn, "SourceArn")
	if err != nil {
		return nil, err
	}
	kept, err := store.View(ctx, s.shard(q), func(_ context.Context, r store.Reader) ([]taskRecord, error) { return q.lastTasks(r, n) })
	if err != nil {
		return nil, err
	}
	out := &sqsapi.ListMessageMoveTasksResult{Results: []sqsapi.ListMessageMoveTasksResultEntry{}}
	for _, t := range kept {
		arn, started := q.arn(), millis(t.Started)
		e := sqsapi.ListMessageMoveTasksResultEntry{SourceArn: &arn, Status: &t.Status, StartedTimestamp: &started, ApproximateNumberOfMessagesMoved: &t.Moved,
			ApproximateNumberOfMessagesToMove: &t.ToMove, DestinationArn: aws.Some(t.Destination), FailureReason: aws.Some(t.Reason)}
		if t.Rate > 0 {
			e.MaxNumberOfMessagesPerSecond = &t.Rate
		}
		if t.Status == running {
			h := handle{ID: t.ID, ARN: q.arn()}.String()
			e.TaskHandle = &h
		}
		out.Results = append(out.Results, e)
	}
	return out, nil
}
