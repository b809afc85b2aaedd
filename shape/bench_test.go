package shape_test

import (
	"testing"

	"github.com/brume-dev/brume/api/dynamodbapi"
	"github.com/brume-dev/brume/api/sqsapi"
	"github.com/brume-dev/brume/shape"
)

// The messages of PROTOCOL.md 4.1: a body of 222 bytes with two attributes, and an item of ten attributes.
const (
	sendMessage = `{"QueueUrl":"https://sqs.us-east-1.amazonaws.com/000000000000/orders","MessageBody":"{\"order\":\"0123456789\",` +
		`\"lines\":[{\"sku\":\"A-1\",\"n\":1},{\"sku\":\"B-2\",\"n\":2}],\"note\":\"the quick brown fox jumps over the lazy dog and then some more text so that it is long enough\",\"total\":123.45}",` +
		`"DelaySeconds":5,"MessageAttributes":{"kind":{"DataType":"String","StringValue":"order"},"n":{"DataType":"Number","StringValue":"42"}}}`
	putItem = `{"TableName":"orders","Item":{"pk":{"S":"customer#0123456789"},"sk":{"S":"order#2026-11-21T10:00:00Z"},"total":{"N":"123.45"},` +
		`"count":{"N":"3"},"open":{"BOOL":true},"note":{"S":"leave at the door, ring twice"},"tags":{"SS":["a","b","c"]},` +
		`"lines":{"L":[{"M":{"sku":{"S":"A-1"},"n":{"N":"1"}}},{"M":{"sku":{"S":"B-2"},"n":{"N":"2"}}}]},"address":{"M":{"city":{"S":"Paris"},"zip":{"S":"75001"}}},"raw":{"B":"AAECAwQFBgcICQ=="}},` +
		`"ReturnConsumedCapacity":"TOTAL"}`
)

func BenchmarkSendMessage(b *testing.B) {
	doc := []byte(sendMessage)
	id, md5 := "5fea7756-0ea4-451a-a703-a558b933e274", "fafb00f5732ab283681e124bf8747ed1"
	style := shape.StyleOf("sqs")
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var in sqsapi.SendMessageRequest
			if _, err := shape.DecodeJSON(doc, &in); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("whole", func(b *testing.B) {
		b.ReportAllocs()
		var buf []byte
		for b.Loop() {
			var in sqsapi.SendMessageRequest
			n, err := shape.DecodeJSON(doc, &in)
			if err != nil {
				b.Fatal(err)
			}
			if err := shape.Validate(&in, n, style); err != nil {
				b.Fatal(err)
			}
			out := &sqsapi.SendMessageResult{MessageId: &id, MD5OfMessageBody: &md5, MD5OfMessageAttributes: &md5}
			buf, _ = shape.AppendJSON(buf[:0], out)
		}
	})
}

func BenchmarkItem(b *testing.B) {
	doc := []byte(putItem)
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var in dynamodbapi.PutItemInput
			if _, err := shape.DecodeJSON(doc, &in); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("encode", func(b *testing.B) {
		b.ReportAllocs()
		var in dynamodbapi.PutItemInput
		if _, err := shape.DecodeJSON(doc, &in); err != nil {
			b.Fatal(err)
		}
		out := dynamodbapi.GetItemOutput{Item: in.Item}
		var buf []byte
		for b.Loop() {
			buf, _ = shape.AppendJSON(buf[:0], &out)
		}
	})
}
