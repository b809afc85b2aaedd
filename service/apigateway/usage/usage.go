// Package usage holds the callers of APIs to their usage plans: so many requests a second, and so many a day, a week or a
// month. https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-usage-plans.html
//
// Requests are counted in memory and written within a second: as on AWS, quotas are kept as well as that allows, and what was
// counted in the last second before a crash is free.
package usage

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/brume-dev/brume/api/apigatewayapi"
)

// Client is who an API key is, at a stage that a usage plan opens to it.
type Client struct {
	Account, Region string
	Key, Value      string // of the API key: id and value
	Plan            string
	Stage           string // "api:stage"
	Throttle        *apigatewayapi.ThrottleSettings
	Methods         map[string]apigatewayapi.ThrottleSettings // "/pets/GET"
	Quota           *apigatewayapi.QuotaSettings
}

// Verdict is whether a request may go on.
type Verdict int

// The verdicts.
const (
	Fine Verdict = iota
	Throttled
	Exhausted
)

// Book keeps counts: of the requests that a key made by a plan on a day, "2006-01-02".
type Book interface {
	Used(ctx context.Context, account, region, plan, key, from, to string) (int64, error)
	// Count adds counts of one account and region, all or none.
	Count(ctx context.Context, counts []Count) error
}

// Count is that many more requests.
type Count struct {
	Account, Region, Plan, Key, Day string
	N                               int64
}

// Meter counts and limits. It is safe for concurrent use.
type Meter struct {
	Book Book

	book     sync.RWMutex // held for writing while counts go from pending to the Book, for reading by who wants both
	mu       sync.Mutex
	periods  map[holder]*period
	limiters map[limited]*rate.Limiter
	pending  map[Count]int64 // with N 0
}

// maxHeld bounds what is remembered of keys.
const maxHeld = 10000

type holder struct{ account, region, plan, key string }

type limited struct {
	holder
	what string
}

// period is what is known of the period that a key is in.
type period struct {
	from string
	used int64
}

const dayForm = "2006-01-02"

// Day is the day of a time, as counts know it.
func Day(t time.Time) string { return t.UTC().Format(dayForm) }

// Begin is the first day of the period that a time is in. Weeks begin on Sunday.
func Begin(p apigatewayapi.QuotaPeriodType, t time.Time) string {
	t = t.UTC()
	switch p {
	case apigatewayapi.QuotaPeriodTypeWeek:
		t = t.AddDate(0, 0, -int(t.Weekday()))
	case apigatewayapi.QuotaPeriodTypeMonth:
		t = t.AddDate(0, 0, 1-t.Day())
	}
	return t.Format(dayForm)
}

// Take counts a request of a client for a method, "/pets/GET", when its plan has room for it.
func (m *Meter) Take(ctx context.Context, c *Client, method string, now time.Time) (Verdict, error) {
	h := holder{c.Account, c.Region, c.Plan, c.Key}
	var known *period
	if q := c.Quota; q != nil && q.Limit != nil {
		var err error
		if known, err = m.period(ctx, h, Begin(q.Period, now), Day(now)); err != nil {
			return Fine, err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for what, s := range map[string]*apigatewayapi.ThrottleSettings{"": c.Throttle, c.Stage + method: at(c.Methods, method)} {
		if l := m.limiter(limited{h, what}, s); l != nil && !l.AllowN(now, 1) {
			return Throttled, nil
		}
	}
	if known != nil && known.used >= int64(*c.Quota.Limit) {
		return Exhausted, nil
	}
	if known != nil {
		known.used++
	}
	if m.pending == nil {
		m.pending = map[Count]int64{}
	}
	m.pending[Count{Account: h.account, Region: h.region, Plan: h.plan, Key: h.key, Day: Day(now)}]++
	return Fine, nil
}

func at(all map[string]apigatewayapi.ThrottleSettings, method string) *apigatewayapi.ThrottleSettings {
	if s, ok := all[method]; ok {
		return &s
	}
	return nil
}

// limiter returns the limiter for settings, nil when they limit nothing. One whose settings changed begins anew.
func (m *Meter) limiter(k limited, s *apigatewayapi.ThrottleSettings) *rate.Limiter {
	if s == nil || s.RateLimit == nil || *s.RateLimit <= 0 {
		return nil
	}
	burst := int(*s.RateLimit)
	if s.BurstLimit != nil {
		burst = int(*s.BurstLimit)
	}
	l := m.limiters[k]
	if l == nil || l.Limit() != rate.Limit(*s.RateLimit) || l.Burst() != burst {
		if m.limiters == nil || len(m.limiters) >= maxHeld {
			m.limiters = map[limited]*rate.Limiter{}
		}
		l = rate.NewLimiter(rate.Limit(*s.RateLimit), burst)
		m.limiters[k] = l
	}
	return l
}

// period returns what is known of the period that begins on a day, which the book tells at first.
func (m *Meter) period(ctx context.Context, h holder, from, today string) (*period, error) {
	m.mu.Lock()
	known := m.periods[h]
	m.mu.Unlock()
	if known != nil && known.from == from {
		return known, nil
	}
	m.book.RLock()
	defer m.book.RUnlock()
	used, err := m.Book.Used(ctx, h.account, h.region, h.plan, h.key, from, today)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if now := m.periods[h]; now != nil && now.from == from {
		return now, nil // another request was faster
	}
	if m.periods == nil || len(m.periods) >= maxHeld {
		m.periods = map[holder]*period{}
	}
	for c, n := range m.pending { // counted, and not in the book yet
		if (holder{c.Account, c.Region, c.Plan, c.Key}) == h && c.Day >= from {
			used += n
		}
	}
	m.periods[h] = &period{from, used}
	return m.periods[h], nil
}

// Flush writes what was counted.
func (m *Meter) Flush(ctx context.Context) error {
	m.book.Lock()
	defer m.book.Unlock()
	type home struct{ account, region string }
	counts := map[home][]Count{}
	m.mu.Lock()
	for c, n := range m.pending {
		c.N = n
		h := home{c.Account, c.Region}
		counts[h] = append(counts[h], c)
	}
	clear(m.pending)
	m.mu.Unlock()
	var failed error
	for _, some := range counts {
		err := m.Book.Count(ctx, some)
		if err == nil {
			continue
		}
		failed = err
		m.mu.Lock() // next time
		for _, c := range some {
			n := c.N
			c.N = 0
			m.pending[c] += n
		}
		m.mu.Unlock()
	}
	return failed
}
