package sfn

import (
	"context"

	"github.com/brume-dev/brume/api/sfnapi"
	"github.com/brume-dev/brume/asl/fault"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/sfn/execution"
	"github.com/brume-dev/brume/service/sfn/machine"
)

const defaultPage = 100

// locate is the execution that an ARN names. Errors are ExecutionDoesNotExist and InvalidArn.
func (s *Service) locate(ctx context.Context, arn string) (execution.Ref, error) {
	m, name, err := execution.ParseARN(arn)
	if err != nil {
		return execution.Ref{}, err
	}
	spot, _, err := s.Machines.Current(ctx, machine.Name{Ref: m})
	if aws.CodeOf(err) == "StateMachineDoesNotExist" {
		err = &sfnapi.ExecutionDoesNotExist{Message: "Execution Does Not Exist: '" + arn + "'"}
	}
	return execution.Ref{Spot: spot, Name: name}, err
}

// StopExecution ends an execution as ABORTED.
func (s *Service) StopExecution(ctx context.Context, _ aws.Identity, in *sfnapi.StopExecutionInput) (*sfnapi.StopExecutionOutput, error) {
	ref, err := s.locate(ctx, in.ExecutionArn)
	if err != nil {
		return nil, err
	}
	at, err := s.engine.Stop(ctx, ref, &fault.Error{Name: aws.Or(in.Error, ""), Cause: aws.Or(in.Cause, "")})
	return &sfnapi.StopExecutionOutput{StopDate: at}, err
}

// RedriveExecution runs again what did not end well of an execution.
func (s *Service) RedriveExecution(ctx context.Context, _ aws.Identity, in *sfnapi.RedriveExecutionInput) (*sfnapi.RedriveExecutionOutput, error) {
	ref, err := s.locate(ctx, in.ExecutionArn)
	if err != nil {
		return nil, err
	}
	at, err := s.engine.Redrive(ctx, ref, aws.Or(in.ClientToken, ""), false)
	return &sfnapi.RedriveExecutionOutput{RedriveDate: at}, err
}

// described is what an execution is like, with its machine's revision if that is there still.
func (s *Service) described(ctx context.Context, arn string) (*execution.Description, *machine.Revision, error) {
	ref, err := s.locate(ctx, arn)
	if err != nil {
		return nil, nil, err
	}
	d, err := s.engine.Describe(ctx, ref)
	if err != nil {
		return nil, nil, err
	}
	rev, err := s.Machines.Revision(ctx, ref.Spot, d.Revision)
	return d, rev, err
}

// DescribeExecution tells what an execution is like. The data of one whose machine has a key is for those who may use the key; METADATA_ONLY
// goes without.
func (s *Service) DescribeExecution(ctx context.Context, id aws.Identity, in *sfnapi.DescribeExecutionInput) (*sfnapi.DescribeExecutionOutput, error) {
	d, rev, err := s.described(ctx, in.ExecutionArn)
	if err != nil {
		return nil, err
	}
	of := machine.Target{Revision: rev, Version: d.Version, Alias: d.Alias}
	out := &sfnapi.DescribeExecutionOutput{ExecutionArn: d.Ref.ARN(), StateMachineArn: machineOf(d, rev), Name: new(d.Ref.Short()),
		Status: sfnapi.ExecutionStatus(d.Status.String()), StartDate: d.Start, Input: new(string(d.Input)), InputDetails: included(),
		TraceHeader: aws.Some(d.Trace), MapRunArn: aws.Some(d.MapRun), StateMachineVersionArn: aws.Some(of.VersionARN()),
		StateMachineAliasArn: aws.Some(of.AliasARN()), RedriveCount: new(int32(d.Redrives)), RedriveStatus: sfnapi.ExecutionRedriveStatus(d.Redrive),
		RedriveStatusReason: aws.Some(d.Reason)}
	if !d.Stop.IsZero() {
		out.StopDate = &d.Stop
	}
	if !d.Redriven.IsZero() {
		out.RedriveDate = &d.Redriven
	}
	if d.Status == execution.Succeeded {
		out.Output, out.OutputDetails = new(string(d.Output)), included()
	}
	if d.Error != nil {
		out.Error, out.Cause = aws.Some(d.Error.Name), aws.Some(d.Error.Cause)
	}
	if in.IncludedData == sfnapi.IncludedDataMetadataOnly {
		out.Input, out.InputDetails, out.Output, out.OutputDetails, out.Error, out.Cause = nil, nil, nil, nil, nil, nil
		return out, nil
	}
	return out, s.MayRead(ctx, id, rev)
}

func included() *sfnapi.CloudWatchEventsExecutionDataDetails {
	return &sfnapi.CloudWatchEventsExecutionDataDetails{Included: new(true)}
}

// machineOf is the ARN of the machine that an execution shows: that of a child has the label of its Map state.
func machineOf(d *execution.Description, rev *machine.Revision) string {
	if label := d.Ref.Label(); label != "" {
		return rev.ARN() + "/" + label
	}
	return rev.ARN()
}

// DescribeStateMachineForExecution tells what machine an execution runs, as it was when it started.
func (s *Service) DescribeStateMachineForExecution(ctx context.Context, id aws.Identity, in *sfnapi.DescribeStateMachineForExecutionInput) (*sfnapi.DescribeStateMachineForExecutionOutput, error) {
	d, rev, err := s.described(ctx, in.ExecutionArn)
	if err != nil {
		return nil, err
	}
	out := rev.Describe()
	out.StateMachineArn, out.MapRunArn, out.Label = machineOf(d, rev), aws.Some(d.MapRun), aws.Some(d.Ref.Label())
	// What is below a label is a part of the definition, which has to be read for it.
	if in.IncludedData == sfnapi.IncludedDataMetadataOnly && (!rev.Keyed() || d.Ref.Label() == "") {
		out.Definition, out.VariableReferences = machine.NoDefinition, nil
		return out, nil
	}
	return out, s.MayRead(ctx, id, rev)
}

// ListExecutions lists the executions of a machine, or the children of a map run, the newest first.
func (s *Service) ListExecutions(ctx context.Context, _ aws.Identity, in *sfnapi.ListExecutionsInput) (*sfnapi.ListExecutionsOutput, error) {
	f, err := s.filter(ctx, in)
	if err != nil {
		return nil, err
	}
	limit := int(aws.Or(in.MaxResults, 0))
	if limit == 0 {
		limit = defaultPage
	}
	all, next, err := s.engine.List(ctx, f, limit, aws.Or(in.NextToken, ""))
	if err != nil {
		return nil, err
	}
	out := &sfnapi.ListExecutionsOutput{Executions: make([]sfnapi.ExecutionListItem, 0, len(all)), NextToken: aws.Some(next)}
	for i := range all {
		l := &all[i]
		it := sfnapi.ExecutionListItem{ExecutionArn: l.Ref.ARN(), StateMachineArn: l.Ref.Spot.ARN(), Name: l.Ref.Short(),
			Status: sfnapi.ExecutionStatus(l.Status.String()), StartDate: l.Start.Truncate(1e6), RedriveCount: new(int32(l.Redrives())),
			StateMachineVersionArn: aws.Some(l.VersionARN()), StateMachineAliasArn: aws.Some(l.AliasARN())}
		if stop := l.Stopped(); !stop.IsZero() {
			it.StopDate = &stop
		}
		if date := l.Redriven(); !date.IsZero() {
			it.RedriveDate = &date
		}
		if f.MapRun != "" {
			it.StateMachineArn += "/" + l.Ref.Label()
			it.MapRunArn, it.ItemCount = &f.MapRun, new(int32(l.Items()))
		}
		out.Executions = append(out.Executions, it)
	}
	return out, nil
}

// filter says which executions are listed.
func (s *Service) filter(ctx context.Context, in *sfnapi.ListExecutionsInput) (*execution.Filter, error) {
	f := &execution.Filter{MapRun: aws.Or(in.MapRunArn, "")}
	n := machine.Name{}
	var err error
	switch {
	case (in.StateMachineArn == nil) == (in.MapRunArn == nil):
		return nil, &sfnapi.ValidationException{Message: "Must provide State Machine ARN or Map Run ARN, but not both"}
	case in.MapRunArn != nil:
		n.Ref, _, err = execution.ParseMapRun(f.MapRun)
	default:
		n, err = machine.ParseARN(*in.StateMachineArn)
		if err == nil && n.Label != "" {
			err = machine.Labelled(*in.StateMachineArn)
		}
	}
	if err != nil {
		return nil, err
	}
	var express bool
	if f.Spot, express, err = s.Machines.Current(ctx, machine.Name{Ref: n.Ref}); err != nil {
		return nil, err
	}
	if express && in.MapRunArn == nil {
		return nil, &sfnapi.StateMachineTypeNotSupported{Message: "This operation is not supported by this type of state machine"}
	}
	if v, ok := machine.IsVersion(n.Qualifier); ok {
		f.Version = v
	} else {
		f.Alias = n.Qualifier
	}
	switch in.StatusFilter {
	case "":
	case sfnapi.ExecutionStatusPendingRedrive:
		if in.MapRunArn == nil {
			return nil, &sfnapi.ValidationException{Message: "PENDING_REDRIVE status filter is supported only for Map Runs"}
		}
		fallthrough
	default:
		f.Status = execution.StatusOf(string(in.StatusFilter))
	}
	if in.RedriveFilter != "" {
		f.Redriven = new(in.RedriveFilter == sfnapi.ExecutionRedriveFilterRedriven)
	}
	return f, nil
}
