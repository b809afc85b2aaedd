package mapping

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/event/source"
	"github.com/brume-dev/brume/store"
)

// functionLife is for how long a reader goes on with what it knows of its function: its role.
const functionLife = 5 * time.Second

// reader reads the source of one revision of a mapping.
type reader struct {
	m        *Mappings
	place    place
	revision string
	rec      *mapping
	pump     pump
	stop     context.CancelFunc
	done     chan struct{}

	mu    sync.Mutex
	fn    Function
	until time.Time
}

// pump reads a source.
type pump interface {
	Run(context.Context) error
	Settle(context.Context) error
}

// Run reads the sources of all enabled mappings until ctx ends, and returns when the batches under way have ended.
func (m *Mappings) Run(ctx context.Context) error {
	m.mu.Lock()
	m.ctx = ctx
	m.mu.Unlock()
	defer clock.Settle(m.Clock, m.Settle)()
	close(m.up)
	var watches sync.WaitGroup
	for shard := range m.Store.Shards(ctx) {
		watches.Go(func() { m.watch(ctx, shard) })
	}
	watches.Wait()
	<-ctx.Done()
	for _, r := range m.list() {
		<-r.done
	}
	return ctx.Err()
}

// watch looks at what is to be read in a shard whenever that has changed.
func (m *Mappings) watch(ctx context.Context, shard store.Shard) {
	for since := store.Version(0); ; {
		next, err := store.View(ctx, shard, func(_ context.Context, r store.Reader) (store.Version, error) { return r.Version(), nil })
		if err == nil {
			since = next
			err = m.sync(ctx)
		}
		if err == nil {
			_, err = shard.Wait(ctx, toRead(), since)
		}
		if err != nil {
			if ctx.Err() != nil || errors.Is(err, store.ErrClosed) {
				return
			}
			m.Log.Error("lambda: event source mappings", "problem", err)
			if m.Clock.Sleep(ctx, time.Second) != nil {
				return
			}
		}
	}
}

// sync starts readers of what is to be read now, and stops the others. It does not wait for those.
func (m *Mappings) sync(ctx context.Context) error {
	m.syncing.Lock()
	defer m.syncing.Unlock()
	m.mu.Lock()
	running := m.ctx
	m.mu.Unlock()
	if running == nil || running.Err() != nil {
		return nil
	}
	wanted := map[string]*reader{}
	for shard := range m.Store.Shards(ctx) {
		found, err := store.View(ctx, shard, func(_ context.Context, r store.Reader) ([]*reader, error) { return m.find(r) })
		if err != nil {
			return err
		}
		for _, r := range found {
			wanted[r.place.UUID] = r
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for uuid, r := range m.readers {
		if w := wanted[uuid]; w == nil || w.revision != r.revision {
			r.stop()
		}
	}
	for uuid, w := range wanted {
		if r := m.readers[uuid]; r == nil || r.revision != w.revision {
			if err := m.start(running, w); err != nil {
				m.Log.Error("lambda: event source mapping", "uuid", uuid, "problem", err)
			}
		}
	}
	return nil
}

// find returns what is to be read in a shard.
func (m *Mappings) find(r store.Reader) (list []*reader, err error) {
	t := toRead()
	pairs, done := r.Scan(t.Range(), store.ScanOpt{})
	for kv := range pairs {
		e := store.Decode(kv.Key, len(t))
		p := place{e.Text(), e.Text(), e.Text()}
		rec, err := at(r, p)
		if err != nil {
			return nil, err
		}
		if rec != nil {
			list = append(list, &reader{m: m, place: p, revision: string(kv.Value), rec: rec})
		}
	}
	return list, done()
}

// start begins to read. m.mu is held.
func (m *Mappings) start(running context.Context, r *reader) (err error) {
	filter, err := source.NewFilter(r.rec.Filters)
	if err != nil {
		return err
	}
	if r.rec.Stream != nil {
		r.pump, err = r.stream(filter)
	} else {
		r.pump, err = r.queue(filter)
	}
	if err != nil {
		return err
	}
	var before []*reader // those of earlier revisions, which may still be at it
	for other := range m.all {
		if other.place == r.place && r.rec.Stream != nil {
			before = append(before, other)
		}
	}
	ctx, stop := context.WithCancel(running)
	r.stop, r.done = stop, make(chan struct{})
	m.readers[r.place.UUID], m.all[r] = r, true
	go func() {
		defer close(r.done)
		for _, other := range before { // a stream has one reader at a time, else there would be no order
			<-other.done
		}
		_ = r.pump.Run(ctx) // ctx's error
		stop()
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.all, r)
		if m.readers[r.place.UUID] == r {
			delete(m.readers, r.place.UUID)
			delete(m.results, r.place.UUID)
		}
	}()
	return nil
}

// queue is the reading of a queue.
func (r *reader) queue(filter *source.Filter) (*source.Queue, error) {
	m := r.m
	c := source.QueueConfig{Caller: m.Caller, Clock: m.Clock, ARN: r.rec.Source, Identity: r.identity, Process: r.process,
		BatchSize: int(r.rec.Batch), Window: time.Duration(r.rec.Window) * time.Second, MaxBytes: maxEvent - len(`{"Records":[]}`),
		Filter: filter, Free: m.Free, Report: r.report, Log: m.Log}
	if r.rec.Most != nil {
		c.Max = int(*r.rec.Most)
	}
	if p := r.rec.Pollers; p != nil {
		c.First, c.Max = int(*p.Min)*pollerConcurrency, int(*p.Max)*pollerConcurrency
	}
	return source.NewQueue(c)
}

// stopped has what is not to be read any more stopped, and waits until every reader of a mapping has ended.
func (m *Mappings) stopped(ctx context.Context, uuid string) error {
	if err := m.sync(ctx); err != nil {
		return err
	}
	for _, r := range m.list() {
		if r.place.UUID != uuid {
			continue
		}
		select {
		case <-r.done:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (m *Mappings) list() (all []*reader) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for r := range m.all {
		all = append(all, r)
	}
	return all
}

// Settle returns once nothing is processed, nor could be now. It waits for Run to begin. It is what a virtual clock asks.
func (m *Mappings) Settle(ctx context.Context) error {
	select {
	case <-m.up:
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := m.sync(ctx); err != nil {
		return err
	}
	for _, r := range m.list() {
		if err := r.pump.Settle(ctx); err != nil {
			return err
		}
	}
	return nil
}

// identity is the function's role.
func (r *reader) identity(ctx context.Context) (aws.Identity, error) {
	fn, err := r.function(ctx)
	if err != nil {
		return aws.Identity{}, err
	}
	return r.m.role(ctx, fn)
}

func (r *reader) function(ctx context.Context) (Function, error) {
	now := r.m.Clock.Now()
	r.mu.Lock()
	fn, fresh := r.fn, now.Before(r.until)
	r.mu.Unlock()
	if fresh {
		return fn, nil
	}
	fn, err := r.m.Functions.Function(ctx, aws.Identity{Account: r.place.Account, Region: r.place.Region}, r.rec.Function)
	if err != nil {
		return fn, err
	}
	r.mu.Lock()
	r.fn, r.until = fn, now.Add(functionLife)
	r.mu.Unlock()
	return fn, nil
}

// report keeps how the last attempt went, as LastProcessingResult says it.
func (r *reader) report(err error) {
	text := "OK"
	if err != nil {
		text = fmt.Sprintf("PROBLEM: %s", aws.InfoOf(err).Message)
		var known aws.Error
		if !errors.As(err, &known) {
			text = "PROBLEM: " + err.Error()
		}
	}
	r.m.mu.Lock()
	defer r.m.mu.Unlock()
	if r.m.results[r.place.UUID] != text {
		r.m.results[r.place.UUID] = text
	}
}
