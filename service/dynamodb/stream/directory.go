package stream

import (
	"context"
	"errors"
	"time"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
	"github.com/brume-dev/brume/timer"
)

const version = 1

// Record is what is stored of a stream.
type Record struct {
	Table   uint64    `cbor:"1,keyasint"` // id
	Number  uint64    `cbor:"2,keyasint"`
	View    string    `cbor:"3,keyasint"`
	Hash    string    `cbor:"4,keyasint"`
	Sort    string    `cbor:"5,keyasint,omitempty"`
	Created time.Time `cbor:"6,keyasint"`
	Ended   time.Time `cbor:"7,keyasint,omitzero"`

	Policy   string `cbor:"8,keyasint,omitempty"` // resource policy
	Revision string `cbor:"9,keyasint,omitempty"` // of the policy
}

// Name says which stream is meant.
type Name struct{ Account, Region, Table, Label string }

// ARN is the stream's ARN.
func (n Name) ARN() string {
	return aws.MakeARN("dynamodb", n.Region, n.Account, "table/"+n.Table+"/stream/"+n.Label).String()
}

func (n Name) key() store.Key {
	return directory(n.Account, n.Region).Text(n.Table).Text(n.Label)
}

func directory(account, region string) store.Tuple {
	return store.Tuple(nil).Text("dynamodb").Text("stream").Text(account).Text(region)
}

// Label names a stream that begins at t.
func Label(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000") }

// trimKind is the promise to erase what is too old of a stream, and after its end the stream. Its arguments are a Name.
const trimKind = "dynamodb.trim"

// Begin writes a stream into the directory.
func Begin(tx store.Tx, n Name, rec Record) error {
	tx.Set(n.key(), record.Encode(version, rec))
	return setTrim(tx, n, tx.Now().Add(trimEvery))
}

// End says that nothing more will come. What is there can be read for 24 hours more.
func End(tx store.Tx, n Name) error {
	rec, ok, err := get(tx, n)
	if err != nil || !ok {
		return err
	}
	rec.Ended = tx.Now()
	tx.Set(n.key(), record.Encode(version, rec))
	tx.Signal(LogOf(rec.Table, rec.Number).topic())
	return nil
}

func get(r store.Reader, n Name) (rec Record, ok bool, err error) {
	v, ok, err := r.Get(n.key())
	if err != nil || !ok {
		return rec, false, err
	}
	return rec, true, record.Decode(v, version, &rec)
}

func setTrim(tx store.Tx, n Name, due time.Time) error {
	return timer.Set(tx, timer.Promise{Kind: trimKind, Due: due, Args: record.Encode(version, n)})
}

// trim keeps a trimKind promise and makes the next.
func (s *Service) trim(ctx context.Context, k *timer.Kept) error {
	var n Name
	if err := record.Decode(k.Args, version, &n); err != nil {
		return err
	}
	_, err := k.Shard.Update(ctx, func(_ context.Context, tx store.Tx) error {
		if err := k.Done(tx); err != nil {
			return err
		}
		rec, ok, err := get(tx, n)
		if err != nil || !ok {
			return err
		}
		log := LogOf(rec.Table, rec.Number)
		if now := tx.Now(); rec.over(now) {
			tx.DeleteRange(log.prefix.Range())
			tx.Delete(n.key())
			return nil
		}
		log.trim(tx, horizon(tx.Now()))
		return setTrim(tx, n, tx.Now().Add(trimEvery))
	})
	if errors.Is(err, timer.ErrGone) {
		return nil
	}
	return err
}

// over reports whether nothing can be read of the stream any more.
func (rec *Record) over(now time.Time) bool {
	return !rec.Ended.IsZero() && hourOf(rec.Ended) < horizon(now)
}

// horizon is the first hour that is kept.
func horizon(now time.Time) uint64 { return hourOf(now) - min(hoursKept, hourOf(now)) }
