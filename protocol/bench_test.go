package protocol_test

import (
	"bytes"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/brume-dev/brume/api/iamapi"
	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/api/sqsapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/protocol"
	"github.com/brume-dev/brume/protocol/cbor"
	awsjson "github.com/brume-dev/brume/protocol/json"
	"github.com/brume-dev/brume/protocol/query"
	"github.com/brume-dev/brume/protocol/rest"
	"github.com/brume-dev/brume/shape"
)

// BenchmarkSendMessage is one operation in each protocol: decode, validate, encode.
func BenchmarkSendMessage(b *testing.B) {
	text, id, n := `{"order":1,"note":"`+string(bytes.Repeat([]byte("x"), 200))+`"}`, "5fea7756-0ea4-451a-a703-a558b933e274", int32(5)
	in := &sqsapi.SendMessageRequest{QueueUrl: "https://sqs.us-east-1.amazonaws.com/000000000000/orders", MessageBody: text, DelaySeconds: &n,
		MessageAttributes: map[string]sqsapi.MessageAttributeValue{"a": {DataType: "String", StringValue: &id}, "b": {DataType: "String", StringValue: &id}}}
	out := &sqsapi.SendMessageResult{MessageId: &id, MD5OfMessageBody: &id}
	op := sqsapi.Service.Lookup("SendMessage")
	for _, d := range []dialect{
		{name: "json", codec: awsjson.Codec{}, write: encoded(awsjson.Codec{})},
		{name: "cbor", codec: cbor.Codec{}, write: encoded(cbor.Codec{})},
		{name: "query", codec: query.Codec{}, write: func(op *aws.Operation, in any) *protocol.Request { return queryRequest(op, in, false) }},
	} {
		b.Run(d.name, func(b *testing.B) { benchmark(b, d, op, in, out) })
	}
}

func benchmark(b *testing.B, d dialect, op *aws.Operation, in, out any) {
	r := d.write(op, in)
	body, err := protocol.ReadBody(r)
	if err != nil {
		b.Fatal(err)
	}
	style := shape.StyleOf(op.Service.Name)
	b.ReportAllocs()
	for b.Loop() {
		r := &protocol.Request{Method: r.Method, Header: r.Header, Query: r.Query, Labels: r.Labels, ID: "id", Body: bytes.NewReader(body), Length: int64(len(body))}
		in := op.NewInput()
		if err := d.codec.Decode(op, r, in); err != nil {
			b.Fatal(err)
		}
		if err := shape.Validate(in, r.Notes, style); err != nil {
			b.Fatal(err)
		}
		if _, err := d.codec.Encode(op, r, out); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkREST(b *testing.B) {
	version, status := "$LATEST", int32(200)
	b.Run("Invoke", func(b *testing.B) {
		benchmark(b, dialect{codec: rest.JSON{}, write: restRequest}, lambdaapi.Service.Lookup("Invoke"),
			&lambdaapi.InvocationRequest{FunctionName: "f", InvocationType: "RequestResponse", Payload: []byte(`{"a":1}`)},
			&lambdaapi.InvocationResponse{StatusCode: &status, ExecutedVersion: &version, Payload: []byte(`{"b":2}`)})
	})
	size, at, etag := int64(123), time.Unix(1700000000, 0), `"d41d8cd98f00b204e9800998ecf8427e"`
	list := &s3api.ListObjectsV2Output{}
	for i := range 100 {
		key := fmt.Sprintf("photos/2020/%d.jpg", i)
		list.Contents = append(list.Contents, s3api.Object{Key: &key, Size: &size, LastModified: &at, ETag: &etag, StorageClass: "STANDARD"})
	}
	b.Run("ListObjectsV2 of 100", func(b *testing.B) {
		benchmark(b, dialect{codec: rest.XML{}, write: restRequest}, s3api.Service.Lookup("ListObjectsV2"), &s3api.ListObjectsV2Request{Bucket: "b"}, list)
	})
}

func BenchmarkError(b *testing.B) {
	r := &protocol.Request{Header: http.Header{}, ID: "id"}
	err := &iamapi.NoSuchEntityException{Message: "The role with name x cannot be found."}
	b.ReportAllocs()
	for b.Loop() {
		query.Codec{}.Error(iamapi.Service, iamapi.Service.Lookup("GetRole"), r, err)
	}
}
