package execution_test

import (
	"context"
	"crypto/rand"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/brume-dev/brume/asl"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/service/sfn/execution"
	"github.com/brume-dev/brume/service/sfn/machine"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/memstore"
	"github.com/brume-dev/brume/store/pebblestore"
	"github.com/brume-dev/brume/timer"
)

// BenchmarkPure is an execution of five Pass and Choice states from its start to its end: 32 callers.
func BenchmarkPure(b *testing.B) {
	b.Run("memstore", func(b *testing.B) { benchmarkPure(b, memstore.New(clock.Real())) })
	b.Run("pebblestore", func(b *testing.B) {
		s, err := pebblestore.Open(pebblestore.Options{Dir: b.TempDir(), Clock: clock.Real()})
		if err != nil {
			b.Fatal(err)
		}
		defer s.Close()
		benchmarkPure(b, s)
	})
}

func benchmarkPure(b *testing.B, s store.Store) {
	e, target := benchEngine(b, s, five)
	before := s.Metrics().Commits
	var made atomic.Int64
	var callers sync.WaitGroup
	b.ReportAllocs()
	b.ResetTimer()
	for range 32 {
		callers.Go(func() {
			for i := made.Add(1); i <= int64(b.N); i = made.Add(1) {
				if _, err := e.Start(b.Context(), &execution.Begin{Target: target, Input: []byte(`{"i":1}`)}); err != nil {
					b.Error(err)
				}
			}
		})
	}
	callers.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "executions/s")
	b.ReportMetric(float64(s.Metrics().Commits-before)/float64(b.N), "commits/op")
}

func benchEngine(b *testing.B, s store.Store, definition string) (*execution.Engine, machine.Target) {
	m, err := asl.Parse([]byte(definition))
	if err != nil {
		b.Fatal(err)
	}
	spot := machine.Spot{Ref: machine.Ref{Place: machine.Place{Account: "111122223333", Region: "eu-west-1"}, Name: "m"}, ID: 1}
	rev := &machine.Revision{Spot: spot, Key: "3f2504e0-4f89-41d3-9a0c-0305e82c3301", Machine: m, Role: "arn:aws:iam::111122223333:role/r"}
	t := timer.New(timer.Config{Store: s, Clock: clock.Real()})
	e := execution.New(execution.Config{Store: s, Clock: clock.Real(), Timer: t, Rand: rand.Reader, Tasks: &tasks{},
		Revision:  func(context.Context, machine.Spot, string) (*machine.Revision, error) { return rev, nil },
		Listening: func(context.Context, string, string) bool { return false }})
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan error, 1)
	go func() { done <- t.Run(ctx) }()
	b.Cleanup(func() { cancel(); <-done })
	return e, machine.Target{Revision: rev}
}

// BenchmarkTask is a task from the start of its execution to its end: what three commits cost.
func BenchmarkTask(b *testing.B) {
	s, err := pebblestore.Open(pebblestore.Options{Dir: b.TempDir(), Clock: clock.Real()})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	e, target := benchEngine(b, s, `{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"arn:aws:states:::test:echo","End":true}}}`)
	before := s.Metrics().Commits
	var made atomic.Int64
	var callers sync.WaitGroup
	b.ReportAllocs()
	b.ResetTimer()
	for range 32 {
		callers.Go(func() {
			for i := made.Add(1); i <= int64(b.N); i = made.Add(1) {
				if _, err := e.Start(b.Context(), &execution.Begin{Target: target, Input: []byte(`{"i":1}`)}); err != nil {
					b.Error(err)
				}
			}
		})
	}
	callers.Wait()
	if err := e.Timer.Settle(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "executions/s")
	b.ReportMetric(float64(s.Metrics().Commits-before)/float64(b.N), "commits/op")
}

// BenchmarkWaiting is an execution that waits: what it takes to start it, and the memory that it holds then.
func BenchmarkWaiting(b *testing.B) {
	s, err := pebblestore.Open(pebblestore.Options{Dir: b.TempDir(), Clock: clock.Real()})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	e, target := benchEngine(b, s, `{"StartAt":"W","States":{"W":{"Type":"Wait","Seconds":86400,"End":true}}}`)
	before, commits := heap(), s.Metrics().Commits
	var made atomic.Int64
	var callers sync.WaitGroup
	b.ResetTimer()
	for range 32 {
		callers.Go(func() {
			for i := made.Add(1); i <= int64(b.N); i = made.Add(1) {
				if _, err := e.Start(b.Context(), &execution.Begin{Target: target, Input: []byte(`{"i":1}`)}); err != nil {
					b.Error(err)
				}
			}
		})
	}
	callers.Wait()
	b.StopTimer()
	b.ReportMetric(float64(heap()-before)/float64(b.N), "heap-B/op")
	b.ReportMetric(float64(s.Metrics().Commits-commits)/float64(b.N), "commits/op")
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
