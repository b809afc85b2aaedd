package transfer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	api "github.com/brume-dev/brume/api/dynamodbapi"
	"github.com/brume-dev/brume/api/logsapi"
	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/item"
	"github.com/brume-dev/brume/service/dynamodb/table"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
	"github.com/brume-dev/brume/timer"
)

// Bounds of what an import commits together.
const (
	batchItems  = 100
	batchBytes  = 256 << 10
	maxObjects  = 50_000 // https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataImport.Validation.html
	loggedBatch = 100    // messages of one call
)

// loader is one attempt to get on with an import.
type loader struct {
	*Carrier
	at  which
	rec importRecord
	t   *table.Table

	items []item.Map // read and not committed
	size  int
	bad   []string // messages that are not logged yet
}

// keepImport keeps an importKind promise.
func (k *Carrier) keepImport(ctx context.Context, p *timer.Kept) error {
	l := &loader{Carrier: k}
	if err := record.Decode(p.Args, version, &l.at); err != nil {
		return err
	}
	_, err := view(ctx, k, l.at.name(), func(r store.Reader) (_ any, err error) {
		if l.rec, err = findImport(r, l.at); err == nil {
			l.t, err = k.tables.Get(r, l.at.name())
		}
		return nil, err
	})
	if _, gone := errors.AsType[*api.ImportNotFoundException](err); gone { // it has been tried for 90 days
		return nil
	}
	if err != nil {
		return err
	}
	err = l.all(ctx)
	f, failed := errors.AsType[*failure](err)
	if err != nil && !failed {
		return err
	}
	_, err = update(ctx, k, l.at.name(), func(tx store.Tx) (any, error) {
		t, err := k.tables.Get(tx, l.at.name())
		if err != nil {
			return nil, err
		}
		if t != nil && t.ID == l.rec.Table {
			def := t.Record
			def.Restored.Filling = false
			k.tables.Put(tx, t.Name, &def)
		}
		rec := l.rec
		rec.State.End = tx.Now().Truncate(time.Millisecond)
		if failed {
			rec.State.Code, rec.State.Message = f.code, f.message
		}
		tx.Set(l.at.key(kindImport), record.Encode(version, rec))
		return nil, p.Done(tx)
	})
	return unlessGone(err)
}

// all reads one object after another, in the order of their keys.
func (l *loader) all(ctx context.Context) error {
	if l.t == nil || l.t.ID != l.rec.Table {
		return &failure{"TableNotFound", "The table of the import is not there"}
	}
	for {
		in := &s3api.ListObjectsV2Request{Bucket: l.rec.Bucket, Prefix: aws.Some(l.rec.Prefix), StartAfter: aws.Some(l.rec.After), ExpectedBucketOwner: aws.Some(l.rec.Owner)}
		out, err := l.s3.ListObjectsV2(ctx, by(l.rec.As), in)
		if err != nil {
			return ofS3(err)
		}
		for _, o := range out.Contents {
			if l.rec.Objects == maxObjects {
				return &failure{"S3ObjectLimitExceeded", fmt.Sprintf("An import can take up to %d objects", maxObjects)}
			}
			if err := l.object(ctx, aws.Or(o.Key, "")); err != nil {
				return err
			}
		}
		if !aws.Or(out.IsTruncated, false) {
			break
		}
	}
	switch {
	case l.rec.Objects == 0:
		return &failure{"S3NoSuchKey", "The specified key does not exist: there is no object with the prefix " + l.rec.Prefix}
	case l.rec.Errors > 0:
		return &failure{"ItemValidationError", "Some of the items failed validation checks. Please check CloudWatch error logs for more details."}
	}
	return nil
}

// object reads an object; what an attempt before has committed of it is passed over.
func (l *loader) object(ctx context.Context, key string) error {
	if l.rec.Object != key {
		l.rec.Object, l.rec.Records = key, 0
	}
	out, err := l.s3.GetObject(ctx, by(l.rec.As), &s3api.GetObjectRequest{Bucket: l.rec.Bucket, Key: key, ExpectedBucketOwner: aws.Some(l.rec.Owner)})
	if err != nil {
		return ofS3(err)
	}
	if c, ok := out.Body.(io.Closer); ok {
		defer c.Close()
	}
	if !strings.HasSuffix(key, "/") || aws.Or(out.ContentLength, 0) > 0 { // folders that the console makes
		if err := l.records(ctx, out.Body); err != nil {
			return err
		}
	}
	l.rec.Objects++
	l.rec.After, l.rec.Object, l.rec.Records = key, "", 0
	return l.commit(ctx)
}

func (l *loader) records(ctx context.Context, body io.Reader) error {
	plain, err := decompressed(l.rec.Compression, body)
	if err != nil {
		return err
	}
	defer plain.Close()
	in := l.reader(plain)
	for n := int64(0); ; n++ {
		m, size, err := in.next()
		if err == io.EOF {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if n < l.rec.Records {
			if errors.Is(err, errRest) {
				return nil
			}
			continue
		}
		l.rec.Records++
		l.rec.Processed++
		l.rec.Bytes += size
		problem := ""
		if err != nil {
			problem = err.Error()
		} else {
			problem = l.wrong(m)
		}
		if problem == "" {
			l.items = append(l.items, m)
			l.size += m.Size()
		} else {
			l.note(n, problem)
		}
		if len(l.items) >= batchItems || l.size >= batchBytes || len(l.bad) >= loggedBatch || errors.Is(err, errRest) {
			if cerr := l.commit(ctx); cerr != nil || errors.Is(err, errRest) {
				return cerr
			}
		}
	}
}

// wrong says why an item cannot be in the table, "" when it can.
func (l *loader) wrong(m item.Map) string {
	if text := m.Problem(item.Current); text != "" {
		return text
	}
	if err := l.t.CheckItem(m); err != nil {
		return err.Error()
	}
	if err := l.t.CheckIndexKeys(m); err != nil {
		return err.Error()
	}
	if m.Size() > item.MaxSize {
		return "Item size has exceeded the maximum allowed size"
	}
	return ""
}

// note counts an error and keeps what is logged of it.
func (l *loader) note(n int64, problem string) {
	l.rec.Errors++
	text, err := json.Marshal(map[string]any{"itemS3Pointer": map[string]any{"bucket": l.rec.Bucket, "key": l.rec.Object, "itemIndex": n},
		"importArn": l.at.arn(kindImport), "errorMessages": []string{problem}})
	if err == nil {
		l.bad = append(l.bad, string(text))
	}
}

// commit puts the items that were read into the table, and writes down how far the import is.
func (l *loader) commit(ctx context.Context) error {
	if len(l.bad) > 0 {
		if err := l.log(ctx); err != nil {
			return err
		}
	}
	l.rec.Imported += int64(len(l.items))
	_, err := update(ctx, l.Carrier, l.at.name(), func(tx store.Tx) (any, error) {
		t, err := l.tables.Get(tx, l.at.name())
		if err == nil && (t == nil || t.ID != l.rec.Table) {
			err = &failure{"TableNotFound", "The table of the import is not there"}
		}
		if err != nil {
			return nil, err
		}
		for _, m := range l.items {
			c := table.Change{Suffix: t.Suffix(m), New: table.Encode(m), After: m}
			if c.Old, err = t.Load(tx, c.Suffix); err != nil {
				return nil, err
			}
			if _, err := t.Apply(tx, &c); err != nil {
				return nil, err
			}
		}
		tx.Set(l.at.key(kindImport), record.Encode(version, l.rec))
		return nil, nil
	})
	l.items, l.size = l.items[:0], 0
	return err
}

// log writes what was wrong with items to the log stream of the import.
func (l *loader) log(ctx context.Context) error {
	id, group, name := by(l.rec.As), logGroup, l.at.Label+"/error"
	events := make([]logsapi.InputLogEvent, len(l.bad))
	for i, text := range l.bad {
		events[i] = logsapi.InputLogEvent{Timestamp: l.clock.Now().UnixMilli(), Message: text}
	}
	put := func() error {
		_, err := l.logs.PutLogEvents(ctx, id, &logsapi.PutLogEventsRequest{LogGroupName: group, LogStreamName: name, LogEvents: events})
		return err
	}
	err := put()
	if aws.CodeOf(err) == "ResourceNotFoundException" {
		if _, err := l.logs.CreateLogGroup(ctx, id, &logsapi.CreateLogGroupRequest{LogGroupName: group}); err != nil && aws.CodeOf(err) != "ResourceAlreadyExistsException" {
			return ofLogs(err)
		}
		if _, err := l.logs.CreateLogStream(ctx, id, &logsapi.CreateLogStreamRequest{LogGroupName: group, LogStreamName: name}); err != nil &&
			aws.CodeOf(err) != "ResourceAlreadyExistsException" {
			return ofLogs(err)
		}
		err = put()
	}
	l.bad = l.bad[:0]
	return ofLogs(err)
}

// ofLogs makes a failure of what the caller may not do.
func ofLogs(err error) error {
	if info := aws.InfoOf(err); err != nil && strings.HasPrefix(info.Code, "AccessDenied") {
		return &failure{"AccessDenied", info.Message}
	}
	return err
}
