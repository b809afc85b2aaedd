package backlog

import (
	"reflect"
	"testing"

	"github.com/brume-dev/brume/service/sqs/message"
)

func TestRecordsComeBack(t *testing.T) {
	s := state{At: 5, Count: 2, First: 3, Began: 4, Sequence: 9, Flags: large, Group: "g"}
	if got, err := decodeState(s.encode()); err != nil || got != s {
		t.Errorf("%+v (%v), want %+v", got, err, s)
	}
	l := lineRecord{Ref: message.Ref{Sent: 7, ID: message.ID{1, 2}}, Visible: 8, Flags: large, Received: true}
	if got, err := decodeLine(l.encode()); err != nil || got != l {
		t.Errorf("%+v (%v), want %+v", got, err, l)
	}
	for _, g := range []groupRecord{{At: noTurn}, {Rank: noisy, At: 6, Flying: 2, Times: []flight{{1, 2}, {3, 4}}}} {
		if got, err := decodeGroup(g.encode()); err != nil || !reflect.DeepEqual(got, g) {
			t.Errorf("%+v (%v), want %+v", got, err, g)
		}
	}
}

func FuzzRecords(f *testing.F) {
	f.Add((&state{Group: "g"}).encode())
	f.Add((&lineRecord{}).encode())
	f.Add((&groupRecord{Times: []flight{{1, 2}}}).encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, err := decodeState(b); err == nil {
			if again, err := decodeState(s.encode()); err != nil || again != s {
				t.Errorf("%+v came back as %+v (%v)", s, again, err)
			}
		}
		if l, err := decodeLine(b); err == nil {
			if again, err := decodeLine(l.encode()); err != nil || again != l {
				t.Errorf("%+v came back as %+v (%v)", l, again, err)
			}
		}
		if g, err := decodeGroup(b); err == nil {
			if again, err := decodeGroup(g.encode()); err != nil || !reflect.DeepEqual(again, g) {
				t.Errorf("%+v came back as %+v (%v)", g, again, err)
			}
		}
	})
}
