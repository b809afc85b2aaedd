package maprun_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/asl"
	"github.com/brume-dev/brume/asl/fault"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/service/sfn/execution"
	"github.com/brume-dev/brume/service/sfn/express"
	"github.com/brume-dev/brume/service/sfn/machine"
	"github.com/brume-dev/brume/service/sfn/maprun"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/storetest"
	"github.com/brume-dev/brume/timer"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// world is what outlives a process: the store, the objects, and what tasks have done.
type world struct {
	t       testing.TB
	clock   *clock.Virtual
	store   store.Store
	bucket  *bucket
	mu      sync.Mutex
	done    map[string]int // arguments of tasks that were called
	most    int            // tasks that were called at once
	running int
	broken  map[string]bool // arguments of tasks that fail
	denied  string          // what the role may not do
	hold    chan struct{}   // not nil: tasks wait for it
	rev     *machine.Revision
}

// process is one life of the platform.
type process struct {
	*world
	engine *execution.Engine
	runs   *maprun.Runs
	timer  *timer.Runner
	stop   func()
}

func newWorld(t testing.TB, definition string) *world {
	c := clock.Frozen(start)
	w := &world{t: t, clock: c, store: storetest.Shaken(storetest.Split(c, 3), 1), bucket: &bucket{objects: map[string]string{}}, done: map[string]int{}, broken: map[string]bool{}}
	m, err := asl.Parse([]byte(definition))
	if err != nil {
		t.Fatal(err)
	}
	spot := machine.Spot{Ref: machine.Ref{Place: machine.Place{Account: "111122223333", Region: "eu-west-1"}, Name: "m"}, ID: 7}
	w.rev = &machine.Revision{Spot: spot, Key: "rev", Definition: definition, Role: "arn:aws:iam::111122223333:role/r", Machine: m}
	return w
}

func (w *world) boot() *process {
	p := &process{world: w}
	p.timer = timer.New(timer.Config{Store: w.store, Clock: w.clock, Drain: time.Millisecond})
	p.engine = execution.New(execution.Config{Store: w.store, Clock: w.clock, Timer: p.timer, Rand: rand.Reader, Revision: w.revision, Machine: w.machine, Tasks: w})
	p.runs = maprun.New(maprun.Config{Store: w.store, Clock: w.clock, Timer: p.timer, Caller: w.bucket, Roles: w, Policies: w, Engine: p.engine,
		Express: express.New(express.Config{Clock: w.clock, Rand: rand.Reader, Tasks: w}), Revision: w.revision, Machine: w.machine})
	p.engine.Maps = p.runs
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.timer.Run(ctx) }()
	p.stop = sync.OnceFunc(func() { cancel(); <-done })
	w.t.Cleanup(p.stop)
	return p
}

func (p *process) settle() {
	p.t.Helper()
	if err := p.timer.Settle(p.t.Context()); err != nil {
		p.t.Fatal(err)
	}
}

func (w *world) revision(context.Context, machine.Spot, string) (*machine.Revision, error) {
	return w.rev, nil
}

func (w *world) machine(context.Context, machine.Name) (machine.Spot, bool, error) {
	return w.rev.Spot, false, nil
}

func (w *world) Assume(_ context.Context, _ aws.Identity, role, _ string) (aws.Identity, aws.Credentials, error) {
	return aws.Identity{Kind: aws.AssumedRole, ARN: role}, aws.Credentials{}, nil
}

// Authorize lets the role do all but what is denied.
func (w *world) Authorize(_ context.Context, id aws.Identity, access []aws.Access) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, a := range access {
		if a.Action == w.denied {
			return aws.Errorf("AccessDenied", http.StatusForbidden, "%s may not %s on %s", id.ARN, a.Action, a.Resource)
		}
	}
	return nil
}

// Call answers with the arguments, unless they are broken.
func (w *world) Call(ctx context.Context, r *execution.Request) (execution.Answer, error) {
	text := string(r.Call.Arguments)
	w.mu.Lock()
	w.done[text]++
	w.running++
	w.most = max(w.most, w.running)
	hold, broken := w.hold, w.broken[text]
	w.mu.Unlock()
	defer func() {
		w.mu.Lock()
		w.running--
		w.mu.Unlock()
	}()
	if hold != nil {
		select {
		case <-hold:
		case <-ctx.Done():
			return execution.Answer{}, ctx.Err()
		}
	}
	if broken {
		return execution.Answer{Err: fault.New("Broken", "item %s", text)}, nil
	}
	return execution.Answer{Output: r.Call.Arguments}, nil
}

func (w *world) Poll(context.Context, *execution.Request, []byte) (execution.Answer, bool, error) {
	return execution.Answer{}, false, nil
}
func (w *world) Cancel(context.Context, *execution.Request, []byte) error { return nil }

func (p *process) begin(input string) execution.Ref {
	p.t.Helper()
	if _, err := p.engine.Start(p.t.Context(), &execution.Begin{Target: machine.Target{Revision: p.rev}, Name: "e", Input: []byte(input)}); err != nil {
		p.t.Fatal(err)
	}
	return execution.Ref{Spot: p.rev.Spot, Name: "e"}
}

// look is the execution in one line.
func (p *process) look() string {
	p.t.Helper()
	d, err := p.engine.Describe(p.t.Context(), execution.Ref{Spot: p.rev.Spot, Name: "e"})
	if err != nil {
		return err.Error()
	}
	switch {
	case d.Status == execution.Succeeded:
		return "SUCCEEDED " + string(d.Output)
	case d.Error != nil:
		return d.Status.String() + " " + d.Error.Error()
	}
	return d.Status.String()
}

func (p *process) events() (out []string) {
	p.t.Helper()
	err := p.engine.Events(p.t.Context(), execution.Ref{Spot: p.rev.Spot, Name: "e"}, 0, false, func(e *asl.Event) bool {
		out = append(out, string(e.Type))
		return true
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return out
}

// bucket is S3 in memory.
type bucket struct {
	mu      sync.Mutex
	objects map[string]string
}

func (b *bucket) Call(_ context.Context, id aws.Identity, op aws.Op, in any) (any, error) {
	if put, ok := in.(*s3api.PutObjectRequest); ok {
		return b.put(put)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if id.ARN != "arn:aws:iam::111122223333:role/r" {
		return nil, aws.Errorf("AccessDenied", 403, "Access Denied")
	}
	switch in := in.(type) {
	case *s3api.GetObjectRequest:
		text, ok := b.objects[in.Bucket+"/"+in.Key]
		if !ok {
			return nil, aws.Errorf("NoSuchKey", 404, "The specified key does not exist.")
		}
		if in.Range != nil {
			var from int
			_, _ = fmt.Sscanf(*in.Range, "bytes=%d-", &from)
			if from >= len(text) {
				return nil, aws.Errorf("InvalidRange", 416, "The requested range is not satisfiable")
			}
			text = text[from:]
		}
		return &s3api.GetObjectOutput{Body: strings.NewReader(text), ETag: new(`"e"`)}, nil
	case *s3api.ListObjectsV2Request:
		out := &s3api.ListObjectsV2Output{}
		var keys []string
		for k := range b.objects {
			if k, ok := strings.CutPrefix(k, in.Bucket+"/"); ok && strings.HasPrefix(k, aws.Or(in.Prefix, "")) && k > aws.Or(in.StartAfter, "") {
				keys = append(keys, k)
			}
		}
		slices.Sort(keys)
		for _, k := range keys {
			out.Contents = append(out.Contents, s3api.Object{Key: new(k), Size: new(int64(1)), ETag: new(`"e"`), LastModified: new(start), StorageClass: "STANDARD"})
		}
		return out, nil
	}
	return nil, fmt.Errorf("%T", in)
}

// put takes what a writer sends, without holding the lock while it is sent.
func (b *bucket) put(in *s3api.PutObjectRequest) (any, error) {
	text, err := io.ReadAll(in.Body)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.objects[in.Bucket+"/"+in.Key] = string(text)
	return &s3api.PutObjectOutput{}, nil
}

func (b *bucket) Document(context.Context, aws.Identity, aws.Op, []byte) ([]byte, error) {
	return nil, nil
}

// compact is JSON text without white space.
func compact(text string) string {
	var b bytes.Buffer
	if err := json.Compact(&b, []byte(text)); err != nil {
		return err.Error()
	}
	return b.String()
}
