package mapping

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/brume-dev/brume/event/source"
	"github.com/brume-dev/brume/service/lambda/trace"
)

// process invokes the function with a batch.
func (r *reader) process(ctx context.Context, batch []source.Record) (failed []string, err error) {
	p, fn := r.place, r.rec.Function
	batch, stopped, err := r.stopLoops(ctx, batch)
	if err != nil || len(batch) == 0 {
		return stopped, err
	}
	answer, err := r.m.Functions.Run(ctx, p.Account, p.Region, fn, event(batch), traceOf(batch))
	switch {
	case err != nil && r.rec.Report && !errors.Is(err, source.ErrNoRoom):
		return nil, fmt.Errorf("%w: %w", source.ErrPartial, err)
	case err != nil:
		return nil, err
	case answer.Failed && r.rec.Report:
		return nil, fmt.Errorf("%w: %w", source.ErrPartial, errFunction)
	case answer.Failed:
		return nil, errFunction
	case !r.rec.Report:
		return stopped, nil
	}
	failed, ok := failures(answer.Payload, batch)
	if !ok {
		return nil, fmt.Errorf("%w: %w", source.ErrPartial, errResponse)
	}
	return append(failed, stopped...), nil
}

// The problems of batches.
var (
	errFunction = errors.New("Function call failed")
	errResponse = errors.New("The function's answer is no partial batch response")
	errLoop     = errors.New("The function runs in a recursive loop")
)

// stopLoops takes those records out of a batch that the function would process in a recursive loop. They are not
// processed: in the end they go to the dead-letter queue of their queue, if it has one.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
func (r *reader) stopLoops(ctx context.Context, batch []source.Record) (rest []source.Record, stopped []string, err error) {
	for i := range batch {
		loops := false
		if batch[i].Trace != "" {
			if loops, err = r.m.Functions.Stops(ctx, r.place.Account, r.place.Region, r.rec.Function, batch[i].Trace); err != nil {
				return nil, nil, err
			}
		}
		if loops {
			stopped = append(stopped, batch[i].ID)
		}
	}
	if len(stopped) == 0 {
		return batch, nil, nil
	}
	r.m.Log.Warn("lambda: a recursive loop is stopped", "function", r.rec.Function, "source", r.rec.Source, "messages", len(stopped))
	if len(stopped) == len(batch) {
		return nil, nil, errLoop
	}
	for i := range batch {
		if !slices.Contains(stopped, batch[i].ID) {
			rest = append(rest, batch[i])
		}
	}
	return rest, stopped, nil
}

// traceOf is the trace that a batch goes on with: that of its first record, which remembers the loops of all.
func traceOf(batch []source.Record) string {
	var headers []string
	for i := range batch {
		if i == 0 || batch[i].Trace != "" {
			headers = append(headers, batch[i].Trace)
		}
	}
	return trace.Merge(headers)
}

// event is what the function gets.
// https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html#example-standard-queue-message-event
func event(batch []source.Record) []byte {
	size := len(`{"Records":[]}`)
	for i := range batch {
		size += len(batch[i].JSON) + 1
	}
	b := append(make([]byte, 0, size), `{"Records":[`...)
	for i := range batch {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, batch[i].JSON...)
	}
	return append(b, "]}"...)
}

// failures reads a partial batch response: the ids of the messages that failed. ok is false when it is none, which means
// that all have failed. Nothing at all means that none has.
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting-conditions
func failures(payload []byte, batch []source.Record) (ids []string, ok bool) {
	var response map[string]json.RawMessage
	if len(payload) == 0 {
		return nil, true
	}
	if json.Unmarshal(payload, &response) != nil {
		return nil, false
	}
	var items []map[string]json.RawMessage
	if list, there := response["batchItemFailures"]; there && json.Unmarshal(list, &items) != nil {
		return nil, false
	}
	known := make(map[string]bool, len(batch))
	for i := range batch {
		known[batch[i].ID] = true
	}
	for _, item := range items {
		var id string
		if json.Unmarshal(item["itemIdentifier"], &id) != nil || !known[id] {
			return nil, false
		}
		ids = append(ids, id)
	}
	return ids, true
}
