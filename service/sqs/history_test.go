package sqs_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/brume-dev/brume/api/sqsapi"
	"github.com/brume-dev/brume/aws"
)

// history is what clients of a FIFO queue have seen. Messages are called group/number.
type history struct {
	mu      sync.Mutex
	t       *testing.T
	begun   map[string]bool // a delete was begun
	deleted map[string]bool // and acknowledged
}

// snapshot is what was deleted before a receive began.
func (h *history) snapshot() map[string]bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := make(map[string]bool, len(h.deleted))
	for k := range h.deleted {
		out[k] = true
	}
	return out
}

// received checks a batch: nothing that was deleted before, and nothing whose predecessors are not deleted,
// unless they come before it in the batch.
func (h *history) received(before map[string]bool, ms []sqsapi.Message) {
	h.mu.Lock()
	defer h.mu.Unlock()
	here := map[string]bool{}
	for _, m := range ms {
		name := *m.Body
		if before[name] {
			h.t.Errorf("%s was received after its delete", name)
		}
		if here[name] {
			h.t.Errorf("%s is twice in one batch", name)
		}
		group, number, n := "", "", 0
		group, number, _ = strings.Cut(name, "/")
		fmt.Sscan(number, &n)
		for i := 0; i < n; i++ {
			if p := fmt.Sprint(group, "/", i); !h.begun[p] && !here[p] {
				h.t.Errorf("%s was received before %s", name, p)
			}
		}
		here[name] = true
	}
}

func (h *history) note(set map[string]bool, name string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	set[name] = true
}

// consume receives and deletes until everything is deleted; now and then it is too slow, or gives messages back.
func (h *history) consume(r *rig, url string, rnd *rand.Rand, total int) {
	for {
		before := h.snapshot()
		if len(before) == total || h.t.Failed() {
			return
		}
		ms := r.receive(url, int32(1+rnd.IntN(10)), hidden(int32(rnd.IntN(3))))
		h.received(before, ms)
		for _, m := range ms {
			if rnd.IntN(12) == 0 { // it and what follows goes back, soon or late
				if err := r.hide(url, m, int32(rnd.IntN(2))); err != nil && aws.CodeOf(err) == "InternalFailure" {
					h.t.Error(err)
				}
				break
			}
			h.note(h.begun, *m.Body)
			_, err := r.DeleteMessage(h.t.Context(), me, &sqsapi.DeleteMessageRequest{QueueUrl: url, ReceiptHandle: *m.ReceiptHandle})
			if err != nil { // too slow: the group is another's
				if !strings.Contains(err.Error(), "expired") {
					h.t.Error(err)
				}
				break
			}
			h.note(h.deleted, *m.Body)
		}
	}
}

// TestHistoryFIFO runs senders, some of them twice, against receivers, while time goes on.
func TestHistoryFIFO(t *testing.T) {
	const groups, each, receivers = 4, 25, 4
	r := newRig(t)
	url := r.fifo("q")
	h := &history{t: t, begun: map[string]bool{}, deleted: map[string]bool{}}
	var clients sync.WaitGroup
	for g := range groups {
		for range 2 { // the second is a client that tries again: its messages are duplicates
			clients.Go(func() {
				for i := range each {
					name := fmt.Sprint("g", g, "/", i)
					r.sendTo(url, fmt.Sprint("g", g), name, name)
				}
			})
		}
	}
	for i := range receivers {
		clients.Go(func() { h.consume(r, url, rand.New(rand.NewPCG(uint64(i), 1)), groups*each) })
	}
	done := make(chan struct{})
	go func() { clients.Wait(); close(done) }()
	for {
		select {
		case <-done:
			r.counts(url, 0, 0, 0)
			return
		default:
			r.advance(100 * time.Millisecond)
		}
	}
}
