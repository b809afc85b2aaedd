package table

import (
	"bytes"
	"encoding/binary"
	"strconv"
	"time"

	api "github.com/brume-dev/brume/api/dynamodbapi"
	"github.com/brume-dev/brume/item"
	"github.com/brume-dev/brume/service/dynamodb/definition"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
	"github.com/brume-dev/brume/timer"
)

// Items that expire have an entry in order of the time, which is written with the item. A sweep deletes those whose time
// has come, up to a minute later; until then they can be read, as on AWS, where it takes longer. One promise for each
// table is due with the minute of the earliest entry.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html

// expiresAt returns the second at which an item expires, 0 when it does not.
func (t *Table) expiresAt(m item.Map, now time.Time) int64 {
	v := m.Get(t.Expiry.Attribute)
	if v.Kind() != item.N {
		return 0
	}
	second, err := strconv.ParseInt(v.Text(), 10, 64)
	if err != nil || second < now.Add(-ttlOldest).Unix() || second <= 0 {
		return 0
	}
	return second
}

func (t *Table) expiries() store.Tuple { return t.Data.Uint(familyExpiry).Uint(t.Expiry.Round) }

// deriveExpiry keeps the entry of an item that expires.
func (t *Table) deriveExpiry(tx store.Tx, c *Change) error {
	before, after := t.expiresAt(c.Before, tx.Now()), t.expiresAt(c.After, tx.Now())
	if before == after {
		return nil
	}
	if old, err := strconv.ParseInt(c.Before.Get(t.Expiry.Attribute).Text(), 10, 64); err == nil && old > 0 {
		tx.Delete(t.expiries().Int(old).Raw(c.Suffix)) // also when it has become too old since
	}
	if after == 0 {
		return nil
	}
	return t.putExpiry(tx, after, c.Suffix)
}

func (t *Table) putExpiry(tx store.Tx, second int64, suffix []byte) error {
	tx.Set(t.expiries().Int(second).Raw(suffix), []byte{0})
	return t.setSweep(tx, second)
}

// setSweep sees to it that a sweep is due when the second is over.
func (t *Table) setSweep(tx store.Tx, second int64) error {
	due := time.Unix(second, 0)
	if due.Before(tx.Now()) {
		due = tx.Now()
	}
	due = due.Truncate(sweepEvery).Add(sweepEvery)
	key := t.Data.Uint(familySweep)
	v, ok, err := tx.Get(key)
	if err != nil || ok && binary.BigEndian.Uint64(v) <= uint64(due.Unix()) {
		return err
	}
	tx.Set(key, binary.BigEndian.AppendUint64(nil, uint64(due.Unix())))
	return timer.Set(tx, timer.Promise{Kind: SweepKind, ID: strconv.FormatUint(t.ID, 10), Due: due,
		Args: record.Encode(workVersion, workOn(t.Name, t.ID, t.Expiry.Round))})
}

// SweepKind is the promise to delete what has expired of a table. Its arguments are a Work, whose Index is the round.
const SweepKind = "dynamodb.sweep"

// SweepSome deletes some of what has expired, and ends the promise when that is all. t may be nil.
func (t *Table) SweepSome(tx store.Tx, k *timer.Kept, w Work) (more bool, err error) {
	if t == nil || t.ID != w.Table || t.Expiry.Attribute == "" || t.Expiry.Round != w.Index {
		return false, k.Done(tx)
	}
	prefix := t.expiries()
	within := prefix.Range()
	pairs, done := tx.Scan(within, store.ScanOpt{Limit: sweepItems + 1})
	deleted := 0
	next := int64(0)
	for kv := range pairs {
		e := store.Decode(kv.Key, len(prefix))
		second := e.Int()
		if second > tx.Now().Unix() || deleted == sweepItems || tx.Size() > sweepBytes {
			next = second
			break
		}
		rest := len(prefix.Int(second))
		if err = t.expire(tx, second, bytes.Clone(kv.Key[rest:])); err != nil {
			return false, err
		}
		deleted++
	}
	if err := done(); err != nil {
		return false, err
	}
	if next != 0 && next <= tx.Now().Unix() {
		return true, nil
	}
	if err := k.Done(tx); err != nil {
		return false, err
	}
	tx.Delete(t.Data.Uint(familySweep))
	if next == 0 {
		return false, nil
	}
	return false, t.setSweep(tx, next)
}

// expire deletes an item whose time has come.
func (t *Table) expire(tx store.Tx, second int64, suffix []byte) error {
	old, err := t.Load(tx, suffix)
	if err != nil {
		return err
	}
	tx.Delete(t.expiries().Int(second).Raw(suffix))
	if !old.There {
		return nil
	}
	c := Change{Suffix: suffix, Old: old, Expired: true}
	if c.Before, err = old.Decode(); err != nil {
		return err
	}
	_, err = t.Apply(tx, &c)
	return err
}

// ChangeExpiry enables or disables the expiry of items.
func (t *Table) ChangeExpiry(tx store.Tx, spec *api.TimeToLiveSpecification) error {
	rec := t.Record
	if !spec.Enabled {
		tx.DeleteRange(t.expiries().Range())
		tx.Delete(t.Data.Uint(familySweep))
		if _, err := timer.Cancel(tx, SweepKind, strconv.FormatUint(t.ID, 10)); err != nil {
			return err
		}
		rec.Expiry = definition.Expiry{Changed: tx.Now(), Round: rec.Expiry.Round}
		t.put(tx, &rec)
		return nil
	}
	rec.Expiry = definition.Expiry{Attribute: spec.AttributeName, Changed: tx.Now(), Filling: true, Round: rec.Expiry.Round + 1}
	t.put(tx, &rec)
	return SetFill(tx, t.Name, t.ID, 0)
}
