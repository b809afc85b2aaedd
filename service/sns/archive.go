package sns

import (
	"context"
	"strconv"
	"time"

	"github.com/brume-dev/brume/service/sns/attribute"
	"github.com/brume-dev/brume/service/sns/message"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
	"github.com/brume-dev/brume/timer"
)

// The states of a replay. https://docs.aws.amazon.com/sns/latest/dg/message-archiving-and-replay-subscriber.html
const (
	replayPending  = "Pending"
	replayProgress = "In progress"
	replayDone     = "Completed"
	replayFailed   = "Failed"
)

// replayRecord is a subscription's replay.
type replayRecord struct {
	// Gen is the generation of the topic at which the policy was set: a later one makes another replay.
	Gen   int64     `cbor:"1,keyasint"`
	State string    `cbor:"2,keyasint"`
	Start time.Time `cbor:"3,keyasint"`
	End   time.Time `cbor:"4,keyasint,omitzero"` // zero: on to what is published now
	// After is the archive's key of the message replayed last, below the archive's prefix.
	After []byte `cbor:"5,keyasint,omitempty"`
	// Live says that the replay has come to what is published now, before its end: until then new messages go out as they
	// come.
	Live bool `cbor:"6,keyasint,omitempty"`
}

// paused reports whether the subscription gets no new messages: the replay has not come to them, or ends before them.
func (r *replayRecord) paused() bool {
	return r.State == replayPending || r.State == replayProgress || r.State == replayDone && !r.End.IsZero()
}

// replaying is the promise to go on with a replay.
type replaying struct {
	place
	Topic   string `cbor:"3,keyasint"`
	TopicID uint64 `cbor:"4,keyasint"`
	Sub     string `cbor:"5,keyasint"`
	// Begin, of a promise in the home shard, has the replay begin in the topic's; Quit has it forgotten.
	Begin bool      `cbor:"6,keyasint,omitempty"`
	Start time.Time `cbor:"7,keyasint,omitzero"`
	End   time.Time `cbor:"8,keyasint,omitzero"`
	Gen   int64     `cbor:"9,keyasint,omitempty"` // of the replayRecord
	Quit  bool      `cbor:"10,keyasint,omitempty"`
}

func (r *replaying) spot() spot { return spot{ref{r.place, r.Topic}, r.TopicID} }

// startReplay has the subscription's replay begin, as its policy says, or end when it has none. The settings lie in another
// shard than what is published, so a promise carries it over.
func (rec *subRecord) startReplay(tx store.Tx, t spot, topic *topicRecord, id string) error {
	p, err := attribute.Replay(rec.Attributes[subReplay])
	if err != nil {
		return err
	}
	if p == nil {
		if rec.Replay == 0 {
			return nil
		}
		rec.Replay = 0
		return stopReplay(tx, t, id)
	}
	begin := topic.beginning(tx.Now())
	switch {
	case !topic.archives():
		return invalid("ReplayPolicy: the topic has no ArchivePolicy")
	case p.Start.After(tx.Now()):
		return invalid("ReplayPolicy: StartingPoint must not be in the future")
	case !p.End.IsZero() && !p.End.After(begin):
		return invalid("ReplayPolicy: EndingPoint is before the beginning of the archive")
	}
	if p.Start.Before(begin) {
		p.Start = begin
	}
	if rec.Replay, err = confirmedSince(tx, t); err != nil {
		return err
	}
	r := replaying{place: t.place, Topic: t.name, TopicID: t.id, Sub: id, Begin: true, Start: p.Start, End: p.End, Gen: rec.Replay}
	return timer.Set(tx, timer.Promise{Kind: kindReplay, Order: t.subARN(id), Args: record.Encode(version, r)})
}

// stopReplay has the replay of a subscription forgotten.
func stopReplay(tx store.Tx, t spot, id string) error {
	r := replaying{place: t.place, Topic: t.name, TopicID: t.id, Sub: id, Quit: true}
	return timer.Set(tx, timer.Promise{Kind: kindReplay, Order: t.subARN(id), Args: record.Encode(version, r)})
}

// replay keeps the promises of replays.
func (s *Service) replay(ctx context.Context, k *timer.Kept) error {
	var r replaying
	if err := record.Decode(k.Args, version, &r); err != nil {
		return err
	}
	d := r.spot().data()
	switch {
	case r.Quit:
		_, err := s.dataShard(d).Update(ctx, func(_ context.Context, tx store.Tx) error {
			tx.Delete(d.replay(r.Sub))
			return nil
		})
		return err
	case r.Begin:
		_, err := s.dataShard(d).Update(ctx, func(_ context.Context, tx store.Tx) error { return beginReplay(tx, d, r) })
		return err
	}
	for {
		more, err := s.replaySome(ctx, k, &r, d)
		if err != nil || !more {
			return err
		}
	}
}

// beginReplay writes the replay down.
func beginReplay(tx store.Tx, d data, r replaying) error {
	write(tx, d.replay(r.Sub), replayRecord{Gen: r.Gen, State: replayPending, Start: r.Start, End: r.End})
	r.Begin = false
	return timer.Set(tx, timer.Promise{Kind: kindReplay, Dest: r.Sub, Args: record.Encode(version, r)})
}

// awake reports whether a subscription gets new messages, which it does not from the moment that its ReplayPolicy is set:
// the replay will come to them.
func awake(tx store.Tx, d data, sub *compiledSub) (bool, error) {
	if sub.rec.Replay == 0 {
		return true, nil
	}
	rec, there, err := read[replayRecord](tx, d.replay(sub.id))
	if err != nil || !there || rec.Gen < sub.rec.Replay {
		return false, err
	}
	return !rec.paused() || rec.Live && !tx.Now().After(rec.End), nil
}

// replayOf reads the replay of a subscription.
func (s *Service) replayOf(ctx context.Context, d data, sub string) (rec replayRecord, there bool, err error) {
	err = s.dataShard(d).View(ctx, func(_ context.Context, r store.Reader) (err error) {
		rec, there, err = read[replayRecord](r, d.replay(sub))
		return err
	})
	return rec, there, err
}

// archived is a message of the archive with its key below the archive's prefix.
type archived struct {
	key []byte
	m   *message.Message
}

// keep puts a message into the archive.
func keep(tx store.Tx, d data, m *message.Message) error {
	return store.SetLarge(tx, d.archive().Int(m.Time.UnixMicro()).Uint(m.Sequence), record.Encode(version, *m))
}

// replaySome sends the next messages of the archive on to the subscription, and says whether more may come. When there are
// none left the subscription gets new messages again, in the same commit: none is missed, none comes twice.
func (s *Service) replaySome(ctx context.Context, k *timer.Kept, p *replaying, d data) (more bool, err error) {
	topic, there, err := s.compiled(ctx, p.spot().ref)
	if err != nil {
		return false, err
	}
	var sub *compiledSub
	if there && topic.rec.ID == p.TopicID {
		sub = topic.sub(p.Sub)
	}
	if sub == nil {
		return false, nil // what is gone with the subscription, or is not confirmed yet
	}
	state, there, err := s.replayOf(ctx, d, p.Sub)
	if err != nil || !there || state.Gen != p.Gen || !state.paused() || state.State == replayDone {
		return false, err
	}
	batch, err := store.View(ctx, k.Shard, func(_ context.Context, r store.Reader) ([]archived, error) {
		return readArchive(r, d, &state)
	})
	if err != nil {
		return false, err
	}
	return store.Update(ctx, k.Shard, func(_ context.Context, tx store.Tx) (bool, error) {
		now, there, err := read[replayRecord](tx, d.replay(p.Sub))
		if err != nil || !there || now.Gen != p.Gen {
			return false, err
		}
		now.State = replayProgress
		switch {
		case !topic.rec.archives():
			now.State = replayFailed
		case len(batch) == 0:
			left, err := readArchive(tx, d, &now)
			if err != nil {
				return false, err
			}
			if len(left) == 0 && (now.Live || now.End.IsZero() || tx.Now().After(now.End)) {
				now.State, now.Live = replayDone, false
			} else if len(left) == 0 { // messages until the end may still be published
				now.Live = true
				write(tx, d.replay(p.Sub), now)
				return false, timer.Set(tx, timer.Promise{Kind: kindReplay, Dest: p.Sub, Due: now.End.Add(time.Microsecond), Args: record.Encode(version, *p)})
			}
		}
		for _, a := range batch {
			now.After = a.key
			m := *a.m
			m.Replay = replayName(now.Gen, p.Sub)
			if !sub.filter.Accepts(m.Filtered()) {
				continue
			}
			if err := sendOrdered(tx, d, &m, []*compiledSub{sub}); err != nil {
				return false, err
			}
		}
		write(tx, d.replay(p.Sub), now)
		return now.State == replayProgress, nil
	})
}

// replayName tells a replay from all others of the subscription: a queue must not take its messages for those that it has.
func replayName(gen int64, sub string) string { return sub + "/" + strconv.FormatInt(gen, 10) }

// readArchive reads the messages that come next in a replay.
func readArchive(r store.Reader, d data, state *replayRecord) (out []archived, err error) {
	if state.Live {
		return nil, nil // what comes next has gone out as it came
	}
	prefix := d.archive()
	rng := prefix.Range()
	rng.Begin = prefix.Int(state.Start.UnixMicro())
	if state.After != nil {
		rng = store.Tuple(nil).Raw(prefix).Raw(state.After).After(rng)
	}
	if !state.End.IsZero() {
		rng.End = prefix.Int(state.End.UnixMicro() + 1)
	}
	// The pieces of a large message follow its key: they are no keys of messages.
	pairs, done := r.Scan(rng, store.ScanOpt{})
	size := 0
	for kv := range pairs {
		if e := store.Decode(kv.Key, len(prefix)); messageKey(e) {
			b, _, err := store.GetLarge(r, kv.Key)
			if err != nil {
				return nil, err
			}
			a := archived{key: append([]byte(nil), kv.Key[len(prefix):]...), m: &message.Message{}}
			if err := record.Decode(b, version, a.m); err != nil {
				return nil, err
			}
			out = append(out, a)
			if size += len(b); len(out) == replayChunk || size > replayBytes {
				break
			}
		}
	}
	return out, done()
}

// messageKey reports whether e holds just the time and number of a message.
func messageKey(e *store.Elements) bool {
	e.Int()
	e.Uint()
	return e.Err() == nil && !e.More()
}

// arm begins or ends archiving, when SetTopicAttributes has changed what the policy says.
func (rec *topicRecord) arm(tx store.Tx, t spot, before int) error {
	switch {
	case rec.Days == before:
		return nil
	case rec.Days == 0:
		rec.Archived = time.Time{}
	case before == 0:
		rec.Archived = tx.Now()
	}
	return armSweep(tx, t)
}

// armSweep has old messages leave the archive.
func armSweep(tx store.Tx, t spot) error {
	return timer.Set(tx, timer.Promise{Kind: kindSweep, ID: t.arn(), Args: record.Encode(version, goneTopic{t.place, t.name, t.id})})
}

// sweep takes old messages out of the archive, all of them when the topic does not archive any more, and comes back.
func (s *Service) sweep(ctx context.Context, k *timer.Kept) error {
	var g goneTopic
	if err := record.Decode(k.Args, version, &g); err != nil {
		return err
	}
	t := spot{ref{g.place, g.Topic}, g.TopicID}
	topic, there, err := s.compiled(ctx, t.ref)
	if err != nil || !there || topic.rec.ID != g.TopicID {
		return err
	}
	d := t.data()
	for more := true; more; {
		more, err = store.Update(ctx, s.dataShard(d), func(_ context.Context, tx store.Tx) (bool, error) {
			return sweepSome(tx, d, &topic.rec)
		})
		if err != nil {
			return err
		}
	}
	if topic.rec.archives() {
		return &timer.Retry{At: s.Clock.Now().Add(sweepEvery), Uncounted: true}
	}
	return nil
}

func sweepSome(tx store.Tx, d data, topic *topicRecord) (more bool, err error) {
	prefix := d.archive()
	rng := prefix.Range()
	if topic.archives() {
		rng.End = prefix.Int(topic.beginning(tx.Now()).UnixMicro())
	}
	n := 0
	pairs, done := tx.Scan(rng, store.ScanOpt{Limit: sweepChunk})
	for kv := range pairs {
		tx.Delete(append([]byte(nil), kv.Key...))
		n++
	}
	return n == sweepChunk, done()
}
