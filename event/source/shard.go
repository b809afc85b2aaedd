package source

import (
	"context"
	"sync"
	"time"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/clock"
)

// shard is the reading of one shard of a stream. Its fields are guarded by the mutex of the stream, but for those that
// only its reader looks at.
type shard struct {
	s     *Stream
	id    string
	first Position // from which it goes on
	lanes []*lane

	since   time.Time // records before it are passed over: the reader's own
	read    string    // the sequence number of the last record that was dealt out
	pending int       // records that were dealt out and are not done
	bytes   int       // of them
	ended   bool      // nothing more comes
	running int       // lanes
	end     func()    // of the work that the clock waits for when all lanes are done: the next shards are to be read

	answered  uint64 // the last question of Settle since which the reader has looked
	interrupt func() // has the reader look again
	deaf      bool   // it waits after an error
	full      bool   // it waits until less is pending
	over      bool   // it has ended
	room      chan struct{}

	saving sync.Mutex // one position at a time
}

func newShard(s *Stream, id string, p Position) *shard {
	h := &shard{s: s, id: id, first: p, room: make(chan struct{}, 1)}
	for _, done := range p.lanes(s.Lanes) {
		h.lanes = append(h.lanes, &lane{h: h, done: done, opened: p.Opened, state: p.State, end: clock.Begin(s.Clock), wake: make(chan struct{}, 1)})
	}
	return h
}

// run processes the shard until its end, or that of ctx.
func (h *shard) run(ctx context.Context) {
	var work sync.WaitGroup
	h.running = len(h.lanes)
	for _, l := range h.lanes {
		work.Go(func() { l.run(ctx) })
	}
	h.pull(ctx)
	work.Wait()
	h.s.mu.Lock()
	h.over = true
	done, end := h.done(), h.end
	h.s.note()
	h.s.mu.Unlock()
	if end == nil {
		return
	}
	if done && h.save(ctx, nil) {
		select {
		case h.s.ends <- end:
			return
		case <-ctx.Done():
		}
	}
	end()
}

// pull reads until the shard or ctx ends.
func (h *shard) pull(ctx context.Context) {
	pause, iterator := shortestPause, ""
	for h.awaitRoom(ctx) {
		records, next, err := h.await(ctx, iterator)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			iterator = ""
			if aws.CodeOf(err) == "ExpiredIteratorException" && h.first.Iterator != "" {
				h.expire()
				continue
			}
			h.s.Report(err)
			h.s.Log.Debug("source: shard not read", "stream", h.s.ARN, "shard", h.id, "problem", err)
			h.s.rest(ctx, &h.deaf, pause)
			pause = min(2*pause, longestPause)
			continue
		}
		pause = shortestPause
		h.deal(ctx, records, next == "")
		if iterator = next; next == "" {
			return
		}
	}
}

// expire has the reading begin by the time of the records: the first iterator is too old.
func (h *shard) expire() {
	h.s.mu.Lock()
	defer h.s.mu.Unlock()
	h.since, h.first.Iterator = h.first.Since, ""
}

// awaitRoom waits until the next records may be read: each lane can then have a full batch. false: ctx has ended.
func (h *shard) awaitRoom(ctx context.Context) bool {
	for ctx.Err() == nil {
		h.s.mu.Lock()
		h.full = h.pending >= max(readMax, h.s.Lanes*h.s.BatchSize) || h.bytes >= h.s.Lanes*h.s.MaxBytes
		full := h.full
		h.s.note()
		h.s.mu.Unlock()
		if !full {
			return true
		}
		select {
		case <-h.room:
		case <-ctx.Done():
		}
	}
	return false
}

// await reads what there is, and waits for something if there is nothing. When the clock asks whether there is work it
// looks again.
func (h *shard) await(ctx context.Context, iterator string) (records []Record, next string, err error) {
	for ctx.Err() == nil {
		id, err := h.s.Identity(ctx)
		if err != nil {
			return nil, "", err
		}
		if iterator == "" {
			if iterator, err = h.iterator(ctx, id); err != nil {
				return nil, "", err
			}
		}
		polling, cancel := context.WithCancel(ctx)
		h.s.mu.Lock()
		asked := h.s.asked
		h.interrupt = cancel
		h.s.mu.Unlock()
		waiting := clock.OnWait(Patient(polling, patience), func() {
			h.s.mu.Lock()
			defer h.s.mu.Unlock()
			h.answered = asked
			h.s.note()
		})
		records, next, err = h.s.feed.read(waiting, id, iterator)
		interrupted := polling.Err() != nil
		cancel()
		if len(records) > 0 || !interrupted {
			return records, next, err
		}
		if err == nil {
			iterator = next // a place that is asked for again and again becomes too old
		}
	}
	return nil, "", ctx.Err()
}

// iterator finds the place to read from.
func (h *shard) iterator(ctx context.Context, id aws.Identity) (string, error) {
	h.s.mu.Lock()
	after := h.read
	if after == "" {
		after = h.first.after()
	}
	begin := h.first.Iterator
	h.s.mu.Unlock()
	switch {
	case after == "" && begin != "":
		return begin, nil
	case after == "":
		return h.s.feed.oldest(ctx, id, h.id)
	}
	it, err := h.s.feed.after(ctx, id, h.id, after)
	if aws.CodeOf(err) == "TrimmedDataAccessException" { // what was not read in time is lost
		h.s.Report(err)
		return h.s.feed.oldest(ctx, id, h.id)
	}
	return it, err
}

// deal gives records to the lanes.
func (h *shard) deal(ctx context.Context, records []Record, ended bool) {
	now, passed := h.s.Clock.Now(), false
	wanted := make([]bool, len(records))
	for i := range records {
		wanted[i] = !records[i].At.Before(h.since.Truncate(time.Second)) && (h.s.Filter == nil || h.s.Filter.wants(&records[i]))
	}
	h.s.mu.Lock()
	for i := range records {
		r := &records[i]
		h.read = r.ID
		l := h.lanes[r.key%uint64(len(h.lanes))]
		if !wanted[i] || compareSequence(r.ID, l.done) <= 0 {
			passed = true
			continue
		}
		r.got = now
		h.pending++
		h.bytes += len(r.JSON)
		l.add(*r)
	}
	h.ended = h.ended || ended
	for _, l := range h.lanes {
		if h.ended {
			l.begin() // until the last has passed that on: see end
		}
		if len(l.queue) > 0 || h.ended {
			l.awake()
		}
	}
	idle := passed && h.pending == 0 && !h.ended
	h.s.mu.Unlock()
	if idle {
		h.save(ctx, nil)
	}
}

// done reports whether there is nothing more to do in the shard. The mutex of the stream is held.
func (h *shard) done() bool { return h.over && h.ended && h.pending == 0 && h.lanes[0].opened.IsZero() }

// position is how far the shard is. The mutex of the stream is held.
func (h *shard) position() Position {
	p := Position{Lanes: make([]string, len(h.lanes)), Ended: h.done(), Opened: h.lanes[0].opened, State: h.lanes[0].state}
	for i, l := range h.lanes {
		if p.Lanes[i] = l.done; l.open == 0 && compareSequence(h.read, l.done) > 0 {
			p.Lanes[i] = h.read
		}
		if p.Lanes[i] == "" {
			p.Iterator, p.Since = h.first.Iterator, h.first.Since
		}
	}
	return p
}

// save keeps how far the shard is, with the batch that is given up. false: it could not before the end of ctx.
func (h *shard) save(ctx context.Context, lost *Lost) bool {
	h.saving.Lock()
	defer h.saving.Unlock()
	for wait := shortestRetry; ; wait = min(2*wait, longestRetry) {
		h.s.mu.Lock()
		p := h.position()
		h.s.mu.Unlock()
		err := h.s.Positions.Save(context.WithoutCancel(ctx), h.id, p, lost)
		if err == nil {
			h.s.mu.Lock()
			h.s.positions[h.id] = p
			h.s.mu.Unlock()
			return true
		}
		h.s.Log.Error("source: position not saved", "stream", h.s.ARN, "shard", h.id, "problem", err)
		if h.s.Clock.Sleep(ctx, wait) != nil {
			return false
		}
	}
}
