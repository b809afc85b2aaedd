package task

import (
	"slices"

	"github.com/brume-dev/brume/asl"
	"github.com/brume-dev/brume/jsondoc"
)

// payloads are the members of results that are free JSON in optimized integrations, though the model has bytes or text there.
var payloads = []string{"Payload", "Output", "Input", "SdkHttpMetadata", "SdkResponseMetadata"}

// Mock says why a result cannot be one of the resource's; strict: also what it lacks. What functions, workers and endpoints
// answer is theirs to say.
func (r *Runner) Mock(res *asl.Resource, result any, strict bool) []string {
	if res.Style != asl.Integration || res.Pattern == asl.CallBack {
		return nil
	}
	if op := r.operation(res); op != nil {
		return r.catalogue().Conforms(op, result, strict, false)
	}
	named := r.optimized[optimizedKey(res)].op
	if named.Service == "" {
		return nil
	}
	if res.Pattern == asl.Sync {
		named.Name = "DescribeExecution"
	}
	o, ok := result.(*jsondoc.Object)
	if !ok {
		return []string{"The value for the result must be an OBJECT"}
	}
	plain := jsondoc.NewObject()
	for name, v := range o.All() {
		if _, isText := v.(string); !slices.Contains(payloads, name) && (isText || name != "StartDate" && name != "StopDate" && name != "InputDetails" && name != "OutputDetails") {
			plain.Set(name, v)
		}
	}
	for _, s := range r.Services() {
		if s.Name == named.Service {
			if op := s.Lookup(named.Name); op != nil && op.Implemented() {
				return r.catalogue().Conforms(op, plain, strict && res.Pattern != asl.Sync && named.Service != "sfn", true)
			}
		}
	}
	return nil
}
