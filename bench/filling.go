package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// perBatch is how many items a BatchWriteItem has.
const perBatch = 25

// loadTable loads a table with items and says at what rate each tenth of them was written: a table that grows must not become
// slower to write to.
func loadTable(ctx context.Context, r *rig) error {
	if err := r.table(ctx); err != nil {
		return err
	}
	l := newLoad(&r.Target, r.Target.Endpoint, nil, r.Connections)
	defer l.close()
	l.until = time.Now().Add(24 * time.Hour)
	f := filling{load: l, table: r.name, batches: max(10, int64(r.Items)/perBatch), began: time.Now(), stop: make(chan struct{})}
	var running sync.WaitGroup
	errs := make([]error, r.Connections)
	for i := range r.Connections {
		running.Go(func() {
			if errs[i] = f.keep(ctx, i); errs[i] != nil {
				f.give.Do(func() { close(f.stop) })
			}
		})
	}
	running.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	f.report(r)
	var out struct{ Table struct{ ItemCount int64 } }
	if err := r.json(ctx, dynamo("DescribeTable", document{"TableName": r.name}), &out); err != nil {
		return err
	}
	if want := f.batches * perBatch; r.own != nil && out.Table.ItemCount != want {
		return fmt.Errorf("the table has %d items, not %d", out.Table.ItemCount, want)
	}
	return nil
}

// filling is a table that is being filled.
type filling struct {
	*load
	table   string
	batches int64
	began   time.Time
	taken   atomic.Int64 // batches that somebody writes, or has written
	written atomic.Int64
	tenths  [10]atomic.Int64 // when each was there, in nanoseconds since the beginning
	stop    chan struct{}
	give    sync.Once
}

// keep writes batches over one connection until there are no more.
func (f *filling) keep(ctx context.Context, conn int) error {
	for {
		n := f.taken.Add(1) - 1
		select {
		case <-f.stop:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		default:
		}
		if n >= f.batches {
			return nil
		}
		a, err := f.once(ctx, conn, f.batch(n), time.Now())
		switch {
		case err != nil:
			return err
		case !a.ok():
			return &refused{a.status, string(a.body[:min(len(a.body), 300)])}
		case !bytes.Contains(a.body, []byte(`"UnprocessedItems":{}`)):
			return fmt.Errorf("a batch was not written: %.300s", a.body)
		}
		if done := f.written.Add(1); done*10/f.batches > (done-1)*10/f.batches {
			f.tenths[done*10/f.batches-1].Store(int64(time.Since(f.began)))
		}
	}
}

// batch writes items of some 200 bytes with keys all over the table.
func (f *filling) batch(n int64) *request {
	var b strings.Builder
	note := strings.Repeat("n", 100)
	fmt.Fprintf(&b, `{"RequestItems":{%q:[`, f.table)
	for i := range int64(perBatch) {
		if i > 0 {
			b.WriteByte(',')
		}
		number := strconv.FormatInt(n*perBatch+i, 10)
		b.WriteString(`{"PutRequest":{"Item":{"pk":{"S":"customer-` + number + `"},"name":{"S":"a thing"},"total":{"N":"` + number +
			`"},"paid":{"BOOL":true},"tags":{"SS":["one","two"]},"note":{"S":"` + note + `"}}}}`)
	}
	b.WriteString(`]}}`)
	q := dynamo("BatchWriteItem", nil)
	q.body = []byte(b.String())
	return q
}

// report prints the rate of each tenth, and how far they are apart.
func (f *filling) report(r *rig) {
	var rates []float64
	last := time.Duration(0)
	for i := range f.tenths {
		at := time.Duration(f.tenths[i].Load())
		rates = append(rates, float64(f.batches*perBatch)/10/(at-last).Seconds())
		last = at
	}
	fmt.Fprintf(r.Out, "  %d items in %v, %.0f/s; by tenths", f.batches*perBatch, last.Round(100*time.Millisecond), float64(f.batches*perBatch)/last.Seconds())
	for _, rate := range rates {
		fmt.Fprintf(r.Out, " %.0f", rate)
	}
	fmt.Fprintf(r.Out, "\n  the last tenth at %.2f of the first, the slowest at %.2f of the fastest\n", rates[9]/rates[0], slices.Min(rates)/slices.Max(rates))
}
