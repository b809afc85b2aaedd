package stream

import (
	"bytes"
	"testing"

	"github.com/brume-dev/brume/store"
)

// A sequence number is the place that it was made of, and grows with it.
func FuzzSequence(f *testing.F) {
	f.Add("1", uint64(492_000), uint64(7))
	f.Add("66000000000000000000000000000000000", uint64(1), uint64(1<<40))
	f.Fuzz(func(t *testing.T, s string, hour, version uint64) {
		if h, stamp, ok := parseSequence(s); ok && h > 400_000 && len(s) == 35 {
			if got := sequence(h, stamp); got != s {
				t.Errorf("%s became %s", s, got)
			}
		}
		hour = 400_000 + hour%1_000_000
		stamp := store.MakeStamp(3, store.Version(version), 2)
		number := sequence(hour, stamp)
		h, back, ok := parseSequence(number)
		if !ok || h != hour || back != stamp {
			t.Errorf("%s is %d %x, want %d %x", number, h, back, hour, stamp)
		}
		if later := sequence(hour+1, store.Stamp{}); later <= number || len(number) < 21 || len(number) > 40 {
			t.Errorf("%s before %s", later, number)
		}
		if h, s := readPlace(place(hour, stamp)); h != hour || s != stamp {
			t.Errorf("place of %d %x is %d %x", hour, stamp, h, s)
		}
	})
}

// An iterator is what its text says; other texts are refused without harm.
func FuzzIterator(f *testing.F) {
	arn := Name{"000000000000", "us-east-1", "tab", "2026-01-02T03:04:05.000"}.ARN()
	f.Add(*iterator{Shard: 8, Place: []byte{1, 2}, Issued: 3}.text(arn))
	f.Add(arn + "|1|AAAA")
	f.Fuzz(func(t *testing.T, s string) {
		n, it, err := parseIterator(s)
		if err != nil {
			return
		}
		back, again, err := parseIterator(*it.text(n.ARN()))
		if err != nil || back != n || again.Shard != it.Shard || !bytes.Equal(again.Place, it.Place) || again.Issued != it.Issued {
			t.Errorf("%q: %+v became %+v (%v)", s, it, again, err)
		}
	})
}

func TestShards(t *testing.T) {
	sh := shardAt(492_003)
	if sh.first%hoursPerShard != 0 || sh.end() <= 492_003 || sh.lowest(0) >= sh.highest() {
		t.Errorf("shard %+v", sh)
	}
	back, ok := parseShard(sh.id("arn"), "arn")
	if !ok || back != sh || len(sh.id("arn")) < 28 || len(sh.id("arn")) > 65 {
		t.Errorf("%s is %+v", sh.id("arn"), back)
	}
	for _, bad := range []string{"", "shardId-1-x", sh.id("another")} {
		if _, ok := parseShard(bad, "arn"); ok {
			t.Errorf("%q is a shard", bad)
		}
	}
}
