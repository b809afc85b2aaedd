package usage

import (
	"context"
	"time"

	"github.com/brume-dev/brume/api/apigatewayapi"
	"github.com/brume-dev/brume/store"
)

// Ledger is the Book in the store. Its keys lie in the home shard of the plan's account and region:
//
//	home(account, region) "apigateway" "used" plan key day    counter of requests
type Ledger struct{ Store store.Store }

var _ Book = Ledger{}

func counts(account, region, plan, key string) store.Tuple {
	return store.Home(account, region).Text("apigateway").Text("used").Text(plan).Text(key)
}

// Used is part of Book.
func (l Ledger) Used(ctx context.Context, account, region, plan, key, from, to string) (int64, error) {
	return store.View(ctx, l.Store.Shard(store.Home(account, region)), func(_ context.Context, r store.Reader) (int64, error) {
		return sum(r, counts(account, region, plan, key), from, to)
	})
}

// sum adds the counts of days up.
func sum(r store.Reader, prefix store.Tuple, from, to string) (n int64, err error) {
	pairs, done := r.Scan(store.Range{Begin: store.Key(prefix.Text(from)), End: prefix.Text(to).After(prefix.Range()).Begin}, store.ScanOpt{})
	for kv := range pairs {
		n += store.ReadCounter(kv.Value)
	}
	return n, done()
}

// Count is part of Book.
func (l Ledger) Count(ctx context.Context, all []Count) error {
	if len(all) == 0 {
		return nil
	}
	_, err := l.Store.Shard(store.Home(all[0].Account, all[0].Region)).Update(ctx, func(_ context.Context, tx store.Tx) error {
		for _, c := range all {
			tx.Add(store.Key(counts(c.Account, c.Region, c.Plan, c.Key).Text(c.Day)), c.N)
		}
		return nil
	})
	return err
}

// Days are the requests that a key made by a plan on each day, and how many were left of its quota then.
func Days(r store.Reader, account, region string, p *apigatewayapi.UsagePlan, key string, from, to time.Time) (out [][]int64, err error) {
	prefix := counts(account, region, *p.Id, key)
	for d := from; !d.After(to); d = d.AddDate(0, 0, 1) {
		today, err := sum(r, prefix, Day(d), Day(d))
		if err != nil {
			return nil, err
		}
		left := int64(0)
		if q := p.Quota; q != nil {
			used, err := sum(r, prefix, Begin(q.Period, d), Day(d))
			if err != nil {
				return nil, err
			}
			left = max(int64(*q.Limit)-used, 0)
		}
		out = append(out, []int64{today, left})
	}
	return out, nil
}

// Forget drops the counts of a key that leaves a plan.
func Forget(tx store.Tx, account, region, plan, key string) {
	tx.DeleteRange(counts(account, region, plan, key).Range())
}
