package sqs_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/brume-dev/brume/api/sqsapi"
	"github.com/brume-dev/brume/aws"
)

func TestAccess(t *testing.T) {
	r := newRig(t)
	policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"sqs:*","Resource":"*"}]}`
	url := r.create("q", "Policy", policy)
	to := arnOf + "other"
	neighbour := me
	neighbour.Account = "999988887777"
	for _, c := range []struct {
		op   string
		in   any
		want string
		id   aws.Identity
	}{
		{"SendMessage", &sqsapi.SendMessageRequest{QueueUrl: url}, "sqs:SendMessage q policy", me},
		{"SendMessageBatch", &sqsapi.SendMessageBatchRequest{QueueUrl: url}, "sqs:SendMessage q policy", neighbour},
		{"DeleteMessageBatch", &sqsapi.DeleteMessageBatchRequest{QueueUrl: url}, "sqs:DeleteMessage q policy", me},
		{"ChangeMessageVisibilityBatch", &sqsapi.ChangeMessageVisibilityBatchRequest{QueueUrl: url}, "sqs:ChangeMessageVisibility q policy", me},
		{"DeleteQueue", &sqsapi.DeleteQueueRequest{QueueUrl: url}, "sqs:DeleteQueue q policy", me},
		{"DeleteQueue", &sqsapi.DeleteQueueRequest{QueueUrl: url}, "sqs:DeleteQueue q", neighbour}, // no policy lets others do that
		{"GetQueueUrl", &sqsapi.GetQueueUrlRequest{QueueName: "q", QueueOwnerAWSAccountId: &me.Account}, "sqs:GetQueueUrl q policy", neighbour},
		{"SendMessage", &sqsapi.SendMessageRequest{QueueUrl: url + "2"}, "sqs:SendMessage q2", me},
		{"SendMessage", &sqsapi.SendMessageRequest{}, "sqs:SendMessage *", me},
		{"ListQueues", &sqsapi.ListQueuesRequest{}, "sqs:ListQueues *", me},
		{"CreateQueue", &sqsapi.CreateQueueRequest{QueueName: "new"}, "sqs:CreateQueue new", me},
		{"StartMessageMoveTask", &sqsapi.StartMessageMoveTaskRequest{SourceArn: arnOf + "q", DestinationArn: &to},
			"sqs:StartMessageMoveTask q policy, sqs:ReceiveMessage q policy, sqs:DeleteMessage q policy, sqs:GetQueueAttributes q policy, sqs:SendMessage other", me},
	} {
		all, err := r.Access(t.Context(), c.id, c.op, c.in)
		r.ok(err)
		var got []string
		for _, a := range all {
			s := a.Action + " " + strings.TrimPrefix(a.Resource, arnOf)
			if a.ResourcePolicy == policy {
				s += " policy"
			}
			if a.Resource != "*" && a.ResourceAccount != me.Account {
				t.Errorf("%s: the resource is of account %q", c.op, a.ResourceAccount)
			}
			got = append(got, s)
		}
		if s := strings.Join(got, ", "); s != c.want {
			t.Errorf("%s: %s, want %s", c.op, s, c.want)
		}
	}
	a, err := r.Access(t.Context(), me, "TagQueue", &sqsapi.TagQueueRequest{QueueUrl: url, Tags: map[string]string{"k": "v"}})
	r.ok(err)
	if got := fmt.Sprint(a[0].Context); got != "map[aws:RequestTag/k:[v] aws:TagKeys:[k]]" {
		t.Errorf("context %s", got)
	}
}

// Services reach queues of other regions by their URLs, clients only those of the region that they sign for.
func TestRegions(t *testing.T) {
	r := newRig(t)
	r.create("q")
	url := "https://sqs.eu-west-1.amazonaws.com/111122223333/q"
	r.send(url, "here")
	far := me
	far.Region = "us-east-1"
	_, err := r.SendMessage(t.Context(), far, &sqsapi.SendMessageRequest{QueueUrl: url, MessageBody: "x"})
	wantCode(t, err, "InvalidAddress")
	sns := aws.ForService("sns.amazonaws.com", me.Account, "us-east-1", "arn:aws:sns:us-east-1:111122223333:t", aws.Request{})
	_, err = r.SendMessage(t.Context(), sns, &sqsapi.SendMessageRequest{QueueUrl: url, MessageBody: "there"})
	r.ok(err)
	if n := len(r.receive(url, 10)); n != 2 {
		t.Errorf("%d messages", n)
	}
}

// Attributes are checked one by one and together; what is there is told in full.
func TestAttributes(t *testing.T) {
	r := newRig(t)
	r.create("dlq")
	r.fifo("dlq")
	redrive := func(arn, max string) string {
		return `{"deadLetterTargetArn":"` + arn + `","maxReceiveCount":` + max + `}`
	}
	for _, c := range []struct{ name, code, attributes string }{
		{"a", "InvalidAttributeValue", "VisibilityTimeout=43201"},
		{"a", "InvalidAttributeValue", "VisibilityTimeout=x"},
		{"a", "InvalidAttributeValue", "DelaySeconds=901"},
		{"a", "InvalidAttributeValue", "MessageRetentionPeriod=59"},
		{"a", "InvalidAttributeValue", "MaximumMessageSize=1023"},
		{"a", "InvalidAttributeValue", "MaximumMessageSize=1048577"},
		{"a", "InvalidAttributeValue", "ReceiveMessageWaitTimeSeconds=21"},
		{"a", "InvalidAttributeValue", "Policy={"},
		{"a", "InvalidAttributeName", "ContentBasedDeduplication=true"},
		{"a", "InvalidAttributeName", "FifoQueue=false"},
		{"a", "InvalidAttributeName", "QueueArn=x"},
		{"a", "InvalidAttributeValue", "KmsMasterKeyId=k SqsManagedSseEnabled=true"},
		{"a.fifo", "InvalidParameterValue", ""},
		{"a", "InvalidParameterValue", "FifoQueue=true"},
		{"a.fifo", "InvalidAttributeValue", "FifoQueue=true FifoThroughputLimit=perMessageGroupId"},
		{"a", "InvalidParameterValue", "RedrivePolicy={}"},
		{"a", "InvalidParameterValue", "RedrivePolicy=" + redrive(arnOf+"none", "1")},
		{"a", "InvalidParameterValue", "RedrivePolicy=" + redrive(arnOf+"dlq", "0")},
		{"a", "InvalidParameterValue", "RedrivePolicy=" + redrive(arnOf+"dlq", "1001")},
		{"a", "InvalidParameterValue", "RedrivePolicy=" + redrive(arnOf+"dlq.fifo", "1")},
		{"a", "InvalidParameterValue", `RedriveAllowPolicy={"redrivePermission":"x"}`},
		{"a", "InvalidParameterValue", `RedriveAllowPolicy={"redrivePermission":"byQueue"}`},
		{strings.Repeat("a", 81), "InvalidParameterValue", ""},
		{"a", "", "RedrivePolicy=" + redrive(arnOf+"dlq", `"7"`) + " KmsMasterKeyId=k"},
		{"a", "", "RedrivePolicy=" + redrive(arnOf+"dlq", `7`)},
		{"a", "QueueNameExists", "RedrivePolicy=" + redrive(arnOf+"dlq", `8`)},
		{"a", "QueueNameExists", "DelaySeconds=1"},
	} {
		in := &sqsapi.CreateQueueRequest{QueueName: c.name, Attributes: map[string]string{}}
		for _, a := range strings.Fields(c.attributes) {
			k, v, _ := strings.Cut(a, "=")
			in.Attributes[k] = v
		}
		if _, err := r.CreateQueue(t.Context(), me, in); c.code == "" && err != nil || c.code != "" && aws.CodeOf(err) != c.code {
			t.Errorf("%s %s: %v, want %s", c.name, c.attributes, err, c.code)
		}
	}
	a := r.attributes("http://h/111122223333/a", "All")
	if a["RedrivePolicy"] != redrive(arnOf+"dlq", "7") || a["SqsManagedSseEnabled"] != "false" || a["KmsDataKeyReusePeriodSeconds"] != "300" || a["FifoQueue"] != "" ||
		a["QueueArn"] != arnOf+"a" || a["CreatedTimestamp"] != fmt.Sprint(start.Unix()) || len(a) != 15 {
		t.Errorf("%d attributes: %v", len(a), a)
	}
	if a := r.attributes("http://h/111122223333/a"); a != nil {
		t.Errorf("unasked: %v", a)
	}
	_, err := r.SetQueueAttributes(t.Context(), me, &sqsapi.SetQueueAttributesRequest{QueueUrl: "http://h/111122223333/dlq.fifo", Attributes: map[string]string{"FifoQueue": "true"}})
	wantCode(t, err, "InvalidAttributeName")
}
