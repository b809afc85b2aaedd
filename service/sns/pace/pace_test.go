package pace_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/brume-dev/brume/service/sns/pace"
)

func TestSlot(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var p pace.Pace
	for i := range 5 { // all at once, two in a second
		at, wait := p.Slot("e", 2, now, strconv.Itoa(i))
		if want := now.Add(time.Duration(i) * 500 * time.Millisecond); !at.Equal(want) || wait != (i > 0) {
			t.Errorf("%d at %v, %v", i, at, wait)
		}
	}
	if _, wait := p.Slot("e", 2, now.Add(500*time.Millisecond), "1"); wait {
		t.Error("it waits again")
	}
	if _, wait := p.Slot("other", 2, now, "x"); wait {
		t.Error("another endpoint waits too")
	}
	if _, wait := p.Slot("e", 0, now, "y"); wait {
		t.Error("without a rate one waits")
	}
}
