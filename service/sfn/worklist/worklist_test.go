package worklist_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/service/sfn/worklist"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/storetest"
)

var at = store.Tuple(nil).Text("sfn").Text("activity").Uint(1)

func yes(context.Context, worklist.Task) (bool, error) { return true, nil }

func newLists(leaving <-chan struct{}) (*worklist.Lists, *clock.Virtual) {
	c := clock.Frozen(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	return worklist.New(storetest.Shaken(storetest.Split(c, 3), 1), c, leaving), c
}

func TestOrder(t *testing.T) {
	l, _ := newLists(nil)
	long := bytes.Repeat([]byte("x"), 200_000)
	for i, input := range [][]byte{[]byte("1"), long, []byte("3")} {
		for range 2 { // the same id is the same task
			if err := l.Put(t.Context(), at, worklist.Task{Token: fmt.Sprint("t", i), Input: input, ID: fmt.Sprint("id", i)}); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i, want := range [][]byte{[]byte("1"), long, []byte("3")} {
		got, err := l.Poll(t.Context(), at, yes)
		if err != nil || got == nil || !bytes.Equal(got.Input, want) || got.Token != fmt.Sprint("t", i) {
			t.Fatalf("%d: %v", i, err)
		}
	}
}

// A task that nobody waits for any more is passed over; one that could not be handed out stays.
func TestHand(t *testing.T) {
	l, _ := newLists(nil)
	for _, id := range []string{"a", "b"} {
		if err := l.Put(t.Context(), at, worklist.Task{Token: id, ID: id}); err != nil {
			t.Fatal(err)
		}
	}
	broken := errors.New("broken")
	if _, err := l.Poll(t.Context(), at, func(context.Context, worklist.Task) (bool, error) { return false, broken }); !errors.Is(err, broken) {
		t.Fatal(err)
	}
	got, err := l.Poll(t.Context(), at, func(_ context.Context, task worklist.Task) (bool, error) { return task.ID != "a", nil })
	if err != nil || got == nil || got.ID != "b" {
		t.Fatalf("%v %v", got, err)
	}
}

// Those who wait get what comes, each task once; those who are left get nothing when the time is up.
func TestWaiting(t *testing.T) {
	l, c := newLists(nil)
	const workers, tasks = 5, 3
	waits := make(chan struct{}, 100)
	got := make(chan *worklist.Task)
	for range workers {
		go func() {
			task, err := l.Poll(clock.OnWait(t.Context(), func() { waits <- struct{}{} }), at, yes)
			if err != nil {
				t.Error(err)
			}
			got <- task
		}()
	}
	for range workers {
		<-waits
	}
	had := map[string]bool{}
	for i := range tasks {
		if err := l.Put(t.Context(), at, worklist.Task{Token: fmt.Sprint(i), ID: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
		had[(<-got).ID] = true
	}
	if _, err := c.Advance(t.Context(), worklist.PollTime); err != nil {
		t.Fatal(err)
	}
	for range workers - tasks {
		if task := <-got; task != nil {
			t.Errorf("%v comes twice", task)
		}
	}
	if len(had) != tasks {
		t.Errorf("%v", had)
	}
}

func TestLeaving(t *testing.T) {
	leaving := make(chan struct{})
	l, _ := newLists(leaving)
	close(leaving)
	if task, err := l.Poll(t.Context(), at, yes); task != nil || err != nil {
		t.Errorf("%v %v", task, err)
	}
}
