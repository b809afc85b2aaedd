package definition

import (
	"fmt"
	"time"

	api "github.com/brume-dev/brume/api/dynamodbapi"
)

// setBilling takes the billing mode and its throughput. Without a mode a table is provisioned.
func (rec *Record) setBilling(mode api.BillingMode, p *api.ProvisionedThroughput) error {
	if mode == api.BillingModePayPerRequest {
		if p != nil {
			return problem(invalidValues + "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST")
		}
		rec.Provisioned, rec.Read, rec.Write, rec.BillingReported = false, 0, 0, true
		return nil
	}
	if p == nil {
		if mode == "" {
			return problem("No provisioned throughput specified for the table")
		}
		return problem(invalidValues + "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED")
	}
	if err := checkThroughput(p); err != nil {
		return err
	}
	rec.Provisioned, rec.Read, rec.Write = true, p.ReadCapacityUnits, p.WriteCapacityUnits
	return nil
}

func checkThroughput(p *api.ProvisionedThroughput) error {
	if p.ReadCapacityUnits > maxThroughput {
		return problem(fmt.Sprintf("Given value %d for ReadCapacityUnits is out of bounds", p.ReadCapacityUnits))
	}
	if p.WriteCapacityUnits > maxThroughput {
		return problem(fmt.Sprintf("Given value %d for WriteCapacityUnits is out of bounds", p.WriteCapacityUnits))
	}
	return nil
}

// setOnDemand takes the limits of a table or index on demand; -1 removes one.
func (t *Throughput) setOnDemand(o *api.OnDemandThroughput, provisioned bool) error {
	if o == nil {
		return nil
	}
	if provisioned {
		return problem(invalidValues + "OnDemandThroughput can only be specified when BillingMode is PAY_PER_REQUEST")
	}
	for _, f := range []struct {
		name  string
		given *int64
		kept  *int64
	}{{"MaxReadRequestUnits", o.MaxReadRequestUnits, &t.MaxRead}, {"MaxWriteRequestUnits", o.MaxWriteRequestUnits, &t.MaxWrite}} {
		switch {
		case f.given == nil:
		case *f.given == -1:
			*f.kept = 0
		case *f.given < 1:
			return problem(fmt.Sprintf("%s%s must be a positive number, or -1 to remove the limit", invalidValues, f.name))
		default:
			*f.kept = *f.given
		}
	}
	return nil
}

// raiseWarm is setWarm of a table or index that stands: what it is warmed to does not get less. what is the table or index,
// for the text of the error.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/update-warm-throughput.html
func (t *Throughput) raiseWarm(w *api.WarmThroughput, what string, provisioned bool) error {
	if w == nil {
		return nil
	}
	read, write := t.warm(provisioned)
	for _, f := range []struct {
		name  string
		given *int64
		now   int64
	}{{"ReadUnitsPerSecond", w.ReadUnitsPerSecond, read}, {"WriteUnitsPerSecond", w.WriteUnitsPerSecond, write}} {
		if f.given != nil && *f.given < f.now {
			return problem(fmt.Sprintf("%sRequested %s for WarmThroughput for %s is lower than current WarmThroughput, decreasing WarmThroughput is not supported",
				invalidValues, f.name, what))
		}
	}
	t.setWarm(w)
	return nil
}

func (t *Throughput) setWarm(w *api.WarmThroughput) {
	if w == nil {
		return
	}
	if w.ReadUnitsPerSecond != nil {
		t.WarmRead = *w.ReadUnitsPerSecond
	}
	if w.WriteUnitsPerSecond != nil {
		t.WarmWrite = *w.WriteUnitsPerSecond
	}
}

// provision changes provisioned units. what is the table or index, for the text of the error.
func (t *Throughput) provision(p *api.ProvisionedThroughput, what string, wasProvisioned bool, now time.Time) error {
	if err := checkThroughput(p); err != nil {
		return err
	}
	before := *t
	t.Read, t.Write = p.ReadCapacityUnits, p.WriteCapacityUnits
	if wasProvisioned && t.Read == before.Read && t.Write == before.Write {
		kind := "table"
		if what != "table" {
			kind = "index"
		}
		return problem(fmt.Sprintf("The provisioned throughput for the %s will not change. The requested value equals the current value. "+
			"Current ReadCapacityUnits provisioned for the %s: %d. Requested ReadCapacityUnits: %d. "+
			"Current WriteCapacityUnits provisioned for the %s: %d. Requested WriteCapacityUnits: %d. "+
			"Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits.",
			what, kind, before.Read, t.Read, kind, before.Write, t.Write))
	}
	if t.Read > before.Read || t.Write > before.Write {
		t.Increased = now
	}
	if t.Read >= before.Read && t.Write >= before.Write {
		return nil
	}
	if !sameDay(before.Decreased, now) {
		t.DecreasesToday = 0
	}
	if next := before.Decreased.Add(decreaseEvery); t.DecreasesToday >= freeDecreases && now.Before(next) {
		const shown = "Monday, January 2, 2006 3:04:05 PM MST"
		return &api.LimitExceededException{Message: fmt.Sprintf("Subscriber limit exceeded: Provisioned throughput decreases are limited within a given UTC day. "+
			"After the first %d decreases, each subsequent decrease in the same UTC day can be performed at most once every %d seconds. "+
			"Number of decreases today: %d. Last decrease at %s. Next decrease can be made at %s",
			freeDecreases, int(decreaseEvery.Seconds()), t.DecreasesToday, before.Decreased.UTC().Format(shown), next.UTC().Format(shown))}
	}
	t.Decreased, t.DecreasesToday = now, t.DecreasesToday+1
	return nil
}

// sameDay reports whether two times are of one day of UTC.
func sameDay(a, b time.Time) bool {
	return a.UTC().Format(time.DateOnly) == b.UTC().Format(time.DateOnly)
}

// Limited reports whether the table or an index has a limit of throughput.
func (rec *Record) Limited() bool {
	limited := rec.Provisioned || rec.MaxRead != 0 || rec.MaxWrite != 0
	for i := range rec.Globals {
		t := &rec.Globals[i].Throughput
		limited = limited || t.MaxRead != 0 || t.MaxWrite != 0
	}
	return limited
}

// warm returns a warm throughput: what was asked for, but not less than what there is anyway.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/warm-throughput.html
func (t *Throughput) warm(provisioned bool) (read, write int64) {
	if provisioned {
		return max(t.WarmRead, t.Read), max(t.WarmWrite, t.Write)
	}
	return max(t.WarmRead, onDemandRead), max(t.WarmWrite, onDemandWrite)
}
