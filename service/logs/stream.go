package logs

import (
	"context"
	"strconv"
	"time"

	"github.com/brume-dev/brume/api/logsapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/page"
	"github.com/brume-dev/brume/store/record"
)

// streamRecord is a log stream.
type streamRecord struct {
	ID       uint64 `cbor:"1,keyasint"`
	Created  int64  `cbor:"2,keyasint"`           // milliseconds
	Last     int64  `cbor:"3,keyasint,omitempty"` // time of the newest event
	Ingested int64  `cbor:"4,keyasint,omitempty"` // when the last batch came
}

const streamVersion = 1

// live reports an error when the group has been deleted since its name was looked up.
func live(r store.Reader, p place) error {
	_, ok, err := r.Get(p.alive())
	if err == nil && !ok {
		err = groupMissing()
	}
	return err
}

func readStream(r store.Reader, p place, name string) (st streamRecord, err error) {
	v, ok, err := r.Get(p.stream(name))
	if err != nil {
		return st, err
	}
	if !ok {
		return st, streamMissing()
	}
	return st, record.Decode(v, streamVersion, &st)
}

// writeStream keeps the index by last event true: before is what was read, nil for a new stream.
func writeStream(tx store.Tx, p place, name string, before *streamRecord, st streamRecord) {
	if before != nil && before.Last != st.Last {
		tx.Delete(p.recent(before.Last, name))
	}
	if before == nil || before.Last != st.Last {
		tx.Set(p.recent(st.Last, name), nil)
	}
	tx.Set(p.stream(name), record.Encode(streamVersion, st))
}

// CreateLogStream makes a stream in a group.
func (s *Service) CreateLogStream(ctx context.Context, id aws.Identity, in *logsapi.CreateLogStreamRequest) (*logsapi.CreateLogStreamOutput, error) {
	_, p, err := s.find(ctx, id, in.LogGroupName)
	if err != nil {
		return nil, err
	}
	_, err = s.shard(p).Update(ctx, func(_ context.Context, tx store.Tx) error {
		if err := live(tx, p); err != nil {
			return err
		}
		if _, there, err := tx.Get(p.stream(in.LogStreamName)); err != nil || there {
			if there {
				err = &logsapi.ResourceAlreadyExistsException{Message: "The specified log stream already exists"}
			}
			return err
		}
		n, err := store.NextID(tx, p.seq())
		if err != nil {
			return err
		}
		tx.Set(p.name(n), []byte(in.LogStreamName))
		writeStream(tx, p, in.LogStreamName, nil, streamRecord{ID: n, Created: millis(tx.Now())})
		return nil
	})
	return &logsapi.CreateLogStreamOutput{}, err
}

// DeleteLogStream deletes a stream and promises to delete its events.
func (s *Service) DeleteLogStream(ctx context.Context, id aws.Identity, in *logsapi.DeleteLogStreamRequest) (*logsapi.DeleteLogStreamOutput, error) {
	g, p, err := s.find(ctx, id, in.LogGroupName)
	if err != nil {
		return nil, err
	}
	_, err = s.shard(p).Update(ctx, func(_ context.Context, tx store.Tx) error {
		st, err := readStream(tx, p, in.LogStreamName)
		if err != nil {
			return err
		}
		tx.Delete(p.stream(in.LogStreamName))
		tx.Delete(p.recent(st.Last, in.LogStreamName))
		tx.Delete(p.name(st.ID))
		return s.promise(tx, kindSweep, refTo(id, in.LogGroupName, g).ofStream(st.ID), time.Time{})
	})
	return &logsapi.DeleteLogStreamOutput{}, err
}

// DescribeLogStreams lists the streams of a group by name, or by the time of their last event.
func (s *Service) DescribeLogStreams(ctx context.Context, id aws.Identity, in *logsapi.DescribeLogStreamsRequest) (*logsapi.DescribeLogStreamsResponse, error) {
	name, err := oneName(id, in.LogGroupName, in.LogGroupIdentifier)
	if err != nil {
		return nil, err
	}
	byTime := in.OrderBy == logsapi.OrderByLastEventTime
	if byTime && in.LogStreamNamePrefix != nil {
		return nil, badParameter("Cannot order by LastEventTime with a logStreamNamePrefix.")
	}
	pg, err := newPage(page.Size(in.Limit, describeLimit), in.NextToken)
	if err != nil {
		return nil, err
	}
	pg.Reverse = in.Descending != nil && *in.Descending
	if in.LogStreamNamePrefix != nil {
		pg.Prefix = *in.LogStreamNamePrefix
	}
	_, p, err := s.find(ctx, id, name)
	if err != nil {
		return nil, err
	}
	keys := p.streams()
	if byTime {
		keys = p.recents()
	}
	out := &logsapi.DescribeLogStreamsResponse{LogStreams: []logsapi.LogStream{}}
	err = s.shard(p).View(ctx, func(_ context.Context, r store.Reader) error {
		err := pg.Keys(r, keys, func(key *store.Elements, _ store.Value) (bool, error) {
			if byTime {
				key.Int() // when
			}
			st, err := describeStream(r, p, groupARN(id, name), key.Text())
			out.LogStreams = append(out.LogStreams, st)
			return true, err
		})
		out.NextToken = pg.Token()
		return err
	})
	return out, err
}

func describeStream(r store.Reader, p place, group, name string) (logsapi.LogStream, error) {
	st, err := readStream(r, p, name)
	if err != nil {
		return logsapi.LogStream{}, err
	}
	var zero int64 // AWS has given no size of streams since 2019
	arn := group + ":log-stream:" + name
	out := logsapi.LogStream{LogStreamName: &name, Arn: &arn, CreationTime: &st.Created, StoredBytes: &zero}
	if st.Ingested == 0 {
		return out, nil
	}
	out.LastEventTimestamp, out.LastIngestionTime = &st.Last, &st.Ingested
	token := sequenceToken(st)
	out.UploadSequenceToken = &token
	base := p.events(st.ID)
	pairs, done := r.Scan(base.Range(), store.ScanOpt{Limit: 1})
	for kv := range pairs {
		at, err := readSpot(kv.Key, len(base))
		if err != nil {
			return out, err
		}
		out.FirstEventTimestamp = &at.time
	}
	return out, done()
}

// sequenceToken is what PutLogEvents answers. It is no longer needed for the next call, and any is accepted.
func sequenceToken(st streamRecord) string {
	return "4964" + strconv.FormatUint(st.ID, 10) + strconv.FormatInt(st.Ingested, 10)
}
