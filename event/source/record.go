package source

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"

	"github.com/brume-dev/brume/api/sqsapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/jsondoc"
)

// attributeOrder is in which order AWS writes a message's system attributes.
func attributeOrder() []string {
	return []string{"ApproximateReceiveCount", "AWSTraceHeader", "SentTimestamp", "SequenceNumber", "MessageGroupId", "SenderId",
		"MessageDeduplicationId", "ApproximateFirstReceiveTimestamp"}
}

// record is a message as an event: with filtered, also as filters look at it.
// https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html#example-standard-queue-message-event
func (q *Queue) record(m *sqsapi.Message, filtered bool) Record {
	r := Record{ID: aws.Or(m.MessageId, ""), receipt: aws.Or(m.ReceiptHandle, ""), Trace: m.Attributes["AWSTraceHeader"], group: m.Attributes["MessageGroupId"]}
	r.JSON = q.appendRecord(make([]byte, 0, len(aws.Or(m.Body, ""))+1024), m, false)
	if filtered {
		r.look = r.JSON
		if json.Valid([]byte(aws.Or(m.Body, ""))) {
			r.look = q.appendRecord(make([]byte, 0, cap(r.JSON)), m, true)
		}
	}
	return r
}

// appendRecord writes a message; parsed has its body, which is JSON then, stand there as it is and not as a string.
func (q *Queue) appendRecord(b []byte, m *sqsapi.Message, parsed bool) []byte {
	b = append(b, '{')
	b = appendMember(b, "messageId", aws.Or(m.MessageId, ""))
	b = appendMember(append(b, ','), "receiptHandle", aws.Or(m.ReceiptHandle, ""))
	if parsed {
		b = append(append(b, `,"body":`...), aws.Or(m.Body, "")...)
	} else {
		b = appendMember(append(b, ','), "body", aws.Or(m.Body, ""))
	}
	b = appendAttributes(append(b, `,"attributes":{`...), m.Attributes)
	b = append(b, `},"messageAttributes":{`...)
	for i, name := range slices.Sorted(maps.Keys(m.MessageAttributes)) {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendMessageAttribute(b, name, m.MessageAttributes[name])
	}
	b = append(b, '}')
	if m.MD5OfMessageAttributes != nil {
		b = appendMember(append(b, ','), "md5OfMessageAttributes", *m.MD5OfMessageAttributes)
	}
	b = appendMember(append(b, ','), "md5OfBody", aws.Or(m.MD5OfBody, ""))
	b = append(b, `,"eventSource":"aws:sqs"`...)
	b = appendMember(append(b, ','), "eventSourceARN", q.ARN)
	b = appendMember(append(b, ','), "awsRegion", q.arn.Region)
	return append(b, '}')
}

func appendAttributes(b []byte, attributes map[string]string) []byte {
	order, n := attributeOrder(), 0
	put := func(name string) {
		v, ok := attributes[name]
		if !ok {
			return
		}
		if n++; n > 1 {
			b = append(b, ',')
		}
		b = appendMember(b, name, v)
	}
	for _, name := range order {
		put(name)
	}
	if n == len(attributes) {
		return b
	}
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		if !slices.Contains(order, name) {
			put(name)
		}
	}
	return b
}

func appendMessageAttribute(b []byte, name string, a sqsapi.MessageAttributeValue) []byte {
	b = append(jsondoc.AppendString(b, name), ":{"...)
	if a.StringValue != nil {
		b = append(appendMember(b, "stringValue", *a.StringValue), ',')
	}
	if a.BinaryValue != nil {
		b = append(appendMember(b, "binaryValue", base64.StdEncoding.EncodeToString(a.BinaryValue)), ',')
	}
	b = append(b, `"stringListValues":[],"binaryListValues":[],`...)
	return append(appendMember(b, "dataType", a.DataType), '}')
}

func appendMember(b []byte, name, value string) []byte {
	b = append(append(append(b, '"'), name...), `":`...)
	return jsondoc.AppendString(b, value)
}
