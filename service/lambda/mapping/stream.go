package mapping

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/brume-dev/brume/event/source"
	"github.com/brume-dev/brume/event/target"
	"github.com/brume-dev/brume/jsondoc"
	"github.com/brume-dev/brume/service/lambda/keys"
	"github.com/brume-dev/brume/store"
)

// stream is the reading of a stream.
func (r *reader) stream(filter *source.Filter) (*source.Stream, error) {
	m, s := r.m, r.rec.Stream
	return source.NewStream(source.StreamConfig{Caller: m.Caller, Clock: m.Clock, ARN: r.rec.Source, Identity: r.identity, Process: r.batch,
		Positions: positions{r}, BatchSize: int(r.rec.Batch), Window: time.Duration(r.rec.Window) * time.Second, MaxBytes: maxEvent - maxEnvelope(s),
		Filter: filter, Lanes: int(s.Lanes), Tumbling: time.Duration(s.Tumbling) * time.Second, Bisect: s.Bisect,
		MaxAge: time.Duration(max(0, s.MaxAge)) * time.Second, Retries: int(s.Retries), Report: r.report, Log: m.Log})
}

// maxEnvelope is how many bytes of an event are not its records.
func maxEnvelope(s *stream) int {
	if s.Tumbling > 0 {
		return 1<<20 + 1<<10 // the state, and what says of which window it is
	}
	return len(`{"Records":[]}`)
}

// latest reports whether it is still to be found out where the reading begins: with what comes from now on.
func (m *mapping) latest() bool {
	return m.Stream != nil && m.Enabled && !m.Stream.Begun && m.Stream.Start == "LATEST"
}

// latest finds that out.
func (m *Mappings) latest(ctx context.Context, p place, rec *mapping) (map[string]source.Position, error) {
	s, err := (&reader{m: m, place: p, rec: rec}).stream(nil)
	if err != nil {
		return nil, err
	}
	return s.Latest(ctx)
}

// positions keeps how far a stream is processed, with the mapping.
type positions struct{ *reader }

// Load implements source.Positions.
func (p positions) Load(ctx context.Context) (map[string]source.Position, error) {
	k, uuid := p.place.space(), p.place.UUID
	return store.View(ctx, p.m.home(k), func(_ context.Context, r store.Reader) (map[string]source.Position, error) {
		all, t := map[string]source.Position{}, k.done(uuid)
		pairs, done := r.Scan(t.Range(), store.ScanOpt{})
		for kv := range pairs {
			var pos source.Position
			if err := keys.Decode(kv.Value, &pos); err != nil {
				return nil, err
			}
			shard := store.Decode(kv.Key, len(t)).Text()
			state, _, err := store.GetLarge(r, k.windows(uuid).Text(shard))
			if err != nil {
				return nil, err
			}
			pos.State = state
			all[shard] = pos
		}
		return all, done()
	})
}

// Save implements source.Positions.
func (p positions) Save(ctx context.Context, shard string, pos source.Position, lost *source.Lost) error {
	k, uuid := p.place.space(), p.place.UUID
	var delivery *target.Delivery
	if lost != nil && p.rec.Stream.OnFailure != "" {
		fn, err := p.function(ctx)
		if err != nil {
			return err
		}
		delivery = p.delivery(fn, lost)
	}
	state := pos.State
	pos.State = nil
	_, err := p.m.home(k).Update(ctx, func(_ context.Context, tx store.Tx) error {
		tx.Set(k.done(uuid).Text(shard), keys.Encode(pos))
		if p.rec.Stream.Tumbling > 0 {
			window := k.windows(uuid).Text(shard)
			if state == nil {
				if err := store.DeleteLarge(tx, window); err != nil {
					return err
				}
			} else if err := store.SetLarge(tx, window, state); err != nil {
				return err
			}
		}
		if delivery == nil {
			return nil
		}
		return p.send(tx, *delivery, lost)
	})
	return err
}

// Forget implements source.Positions.
func (p positions) Forget(ctx context.Context, shard string) error {
	k, uuid := p.place.space(), p.place.UUID
	_, err := p.m.home(k).Update(ctx, func(_ context.Context, tx store.Tx) error {
		tx.Delete(k.done(uuid).Text(shard))
		return store.DeleteLarge(tx, k.windows(uuid).Text(shard))
	})
	return err
}

// forget deletes all positions of a mapping.
func forget(tx store.Tx, p place) {
	tx.DeleteRange(p.space().done(p.UUID).Range())
	tx.DeleteRange(p.space().windows(p.UUID).Range())
}

// batchError is why a batch of a stream failed.
type batchError struct {
	error
	answer Answer
}

func (e *batchError) Unwrap() error { return e.error }

// batch invokes the function with records of a stream.
func (r *reader) batch(ctx context.Context, b *source.Batch) (out source.Result, err error) {
	p := r.place
	answer, err := r.m.Functions.Run(ctx, p.Account, p.Region, r.rec.Function, streamEvent(r.rec.Source, b), "")
	switch {
	case err != nil: // the function has not run to an end of its own
		return out, fmt.Errorf("%w: %w", source.ErrNoRoom, err)
	case answer.Failed:
		return out, &batchError{errFunction, answer}
	}
	if b.Window != nil {
		var ok bool
		if out.State, ok = stateOf(answer.Payload); !ok && !b.Window.Final {
			return out, &batchError{errState, answer}
		}
	}
	if !r.rec.Report {
		return out, nil
	}
	failed, ok := failures(answer.Payload, b.Records)
	if !ok {
		return out, &batchError{errResponse, answer}
	}
	if i := slices.IndexFunc(b.Records, func(rec source.Record) bool { return slices.Contains(failed, rec.ID) }); i >= 0 {
		out.Failed = b.Records[i].ID
	}
	return out, nil
}

var errState = errors.New("The function's answer has no state of the tumbling window")

// stateOf reads the state of a tumbling window out of an answer.
func stateOf(payload []byte) (state []byte, ok bool) {
	var response map[string]json.RawMessage
	if json.Unmarshal(payload, &response) != nil || !strings.HasPrefix(string(response["state"]), "{") {
		return nil, false
	}
	return response["state"], true
}

// streamEvent is what the function gets.
// https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html#events-sample-dynamodb
// https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-windows.html
func streamEvent(arn string, b *source.Batch) []byte {
	doc := event(b.Records)
	w := b.Window
	if w == nil {
		return doc
	}
	state := w.State
	if state == nil {
		state = []byte("{}")
	}
	doc = append(doc[:len(doc)-1], `,"window":{"start":"`...)
	doc = w.Start.UTC().AppendFormat(doc, time.RFC3339)
	doc = w.End.UTC().AppendFormat(append(doc, `","end":"`...), time.RFC3339)
	doc = append(append(doc, `"},"state":`...), state...)
	doc = jsondoc.AppendString(append(doc, `,"shardId":`...), b.Shard)
	doc = jsondoc.AppendString(append(doc, `,"eventSourceARN":`...), arn)
	return fmt.Appendf(doc, `,"isFinalInvokeForWindow":%t,"isWindowTerminatedEarly":%t}`, w.Final, w.Early)
}

// lostRecord says what became of a batch that is given up.
// https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
type lostRecord struct {
	RequestContext struct {
		RequestID              string `json:"requestId"`
		FunctionARN            string `json:"functionArn"`
		Condition              string `json:"condition"`
		ApproximateInvokeCount int    `json:"approximateInvokeCount"`
	} `json:"requestContext"`
	ResponseContext *lostResponse `json:"responseContext,omitempty"`
	Version         string        `json:"version"`
	Timestamp       string        `json:"timestamp"`
	Batch           struct {
		Shard string `json:"shardId"`
		First string `json:"startSequenceNumber"`
		Last  string `json:"endSequenceNumber"`
		Since string `json:"approximateArrivalOfFirstRecord"`
		Until string `json:"approximateArrivalOfLastRecord"`
		Size  int    `json:"batchSize"`
		ARN   string `json:"streamArn"`
	} `json:"DDBStreamBatchInfo"`
	Payload string `json:"payload,omitempty"` // for buckets
}

type lostResponse struct {
	StatusCode      int    `json:"statusCode"`
	ExecutedVersion string `json:"executedVersion"`
	FunctionError   string `json:"functionError,omitempty"`
}

// delivery tells the on-failure destination of a batch that is given up.
func (p positions) delivery(fn Function, lost *source.Lost) *target.Delivery {
	now := p.m.Clock.Now().UTC()
	rec := lostRecord{Version: "1.0", Timestamp: now.Format("2006-01-02T15:04:05.000Z")}
	rec.RequestContext.FunctionARN, rec.RequestContext.Condition = p.rec.Function, lost.Condition
	rec.RequestContext.RequestID, rec.RequestContext.ApproximateInvokeCount = p.m.NewID(), lost.Attempts
	var failed *batchError
	if errors.As(lost.Problem, &failed) {
		rec.RequestContext.RequestID = failed.answer.Request
		rec.ResponseContext = &lostResponse{StatusCode: 200, ExecutedVersion: failed.answer.Version}
		if failed.answer.Failed {
			rec.ResponseContext.FunctionError = "Unhandled"
		}
	}
	first, last := lost.Records[0], lost.Records[len(lost.Records)-1]
	rec.Batch.Shard, rec.Batch.ARN, rec.Batch.Size = lost.Shard, p.rec.Source, len(lost.Records)
	rec.Batch.First, rec.Batch.Last = first.ID, last.ID
	rec.Batch.Since, rec.Batch.Until = first.At.UTC().Format(time.RFC3339), last.At.UTC().Format(time.RFC3339)
	d := &target.Delivery{Target: p.rec.Stream.OnFailure, Role: fn.Role,
		From: target.Sender{Service: principal, Account: fn.Account, Region: fn.Region, ARN: p.rec.Function}}
	if strings.HasPrefix(d.Target, "arn:aws:s3:") {
		rec.Payload = string(streamEvent(p.rec.Source, lost.Batch))
		d.Key = "aws/lambda/" + p.place.UUID + "/" + lost.Shard + now.Format("/2006/01/02/2006-01-02T15.04.05-") + p.m.NewID()
	}
	d.Body, _ = json.Marshal(rec) // cannot fail
	return d
}

// send hands the delivery over. An event that is too large for that is left out of it.
func (p positions) send(tx store.Tx, d target.Delivery, lost *source.Lost) error {
	err := target.Send(tx, d)
	if !errors.Is(err, store.ErrTooLarge) {
		return err
	}
	p.m.Log.Warn("lambda: the records of a batch are too large for its destination", "mapping", p.place.UUID, "records", len(lost.Records))
	var rec lostRecord
	if err := json.Unmarshal(d.Body, &rec); err != nil {
		return err
	}
	rec.Payload = ""
	if d.Body, err = json.Marshal(rec); err != nil {
		return err
	}
	return target.Send(tx, d)
}
