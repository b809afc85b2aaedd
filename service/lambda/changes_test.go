package lambda_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/brume-dev/brume/api/dynamodbstreamsapi"
	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/item"
	"github.com/brume-dev/brume/sandbox"
	"github.com/brume-dev/brume/service/dynamodb/stream"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/timer"
)

var tab = stream.Name{Account: account, Region: region, Table: "tab", Label: "2026-11-01T12:00:00.000"}

// table is the rig beside a table with a stream.
type table struct{ *rig }

func newTable(t *testing.T, keep *rig) table {
	r := newRig(t, options{idle: true, keep: keep})
	s, err := stream.New(stream.Config{Store: r.store, Clock: r.clock, Timer: timer.New(timer.Config{Store: r.store, Clock: r.clock})})
	if err != nil {
		t.Fatal(err)
	}
	r.table.Register(dynamodbstreamsapi.Service, s)
	w := table{r}
	if keep == nil {
		w.commit(func(tx store.Tx) error {
			return stream.Begin(tx, tab, stream.Record{Table: 7, Number: 1, View: "KEYS_ONLY", Hash: "pk", Created: noon})
		})
	}
	r.run()
	return w
}

func (w table) commit(f func(store.Tx) error) {
	w.t.Helper()
	_, err := w.store.Shard(stream.Shard(account, region)).Update(context.Background(), func(_ context.Context, tx store.Tx) error { return f(tx) })
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w table) write(keys ...string) {
	w.t.Helper()
	for _, k := range keys {
		w.commit(func(tx store.Tx) error {
			m := item.NewMap(item.F("pk", item.String(k)))
			stream.LogOf(7, 1).Append(tx, "KEYS_ONLY", stream.Change{Keys: m, New: m})
			return nil
		})
	}
	w.advance(0)
}

func (w table) mapped(function string, change func(*lambdaapi.CreateEventSourceMappingRequest)) (string, error) {
	arn := tab.ARN()
	in := &lambdaapi.CreateEventSourceMappingRequest{FunctionName: function, EventSourceArn: &arn, StartingPosition: lambdaapi.EventSourcePositionTrimHorizon}
	if change != nil {
		change(in)
	}
	out, err := w.client.CreateEventSourceMapping(w.t.Context(), alice, in)
	if err != nil {
		return "", err
	}
	w.advance(0)
	return *out.UUID, nil
}

// keysOf is what was written, of the records of an event.
func keysOf(payload []byte) string {
	var event struct {
		Records []struct {
			Dynamodb struct{ Keys map[string]map[string]string }
		}
	}
	if err := json.Unmarshal(payload, &event); err != nil {
		panic(err)
	}
	var list []string
	for _, r := range event.Records {
		list = append(list, r.Dynamodb.Keys["pk"]["S"])
	}
	return strings.Join(list, " ")
}

func TestStreamMapping(t *testing.T) {
	w := newTable(t, nil)
	var e eaten
	note := func(_ context.Context, in *sandbox.Invocation, _ *performer) (any, error) {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.bodies = append(e.bodies, keysOf(in.Payload)+";")
		return nil, nil
	}
	w.stage.on("f", note)
	w.create("f", nil)
	w.write("early")
	uuid, err := w.mapped("f", func(in *lambdaapi.CreateEventSourceMappingRequest) {
		in.StartingPosition = lambdaapi.EventSourcePositionLatest
	})
	if err != nil {
		t.Fatal(err)
	}
	get := func() *lambdaapi.EventSourceMappingConfiguration {
		out, err := w.client.GetEventSourceMapping(t.Context(), alice, &lambdaapi.GetEventSourceMappingRequest{UUID: uuid})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	if m := get(); *m.State != "Enabled" || *m.LastProcessingResult != "No records processed" || *m.StateTransitionReason != "User action" || *m.BatchSize != 100 ||
		*m.ParallelizationFactor != 1 || *m.MaximumRetryAttempts != -1 || *m.MaximumRecordAgeInSeconds != -1 || m.StartingPosition != "LATEST" || m.DestinationConfig.OnFailure == nil {
		t.Errorf("%+v", m)
	}
	w.write("a", "b")
	if got := e.String(); strings.ReplaceAll(got, ";", "") != "a b" || *get().LastProcessingResult != "OK" {
		t.Errorf("it had %q", got)
	}

	// While it is disabled nothing is read; then what has come meanwhile, also by another process.
	off, on := false, true
	for _, enabled := range []*bool{&off, &on} {
		if _, err := w.client.UpdateEventSourceMapping(t.Context(), alice, &lambdaapi.UpdateEventSourceMappingRequest{UUID: uuid, Enabled: enabled}); err != nil {
			t.Fatal(err)
		}
		if w.advance(0); enabled == &off {
			w.write("c")
		}
	}
	if got := e.String(); !strings.HasSuffix(got, "c;") || strings.Count(got, "c") != 1 {
		t.Errorf("it had %q", got)
	}
	w.stop()
	w.commit(func(tx store.Tx) error {
		m := item.NewMap(item.F("pk", item.String("d")))
		stream.LogOf(7, 1).Append(tx, "KEYS_ONLY", stream.Change{Keys: m, New: m})
		return nil
	})
	w = newTable(t, w.rig)
	w.advance(0)
	if got := e.String(); !strings.HasSuffix(got, "c; d;") {
		t.Errorf("after a restart it had %q", got)
	}
	if _, err = w.client.DeleteEventSourceMapping(t.Context(), alice, &lambdaapi.DeleteEventSourceMappingRequest{UUID: uuid}); err != nil {
		t.Fatal(err)
	}
	if w.advance(0); w.state(uuid) != "" {
		t.Errorf("it is %q", w.state(uuid))
	}
	left, err := store.View(t.Context(), w.store.Shard(store.Home(account, region)), func(_ context.Context, r store.Reader) (n int, err error) {
		for _, family := range []string{"ec", "em", "ef", "es"} {
			pairs, done := r.Scan(store.Home(account, region).Text("lambda").Text(family).Range(), store.ScanOpt{})
			for range pairs {
				n++
			}
			err = errors.Join(err, done())
		}
		return n, err
	})
	if err != nil || left != 0 {
		t.Errorf("%d pairs are left, %v", left, err)
	}
}

// A batch that is given up is told to the destination, in AWS's words; the state of a tumbling window is handed on.
func TestStreamMappingFailures(t *testing.T) {
	w := newTable(t, nil)
	var events []string
	w.stage.on("f", func(_ context.Context, in *sandbox.Invocation, _ *performer) (any, error) {
		var e struct {
			State  map[string]int
			Window struct{ Start, End string }
			Final  bool `json:"isFinalInvokeForWindow"`
		}
		if err := json.Unmarshal(in.Payload, &e); err != nil {
			return nil, err
		}
		if keysOf(in.Payload) == "bad" {
			return nil, errors.New("bad")
		}
		if e.Window.Start != "" {
			events = append(events, fmt.Sprintf("%s %v %s-%s %v", keysOf(in.Payload), e.State, e.Window.Start, e.Window.End, e.Final))
		}
		return map[string]any{"batchItemFailures": []any{}, "state": map[string]int{"n": e.State["n"] + 1}}, nil
	})
	w.create("f", nil)
	dead, s3 := "arn:aws:sqs:us-east-1:000000000000:dead", "arn:aws:s3:::dead"
	uuid, err := w.mapped("f", func(in *lambdaapi.CreateEventSourceMappingRequest) {
		in.BatchSize, in.MaximumRetryAttempts = number(1), number(1)
		in.FunctionResponseTypes = []lambdaapi.FunctionResponseType{lambdaapi.FunctionResponseTypeReportBatchItemFailures}
		in.DestinationConfig = &lambdaapi.DestinationConfig{OnFailure: &lambdaapi.OnFailure{Destination: &dead}}
	})
	if err != nil {
		t.Fatal(err)
	}
	w.write("good", "bad")
	w.advance(time.Minute)
	var doc struct {
		RequestContext struct {
			FunctionARN string `json:"functionArn"`
			Condition   string
			Invokes     int `json:"approximateInvokeCount"`
		}
		ResponseContext struct{ FunctionError, ExecutedVersion string }
		Batch           struct {
			ShardID, StreamARN, StartSequenceNumber, EndSequenceNumber, ApproximateArrivalOfFirstRecord string
			BatchSize                                                                                   int
		} `json:"DDBStreamBatchInfo"`
	}
	sent := w.out()
	if len(sent) != 1 || json.Unmarshal([]byte(strings.TrimPrefix(sent[0], "sqs ")), &doc) != nil {
		t.Fatalf("sent %v", sent)
	}
	if c, b := doc.RequestContext, doc.Batch; c.Condition != "RetryAttemptsExhausted" || c.Invokes != 2 || c.FunctionARN != functionARN("f") ||
		b.StreamARN != tab.ARN() || b.BatchSize != 1 || b.StartSequenceNumber != b.EndSequenceNumber || len(b.StartSequenceNumber) < 21 ||
		!strings.HasPrefix(b.ShardID, "shardId-") || b.ApproximateArrivalOfFirstRecord != "2026-11-01T12:00:00Z" ||
		doc.ResponseContext.FunctionError != "Unhandled" || doc.ResponseContext.ExecutedVersion != "$LATEST" {
		t.Errorf("%s", sent[0])
	}
	update := &lambdaapi.UpdateEventSourceMappingRequest{UUID: uuid, TumblingWindowInSeconds: number(60), MaximumRetryAttempts: number(0),
		DestinationConfig: &lambdaapi.DestinationConfig{OnFailure: &lambdaapi.OnFailure{Destination: &s3}}}
	if _, err := w.client.UpdateEventSourceMapping(t.Context(), alice, update); err != nil {
		t.Fatal(err)
	}
	w.advance(0)
	w.write("c")
	w.write("d")
	w.advance(time.Hour)
	want := "[c map[] 2026-11-01T12:01:00Z-2026-11-01T12:02:00Z false d map[n:1] 2026-11-01T12:01:00Z-2026-11-01T12:02:00Z false " +
		" map[n:2] 2026-11-01T12:01:00Z-2026-11-01T12:02:00Z true]"
	if got := fmt.Sprint(events); got != want {
		t.Errorf("events %s", got)
	}
}

func TestStreamMappingErrors(t *testing.T) {
	w := newTable(t, nil)
	w.create("f", nil)
	w.create("g", nil)
	if _, err := w.mapped("f", nil); err != nil {
		t.Fatal(err)
	}
	text := func(s string) *string { return &s }
	denied := "InvalidParameterValueException: Cannot access stream " + tab.ARN() + ". Please ensure the role can perform the GetRecords, GetShardIterator, " +
		"DescribeStream, and ListStreams Actions on your stream in IAM."
	for _, c := range []struct {
		function, refuse string
		change           func(*lambdaapi.CreateEventSourceMappingRequest)
		want             string
	}{
		{"f", "", nil, "ResourceConflictException: The event source arn (\" " + tab.ARN() + " \") and function (\" f \") provided mapping already exists. " +
			"Please update or delete the existing mapping with UUID"},
		{"g", "", func(in *lambdaapi.CreateEventSourceMappingRequest) { in.StartingPosition = "" }, "InvalidParameterValueException: 1 validation error detected: " +
			"Value null at 'startingPosition' failed to satisfy constraint: Member must not be null."},
		{"g", "", func(in *lambdaapi.CreateEventSourceMappingRequest) { in.StartingPosition = "AT_TIMESTAMP" },
			"InvalidParameterValueException: Unsupported starting position for arn type: " + tab.ARN()},
		{"g", "", func(in *lambdaapi.CreateEventSourceMappingRequest) { in.EventSourceArn = text(tab.ARN() + "1") },
			"InvalidParameterValueException: Stream not found: " + tab.ARN() + "1"},
		{"g", "", func(in *lambdaapi.CreateEventSourceMappingRequest) { in.MaximumRecordAgeInSeconds = number(59) },
			"InvalidParameterValueException: MaximumRecordAgeInSeconds must be -1, or between 60 and 604800."},
		{"g", "", func(in *lambdaapi.CreateEventSourceMappingRequest) {
			in.ScalingConfig = &lambdaapi.ScalingConfig{MaximumConcurrency: number(2)}
		}, "InvalidParameterValueException: ScalingConfig is not valid for DynamoDB event sources."},
		{"g", "", func(in *lambdaapi.CreateEventSourceMappingRequest) {
			in.DestinationConfig = &lambdaapi.DestinationConfig{OnFailure: &lambdaapi.OnFailure{Destination: text("arn:aws:sqs:us-east-1:000000000000:d.fifo")}}
		}, "InvalidParameterValueException: The destination ARN arn:aws:sqs:us-east-1:000000000000:d.fifo is invalid: FIFO queues and topics are not supported."},
		{"g", "GetRecords", nil, denied},
		{"g", "ListStreams", nil, denied},
	} {
		w.refuse = c.refuse
		_, err := w.mapped(c.function, c.change)
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("got  %v\nwant %s", err, c.want)
		}
	}
}
