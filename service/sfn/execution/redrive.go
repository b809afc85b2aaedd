package execution

import (
	"context"
	"errors"
	"time"

	"github.com/brume-dev/brume/api/sfnapi"
	"github.com/brume-dev/brume/asl"
	"github.com/brume-dev/brume/asl/fault"
	"github.com/brume-dev/brume/store"
)

// Reasons why an execution cannot be redriven, as DescribeExecution gives them.
// https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html
const (
	reasonRunning   = "Execution is RUNNING and cannot be redriven"
	reasonSucceeded = "Execution is SUCCEEDED and cannot be redriven"
	reasonEvents    = "Execution history event limit exceeded"
	reasonTooLong   = "Execution has exceeded the max execution time"
	reasonTooLate   = "Execution redrivable period exceeded"
	reasonRedrives  = "Execution redrive limit exceeded"
	reasonPending   = "Execution is PENDING_REDRIVE and cannot be redriven explicitly"
)

// redriveStatus says whether an execution can be redriven, and why not.
func redriveStatus(h *head, now time.Time) (status, reason string) {
	switch {
	case h.Status == Running:
		reason = reasonRunning
	case h.Status == Succeeded:
		reason = reasonSucceeded
	case h.Status == PendingRedrive:
		reason = reasonPending
	case h.Next-1 >= MaxEvents-1:
		reason = reasonEvents
	case now.Sub(moment(h.Start)) >= MaxOpen:
		reason = reasonTooLong
	case now.Sub(moment(h.Stop)) >= Redrivable:
		reason = reasonTooLate
	case h.Redrives >= MaxRedrives:
		reason = reasonRedrives
	default:
		if h.MapRun != "" {
			return "REDRIVABLE_BY_MAP_RUN", ""
		}
		return "REDRIVABLE", ""
	}
	return "NOT_REDRIVABLE", reason
}

// notRedrivable is the error for an execution that cannot be redriven.
func notRedrivable(ref Ref, reason string) error {
	if reason == "" {
		reason = "Child executions of a map run are redriven by the execution that has the map run"
	}
	return &sfnapi.ExecutionNotRedrivable{Message: "Execution is not redrivable: '" + ref.ARN() + "'. " + reason}
}

// Redrive runs again what did not end well of an execution, and returns when it was redriven. The same client token gives the same
// answer. also, which may be nil, is done in the same commit: a map run redrives its children so. Errors are those of RedriveExecution.
func (e *Engine) Redrive(ctx context.Context, ref Ref, clientToken string, byMapRun bool) (time.Time, error) {
	for {
		date, st, err := e.redrivable(ctx, ref, clientToken, byMapRun)
		if err != nil || st == nil {
			return date, err
		}
		out, err := e.step(ctx, st, asl.Happening{What: asl.Redriven, Count: int64(st.head.Redrives)})
		if err != nil {
			return time.Time{}, err
		}
		err = e.redrive(ctx, st, &out)
		if errors.Is(err, errStale) {
			continue
		}
		return milli(moment(st.head.Redriven)), err
	}
}

// redrivable reads an execution that is to be redriven, with the head as it will be; no state when that has been done.
func (e *Engine) redrivable(ctx context.Context, ref Ref, clientToken string, byMapRun bool) (time.Time, *state, error) {
	now := e.Clock.Now()
	var date time.Time
	st, err := store.View(ctx, e.shard(ref), func(_ context.Context, r store.Reader) (*state, error) {
		h, err := get[head](r, ref.head())
		if err != nil {
			return nil, err
		}
		if h == nil {
			return nil, notFound(ref.ARN())
		}
		for _, t := range h.Tokens {
			if clientToken != "" && t.Token == clientToken && now.Sub(moment(t.Date)) < tokenLife {
				date = milli(moment(t.Date))
				return nil, nil
			}
		}
		if status, reason := redriveStatus(h, now); status != "REDRIVABLE" && !byMapRun {
			return nil, notRedrivable(ref, reason)
		} else if h.Status == Running || h.Status == Succeeded {
			return nil, notRedrivable(ref, reason)
		}
		self, err := readThread(r, At{Ref: ref}, false)
		if err != nil {
			return nil, err
		}
		if self == nil {
			return nil, notRedrivable(ref, reasonEvents)
		}
		input, err := h.input(r, ref)
		st := &state{at: At{Ref: ref}, head: h, self: self, facts: &asl.Facts{Input: input}}
		return st, err
	})
	if err != nil || st == nil {
		return date, nil, err
	}
	if st.rev, err = e.Revision(ctx, ref.Spot, st.head.Revision); err != nil {
		return date, nil, err
	}
	h := st.head
	h.Redrives++
	h.Redriven = now.UnixMicro()
	if clientToken != "" {
		h.Tokens = append(h.Tokens, clientTokenOf(clientToken, h.Redriven))
		h.Tokens = h.Tokens[max(0, len(h.Tokens)-maxTokens):]
	}
	st.facts, st.next = facts(ref, st.rev, h, st.facts.Input), h.Next
	return date, st, nil
}

func clientTokenOf(token string, at int64) clientToken { return clientToken{token, at} }

// redrive writes the first step of a redrive.
func (e *Engine) redrive(ctx context.Context, st *state, out *asl.Outcome) error {
	heard := e.heard(ctx, st.at)
	_, err := e.shard(st.at.Ref).Update(ctx, func(_ context.Context, tx store.Tx) error {
		now, err := get[head](tx, st.at.head())
		if err != nil {
			return err
		}
		if now == nil || now.Status == Running || now.Redrives != st.head.Redrives-1 || now.Next != st.next {
			return errStale
		}
		if _, deleting, err := tx.Get(st.at.Deleting()); err != nil || deleting {
			return errors.Join(err, notRedrivable(st.at.Ref, "State machine is in DELETING status"))
		}
		h := *st.head
		h.Status, h.Stop, h.Error, h.Output = Running, 0, nil, nil
		c := &change{e: e, tx: tx, what: asl.Redriven, st: st, head: &h, now: milli(tx.Now())}
		tx.Delete(now.listKey(st.at.Ref)) // it may end in this very commit, as it did before: that is a change of its status too
		if limit := st.rev.Machine.TimeoutSeconds; limit > 0 && h.Block == 0 {
			end := moment(h.Redriven).Add(time.Duration(limit) * time.Second)
			if last := c.latest(); end.After(last) {
				end = last
			}
			if err := c.deadline(end); err != nil {
				return err
			}
		}
		c.events = append(c.events, out.Events...)
		if err := c.follow(out, nil); err != nil {
			return err
		}
		return c.finish(heard)
	})
	return err
}

// Stop ends a running execution as ABORTED and returns when; an execution that is closed stays as it is. Errors are those of
// StopExecution.
func (e *Engine) Stop(ctx context.Context, ref Ref, why *fault.Error) (time.Time, error) {
	if why == nil {
		why = &fault.Error{}
	}
	if err := e.halt(ctx, ref, why, nil); err != nil && !errors.Is(err, errVoid) {
		return time.Time{}, err
	}
	h, err := store.View(ctx, e.shard(ref), func(_ context.Context, r store.Reader) (*head, error) { return get[head](r, ref.head()) })
	if err == nil && h == nil {
		err = notFound(ref.ARN())
	}
	if err != nil {
		return time.Time{}, err
	}
	return milli(moment(h.Stop)), nil
}
