package table

import (
	"time"

	"github.com/brume-dev/brume/service/dynamodb/stream"
	"github.com/brume-dev/brume/store"
)

// StreamName is the name of the table's latest stream.
func (t *Table) StreamName() stream.Name {
	return stream.Name{Account: t.Name.Account, Region: t.Name.Region, Table: t.Name.Name, Label: t.Stream.Label}
}

// StartStream names and begins the stream that rec has just got, if it has one.
func StartStream(tx store.Tx, n Name, rec *Record) error {
	if !rec.Stream.Enabled {
		return nil
	}
	now := tx.Now().Truncate(time.Millisecond)
	rec.Stream.Label = stream.Label(now)
	return stream.Begin(tx, stream.Name{Account: n.Account, Region: n.Region, Table: n.Name, Label: rec.Stream.Label},
		stream.Record{Table: rec.ID, Number: rec.Stream.Number, View: rec.Stream.View, Hash: rec.Hash, Sort: rec.Sort, Created: now})
}

// ChangeStream begins the stream that rec has instead of t, or ends that of t.
func (t *Table) ChangeStream(tx store.Tx, n Name, rec *Record) error {
	if rec.Stream.Enabled {
		return StartStream(tx, n, rec)
	}
	return stream.End(tx, t.StreamName())
}
