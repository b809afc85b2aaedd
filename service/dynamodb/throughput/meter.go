// Package throughput decides whether a table or index may be read or written now, by what it is provisioned for. What was
// not used of the last five minutes may be used at once, as on AWS. The meter is in memory: after a restart all of it is
// there again.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/burst-adaptive-capacity.html
package throughput

import (
	"sync"
	"time"
)

// burst is how much unused capacity is kept: five minutes of it.
const burst = 300 // seconds

// maxBuckets bounds the memory; at the bound everything begins anew.
const maxBuckets = 10_000

// Of says what is used: reads or writes of a table (index 0) or of one of its indexes.
type Of struct {
	Table, Index uint64
	Write        bool
}

// Meter keeps what may be used. The zero Meter is ready; it is safe for concurrent use.
type Meter struct {
	mu      sync.Mutex
	buckets map[Of]*bucket
}

// bucket is what may be used of one thing at a time: units, below zero after a use that was larger.
type bucket struct {
	units float64
	at    time.Time
}

// Admits reports whether anything may be used at the given rate of units in a second.
func (m *Meter) Admits(of Of, rate int64, now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.bucket(of, rate, now).units > 0
}

// Use takes units. More may be taken than there are: that is paid for by what comes later.
func (m *Meter) Use(of Of, rate int64, units float64, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.bucket(of, rate, now).units -= units
}

// bucket returns the bucket as it is at now.
func (m *Meter) bucket(of Of, rate int64, now time.Time) *bucket {
	b := m.buckets[of]
	full := burst * float64(rate)
	if b == nil {
		if m.buckets == nil || len(m.buckets) >= maxBuckets {
			m.buckets = map[Of]*bucket{}
		}
		b = &bucket{units: full, at: now}
		m.buckets[of] = b
	}
	if now.After(b.at) {
		b.units += now.Sub(b.at).Seconds() * float64(rate)
		b.at = now
	}
	if b.units > full {
		b.units = full
	}
	return b
}
