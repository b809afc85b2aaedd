package fleet

import (
	"testing"
	"time"
)

func TestLoad(t *testing.T) {
	now, idle, all, memory := time.Unix(100, 0), 0.0, 0.0, 0.5
	l := &Load{now: func() time.Time { return now }, memory: func() float64 { return memory }, times: func() (float64, float64) { return idle, all }, free: 1}
	for _, c := range []struct {
		idle, all, memory float64
		want              bool
	}{{0, 100, 0.5, true}, {50, 200, 0.5, true}, {51, 300, 0.5, false}, {151, 400, 0.5, true}, {251, 500, 0.1, false}, {251, 500, 0.5, true}} {
		now = now.Add(time.Second)
		idle, all, memory = c.idle, c.all, c.memory
		if got := l.Bears(); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
	if idle, all := processors(); all > 0 && (idle <= 0 || idle > all) {
		t.Errorf("idle for %v of %v", idle, all)
	}
}
