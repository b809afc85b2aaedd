// Package envelope writes what SNS sends: the JSON documents that HTTP endpoints, queues and functions get, with the
// members, the order and the spacing that AWS gives them, and the text that their signature covers.
// https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
package envelope

import (
	"encoding/base64"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/brume-dev/brume/jsondoc"
)

// The types of messages.
const (
	Notification             = "Notification"
	SubscriptionConfirmation = "SubscriptionConfirmation"
	UnsubscribeConfirmation  = "UnsubscribeConfirmation"
)

// Message is what is sent. Members that are empty are not written, but for Message.
type Message struct {
	Type         string
	ID           string
	Sequence     string // of a message of a FIFO topic
	Topic        string // ARN
	Subject      string
	Message      string
	Time         time.Time
	Token        string // of confirmations
	SubscribeURL string // likewise
	Unsubscribe  string // UnsubscribeURL, of notifications
	Attributes   map[string]Attribute

	SignatureVersion string
	Signature        string
	CertURL          string
}

// Attribute is a message attribute; of a binary one Value is base64.
type Attribute struct{ Type, Value string }

// Binary is the Value of a binary attribute.
func Binary(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

// Timestamp is t as SNS writes it.
func Timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// SigningText is what the signature of m covers.
// https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message-verify-message-signature.html
func (m *Message) SigningText() string {
	var b strings.Builder
	add := func(name, value string) {
		b.WriteString(name + "\n" + value + "\n")
	}
	add("Message", m.Message)
	add("MessageId", m.ID)
	if m.Type == Notification {
		if m.Subject != "" {
			add("Subject", m.Subject)
		}
	} else {
		add("SubscribeURL", m.SubscribeURL)
	}
	add("Timestamp", Timestamp(m.Time))
	if m.Type != Notification {
		add("Token", m.Token)
	}
	add("TopicArn", m.Topic)
	add("Type", m.Type)
	return b.String()
}

// Document is m as HTTP endpoints, queues and mails of email-json get it.
func (m *Message) Document() string {
	d := make(document, 0, 512+len(m.Message)+len(m.Signature))
	d = append(d, '{')
	d.member("Type", m.Type)
	d.member("MessageId", m.ID)
	d.optional("SequenceNumber", m.Sequence)
	d.optional("Token", m.Token)
	d.member("TopicArn", m.Topic)
	d.optional("Subject", m.Subject)
	d.member("Message", m.Message)
	d.optional("SubscribeURL", m.SubscribeURL)
	d.member("Timestamp", Timestamp(m.Time))
	d.optional("SignatureVersion", m.SignatureVersion)
	d.optional("Signature", m.Signature)
	d.optional("SigningCertURL", m.CertURL)
	d.optional("UnsubscribeURL", m.Unsubscribe)
	if len(m.Attributes) > 0 {
		d.name("MessageAttributes")
		d = append(d, '{')
		for i, name := range slices.Sorted(maps.Keys(m.Attributes)) {
			if i > 0 {
				d = append(d, ',')
			}
			d = append(d, "\n    "...)
			d = append(jsondoc.AppendString(d, name), " : "...)
			d.attribute(m.Attributes[name])
		}
		d = append(d, "\n  }"...)
	}
	return string(append(d, "\n}"...))
}

// document is a document under construction.
type document []byte

func (d *document) name(name string) {
	if (*d)[len(*d)-1] != '{' {
		*d = append(*d, ',')
	}
	*d = append(*d, "\n  \""...)
	*d = append(*d, name...)
	*d = append(*d, "\" : "...)
}

func (d *document) member(name, value string) {
	d.name(name)
	*d = jsondoc.AppendString(*d, value)
}

func (d *document) optional(name, value string) {
	if value != "" {
		d.member(name, value)
	}
}

func (d *document) attribute(a Attribute) {
	*d = append(*d, `{"Type":`...)
	*d = jsondoc.AppendString(*d, a.Type)
	*d = append(*d, `,"Value":`...)
	*d = append(jsondoc.AppendString(*d, a.Value), '}')
}

// Event is m as a function gets it, sent by a subscription.
// https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html
func (m *Message) Event(subscription string) []byte {
	d := append(document(nil), `{"Records":[{"EventSource":"aws:sns","EventVersion":"1.0","EventSubscriptionArn":`...)
	d = jsondoc.AppendString(d, subscription)
	d = append(d, `,"Sns":{"Type":`...)
	d = jsondoc.AppendString(d, m.Type)
	for _, f := range []struct {
		name, value string
		always      bool
	}{{"MessageId", m.ID, true}, {"Token", m.Token, false}, {"TopicArn", m.Topic, true}, {"Subject", m.Subject, true}, {"Message", m.Message, true},
		{"SubscribeUrl", m.SubscribeURL, false}, {"Timestamp", Timestamp(m.Time), true}, {"SignatureVersion", m.SignatureVersion, true},
		{"Signature", m.Signature, true}, {"SigningCertUrl", m.CertURL, true}, {"UnsubscribeUrl", m.Unsubscribe, true}} {
		switch {
		case f.name == "Subject" && f.value == "":
			d = append(d, `,"Subject":null`...)
		case f.always || f.value != "":
			d = append(append(append(d, `,"`...), f.name...), `":`...)
			d = jsondoc.AppendString(d, f.value)
		}
	}
	d = append(d, `,"MessageAttributes":{`...)
	for i, name := range slices.Sorted(maps.Keys(m.Attributes)) {
		if i > 0 {
			d = append(d, ',')
		}
		d = append(jsondoc.AppendString(d, name), ':')
		a := m.Attributes[name]
		if a.Type != "Binary" { // a function is told of strings and binary values only
			a.Type = "String"
		}
		d.attribute(a)
	}
	return append(d, `}}}]}`...)
}
