package bench

import (
	"context"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

const (
	receivers   = 3                // queues that a topic has
	fanPatience = 60 * time.Second // for messages that are on their way
)

// topicCall is a request of SNS, which speaks the Query protocol.
func topicCall(action string, form url.Values) *request {
	form.Set("Action", action)
	form.Set("Version", "2010-03-31")
	return &request{service: "sns", method: http.MethodPost, path: "/", body: []byte(form.Encode()),
		header: map[string]string{"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}}
}

// fanOut publishes to a topic that has three queues. A message counts when it can be received from all of them: the time that
// the last ones of a slice take to arrive counts too, so that a backlog shows.
func fanOut(ctx context.Context, r *rig) error {
	for _, raw := range []bool{false, true} {
		label := map[bool]string{false: "envelope", true: "raw"}[raw]
		name := r.name + "-" + label
		b, err := r.call(ctx, topicCall("CreateTopic", url.Values{"Name": {name}}))
		if err != nil {
			return err
		}
		var made struct {
			ARN string `xml:"CreateTopicResult>TopicArn"`
		}
		if err := xml.Unmarshal(b, &made); err != nil {
			return err
		}
		r.later(func(ctx context.Context) error {
			_, err := r.call(ctx, topicCall("DeleteTopic", url.Values{"TopicArn": {made.ARN}}))
			return err
		})
		var queues []string
		for i := range receivers {
			at, err := r.subscribedQueue(ctx, fmt.Sprint(name, "-", i), made.ARN, raw)
			if err != nil {
				return err
			}
			queues = append(queues, at)
		}
		requests := make([]*request, 256)
		for i := range requests {
			requests[i] = topicCall("Publish", url.Values{"TopicArn": {made.ARN}, "Message": {string(text(payload(i)))}})
		}
		settled := func(ctx context.Context, n int) error { return r.arrived(ctx, queues, n) }
		if err := r.measure(ctx, measurement{label: "publish " + label, requests: requests, connections: r.Connections, synced: true, settled: settled}); err != nil {
			return err
		}
	}
	return nil
}

// subscribedQueue makes a queue that the topic may send to, subscribes it and returns its URL.
func (r *rig) subscribedQueue(ctx context.Context, name, topic string, raw bool) (string, error) {
	call := func(op string, in document, out any) error {
		return r.json(ctx, awsJSON("sqs", "1.0", "AmazonSQS."+op, in), out)
	}
	var made struct{ QueueUrl string }
	if err := call("CreateQueue", document{"QueueName": name}, &made); err != nil {
		return "", err
	}
	r.later(func(ctx context.Context) error {
		return r.json(ctx, awsJSON("sqs", "1.0", "AmazonSQS.DeleteQueue", document{"QueueUrl": made.QueueUrl}), nil)
	})
	var out struct{ Attributes struct{ QueueArn string } }
	if err := call("GetQueueAttributes", document{"QueueUrl": made.QueueUrl, "AttributeNames": []string{"QueueArn"}}, &out); err != nil {
		return "", err
	}
	policy := text(document{"Version": "2012-10-17", "Statement": document{"Effect": "Allow", "Principal": document{"Service": "sns.amazonaws.com"},
		"Action": "sqs:SendMessage", "Resource": out.Attributes.QueueArn, "Condition": document{"ArnEquals": document{"aws:SourceArn": topic}}}})
	if err := call("SetQueueAttributes", document{"QueueUrl": made.QueueUrl, "Attributes": document{"Policy": string(policy)}}, nil); err != nil {
		return "", err
	}
	_, err := r.call(ctx, topicCall("Subscribe", url.Values{"TopicArn": {topic}, "Protocol": {"sqs"}, "Endpoint": {out.Attributes.QueueArn},
		"Attributes.entry.1.key": {"RawMessageDelivery"}, "Attributes.entry.1.value": {strconv.FormatBool(raw)}}))
	return made.QueueUrl, err
}

// arrived waits until each queue has n messages.
func (r *rig) arrived(ctx context.Context, queues []string, n int) error {
	const visible = "ApproximateNumberOfMessages"
	began := time.Now()
	for _, at := range queues {
		for {
			var out struct{ Attributes map[string]string }
			in := document{"QueueUrl": at, "AttributeNames": []string{visible}}
			if err := r.json(ctx, awsJSON("sqs", "1.0", "AmazonSQS.GetQueueAttributes", in), &out); err != nil {
				return err
			}
			there, err := strconv.Atoi(out.Attributes[visible])
			if err != nil {
				return err
			}
			if there >= n {
				break
			}
			if time.Since(began) > fanPatience {
				return fmt.Errorf("%d of %d messages have come to %s", there, n, at)
			}
			time.Sleep(2 * time.Millisecond)
		}
	}
	return nil
}
