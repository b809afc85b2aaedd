package source

import (
	"context"
	"hash/fnv"
	"strconv"
	"time"

	"github.com/brume-dev/brume/api/dynamodbstreamsapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/item"
)

// feed reads DynamoDB Streams.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html
type feed struct {
	client dynamodbstreamsapi.Client
	arn    aws.ARN
	text   string // of arn
	hash   string // the partition key of the table, once the stream has been described
}

func newFeed(c aws.Caller, a aws.ARN) feed {
	return feed{client: dynamodbstreamsapi.NewClient(c), arn: a, text: a.String()}
}

// kept is for how long records stay in the stream.
func (*feed) kept() time.Duration { return 24 * time.Hour }

// listed is a shard as the stream lists it.
type listed struct {
	id, parent string
	closed     bool
}

// shards lists all shards, the oldest first.
func (f *feed) shards(ctx context.Context, id aws.Identity) (list []listed, err error) {
	in := &dynamodbstreamsapi.DescribeStreamInput{StreamArn: f.text}
	for {
		out, err := f.client.DescribeStream(ctx, id, in)
		if err != nil {
			return nil, err
		}
		for _, k := range out.StreamDescription.KeySchema {
			if f.hash == "" && k.KeyType == dynamodbstreamsapi.KeyTypeHash {
				f.hash = k.AttributeName
			}
		}
		for _, sh := range out.StreamDescription.Shards {
			list = append(list, listed{aws.Or(sh.ShardId, ""), aws.Or(sh.ParentShardId, ""),
				sh.SequenceNumberRange != nil && sh.SequenceNumberRange.EndingSequenceNumber != nil})
		}
		if in.ExclusiveStartShardId = out.StreamDescription.LastEvaluatedShardId; in.ExclusiveStartShardId == nil {
			return list, nil
		}
	}
}

func (f *feed) oldest(ctx context.Context, id aws.Identity, shard string) (iterator string, err error) {
	return f.iterator(ctx, id, &dynamodbstreamsapi.GetShardIteratorInput{ShardId: shard, ShardIteratorType: dynamodbstreamsapi.ShardIteratorTypeTrimHorizon})
}

func (f *feed) latest(ctx context.Context, id aws.Identity, shard string) (iterator string, err error) {
	return f.iterator(ctx, id, &dynamodbstreamsapi.GetShardIteratorInput{ShardId: shard, ShardIteratorType: dynamodbstreamsapi.ShardIteratorTypeLatest})
}

func (f *feed) after(ctx context.Context, id aws.Identity, shard, number string) (iterator string, err error) {
	return f.iterator(ctx, id, &dynamodbstreamsapi.GetShardIteratorInput{ShardId: shard, SequenceNumber: &number,
		ShardIteratorType: dynamodbstreamsapi.ShardIteratorTypeAfterSequenceNumber})
}

func (f *feed) iterator(ctx context.Context, id aws.Identity, in *dynamodbstreamsapi.GetShardIteratorInput) (string, error) {
	in.StreamArn = f.text
	out, err := f.client.GetShardIterator(ctx, id, in)
	if err != nil {
		return "", err
	}
	return aws.Or(out.ShardIterator, ""), nil
}

// read returns records and the iterator of those that follow: "" when the shard has ended.
func (f *feed) read(ctx context.Context, id aws.Identity, iterator string) (records []Record, next string, err error) {
	out, err := f.client.GetRecords(ctx, id, &dynamodbstreamsapi.GetRecordsInput{ShardIterator: iterator})
	if err != nil {
		return nil, "", err
	}
	for i := range out.Records {
		records = append(records, f.record(&out.Records[i]))
	}
	return records, aws.Or(out.NextShardIterator, ""), nil
}

// record is a change as an event.
// https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html#events-sample-dynamodb
func (f *feed) record(r *dynamodbstreamsapi.Record) Record {
	d := r.Dynamodb
	at, size := aws.Or(d.ApproximateCreationDateTime, time.Time{}), aws.Or(d.SizeBytes, 0)
	b := make([]byte, 0, 2*size+512)
	b = appendMember(append(b, '{'), "eventID", aws.Or(r.EventID, ""))
	b = appendMember(append(b, ','), "eventName", string(r.EventName))
	b = appendMember(append(b, ','), "eventVersion", aws.Or(r.EventVersion, ""))
	b = appendMember(append(b, ','), "eventSource", aws.Or(r.EventSource, ""))
	b = appendMember(append(b, ','), "awsRegion", aws.Or(r.AwsRegion, ""))
	b = strconv.AppendInt(append(b, `,"dynamodb":{"ApproximateCreationDateTime":`...), at.Unix(), 10)
	for _, image := range []struct {
		name string
		item item.Map
	}{{"Keys", d.Keys}, {"NewImage", d.NewImage}, {"OldImage", d.OldImage}} {
		if image.item != nil {
			b = append(append(append(b, `,"`...), image.name...), `":`...)
			b = image.item.AppendJSON(b)
		}
	}
	b = appendMember(append(b, ','), "SequenceNumber", aws.Or(d.SequenceNumber, ""))
	b = strconv.AppendInt(append(b, `,"SizeBytes":`...), size, 10)
	b = append(appendMember(append(b, ','), "StreamViewType", string(d.StreamViewType)), '}')
	if u := r.UserIdentity; u != nil {
		b = appendMember(append(b, `,"userIdentity":{`...), "type", aws.Or(u.Type, ""))
		b = append(appendMember(append(b, ','), "principalId", aws.Or(u.PrincipalId, "")), '}')
	}
	b = append(appendMember(append(b, ','), "eventSourceARN", f.text), '}')
	h := fnv.New64a()
	_, _ = h.Write(d.Keys.Get(f.hash).AppendJSON(nil)) // never fails
	return Record{ID: aws.Or(d.SequenceNumber, ""), JSON: b, At: at, look: b, key: h.Sum64()}
}
