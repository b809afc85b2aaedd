package sns_test

import (
	"testing"

	"github.com/brume-dev/brume/api/snsapi"
)

// BenchmarkPublish is a message to three queues, until it has arrived: in an envelope that is signed, and raw.
func BenchmarkPublish(b *testing.B) {
	for name, attributes := range map[string]map[string]string{"envelope": nil, "raw": raw()} {
		b.Run(name, func(b *testing.B) {
			r := newRig(b)
			topic := r.topic("t", nil)
			for _, q := range []string{"a", "b", "c"} {
				r.subscribe(topic, "sqs", queueARN+q, attributes)
			}
			b.ReportAllocs()
			for b.Loop() {
				r.say(topic, "a message of some length, as they are")
				if got := r.take(); len(got) != 3 {
					b.Fatalf("%d messages", len(got))
				}
			}
		})
	}
}

// BenchmarkAccept is what Publish itself costs, with three subscriptions and with a thousand.
func BenchmarkAccept(b *testing.B) {
	for name, n := range map[string]int{"3": 3, "1000": 1000} {
		b.Run(name, func(b *testing.B) {
			r := newRig(b)
			topic := r.topic("t", nil)
			for i := range n {
				r.subscribe(topic, "sqs", queueARN+string(rune('a'+i%26))+string(rune('a'+i/26%26))+string(rune('a'+i/676)),
					raw())
			}
			r.refuse = func(string, string, int) error { return denied() }
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.Publish(b.Context(), me, &snsapi.PublishInput{TopicArn: &topic, Message: "a message of some length, as they are"}); err != nil {
					b.Fatal(err)
				}
			}
			b.StopTimer()
			r.settle()
		})
	}
}
