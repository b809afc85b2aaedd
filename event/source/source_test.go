package source_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/brume-dev/brume/api/sqsapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/event/source"
	"github.com/brume-dev/brume/event/source/sourcetest"
)

var noon = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// rig reads a queue of sourcetest on a clock that stands still.
type rig struct {
	t      *testing.T
	clock  *clock.Virtual
	queues *sourcetest.Queues
	name   string
	handle func(bodies []string, batch []source.Record) ([]string, error)

	mu      sync.Mutex
	batches []string
	now     int
	most    int
	problem error
}

// Call makes the rig an aws.Caller of the queues.
func (r *rig) Call(ctx context.Context, id aws.Identity, op aws.Op, in any) (any, error) {
	return sqsapi.Service.Lookup(op.Name).Call(ctx, r.queues, id, in)
}

func (r *rig) Document(context.Context, aws.Identity, aws.Op, []byte) ([]byte, error) {
	return nil, errors.New("unused")
}

// start reads the queue called name; change may change how.
func start(t *testing.T, name string, change func(*source.QueueConfig), handle func([]string, []source.Record) ([]string, error)) *rig {
	c := clock.Frozen(noon)
	r := &rig{t: t, clock: c, queues: sourcetest.New(c), name: name, handle: handle}
	cfg := source.QueueConfig{Caller: r, Clock: c, ARN: "arn:aws:sqs:eu-west-1:000000000000:" + name, BatchSize: 10, MaxBytes: 6 << 20,
		Identity: func(context.Context) (aws.Identity, error) {
			return aws.Identity{Account: "000000000000", Region: "eu-west-1"}, nil
		},
		Process: r.process, Report: r.report}
	if change != nil {
		change(&cfg)
	}
	q, err := source.NewQueue(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	remove := c.Settle(q.Settle)
	go func() { defer close(done); _ = q.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done; remove() })
	r.advance(0)
	return r
}

func (r *rig) advance(d time.Duration) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if _, err := r.clock.Advance(ctx, d); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) report(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.problem = err
}

func (r *rig) process(_ context.Context, batch []source.Record) ([]string, error) {
	var bodies []string
	for _, rec := range batch {
		var v struct{ Body string }
		if err := json.Unmarshal(rec.JSON, &v); err != nil {
			r.t.Error(err)
		}
		bodies = append(bodies, v.Body)
	}
	r.mu.Lock()
	r.now++
	r.most = max(r.most, r.now)
	r.batches = append(r.batches, strings.Join(bodies, " "))
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		r.now--
		r.mu.Unlock()
	}()
	if r.handle == nil {
		return nil, nil
	}
	return r.handle(bodies, batch)
}

func (r *rig) got() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.batches)
}

func (r *rig) send(bodies ...string) {
	for _, b := range bodies {
		r.queues.Send(r.name, "", b)
	}
}

func numbers(n int) (list []string) {
	for i := range n {
		list = append(list, strconv.Itoa(i))
	}
	return list
}

// What comes is processed at once and then deleted; nothing is asked in between.
func TestQueue(t *testing.T) {
	r := start(t, "q", nil, nil)
	r.send("a")
	r.advance(0)
	r.send("b")
	r.advance(0)
	if got := fmt.Sprint(r.got()); got != "[a b]" {
		t.Errorf("batches %s", got)
	}
	if left := r.queues.Left("q"); len(left) > 0 {
		t.Errorf("left %v", left)
	}
	before := r.queues.Calls("ReceiveMessage")
	r.advance(time.Hour)
	// Every 20 seconds a long poll, and, for the virtual clock, a look around each.
	if n := r.queues.Calls("ReceiveMessage") - before; n > 180*5 {
		t.Errorf("%d receives in an idle hour", n)
	}
}

// A backlog is read in full batches, by no more batches at a time than are allowed.
func TestConcurrency(t *testing.T) {
	for _, c := range []struct{ first, max, want int }{{0, 0, 5}, {0, 2, 2}, {0, 1, 1}, {20, 40, 20}} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			var mu sync.Mutex
			inside, arrived := 0, make(chan struct{}, 1000)
			gate := make(chan struct{})
			r := start(t, "q", func(q *source.QueueConfig) { q.First, q.Max = c.first, c.max }, func([]string, []source.Record) ([]string, error) {
				mu.Lock()
				inside++
				mu.Unlock()
				arrived <- struct{}{}
				<-gate
				return nil, nil
			})
			r.send(numbers(1000)...)
			for range c.want {
				<-arrived
			}
			close(gate) // the limit grows with the time, which stands still
			r.advance(0)
			if len(r.queues.Left("q")) > 0 || r.most > c.want {
				t.Errorf("%d left, %d batches at a time", len(r.queues.Left("q")), r.most)
			}
			if n := len(r.got()); n > 120 {
				t.Errorf("%d batches for 1000 messages", n)
			}
		})
	}
}

// A batch that fails comes back when its messages are visible again; of one that fails in part, what has failed.
func TestFailures(t *testing.T) {
	var answers []func(batch []source.Record) ([]string, error)
	r := start(t, "q", nil, func(_ []string, batch []source.Record) ([]string, error) {
		answer := answers[0]
		answers = answers[1:]
		return answer(batch)
	})
	answers = append(answers,
		func([]source.Record) ([]string, error) { return nil, errors.New("broken") },
		func(b []source.Record) ([]string, error) { return []string{b[0].ID}, nil },
		func([]source.Record) ([]string, error) { return nil, nil })
	r.send("a")
	r.advance(0)
	if r.problem == nil {
		t.Error("no problem is reported")
	}
	r.advance(29 * time.Second)
	if got := fmt.Sprint(r.got()); got != "[a]" {
		t.Errorf("before it is visible again: %s", got)
	}
	r.advance(time.Second)
	r.advance(30 * time.Second)
	if got := fmt.Sprint(r.got()); got != "[a a a]" || len(r.queues.Left("q")) > 0 || r.problem != nil {
		t.Errorf("%s, left %v, %v", got, r.queues.Left("q"), r.problem)
	}
}

// A batch for which there is no room is tried again until its messages are visible again.
func TestNoRoom(t *testing.T) {
	room := 0
	var at []time.Duration
	var r *rig
	ready := make(chan struct{})
	r = start(t, "q", nil, func([]string, []source.Record) ([]string, error) {
		<-ready
		at = append(at, r.clock.Now().Sub(noon))
		if room--; room < 0 {
			return nil, nil
		}
		return nil, fmt.Errorf("%w: busy", source.ErrNoRoom)
	})
	close(ready)
	room = 3
	r.send("a")
	r.advance(time.Minute)
	if got := fmt.Sprint(at); got != "[0s 200ms 600ms 1.4s]" || len(r.queues.Left("q")) != 0 {
		t.Errorf("tried at %s", got)
	}
	at, room = nil, 1000
	r.send("b")
	r.advance(29 * time.Second)
	if n := len(at); n < 5 || n > 8 || len(r.queues.Left("q")) != 1 {
		t.Errorf("tried at %v", at)
	}
	last := at[len(at)-1]
	room = 0
	r.advance(2 * time.Second)
	if at[len(at)-1] == last || len(r.queues.Left("q")) != 0 {
		t.Errorf("tried at %v", at)
	}
}

// Messages are gathered while the window is open, up to the size of a batch.
func TestWindow(t *testing.T) {
	r := start(t, "q", func(q *source.QueueConfig) { q.BatchSize, q.Window = 25, 10*time.Second }, nil)
	r.send("a")
	r.advance(5 * time.Second)
	r.send("b")
	r.advance(4 * time.Second)
	if n := len(r.got()); n != 0 {
		t.Fatalf("batches before the window is over: %v", r.got())
	}
	r.advance(time.Second)
	if got := fmt.Sprint(r.got()); got != "[a b]" {
		t.Errorf("batches %s", got)
	}
	r.send(numbers(60)...)
	r.advance(0)
	got := r.got()[1:]
	if len(got) != 2 || len(strings.Fields(got[0])) != 25 || len(strings.Fields(got[1])) != 25 {
		t.Errorf("full batches %v", got)
	}
	r.advance(10 * time.Second)
	if got := r.got(); len(got) != 4 || len(strings.Fields(got[3])) != 10 || len(r.queues.Left("q")) != 0 {
		t.Errorf("the rest %v", got)
	}
}

// A batch has no more bytes than an event may have.
func TestLargeMessages(t *testing.T) {
	r := start(t, "q", func(q *source.QueueConfig) { q.MaxBytes = 10_000 }, nil)
	r.queues.Send("q", "", strings.Repeat("x", 4000))
	for range 9 {
		r.send(strings.Repeat("x", 4000))
	}
	r.advance(0)
	for _, b := range r.got() {
		if n := len(strings.Fields(b)); n > 2 {
			t.Errorf("%d messages of 4000 bytes in a batch", n)
		}
	}
	if len(r.queues.Left("q")) != 0 {
		t.Error("messages are left")
	}
}

// In a FIFO queue the order of a group is kept, also when a part of a batch fails.
func TestFIFO(t *testing.T) {
	var mu sync.Mutex
	seen := map[string][]int{}
	failed := map[string]bool{}
	r := start(t, "q.fifo", func(q *source.QueueConfig) { q.MaxBytes = 1500 }, func(bodies []string, batch []source.Record) ([]string, error) {
		mu.Lock()
		defer mu.Unlock()
		for i, b := range bodies {
			group, n, _ := strings.Cut(b, "-")
			k, _ := strconv.Atoi(n)
			if k == 3 && !failed[group] {
				failed[group] = true
				var ids []string
				for j := i; j < len(batch); j++ {
					ids = append(ids, batch[j].ID)
				}
				return ids, nil
			}
			seen[group] = append(seen[group], k)
		}
		return nil, nil
	})
	for n := range 20 {
		for _, g := range []string{"a", "b", "c"} {
			r.queues.Send("q.fifo", g, fmt.Sprintf("%s-%d", g, n))
		}
	}
	r.advance(10 * time.Minute)
	if left := r.queues.Left("q.fifo"); len(left) > 0 {
		t.Fatalf("left %v", left)
	}
	for g, list := range seen {
		if !slices.IsSorted(list) || len(slices.Compact(list)) != 20 {
			t.Errorf("group %s: %v", g, list)
		}
	}
}

// What the filter does not want is deleted without being processed.
func TestFilter(t *testing.T) {
	for _, c := range []struct {
		name, pattern string
		send          []string
		want          string
	}{
		{"JSON", `{"body": {"kind": ["a"]}}`, []string{`{"kind":"a"}`, `{"kind":"b"}`, `plain`}, `[{"kind":"a"}]`},
		{"text", `{"body": ["plain", {"prefix": "x"}]}`, []string{`plain`, `xyz`, `{"kind":"a"}`, `other`}, `[plain xyz]`},
		{"attribute", `{"attributes": {"SenderId": ["AIDA"]}}`, []string{`a`}, `[a]`},
		{"none", `{"attributes": {"SenderId": ["other"]}}`, []string{`a`}, `[]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			filter, err := source.NewFilter([]string{`{"messageId": ["never"]}`, c.pattern})
			if err != nil {
				t.Fatal(err)
			}
			r := start(t, "q", func(q *source.QueueConfig) { q.Filter = filter }, nil)
			r.send(c.send...)
			r.advance(0)
			if got := fmt.Sprint(r.got()); strings.Trim(got, "[]") != strings.Trim(c.want, "[]") || len(r.queues.Left("q")) != 0 {
				t.Errorf("processed %s, left %v", got, r.queues.Left("q"))
			}
		})
	}
	if _, err := source.NewFilter([]string{`{"body": "no array"}`}); err == nil {
		t.Error("a pattern that is none is taken")
	}
}

// A queue that cannot be read is asked ever more seldom, and read again when it can.
func TestUnreadable(t *testing.T) {
	var mu sync.Mutex
	broken := true
	r := start(t, "q", nil, nil)
	r.queues.Fail = func(op string) error {
		mu.Lock()
		defer mu.Unlock()
		if broken && op == "ReceiveMessage" {
			return aws.Errorf("QueueDoesNotExist", 400, "The specified queue does not exist.")
		}
		return nil
	}
	before := r.queues.Calls("ReceiveMessage")
	r.advance(10 * time.Minute)
	if n := r.queues.Calls("ReceiveMessage") - before; n > 20 || n < 5 {
		t.Errorf("%d receives in ten minutes", n)
	}
	if r.problem == nil {
		t.Error("no problem is reported")
	}
	mu.Lock()
	broken = false
	mu.Unlock()
	r.send("a")
	r.advance(time.Minute)
	if got := fmt.Sprint(r.got()); got != "[a]" || r.problem != nil {
		t.Errorf("then %s, %v", got, r.problem)
	}
}

// The record is the one that AWS documents.
func TestRecord(t *testing.T) {
	var record []byte
	r := start(t, "q", nil, func(_ []string, batch []source.Record) ([]string, error) {
		record = batch[0].JSON
		return nil, nil
	})
	text := "v\"1"
	_, err := r.queues.SendMessage(t.Context(), aws.Identity{Request: aws.Request{Trace: "Root=1"}}, &sqsapi.SendMessageRequest{QueueUrl: "https://x/q",
		MessageBody: "line\n\"two\"", MessageAttributes: map[string]sqsapi.MessageAttributeValue{"b": {DataType: "Binary", BinaryValue: []byte{1}},
			"a": {DataType: "String", StringValue: &text}}})
	if err != nil {
		t.Fatal(err)
	}
	r.advance(0)
	const golden = "testdata/record.json"
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if string(record) != strings.TrimSpace(string(want)) {
		t.Errorf("record\n%s", record)
	}
}
