package stream

import (
	"context"
	"time"

	api "github.com/brume-dev/brume/api/dynamodbstreamsapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
)

// ListStreams lists the streams of the caller's account and region, or of one table.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_ListStreams.html
func (s *Service) ListStreams(ctx context.Context, id aws.Identity, in *api.ListStreamsInput) (*api.ListStreamsOutput, error) {
	limit := maxStreams
	if in.Limit != nil {
		limit = min(limit, int(*in.Limit))
	}
	prefix := directory(id.Account, id.Region)
	within := prefix.Range()
	if in.TableName != nil {
		within = prefix.Text(*in.TableName).Range()
	}
	if in.ExclusiveStartStreamArn != nil {
		n, err := resolve(*in.ExclusiveStartStreamArn)
		if err != nil {
			return nil, err
		}
		within = store.Tuple(n.key()).After(within)
	}
	now := s.clock.Now()
	return store.View(ctx, s.shard(Name{Account: id.Account, Region: id.Region}), func(_ context.Context, r store.Reader) (*api.ListStreamsOutput, error) {
		out := &api.ListStreamsOutput{Streams: []api.Stream{}}
		pairs, done := r.Scan(within, store.ScanOpt{})
		var err error
		for kv := range pairs {
			var rec Record
			if err = record.Decode(kv.Value, version, &rec); err != nil {
				break
			}
			if rec.over(now) {
				continue
			}
			if len(out.Streams) == limit {
				out.LastEvaluatedStreamArn = out.Streams[limit-1].StreamArn
				break
			}
			e := store.Decode(kv.Key, len(prefix))
			n := Name{Account: id.Account, Region: id.Region, Table: e.Text(), Label: e.Text()}
			arn := n.ARN()
			out.Streams = append(out.Streams, api.Stream{StreamArn: &arn, TableName: &n.Table, StreamLabel: &n.Label})
		}
		if err != nil {
			return nil, err
		}
		return out, done()
	})
}

// DescribeStream describes a stream and its shards.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_DescribeStream.html
func (s *Service) DescribeStream(ctx context.Context, _ aws.Identity, in *api.DescribeStreamInput) (*api.DescribeStreamOutput, error) {
	n, err := resolve(in.StreamArn)
	if err != nil {
		return nil, err
	}
	rec, err := store.View(ctx, s.shard(n), func(_ context.Context, r store.Reader) (Record, error) { return s.find(r, n) })
	if err != nil {
		return nil, err
	}
	d := &api.StreamDescription{StreamArn: &in.StreamArn, StreamLabel: &n.Label, TableName: &n.Table, CreationRequestDateTime: &rec.Created,
		StreamViewType: api.StreamViewType(rec.View), StreamStatus: api.StreamStatusEnabled, Shards: []api.Shard{},
		KeySchema: []api.KeySchemaElement{{AttributeName: rec.Hash, KeyType: api.KeyTypeHash}}}
	if rec.Sort != "" {
		d.KeySchema = append(d.KeySchema, api.KeySchemaElement{AttributeName: rec.Sort, KeyType: api.KeyTypeRange})
	}
	if !rec.Ended.IsZero() {
		d.StreamStatus = api.StreamStatusDisabled
	}
	return &api.DescribeStreamOutput{StreamDescription: d}, rec.describeShards(d, in, s.clock.Now())
}

// describeShards adds a page of the shards to d.
func (rec *Record) describeShards(d *api.StreamDescription, in *api.DescribeStreamInput, now time.Time) error {
	limit := maxShards
	if in.Limit != nil {
		limit = min(limit, int(*in.Limit))
	}
	first, last := rec.shards(now)
	from := first
	if in.ExclusiveStartShardId != nil {
		sh, ok := parseShard(*in.ExclusiveStartShardId, in.StreamArn)
		if !ok {
			return invalid("Invalid ExclusiveStartShardId")
		}
		from = shard{max(from.first, sh.end())}
	}
	if f := in.ShardFilter; f != nil {
		if f.Type != api.ShardFilterTypeChildShards || f.ShardId == nil {
			return invalid("ShardFilter must have the Type CHILD_SHARDS and a ShardId")
		}
		sh, ok := parseShard(*f.ShardId, in.StreamArn)
		if !ok {
			return invalid("Invalid ShardId in ShardFilter")
		}
		from = shard{max(from.first, sh.end())}
		last = shard{min(last.first, sh.end())}
	}
	for hour := from.first; hour <= last.first; hour += hoursPerShard {
		if len(d.Shards) == limit {
			d.LastEvaluatedShardId = d.Shards[limit-1].ShardId
			break
		}
		d.Shards = append(d.Shards, rec.describeShard(shard{hour}, in.StreamArn, now))
	}
	return nil
}

// shards returns the oldest shard that can be read and the newest.
func (rec *Record) shards(now time.Time) (first, last shard) {
	newest := hourOf(now)
	if !rec.Ended.IsZero() {
		newest = hourOf(rec.Ended)
	}
	return shardAt(max(hourOf(rec.Created), horizon(now))), shardAt(newest)
}

func (rec *Record) describeShard(sh shard, arn string, now time.Time) api.Shard {
	id, lowest := sh.id(arn), sh.lowest(hourOf(rec.Created))
	out := api.Shard{ShardId: &id, SequenceNumberRange: &api.SequenceNumberRange{StartingSequenceNumber: &lowest}}
	if rec.closed(sh, now) {
		highest := sh.highest()
		out.SequenceNumberRange.EndingSequenceNumber = &highest
	}
	if sh.first > hourOf(rec.Created) {
		parent := shard{sh.first - hoursPerShard}.id(arn)
		out.ParentShardId = &parent
	}
	return out
}

// closed reports whether nothing more will come into the shard: no commit that began in it is still on its way.
func (rec *Record) closed(sh shard, now time.Time) bool {
	return !rec.Ended.IsZero() || hourOf(now.Add(-grace)) >= sh.end()
}
