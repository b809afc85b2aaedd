package logs

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/brume-dev/brume/api/logsapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
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
	limit := describeLimit
	if in.Limit != nil {
		limit = int(*in.Limit)
	}
	_, p, err := s.find(ctx, id, name)
	if err != nil {
		return nil, err
	}
	l := streamListing{p: p, byTime: byTime, reverse: in.Descending != nil && *in.Descending, limit: limit}
	if in.LogStreamNamePrefix != nil {
		l.prefix = *in.LogStreamNamePrefix
	}
	if in.NextToken != nil {
		l.after = *in.NextToken
		if at, _, _ := strings.Cut(l.after, "/"); byTime {
			if _, err := strconv.ParseInt(at, 10, 64); err != nil {
				return nil, badParameter("The specified nextToken is invalid.")
			}
		}
	}
	out := &logsapi.DescribeLogStreamsResponse{}
	err = s.shard(p).View(ctx, func(_ context.Context, r store.Reader) error {
		names, next, err := l.names(r)
		if err != nil {
			return err
		}
		if next != "" {
			out.NextToken = &next
		}
		out.LogStreams = make([]logsapi.LogStream, len(names))
		for i, n := range names {
			if out.LogStreams[i], err = describeStream(r, p, groupARN(id, name), n); err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

// streamListing is a page of streams.
type streamListing struct {
	p       place
	byTime  bool
	reverse bool
	prefix  string
	after   string // the token: the last stream of the page before, "time/name" when they are ordered by time
	limit   int
}

// names reads one page.
func (l streamListing) names(r store.Reader) (names []string, next string, err error) {
	base := l.p.streams()
	rng := base.Range()
	last := base.Text(l.after)
	if l.byTime {
		base = l.p.recents()
		rng = base.Range()
		at, name, _ := strings.Cut(l.after, "/")
		n, _ := strconv.ParseInt(at, 10, 64)
		last = l.p.recent(n, name)
	} else if l.prefix != "" {
		rng.Begin = base.Text(l.prefix)
		if l.reverse { // begin at the last name that may have the prefix: no name goes on with U+10FFFF
			rng.End = base.Text(l.prefix + strings.Repeat("\U0010ffff", 2))
		}
	}
	switch {
	case l.after != "" && l.reverse:
		rng.End = store.Key(last)
	case l.after != "":
		rng = last.After(rng)
	}
	pairs, done := r.Scan(rng, store.ScanOpt{Reverse: l.reverse})
	for kv := range pairs {
		e := store.Decode(kv.Key, len(base))
		token := ""
		if l.byTime {
			token = strconv.FormatInt(e.Int(), 10) + "/"
		}
		name := e.Text()
		if !strings.HasPrefix(name, l.prefix) {
			if l.reverse {
				continue
			}
			break
		}
		if len(names) == l.limit {
			next = l.after
			break
		}
		names = append(names, name)
		l.after = token + name
	}
	return names, next, done()
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
