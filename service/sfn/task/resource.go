package task

import (
	"fmt"
	"strings"

	"github.com/brume-dev/brume/asl"
	"github.com/brume-dev/brume/aws"
)

// sdkPrefix begins the service of an SDK integration.
const sdkPrefix = "aws-sdk:"

// NotRecognized is what AWS says of a Resource that it does not have, and of those that Brume does not have.
func NotRecognized(resource string) string {
	return fmt.Sprintf("The resource provided %s is not recognized. The value is not a valid resource ARN, or the resource is not available in this region.", resource)
}

// Check says why a Task state cannot have the resource; empty when it can. express says that the machine is an express one,
// whose tasks cannot wait for jobs, tokens or activities.
func (r *Runner) Check(res *asl.Resource, express bool) string {
	ok := false
	switch res.Style {
	case asl.LambdaFunction:
		a, err := aws.ParseARN(res.Text)
		kind, name := a.Split()
		ok = err == nil && a.Service == "lambda" && kind == "function" && name != "" && a.Region != "" && a.Account != ""
	case asl.Activity:
		if express {
			return "Activity is not supported for the EXPRESS state machine type"
		}
		ok = true
	default:
		if _, isSDK := strings.CutPrefix(res.Service, sdkPrefix); isSDK {
			ok = r.operation(res) != nil && res.Pattern != asl.Sync
		} else if o, there := r.optimized[optimizedKey(res)]; there {
			ok = o.takes(res)
		}
	}
	if !ok {
		return NotRecognized(res.Text)
	}
	if express && res.Pattern != asl.RequestResponse {
		return fmt.Sprintf("The service integration pattern of %s is not supported for the EXPRESS state machine type", res.Text)
	}
	return ""
}

// operation is the operation of an SDK integration, nil when there is none.
func (r *Runner) operation(res *asl.Resource) *aws.Operation {
	return r.catalogue().Find(strings.TrimPrefix(res.Service, sdkPrefix), res.Action)
}

// CheckFields says what is wrong with the names of the fields that a definition gives a task as Parameters or Arguments
// (without the ".$" of paths). whole says that these are all of them: none comes from an expression.
func (r *Runner) CheckFields(res *asl.Resource, fields []string, whole bool) []string {
	if res.Style != asl.Integration {
		return nil
	}
	if o, ok := r.optimized[optimizedKey(res)]; ok {
		return o.check(fields, whole)
	}
	if op := r.operation(res); op != nil {
		return r.catalogue().Supports(op, fields)
	}
	return nil
}

// Operation is the operation that a resource is a call of; zero for what is none, HTTP tasks and API Gateway's.
func (r *Runner) Operation(res *asl.Resource) aws.Op {
	if res.Style == asl.LambdaFunction {
		return aws.Op{Service: "lambda", Name: "Invoke"}
	}
	if op := r.operation(res); op != nil {
		return op.Op
	}
	return r.optimized[optimizedKey(res)].op
}

func optimizedKey(res *asl.Resource) string { return res.Service + ":" + res.Action }
