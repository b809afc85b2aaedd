package eventbridge

import (
	"context"
	"strings"
	"time"

	"github.com/brume-dev/brume/api/eventbridgeapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/event/target"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
	"github.com/brume-dev/brume/timer"
)

// PutEvents puts events on buses. Each entry is taken or refused by itself; those for one bus are committed together, with
// all that becomes of them.
func (s *Service) PutEvents(ctx context.Context, id aws.Identity, in *eventbridgeapi.PutEventsRequest) (*eventbridgeapi.PutEventsResponse, error) {
	size := 0
	for i := range in.Entries {
		size += entrySize(&in.Entries[i])
	}
	if size > maxRequest {
		return nil, invalid("Total size of the entries in the request is over the limit.")
	}
	if in.EndpointId != nil {
		return nil, notFound("Endpoint %s does not exist.", *in.EndpointId)
	}
	out := &eventbridgeapi.PutEventsResponse{FailedEntryCount: new(int32), Entries: make([]eventbridgeapi.PutEventsResultEntry, len(in.Entries))}
	batches := map[ref][]*event{}
	var order []ref
	now := s.Clock.Now()
	for i := range in.Entries {
		e, b, refused, err := s.take(ctx, id, &in.Entries[i], now)
		switch {
		case err != nil:
			return nil, err
		case refused != nil:
			out.Entries[i].ErrorCode, out.Entries[i].ErrorMessage = &refused.code, &refused.message
			*out.FailedEntryCount++
			continue
		}
		if batches[b] == nil {
			order = append(order, b)
		}
		batches[b] = append(batches[b], e)
		out.Entries[i].EventId = &e.ID
	}
	for _, b := range order {
		if err := s.accept(ctx, b, batches[b]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// entrySize is what an entry counts for.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevent-size.html
func entrySize(e *eventbridgeapi.PutEventsRequestEntry) (n int) {
	if e.Time != nil {
		n = timeSize
	}
	for _, s := range []*string{e.Source, e.DetailType, e.Detail} {
		if s != nil {
			n += len(*s)
		}
	}
	for _, r := range e.Resources {
		n += len(r)
	}
	return n
}

// refusal is why an entry was not taken.
type refusal struct{ code, message string }

// take makes an entry an event.
func (s *Service) take(ctx context.Context, id aws.Identity, in *eventbridgeapi.PutEventsRequestEntry, now time.Time) (*event, ref, *refusal, error) {
	b, err := bus(id, in.EventBusName)
	if err != nil {
		return nil, b, &refusal{"InvalidArgument", aws.InfoOf(err).Message}, nil
	}
	for _, f := range []struct {
		name  string
		value *string
	}{{"Source", in.Source}, {"DetailType", in.DetailType}, {"Detail", in.Detail}} {
		if f.value == nil || *f.value == "" {
			return nil, b, &refusal{"InvalidArgument", "Parameter " + f.name + " is not valid. Reason: " + f.name + " is a required argument."}, nil
		}
	}
	passed, isPassed := target.Passed(ctx)
	if strings.HasPrefix(*in.Source, "aws.") && id.Kind != aws.ServicePrincipal && !isPassed {
		return nil, b, &refusal{"NotAuthorizedForSourceException", "Not authorized for the source."}, nil
	}
	detail, ok := compact(*in.Detail)
	if !ok {
		return nil, b, &refusal{"MalformedDetail", "Detail is malformed."}, nil
	}
	e := &event{DetailType: *in.DetailType, Source: *in.Source, Account: id.Account, Region: id.Region, Time: now, Resources: in.Resources,
		Detail: detail, ingested: now, trace: id.Request.Trace}
	if in.Time != nil {
		e.Time = *in.Time
	}
	if in.TraceHeader != nil {
		e.trace = *in.TraceHeader
	}
	if isPassed {
		e.passed, e.ID, e.Account, e.Region, e.Replay = true, passed.ID, passed.Account, passed.Region, passed.ReplayName
	} else if e.ID, err = s.newID(); err != nil {
		return nil, b, nil, err
	}
	e.seal()
	return e, b, nil, nil
}

// accept commits the events for one bus.
func (s *Service) accept(ctx context.Context, b ref, events []*event) error {
	c, err := s.route(ctx, b)
	if err != nil {
		return err
	}
	if !c.there {
		if events[0].passed {
			return noBus(b.name)
		}
		// AWS takes events for a bus that does not exist, and drops them.
		s.Log.Warn("eventbridge: events for a bus that does not exist", "bus", b.arn(), "events", len(events))
		return nil
	}
	var all []*routed
	for _, e := range events {
		r, err := c.match(e, nil)
		if err != nil {
			return err
		}
		if len(r.archives)+len(r.deliveries) > 0 {
			all = append(all, r)
		}
	}
	if len(all) == 0 {
		return nil // nothing becomes of them
	}
	_, err = s.Store.Shard(c.resource).Update(ctx, func(_ context.Context, tx store.Tx) error {
		for _, r := range all {
			for _, a := range r.archives {
				if err := keep(tx, vault{c.resource, a.ID}, r); err != nil {
					return err
				}
			}
		}
		return send(tx, all)
	})
	return err
}

// send makes the promises for all deliveries: one for each, or, when that would be more than a transaction holds, some
// that hold many, with their common body once.
func send(tx store.Tx, all []*routed) error {
	size := 0
	for _, r := range all {
		for i := range r.deliveries {
			size += weight(&r.deliveries[i])
		}
	}
	if size <= inlineBytes {
		for _, r := range all {
			for _, d := range r.deliveries {
				if err := target.Send(tx, d); err != nil {
					return err
				}
			}
		}
		return nil
	}
	for _, r := range all {
		if err := sendLater(tx, r); err != nil {
			return err
		}
	}
	return nil
}

func weight(d *target.Delivery) int {
	n := len(d.Body) + 512
	if d.DeadLetter != nil {
		n += len(d.DeadLetter.Body)
	}
	return n
}

// laterPromise is an event and those deliveries of it that are still to be promised. A delivery whose body is the event's
// text has none here.
type laterPromise struct {
	Text       []byte            `cbor:"1,keyasint"`
	Deliveries []target.Delivery `cbor:"2,keyasint"`
	Whole      []bool            `cbor:"3,keyasint"` // the body of the delivery is Text
	WholeDead  []bool            `cbor:"4,keyasint"` // that of its dead letter is
}

func sendLater(tx store.Tx, r *routed) error {
	p, size := laterPromise{Text: []byte(r.text)}, 0
	flush := func() error {
		if len(p.Deliveries) == 0 {
			return nil
		}
		err := timer.Set(tx, timer.Promise{Kind: kindFanout, Dest: r.id, Args: record.Encode(version, p)})
		p, size = laterPromise{Text: p.Text}, 0
		return err
	}
	for _, d := range r.deliveries {
		whole, dead := string(d.Body) == r.text, d.DeadLetter != nil && string(d.DeadLetter.Body) == r.text
		if whole {
			d.Body = nil
		}
		if dead {
			letter := *d.DeadLetter
			letter.Body, d.DeadLetter = nil, &letter
		}
		if size += weight(&d); size > fanoutBytes {
			if err := flush(); err != nil {
				return err
			}
			size = weight(&d)
		}
		p.Deliveries, p.Whole, p.WholeDead = append(p.Deliveries, d), append(p.Whole, whole), append(p.WholeDead, dead)
	}
	return flush()
}

// fanout makes the promises of a laterPromise, a few in each transaction; what is left replaces its arguments.
func (s *Service) fanout(ctx context.Context, k *timer.Kept) error {
	var p laterPromise
	if err := record.Decode(k.Args, version, &p); err != nil {
		return err
	}
	_, err := k.Shard.Update(ctx, func(_ context.Context, tx store.Tx) error {
		size, i := 0, 0
		for ; i < len(p.Deliveries) && (i == 0 || size < fanoutBytes); i++ {
			d := p.Deliveries[i]
			if p.Whole[i] {
				d.Body = p.Text
			}
			if p.WholeDead[i] {
				letter := *d.DeadLetter
				letter.Body, d.DeadLetter = p.Text, &letter
			}
			size += weight(&d)
			if err := target.Send(tx, d); err != nil {
				return err
			}
		}
		if err := k.Done(tx); err != nil || i == len(p.Deliveries) {
			return err
		}
		rest := laterPromise{Text: p.Text, Deliveries: p.Deliveries[i:], Whole: p.Whole[i:], WholeDead: p.WholeDead[i:]}
		return timer.Set(tx, timer.Promise{Kind: kindFanout, Dest: k.Dest, Args: record.Encode(version, rest)})
	})
	return err
}
