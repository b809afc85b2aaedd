package stream

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"time"

	api "github.com/brume-dev/brume/api/dynamodbstreamsapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/event/source"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
)

// iterator is a place in a shard. Its text begins with the stream's ARN, as AWS's does.
type iterator struct {
	Shard   uint64 `cbor:"1,keyasint"` // its first hour
	Place   []byte `cbor:"2,keyasint"`
	Issued  int64  `cbor:"3,keyasint"`           // seconds
	Horizon bool   `cbor:"4,keyasint,omitempty"` // begins at the oldest record, whichever that is
}

func (i iterator) text(arn string) *string {
	s := arn + "|1|" + base64.StdEncoding.EncodeToString(record.Encode(version, i))
	return &s
}

// parseIterator is the inverse of text.
func parseIterator(s string) (n Name, i iterator, err error) {
	arn, rest, _ := strings.Cut(s, "|1|")
	n, err = resolve(arn)
	b, bad := base64.StdEncoding.DecodeString(rest)
	if err == nil && bad == nil {
		bad = record.Decode(b, version, &i)
	}
	if err != nil || bad != nil {
		return n, i, invalid("Invalid ShardIterator")
	}
	return n, i, nil
}

func trimmed() error {
	return &api.TrimmedDataAccessException{Message: "The operation attempted to read past the oldest stream record in a shard. There are two situations that can trigger this exception: the record was trimmed, or the sequence number is invalid"}
}

// GetShardIterator returns a place in a shard to read from.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_GetShardIterator.html
func (s *Service) GetShardIterator(ctx context.Context, _ aws.Identity, in *api.GetShardIteratorInput) (*api.GetShardIteratorOutput, error) {
	n, err := resolve(in.StreamArn)
	if err != nil {
		return nil, err
	}
	now := s.clock.Now()
	it, err := store.View(ctx, s.shard(n), func(_ context.Context, r store.Reader) (iterator, error) {
		rec, err := s.find(r, n)
		if err != nil {
			return iterator{}, err
		}
		sh, ok := parseShard(in.ShardId, in.StreamArn)
		if first, last := rec.shards(now); !ok || sh.first < first.first || sh.first > last.first {
			return iterator{}, &api.ResourceNotFoundException{Message: "Requested resource not found: Shard: " + in.ShardId + " in Stream: " + in.StreamArn + " not found"}
		}
		return rec.iterator(r, sh, in, now)
	})
	if err != nil {
		return nil, err
	}
	it.Issued = now.Unix()
	return &api.GetShardIteratorOutput{ShardIterator: it.text(in.StreamArn)}, nil
}

// iterator finds the place that a GetShardIterator asks for.
func (rec *Record) iterator(r store.Reader, sh shard, in *api.GetShardIteratorInput, now time.Time) (iterator, error) {
	it := iterator{Shard: sh.first, Place: startOf(max(sh.first, horizon(now)))}
	numbered := in.ShardIteratorType == api.ShardIteratorTypeAtSequenceNumber || in.ShardIteratorType == api.ShardIteratorTypeAfterSequenceNumber
	switch {
	case numbered && in.SequenceNumber == nil:
		return it, invalid("SequenceNumber must be specified when ShardIteratorType is %s", in.ShardIteratorType)
	case !numbered && in.SequenceNumber != nil:
		return it, invalid("SequenceNumber must not be specified when ShardIteratorType is %s", in.ShardIteratorType)
	case in.ShardIteratorType == api.ShardIteratorTypeTrimHorizon:
		it.Horizon = true
		return it, nil
	case in.ShardIteratorType == api.ShardIteratorTypeLatest:
		var err error
		it.Place, err = LogOf(rec.Table, rec.Number).last(r, it.Place, startOf(sh.end()))
		return it, err
	}
	hour, stamp, ok := parseSequence(*in.SequenceNumber)
	if !ok || hour < sh.first || hour >= sh.end() {
		return it, invalid("Invalid SequenceNumber: %s is not in shard %s", *in.SequenceNumber, in.ShardId)
	}
	if hour < horizon(now) {
		return it, trimmed()
	}
	it.Place = place(hour, stamp)
	if in.ShardIteratorType == api.ShardIteratorTypeAfterSequenceNumber {
		it.Place = after(it.Place)
	}
	return it, nil
}

// GetRecords returns the changes that follow a place in a shard, and the place after them.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_GetRecords.html
func (s *Service) GetRecords(ctx context.Context, _ aws.Identity, in *api.GetRecordsInput) (*api.GetRecordsOutput, error) {
	n, it, err := parseIterator(in.ShardIterator)
	if err != nil {
		return nil, err
	}
	now := s.clock.Now()
	if now.Sub(time.Unix(it.Issued, 0)) > iteratorLife {
		return nil, &api.ExpiredIteratorException{Message: "Iterator is expired"}
	}
	limit := maxRecords
	if in.Limit != nil {
		if limit = int(*in.Limit); limit > maxRecords {
			return nil, invalid("1 validation error detected: Value '%d' at 'limit' failed to satisfy constraint: Member must have value less than or equal to %d",
				limit, maxRecords)
		}
	}
	oldest := startOf(horizon(now))
	if bytes.Compare(it.Place, oldest) < 0 {
		if !it.Horizon {
			return nil, trimmed()
		}
		it.Place = oldest
	}
	sh := shard{it.Shard}
	got, err := s.read(ctx, n, sh, it.Place, limit)
	if err != nil {
		return nil, err
	}
	out := &api.GetRecordsOutput{Records: make([]api.Record, len(got.changes))}
	for i := range got.changes {
		out.Records[i] = got.changes[i].render(n, got.rec.View)
		it.Place, it.Horizon = after(got.changes[i].at), false
	}
	if len(got.changes) > 0 || !got.closed {
		it.Issued = s.clock.Now().Unix()
		out.NextShardIterator = it.text(n.ARN())
	}
	return out, nil
}

// found is what a read found.
type found struct {
	rec     Record
	changes []logged
	closed  bool // nothing more will come into the shard
	version store.Version
}

// read returns the changes of a shard from a place on. When there are none it waits for some as long as the reader is
// patient.
func (s *Service) read(ctx context.Context, n Name, sh shard, from []byte, limit int) (found, error) {
	until := s.clock.Now().Add(source.Patience(ctx))
	for {
		got, err := s.look(ctx, n, sh, from, limit)
		if now := s.clock.Now(); err != nil || len(got.changes) > 0 || got.closed || !now.Before(until) {
			return got, err
		}
		if !s.await(ctx, n, got, earlier(until, sh.closing())) {
			return got, nil
		}
	}
}

// look reads once.
func (s *Service) look(ctx context.Context, n Name, sh shard, from []byte, limit int) (found, error) {
	now := s.clock.Now()
	return store.View(ctx, s.shard(n), func(_ context.Context, r store.Reader) (found, error) {
		got := found{version: r.Version()}
		var err error
		if got.rec, err = s.find(r, n); err != nil {
			return got, err
		}
		log := LogOf(got.rec.Table, got.rec.Number)
		if got.changes, err = log.read(r, from, startOf(sh.end()), limit); err != nil {
			return got, err
		}
		if got.closed = got.rec.closed(sh, now); !got.closed && len(got.changes) == 0 && hourOf(now) >= sh.end() {
			later, err := log.read(r, startOf(sh.end()), []byte{0xff}, 1) // commits come in the order of their times
			got.closed = len(later) > 0
			return got, err
		}
		return got, nil
	})
}

// await waits until something may have come into the stream; false: ctx has ended.
func (s *Service) await(ctx context.Context, n Name, got found, until time.Time) bool {
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	reached, stop := s.clock.Until(until)
	defer stop()
	rung := make(chan struct{})
	go func() {
		defer close(rung)
		_, _ = s.shard(n).Wait(inner, LogOf(got.rec.Table, got.rec.Number).topic(), got.version) // its end is enough
	}()
	clock.Waits(ctx)
	select {
	case <-rung:
	case <-reached:
	}
	return ctx.Err() == nil
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

const (
	eventVersion = "1.1"
	eventSource  = "aws:dynamodb"
	ttlPrincipal = "dynamodb.amazonaws.com"
	ttlType      = "Service"
)

// render shows a change as GetRecords does.
func (c *logged) render(n Name, view string) api.Record {
	number := sequence(readPlace(c.at))
	sum := md5.Sum([]byte(n.ARN() + number))
	id, seconds, size := hex.EncodeToString(sum[:]), time.Unix(c.seconds, 0).UTC(), int64(c.size)
	eventVersion, eventSource := eventVersion, eventSource
	out := api.Record{EventID: &id, EventVersion: &eventVersion, EventSource: &eventSource, AwsRegion: &n.Region,
		EventName: api.OperationTypeModify,
		Dynamodb: &api.StreamRecord{ApproximateCreationDateTime: &seconds, Keys: c.keys, OldImage: c.old, NewImage: c.new,
			SequenceNumber: &number, SizeBytes: &size, StreamViewType: api.StreamViewType(view)}}
	switch {
	case c.flags&flagOld == 0:
		out.EventName = api.OperationTypeInsert
	case c.flags&flagNew == 0:
		out.EventName = api.OperationTypeRemove
	}
	if c.flags&flagExpired != 0 {
		principal, kind := ttlPrincipal, ttlType
		out.UserIdentity = &api.Identity{PrincipalId: &principal, Type: &kind}
	}
	return out
}
