package fault

import (
	"errors"
	"fmt"
	"testing"
)

func TestOf(t *testing.T) {
	own := New("Own", "item %d", 3)
	for _, c := range []struct {
		err         error
		name, cause string
	}{
		{own, "Own", "item 3"},
		{fmt.Errorf("task: %w", own), "Own", "item 3"},
		{errors.New("no name"), Runtime, "no name"},
	} {
		if got := Of(c.err); got.Name != c.name || got.Cause != c.cause {
			t.Errorf("Of(%v) = %+v", c.err, got)
		}
	}
	if Of(nil) != nil {
		t.Error("no error has a name")
	}
	if got := (&Error{Name: "A"}).Error() + "|" + (&Error{Name: "A", Cause: "b%"}).Error(); got != "A|A: b%" {
		t.Errorf("texts %q", got)
	}
}
