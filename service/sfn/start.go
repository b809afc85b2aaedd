package sfn

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/brume-dev/brume/api/sfnapi"
	"github.com/brume-dev/brume/asl"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/jsondoc"
	"github.com/brume-dev/brume/service/sfn/execution"
	"github.com/brume-dev/brume/service/sfn/express"
	"github.com/brume-dev/brume/service/sfn/machine"
	"github.com/brume-dev/brume/service/sfn/rehearsal"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
	"github.com/brume-dev/brume/timer"
)

// kindExpress are promises to run an asynchronous express execution.
const kindExpress = "sfn.express"

const version = 1 // of the promises' arguments

const expressAtOnce = 1000 // asynchronous express executions of a machine, our own limit

// Of express executions, as they are billed. https://aws.amazon.com/step-functions/pricing/
const (
	billedTime   = 100 // milliseconds, a step
	billedMemory = 64  // megabytes, a step
)

// start is a request to start an execution, checked.
type start struct {
	target machine.Target
	name   string
	input  []byte
	trace  string
	test   string // the case of the mock configuration that answers the tasks; "": they are made
}

// begin checks a request to start an execution.
func (s *Service) begin(ctx context.Context, id aws.Identity, arn string, name, input, trace *string) (*start, error) {
	test := ""
	if s.mocks != nil {
		arn, test = rehearsal.Cut(arn)
	}
	t, err := s.Machines.Target(ctx, arn)
	if err != nil {
		return nil, err
	}
	b := &start{target: t, name: aws.Or(name, ""), input: []byte(aws.Or(input, "{}")), trace: aws.Or(trace, id.Request.Trace), test: test}
	if name != nil {
		if err := machine.CheckName(*name); err != nil {
			return nil, err
		}
	}
	if input != nil {
		if len(*input) > asl.MaxData { // the constraint of the model counts characters
			return nil, &sfnapi.ValidationException{Message: "1 validation error detected: Value at 'input' failed to satisfy constraint: Member must have length less than or equal to 262144"}
		}
		if _, err := jsondoc.ParseString(*input); err != nil {
			return nil, &sfnapi.InvalidExecutionInput{Message: "Invalid State Machine Execution Input: '" + err.Error() + "'"}
		}
	}
	return b, nil
}

// StartExecution starts an execution: of a standard machine at once, of an express one as soon as can be.
func (s *Service) StartExecution(ctx context.Context, id aws.Identity, in *sfnapi.StartExecutionInput) (*sfnapi.StartExecutionOutput, error) {
	b, err := s.begin(ctx, id, in.StateMachineArn, in.Name, in.Input, in.TraceHeader)
	if err != nil {
		return nil, err
	}
	if b.target.Express {
		return s.promise(ctx, b)
	}
	if b.test != "" && b.name == "" {
		u, err := uuid.NewRandomFromReader(s.Rand)
		if err != nil {
			return nil, fmt.Errorf("sfn: name an execution: %w", err)
		}
		b.name = u.String()
	}
	if err := s.rehearse(ctx, b, b.target.Execution(b.name)); err != nil {
		return nil, err
	}
	x, err := s.engine.Start(ctx, &execution.Begin{Target: b.target, Name: b.name, Input: b.input, Trace: b.trace, Request: execution.RequestOf(ctx)})
	if err != nil {
		return nil, err
	}
	return &sfnapi.StartExecutionOutput{ExecutionArn: x.ARN, StartDate: x.Start}, nil
}

// rehearse has the tasks of an execution answered by its test case, if it has one.
func (s *Service) rehearse(ctx context.Context, b *start, execution string) error {
	if b.test == "" {
		return nil
	}
	return s.mocks.Begin(ctx, b.target.Ref, execution, b.test)
}

// newRun makes the run of an express execution. Names may be used again.
func (s *Service) newRun(ctx context.Context, b *start) (*express.Run, error) {
	id, err := uuid.NewRandomFromReader(s.Rand)
	if err != nil {
		return nil, fmt.Errorf("sfn: name an execution: %w", err)
	}
	run := &express.Run{Target: b.target, Name: b.name, Input: b.input, Trace: b.trace}
	if run.Name == "" {
		run.Name = id.String()
	}
	t := b.target
	run.ARN = aws.MakeARN("states", t.Region, t.Account, "express:"+t.Spot.Name+":"+run.Name+":"+id.String()).String()
	return run, s.rehearse(ctx, b, run.ARN)
}

// StartSyncExecution runs an express execution and waits for its end.
func (s *Service) StartSyncExecution(ctx context.Context, id aws.Identity, in *sfnapi.StartSyncExecutionInput) (*sfnapi.StartSyncExecutionOutput, error) {
	b, err := s.begin(ctx, id, in.StateMachineArn, in.Name, in.Input, in.TraceHeader)
	if err != nil {
		return nil, err
	}
	if !b.target.Express {
		return nil, &sfnapi.StateMachineTypeNotSupported{Message: "This operation is not supported by this type of state machine"}
	}
	run, err := s.newRun(ctx, b)
	if err != nil {
		return nil, err
	}
	r, err := s.expresses.Run(ctx, run)
	if err != nil {
		return nil, err
	}
	out := &sfnapi.StartSyncExecutionOutput{ExecutionArn: run.ARN, StateMachineArn: new(in.StateMachineArn), Name: &run.Name, StartDate: r.Start,
		StopDate: r.Stop, Status: sfnapi.SyncExecutionStatus(r.Status.String()), Input: new(string(run.Input)), InputDetails: included(),
		TraceHeader: aws.Some(run.Trace), BillingDetails: billed(r.Stop.Sub(r.Start))}
	if r.Status == execution.Succeeded {
		out.Output, out.OutputDetails = new(string(r.Output)), included()
	}
	if r.Error != nil {
		out.Error, out.Cause = aws.Some(r.Error.Name), aws.Some(r.Error.Cause)
	}
	if in.IncludedData == sfnapi.IncludedDataMetadataOnly {
		out.Input, out.InputDetails, out.Output, out.OutputDetails, out.Error, out.Cause = nil, nil, nil, nil, nil, nil
	}
	return out, nil
}

func billed(took time.Duration) *sfnapi.BillingDetails {
	steps := (took.Milliseconds() + billedTime - 1) / billedTime
	return &sfnapi.BillingDetails{BilledMemoryUsedInMB: new(int64(billedMemory)), BilledDurationInMilliseconds: new(max(1, steps) * billedTime)}
}

// promised are the arguments of kindExpress.
type promised struct {
	Account  string `cbor:"1,keyasint"`
	Region   string `cbor:"2,keyasint"`
	Machine  string `cbor:"3,keyasint"`
	ID       uint64 `cbor:"4,keyasint"`
	Revision string `cbor:"5,keyasint"`
	Version  int64  `cbor:"6,keyasint,omitempty"`
	Alias    string `cbor:"7,keyasint,omitempty"`
	ARN      string `cbor:"8,keyasint"`
	Name     string `cbor:"9,keyasint"`
	Input    []byte `cbor:"10,keyasint"`
	Trace    string `cbor:"11,keyasint,omitempty"`
}

// promise makes the promise to run an express execution: it is run at least once.
func (s *Service) promise(ctx context.Context, b *start) (*sfnapi.StartExecutionOutput, error) {
	run, err := s.newRun(ctx, b)
	if err != nil {
		return nil, err
	}
	t := b.target
	args := record.Encode(version, promised{t.Account, t.Region, t.Spot.Name, t.ID, t.Key, t.Version, t.Alias, run.ARN, run.Name, run.Input, run.Trace})
	c, err := s.Store.Shard(store.Key(t.Resource())).Update(ctx, func(_ context.Context, tx store.Tx) error {
		return timer.Set(tx, timer.Promise{Kind: kindExpress, Args: args, Dest: t.ARN()})
	})
	if err != nil {
		return nil, err
	}
	return &sfnapi.StartExecutionOutput{ExecutionArn: run.ARN, StartDate: c.Time.Truncate(time.Millisecond)}, nil
}

// keepExpress runs an express execution. What became of it is in its log, if it has one.
func (s *Service) keepExpress(ctx context.Context, k *timer.Kept) error {
	var p promised
	if err := record.Decode(k.Args, version, &p); err != nil {
		return err
	}
	spot := machine.Spot{Ref: machine.Ref{Place: machine.Place{Account: p.Account, Region: p.Region}, Name: p.Machine}, ID: p.ID}
	rev, err := s.Machines.Revision(ctx, spot, p.Revision)
	if errors.Is(err, machine.ErrGone) {
		s.Log.Debug("sfn: an express execution is dropped", "execution", p.ARN, "problem", err)
		return nil
	}
	if err != nil {
		return err
	}
	_, err = s.expresses.Run(ctx, &express.Run{Target: machine.Target{Revision: rev, Version: p.Version, Alias: p.Alias}, ARN: p.ARN,
		Name: p.Name, Input: p.Input, Trace: p.Trace})
	return err
}
