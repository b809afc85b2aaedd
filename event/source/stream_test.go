package source_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/brume-dev/brume/api/dynamodbstreamsapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/event/source"
	"github.com/brume-dev/brume/item"
	"github.com/brume-dev/brume/service/dynamodb/stream"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/memstore"
	"github.com/brume-dev/brume/timer"
)

var tab = stream.Name{Account: "000000000000", Region: "eu-west-1", Table: "tab", Label: "2026-11-01T12:00:00.000"}

// river is a stream of DynamoDB, read on a clock that stands still.
type river struct {
	t       *testing.T
	clock   *clock.Virtual
	store   *memstore.Store
	service *stream.Service
	config  source.StreamConfig
	stop    func()

	mu       sync.Mutex
	handle   func(b *source.Batch) (source.Result, error)
	batches  []string // those that were tried
	now      map[string]int
	problem  error
	position map[string]source.Position
	lost     []string
	saves    int
}

func newRiver(t *testing.T, change func(*source.StreamConfig)) *river {
	c := clock.Frozen(noon)
	w := &river{t: t, clock: c, store: memstore.New(c), stop: func() {}, now: map[string]int{}, position: map[string]source.Position{}}
	var err error
	if w.service, err = stream.New(stream.Config{Store: w.store, Clock: c, Timer: timer.New(timer.Config{Store: w.store, Clock: c})}); err != nil {
		t.Fatal(err)
	}
	w.update(func(tx store.Tx) error {
		return stream.Begin(tx, tab, stream.Record{Table: 7, Number: 1, View: "NEW_AND_OLD_IMAGES", Hash: "pk", Sort: "sk", Created: noon})
	})
	w.config = source.StreamConfig{Caller: w, Clock: c, ARN: tab.ARN(), BatchSize: 100, MaxBytes: 6 << 20, Retries: -1, Positions: w,
		Identity: func(context.Context) (aws.Identity, error) {
			return aws.Identity{Account: tab.Account, Region: tab.Region}, nil
		},
		Process: w.process, Report: func(err error) { w.mu.Lock(); w.problem = err; w.mu.Unlock() }}
	if change != nil {
		change(&w.config)
	}
	return w
}

func (w *river) update(f func(store.Tx) error) {
	w.t.Helper()
	_, err := w.store.Shard(stream.Shard(tab.Account, tab.Region)).Update(context.Background(), func(_ context.Context, tx store.Tx) error { return f(tx) })
	if err != nil {
		w.t.Fatal(err)
	}
}

// write commits one change for each text, which is "key:value".
func (w *river) write(changes ...string) {
	w.t.Helper()
	for _, text := range changes {
		pk, sk, _ := strings.Cut(text, ":")
		keys := item.NewMap(item.F("pk", item.String(pk)), item.F("sk", item.String(sk)))
		w.update(func(tx store.Tx) error {
			stream.LogOf(7, 1).Append(tx, "NEW_AND_OLD_IMAGES", stream.Change{Keys: keys, New: keys})
			return nil
		})
	}
}

// start reads until the test or stop ends it.
func (w *river) start() {
	w.t.Helper()
	s, err := source.NewStream(w.config)
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	remove := w.clock.Settle(s.Settle)
	go func() { defer close(done); _ = s.Run(ctx) }()
	w.stop = sync.OnceFunc(func() { cancel(); <-done; remove() })
	w.t.Cleanup(w.stop)
	w.advance(0)
}

func (w *river) advance(d time.Duration) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if _, err := w.clock.Advance(ctx, d); err != nil {
		w.t.Fatal(err)
	}
}

// Call makes the river an aws.Caller of the stream.
func (w *river) Call(ctx context.Context, id aws.Identity, op aws.Op, in any) (any, error) {
	return dynamodbstreamsapi.Service.Lookup(op.Name).Call(ctx, w.service, id, in)
}

func (*river) Document(context.Context, aws.Identity, aws.Op, []byte) ([]byte, error) {
	return nil, errors.New("unused")
}

// names is what was written, of the records of a batch.
func names(b *source.Batch) (list []string) {
	for _, r := range b.Records {
		var v struct {
			Dynamodb struct{ Keys map[string]map[string]string }
		}
		if err := json.Unmarshal(r.JSON, &v); err != nil {
			panic(err)
		}
		list = append(list, v.Dynamodb.Keys["pk"]["S"]+":"+v.Dynamodb.Keys["sk"]["S"])
	}
	return list
}

func (w *river) process(_ context.Context, b *source.Batch) (source.Result, error) {
	text := strings.Join(names(b), " ")
	if t := b.Window; t != nil {
		text = fmt.Sprintf("%s[%s %s %s%s]", text, t.Start.Format("04:05"), t.State, map[bool]string{true: "final"}[t.Final], map[bool]string{true: " early"}[t.Early])
	}
	w.mu.Lock()
	w.batches = append(w.batches, text)
	handle := w.handle
	w.mu.Unlock()
	if handle == nil {
		return source.Result{}, nil
	}
	return handle(b)
}

func (w *river) got() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	got := strings.Join(w.batches, ", ")
	w.batches = nil
	return got
}

// Load, Save and Forget make the river its own source.Positions.
func (w *river) Load(context.Context) (map[string]source.Position, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.position), nil
}

func (w *river) Save(_ context.Context, shard string, p source.Position, lost *source.Lost) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.position[shard] = p
	w.saves++
	if lost != nil {
		w.lost = append(w.lost, fmt.Sprintf("%s after %d of %s", lost.Condition, lost.Attempts, strings.Join(names(lost.Batch), " ")))
	}
	return nil
}

func (w *river) Forget(_ context.Context, shard string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.position, shard)
	return nil
}

func (w *river) check(want string) {
	w.t.Helper()
	if got := w.got(); got != want {
		w.t.Errorf("batches %q, want %q", got, want)
	}
}

func TestStreamGoesOn(t *testing.T) {
	w := newRiver(t, nil)
	w.write("a:1", "b:2")
	w.start()
	w.check("a:1 b:2")
	w.write("a:3")
	w.advance(0)
	w.check("a:3")
	w.stop()
	w.write("a:4")
	w.start()
	w.check("a:4")

	// The next shards follow, whenever they begin, and those that are gone are forgotten.
	w.advance(4 * time.Hour)
	w.write("a:5")
	w.advance(0)
	w.check("a:5")
	if len(w.position) != 2 {
		t.Errorf("positions of %d shards", len(w.position))
	}
	w.advance(30 * time.Hour)
	w.write("a:6")
	w.advance(time.Minute)
	w.check("a:6")
	if n := len(w.position); n > 9 {
		t.Errorf("positions of %d shards", n)
	}
	w.write("a:7")
	w.update(func(tx store.Tx) error { return stream.End(tx, tab) })
	w.advance(0)
	w.check("a:7")
	if w.advance(time.Hour); w.problem != nil {
		t.Error(w.problem)
	}
}

// A reader that begins with what comes now has all of that, also when the place that was noted is too old to go on from.
func TestStreamLatest(t *testing.T) {
	for _, wait := range []time.Duration{0, 20 * time.Minute, 5 * time.Hour} {
		w := newRiver(t, nil)
		w.write("a:1", "b:2")
		w.advance(time.Second)
		s, err := source.NewStream(w.config)
		if err != nil {
			t.Fatal(err)
		}
		if w.position, err = s.Latest(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.write("a:3")
		w.advance(wait)
		w.write("a:4")
		w.start()
		if got := w.got(); got != "a:3 a:4" && got != "a:3, a:4" {
			t.Errorf("after %s: %q", wait, got)
		}
	}
}

// Batches are filled for as long as their window is open.
func TestStreamWindow(t *testing.T) {
	w := newRiver(t, func(c *source.StreamConfig) { c.BatchSize, c.Window = 3, 10*time.Second })
	w.start()
	w.write("a:1")
	w.advance(9 * time.Second)
	w.check("")
	w.write("a:2")
	w.advance(time.Second)
	w.check("a:1 a:2")
	w.write("a:3", "a:4", "a:5", "a:6")
	w.advance(0)
	w.check("a:3 a:4 a:5")
	w.advance(10 * time.Second)
	w.check("a:6")
}

// With lanes, keys do not wait for each other; what is behind a failure does. Nothing is skipped after a restart.
func TestStreamLanes(t *testing.T) {
	w := newRiver(t, func(c *source.StreamConfig) { c.Lanes, c.BatchSize = 4, 1 })
	var all []string
	for n := range 3 {
		for _, k := range []string{"a", "b", "c", "d", "e", "f"} {
			all = append(all, fmt.Sprintf("%s:%d", k, n))
		}
	}
	w.handle = func(b *source.Batch) (source.Result, error) {
		if strings.HasPrefix(names(b)[0], "a:") {
			return source.Result{}, errors.New("a fails")
		}
		return source.Result{}, nil
	}
	w.write(all...)
	w.start()
	first := strings.Split(w.got(), ", ")
	if len(first) < 4 || slices.Contains(first, "a:1") {
		t.Errorf("with a failing: %v", first)
	}
	w.stop()
	w.mu.Lock()
	w.handle = nil
	done := first
	w.mu.Unlock()
	w.start()
	done = append(slices.DeleteFunc(done, func(s string) bool { return s == "a:0" }), strings.Split(w.got(), ", ")...)
	for _, k := range []string{"a", "b", "c", "d", "e", "f"} {
		var of []string
		for _, name := range done {
			if strings.HasPrefix(name, k) {
				of = append(of, name)
			}
		}
		if want := fmt.Sprintf("[%s:0 %s:1 %s:2]", k, k, k); fmt.Sprint(of) != want {
			t.Errorf("%v, want %s", of, want)
		}
	}
}

func TestStreamFailures(t *testing.T) {
	bad := func(b *source.Batch) (source.Result, error) {
		if slices.Contains(names(b), "a:3") {
			return source.Result{}, errors.New("bad")
		}
		return source.Result{}, nil
	}
	partly := func(b *source.Batch) (source.Result, error) {
		if i := slices.Index(names(b), "a:3"); i >= 0 {
			return source.Result{Failed: b.Records[i].ID}, nil
		}
		return source.Result{}, nil
	}
	throttled := func(*source.Batch) (source.Result, error) { return source.Result{}, source.ErrNoRoom }
	tests := []struct {
		name    string
		change  func(*source.StreamConfig)
		handle  func(*source.Batch) (source.Result, error)
		batches string
		lost    string
	}{
		{"retries", func(c *source.StreamConfig) { c.Retries = 1 }, bad, "a:1 a:2 a:3 a:4, a:1 a:2 a:3 a:4, a:5",
			"[RetryAttemptsExhausted after 2 of a:1 a:2 a:3 a:4]"},
		{"bisect", func(c *source.StreamConfig) { c.Retries, c.Bisect = 1, true }, bad,
			"a:1 a:2 a:3 a:4, a:1 a:2, a:3 a:4, a:3, a:3, a:4, a:5", "[RetryAttemptsExhausted after 4 of a:3]"},
		{"partly", func(c *source.StreamConfig) { c.Retries = 1 }, partly, "a:1 a:2 a:3 a:4, a:3 a:4, a:5",
			"[RetryAttemptsExhausted after 2 of a:3 a:4]"},
		{"partly, bisect", func(c *source.StreamConfig) { c.Retries, c.Bisect = 0, true }, partly, "a:1 a:2 a:3 a:4, a:3 a:4, a:3, a:4, a:5",
			"[RetryAttemptsExhausted after 3 of a:3]"},
		{"throttled", func(c *source.StreamConfig) { c.Retries, c.MaxAge = 0, time.Minute }, throttled, "",
			"[RecordAgeExceeded after 0 of a:1 a:2 a:3 a:4 RecordAgeExceeded after 0 of a:5]"},
		{"too old", func(c *source.StreamConfig) { c.MaxAge = 2 * time.Minute }, bad, "", "[RecordAgeExceeded after 17 of a:1 a:2 a:3 a:4 RecordAgeExceeded after 0 of a:5]"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newRiver(t, test.change)
			w.config.BatchSize, w.handle = 4, test.handle
			w.write("a:1", "a:2", "a:3", "a:4", "a:5")
			w.start()
			w.advance(10 * time.Minute)
			if got := w.got(); test.batches != "" && got != test.batches {
				t.Errorf("batches %q, want %q", got, test.batches)
			}
			if got := fmt.Sprint(w.lost); got != test.lost {
				t.Errorf("lost %s, want %s", got, test.lost)
			}
		})
	}
}

// The batches of a window share a state, which ends with it: by the clock, by a record that comes later, or when it has
// become too large.
func TestStreamTumbling(t *testing.T) {
	w := newRiver(t, func(c *source.StreamConfig) { c.Tumbling, c.Lanes = time.Minute, 3 })
	w.handle = func(b *source.Batch) (source.Result, error) {
		var s struct{ N int }
		if b.Window.State != nil && !b.Window.Final {
			if err := json.Unmarshal(b.Window.State, &s); err != nil {
				t.Error(err)
			}
		}
		if slices.Contains(names(b), "big:1") {
			return source.Result{State: []byte(`{"N":` + strings.Repeat("1", 1<<20) + `}`)}, nil
		}
		return source.Result{State: fmt.Appendf(nil, `{"N":%d}`, s.N+len(b.Records))}, nil
	}
	w.start()
	w.write("a:1", "b:2")
	w.advance(0)
	got := w.got()
	w.advance(10 * time.Second)
	w.stop()
	w.start() // the state is kept
	w.write("c:3")
	w.advance(0)
	w.check(`c:3[00:00 {"N":2} ]`)
	if !strings.HasPrefix(got, "a:1 b:2[00:00  ]") && got != `a:1[00:00  ], b:2[00:00 {"N":1} ]` {
		t.Errorf("first %q", got)
	}
	w.advance(time.Minute)
	w.check(`[00:00 {"N":3} final]`)
	w.write("d:4")
	w.advance(0)
	w.check(`d:4[01:00  ]`)
	w.write("big:1")
	w.advance(0)
	got = w.got()
	if parts := strings.Split(got, ", "); len(parts) != 2 || parts[0] != `big:1[01:00 {"N":1} ]` || !strings.HasSuffix(parts[1], "final early]") {
		t.Errorf("too large: %.80q", got)
	}
	w.write("e:5")
	w.advance(0)
	w.check(`e:5[01:00  ]`)
	w.advance(time.Hour)
	w.check(`[01:00 {"N":1} final]`)
}

func TestStreamFilter(t *testing.T) {
	w := newRiver(t, nil)
	var err error
	if w.config.Filter, err = source.NewFilter([]string{`{"eventName":["INSERT"],"dynamodb":{"Keys":{"pk":{"S":[{"prefix":"b"}]}}}}`}); err != nil {
		t.Fatal(err)
	}
	w.write("a:1", "b:2", "a:3")
	w.start()
	w.check("b:2")
	w.write("a:4", "a:5")
	w.advance(0)
	w.check("")
	w.stop()
	w.config.Filter = nil
	w.start()
	w.check("") // what was not wanted is done
}

// The record is, to the letter, what functions get.
func TestStreamRecord(t *testing.T) {
	w := newRiver(t, nil)
	var record string
	w.handle = func(b *source.Batch) (source.Result, error) {
		record = string(b.Records[0].JSON)
		return source.Result{}, nil
	}
	keys := item.NewMap(item.F("pk", item.String("k")), item.F("sk", item.Int(1)))
	old := item.NewMap(item.F("pk", item.String("k")), item.F("sk", item.Int(1)), item.F("b", item.Binary([]byte{1, 2})))
	w.update(func(tx store.Tx) error {
		stream.LogOf(7, 1).Append(tx, "NEW_AND_OLD_IMAGES", stream.Change{Keys: keys, Old: old, Expired: true})
		return nil
	})
	w.start()
	var v struct{ EventID, SequenceNumber string }
	var d struct {
		Dynamodb struct{ SequenceNumber string }
	}
	if json.Unmarshal([]byte(record), &v) != nil || json.Unmarshal([]byte(record), &d) != nil {
		t.Fatal(record)
	}
	want := `{"eventID":"` + v.EventID + `","eventName":"REMOVE","eventVersion":"1.1","eventSource":"aws:dynamodb","awsRegion":"eu-west-1",` +
		`"dynamodb":{"ApproximateCreationDateTime":1793534400,"Keys":{"pk":{"S":"k"},"sk":{"N":"1"}},` +
		`"OldImage":{"b":{"B":"AQI="},"pk":{"S":"k"},"sk":{"N":"1"}},"SequenceNumber":"` + d.Dynamodb.SequenceNumber + `","SizeBytes":17,` +
		`"StreamViewType":"NEW_AND_OLD_IMAGES"},"userIdentity":{"type":"Service","principalId":"dynamodb.amazonaws.com"},` +
		`"eventSourceARN":"arn:aws:dynamodb:eu-west-1:000000000000:table/tab/stream/2026-11-01T12:00:00.000"}`
	if record != want {
		t.Errorf("record\n%s, want\n%s", record, want)
	}
}
