package task_test

import "testing"

// BenchmarkCall is what Step Functions itself does for a task, around the call.
func BenchmarkCall(b *testing.B) {
	for _, c := range []struct{ name, resource, in, document string }{
		{"sqs", "arn:aws:states:::sqs:sendMessage", `{"QueueUrl":"q","MessageBody":{"a":1}}`, `{"MessageId":"m"}`},
		{"sdk", "arn:aws:states:::aws-sdk:dynamodb:getItem", `{"TableName":"t","Key":{"id":{"S":"1"}}}`, `{"Item":{"id":{"S":"1"}}}`},
	} {
		b.Run(c.name, func(b *testing.B) {
			r := newRig()
			r.document = c.document
			b.ReportAllocs()
			for b.Loop() {
				if a, err := r.Runner.Call(b.Context(), request(c.resource, c.in)); err != nil || a.Err != nil {
					b.Fatal(a.Err, err)
				}
			}
		})
	}
}
