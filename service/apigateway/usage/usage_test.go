package usage_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/brume-dev/brume/api/apigatewayapi"
	"github.com/brume-dev/brume/service/apigateway/usage"
)

// book is a Book in memory.
type book struct {
	mu   sync.Mutex
	days map[string]int64
}

func (b *book) Used(_ context.Context, _, _, plan, key, from, to string) (n int64, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for k, v := range b.days {
		if day := k[len(plan+key):]; k[:len(plan+key)] == plan+key && day >= from && day <= to {
			n += v
		}
	}
	return n, nil
}

func (b *book) Count(_ context.Context, counts []usage.Count) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range counts {
		b.days[c.Plan+c.Key+c.Day] += c.N
	}
	return nil
}

func p[T any](v T) *T { return &v }

func TestQuotas(t *testing.T) {
	b := &book{days: map[string]int64{}}
	m := &usage.Meter{Book: b}
	c := &usage.Client{Plan: "p", Key: "k", Quota: &apigatewayapi.QuotaSettings{Limit: p(int32(3)), Period: apigatewayapi.QuotaPeriodTypeWeek}}
	monday := time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC)
	take := func(at time.Time, want usage.Verdict) {
		t.Helper()
		if got, err := m.Take(t.Context(), c, "/GET", at); got != want || err != nil {
			t.Errorf("%s: %v %v, want %v", at, got, err, want)
		}
	}
	take(monday, usage.Fine)
	take(monday.AddDate(0, 0, 1), usage.Fine)
	if err := m.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	m = &usage.Meter{Book: b} // another process
	take(monday.AddDate(0, 0, 2), usage.Fine)
	take(monday.AddDate(0, 0, 2), usage.Exhausted)
	take(monday.AddDate(0, 0, 5), usage.Exhausted) // Saturday
	take(monday.AddDate(0, 0, 6), usage.Fine)      // Sunday
	if got := usage.Begin(apigatewayapi.QuotaPeriodTypeMonth, monday); got != "2026-01-01" {
		t.Error(got)
	}
	if got := usage.Begin(apigatewayapi.QuotaPeriodTypeDay, monday); got != "2026-01-05" {
		t.Error(got)
	}
}

func TestThrottles(t *testing.T) {
	m := &usage.Meter{Book: &book{days: map[string]int64{}}}
	c := &usage.Client{Plan: "p", Key: "k", Stage: "a:dev", Throttle: &apigatewayapi.ThrottleSettings{RateLimit: p(1.0), BurstLimit: p(int32(4))},
		Methods: map[string]apigatewayapi.ThrottleSettings{"/x/GET": {RateLimit: p(1.0), BurstLimit: p(int32(1))}}}
	now := time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC)
	count := func(method string, at time.Time) (fine int) {
		for range 6 {
			if v, _ := m.Take(t.Context(), c, method, at); v == usage.Fine {
				fine++
			}
		}
		return fine
	}
	if n := count("/x/GET", now); n != 1 {
		t.Errorf("%d through the method's limit", n)
	}
	if n := count("/y/GET", now.Add(10*time.Second)); n != 4 {
		t.Errorf("%d through the plan's limit", n)
	}
	other := *c
	other.Key = "l"
	if v, _ := m.Take(t.Context(), &other, "/y/GET", now.Add(10*time.Second)); v != usage.Fine {
		t.Error("another key is limited too")
	}
}

// What is counted by many at once is counted once each.
func TestConcurrently(t *testing.T) {
	b := &book{days: map[string]int64{}}
	m := &usage.Meter{Book: b}
	c := &usage.Client{Plan: "p", Key: "k", Quota: &apigatewayapi.QuotaSettings{Limit: p(int32(100)), Period: apigatewayapi.QuotaPeriodTypeDay}}
	now := time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 50 {
				if _, err := m.Take(t.Context(), c, "/GET", now); err != nil {
					t.Error(err)
				}
				if i%10 == 0 {
					if err := m.Flush(t.Context()); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	if err := m.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n, _ := b.Used(t.Context(), "", "", "p", "k", "2026-01-05", "2026-01-05"); n != 100 {
		t.Errorf("%d counted, want the quota", n)
	}
}
