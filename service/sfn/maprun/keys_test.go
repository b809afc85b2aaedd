package maprun

import (
	"testing"
	"unicode/utf8"
)

// TestPromise: the timer takes IDs that are text only, whatever the machine's number is.
func TestPromise(t *testing.T) {
	seen := map[string]bool{}
	for _, id := range []uint64{1, 127, 128, 255, 406, 1 << 31, 1<<64 - 1} {
		got := key{Account: "111111111111", Region: "eu-west-1", Machine: "m", ID: id, Run: "4977ded7-b097-3bee-81e1-7863c5660f29"}.promise()
		if !utf8.ValidString(got) || seen[got] {
			t.Errorf("machine %d: %q", id, got)
		}
		seen[got] = true
	}
}

// TestChildren: a child's name tells its number to who knows the map run, and to nobody else.
func TestChildren(t *testing.T) {
	k, other := key{Run: "4977ded7-b097-3bee-81e1-7863c5660f29"}, key{Run: "x"}
	seen := map[string]bool{}
	for _, i := range []int64{0, 1, 2, 99_999, 1 << 40} {
		name := k.child(i)
		if len(name) != 36 || name[14] != '3' || seen[name] || k.index(name) != i || other.index(name) != -1 {
			t.Errorf("child %d is %s, which is child %d", i, name, k.index(name))
		}
		seen[name] = true
	}
	if k.index("4977ded7-b097-3bee-81e1-7863c5660f29") != -1 || k.index("") != -1 {
		t.Error("a name that is none of the run's")
	}
}

func TestBatches(t *testing.T) {
	for _, c := range []struct {
		b           *batcher
		items, want int64
	}{{nil, 5, 5}, {&batcher{Items: 2}, 5, 3}, {&batcher{Items: 2}, 0, 0}, {&batcher{Bytes: 100}, 5, 1}, {&batcher{Bytes: 100}, 0, 0}} {
		if got := (&run{Batcher: c.b}).batches(c.items); got != c.want {
			t.Errorf("%d items in batches of %+v: %d, want %d", c.items, c.b, got, c.want)
		}
	}
}

func FuzzARN(f *testing.F) {
	f.Add("arn:aws:states:us-east-1:123456789012:mapRun:m/Map:4977ded7-b097-3bee-81e1-7863c5660f29")
	f.Fuzz(func(t *testing.T, arn string) {
		if ref, run, err := parseARN(arn); err == nil && (ref.Name == "" && run == "") {
			t.Errorf("%q", arn)
		}
	})
}
