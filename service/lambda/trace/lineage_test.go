package trace

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestLineage(t *testing.T) {
	ids := func(n int) string { return strings.Repeat("0", 2*n) }
	header := "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0"
	for n := range 20 {
		if got := Runs(header, "f"); got != n {
			t.Fatalf("%d runs in %s, want %d", got, header, n)
		}
		tr := Begin(header, time.Unix(0, 0), func() bool { return false }, ids)
		tr.Visit("f")
		if n%2 == 0 {
			tr.Visit("g")
		}
		header = tr.Header()
	}
	if Runs(header, "g") != 10 || Runs(header, "h") != 0 || strings.Count(header, "Lineage=") != 1 {
		t.Errorf("%s", header)
	}
	other := Through(Through("Root=2", "g"), "h")
	merged := Merge([]string{other, header})
	if !strings.HasPrefix(merged, "Root=2;Lineage=") || Runs(merged, "f") != 20 || Runs(merged, "g") != 10 || Runs(merged, "h") != 1 {
		t.Errorf("merged %s", merged)
	}
	if got := Merge([]string{"Root=1", ""}); got != "Root=1" {
		t.Errorf("merged without lineage %s", got)
	}
	long := ""
	for i := range 100 {
		long = Through(long, fmt.Sprint(i))
	}
	if n := strings.Count(long, "|") + 1; n != maxLineage || Runs(long, "99") != 1 {
		t.Errorf("%d functions in %s", n, long)
	}
}

// Whatever a header holds, a run is counted once.
func FuzzLineage(f *testing.F) {
	f.Add("Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1;Lineage=a87bd80c:1|68fd508a:5")
	f.Add("Lineage=:|;Lineage=12345678:-1")
	f.Fuzz(func(t *testing.T, header string) {
		before := Runs(header, "f")
		if after := Runs(Through(header, "f"), "f"); after != before+1 && before < 1<<30 {
			t.Errorf("%q: %d runs, then %d", header, before, after)
		}
	})
}
