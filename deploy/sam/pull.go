package sam

import (
	"bytes"
	"slices"

	"github.com/brume-dev/brume/jsondoc"
)

// streamExecution is the policy of a role that reads streams of DynamoDB.
const streamExecution = "AWSLambdaDynamoDBExecutionRole"

// streamEvent has a function invoked with the records of a stream.
// https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-function-dynamodb.html
func (t *transformer) streamEvent(id, name string, r, props *jsondoc.Object, function any) error {
	stream := get(props, "Stream")
	switch {
	case stream == nil:
		return badResource(id, "Event with id [%s] is invalid. Missing required property 'Stream'.", name)
	case get(props, "StartingPosition") == nil:
		return badResource(id, "Event with id [%s] is invalid. Missing required property 'StartingPosition'.", name)
	}
	return t.mapping(id, id+name, r, props, stream, function, streamExecution)
}

// mapping makes the event source mapping of a queue or stream. When SAM has made the role of the function, it gets the
// policy that lets it read, and one to send what is given up to where that goes.
func (t *transformer) mapping(id, name string, r, props *jsondoc.Object, source, function any, policy string) error {
	m := obj("EventSourceArn", source, "FunctionName", function)
	pick(props, m, "StartingPosition", "StartingPositionTimestamp", "BatchSize", "Enabled", "MaximumBatchingWindowInSeconds", "MaximumRetryAttempts",
		"BisectBatchOnFunctionError", "MaximumRecordAgeInSeconds", "ParallelizationFactor", "TumblingWindowInSeconds", "FunctionResponseTypes",
		"FilterCriteria", "KmsKeyArn", "ScalingConfig", "ProvisionedPollerConfig", "MetricsConfig")
	inline, err := t.onFailure(id, name, m, props)
	if err != nil {
		return err
	}
	t.emit(name, "AWS::Lambda::EventSourceMapping", m, r, true)
	role := object(object(t.out, id+"Role"), "Properties")
	policies, ok := get(role, "ManagedPolicyArns").(*jsondoc.Array)
	if !ok {
		return nil
	}
	if arn := managedPolicy(policy); !slices.Contains(policies.Items, any(arn)) {
		policies.Items = append(policies.Items, arn)
	}
	if inline == nil {
		return nil
	}
	own := list(role, "Policies")
	document := pythonJSON(nil, get(inline, "PolicyDocument"))
	for _, p := range own.Items {
		if o, ok := p.(*jsondoc.Object); ok && bytes.Equal(pythonJSON(nil, get(o, "PolicyDocument")), document) {
			return nil
		}
	}
	own.Items = append(own.Items, inline)
	return nil
}

// onFailure writes where goes what is given up, and returns the policy that is needed for that; nil: none that SAM knows.
func (t *transformer) onFailure(id, name string, m, props *jsondoc.Object) (policy *jsondoc.Object, err error) {
	config, ok := get(props, "DestinationConfig").(*jsondoc.Object)
	if !ok {
		return nil, nil
	}
	failure, ok := get(config, "OnFailure").(*jsondoc.Object)
	if !ok {
		return nil, badResource(id, "Event with id [%s] is invalid. Property 'DestinationConfig.OnFailure' should be a map.", name)
	}
	kind, to := text(failure, "Type"), get(failure, "Destination")
	out := jsondoc.NewObject()
	for k, v := range failure.All() {
		if k != "Type" {
			out.Set(k, v)
		}
	}
	m.Set("DestinationConfig", obj("OnFailure", out))
	allow := func(action string, resource any) any {
		return obj("Action", action, "Effect", "Allow", "Resource", resource)
	}
	var statements *jsondoc.Array
	switch kind {
	case "", "Kafka":
		return nil, nil
	case "SQS":
		statements = arr(allow("sqs:SendMessage", to))
	case "SNS":
		statements = arr(allow("sns:publish", to))
	case "S3":
		statements = arr(allow("s3:PutObject", obj("Fn::Join", arr("/", arr(to, "*")))), allow("s3:ListBucket", to))
	default:
		return nil, badResource(id, "Event with id [%s] is invalid. The only valid values for 'Type' are 'SQS', 'SNS', 'S3', and 'Kafka'", name)
	}
	return obj("PolicyName", name+kind+"Policy", "PolicyDocument", obj("Statement", statements)), nil
}
