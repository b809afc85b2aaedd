package eventbridge

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/brume-dev/brume/api/eventbridgeapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
	"github.com/brume-dev/brume/timer"
)

func mustReplay(r store.Reader, p place, name string) (replayRecord, error) {
	rec, ok, err := read[replayRecord](r, p.replays().Text(name))
	if err == nil && !ok {
		err = notFound("Replay %s does not exist.", name)
	}
	return rec, err
}

// over reports whether a replay has ended.
func (r *replayRecord) over() bool { return !r.Ended.IsZero() }

// StartReplay starts to send the events of an archive to the rules of their bus once more.
func (s *Service) StartReplay(ctx context.Context, id aws.Identity, in *eventbridgeapi.StartReplayRequest) (*eventbridgeapi.StartReplayResponse, error) {
	at := here(id)
	archive, err := archiveName(id, in.EventSourceArn)
	if err != nil {
		return nil, err
	}
	if !in.EventStartTime.Before(in.EventEndTime) {
		return nil, invalid("Parameter EventEndTime is not valid. Reason: EventStartTime must be before EventEndTime.")
	}
	b, err := bus(id, &in.Destination.Arn)
	if err != nil || !isBus(in.Destination.Arn) {
		return nil, invalid("Parameter Destination.Arn is not valid. Reason: Must contain an event bus ARN.")
	}
	rec := replayRecord{Archive: archive, Bus: b.name, Rules: in.Destination.FilterArns, Start: in.EventStartTime, End: in.EventEndTime,
		State: string(eventbridgeapi.ReplayStateStarting), Description: in.Description}
	rec, err = store.Update(ctx, s.shard(at), func(_ context.Context, tx store.Tx) (replayRecord, error) {
		return startReplay(tx, b, in.ReplayName, rec, at)
	})
	if err != nil {
		return nil, err
	}
	arn := at.replayARN(in.ReplayName)
	return &eventbridgeapi.StartReplayResponse{ReplayArn: &arn, State: eventbridgeapi.ReplayStateStarting, ReplayStartTime: &rec.Began}, nil
}

// archiveName is the name of the caller's archive with an ARN.
func archiveName(id aws.Identity, arn string) (string, error) {
	a, err := aws.ParseARN(arn)
	kind, name := a.Split()
	if err != nil || a.Service != service || kind != "archive" || a.Account != id.Account || a.Region != id.Region {
		return "", invalid("Parameter EventSourceArn is not valid. Reason: Must contain an archive ARN.")
	}
	return name, nil
}

func startReplay(tx store.Tx, b ref, name string, rec replayRecord, at place) (replayRecord, error) {
	if _, there, err := tx.Get(at.replays().Text(name)); err != nil || there {
		return rec, cmp.Or(err, exists("Replay %s already exists.", name))
	}
	archive, ok, err := read[archiveRecord](tx, at.archives().Text(rec.Archive))
	switch {
	case err != nil:
		return rec, err
	case !ok:
		return rec, invalid("Parameter EventSourceArn is not valid. Reason: Archive %s does not exist.", rec.Archive)
	case b != (ref{at, archive.Bus}):
		return rec, invalid("Parameter Destination.Arn is not valid. Reason: Cross event bus replay is not permitted.")
	}
	for _, arn := range rec.Rules {
		onBus, rule, err := tagged(aws.Identity{Account: at.account, Region: at.region}, arn)
		if err != nil || rule == "" || onBus != b {
			return rec, invalid("Parameter Destination.FilterArns is not valid. Reason: %s is not a rule of the event bus.", arn)
		}
		if _, err := mustRule(tx, b, rule); err != nil {
			return rec, err
		}
	}
	running := 0
	pairs, done := tx.Scan(at.replays().Range(), store.ScanOpt{})
	for kv := range pairs {
		var other replayRecord
		if err := record.Decode(kv.Value, version, &other); err != nil {
			return rec, err
		}
		if !other.over() {
			running++
		}
	}
	if err := done(); err != nil || running >= maxReplays {
		return rec, cmp.Or(err, tooMany())
	}
	rec.ArchiveID, rec.BusID, rec.Began = archive.ID, archive.BusID, tx.Now()
	if rec.ID, err = store.NextID(tx, at.next()); err != nil {
		return rec, err
	}
	write(tx, at.replays().Text(name), rec)
	return rec, timer.Set(tx, timer.Promise{Kind: kindReplay, Dest: at.replayARN(name), Args: record.Encode(version, placed{at.account, at.region, name})})
}

// replay goes on with a replay, in steps: each sends some events and notes how far it came in one transaction, so that
// none is left out or sent twice, whenever the process dies.
func (s *Service) replay(ctx context.Context, k *timer.Kept) error {
	var p placed
	if err := record.Decode(k.Args, version, &p); err != nil {
		return err
	}
	for ctx.Err() == nil {
		rec, there, err := s.readReplay(ctx, p)
		if err != nil || !there || rec.over() {
			return err
		}
		if rec.State == string(eventbridgeapi.ReplayStateCancelling) {
			return s.endReplay(ctx, k, p, eventbridgeapi.ReplayStateCancelled, "")
		}
		c, err := s.route(ctx, ref{p.at(), rec.Bus})
		if err != nil {
			return err
		}
		if !c.there || c.bus.ID != rec.BusID {
			return s.endReplay(ctx, k, p, eventbridgeapi.ReplayStateFailed, "The event bus does not exist any more.")
		}
		last, err := s.replaySome(ctx, c, p, rec)
		if errors.Is(err, errChanged) {
			continue // an attempt before this one was still at it
		}
		if err != nil {
			return err
		}
		if last.Done {
			return s.endReplay(ctx, k, p, eventbridgeapi.ReplayStateCompleted, "")
		}
		if err := s.noteReplay(ctx, p, last.Time); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (s *Service) readReplay(ctx context.Context, p placed) (rec replayRecord, there bool, err error) {
	err = s.shard(p.at()).View(ctx, func(_ context.Context, r store.Reader) error {
		rec, there, err = read[replayRecord](r, p.at().replays().Text(p.Name))
		return err
	})
	return rec, there, err
}

// replaySome sends the next events and returns where it came; Done says that there were none.
func (s *Service) replaySome(ctx context.Context, c *compiled, p placed, rec replayRecord) (cursorRecord, error) {
	shard, v := s.Store.Shard(c.resource), vault{c.resource, rec.ArchiveID}
	var from, to cursorRecord
	var texts [][]byte
	err := shard.View(ctx, func(_ context.Context, r store.Reader) (err error) {
		texts = nil
		if from, _, err = read[cursorRecord](r, cursorKey(c.resource, rec.ID)); err != nil {
			return err
		}
		texts, to, err = after(r, v, rec, from)
		return err
	})
	if err != nil || len(texts) == 0 {
		return cursorRecord{Done: true}, err
	}
	var only map[string]bool
	if len(rec.Rules) > 0 {
		only = map[string]bool{}
		for _, arn := range rec.Rules {
			only[arn] = true
		}
	}
	var all []*routed
	for _, t := range texts {
		e, err := parseEvent(t)
		if err != nil {
			return to, fmt.Errorf("eventbridge: archived event: %w", err)
		}
		e.Replay, e.ingested = p.Name, s.Clock.Now()
		e.seal()
		r, err := c.match(e, only)
		if err != nil {
			return to, err
		}
		all = append(all, r)
	}
	_, err = shard.Update(ctx, func(_ context.Context, tx store.Tx) error {
		now, _, err := read[cursorRecord](tx, cursorKey(c.resource, rec.ID))
		if err != nil || now.Event != from.Event || !now.Time.Equal(from.Time) {
			return cmp.Or(err, errChanged)
		}
		write(tx, cursorKey(c.resource, rec.ID), to)
		return send(tx, all)
	})
	return to, err
}

// after reads the events of a replay that follow a cursor: some, in the order of their times.
func after(r store.Reader, v vault, rec replayRecord, from cursorRecord) (texts [][]byte, to cursorRecord, err error) {
	keys := v.events()
	rng := store.Range{Begin: keys.Int(rec.Start.UnixMicro()), End: keys.Int(rec.End.UnixMicro() + 1)}
	if from.Event != "" {
		rng = store.Tuple(v.event(from.Time, from.Event)).After(rng)
	}
	size := 0
	pairs, done := r.Scan(rng, store.ScanOpt{Limit: replayEvents})
	for kv := range pairs {
		e := store.Decode(kv.Key, len(keys))
		at, id := time.UnixMicro(e.Int()).UTC(), e.Text()
		text, there, err := store.GetLarge(r, v.body(id))
		if err != nil {
			return nil, to, err
		}
		if !there {
			return nil, to, fmt.Errorf("eventbridge: archive %d: the event %s has no body", v.id, id)
		}
		if size += len(text); size > replayBytes && len(texts) > 0 {
			break
		}
		texts = append(texts, append([]byte(nil), text...))
		to = cursorRecord{Time: at, Event: id}
	}
	return texts, to, done()
}

// noteReplay shows how far a replay has come.
func (s *Service) noteReplay(ctx context.Context, p placed, last time.Time) error {
	_, err := s.shard(p.at()).Update(ctx, func(_ context.Context, tx store.Tx) error {
		rec, there, err := read[replayRecord](tx, p.at().replays().Text(p.Name))
		if err != nil || !there {
			return err
		}
		if rec.Last = last; rec.State == string(eventbridgeapi.ReplayStateStarting) {
			rec.State = string(eventbridgeapi.ReplayStateRunning)
		}
		write(tx, p.at().replays().Text(p.Name), rec)
		return nil
	})
	return err
}

// endReplay ends a replay and has it forgotten after the time for which AWS remembers replays.
func (s *Service) endReplay(ctx context.Context, k *timer.Kept, p placed, state eventbridgeapi.ReplayState, reason string) error {
	_, err := k.Shard.Update(ctx, func(_ context.Context, tx store.Tx) error {
		rec, there, err := read[replayRecord](tx, p.at().replays().Text(p.Name))
		if err != nil || !there {
			return err
		}
		if rec.State == string(eventbridgeapi.ReplayStateCancelling) {
			state = eventbridgeapi.ReplayStateCancelled
		}
		rec.State, rec.Reason, rec.Ended = string(state), text(reason), tx.Now()
		write(tx, p.at().replays().Text(p.Name), rec)
		if err := k.Done(tx); err != nil {
			return err
		}
		return timer.Set(tx, timer.Promise{Kind: kindForget, Due: tx.Now().Add(replayKept), Args: k.Args})
	})
	return err
}

// forget deletes a replay that ended long ago.
func (s *Service) forget(ctx context.Context, k *timer.Kept) error {
	var p placed
	if err := record.Decode(k.Args, version, &p); err != nil {
		return err
	}
	rec, there, err := s.readReplay(ctx, p)
	if err != nil || !there || !rec.over() {
		return err
	}
	resource := p.at().resource(rec.BusID)
	if _, err := s.Store.Shard(resource).Update(ctx, func(_ context.Context, tx store.Tx) error {
		tx.Delete(cursorKey(resource, rec.ID))
		return nil
	}); err != nil {
		return err
	}
	_, err = k.Shard.Update(ctx, func(_ context.Context, tx store.Tx) error {
		tx.Delete(p.at().replays().Text(p.Name))
		return k.Done(tx)
	})
	return err
}

// CancelReplay cancels a replay that has not ended.
func (s *Service) CancelReplay(ctx context.Context, id aws.Identity, in *eventbridgeapi.CancelReplayRequest) (*eventbridgeapi.CancelReplayResponse, error) {
	at := here(id)
	_, err := s.shard(at).Update(ctx, func(_ context.Context, tx store.Tx) error {
		rec, err := mustReplay(tx, at, in.ReplayName)
		if err != nil {
			return err
		}
		switch eventbridgeapi.ReplayState(rec.State) {
		case eventbridgeapi.ReplayStateStarting, eventbridgeapi.ReplayStateRunning:
		default:
			return &eventbridgeapi.IllegalStatusException{Message: "Replay " + in.ReplayName + " is not in a valid state for this operation."}
		}
		rec.State = string(eventbridgeapi.ReplayStateCancelling)
		write(tx, at.replays().Text(in.ReplayName), rec)
		return nil
	})
	if err != nil {
		return nil, err
	}
	arn := at.replayARN(in.ReplayName)
	return &eventbridgeapi.CancelReplayResponse{ReplayArn: &arn, State: eventbridgeapi.ReplayStateCancelling}, nil
}

func (r *replayRecord) view(p place, name string) eventbridgeapi.Replay {
	source := p.archiveARN(r.Archive)
	out := eventbridgeapi.Replay{ReplayName: &name, EventSourceArn: &source, State: eventbridgeapi.ReplayState(r.State), StateReason: r.Reason,
		EventStartTime: &r.Start, EventEndTime: &r.End, ReplayStartTime: &r.Began}
	if !r.Last.IsZero() {
		out.EventLastReplayedTime = &r.Last
	}
	if r.over() {
		out.ReplayEndTime = &r.Ended
	}
	return out
}

// DescribeReplay describes a replay.
func (s *Service) DescribeReplay(ctx context.Context, id aws.Identity, in *eventbridgeapi.DescribeReplayRequest) (*eventbridgeapi.DescribeReplayResponse, error) {
	at := here(id)
	rec, err := store.View(ctx, s.shard(at), func(_ context.Context, r store.Reader) (replayRecord, error) { return mustReplay(r, at, in.ReplayName) })
	if err != nil {
		return nil, err
	}
	v, arn := rec.view(at, in.ReplayName), at.replayARN(in.ReplayName)
	return &eventbridgeapi.DescribeReplayResponse{ReplayName: v.ReplayName, ReplayArn: &arn, Description: rec.Description, State: v.State,
		StateReason: v.StateReason, EventSourceArn: v.EventSourceArn,
		Destination:    &eventbridgeapi.ReplayDestination{Arn: ref{at, rec.Bus}.arn(), FilterArns: rec.Rules},
		EventStartTime: v.EventStartTime, EventEndTime: v.EventEndTime, EventLastReplayedTime: v.EventLastReplayedTime,
		ReplayStartTime: v.ReplayStartTime, ReplayEndTime: v.ReplayEndTime}, nil
}

// ListReplays lists the replays of the account and region.
func (s *Service) ListReplays(ctx context.Context, id aws.Identity, in *eventbridgeapi.ListReplaysRequest) (*eventbridgeapi.ListReplaysResponse, error) {
	at := here(id)
	pg, err := newPage(in.Limit, in.NextToken, in.NamePrefix)
	if err != nil {
		return nil, err
	}
	if given(in.NamePrefix != nil, in.EventSourceArn != nil, in.State != "") > 1 {
		return nil, invalid("At most one filter is allowed for ListReplays. Use either : State, EventSourceArn, or NamePrefix.")
	}
	return store.View(ctx, s.shard(at), func(_ context.Context, r store.Reader) (*eventbridgeapi.ListReplaysResponse, error) {
		out := &eventbridgeapi.ListReplaysResponse{Replays: []eventbridgeapi.Replay{}}
		err := pg.Each(r, at.replays(), func(name string, v store.Value) (bool, error) {
			var rec replayRecord
			if err := record.Decode(v, version, &rec); err != nil {
				return false, err
			}
			if in.State != "" && rec.State != string(in.State) || in.EventSourceArn != nil && at.archiveARN(rec.Archive) != *in.EventSourceArn {
				return false, nil
			}
			out.Replays = append(out.Replays, rec.view(at, name))
			return true, nil
		})
		out.NextToken = pg.Token()
		return out, err
	})
}
