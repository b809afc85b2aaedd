package eventbridge

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/brume-dev/brume/api/eventbridgeapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/event/pattern"
	"github.com/brume-dev/brume/jsondoc"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
	"github.com/brume-dev/brume/timer"
)

// Each archive has a rule on its bus, which belongs to the service that keeps archives.
const (
	archiveRule = "Events-Archive-"
	archiver    = "prod.vhs.events.aws.internal"
)

// archivePattern is the pattern of an archive's rule: that of the archive, and nothing that is replayed.
func archivePattern(own *string) (string, error) {
	doc := jsondoc.NewObject()
	if own != nil && *own != "" {
		if _, err := pattern.Compile([]byte(*own)); err != nil {
			return "", badPattern(err)
		}
		parsed, err := jsondoc.Parse([]byte(*own))
		if err != nil {
			return "", badPattern(err)
		}
		doc = parsed.(*jsondoc.Object) // or it had not compiled
	}
	never := jsondoc.NewObject()
	never.Set("exists", false)
	doc.Set("replay-name", &jsondoc.Array{Items: []any{never}})
	return jsondoc.Text(doc), nil
}

// sourceBus is the bus of the caller that an EventSourceArn names.
func sourceBus(id aws.Identity, arn string) (ref, error) {
	b, err := bus(id, &arn)
	if err != nil || !strings.HasPrefix(arn, "arn:") || b.place != here(id) {
		return b, invalid("Parameter EventSourceArn is not valid. Reason: Provided Arn is not that of an event bus of this account and region.")
	}
	return b, nil
}

func noArchive(name string) error { return notFound("Archive %s does not exist.", name) }

func mustArchive(r store.Reader, p place, name string) (archiveRecord, error) {
	rec, ok, err := read[archiveRecord](r, p.archives().Text(name))
	if err == nil && !ok {
		err = noArchive(name)
	}
	return rec, err
}

// CreateArchive makes an archive, which keeps every event that its bus takes from now on.
func (s *Service) CreateArchive(ctx context.Context, id aws.Identity, in *eventbridgeapi.CreateArchiveRequest) (*eventbridgeapi.CreateArchiveResponse, error) {
	b, err := sourceBus(id, in.EventSourceArn)
	if err != nil {
		return nil, err
	}
	full, err := archivePattern(in.EventPattern)
	if err != nil {
		return nil, err
	}
	rec, err := store.Update(ctx, s.shard(b.place), func(_ context.Context, tx store.Tx) (rec archiveRecord, err error) {
		onBus, err := mustBus(tx, b)
		if err != nil {
			return rec, err
		}
		key := b.archives().Text(in.ArchiveName)
		if _, there, err := tx.Get(key); err != nil || there {
			return rec, cmp.Or(err, exists("Archive %s already exists.", in.ArchiveName))
		}
		rec = archiveRecord{Bus: b.name, BusID: onBus.ID, Created: tx.Now(), Description: in.Description, Pattern: in.EventPattern, Key: in.KmsKeyIdentifier}
		if in.RetentionDays != nil {
			rec.Days = *in.RetentionDays
		}
		if rec.ID, err = store.NextID(tx, b.next()); err != nil {
			return rec, err
		}
		return rec, putArchive(tx, b, in.ArchiveName, rec, full, rec.Created.Add(rec.retention()))
	})
	if err != nil {
		return nil, err
	}
	arn := b.archiveARN(in.ArchiveName)
	return &eventbridgeapi.CreateArchiveResponse{ArchiveArn: &arn, State: eventbridgeapi.ArchiveStateEnabled, CreationTime: &rec.Created}, nil
}

// putArchive writes an archive with its rule; events are looked through for those that have reached their age at a time.
func putArchive(tx store.Tx, b ref, name string, rec archiveRecord, full string, at time.Time) error {
	write(tx, b.archives().Text(name), rec)
	write(tx, b.rules(b.name).Text(archiveRule+name), ruleRecord{Created: rec.Created, CreatedBy: b.account, Pattern: full,
		State: string(eventbridgeapi.RuleStateEnabled), Archive: name})
	changed(tx, b)
	if rec.Days == 0 {
		_, err := timer.Cancel(tx, kindExpire, promiseID(b.place, name))
		return err
	}
	return timer.Set(tx, timer.Promise{Kind: kindExpire, ID: promiseID(b.place, name), Due: at,
		Args: record.Encode(version, placed{b.account, b.region, name})})
}

// UpdateArchive changes an archive. What is nil stays.
func (s *Service) UpdateArchive(ctx context.Context, id aws.Identity, in *eventbridgeapi.UpdateArchiveRequest) (*eventbridgeapi.UpdateArchiveResponse, error) {
	at := here(id)
	if _, err := archivePattern(in.EventPattern); err != nil {
		return nil, err
	}
	rec, err := store.Update(ctx, s.shard(at), func(_ context.Context, tx store.Tx) (archiveRecord, error) {
		rec, err := mustArchive(tx, at, in.ArchiveName)
		if err != nil {
			return rec, err
		}
		if in.Description != nil {
			rec.Description = in.Description
		}
		if in.EventPattern != nil {
			rec.Pattern = in.EventPattern
		}
		if in.RetentionDays != nil {
			rec.Days = *in.RetentionDays
		}
		if in.KmsKeyIdentifier != nil {
			rec.Key = in.KmsKeyIdentifier
		}
		full, err := archivePattern(rec.Pattern)
		if err != nil {
			return rec, err
		}
		return rec, putArchive(tx, ref{at, rec.Bus}, in.ArchiveName, rec, full, tx.Now())
	})
	if err != nil {
		return nil, err
	}
	arn := at.archiveARN(in.ArchiveName)
	return &eventbridgeapi.UpdateArchiveResponse{ArchiveArn: &arn, State: eventbridgeapi.ArchiveStateEnabled, CreationTime: &rec.Created}, nil
}

// purgePromise is what a kindPurge is about.
type purgePromise struct {
	Account string `cbor:"1,keyasint"`
	Region  string `cbor:"2,keyasint"`
	Bus     uint64 `cbor:"3,keyasint"`
	Archive uint64 `cbor:"4,keyasint"`
}

// DeleteArchive deletes an archive; its events follow by a promise.
func (s *Service) DeleteArchive(ctx context.Context, id aws.Identity, in *eventbridgeapi.DeleteArchiveRequest) (*eventbridgeapi.DeleteArchiveResponse, error) {
	at := here(id)
	_, err := s.shard(at).Update(ctx, func(_ context.Context, tx store.Tx) error {
		rec, err := mustArchive(tx, at, in.ArchiveName)
		if err != nil {
			return err
		}
		b := ref{at, rec.Bus}
		tx.Delete(at.archives().Text(in.ArchiveName))
		tx.Delete(b.rules(b.name).Text(archiveRule + in.ArchiveName))
		changed(tx, b)
		if _, err := timer.Cancel(tx, kindExpire, promiseID(at, in.ArchiveName)); err != nil {
			return err
		}
		return timer.Set(tx, timer.Promise{Kind: kindPurge, Args: record.Encode(version, purgePromise{at.account, at.region, rec.BusID, rec.ID})})
	})
	return &eventbridgeapi.DeleteArchiveResponse{}, err
}

// purge deletes the events of an archive that is deleted, and keeps others from coming.
func (s *Service) purge(ctx context.Context, k *timer.Kept) error {
	var p purgePromise
	if err := record.Decode(k.Args, version, &p); err != nil {
		return err
	}
	v := vault{place{p.Account, p.Region}.resource(p.Bus), p.Archive}
	_, err := s.Store.Shard(v.bus).Update(ctx, func(_ context.Context, tx store.Tx) error {
		tx.Set(v.gone(), nil)
		for _, keys := range []store.Tuple{v.events(), v.ages(), v.bodies()} {
			tx.DeleteRange(keys.Range())
		}
		tx.Delete(v.count())
		tx.Delete(v.bytes())
		return nil
	})
	return err
}

// keep archives an event. One that is there already, because it was passed on twice, is kept once.
func keep(tx store.Tx, v vault, r *routed) error {
	key := v.event(r.time, r.id)
	there, err := tx.GetMany([]store.Key{v.gone(), key})
	if err != nil || there[0] != nil || there[1] != nil {
		return err
	}
	write(tx, key, entryRecord{Ingested: r.ingested, Size: int64(len(r.text))})
	tx.Set(v.age(r.ingested, r.id), record.Encode(version, r.time))
	tx.Add(v.count(), 1)
	tx.Add(v.bytes(), int64(len(r.text)))
	return store.SetLarge(tx, v.body(r.id), []byte(r.text))
}

// expire deletes the events of an archive that have reached their age, and is due again when the next one does.
func (s *Service) expire(ctx context.Context, k *timer.Kept) error {
	var p placed
	if err := record.Decode(k.Args, version, &p); err != nil {
		return err
	}
	rec, err := store.View(ctx, k.Shard, func(_ context.Context, r store.Reader) (archiveRecord, error) {
		rec, _, err := read[archiveRecord](r, p.at().archives().Text(p.Name))
		return rec, err
	})
	if err != nil || rec.Days == 0 {
		return err
	}
	v, now := vault{p.at().resource(rec.BusID), rec.ID}, s.Clock.Now()
	for {
		n, next, err := s.expireSome(ctx, v, now.Add(-rec.retention()))
		if err != nil {
			return err
		}
		if n == expireEvents {
			continue
		}
		if next.IsZero() {
			next = now // nothing that comes later is older
		}
		return timer.Later(next.Add(rec.retention()), nil)
	}
}

// expireSome deletes events that came up to a time and says when the oldest of the rest came.
func (s *Service) expireSome(ctx context.Context, v vault, until time.Time) (n int, next time.Time, err error) {
	_, err = s.Store.Shard(v.bus).Update(ctx, func(_ context.Context, tx store.Tx) error {
		n, next = 0, time.Time{}
		pairs, done := tx.Scan(v.ages().Range(), store.ScanOpt{Limit: expireEvents + 1})
		for kv := range pairs {
			e := store.Decode(kv.Key, len(v.ages()))
			came, id := time.UnixMicro(e.Int()).UTC(), e.Text()
			if came.After(until) || n == expireEvents {
				next = came
				break
			}
			var at time.Time
			if err := record.Decode(kv.Value, version, &at); err != nil {
				return err
			}
			if err := drop(tx, v, came, at, id); err != nil {
				return err
			}
			n++
		}
		return done()
	})
	return n, next, err
}

func drop(tx store.Tx, v vault, came, at time.Time, id string) error {
	rec, there, err := read[entryRecord](tx, v.event(at, id))
	if err != nil {
		return err
	}
	if !there {
		return fmt.Errorf("eventbridge: archive %d: the event %s has no entry", v.id, id)
	}
	tx.Delete(v.event(at, id))
	tx.Delete(v.age(came, id))
	tx.Add(v.count(), -1)
	tx.Add(v.bytes(), -rec.Size)
	return store.DeleteLarge(tx, v.body(id))
}

// holds returns how many events an archive holds, and their size.
func (s *Service) holds(ctx context.Context, p place, rec archiveRecord) (events, size int64, err error) {
	v := vault{p.resource(rec.BusID), rec.ID}
	err = s.Store.Shard(v.bus).View(ctx, func(_ context.Context, r store.Reader) error {
		vs, err := r.GetMany([]store.Key{v.count(), v.bytes()})
		if err == nil {
			events, size = store.ReadCounter(vs[0]), store.ReadCounter(vs[1])
		}
		return err
	})
	return events, size, err
}

// DescribeArchive describes an archive. Its counts are exact at once.
func (s *Service) DescribeArchive(ctx context.Context, id aws.Identity, in *eventbridgeapi.DescribeArchiveRequest) (*eventbridgeapi.DescribeArchiveResponse, error) {
	at := here(id)
	rec, err := store.View(ctx, s.shard(at), func(_ context.Context, r store.Reader) (archiveRecord, error) {
		return mustArchive(r, at, in.ArchiveName)
	})
	if err != nil {
		return nil, err
	}
	events, size, err := s.holds(ctx, at, rec)
	arn, source := at.archiveARN(in.ArchiveName), ref{at, rec.Bus}.arn()
	return &eventbridgeapi.DescribeArchiveResponse{ArchiveArn: &arn, ArchiveName: &in.ArchiveName, EventSourceArn: &source,
		Description: rec.Description, EventPattern: rec.Pattern, State: eventbridgeapi.ArchiveStateEnabled, KmsKeyIdentifier: rec.Key,
		RetentionDays: &rec.Days, SizeBytes: &size, EventCount: &events, CreationTime: &rec.Created}, err
}

// ListArchives lists the archives of the account and region.
func (s *Service) ListArchives(ctx context.Context, id aws.Identity, in *eventbridgeapi.ListArchivesRequest) (*eventbridgeapi.ListArchivesResponse, error) {
	at := here(id)
	pg, err := newPage(in.Limit, in.NextToken, in.NamePrefix)
	if err != nil {
		return nil, err
	}
	if n := given(in.NamePrefix != nil, in.EventSourceArn != nil, in.State != ""); n > 1 {
		return nil, invalid("At most one filter is allowed for ListArchives. Use either : State, EventSourceArn, or NamePrefix.")
	}
	out := &eventbridgeapi.ListArchivesResponse{Archives: []eventbridgeapi.Archive{}}
	var recs []archiveRecord
	err = s.shard(at).View(ctx, func(_ context.Context, r store.Reader) error {
		return pg.Each(r, at.archives(), func(name string, v store.Value) (bool, error) {
			var rec archiveRecord
			if err := record.Decode(v, version, &rec); err != nil {
				return false, err
			}
			source := ref{at, rec.Bus}.arn()
			if in.EventSourceArn != nil && *in.EventSourceArn != source || in.State != "" && in.State != eventbridgeapi.ArchiveStateEnabled {
				return false, nil
			}
			recs = append(recs, rec)
			out.Archives = append(out.Archives, eventbridgeapi.Archive{ArchiveName: &name, EventSourceArn: &source,
				State: eventbridgeapi.ArchiveStateEnabled, RetentionDays: &rec.Days, CreationTime: &rec.Created})
			return true, nil
		})
	})
	out.NextToken = pg.Token()
	for i := range recs {
		if err != nil {
			break
		}
		var events, size int64
		events, size, err = s.holds(ctx, at, recs[i])
		out.Archives[i].EventCount, out.Archives[i].SizeBytes = &events, &size
	}
	return out, err
}

// given counts what is true.
func given(there ...bool) (n int) {
	for _, t := range there {
		if t {
			n++
		}
	}
	return n
}
