package sfn_test

import (
	"context"
	"crypto/rand"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/brume-dev/brume/api/sfnapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/service/sfn"
	"github.com/brume-dev/brume/store/pebblestore"
	"github.com/brume-dev/brume/timer"
)

const five = `{"StartAt":"A","States":{
	"A":{"Type":"Pass","Result":{"n":1},"ResultPath":"$.a","Next":"B"},
	"B":{"Type":"Choice","Choices":[{"Variable":"$.a.n","NumericEquals":1,"Next":"C"}],"Default":"D"},
	"C":{"Type":"Pass","Next":"D"},"D":{"Type":"Pass","Next":"E"},"E":{"Type":"Succeed"}}}`

// BenchmarkStart is a request for an execution of five pure states, from 32 callers: a standard one until it has SUCCEEDED, which is
// when the answer comes, and a synchronous express one.
func BenchmarkStart(b *testing.B) {
	s, err := pebblestore.Open(pebblestore.Options{Dir: b.TempDir(), Clock: clock.Real()})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	r := &rig{t: b}
	r.Service, err = sfn.New(sfn.Config{Store: s, Clock: clock.Real(), Timer: timer.New(timer.Config{Store: s, Clock: clock.Real()}), Caller: r, Roles: r,
		Rand: rand.Reader, Listening: func(context.Context, string, string) bool { return false }, Services: func() []*aws.Service { return nil }})
	if err != nil {
		b.Fatal(err)
	}
	m, e := r.define("m", five, ""), r.define("e", five, sfnapi.StateMachineTypeExpress)
	b.Run("standard", func(b *testing.B) {
		callers(b, func() error {
			_, err := r.StartExecution(b.Context(), me, &sfnapi.StartExecutionInput{StateMachineArn: m, Input: new(`{"i":1}`)})
			return err
		})
	})
	b.Run("express", func(b *testing.B) {
		callers(b, func() error {
			_, err := r.StartSyncExecution(b.Context(), me, &sfnapi.StartSyncExecutionInput{StateMachineArn: e, Input: new(`{"i":1}`)})
			return err
		})
	})
}

func callers(b *testing.B, call func() error) {
	var made atomic.Int64
	var all sync.WaitGroup
	b.ReportAllocs()
	for range 32 {
		all.Go(func() {
			for made.Add(1) <= int64(b.N) {
				if err := call(); err != nil {
					b.Error(err)
				}
			}
		})
	}
	all.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "executions/s")
}
