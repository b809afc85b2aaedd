package source

import (
	"encoding/json"
	"testing"

	"github.com/brume-dev/brume/api/sqsapi"
	"github.com/brume-dev/brume/aws"
)

func messageOf(body, attribute string) *sqsapi.Message {
	id, receipt, sum := "0f6c1b3e-0000-4000-8000-000000000000", "AQEB", "5d41402abc4b2a76b9719d911017c592"
	return &sqsapi.Message{MessageId: &id, ReceiptHandle: &receipt, Body: &body, MD5OfBody: &sum,
		Attributes:        map[string]string{"ApproximateReceiveCount": "1", "SenderId": attribute, "SentTimestamp": "1", "ApproximateFirstReceiveTimestamp": "1"},
		MessageAttributes: map[string]sqsapi.MessageAttributeValue{attribute: {DataType: "String", StringValue: &attribute}}}
}

func recordsOf(t testing.TB) *Queue {
	q, err := NewQueue(QueueConfig{ARN: "arn:aws:sqs:us-east-1:000000000000:q", Caller: aws.Caller(nil)})
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// Whatever a message holds, its record is JSON that says so, for the function and for the filter.
func FuzzRecord(f *testing.F) {
	f.Add("plain", "a")
	f.Add(`{"a": [1, 2]}`, "ü\"")
	f.Add(" 5 ", "\x00")
	f.Fuzz(func(t *testing.T, body, attribute string) {
		r := recordsOf(t).record(messageOf(body, attribute), true)
		var got struct{ Body string }
		if err := json.Unmarshal(r.JSON, &got); err != nil || !json.Valid(r.look) {
			t.Fatalf("%v: %s, %s", err, r.JSON, r.look)
		}
		want, _ := json.Marshal(body) // a text: cannot fail
		var text string
		if json.Unmarshal(want, &text); got.Body != text {
			t.Errorf("body %q of %q", got.Body, body)
		}
	})
}

func BenchmarkRecord(b *testing.B) {
	q, m := recordsOf(b), messageOf(`{"id":"job-0001","parameters":{"seconds":1,"of":"brume bench"}}`, "AIDA")
	b.ReportAllocs()
	for b.Loop() {
		q.record(m, false)
	}
}
