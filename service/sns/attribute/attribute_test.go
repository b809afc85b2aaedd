package attribute_test

import (
	"testing"
	"time"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/sns/attribute"
)

var topic = aws.MakeARN("sns", "eu-west-1", "111122223333", "t")

func TestRedrive(t *testing.T) {
	fifo := topic
	fifo.Resource = "t.fifo"
	for _, c := range []struct {
		text, queue string
		topic       aws.ARN
		ok          bool
	}{
		{``, "", topic, true},
		{`{}`, "", topic, true},
		{`{"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:111122223333:q"}`, "arn:aws:sqs:eu-west-1:111122223333:q", topic, true},
		{`{"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:111122223333:q.fifo"}`, "arn:aws:sqs:eu-west-1:111122223333:q.fifo", fifo, true},
		{`{"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:111122223333:q.fifo"}`, "", topic, false},
		{`{"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:111122223333:q"}`, "", fifo, false},
		{`{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:111122223333:q"}`, "", topic, false},
		{`{"deadLetterTargetArn":"arn:aws:sns:eu-west-1:111122223333:q"}`, "", topic, false},
		{`{"deadLetterTargetArn":1}`, "", topic, false},
		{`[]`, "", topic, false},
	} {
		queue, err := attribute.Redrive(c.text, c.topic)
		if queue != c.queue || (err == nil) != c.ok {
			t.Errorf("%s: %q %v", c.text, queue, err)
		}
	}
}

func TestArchive(t *testing.T) {
	for text, want := range map[string]int{``: 0, `{}`: 0, `{"MessageRetentionPeriod":"30"}`: 30, `{"MessageRetentionPeriod":365}`: 365,
		`{"MessageRetentionPeriod":"0"}`: -1, `{"MessageRetentionPeriod":366}`: -1, `{"Days":1}`: -1, `x`: -1} {
		days, err := attribute.Archive(text)
		if want < 0 && err == nil || want >= 0 && (err != nil || days != want) {
			t.Errorf("%s: %d %v", text, days, err)
		}
	}
}

func TestReplay(t *testing.T) {
	p, err := attribute.Replay(`{"PointType":"Timestamp","StartingPoint":"2026-01-02T03:04:05.000Z","EndingPoint":"2026-01-03T00:00:00Z"}`)
	if err != nil || !p.Start.Equal(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)) || p.End.Day() != 3 {
		t.Errorf("%+v %v", p, err)
	}
	for _, text := range []string{`{"PointType":"Offset","StartingPoint":"2026-01-02T03:04:05Z"}`, `{"PointType":"Timestamp"}`,
		`{"StartingPoint":"2026-01-02T03:04:05Z"}`, `{"PointType":"Timestamp","StartingPoint":"yesterday"}`, `{"PointType":"Timestamp","StartingPoint":1}`,
		`{"PointType":"Timestamp","StartingPoint":"2026-01-02T03:04:05Z","EndingPoint":"2026-01-02T03:04:05Z"}`,
		`{"PointType":"Timestamp","StartingPoint":"2026-01-02T03:04:05Z","Speed":"2"}`, `"x"`} {
		if _, err := attribute.Replay(text); err == nil {
			t.Errorf("%s was taken", text)
		}
	}
}

func TestFeedback(t *testing.T) {
	for _, c := range []struct {
		name, value string
		known, ok   bool
	}{
		{"SQSSuccessFeedbackRoleArn", "arn:aws:iam::111122223333:role/r", true, true},
		{"HTTPFailureFeedbackRoleArn", "role", true, false},
		{"LambdaSuccessFeedbackSampleRate", "100", true, true},
		{"LambdaSuccessFeedbackSampleRate", "101", true, false},
		{"LambdaSuccessFeedbackSampleRates", "1", false, true},
		{"SMTPSuccessFeedbackSampleRate", "1", false, true},
	} {
		if known, problem := attribute.Feedback(c.name, c.value); known != c.known || (problem == "") != c.ok {
			t.Errorf("%s=%s: %v %q", c.name, c.value, known, problem)
		}
	}
}

func FuzzDocuments(f *testing.F) {
	f.Add(`{"PointType":"Timestamp","StartingPoint":"2026-01-02T03:04:05Z"}`)
	f.Add(`{"MessageRetentionPeriod":"30"}`)
	f.Fuzz(func(t *testing.T, text string) {
		if days, err := attribute.Archive(text); err == nil && (days < 0 || days > 365) {
			t.Errorf("%d days", days)
		}
		if p, err := attribute.Replay(text); err == nil && p != nil && p.Start.IsZero() {
			t.Error("a replay from nowhere")
		}
		if queue, err := attribute.Redrive(text, topic); err == nil && queue != "" {
			if _, err := aws.ParseARN(queue); err != nil {
				t.Error(err)
			}
		}
	})
}
