package dynamodb

import (
	"time"

	api "github.com/brume-dev/brume/api/dynamodbapi"
	"github.com/brume-dev/brume/service/dynamodb/definition"
	"github.com/brume-dev/brume/service/dynamodb/table"
	"github.com/brume-dev/brume/service/dynamodb/throughput"
	"github.com/brume-dev/brume/store"
)

// limit is what a table or index may do in a second; rate 0 is no limit.
type limit struct {
	of       throughput.Of
	rate     int64
	onDemand bool
	arn      func() string
}

// limitOf returns the limit of the table (x nil) or of a global index. Local indexes have the table's.
func limitOf(t *table.Table, x *table.Index, write bool) limit {
	own, id := t.OwnThroughput(), uint64(0)
	arn := t.Name.ARN
	if x != nil && !x.Local {
		own, id = x.Throughput, x.ID
		arn = func() string { return t.Name.ARN() + "/index/" + x.Name }
	}
	l := limit{of: throughput.Of{Table: t.ID, Index: id, Write: write}, onDemand: !t.Provisioned, arn: arn}
	l.rate = rateOf(own, write, t.Provisioned)
	return l
}

func rateOf(own definition.Throughput, write, provisioned bool) int64 {
	switch {
	case provisioned && write:
		return own.Write
	case provisioned:
		return own.Read
	case write:
		return own.MaxWrite
	}
	return own.MaxRead
}

// admit returns the error of a limit that is used up.
func (s *Service) admit(l limit, now time.Time) error {
	if l.rate == 0 || s.meter.Admits(l.of, l.rate, now) {
		return nil
	}
	return l.exceeded()
}

// exceeded is what AWS says when a limit is used up.
func (l *limit) exceeded() error {
	what, of := "Table", "the table was exceeded. Consider increasing your provisioning level with the UpdateTable API."
	if l.of.Index != 0 {
		what, of = "Index", "one or more global secondary indexes of the table was exceeded. Consider increasing your provisioning level "+
			"for the under-provisioned global secondary indexes with the UpdateTable API."
	}
	kind := "Read"
	if l.of.Write {
		kind = "Write"
	}
	arn := l.arn()
	if l.onDemand {
		reason := what + kind + "MaxOnDemandThroughputExceeded"
		return &api.ThrottlingException{Message: "Throughput exceeds the maximum OnDemandThroughput configured on table or index",
			ThrottlingReasons: []api.ThrottlingReason{{Reason: &reason, Resource: &arn}}}
	}
	reason := what + kind + "ProvisionedThroughputExceeded"
	return &api.ProvisionedThroughputExceededException{Message: "The level of configured provisioned throughput for " + of,
		ThrottlingReasons: []api.ThrottlingReason{{Reason: &reason, Resource: &arn}}}
}

// chargeWrite checks that the table and the indexes that a write changes may be written, and has the commit of tx use
// what it cost, which is factor times that for the table itself.
func (s *Service) chargeWrite(tx store.Tx, w *written, factor float64) error {
	if !w.t.Limited {
		return nil
	}
	own := w.effects.Units * factor
	for i, units := range w.effects.Indexes {
		x := w.t.Indexes[i]
		if x.Local {
			own += units
		} else if units > 0 {
			if err := s.chargeOne(tx, limitOf(w.t, x, true), units); err != nil {
				return err
			}
		}
	}
	return s.chargeOne(tx, limitOf(w.t, nil, true), own)
}

func (s *Service) chargeOne(tx store.Tx, l limit, units float64) error {
	now := tx.Now()
	if err := s.admit(l, now); err != nil || l.rate == 0 {
		return err
	}
	tx.OnCommit(func(store.Commit) { s.meter.Use(l.of, l.rate, units, now) })
	return nil
}

// admitWrites reports whether the table and all its indexes may be written now.
func (s *Service) admitWrites(t *table.Table, now time.Time) error {
	if !t.Limited {
		return nil
	}
	for _, x := range t.Indexes {
		if !x.Local {
			if err := s.admit(limitOf(t, x, true), now); err != nil {
				return err
			}
		}
	}
	return s.admit(limitOf(t, nil, true), now)
}

// chargeRead checks that the table, or an index of it, may be read, and uses what that cost.
func (s *Service) chargeRead(t *table.Table, x *table.Index, units float64) error {
	if !t.Limited {
		return nil
	}
	l, now := limitOf(t, x, false), s.clock.Now()
	if err := s.admit(l, now); err != nil || l.rate == 0 {
		return err
	}
	s.meter.Use(l.of, l.rate, units, now)
	return nil
}
