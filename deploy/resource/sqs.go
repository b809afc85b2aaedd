package resource

import (
	"maps"
	"slices"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/deploy/resource/fit"
	"github.com/brume-dev/brume/jsondoc"
)

const maxQueueName = 80

// The properties of a queue that are attributes in the API, under the same names.
var queueAttributes = map[string]string{ // what each is when the template does not say
	"ContentBasedDeduplication": "false", "DeduplicationScope": "queue", "DelaySeconds": "0", "FifoThroughputLimit": "perQueue", "KmsDataKeyReusePeriodSeconds": "300",
	"KmsMasterKeyId": "", "MaximumMessageSize": "1048576", "MessageRetentionPeriod": "345600", "ReceiveMessageWaitTimeSeconds": "0",
	"RedriveAllowPolicy": "", "RedrivePolicy": "", "SqsManagedSseEnabled": "true", "VisibilityTimeout": "30",
}

var queueKinds = map[string]*Kind{
	"AWS::SQS::Queue":       {Create: createQueue, Update: updateQueue, Delete: deleteQueue, Replaces: []string{"QueueName", "FifoQueue"}, Name: "QueueName", Tags: true},
	"AWS::SQS::QueuePolicy": {Create: createQueuePolicy, Update: updateQueuePolicy, Delete: deleteQueuePolicy},
	"AWS::SQS::QueueInlinePolicy": {Create: putInlineQueuePolicy, Update: putInlineQueuePolicy, Delete: deleteInlineQueuePolicy,
		Replaces: []string{"Queue"}},
}

// queueAttribute is a property as the API takes it: everything is text there.
func (o *Op) queueAttribute(name string) string { return scalarOrJSON(get(o.Properties, name)) }

func createQueue(o *Op) error {
	fifo := o.text("FifoQueue") == "true"
	name := o.name("QueueName", maxQueueName)
	if fifo && !o.has("QueueName") {
		name = o.name("QueueName", maxQueueName-len(".fifo")) + ".fifo"
	}
	if err := o.vacant(name, "sqs", "GetQueueUrl", "QueueName", name); err != nil {
		return err
	}
	attributes := jsondoc.NewObject()
	for _, n := range slices.Sorted(maps.Keys(queueAttributes)) {
		if o.has(n) {
			attributes.Set(n, o.queueAttribute(n))
		}
	}
	if fifo {
		attributes.Set("FifoQueue", "true")
	}
	in := input("QueueName", name, "Attributes", attributes)
	if tags := fit.Map(get(o.properties(), "Tags")); tags.Len() > 0 {
		in.Set("tags", tags)
	}
	out, err := o.call("sqs", "CreateQueue", in)
	if err != nil {
		return err
	}
	o.Physical = textOf(out, "QueueUrl")
	o.Attributes["Arn"] = aws.MakeARN("sqs", o.ID.Region, o.ID.Account, name).String()
	o.Attributes["QueueName"], o.Attributes["QueueUrl"] = name, o.Physical
	return nil
}

func updateQueue(o *Op) error {
	attributes := jsondoc.NewObject()
	for _, n := range slices.Sorted(maps.Keys(queueAttributes)) {
		switch {
		case !o.changed(n):
		case o.has(n):
			attributes.Set(n, o.queueAttribute(n))
		case n == "KmsDataKeyReusePeriodSeconds" && o.text("KmsMasterKeyId") == "", n == "SqsManagedSseEnabled" && o.text("KmsMasterKeyId") != "":
			// which then means nothing
		default:
			attributes.Set(n, queueAttributes[n])
		}
	}
	if attributes.Len() > 0 {
		if err := o.do("sqs", "SetQueueAttributes", "QueueUrl", o.Physical, "Attributes", attributes); err != nil {
			return err
		}
	}
	return o.retag(
		func(tags *jsondoc.Object) error {
			return o.do("sqs", "TagQueue", "QueueUrl", o.Physical, "Tags", tags)
		},
		func(keys []any) error {
			return o.do("sqs", "UntagQueue", "QueueUrl", o.Physical, "TagKeys", &jsondoc.Array{Items: keys})
		})
}

func deleteQueue(o *Op) error {
	return ignoreGone(o.do("sqs", "DeleteQueue", "QueueUrl", o.Physical))
}

// setQueuePolicy gives queues a policy, or takes it away ("").
func (o *Op) setQueuePolicy(urls []string, policy string) error {
	return each(urls, func(url string) error {
		attributes := jsondoc.NewObject()
		attributes.Set("Policy", policy)
		return o.do("sqs", "SetQueueAttributes", "QueueUrl", url, "Attributes", attributes)
	})
}

func createQueuePolicy(o *Op) error {
	o.Physical = o.name("", maxQueueName)
	o.Attributes["Id"] = o.Physical
	return o.setQueuePolicy(texts(o.Properties, "Queues"), o.queueAttribute("PolicyDocument"))
}

func updateQueuePolicy(o *Op) error {
	_, leave := difference(texts(o.Old, "Queues"), texts(o.Properties, "Queues"))
	return inSequence(
		func() error { return ignoreGone(o.setQueuePolicy(leave, "")) },
		func() error {
			return o.setQueuePolicy(texts(o.Properties, "Queues"), o.queueAttribute("PolicyDocument"))
		})
}

func deleteQueuePolicy(o *Op) error {
	for _, url := range texts(o.Properties, "Queues") {
		if err := ignoreGone(o.setQueuePolicy([]string{url}, "")); err != nil {
			return err
		}
	}
	return nil
}

func putInlineQueuePolicy(o *Op) error {
	o.Physical = o.text("Queue")
	return o.setQueuePolicy([]string{o.Physical}, o.queueAttribute("PolicyDocument"))
}

func deleteInlineQueuePolicy(o *Op) error {
	return ignoreGone(o.setQueuePolicy([]string{o.Physical}, ""))
}
