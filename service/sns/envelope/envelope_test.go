package envelope_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/brume-dev/brume/service/sns/envelope"
)

var at = time.Date(2026, 1, 2, 3, 4, 5, 6_000_000, time.UTC)

func notification() *envelope.Message {
	return &envelope.Message{Type: envelope.Notification, ID: "m-1", Topic: "arn:aws:sns:eu-west-1:111122223333:t", Subject: "S", Message: "a \"b\"\n/é",
		Time: at, Unsubscribe: "http://h/?Action=Unsubscribe&SubscriptionArn=x", SignatureVersion: "1", Signature: "c2ln", CertURL: "https://h/c.pem",
		Attributes: map[string]envelope.Attribute{"n": {Type: "Number", Value: "1"}, "b": {Type: "Binary", Value: envelope.Binary([]byte{1, 2})}}}
}

func TestDocument(t *testing.T) {
	want := `{
  "Type" : "Notification",
  "MessageId" : "m-1",
  "TopicArn" : "arn:aws:sns:eu-west-1:111122223333:t",
  "Subject" : "S",
  "Message" : "a \"b\"\n/é",
  "Timestamp" : "2026-01-02T03:04:05.006Z",
  "SignatureVersion" : "1",
  "Signature" : "c2ln",
  "SigningCertURL" : "https://h/c.pem",
  "UnsubscribeURL" : "http://h/?Action=Unsubscribe&SubscriptionArn=x",
  "MessageAttributes" : {
    "b" : {"Type":"Binary","Value":"AQI="},
    "n" : {"Type":"Number","Value":"1"}
  }
}`
	if got := notification().Document(); got != want {
		t.Errorf("got %s", got)
	}
	c := &envelope.Message{Type: envelope.SubscriptionConfirmation, ID: "m-2", Topic: "arn", Message: "You have chosen", Token: "tok", SubscribeURL: "http://h/", Time: at}
	want = `{
  "Type" : "SubscriptionConfirmation",
  "MessageId" : "m-2",
  "Token" : "tok",
  "TopicArn" : "arn",
  "Message" : "You have chosen",
  "SubscribeURL" : "http://h/",
  "Timestamp" : "2026-01-02T03:04:05.006Z"
}`
	if got := c.Document(); got != want {
		t.Errorf("got %s", got)
	}
}

func TestSigningText(t *testing.T) {
	m := notification()
	want := "Message\na \"b\"\n/é\nMessageId\nm-1\nSubject\nS\nTimestamp\n2026-01-02T03:04:05.006Z\nTopicArn\narn:aws:sns:eu-west-1:111122223333:t\nType\nNotification\n"
	if got := m.SigningText(); got != want {
		t.Errorf("got %q", got)
	}
	m.Type, m.Token, m.SubscribeURL = envelope.SubscriptionConfirmation, "tok", "u"
	want = "Message\na \"b\"\n/é\nMessageId\nm-1\nSubscribeURL\nu\nTimestamp\n2026-01-02T03:04:05.006Z\nToken\ntok\nTopicArn\narn:aws:sns:eu-west-1:111122223333:t\nType\nSubscriptionConfirmation\n"
	if got := m.SigningText(); got != want {
		t.Errorf("got %q", got)
	}
}

func TestEvent(t *testing.T) {
	m := notification()
	m.Subject = ""
	want := `{"Records":[{"EventSource":"aws:sns","EventVersion":"1.0","EventSubscriptionArn":"sub","Sns":{"Type":"Notification","MessageId":"m-1",` +
		`"TopicArn":"arn:aws:sns:eu-west-1:111122223333:t","Subject":null,"Message":"a \"b\"\n/é","Timestamp":"2026-01-02T03:04:05.006Z","SignatureVersion":"1",` +
		`"Signature":"c2ln","SigningCertUrl":"https://h/c.pem","UnsubscribeUrl":"http://h/?Action=Unsubscribe&SubscriptionArn=x",` +
		`"MessageAttributes":{"b":{"Type":"Binary","Value":"AQI="},"n":{"Type":"String","Value":"1"}}}}]}`
	if got := string(m.Event("sub")); got != want {
		t.Errorf("got %s", got)
	}
}

// Whatever is published, the document is JSON and says it.
func FuzzDocument(f *testing.F) {
	f.Add("hello", "subject", "name", "value")
	f.Fuzz(func(t *testing.T, message, subject, name, value string) {
		m := &envelope.Message{Type: envelope.Notification, Message: message, Subject: subject, Time: at,
			Attributes: map[string]envelope.Attribute{name: {Type: "String", Value: value}}}
		var got struct{ Message, Subject string }
		if err := json.Unmarshal([]byte(m.Document()), &got); err != nil {
			t.Fatal(err)
		}
		valid := func(s string) string { b, _ := json.Marshal(s); var v string; _ = json.Unmarshal(b, &v); return v }
		if got.Message != valid(message) || got.Subject != valid(subject) {
			t.Errorf("%q %q came back as %+v", message, subject, got)
		}
		if !json.Valid(m.Event(subject)) {
			t.Error("the event is not JSON")
		}
	})
}
