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
	type read struct {
		rec     Record
		changes []logged
	}
	sh := shard{it.Shard}
	got, err := store.View(ctx, s.shard(n), func(_ context.Context, r store.Reader) (read, error) {
		rec, err := s.find(r, n)
		if err != nil {
			return read{}, err
		}
		changes, err := LogOf(rec.Table, rec.Number).read(r, it.Place, startOf(sh.end()), limit)
		return read{rec, changes}, err
	})
	if err != nil {
		return nil, err
	}
	out := &api.GetRecordsOutput{Records: make([]api.Record, len(got.changes))}
	for i := range got.changes {
		out.Records[i] = got.changes[i].render(n, got.rec.View)
		it.Place, it.Horizon = after(got.changes[i].at), false
	}
	if len(got.changes) > 0 || !got.rec.closed(sh, now) {
		it.Issued = now.Unix()
		out.NextShardIterator = it.text(n.ARN())
	}
	return out, nil
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
