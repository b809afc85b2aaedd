package history_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/brume-dev/brume/asl"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/service/sfn/history"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/memstore"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 6_000_000, time.UTC)

// full is an event with every field.
func full(id int64) asl.Event {
	e := asl.Event{ID: id, Previous: id - 1, Type: asl.TaskScheduled, Time: start.Add(time.Duration(id) * time.Millisecond)}
	v := reflect.ValueOf(&e).Elem()
	for i := range v.NumField() {
		f, name := v.Field(i), v.Type().Field(i).Name
		if !f.IsZero() {
			continue
		}
		switch f.Kind() {
		case reflect.String:
			f.SetString(name)
		case reflect.Int64:
			f.SetInt(int64(i) + id)
		default:
			if name == "Assigned" {
				e.Assigned = []asl.Variable{{Name: "a", Value: []byte(`1`)}, {Name: "b", Value: []byte(`{"x":[]}`)}}
				continue
			}
			f.SetBytes(fmt.Appendf(nil, `{%q:%d}`, name, id))
		}
	}
	return e
}

func TestBatches(t *testing.T) {
	plain := asl.Event{ID: 9, Type: asl.ExecutionStarted, Time: start}
	for _, events := range [][]asl.Event{{plain}, {full(1), full(2), {ID: 3, Type: asl.PassStateEntered, Time: start}}, {{ID: 3, Previous: 1, Type: "X", Time: start}}} {
		got, err := history.Decode(history.Encode(events))
		if err != nil || !reflect.DeepEqual(got, events) {
			t.Errorf("%v\ngot  %+v\nwant %+v", err, got, events)
		}
	}
	same := []asl.Event{{ID: 1, Type: "X", Time: start, Input: bytes.Repeat([]byte("x"), 1000)}}
	for i := range int64(20) {
		same = append(same, same[0])
		same[i+1].ID = i + 2
	}
	if n := len(history.Encode(same)); n > 1200 {
		t.Errorf("a text that comes 21 times takes %d bytes", n)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(history.Encode([]asl.Event{full(1), full(2)}))
	f.Add([]byte{1, 1, 1, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		events, err := history.Decode(b)
		if err != nil || len(events) == 0 {
			return
		}
		again, err := history.Decode(history.Encode(events))
		if err != nil || !reflect.DeepEqual(again, events) {
			t.Fatalf("%v\n%+v\n%+v", err, events, again)
		}
	})
}

func TestRead(t *testing.T) {
	s := memstore.New(clock.Frozen(start))
	root := store.Tuple(nil).Text("h")
	if _, err := s.Update(t.Context(), func(_ context.Context, tx store.Tx) error {
		for _, first := range []int64{1, 4, 5} {
			var batch []asl.Event
			for id := first; id < map[int64]int64{1: 4, 4: 5, 5: 9}[first]; id++ {
				e := full(id)
				if id == 4 {
					e.Output = bytes.Repeat([]byte("x"), 200_000) // in pieces
				}
				batch = append(batch, e)
			}
			if err := history.Append(tx, root, batch); err != nil {
				return err
			}
		}
		return history.Append(tx, root, nil)
	}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		from    int64
		reverse bool
		limit   int
		want    string
	}{
		{1, false, 99, "[1 2 3 4 5 6 7 8]"}, {3, false, 3, "[3 4 5]"}, {8, false, 9, "[8]"}, {9, false, 9, "[]"}, {0, false, 9, "[]"},
		{8, true, 99, "[8 7 6 5 4 3 2 1]"}, {6, true, 4, "[6 5 4 3]"}, {1, true, 9, "[1]"}, {0, true, 9, "[]"},
	} {
		got := []int64{}
		if err := s.View(t.Context(), func(_ context.Context, r store.Reader) error {
			got = got[:0]
			return history.Read(r, root, c.from, c.reverse, func(e *asl.Event) bool { got = append(got, e.ID); return len(got) < c.limit })
		}); err != nil || fmt.Sprint(got) != c.want {
			t.Errorf("%+v: %v %v", c, got, err)
		}
	}
}

// Every type of event has the details that the API gives it, and no others; without data there are no documents.
func TestShow(t *testing.T) {
	bare := map[asl.EventType]bool{asl.LambdaFunctionStarted: true, asl.MapRunAborted: true, asl.MapRunSucceeded: true, asl.MapStateAborted: true,
		asl.MapStateFailed: true, asl.MapStateSucceeded: true, asl.ParallelStateAborted: true, asl.ParallelStateFailed: true,
		asl.ParallelStateStarted: true, asl.ParallelStateSucceeded: true, asl.TaskStateAborted: true, asl.WaitStateAborted: true}
	for _, typ := range []asl.EventType{asl.ActivityScheduled, asl.ChoiceStateEntered, asl.EvaluationFailed, asl.ExecutionAborted,
		asl.ExecutionRedriven, asl.ExecutionStarted, asl.ExecutionSucceeded, asl.ExecutionTimedOut, asl.LambdaFunctionScheduled, asl.LambdaFunctionStarted,
		asl.LambdaFunctionSucceeded, asl.MapIterationStarted, asl.MapRunAborted, asl.MapRunFailed, asl.MapRunRedriven, asl.MapRunStarted, asl.MapRunSucceeded,
		asl.MapStateAborted, asl.MapStateFailed, asl.MapStateStarted, asl.MapStateSucceeded, asl.ParallelStateAborted, asl.ParallelStateFailed,
		asl.ParallelStateStarted, asl.ParallelStateSucceeded, asl.PassStateExited, asl.TaskScheduled, asl.TaskStateAborted, asl.TaskSubmitted, asl.TaskTimedOut,
		asl.WaitStateAborted} {
		e := full(2)
		e.Type = typ
		shown, hidden := history.Show(&e, true), history.Show(&e, false)
		v, details := reflect.ValueOf(shown), 0
		for i := range v.NumField() {
			if f := v.Field(i); f.Kind() == reflect.Pointer && f.Elem().Kind() == reflect.Struct && !f.IsNil() {
				details++
			}
		}
		if want := 1; bare[typ] && details != 0 || !bare[typ] && details != want {
			t.Errorf("%s has %d details", typ, details)
		}
		b, err := json.Marshal(hidden)
		if err != nil || bytes.Contains(b, []byte(`{\"`)) {
			t.Errorf("%s shows data: %s %v", typ, b, err)
		}
	}
}
