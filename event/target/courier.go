package target

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
	"github.com/brume-dev/brume/timer"
)

// Config is what deliveries need.
type Config struct {
	Runner *timer.Runner
	Caller aws.Caller
	Roles  aws.Roles
	Clock  clock.Clock
	Log    *slog.Logger // nil: no log
	// Destinations delivers to API destinations; nil: there are none.
	Destinations Destinations
	// Observe, when not nil, is told of every attempt: services count their metrics by it. It must not block.
	Observe func(Outcome)
}

// Outcome is how an attempt ended.
type Outcome struct {
	Delivery *Delivery
	Attempt  int
	Err      error // nil: delivered
	Code     string
	End      End
}

// End says what is next after an attempt.
type End int

// The ends of an attempt.
const (
	Delivered End = iota
	Again         // it is tried again
	Dead          // it went to the dead-letter queue
	Dropped       // there is none
)

// Register has c.Runner keep deliveries. It is called once, before the runner runs.
func Register(c Config) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Observe == nil {
		c.Observe = func(Outcome) {}
	}
	co := &courier{c}
	c.Runner.Handle(Kind, co.keep, timer.Policy{Parallel: parallel, Timeout: timeout})
}

type courier struct{ Config }

// keep makes one attempt.
func (c *courier) keep(ctx context.Context, k *timer.Kept) error {
	var d Delivery
	if err := record.Decode(k.Args, version, &d); err != nil {
		return err
	}
	f := c.attempt(ctx, k, &d)
	if f.err == nil {
		c.Observe(Outcome{Delivery: &d, Attempt: k.Attempt, End: Delivered})
		return nil
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return f.err // the platform stops: it was no attempt
	}
	return c.failed(ctx, k, &d, f)
}

// attempt obtains the identity of the delivery and makes the call.
func (c *courier) attempt(ctx context.Context, k *timer.Kept, d *Delivery) failure {
	arn, err := aws.ParseARN(d.Target)
	if err != nil {
		return failure{"INVALID_PARAMETER", false, err}
	}
	send := senderOf(arn)
	if send == nil {
		return failure{"INVALID_PARAMETER", false, Check(d.Target)}
	}
	if d.From.Service == "events.amazonaws.com" {
		d.Trace = withoutLineage(d.Trace)
	}
	request := aws.Request{ID: k.Key, Trace: d.Trace}
	id := aws.ForService(d.From.Service, d.From.Account, d.From.Region, d.From.ARN, request)
	if d.Role != "" {
		if id, _, err = c.Roles.Assume(ctx, id, d.Role, sessionName(d.From.ARN)); err != nil {
			f := classify(err)
			if f.code = "FAILED_TO_ASSUME_ROLE"; f.again {
				f.code = "TRANSIENT_ASSUME_ROLE"
			}
			return f
		}
		id.Request = request
	} else if arn.Account != "" {
		id.Account = arn.Account
	}
	if arn.Region != "" {
		id.Region = arn.Region
	}
	a := &attempt{Delivery: d, caller: c.Caller, destinations: c.Destinations, id: id, arn: arn, key: k.Key, made: k.Set.UnixMilli()}
	if err := send(ctx, a); err != nil {
		return classify(err)
	}
	return failure{}
}

// withoutLineage is a trace header without the part by which Lambda finds recursive loops: those that go by way of
// EventBridge are not looked for.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html#invocation-recursion-supported
func withoutLineage(header string) string {
	if !strings.Contains(header, "Lineage=") {
		return header
	}
	var parts []string
	for part := range strings.SplitSeq(header, ";") {
		if !strings.HasPrefix(strings.TrimSpace(part), "Lineage=") {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, ";")
}

// sessionName names the role session of a sender: one and the same, so that its credentials can be cached.
func sessionName(arn string) string {
	sum := sha256.Sum256([]byte(arn))
	return fmt.Sprintf("%x", sum[:16])
}

// failed decides what becomes of a delivery after an attempt that failed: EventBridge's retry policy, then the
// dead-letter queue. The last attempt is made when the maximum age is reached; one that comes later than that, because
// the platform was not running, is still made.
func (c *courier) failed(ctx context.Context, k *timer.Kept, d *Delivery, f failure) error {
	now, limits := c.Clock.Now(), d.limits()
	end := k.Set.Add(limits.MaxAge)
	exhausted := ""
	switch {
	case !f.again:
	case k.Attempt > limits.Retries:
		exhausted = "MaximumRetryAttempts"
	case !now.Before(end):
		exhausted = "MaximumEventAgeInSeconds"
	default:
		c.Observe(Outcome{Delivery: d, Attempt: k.Attempt, Err: f.err, Code: f.code, End: Again})
		at := now.Add(k.Backoff(shortestWait, longestWait))
		if at.After(end) {
			at = end
		}
		return timer.Later(at, f.err)
	}
	o := Outcome{Delivery: d, Attempt: k.Attempt, Err: f.err, Code: f.code, End: Dropped}
	if d.DeadLetter != nil {
		if err := c.bury(ctx, k, d, f, exhausted); err != nil {
			return err
		}
		o.End = Dead
	}
	c.Log.Warn("target: not delivered", "target", d.Target, "from", d.From.ARN, "code", f.code, "attempts", k.Attempt,
		"dead-letter", d.DeadLetter != nil, "err", f.err)
	c.Observe(o)
	return nil
}

// bury replaces the delivery by one to its dead-letter queue, in one transaction.
func (c *courier) bury(ctx context.Context, k *timer.Kept, d *Delivery, f failure, exhausted string) error {
	dead := Delivery{
		Target:     d.DeadLetter.ARN,
		Body:       d.DeadLetter.Body,
		From:       d.From,
		Role:       d.DeadLetter.Role,
		Trace:      d.Trace,
		Attributes: map[string]Attribute{},
	}
	if dead.Body == nil {
		dead.Body = d.Body
	}
	say := func(name, value string) {
		if value != "" { // a queue refuses an attribute without a value
			dead.Attributes[name] = Attribute{Type: "String", String: value}
		}
	}
	say("RULE_ARN", d.From.ARN)
	say("TARGET_ARN", d.Target)
	say("ERROR_CODE", f.code)
	say("ERROR_MESSAGE", f.message())
	if say("EXHAUSTED_RETRY_CONDITION", exhausted); exhausted != "" {
		say("RETRY_ATTEMPTS", strconv.Itoa(k.Attempt-1))
	}
	_, err := k.Shard.Update(context.WithoutCancel(ctx), func(_ context.Context, tx store.Tx) error {
		return errors.Join(k.Done(tx), Send(tx, dead))
	})
	return err
}
