package message_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/brume-dev/brume/api/snsapi"
	"github.com/brume-dev/brume/service/sns/message"
)

func ptr(s string) *string { return &s }

func take(rules message.Rules, in snsapi.PublishBatchRequestEntry) (*message.Message, error) {
	m := &message.Message{ID: "id", Time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	return m, m.Take(&in, rules)
}

func TestTake(t *testing.T) {
	for name, c := range map[string]struct {
		rules message.Rules
		in    snsapi.PublishBatchRequestEntry
		want  string // a part of the error
	}{
		"plain":          {in: snsapi.PublishBatchRequestEntry{Message: "x"}},
		"longest":        {in: snsapi.PublishBatchRequestEntry{Message: strings.Repeat("x", message.MaxSize)}},
		"too long":       {in: snsapi.PublishBatchRequestEntry{Message: strings.Repeat("x", message.MaxSize+1)}, want: "Message too long"},
		"not UTF-8":      {in: snsapi.PublishBatchRequestEntry{Message: "\xff"}, want: "UTF-8"},
		"subject":        {in: snsapi.PublishBatchRequestEntry{Message: "x", Subject: ptr(strings.Repeat("ü", 100))}},
		"long subject":   {in: snsapi.PublishBatchRequestEntry{Message: "x", Subject: ptr(strings.Repeat("ü", 101))}, want: "Subject"},
		"group, no FIFO": {in: snsapi.PublishBatchRequestEntry{Message: "x", MessageGroupId: ptr("g")}},
		"no group":       {rules: message.Rules{FIFO: true, ContentDedup: true}, in: snsapi.PublishBatchRequestEntry{Message: "x"}, want: "MessageGroupId"},
		"content":        {rules: message.Rules{FIFO: true, ContentDedup: true}, in: snsapi.PublishBatchRequestEntry{Message: "x", MessageGroupId: ptr("g")}},
		"structure":      {in: snsapi.PublishBatchRequestEntry{Message: `{"default":"d"} x`, MessageStructure: ptr("json")}, want: "failed to parse"},
		"twice":          {in: snsapi.PublishBatchRequestEntry{Message: `{"default":"d","default":"e"}`, MessageStructure: ptr("json")}, want: "failed to parse"},
	} {
		_, err := take(c.rules, c.in)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v", name, err)
		}
	}
	m, err := take(message.Rules{FIFO: true, ContentDedup: true}, snsapi.PublishBatchRequestEntry{Message: "x", MessageGroupId: ptr("g")})
	if err != nil || m.Dedup != "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881" {
		t.Errorf("%v %v", m.Dedup, err)
	}
}

func TestAttributes(t *testing.T) {
	for name, a := range map[string]snsapi.MessageAttributeValue{
		".a": {DataType: "String", StringValue: ptr("x")}, "a..b": {DataType: "String", StringValue: ptr("x")}, "a b": {DataType: "String", StringValue: ptr("x")},
		"Amazon.x": {DataType: "String", StringValue: ptr("x")}, "empty": {DataType: "String", StringValue: ptr("")}, "none": {DataType: "String"},
		"type": {StringValue: ptr("x")}, "binary": {DataType: "Binary", StringValue: ptr("x")}, "text": {DataType: "String", BinaryValue: []byte("x")},
		"number": {DataType: "Number", StringValue: ptr("NaN")}, "hex": {DataType: "Number.int", StringValue: ptr("0x10")},
	} {
		if _, err := take(message.Rules{}, snsapi.PublishBatchRequestEntry{Message: "x", MessageAttributes: map[string]snsapi.MessageAttributeValue{name: a}}); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	m, err := take(message.Rules{}, snsapi.PublishBatchRequestEntry{Message: "x", MessageAttributes: map[string]snsapi.MessageAttributeValue{
		"n": {DataType: "Number", StringValue: ptr("-1.5e3")}, "b": {DataType: "Binary.png", BinaryValue: []byte{1}}, "l": {DataType: "String.Array", StringValue: ptr("[1]")}}})
	if err != nil || m.Envelope("sqs", "arn").Attributes["b"].Value != "AQ==" {
		t.Errorf("%+v %v", m, err)
	}
}

func TestSequence(t *testing.T) {
	if a, b := message.Sequence(1), message.Sequence(1<<63); a != "10000000000000000001" || b <= a {
		t.Errorf("%s %s", a, b)
	}
}

// Whatever is taken can be told apart, filtered and written.
func FuzzTake(f *testing.F) {
	f.Add(`{"default":"d","sqs":"q"}`, "json", "s", "g", "a", "Number", "1")
	f.Fuzz(func(t *testing.T, body, structure, subject, group, name, kind, value string) {
		m, err := take(message.Rules{FIFO: true, ContentDedup: true}, snsapi.PublishBatchRequestEntry{Message: body, MessageStructure: &structure, Subject: &subject,
			MessageGroupId: &group, MessageAttributes: map[string]snsapi.MessageAttributeValue{name: {DataType: kind, StringValue: &value}}})
		if err != nil {
			return
		}
		if m.Dedup == "" || m.Group == "" {
			t.Errorf("no order: %+v", m)
		}
		m.Filtered()
		if !json.Valid([]byte(m.Envelope("sqs", "arn").Document())) {
			t.Error("the envelope is not JSON")
		}
	})
}
