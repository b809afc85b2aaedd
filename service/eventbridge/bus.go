package eventbridge

import (
	"cmp"
	"context"
	"strings"

	"github.com/brume-dev/brume/api/eventbridgeapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
)

// CreateEventBus makes a custom event bus.
func (s *Service) CreateEventBus(ctx context.Context, id aws.Identity, in *eventbridgeapi.CreateEventBusRequest) (*eventbridgeapi.CreateEventBusResponse, error) {
	b := ref{here(id), in.Name}
	switch {
	case in.EventSourceName != nil:
		return nil, notFound("Event source %s does not exist.", *in.EventSourceName)
	case b.name == defaultBus:
		return nil, exists("Event bus %s already exists.", b.name)
	case strings.Contains(b.name, "/"):
		return nil, invalid("Event bus name must not contain '/'.")
	}
	tags, err := addTags(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	_, err = s.shard(b.place).Update(ctx, func(_ context.Context, tx store.Tx) error {
		if _, there, err := readBus(tx, b); err != nil || there {
			return cmp.Or(err, exists("Event bus %s already exists.", b.name))
		}
		n, err := count(tx, b.buses(), maxBuses)
		if err != nil {
			return err
		}
		if _, recorded, err := read[busRecord](tx, (ref{b.place, defaultBus}).key()); err != nil || !recorded && n >= maxBuses-1 || n >= maxBuses {
			return cmp.Or(err, tooMany()) // the default bus counts, recorded or not
		}
		next, err := store.NextID(tx, b.next())
		if err != nil {
			return err
		}
		rec := busRecord{ID: next, Created: tx.Now(), Modified: tx.Now(), Tags: tags}
		rec.set(in.Description, in.KmsKeyIdentifier, in.DeadLetterConfig, in.LogConfig)
		write(tx, b.key(), rec)
		changed(tx, b)
		return nil
	})
	if err != nil {
		return nil, err
	}
	arn := b.arn()
	return &eventbridgeapi.CreateEventBusResponse{EventBusArn: &arn, Description: in.Description, KmsKeyIdentifier: in.KmsKeyIdentifier,
		DeadLetterConfig: in.DeadLetterConfig, LogConfig: in.LogConfig}, nil
}

// count counts the keys below prefix, up to limit and one more.
func count(r store.Reader, prefix store.Tuple, limit int) (n int, err error) {
	pairs, done := r.Scan(prefix.Range(), store.ScanOpt{Limit: limit + 1})
	for range pairs {
		n++
	}
	return n, done()
}

// set takes over what Create and Update are given; nil leaves a value as it is.
func (b *busRecord) set(description, key *string, dead *eventbridgeapi.DeadLetterConfig, log *eventbridgeapi.LogConfig) {
	if description != nil {
		b.Description = *description
	}
	if key != nil {
		b.Key = *key
	}
	if dead != nil {
		if b.DeadLetter = ""; dead.Arn != nil {
			b.DeadLetter = *dead.Arn
		}
	}
	if log != nil {
		b.LogLevel, b.LogDetail = string(log.Level), string(log.IncludeDetail)
	}
}

func (b *busRecord) deadLetter() *eventbridgeapi.DeadLetterConfig {
	if b.DeadLetter == "" {
		return nil
	}
	return &eventbridgeapi.DeadLetterConfig{Arn: &b.DeadLetter}
}

func (b *busRecord) log() *eventbridgeapi.LogConfig {
	if b.LogLevel == "" && b.LogDetail == "" {
		return nil
	}
	return &eventbridgeapi.LogConfig{Level: eventbridgeapi.Level(b.LogLevel), IncludeDetail: eventbridgeapi.IncludeDetail(b.LogDetail)}
}

// text is s, or nil when it is empty.
func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// changeBus changes the record of a bus.
func (s *Service) changeBus(ctx context.Context, b ref, f func(tx store.Tx, rec *busRecord) error) (busRecord, error) {
	return store.Update(ctx, s.shard(b.place), func(_ context.Context, tx store.Tx) (busRecord, error) {
		rec, err := mustBus(tx, b)
		if err != nil {
			return rec, err
		}
		if rec.Modified = tx.Now(); rec.Created.IsZero() {
			rec.Created = rec.Modified
		}
		if err := f(tx, &rec); err != nil {
			return rec, err
		}
		write(tx, b.key(), rec)
		changed(tx, b)
		return rec, nil
	})
}

// UpdateEventBus changes a bus's description, key, dead-letter queue and logging.
func (s *Service) UpdateEventBus(ctx context.Context, id aws.Identity, in *eventbridgeapi.UpdateEventBusRequest) (*eventbridgeapi.UpdateEventBusResponse, error) {
	b, err := own(id, in.Name)
	if err != nil {
		return nil, err
	}
	rec, err := s.changeBus(ctx, b, func(_ store.Tx, rec *busRecord) error {
		rec.set(in.Description, in.KmsKeyIdentifier, in.DeadLetterConfig, in.LogConfig)
		return nil
	})
	if err != nil {
		return nil, err
	}
	arn := b.arn()
	return &eventbridgeapi.UpdateEventBusResponse{Arn: &arn, Name: &b.name, KmsKeyIdentifier: text(rec.Key),
		Description: text(rec.Description), DeadLetterConfig: rec.deadLetter(), LogConfig: rec.log()}, nil
}

// DeleteEventBus deletes a custom bus; one that is not there is deleted already.
func (s *Service) DeleteEventBus(ctx context.Context, id aws.Identity, in *eventbridgeapi.DeleteEventBusRequest) (*eventbridgeapi.DeleteEventBusOutput, error) {
	b := ref{here(id), in.Name}
	if b.name == defaultBus {
		return nil, invalid("Cannot delete event bus default.")
	}
	_, err := s.shard(b.place).Update(ctx, func(_ context.Context, tx store.Tx) error {
		_, there, err := readBus(tx, b)
		if err != nil || !there {
			return err
		}
		if n, err := count(tx, b.rules(b.name), 1); err != nil || n > 0 {
			return cmp.Or(err, invalid("Event bus %s can't be deleted since it has rules.", b.name))
		}
		tx.Delete(b.key())
		changed(tx, b)
		return nil
	})
	return &eventbridgeapi.DeleteEventBusOutput{}, err
}

// DescribeEventBus describes a bus.
func (s *Service) DescribeEventBus(ctx context.Context, id aws.Identity, in *eventbridgeapi.DescribeEventBusRequest) (*eventbridgeapi.DescribeEventBusResponse, error) {
	b, err := own(id, in.Name)
	if err != nil {
		return nil, err
	}
	rec, err := store.View(ctx, s.shard(b.place), func(_ context.Context, r store.Reader) (busRecord, error) { return mustBus(r, b) })
	if err != nil {
		return nil, err
	}
	arn := b.arn()
	out := &eventbridgeapi.DescribeEventBusResponse{Name: &b.name, Arn: &arn, Description: text(rec.Description), KmsKeyIdentifier: text(rec.Key),
		DeadLetterConfig: rec.deadLetter(), Policy: text(rec.Policy), LogConfig: rec.log()}
	if !rec.Created.IsZero() {
		out.CreationTime, out.LastModifiedTime = &rec.Created, &rec.Modified
	}
	return out, nil
}

// ListEventBuses lists the buses of the account and region.
func (s *Service) ListEventBuses(ctx context.Context, id aws.Identity, in *eventbridgeapi.ListEventBusesRequest) (*eventbridgeapi.ListEventBusesResponse, error) {
	pg, err := newPage(in.Limit, in.NextToken, in.NamePrefix)
	if err != nil {
		return nil, err
	}
	at := here(id)
	return store.View(ctx, s.shard(at), func(_ context.Context, r store.Reader) (*eventbridgeapi.ListEventBusesResponse, error) {
		out := &eventbridgeapi.ListEventBusesResponse{EventBuses: []eventbridgeapi.EventBus{}}
		add := func(name string, rec busRecord) {
			arn := ref{at, name}.arn()
			e := eventbridgeapi.EventBus{Name: &name, Arn: &arn, Description: text(rec.Description), Policy: text(rec.Policy)}
			if !rec.Created.IsZero() {
				e.CreationTime, e.LastModifiedTime = &rec.Created, &rec.Modified
			}
			out.EventBuses = append(out.EventBuses, e)
		}
		// The default bus, which need not have a record, is the first of all.
		if pg.First() && strings.HasPrefix(defaultBus, pg.Prefix) {
			rec, _, err := readBus(r, ref{at, defaultBus})
			if err != nil {
				return nil, err
			}
			add(defaultBus, rec)
			pg.Limit--
		}
		err := pg.Each(r, at.buses(), func(name string, v store.Value) (bool, error) {
			if name == defaultBus {
				return false, nil
			}
			var rec busRecord
			if err := record.Decode(v, version, &rec); err != nil {
				return false, err
			}
			add(name, rec)
			return true, nil
		})
		out.NextToken = pg.Token()
		return out, err
	})
}
