package lambda_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/brume-dev/brume/api/eventbridgeapi"
	"github.com/brume-dev/brume/api/logsapi"
	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/api/sqsapi"
	"github.com/brume-dev/brume/api/xrayapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/event/source/sourcetest"
)

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

// sqs is SQS as the options want it.
func (r *rig) sqs(o options) sqsapi.Handler {
	switch {
	case o.keep != nil && o.keep.queues != nil:
		r.queues = o.keep.queues
	case o.queues:
		r.queues = sourcetest.New(r.clock)
	}
	if r.queues != nil {
		return r.queues
	}
	return fakeSQS{outside: r.outside}
}
