package throughput

import (
	"testing"
	"time"
)

func TestMeter(t *testing.T) {
	var m Meter
	now := time.Unix(1_000_000, 0)
	of := Of{Table: 1, Write: true}
	used := 0
	for m.Admits(of, 2, now) {
		m.Use(of, 2, 1, now)
		used++
	}
	if used != 600 {
		t.Errorf("%d units at once, want five minutes of 2", used)
	}
	if !m.Admits(Of{Table: 1}, 2, now) || !m.Admits(Of{Table: 1, Index: 1, Write: true}, 2, now) {
		t.Error("reads and indexes have their own")
	}
	now = now.Add(time.Second)
	m.Use(of, 2, 10, now) // 8 more than there are
	for _, c := range []struct {
		after time.Duration
		want  bool
	}{{0, false}, {4 * time.Second, false}, {time.Second, true}} {
		if now = now.Add(c.after); m.Admits(of, 2, now) != c.want {
			t.Errorf("after %s more: admits is not %t", c.after, c.want)
		}
	}
	now = now.Add(time.Hour)
	m.Use(of, 2, 599, now)
	if !m.Admits(of, 2, now) {
		t.Error("nothing left of five minutes")
	}
	if m.Use(of, 2, 1, now); m.Admits(of, 2, now) {
		t.Error("more than five minutes were kept")
	}
}
