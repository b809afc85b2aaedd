package clock_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/brume-dev/brume/clock"
)

var start = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

// forever calls work every d of c's time, as a loop of a service does.
func forever(ctx context.Context, c clock.Clock, d time.Duration, work func(now time.Time)) {
	next := c.Now().Add(d)
	reached, stop := c.Until(next)
	go func() {
		defer func() { stop() }()
		for {
			select {
			case <-ctx.Done():
				return
			case <-reached:
			}
			work(c.Now())
			next = next.Add(d)
			last := stop
			reached, stop = c.Until(next)
			last()
		}
	}()
}

func TestAdvanceStopsAtEveryTimeInOrder(t *testing.T) {
	for name, c := range map[string]*clock.Virtual{"frozen": clock.Frozen(start), "shifted": clock.Shifted(0)} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			began := c.Now()
			var mu sync.Mutex
			var got []int
			for _, d := range []int{7, 24} {
				forever(ctx, c, time.Duration(d)*time.Hour, func(now time.Time) {
					mu.Lock()
					defer mu.Unlock()
					got = append(got, int(now.Sub(began)/time.Hour))
				})
			}
			now, err := c.Advance(ctx, 21*24*time.Hour)
			if err != nil {
				t.Fatal(err)
			}
			if now.Sub(began).Truncate(time.Minute) != 21*24*time.Hour {
				t.Errorf("it is %v, %v after the start", now, now.Sub(began))
			}
			var want []int
			for h := 1; h <= 21*24; h++ {
				for _, d := range []int{7, 24} {
					if h%d == 0 {
						want = append(want, h)
					}
				}
			}
			mu.Lock()
			defer mu.Unlock()
			if !slices.Equal(got, want) {
				t.Errorf("woken at hours %v, want %v", got, want)
			}
		})
	}
}

// What a waiter begins, and what that begins in turn, ends before the next waiter is woken.
func TestAdvanceWaitsForWork(t *testing.T) {
	c := clock.Frozen(start)
	var mu sync.Mutex
	var log []string
	say := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		log = append(log, fmt.Sprintf(format, args...))
	}
	for i := range 5 {
		reached, stop := c.Until(start.Add(time.Duration(i+1) * time.Second))
		go func() {
			<-reached
			say("%d woken", i)
			end := c.Begin()
			stop()
			go func() {
				end2 := c.Begin()
				end()
				end() // no effect
				go func() {
					say("%d done at %v", i, c.Now().Sub(start))
					end2()
				}()
			}()
		}()
	}
	if _, err := c.Advance(t.Context(), time.Minute); err != nil {
		t.Fatal(err)
	}
	var want []string
	for i := range 5 {
		want = append(want, fmt.Sprintf("%d woken", i), fmt.Sprintf("%d done at %ds", i, i+1))
	}
	if !slices.Equal(log, want) {
		t.Errorf("%q, want %q", log, want)
	}
}

// A probe that finds work, and gives work to another that had none before, is asked again.
func TestAdvanceAsksProbesUntilNoneHasWork(t *testing.T) {
	c := clock.Frozen(start)
	boxes := [2]chan int{make(chan int, 10), make(chan int, 10)}
	var done []int
	for i, box := range boxes {
		defer c.Settle(func(ctx context.Context) error {
			for {
				select {
				case n := <-box:
					end := c.Begin()
					done = append(done, n)
					if n > 0 {
						boxes[1-i] <- n - 1
					}
					end()
				default:
					return ctx.Err()
				}
			}
		})()
	}
	boxes[0] <- 5
	if _, err := c.Advance(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if want := []int{5, 4, 3, 2, 1, 0}; !slices.Equal(done, want) {
		t.Errorf("did %v, want %v", done, want)
	}
}

func TestAdvanceEndsWithItsContext(t *testing.T) {
	c := clock.Frozen(start)
	end := c.Begin()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if now, err := c.Advance(ctx, time.Hour); !errors.Is(err, context.Canceled) || !now.Equal(start) {
		t.Errorf("%v %v: want the start and the context's error", now, err)
	}
	end()
	if now, err := c.Advance(t.Context(), time.Hour); err != nil || !now.Equal(start.Add(time.Hour)) {
		t.Errorf("%v %v: want an hour later", now, err)
	}
	if _, err := c.Advance(t.Context(), -1); err == nil {
		t.Error("time went back")
	}
	if c.Offset() != time.Hour {
		t.Errorf("offset %v", c.Offset())
	}
}

func TestStoppedWaitersAreForgotten(t *testing.T) {
	c := clock.Frozen(start)
	_, stop := c.Until(start.Add(time.Second))
	reached, stop2 := c.Until(start.Add(2 * time.Second))
	stop()
	stop()
	go func() {
		<-reached
		if now := c.Now(); !now.Equal(start.Add(2 * time.Second)) {
			t.Errorf("woken at %v", now)
		}
		stop2()
		stop2()
	}()
	if _, err := c.Advance(t.Context(), time.Minute); err != nil {
		t.Fatal(err)
	}
	if past, _ := c.Until(start); !closed(past) {
		t.Error("a time that has been is not reached")
	}
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// Clocks that run reach a time when the machine does, also when it is further off than they trust the machine's timers.
func TestRunningClocks(t *testing.T) {
	for name, make := range map[string]func() clock.Clock{
		"real":    clock.Real,
		"shifted": func() clock.Clock { return clock.Shifted(1000 * time.Hour) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := make()
				began, machine := c.Now(), time.Now()
				if name == "shifted" && began.Sub(machine) != 1000*time.Hour {
					t.Errorf("%v is not 1000 h ahead of %v", began, machine)
				}
				for _, d := range []time.Duration{time.Nanosecond, time.Second, 500 * time.Hour} {
					early, stop := c.Until(c.Now().Add(d + 1))
					if err := c.Sleep(t.Context(), d); err != nil {
						t.Fatal(err)
					}
					if closed(early) {
						t.Errorf("%v: woken early", d)
					}
					stop()
				}
				if d := time.Since(machine); d != 500*time.Hour+time.Second+time.Nanosecond {
					t.Errorf("slept for %v", d)
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				if err := c.Sleep(ctx, 2*time.Hour); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("%v: want the context's error", err)
				}
				clock.Begin(c)()
				clock.Settle(c, func(context.Context) error { return nil })()
			})
		})
	}
}
