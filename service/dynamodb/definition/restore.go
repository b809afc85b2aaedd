package definition

import (
	"slices"
	"time"

	api "github.com/brume-dev/brume/api/dynamodbapi"
)

// Overrides are what a restored table may have otherwise than the one it comes from; nil and "" leave it.
type Overrides struct {
	Billing  api.BillingMode
	Globals  []api.GlobalSecondaryIndex
	Locals   []api.LocalSecondaryIndex
	Provided *api.ProvisionedThroughput
	OnDemand *api.OnDemandThroughput
	SSE      *api.SSESpecification
}

// Restore makes the record of a table that is restored from one with the record rec, without id and time: keys, indexes,
// throughput and encryption, not its stream, expiry, protection, tags and policies.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CreateBackup.html
func (rec Record) Restore(o Overrides, at Place, managed string) (Record, error) {
	out := Record{Attributes: rec.Attributes, Hash: rec.Hash, Sort: rec.Sort, Provisioned: rec.Provisioned, BillingReported: rec.BillingReported,
		Class: rec.Class, KMSKey: rec.KMSKey, Locals: slices.Clone(rec.Locals), LastIndex: rec.LastIndex}
	out.setThroughput(rec.OwnThroughput())
	out.Increased, out.Decreased, out.DecreasesToday = time.Time{}, time.Time{}, 0
	for _, x := range rec.Globals {
		if x.Status == Active {
			out.Globals = append(out.Globals, x)
		}
	}
	if err := out.keepIndexes(o); err != nil {
		return out, err
	}
	if o.Billing != "" || o.Provided != nil {
		mode := o.Billing
		if mode == "" {
			mode = api.BillingModeProvisioned
		}
		if err := out.setBilling(mode, o.Provided); err != nil {
			return out, err
		}
		for i := range out.Globals {
			t := &out.Globals[i].Throughput
			if out.Provisioned && t.Read == 0 {
				t.Read, t.Write = out.Read, out.Write
			} else if !out.Provisioned {
				t.Read, t.Write = 0, 0
			}
		}
	}
	own := out.OwnThroughput()
	if err := own.setOnDemand(o.OnDemand, out.Provisioned); err != nil {
		return out, err
	}
	out.setThroughput(own)
	return out, out.setEncryption(o.SSE, at, managed)
}

// keepIndexes drops the indexes that the overrides do not name; others than those of the source cannot be made.
func (rec *Record) keepIndexes(o Overrides) error {
	const unknown = problem("One or more parameter values were invalid: Secondary indexes of a restored table must be those of the source table: ")
	if o.Globals != nil {
		for _, g := range o.Globals {
			if rec.Global(g.IndexName) == nil {
				return unknown + problem(g.IndexName)
			}
		}
		rec.Globals = slices.DeleteFunc(rec.Globals, func(x Index) bool {
			return !slices.ContainsFunc(o.Globals, func(g api.GlobalSecondaryIndex) bool { return g.IndexName == x.Name })
		})
	}
	if o.Locals != nil {
		for _, l := range o.Locals {
			if !slices.ContainsFunc(rec.Locals, func(x Index) bool { return x.Name == l.IndexName }) {
				return unknown + problem(l.IndexName)
			}
		}
		rec.Locals = slices.DeleteFunc(rec.Locals, func(x Index) bool {
			return !slices.ContainsFunc(o.Locals, func(l api.LocalSecondaryIndex) bool { return l.IndexName == x.Name })
		})
	}
	rec.Prune()
	return nil
}

// SetRecovery turns point-in-time recovery on, for that many days (0: as it was, or 35), or off.
func (rec *Record) SetRecovery(on bool, days int32, now time.Time) {
	switch {
	case !on:
		rec.Recovery = Recovery{}
		return
	case !rec.Recovery.Enabled:
		rec.Recovery = Recovery{Enabled: true, Days: maxRecoveryDays, Since: now}
	}
	if days != 0 {
		rec.Recovery.Days = days
	}
}
