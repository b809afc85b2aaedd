package lambda_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
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
	in := &lambdaapi.CreateFunctionRequest{FunctionName: name, Runtime: new(string(lambdaapi.RuntimePython312)), Role: role, Handler: &name,
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

// outside is everything beyond Lambda.
type outside struct {
	t       testing.TB
	mu      sync.Mutex
	objects map[string][]byte
	lines   []string // of all logs
	sent    []string // messages and events that left
	traces  []string
	expires time.Duration // life of credentials; 0: twelve hours
	clock   clock.Clock
	assumed int
}

func (o *outside) Assume(_ context.Context, service aws.Identity, name, session string) (aws.Identity, aws.Credentials, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if service.Kind != aws.ServicePrincipal || service.Service != "lambda.amazonaws.com" || !strings.Contains(service.SourceARN, ":function:") {
		o.t.Errorf("assumed by %+v", service)
	}
	if strings.HasSuffix(name, "/untrusting") {
		return aws.Identity{}, aws.Credentials{}, aws.Errorf("AccessDenied", 403, "not authorized to perform: sts:AssumeRole")
	}
	o.assumed++
	life := o.expires
	if life == 0 {
		life = 12 * time.Hour
	}
	now := noon
	if o.clock != nil {
		now = o.clock.Now()
	}
	id := aws.Identity{Kind: aws.AssumedRole, Account: account, Region: region, RoleARN: name,
		ARN: "arn:aws:sts::000000000000:assumed-role/f/" + session, Request: service.Request}
	return id, aws.Credentials{AccessKeyID: fmt.Sprint("ASIA", o.assumed), SecretAccessKey: "s", SessionToken: "t", Expires: now.Add(life)}, nil
}

func (o *outside) log() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return strings.Join(o.lines, "\n")
}

func (o *outside) out() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]string(nil), o.sent...)
}

func (o *outside) note(to *[]string, text string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	*to = append(*to, text)
}

type fakeLogs struct {
	logsapi.Handler
	*outside
}

func (o *outside) logs() logsapi.Handler { return fakeLogs{outside: o} }

func (f fakeLogs) CreateLogGroup(context.Context, aws.Identity, *logsapi.CreateLogGroupRequest) (*logsapi.CreateLogGroupOutput, error) {
	return &logsapi.CreateLogGroupOutput{}, nil
}

func (f fakeLogs) CreateLogStream(context.Context, aws.Identity, *logsapi.CreateLogStreamRequest) (*logsapi.CreateLogStreamOutput, error) {
	return &logsapi.CreateLogStreamOutput{}, nil
}

func (f fakeLogs) PutLogEvents(_ context.Context, id aws.Identity, in *logsapi.PutLogEventsRequest) (*logsapi.PutLogEventsResponse, error) {
	if id.RoleARN == "" {
		f.t.Errorf("logs written by %+v", id)
	}
	for _, e := range in.LogEvents {
		f.note(&f.lines, in.LogGroupName+" "+e.Message)
	}
	return &logsapi.PutLogEventsResponse{}, nil
}

type fakeS3 struct {
	s3api.Handler
	*outside
}

func (o *outside) s3() s3api.Handler { return fakeS3{outside: o} }

func (f fakeS3) GetObject(_ context.Context, _ aws.Identity, in *s3api.GetObjectRequest) (*s3api.GetObjectOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	b, ok := f.objects[in.Bucket+"/"+in.Key]
	if !ok {
		return nil, aws.Errorf("NoSuchKey", 404, "The specified key does not exist.")
	}
	return &s3api.GetObjectOutput{Body: bytes.NewReader(b)}, nil
}

type fakeSQS struct {
	sqsapi.Handler
	*outside
}

func (f fakeSQS) SendMessage(_ context.Context, id aws.Identity, in *sqsapi.SendMessageRequest) (*sqsapi.SendMessageResult, error) {
	attributes := ""
	for _, name := range []string{"RequestID", "ErrorCode", "ErrorMessage"} {
		if a, ok := in.MessageAttributes[name]; ok {
			attributes += " " + name + "=" + *a.StringValue
		}
	}
	f.note(&f.sent, "sqs "+in.MessageBody+attributes)
	return &sqsapi.SendMessageResult{}, nil
}

type fakeEvents struct {
	eventbridgeapi.Handler
	*outside
}

func (o *outside) events() eventbridgeapi.Handler { return fakeEvents{outside: o} }

func (f fakeEvents) PutEvents(_ context.Context, id aws.Identity, in *eventbridgeapi.PutEventsRequest) (*eventbridgeapi.PutEventsResponse, error) {
	for _, e := range in.Entries {
		f.note(&f.sent, fmt.Sprintf("events %s | %s | %v | %s | %s", *e.Source, *e.DetailType, e.Resources, *e.Detail, id.RoleARN))
	}
	return &eventbridgeapi.PutEventsResponse{Entries: make([]eventbridgeapi.PutEventsResultEntry, len(in.Entries))}, nil
}

type fakeXRay struct {
	xrayapi.Handler
	*outside
}

func (o *outside) xray() xrayapi.Handler { return fakeXRay{outside: o} }

func (f fakeXRay) PutTraceSegments(_ context.Context, _ aws.Identity, in *xrayapi.PutTraceSegmentsRequest) (*xrayapi.PutTraceSegmentsResult, error) {
	for _, d := range in.TraceSegmentDocuments {
		f.note(&f.traces, d)
	}
	return &xrayapi.PutTraceSegmentsResult{}, nil
}

// handler is a function in Go: it answers, fails, or ends its process with an error.
type handler func(ctx context.Context, in *sandbox.Invocation, e *performer) (any, error)

// errExit ends a function's process.
var errExit = errors.New("exit")

// stage is a sandbox.Runner for functions in Go, by the name of their handler.
type stage struct {
	mu       sync.Mutex
	handlers map[string]handler
	inits    map[string]func() (*sandbox.Result, error)
	started  int
	stopped  int
	envs     []map[string]string
}

func newStage() *stage {
	return &stage{handlers: map[string]handler{}, inits: map[string]func() (*sandbox.Result, error){}}
}

func (s *stage) Name() string     { return "stage" }
func (s *stage) Describe() string { return "functions in Go" }
func (s *stage) Close() error     { return nil }

func (s *stage) Runtime(_ context.Context, id string) (sandbox.Runtime, error) {
	switch id {
	case "python3.12":
		return sandbox.Runtime{ID: id, Version: "3.12.1", Program: "/python", Exact: true}, nil
	case "python3.14":
		return sandbox.Runtime{ID: id, Version: "3.13.0", Program: "/python"}, nil
	case "provided.al2023":
		return sandbox.Runtime{ID: id, Exact: true}, nil
	}
	return sandbox.Runtime{}, fmt.Errorf("no interpreter for %s", id)
}

func (s *stage) on(name string, h handler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handlers[name] = h
}

func (s *stage) counts() (started, stopped int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.started, s.stopped
}

func (s *stage) Start(_ context.Context, spec *sandbox.Spec) (sandbox.Environment, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := spec.Env["_HANDLER"]
	if name == "nothing" {
		return nil, &sandbox.EntrypointError{Message: "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"}
	}
	if !spec.Turn() {
		return nil, sandbox.ErrUnwanted
	}
	s.started++
	s.envs = append(s.envs, spec.Env)
	return &performer{stage: s, spec: spec, handle: s.handlers[name], init: s.inits[name], gone: make(chan struct{})}, nil
}

// performer is an environment.
type performer struct {
	stage  *stage
	spec   *sandbox.Spec
	handle handler
	init   func() (*sandbox.Result, error)
	gone   chan struct{}
	once   sync.Once
	exit   *sandbox.ExitError
	frozen bool
	calls  int
}

func (p *performer) print(text string) { p.spec.Output(sandbox.Line{Time: noon, Text: []byte(text)}) }

func (p *performer) end(x *sandbox.ExitError) {
	p.once.Do(func() {
		p.exit = x
		close(p.gone)
		p.stage.mu.Lock()
		p.stage.stopped++
		p.stage.mu.Unlock()
	})
}

func (p *performer) Init(ctx context.Context) (sandbox.Init, error) {
	if p.init == nil {
		return sandbox.Init{Duration: 20 * time.Millisecond}, nil
	}
	res, err := p.init()
	if errors.Is(err, context.DeadlineExceeded) {
		<-ctx.Done()
		return sandbox.Init{}, ctx.Err()
	}
	if err != nil || res != nil {
		p.end(&sandbox.ExitError{Reason: "exit status 1"})
	}
	return sandbox.Init{Duration: 20 * time.Millisecond, Error: res}, err
}

func (p *performer) Invoke(ctx context.Context, in *sandbox.Invocation) (*sandbox.Result, error) {
	if p.frozen {
		return nil, errors.New("invoked while frozen")
	}
	p.calls++
	type answer struct {
		v   any
		err error
	}
	done := make(chan answer, 1)
	go func() {
		v, err := p.handle(ctx, in, p)
		done <- answer{v, err}
	}()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-p.gone:
		return nil, p.exit
	case a := <-done:
		switch {
		case errors.Is(a.err, errExit):
			p.end(&sandbox.ExitError{Reason: "exit status 1"})
			return nil, p.exit
		case a.err == nil && in.Stream != nil:
			if s, ok := a.v.(streaming); ok {
				return s.play(in), nil
			}
		case a.err != nil:
			b, _ := json.Marshal(map[string]string{"errorMessage": a.err.Error(), "errorType": "Error"})
			return &sandbox.Result{Failed: true, ErrorType: "Error", Payload: b}, nil
		}
		b, err := json.Marshal(a.v)
		return &sandbox.Result{Payload: b}, err
	}
}

func (p *performer) Freeze() error { p.frozen = true; return nil }
func (p *performer) Thaw() error   { p.frozen = false; return nil }
func (p *performer) Usage() sandbox.Usage {
	return sandbox.Usage{MaxMemory: 30 << 20}
}
func (p *performer) Flush()                             {}
func (p *performer) Settle(context.Context) error       { return nil }
func (p *performer) Tell(string, func() map[string]any) {}
func (p *performer) Shutdown(sandbox.Reason)            { p.Stop() }
func (p *performer) Stop()                              { p.end(&sandbox.ExitError{Reason: "signal: killed"}) }
func (p *performer) Gone() <-chan struct{}              { return p.gone }
