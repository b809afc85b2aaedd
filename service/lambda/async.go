package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/event/target"
	"github.com/brume-dev/brume/service/lambda/eventinvoke"
	"github.com/brume-dev/brume/service/lambda/fault"
	"github.com/brume-dev/brume/service/lambda/keys"
	"github.com/brume-dev/brume/service/lambda/trace"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/timer"
)

// waitingEvent is an event that waits for a function: the promise that an asynchronous Invoke makes.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async.html
type waitingEvent struct {
	Account       string    `cbor:"1,keyasint"`
	Region        string    `cbor:"2,keyasint"`
	Name          string    `cbor:"3,keyasint"`
	Qualifier     string    `cbor:"4,keyasint,omitempty"`
	ID            string    `cbor:"5,keyasint"` // request id, the same at every attempt
	Payload       []byte    `cbor:"6,keyasint"`
	Trace         string    `cbor:"7,keyasint,omitempty"`
	ClientContext string    `cbor:"8,keyasint,omitempty"`
	Received      time.Time `cbor:"9,keyasint"`
	Runs          int       `cbor:"10,keyasint,omitempty"` // attempts that the function has had to its end
	Throttled     bool      `cbor:"11,keyasint,omitempty"` // the last attempt had no room
	Function      string    `cbor:"12,keyasint"`           // the function's own id
}

// enqueue promises to run c with ev.
func (s *Service) enqueue(ctx context.Context, c *chosen, ev *event) error {
	w := waitingEvent{Account: c.Account, Region: c.Region, Name: c.Name, Qualifier: c.Qualifier, ID: ev.id, Payload: ev.payload,
		Trace: s.traceOf(ev), ClientContext: ev.clientContext, Function: c.fn.ID}
	_, err := c.Queue(s.Store, c.Name).Update(ctx, func(_ context.Context, tx store.Tx) error {
		w := w
		w.Received = tx.Now()
		return timer.Set(tx, timer.Promise{Kind: kindAsync, Args: keys.Encode(w), Dest: c.FunctionARN()})
	})
	return err
}

// attempt is one try to get rid of a waiting event.
type attempt struct {
	s      *Service
	k      *timer.Kept
	w      waitingEvent
	p      place
	c      *chosen
	config eventinvoke.Config
	answer *answer // of the function, nil when it had none
}

// keepAsync keeps the promise, or says when to try again. What Brume does not survive, or ends itself, was no attempt.
func (s *Service) keepAsync(ctx context.Context, k *timer.Kept) error {
	a := &attempt{s: s, k: k}
	if err := keys.Decode(k.Args, &a.w); err != nil {
		return err
	}
	a.p = place{Space: keys.Of(a.w.Account, a.w.Region), Name: a.w.Name, Qualifier: a.w.Qualifier}
	found, err := a.load(ctx)
	if err != nil {
		return err
	}
	if !found {
		return nil // a function that is gone takes its events with it
	}
	if reserved := a.c.fn.Reserved; reserved != nil && *reserved == 0 {
		return a.fail(ctx, "ZeroReservedConcurrency")
	}
	if !s.now().Before(a.end()) {
		return a.fail(ctx, "EventAgeExceeded")
	}
	a.answer, err = s.execute(ctx, a.c, &event{id: a.w.ID, payload: a.w.Payload, trace: a.w.Trace, clientContext: a.w.ClientContext, arn: a.p.ARN()})
	return a.judge(ctx, err)
}

// load reads the function and its settings for events.
func (a *attempt) load(ctx context.Context) (found bool, err error) {
	pick := a.s.chance()
	err = a.p.Shard(a.s.Store).View(ctx, func(_ context.Context, r store.Reader) error {
		found = false
		c, err := resolve(r, a.p, pick)
		if err != nil {
			if _, gone := fault.Of(err); gone {
				return nil
			}
			return err
		}
		settings, err := eventinvoke.Of(r, a.p)
		if err != nil {
			return err
		}
		a.c, a.config, found = c, settings, c.fn.ID == a.w.Function
		return nil
	})
	if err == nil && found && a.c.cfg.State == string(lambdaapi.StatePending) {
		a.s.settle(ctx, a.p)
	}
	return found, err
}

// end is when the event has waited for too long.
func (a *attempt) end() time.Time {
	return a.w.Received.Add(time.Duration(aws.Or(a.config.MaxAge, maxAsyncAge)) * time.Second)
}

// judge decides what follows from an attempt.
func (a *attempt) judge(ctx context.Context, err error) error {
	var throttled *lambdaapi.TooManyRequestsException
	var looped *lambdaapi.RecursiveInvocationException
	switch {
	case errors.Is(err, errInterrupted) || ctx.Err() != nil:
		return &timer.Retry{Err: errInterrupted, Uncounted: true}
	case a.answer != nil && a.answer.failed && a.s.stopping():
		// The function may have failed because the platform does not answer it any more.
		return &timer.Retry{Err: errInterrupted, Uncounted: true}
	case errors.As(err, &looped):
		return a.fail(ctx, "RecursiveInvocation")
	case err != nil:
		a.w.Throttled = errors.As(err, &throttled)
		return a.again(a.k.Backoff(shortestThrottle, longestThrottle), err)
	}
	a.w.Runs++
	a.w.Throttled = false
	if !a.answer.failed {
		return a.succeed(ctx)
	}
	if a.w.Runs <= int(aws.Or(a.config.Retries, maxAsyncRetries)) {
		wait := firstRetryWait
		if a.w.Runs > 1 {
			wait = laterRetryWait
		}
		return a.again(wait, nil)
	}
	return a.fail(ctx, "RetriesExhausted")
}

// again tries once more after a wait, but not after the event's end.
func (a *attempt) again(wait time.Duration, err error) error {
	at := a.s.now().Add(wait)
	if end := a.end(); at.After(end) {
		at = end
	}
	return &timer.Retry{At: at, Err: err, Args: keys.Encode(a.w)}
}

func (a *attempt) succeed(ctx context.Context) error {
	return a.finish(ctx, func(tx store.Tx) error { return a.deliver(tx, a.config.OnSuccess, "Success") })
}

// fail gives the event up: it goes to the on-failure destination and to the dead-letter queue, if there are any.
func (a *attempt) fail(ctx context.Context, condition string) error {
	return a.finish(ctx, func(tx store.Tx) error {
		return errors.Join(a.deliver(tx, a.config.OnFailure, condition), a.bury(tx, condition))
	})
}

// finish ends the promise, in one transaction with what follows from it.
func (a *attempt) finish(ctx context.Context, follow func(store.Tx) error) error {
	_, err := a.k.Shard.Update(context.WithoutCancel(ctx), func(_ context.Context, tx store.Tx) error {
		return errors.Join(a.k.Done(tx), follow(tx))
	})
	return err
}

// invocationRecord is what a destination gets.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
type invocationRecord struct {
	Version         string           `json:"version"`
	Timestamp       string           `json:"timestamp"`
	RequestContext  requestContext   `json:"requestContext"`
	RequestPayload  json.RawMessage  `json:"requestPayload"`
	ResponseContext *responseContext `json:"responseContext,omitempty"`
	ResponsePayload json.RawMessage  `json:"responsePayload,omitempty"`
}

type requestContext struct {
	RequestID              string `json:"requestId"`
	FunctionARN            string `json:"functionArn"`
	Condition              string `json:"condition"`
	ApproximateInvokeCount int    `json:"approximateInvokeCount"`
}

type responseContext struct {
	StatusCode      int    `json:"statusCode"`
	ExecutedVersion string `json:"executedVersion,omitempty"`
	FunctionError   string `json:"functionError,omitempty"`
}

// record describes the attempt.
func (a *attempt) record(now time.Time, condition string) invocationRecord {
	rec := invocationRecord{Version: "1.0", Timestamp: now.UTC().Format("2006-01-02T15:04:05.000Z"),
		RequestContext: requestContext{RequestID: a.w.ID, FunctionARN: a.p.Space.ARN(a.p.Name, a.p.Wanted()), Condition: condition,
			ApproximateInvokeCount: a.w.Runs},
		RequestPayload: a.w.Payload}
	switch {
	case a.answer != nil:
		rec.ResponseContext = &responseContext{StatusCode: 200, ExecutedVersion: a.answer.version}
		if a.answer.failed {
			rec.ResponseContext.FunctionError = "Unhandled"
		}
		if rec.ResponsePayload = a.answer.payload; !json.Valid(a.answer.payload) {
			rec.ResponsePayload, _ = json.Marshal(string(a.answer.payload)) // a text: cannot fail
		}
	case a.w.Throttled:
		rec.ResponseContext = &responseContext{StatusCode: 429}
	}
	return rec
}

// deliver sends the record to a destination. The execution role must be allowed to.
func (a *attempt) deliver(tx store.Tx, destination, condition string) error {
	if destination == "" {
		return nil
	}
	now := tx.Now()
	body, err := json.Marshal(a.record(now, condition))
	if err != nil {
		return err
	}
	d := a.delivery(destination, body)
	arn, err := aws.ParseARN(destination)
	if err != nil {
		return err
	}
	switch arn.Service {
	case "events":
		result := "Failure"
		if condition == "Success" {
			result = "Success"
		}
		event := target.Event{Source: "lambda", DetailType: "Lambda Function Invocation Result - " + result, Time: now,
			Resources: []string{destination, a.p.Space.ARN(a.p.Name, a.p.Wanted())}, Detail: body}
		if d.Body, err = event.Body(); err != nil {
			return err
		}
	case "s3":
		d.Key = "aws/lambda/async/" + a.p.Name + "/" + now.UTC().Format("2006/01/02/2006-01-02T15.04.05-") + a.w.ID
	}
	err = target.Send(tx, d)
	if errors.Is(err, store.ErrTooLarge) { // a record of the largest event and answer is more than any destination takes
		a.s.Log.Warn("lambda: an invocation record is too large for its destination", "destination", destination, "request", a.w.ID)
		return nil
	}
	return err
}

// delivery is one in the name of the execution role.
func (a *attempt) delivery(to string, body []byte) target.Delivery {
	return target.Delivery{Target: to, Body: body, Role: a.c.cfg.Role, Trace: trace.Through(a.w.Trace, a.p.FunctionARN()),
		From: target.Sender{Service: principal, Account: a.p.Account, Region: a.p.Region, ARN: a.p.FunctionARN()}}
}

// bury sends the event itself to the dead-letter queue of the version, with what became of it as attributes.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html#invocation-dlq
func (a *attempt) bury(tx store.Tx, condition string) error {
	if a.c.cfg.DeadLetter == "" {
		return nil
	}
	code, text := 200, ""
	switch {
	case a.answer != nil:
		var doc struct{ ErrorMessage string }
		if json.Unmarshal(a.answer.payload, &doc) == nil {
			text = doc.ErrorMessage
		}
	case condition == "ZeroReservedConcurrency":
		code, text = 429, "Function not invoked: its reserved concurrency is zero."
	default:
		code, text = 429, "Rate Exceeded."
	}
	d := a.delivery(a.c.cfg.DeadLetter, a.w.Payload)
	d.Attributes = map[string]target.Attribute{"RequestID": {Type: "String", String: a.w.ID},
		"ErrorCode": {Type: "Number", String: strconv.Itoa(code)}}
	if text != "" {
		d.Attributes["ErrorMessage"] = target.Attribute{Type: "String", String: text[:min(len(text), maxErrorText)]}
	}
	return target.Send(tx, d)
}
