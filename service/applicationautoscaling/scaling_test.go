package applicationautoscaling_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	api "github.com/brume-dev/brume/api/applicationautoscalingapi"
	"github.com/brume-dev/brume/api/dynamodbapi"
	"github.com/brume-dev/brume/api/iamapi"
	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/dispatch"
	"github.com/brume-dev/brume/dispatch/script"
	"github.com/brume-dev/brume/service/applicationautoscaling"
	"github.com/brume-dev/brume/store/memstore"
	"github.com/brume-dev/brume/timer"
)

var (
	noon  = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	alice = aws.Identity{Kind: aws.User, Account: "000000000000", Region: "us-east-1", Name: "alice", ARN: "arn:aws:iam::000000000000:user/alice"}
)

const resource = "function:f:live"

// rig is the service with a function and a table that it scales.
type rig struct {
	t      *testing.T
	clock  *clock.Virtual
	table  *dispatch.Table
	client api.Client
	have   int32 // provisioned concurrency
	busy   int32
	read   int64 // capacity of the table
	write  int64
}

type functions struct {
	lambdaapi.Handler
	*rig
}

func (f functions) GetProvisionedConcurrencyConfig(_ context.Context, _ aws.Identity, in *lambdaapi.GetProvisionedConcurrencyConfigRequest) (*lambdaapi.GetProvisionedConcurrencyConfigResponse, error) {
	if in.FunctionName != "f" || in.Qualifier != "live" {
		return nil, &lambdaapi.ResourceNotFoundException{Message: "Function not found: " + in.FunctionName}
	}
	if f.have == 0 {
		return nil, &lambdaapi.ProvisionedConcurrencyConfigNotFoundException{}
	}
	return &lambdaapi.GetProvisionedConcurrencyConfigResponse{RequestedProvisionedConcurrentExecutions: new(f.have),
		AllocatedProvisionedConcurrentExecutions: new(f.have), AvailableProvisionedConcurrentExecutions: new(f.have - f.busy)}, nil
}

func (f functions) PutProvisionedConcurrencyConfig(_ context.Context, _ aws.Identity, in *lambdaapi.PutProvisionedConcurrencyConfigRequest) (*lambdaapi.PutProvisionedConcurrencyConfigResponse, error) {
	if in.ProvisionedConcurrentExecutions > 100 {
		return nil, &lambdaapi.InvalidParameterValueException{Message: "too much"}
	}
	f.have = in.ProvisionedConcurrentExecutions
	return &lambdaapi.PutProvisionedConcurrencyConfigResponse{}, nil
}

func (f functions) DeleteProvisionedConcurrencyConfig(context.Context, aws.Identity, *lambdaapi.DeleteProvisionedConcurrencyConfigRequest) (*lambdaapi.DeleteProvisionedConcurrencyConfigOutput, error) {
	f.have = 0
	return &lambdaapi.DeleteProvisionedConcurrencyConfigOutput{}, nil
}

type tables struct {
	dynamodbapi.Handler
	*rig
}

func (d tables) DescribeTable(_ context.Context, _ aws.Identity, in *dynamodbapi.DescribeTableInput) (*dynamodbapi.DescribeTableOutput, error) {
	if in.TableName != "t" {
		return nil, &dynamodbapi.ResourceNotFoundException{Message: "Requested resource not found: Table: " + in.TableName + " not found"}
	}
	return &dynamodbapi.DescribeTableOutput{Table: &dynamodbapi.TableDescription{ProvisionedThroughput: &dynamodbapi.ProvisionedThroughputDescription{
		ReadCapacityUnits: &d.read, WriteCapacityUnits: &d.write}}}, nil
}

func (d tables) UpdateTable(_ context.Context, _ aws.Identity, in *dynamodbapi.UpdateTableInput) (*dynamodbapi.UpdateTableOutput, error) {
	d.read, d.write = in.ProvisionedThroughput.ReadCapacityUnits, in.ProvisionedThroughput.WriteCapacityUnits
	return &dynamodbapi.UpdateTableOutput{}, nil
}

type roles struct{ iamapi.Handler }

func (roles) CreateServiceLinkedRole(context.Context, aws.Identity, *iamapi.CreateServiceLinkedRoleRequest) (*iamapi.CreateServiceLinkedRoleResponse, error) {
	return nil, &iamapi.InvalidInputException{Message: "has been taken"}
}

func newRig(t *testing.T) *rig {
	r := &rig{t: t, clock: clock.Frozen(noon), table: dispatch.New(dispatch.Config{}), have: 4, read: 5, write: 5}
	st := memstore.New(r.clock)
	runner := timer.New(timer.Config{Store: st, Clock: r.clock, Drain: time.Millisecond})
	s, err := applicationautoscaling.New(applicationautoscaling.Config{Store: st, Caller: r.table, Timer: runner, Rand: rand.NewChaCha8([32]byte{})})
	if err != nil {
		t.Fatal(err)
	}
	r.table.Register(api.Service, s)
	r.table.Register(lambdaapi.Service, functions{rig: r})
	r.table.Register(dynamodbapi.Service, tables{rig: r})
	r.table.Register(iamapi.Service, roles{})
	r.client = api.NewClient(r.table)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { _ = runner.Run(ctx); close(done) }()
	t.Cleanup(func() { cancel(); <-done })
	if err := runner.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *rig) advance(d time.Duration) {
	r.t.Helper()
	if _, err := r.clock.Advance(r.t.Context(), d); err != nil {
		r.t.Fatal(err)
	}
}

// The control plane, as text.
func TestScripts(t *testing.T) {
	script.Run(t, "testdata/*.txt", func(t *testing.T) script.Options {
		r := newRig(t)
		return script.Options{Caller: r.table, Service: "applicationautoscaling", Identities: map[string]aws.Identity{"": alice},
			Advance: func(ctx context.Context, d time.Duration) error { _, err := r.clock.Advance(ctx, d); return err }}
	})
}

func (r *rig) register(min, max int32) {
	r.t.Helper()
	if _, err := r.client.RegisterScalableTarget(r.t.Context(), alice, &api.RegisterScalableTargetRequest{ServiceNamespace: api.ServiceNamespaceLambda,
		ResourceId: resource, ScalableDimension: api.ScalableDimensionLambdaFunctionProvisionedConcurrency, MinCapacity: &min, MaxCapacity: &max}); err != nil {
		r.t.Fatal(err)
	}
}

// What is provisioned follows what is used: after three minutes upwards, after fifteen downwards, within the bounds.
func TestTargetTracking(t *testing.T) {
	r := newRig(t)
	r.register(2, 9)
	if _, err := r.client.PutScalingPolicy(t.Context(), alice, &api.PutScalingPolicyRequest{PolicyName: "p", ServiceNamespace: api.ServiceNamespaceLambda,
		ResourceId: resource, ScalableDimension: api.ScalableDimensionLambdaFunctionProvisionedConcurrency, PolicyType: api.PolicyTypeTargetTrackingScaling,
		TargetTrackingScalingPolicyConfiguration: &api.TargetTrackingScalingPolicyConfiguration{TargetValue: 0.5,
			PredefinedMetricSpecification: &api.PredefinedMetricSpecification{PredefinedMetricType: api.MetricTypeLambdaProvisionedConcurrencyUtilization}}}); err != nil {
		t.Fatal(err)
	}
	for i, c := range []struct {
		busy    int32
		minutes int
		want    int32
	}{{2, 20, 4}, {3, 2, 4}, {3, 1, 6}, {6, 3, 9}, {9, 30, 9}, {1, 14, 9}, {1, 1, 2}, {0, 60, 2}} {
		r.busy = c.busy
		r.advance(time.Duration(c.minutes) * time.Minute)
		if r.have != c.want {
			t.Errorf("step %d: after %d minutes with %d busy there are %d, want %d", i, c.minutes, c.busy, r.have, c.want)
		}
	}
	out, err := r.client.DescribeScalingActivities(t.Context(), alice, &api.DescribeScalingActivitiesRequest{ServiceNamespace: api.ServiceNamespaceLambda})
	if err != nil || len(out.ScalingActivities) != 3 || out.ScalingActivities[0].Description != "Setting provisioned concurrency to 2." {
		t.Errorf("activities %+v, %v", out, err)
	}
	if _, err := r.client.DeregisterScalableTarget(t.Context(), alice, &api.DeregisterScalableTargetRequest{ServiceNamespace: api.ServiceNamespaceLambda,
		ResourceId: resource, ScalableDimension: api.ScalableDimensionLambdaFunctionProvisionedConcurrency}); err != nil {
		t.Fatal(err)
	}
	r.busy = 2
	if r.advance(time.Hour); r.have != 2 {
		t.Errorf("%d: what is deregistered is scaled", r.have)
	}
}

// Scheduled actions change the bounds when they are due, in their time zone, and what is scaled follows.
func TestScheduledActions(t *testing.T) {
	r := newRig(t)
	r.register(1, 10)
	put := func(name, schedule, zone string, min, max *int32) {
		t.Helper()
		in := &api.PutScheduledActionRequest{ScheduledActionName: name, ServiceNamespace: api.ServiceNamespaceLambda, ResourceId: resource,
			ScalableDimension: api.ScalableDimensionLambdaFunctionProvisionedConcurrency, Schedule: &schedule,
			ScalableTargetAction: &api.ScalableTargetAction{MinCapacity: min, MaxCapacity: max}}
		if zone != "" {
			in.Timezone = &zone
		}
		if _, err := r.client.PutScheduledAction(t.Context(), alice, in); err != nil {
			t.Fatal(err)
		}
	}
	put("once", "at(2026-11-01T13:00:00)", "", new(int32(7)), nil)
	put("evening", "cron(0 20 * * ? *)", "Europe/Paris", nil, new(int32(3))) // 19:00 UTC
	put("night", "cron(30 20 * * ? *)", "Europe/Paris", new(int32(0)), nil)
	for _, c := range []struct {
		by   time.Duration
		want string
	}{{59 * time.Minute, "4 1-10"}, {time.Minute, "7 7-10"}, {6 * time.Hour, "3 3-3"}, {30 * time.Minute, "3 0-3"}} {
		r.advance(c.by)
		out, err := r.client.DescribeScalableTargets(t.Context(), alice, &api.DescribeScalableTargetsRequest{ServiceNamespace: api.ServiceNamespaceLambda})
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("%d %d-%d", r.have, out.ScalableTargets[0].MinCapacity, out.ScalableTargets[0].MaxCapacity); got != c.want {
			t.Errorf("at %s: %s, want %s", r.clock.Now().Format(time.TimeOnly), got, c.want)
		}
	}
}

// A table's capacity is scaled in one of its two directions.
func TestTable(t *testing.T) {
	r := newRig(t)
	ten, at := int32(10), "at(2026-11-01T12:01:00)"
	if _, err := r.client.RegisterScalableTarget(t.Context(), alice, &api.RegisterScalableTargetRequest{ServiceNamespace: api.ServiceNamespaceDynamodb,
		ResourceId: "table/t", ScalableDimension: api.ScalableDimensionDynamodbTableReadCapacityUnits, MinCapacity: new(int32(1)), MaxCapacity: &ten}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.client.PutScheduledAction(t.Context(), alice, &api.PutScheduledActionRequest{ScheduledActionName: "a", ServiceNamespace: api.ServiceNamespaceDynamodb,
		ResourceId: "table/t", ScalableDimension: api.ScalableDimensionDynamodbTableReadCapacityUnits, Schedule: &at,
		ScalableTargetAction: &api.ScalableTargetAction{MinCapacity: &ten}}); err != nil {
		t.Fatal(err)
	}
	if r.advance(time.Minute); r.read != 10 || r.write != 5 {
		t.Errorf("read %d, write %d", r.read, r.write)
	}
}

// What is registered is brought within its bounds at once, and so is what gets others.
func TestBounds(t *testing.T) {
	r := newRig(t)
	for _, c := range []struct {
		min, max *int32
		want     int64
		cause    string
	}{
		{new(int32(7)), new(int32(9)), 7, "minimum capacity was set to 7"},
		{nil, new(int32(8)), 7, "minimum capacity was set to 7"},
		{new(int32(1)), new(int32(3)), 3, "maximum capacity was set to 3"},
	} {
		if _, err := r.client.RegisterScalableTarget(t.Context(), alice, &api.RegisterScalableTargetRequest{ServiceNamespace: api.ServiceNamespaceDynamodb,
			ResourceId: "table/t", ScalableDimension: api.ScalableDimensionDynamodbTableReadCapacityUnits, MinCapacity: c.min, MaxCapacity: c.max}); err != nil {
			t.Fatal(err)
		}
		r.advance(time.Second)
		out, err := r.client.DescribeScalingActivities(t.Context(), alice, &api.DescribeScalingActivitiesRequest{ServiceNamespace: api.ServiceNamespaceDynamodb})
		if err != nil {
			t.Fatal(err)
		}
		if r.read != c.want || r.write != 5 || out.ScalingActivities[0].Cause != c.cause {
			t.Errorf("read %d, write %d, %q; want %d, %q", r.read, r.write, out.ScalingActivities[0].Cause, c.want, c.cause)
		}
	}
}
