package lambda_test

import (
	"archive/zip"
	"bytes"
	"context"
	"io"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/brume-dev/brume/api/eventbridgeapi"
	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/api/logsapi"
	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/api/sqsapi"
	"github.com/brume-dev/brume/api/xrayapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/blob"
	"github.com/brume-dev/brume/blob/memblob"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/dispatch"
	"github.com/brume-dev/brume/event/source/sourcetest"
	"github.com/brume-dev/brume/event/target"
	"github.com/brume-dev/brume/sandbox"
	"github.com/brume-dev/brume/service/lambda"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/memstore"
	"github.com/brume-dev/brume/timer"
)

const (
	account = "000000000000"
	region  = "us-east-1"
	role    = "arn:aws:iam::000000000000:role/f"
)

var (
	noon  = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	alice = aws.Identity{Kind: aws.User, Account: account, Region: region, Name: "alice", ARN: "arn:aws:iam::000000000000:user/alice"}
)

func functionARN(name string) string { return "arn:aws:lambda:us-east-1:000000000000:function:" + name }

// rig is the service on a table with the services that it calls, with functions written in Go.
type rig struct {
	t       testing.TB
	clock   *clock.Virtual
	store   store.Store
	blobs   blob.Store
	table   *dispatch.Table
	service *lambda.Service
	client  lambdaapi.Client
	stage   *stage
	*outside
	queues    *sourcetest.Queues // nil unless options.queues
	refuse    string             // an operation for which there is no permission
	run, stop func()
	machine   time.Duration // by which the machine's clock is ahead
}

type options struct {
	store   func(clock.Clock) store.Store
	keep    *rig           // whose state, and stage, are gone on with
	runner  sandbox.Runner // nil: the stage
	codeURL func(string) string
	queues  bool // SQS is that of sourcetest
	idle    bool // nothing runs until run is called: promises wait
}

func newRig(t testing.TB, o options) *rig {
	t.Helper()
	r := &rig{t: t, clock: clock.Frozen(noon), stage: newStage(), outside: &outside{t: t, objects: map[string][]byte{}}}
	r.blobs = memblob.New(clock.Real())
	if o.keep != nil {
		r.clock, r.store, r.blobs, r.stage, r.outside = o.keep.clock, o.keep.store, o.keep.blobs, o.keep.stage, o.keep.outside
	} else if r.store = store.Store(memstore.New(r.clock)); o.store != nil {
		r.store = o.store(r.clock)
	}
	if o.codeURL == nil {
		o.codeURL = func(string) string { return "https://code" }
	}
	if o.runner == nil {
		o.runner = r.stage
	}
	r.table = dispatch.New(dispatch.Config{})
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelInfo}))
	runner := timer.New(timer.Config{Store: r.store, Clock: r.clock, Drain: time.Millisecond, Log: log})
	var err error
	r.service, err = lambda.New(lambda.Config{Store: r.store, Blobs: r.blobs, Clock: r.clock, Caller: r.table, Timer: runner, Roles: r.outside,
		Runner: o.runner, Dir: t.TempDir(), Now: func() time.Time { return time.Now().Add(r.machine) }, Rand: zeros{}, Log: log, CodeURL: o.codeURL, Permits: r.permits,
		Policies: dispatch.AllowAll{}, URL: func(id, region string) string { return "https://" + id + ".lambda-url." + region + ".on.aws/" }})
	if err != nil {
		t.Fatal(err)
	}
	target.Register(target.Config{Runner: runner, Caller: r.table, Roles: r.outside, Clock: r.clock})
	r.table.Register(lambdaapi.Service, r.service)
	r.table.Register(logsapi.Service, r.outside.logs())
	r.table.Register(s3api.Service, r.outside.s3())
	r.table.Register(sqsapi.Service, r.sqs(o))
	r.table.Register(eventbridgeapi.Service, r.outside.events())
	r.table.Register(xrayapi.Service, r.outside.xray())
	r.client = lambdaapi.NewClient(r.table)
	ctx, cancel := context.WithCancel(context.Background())
	var loops sync.WaitGroup
	r.stop = sync.OnceFunc(func() { cancel(); loops.Wait() })
	t.Cleanup(r.stop)
	r.run = func() {
		loops.Go(func() { _ = runner.Run(ctx) })
		loops.Go(func() { _ = r.service.Run(ctx) })
		for _, settle := range []func(context.Context) error{runner.Settle, r.service.Settle} { // from here on the clock knows of them
			if err := settle(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}
	if !o.idle {
		r.run()
	}
	return r
}

// zeros makes random ids the same in every run.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

func (r *rig) advance(d time.Duration) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if _, err := r.clock.Advance(ctx, d); err != nil {
		r.t.Fatal(err)
	}
}

// create makes a function whose handler is on the stage under its name.
func (r *rig) create(name string, change func(*lambdaapi.CreateFunctionRequest)) *lambdaapi.FunctionConfiguration {
	r.t.Helper()
	// What a test holds up has long enough for it: the time-out of a function is by the machine's clock.
	in := &lambdaapi.CreateFunctionRequest{FunctionName: name, Runtime: new(string(lambdaapi.RuntimePython312)), Role: role, Handler: &name, Timeout: new(int32(30)),
		Code: &lambdaapi.FunctionCode{ZipFile: archive(map[string]string{"app.py": "# " + name})}}
	if change != nil {
		change(in)
	}
	out, err := r.client.CreateFunction(r.t.Context(), alice, in)
	if err != nil {
		r.t.Fatal(err)
	}
	r.advance(0)
	return out
}

func (r *rig) invoke(name, payload string, change func(*lambdaapi.InvocationRequest)) (*lambdaapi.InvocationResponse, error) {
	in := &lambdaapi.InvocationRequest{FunctionName: name, Payload: []byte(payload)}
	if change != nil {
		change(in)
	}
	return r.client.Invoke(context.Background(), alice, in)
}

func (r *rig) must(name, payload string, change func(*lambdaapi.InvocationRequest)) string {
	r.t.Helper()
	out, err := r.invoke(name, payload, change)
	if err != nil {
		r.t.Fatal(err)
	}
	if out.FunctionError != nil {
		return *out.FunctionError + " " + string(out.Payload)
	}
	return string(out.Payload)
}

// later invokes asynchronously.
func (r *rig) later(name, payload string) {
	r.t.Helper()
	out, err := r.invoke(name, payload, func(in *lambdaapi.InvocationRequest) { in.InvocationType = lambdaapi.InvocationTypeEvent })
	if err != nil || *out.StatusCode != 202 || len(out.Payload) > 0 {
		r.t.Fatalf("asynchronous invoke: %+v %v", out, err)
	}
}

func archive(files map[string]string) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, text := range files {
		f, err := w.Create(name)
		if err == nil {
			_, err = io.WriteString(f, text)
		}
		if err != nil {
			panic(err)
		}
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// permits refuses one operation.
func (r *rig) permits(_ context.Context, id aws.Identity, op aws.Op, _ any) error {
	if id.RoleARN == "" {
		r.t.Errorf("permissions of %+v", id)
	}
	if op.Name == r.refuse {
		return aws.Errorf("AccessDenied", 403, "no")
	}
	return nil
}
