package mapping

import (
	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/lambda/fault"
)

// streamSettings are those that only mappings from streams have.
// https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html
type streamSettings struct {
	start    lambdaapi.EventSourcePosition
	lanes    *int32
	to       *lambdaapi.DestinationConfig
	age      *int32
	bisect   *bool
	retries  *int32
	tumbling *int32
}

// named says which of them are given.
func (in *streamSettings) named() []foreign {
	return []foreign{{"StartingPosition", in.start != ""}, {"ParallelizationFactor", in.lanes != nil}, {"DestinationConfig", in.destination() != ""},
		{"MaximumRecordAgeInSeconds", in.age != nil}, {"BisectBatchOnFunctionError", in.bisect != nil},
		{"MaximumRetryAttempts", in.retries != nil}, {"TumblingWindowInSeconds", in.tumbling != nil}}
}

// destination is where batches go that are given up, "" when none is given.
func (in *streamSettings) destination() string {
	if in.to == nil || in.to.OnFailure == nil {
		return ""
	}
	return aws.Or(in.to.OnFailure.Destination, "")
}

func (in *streamSettings) check() error {
	if n := aws.Or(in.age, unlimited); n != unlimited && n < minRecordAge {
		return fault.Invalid("MaximumRecordAgeInSeconds must be %d, or between %d and 604800.", unlimited, minRecordAge)
	}
	if in.to != nil && in.to.OnSuccess != nil && in.to.OnSuccess.Destination != nil {
		return fault.Invalid("OnSuccess destination is not supported for event source mappings.")
	}
	return nil
}

func (in *streamSettings) apply(s *stream) {
	set(&s.Lanes, in.lanes)
	set(&s.Bisect, in.bisect)
	set(&s.MaxAge, in.age)
	set(&s.Retries, in.retries)
	set(&s.Tumbling, in.tumbling)
	if in.to != nil {
		s.OnFailure = in.destination()
	}
}

// streamOfCreate is what a new mapping from a stream begins with, and the size of its batches; nil for queues.
func streamOfCreate(a aws.ARN, in *lambdaapi.CreateEventSourceMappingRequest) (*stream, int32, error) {
	if a.Service != "dynamodb" {
		return nil, defaultBatch, nil
	}
	switch in.StartingPosition {
	case "":
		return nil, 0, fault.Invalid("1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: Member must not be null.")
	case lambdaapi.EventSourcePositionAtTimestamp:
		return nil, 0, fault.Invalid("Unsupported starting position for arn type: %s", a)
	}
	return &stream{Start: string(in.StartingPosition), Lanes: 1, MaxAge: unlimited, Retries: unlimited}, defaultStreamBatch, nil
}

func (s *stream) describe(out *lambdaapi.EventSourceMappingConfiguration) {
	reason, result := "User action", "No records processed"
	out.StateTransitionReason, out.LastProcessingResult = &reason, &result
	out.StartingPosition = lambdaapi.EventSourcePosition(s.Start)
	out.ParallelizationFactor, out.BisectBatchOnFunctionError = &s.Lanes, &s.Bisect
	out.MaximumRecordAgeInSeconds, out.MaximumRetryAttempts, out.TumblingWindowInSeconds = &s.MaxAge, &s.Retries, &s.Tumbling
	out.DestinationConfig = &lambdaapi.DestinationConfig{OnFailure: &lambdaapi.OnFailure{Destination: aws.Some(s.OnFailure)}}
}
