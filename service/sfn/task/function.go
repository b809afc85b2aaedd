package task

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"strconv"

	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/asl/fault"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/jsondoc"
	"github.com/brume-dev/brume/service/sfn/task/sdk"
)

// invokeFunction invokes the function that the state's Resource is: its input is the payload, its payload the result.
// https://docs.aws.amazon.com/step-functions/latest/dg/connect-lambda.html
func (a *attempt) invokeFunction(ctx context.Context) ([]byte, error) {
	out, err := a.invoke(ctx, &lambdaapi.InvocationRequest{FunctionName: a.Request.Call.Resource.Text, Payload: a.Request.Call.Arguments})
	if err != nil {
		return nil, err
	}
	return payload(out), nil
}

// payload is what a function returned; one that returned nothing returned null.
func payload(out *lambdaapi.InvocationResponse) []byte {
	if len(out.Payload) == 0 {
		return []byte("null")
	}
	return out.Payload
}

// invoke is the integration of Lambda with its parameters.
func invoke(ctx context.Context, a *attempt, arguments *jsondoc.Object) ([]byte, error) {
	in, problems := invocation(arguments)
	if problems != nil {
		return nil, a.unusable(problems)
	}
	out, err := a.invoke(ctx, in)
	if err != nil {
		return nil, err
	}
	status := 200
	if out.StatusCode != nil {
		status = int(*out.StatusCode)
	}
	result, more := jsondoc.NewObject(), []header{{"Connection", "keep-alive"}, {"Content-Type", "application/json"}}
	if out.ExecutedVersion != nil {
		result.Set("ExecutedVersion", *out.ExecutedVersion)
		more = append(more, header{"X-Amz-Executed-Version", *out.ExecutedVersion})
	}
	if len(out.Payload) > 0 {
		v, err := jsondoc.Parse(out.Payload)
		if err != nil {
			v = string(out.Payload)
		}
		result.Set("Payload", v)
	}
	if a.Trace != "" {
		more = append(more, header{"X-Amzn-Trace-Id", a.Trace})
	}
	a.describe(result, len(out.Payload), status, more)
	result.Set("StatusCode", json.Number(strconv.Itoa(status)))
	return jsondoc.Append(nil, result), nil
}

// invocation reads the arguments of lambda:invoke.
func invocation(arguments *jsondoc.Object) (in *lambdaapi.InvocationRequest, problems []string) {
	in = &lambdaapi.InvocationRequest{}
	for name, v := range arguments.All() {
		if name == "Payload" {
			in.Payload = jsondoc.Append(nil, v)
			continue
		}
		if name == "ClientContext" && v != nil {
			if _, isText := v.(string); !isText { // an object is sent as the header wants it
				in.ClientContext = new(base64.StdEncoding.EncodeToString(jsondoc.Append(nil, v)))
				continue
			}
		}
		s, ok := v.(string)
		if !ok {
			if v != nil {
				problems = append(problems, "The value for the field '"+name+"' must be a STRING")
			}
			continue
		}
		switch name {
		case "FunctionName":
			in.FunctionName = s
		case "InvocationType":
			in.InvocationType = lambdaapi.InvocationType(s)
		case "Qualifier":
			in.Qualifier = &s
		case "ClientContext":
			in.ClientContext = &s
		}
	}
	return in, problems
}

// invoke invokes a function and turns errors of the call and of the function into those of the task.
func (a *attempt) invoke(ctx context.Context, in *lambdaapi.InvocationRequest) (*lambdaapi.InvocationResponse, error) {
	id := a.id
	if arn, err := aws.ParseARN(in.FunctionName); err == nil && arn.Region != "" {
		id.Region = arn.Region
	}
	out, err := a.functions.Invoke(ctx, id, in)
	if err != nil {
		return nil, a.timely(ctx, sdk.Old("Lambda", "AWSLambda", "AWSLambdaException", err, a.Key))
	}
	if out.FunctionError != nil {
		return nil, functionError(out.Payload)
	}
	return out, nil
}

// functionError is a function's own failure: the error's type is the name, its payload the cause.
func functionError(body []byte) *fault.Error {
	var e struct {
		ErrorType *string `json:"errorType"`
	}
	if err := json.Unmarshal(body, &e); err == nil && e.ErrorType != nil && *e.ErrorType != "" {
		return &fault.Error{Name: *e.ErrorType, Cause: string(body)}
	}
	return fault.New("Lambda.Unknown", "The cause could not be determined because Lambda did not return an error type. Returned payload: %s", body)
}
