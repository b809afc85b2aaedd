package sam

import (
	"encoding/json"

	"github.com/brume-dev/brume/jsondoc"
)

// queueExecution is the policy of a role that reads queues.
const queueExecution = "AWSLambdaSQSQueueExecutionRole"

// queueEvent has a function invoked with the messages of a queue.
// https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-function-sqs.html
func (t *transformer) queueEvent(id, name string, r, props *jsondoc.Object, function any) error {
	queue := get(props, "Queue")
	if queue == nil {
		return badResource(id, "Event with id [%s] is invalid. No Queue (for SQS) or Stream (for Kinesis, DynamoDB or MSK) or Broker (for Amazon MQ) provided.", name)
	}
	return t.mapping(id, id+name, r, props, queue, function, queueExecution)
}

// topicEvent subscribes a function to a topic, directly or by way of a queue.
// https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-function-sns.html
func (t *transformer) topicEvent(id, name string, r, props *jsondoc.Object, function, arn any) error {
	topic := get(props, "Topic")
	if topic == nil {
		return badResource(id, "Event with id [%s] is invalid. Missing required property 'Topic'.", name)
	}
	subscription := obj("Protocol", "lambda", "Endpoint", arn, "TopicArn", topic)
	pick(props, subscription, "FilterPolicy", "FilterPolicyScope", "RedrivePolicy", "Region")
	way := t.value(get(props, "SqsSubscription"))
	if way == nil || way == false || way == "false" {
		t.permission(id+name+"Permission", r, function, "sns.amazonaws.com", topic)
		t.emit(id+name, "AWS::SNS::Subscription", subscription, r, true)
		return nil
	}
	queue, url := att(id+name+"Queue", "Arn"), ref(id+name+"Queue")
	policy := id + name + "QueuePolicy"
	settings := obj("BatchSize", json.Number("10"), "Enabled", true)
	if own, ok := way.(*jsondoc.Object); ok {
		queue, url = get(own, "QueueArn"), get(own, "QueueUrl")
		if queue == nil || url == nil {
			return badResource(id, "Event with id [%s] is invalid. No QueueARN or QueueURL provided.", name)
		}
		if given := text(own, "QueuePolicyLogicalId"); given != "" {
			policy = given
		}
		pick(own, settings, "BatchSize", "Enabled")
	} else {
		t.emit(id+name+"Queue", "AWS::SQS::Queue", jsondoc.NewObject(), r, true)
	}
	t.emit(policy, "AWS::SQS::QueuePolicy", obj("PolicyDocument", obj("Version", "2012-10-17", "Statement", arr(
		obj("Action", "sqs:SendMessage", "Effect", "Allow", "Principal", "*", "Resource", queue,
			"Condition", obj("ArnEquals", obj("aws:SourceArn", topic))))), "Queues", arr(url)), r, true)
	subscription.Set("Protocol", "sqs")
	subscription.Set("Endpoint", queue)
	t.emit(id+name, "AWS::SNS::Subscription", subscription, r, true)
	return t.mapping(id, id+name+"EventSourceMapping", r, settings, queue, function, queueExecution)
}
