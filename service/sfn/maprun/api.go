package maprun

import (
	"context"
	"time"

	"github.com/brume-dev/brume/api/sfnapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/sfn/execution"
	"github.com/brume-dev/brume/service/sfn/machine"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/page"
)

// find is the map run with an ARN. Errors are InvalidArn and ResourceNotFound.
func (r *Runs) find(ctx context.Context, arn string) (key, error) {
	ref, id, err := parseARN(arn)
	if err != nil {
		return key{}, err
	}
	spot, _, err := r.Machine(ctx, machine.Name{Ref: ref})
	if err != nil {
		return key{}, noRun(arn)
	}
	return key{spot.Account, spot.Region, spot.Name, spot.ID, id}, nil
}

func noRun(arn string) error {
	return &sfnapi.ResourceNotFound{Message: "Map Run Does Not Exist: '" + arn + "'", ResourceName: aws.Some(arn)}
}

// DescribeMapRun returns what a map run is like.
// https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeMapRun.html
func (r *Runs) DescribeMapRun(ctx context.Context, id aws.Identity, in *sfnapi.DescribeMapRunInput) (*sfnapi.DescribeMapRunOutput, error) {
	k, err := r.find(ctx, in.MapRunArn)
	if err != nil {
		return nil, err
	}
	return store.View(ctx, r.shard(k), func(_ context.Context, rd store.Reader) (*sfnapi.DescribeMapRunOutput, error) {
		rec, err := getLarge[run](rd, k.record())
		if err != nil {
			return nil, err
		}
		p, err := get[progress](rd, k.progress())
		if err != nil {
			return nil, err
		}
		if rec == nil || p == nil || rec.ARN != in.MapRunArn {
			return nil, noRun(in.MapRunArn)
		}
		return describe(k, rec, p), nil
	})
}

func describe(k key, rec *run, p *progress) *sfnapi.DescribeMapRunOutput {
	waiting := p.waiting()
	children := rec.batches(waiting)
	out := &sfnapi.DescribeMapRunOutput{MapRunArn: rec.ARN, ExecutionArn: execution.Ref{Spot: k.spot(), Name: rec.Execution}.ARN(),
		Status: sfnapi.MapRunStatus(rec.Status), StartDate: milli(rec.Start), MaxConcurrency: int32(p.Max),
		ToleratedFailureCount: max(0, p.Count), ToleratedFailurePercentage: float32(max(0, p.Percent)), RedriveCount: new(int32(rec.Redrives)),
		ItemCounts: &sfnapi.MapRunItemCounts{Pending: waiting, Running: p.OpenItems, Succeeded: p.Items[execution.Succeeded], Failed: p.Items[execution.Failed],
			TimedOut: p.Items[execution.TimedOut], Aborted: p.Items[execution.Aborted], PendingRedrive: new(p.Items[execution.PendingRedrive]),
			FailuresNotRedrivable: new(int64(0)), ResultsWritten: p.WrittenItems, Total: waiting + p.OpenItems + p.Items.ended()},
		ExecutionCounts: &sfnapi.MapRunExecutionCounts{Pending: children, Running: p.Open, Succeeded: p.Children[execution.Succeeded], Failed: p.Children[execution.Failed],
			TimedOut: p.Children[execution.TimedOut], Aborted: p.Children[execution.Aborted], PendingRedrive: new(p.Children[execution.PendingRedrive]),
			FailuresNotRedrivable: new(int64(0)), ResultsWritten: p.Written, Total: children + p.Open + p.Children.ended()}}
	if rec.Stop != 0 {
		out.StopDate = new(milli(rec.Stop))
	}
	if rec.Redriven != 0 {
		out.RedriveDate = new(milli(rec.Redriven))
	}
	return out
}

func milli(us int64) time.Time { return moment(us).Truncate(time.Millisecond) }

// ListMapRuns lists the map runs of an execution, the newest first.
// https://docs.aws.amazon.com/step-functions/latest/apireference/API_ListMapRuns.html
func (r *Runs) ListMapRuns(ctx context.Context, id aws.Identity, in *sfnapi.ListMapRunsInput) (*sfnapi.ListMapRunsOutput, error) {
	ref, name, err := execution.ParseARN(in.ExecutionArn)
	if err != nil {
		return nil, err
	}
	none := &sfnapi.ExecutionDoesNotExist{Message: "Execution Does Not Exist: '" + in.ExecutionArn + "'"}
	spot, _, err := r.Machine(ctx, machine.Name{Ref: ref})
	if err != nil {
		return nil, none
	}
	parent := execution.Ref{Spot: spot, Name: name}
	if _, err := r.Engine.Describe(ctx, parent); err != nil {
		return nil, err
	}
	p, err := page.New(page.Size(in.MaxResults, listed), in.NextToken)
	if err != nil {
		return nil, &sfnapi.InvalidToken{Message: "Invalid Token: 'Invalid token'"}
	}
	k := key{Account: spot.Account, Region: spot.Region, Machine: spot.Name, ID: spot.ID}
	out := &sfnapi.ListMapRunsOutput{MapRuns: []sfnapi.MapRunListItem{}}
	err = r.shard(k).View(ctx, func(_ context.Context, rd store.Reader) error {
		out.MapRuns = out.MapRuns[:0]
		return p.Keys(rd, k.listed(name), func(at *store.Elements, _ store.Value) (bool, error) {
			at.Uint()
			k.Run = at.Text()
			rec, err := getLarge[run](rd, k.record())
			if err != nil || rec == nil {
				return false, err
			}
			item := sfnapi.MapRunListItem{ExecutionArn: parent.ARN(), MapRunArn: rec.ARN, StateMachineArn: spot.ARN() + "/" + rec.Label, StartDate: milli(rec.Start)}
			if rec.Stop != 0 {
				item.StopDate = new(milli(rec.Stop))
			}
			out.MapRuns = append(out.MapRuns, item)
			return true, nil
		})
	})
	out.NextToken = p.Token()
	return out, err
}

// UpdateMapRun changes how many children run at once, and what is tolerated.
// https://docs.aws.amazon.com/step-functions/latest/apireference/API_UpdateMapRun.html
func (r *Runs) UpdateMapRun(ctx context.Context, id aws.Identity, in *sfnapi.UpdateMapRunInput) (*sfnapi.UpdateMapRunOutput, error) {
	k, err := r.find(ctx, in.MapRunArn)
	if err != nil {
		return nil, err
	}
	if in.MaxConcurrency == nil && in.ToleratedFailureCount == nil && in.ToleratedFailurePercentage == nil {
		return nil, &sfnapi.ValidationException{Message: "At least one of maxConcurrency, toleratedFailureCount or toleratedFailurePercentage must be specified"}
	}
	_, err = r.shard(k).Update(ctx, func(_ context.Context, tx store.Tx) error {
		rec, err := getLarge[run](tx, k.record())
		if err != nil {
			return err
		}
		p, err := get[progress](tx, k.progress())
		if err != nil {
			return err
		}
		if rec == nil || p == nil || rec.ARN != in.MapRunArn {
			return noRun(in.MapRunArn)
		}
		if rec.Status != "RUNNING" {
			return &sfnapi.ValidationException{Message: "Map Run is not running: '" + in.MapRunArn + "'"}
		}
		p.Max = int(aws.Or(in.MaxConcurrency, int32(p.Max)))
		p.Count = aws.Or(in.ToleratedFailureCount, p.Count)
		p.Percent = float64(aws.Or(in.ToleratedFailurePercentage, float32(p.Percent)))
		return r.settle(tx, k, p)
	})
	return &sfnapi.UpdateMapRunOutput{}, err
}
