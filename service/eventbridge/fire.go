package eventbridge

import (
	"cmp"
	"context"
	"errors"

	"github.com/brume-dev/brume/event/target"
	"github.com/brume-dev/brume/service/eventbridge/input"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
	"github.com/brume-dev/brume/timer"
)

// errChanged says that something has changed since it was read.
var errChanged = errors.New("eventbridge: it has changed since it was read")

// scheduled is a rule whose schedule is due.
type scheduled struct {
	gen     int64
	rule    ruleRecord
	there   bool
	targets []targetRecord
}

// fire sends the event of a schedule to the targets of its rule and makes the promise of the next, in one transaction. A
// schedule that was due several times while the platform was not running fires once.
func (s *Service) fire(ctx context.Context, k *timer.Kept) error {
	var p placed
	if err := record.Decode(k.Args, version, &p); err != nil {
		return err
	}
	b := ref{p.at(), defaultBus}
	for {
		err := s.fireOnce(ctx, k, b, p.Name)
		if !errors.Is(err, errChanged) {
			return err
		}
	}
}

func (s *Service) fireOnce(ctx context.Context, k *timer.Kept, b ref, name string) error {
	now, err := store.View(ctx, k.Shard, func(_ context.Context, r store.Reader) (v scheduled, err error) {
		if v.gen, err = generation(r, b); err != nil {
			return v, err
		}
		if v.rule, v.there, err = read[ruleRecord](r, b.rules(b.name).Text(name)); err != nil {
			return v, err
		}
		pairs, done := r.Scan(b.targets(b.name, name).Range(), store.ScanOpt{})
		for kv := range pairs {
			var t targetRecord
			if err := record.Decode(kv.Value, version, &t); err != nil {
				return v, err
			}
			v.targets = append(v.targets, t)
		}
		return v, done()
	})
	if err != nil {
		return err
	}
	if !now.there || now.rule.Schedule == "" || !now.rule.enabled() {
		return nil
	}
	deliveries, err := s.scheduledEvent(k, b, name, now.targets)
	if err != nil {
		return err
	}
	_, err = k.Shard.Update(ctx, func(_ context.Context, tx store.Tx) error {
		if gen, err := generation(tx, b); err != nil || gen != now.gen {
			return cmp.Or(err, errChanged)
		}
		if err := k.Done(tx); err != nil {
			return err
		}
		for _, d := range deliveries {
			if err := target.Send(tx, d); err != nil {
				return err
			}
		}
		return plan(tx, b, name, now.rule)
	})
	return err
}

func generation(r store.Reader, b ref) (int64, error) {
	v, _, err := r.Get(b.gen(b.name))
	return store.ReadCounter(v), err
}

// scheduledEvent is the event of a schedule, on its way.
func (s *Service) scheduledEvent(k *timer.Kept, b ref, name string, targets []targetRecord) (out []target.Delivery, err error) {
	arn := b.ruleARN(name)
	e := &event{DetailType: "Scheduled Event", Source: "aws.events", Account: b.account, Region: b.region, Time: k.Due,
		Resources: []string{arn}, Detail: []byte("{}"), ingested: s.Clock.Now()}
	if e.ID, err = s.newID(); err != nil {
		return nil, err
	}
	e.seal()
	compiled, err := compileTargets(targets)
	if err != nil {
		return nil, err
	}
	look := &input.Event{Text: e.text}
	for i := range compiled {
		if d, ok := compiled[i].deliver(b, name, arn, e, look); ok {
			out = append(out, d)
		}
	}
	return out, nil
}
