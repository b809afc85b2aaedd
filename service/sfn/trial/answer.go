package trial

import (
	"math"

	"github.com/brume-dev/brume/api/sfnapi"
	"github.com/brume-dev/brume/asl"
	"github.com/brume-dev/brume/asl/fault"
	"github.com/brume-dev/brume/aws"
)

// answer tells how the state ended with its last command.
func (t *trial) answer(c *asl.Command) *sfnapi.TestStateOutput {
	out := &sfnapi.TestStateOutput{}
	failed := func(e *fault.Error) {
		if e != nil {
			out.Error, out.Cause = aws.Some(e.Name), aws.Some(e.Cause)
		}
	}
	switch {
	case c.Do == asl.End:
		out.Status, out.Output = sfnapi.TestExecutionStatusSucceeded, text(t.thread.Output)
	case c.Do == asl.Yield && t.inspect.CatchIndex >= 0:
		out.Status, out.Output, out.NextState = sfnapi.TestExecutionStatusCaughtError, text(t.thread.Input), aws.Some(t.thread.State)
		failed(t.failure)
	case c.Do == asl.Yield:
		out.Status, out.Output, out.NextState = sfnapi.TestExecutionStatusSucceeded, text(t.thread.Input), aws.Some(t.thread.State)
	case c.Do == asl.Sleep && t.thread.Phase == asl.Backoff:
		out.Status = sfnapi.TestExecutionStatusRetriable
		failed(t.failure)
	default:
		out.Status = sfnapi.TestExecutionStatusFailed
		if t.thread.Error != nil {
			failed(t.thread.Error)
		} else {
			failed(t.failure)
		}
	}
	if level := t.in.InspectionLevel; level == sfnapi.InspectionLevelDebug || level == sfnapi.InspectionLevelTrace {
		out.InspectionData = t.inspection()
	}
	return out
}

func text(b []byte) *string {
	if b == nil {
		return nil
	}
	return new(string(b))
}

// inspection is the data on its way through the state.
func (t *trial) inspection() *sfnapi.InspectionData {
	i := &t.inspect
	out := &sfnapi.InspectionData{Input: text(i.Input), AfterArguments: text(i.AfterArguments), AfterInputPath: text(i.AfterInputPath),
		AfterParameters: text(i.AfterParameters), Result: text(i.Result), AfterResultSelector: text(i.AfterResultSelector),
		AfterResultPath: text(i.AfterResultPath), Variables: text(i.Variables), AfterItemsPath: text(i.AfterItemsPath),
		AfterItemSelector: text(i.AfterItemSelector), AfterItemBatcher: text(t.itemBatcher), AfterItemsPointer: text(t.itemsPointer),
		ToleratedFailureCount: small(i.ToleratedFailureCount), MaxConcurrency: small(i.MaxConcurrency)}
	if p := i.ToleratedFailurePercentage; p != nil {
		out.ToleratedFailurePercentage = new(float32(*p))
	}
	if i.CatchIndex >= 0 || i.RetryIndex >= 0 {
		d := &sfnapi.InspectionErrorDetails{}
		if i.CatchIndex >= 0 {
			d.CatchIndex = new(int32(i.CatchIndex))
		}
		if i.RetryIndex >= 0 {
			d.RetryIndex, d.RetryBackoffIntervalSeconds = new(int32(i.RetryIndex)), new(int32(math.Ceil(i.RetryBackoff.Seconds())))
		}
		out.ErrorDetails = d
	}
	if x := t.web; x != nil && t.in.InspectionLevel == sfnapi.InspectionLevelTrace {
		out.Request = &sfnapi.InspectionDataRequest{Protocol: aws.Some(x.Protocol), Method: aws.Some(x.Method), Url: aws.Some(x.URL),
			Headers: aws.Some(x.RequestHeader), Body: aws.Some(x.RequestBody)}
		if x.StatusCode != "" {
			out.Response = &sfnapi.InspectionDataResponse{Protocol: aws.Some(x.Protocol), StatusCode: aws.Some(x.StatusCode), StatusMessage: aws.Some(x.StatusMessage),
				Headers: aws.Some(x.ResponseHeader), Body: aws.Some(x.ResponseBody)}
		}
	}
	return out
}

func small(n *int64) *int32 {
	if n == nil {
		return nil
	}
	return new(int32(min(*n, math.MaxInt32)))
}
