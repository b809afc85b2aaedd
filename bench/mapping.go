package bench

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// sqsLambda measures how fast a mapping empties a queue by way of a Python function: it is given a backlog while the
// mapping is disabled, and then enabled. A message counts when it is deleted.
func sqsLambda(ctx context.Context, r *rig) error {
	function, err := r.python(ctx, "app.handler", `{"Records":[]}`)
	if err != nil {
		return err
	}
	policy := url.Values{"RoleName": {r.name}, "PolicyArn": {"arn:aws:iam::aws:policy/service-role/AWSLambdaSQSQueueExecutionRole"}}
	if err := r.query(ctx, "AttachRolePolicy", policy, nil); err != nil {
		return err
	}
	r.later(func(ctx context.Context) error { return r.query(ctx, "DetachRolePolicy", policy, nil) })
	q, err := r.backlog(ctx)
	if err != nil {
		return err
	}
	var made struct{ UUID string }
	in := document{"FunctionName": function, "EventSourceArn": q.arn, "BatchSize": 10}
	if err := r.json(ctx, rest("lambda", http.MethodPost, mappingsPath+"/", in), &made); err != nil {
		return err
	}
	r.later(func(ctx context.Context) error {
		_, err := r.call(ctx, rest("lambda", http.MethodDelete, mappingsPath+"/"+made.UUID, nil))
		return err
	})
	if err := q.fill(ctx, r.Duration/10); err != nil { // the environments are started by these
		return err
	}
	if _, err := q.emptied(ctx); err != nil {
		return err
	}
	for range r.Rounds {
		if err := r.enable(ctx, made.UUID, false); err != nil {
			return err
		}
		if err := q.fill(ctx, r.Duration/time.Duration(r.Rounds)); err != nil {
			return err
		}
		if err := r.enable(ctx, made.UUID, true); err != nil {
			return err
		}
		if err := q.measure(ctx); err != nil {
			return err
		}
	}
	return nil
}

const mappingsPath = "/2015-03-31/event-source-mappings"

// enable sets whether a mapping reads, and waits until that is so.
func (r *rig) enable(ctx context.Context, uuid string, on bool) error {
	path, want := mappingsPath+"/"+uuid, map[bool]string{false: "Disabled", true: "Enabled"}[on]
	look := func() (bool, error) {
		var m struct{ State string }
		err := r.json(ctx, rest("lambda", http.MethodGet, path, nil), &m)
		return m.State == "Enabled" || m.State == "Disabled", err
	}
	if err := until(ctx, look); err != nil {
		return err
	}
	if _, err := r.call(ctx, rest("lambda", http.MethodPut, path, document{"Enabled": on})); err != nil {
		return err
	}
	if on {
		return nil // the time counts
	}
	return until(ctx, func() (bool, error) {
		var m struct{ State string }
		err := r.json(ctx, rest("lambda", http.MethodGet, path, nil), &m)
		return m.State == want, err
	})
}

// backlog is a queue that is filled and emptied.
type backlog struct {
	*rig
	url, arn string
	batch    *request
}

func (r *rig) backlog(ctx context.Context) (*backlog, error) {
	var made struct{ QueueUrl string }
	in := document{"QueueName": r.name, "Attributes": document{"VisibilityTimeout": "60"}}
	if err := r.json(ctx, awsJSON("sqs", "1.0", "AmazonSQS.CreateQueue", in), &made); err != nil {
		return nil, err
	}
	r.later(func(ctx context.Context) error {
		return r.json(ctx, awsJSON("sqs", "1.0", "AmazonSQS.DeleteQueue", document{"QueueUrl": made.QueueUrl}), nil)
	})
	b := &backlog{rig: r, url: made.QueueUrl}
	var attributes struct{ Attributes struct{ QueueArn string } }
	err := r.json(ctx, awsJSON("sqs", "1.0", "AmazonSQS.GetQueueAttributes", document{"QueueUrl": b.url, "AttributeNames": []string{"QueueArn"}}), &attributes)
	b.arn = attributes.Attributes.QueueArn
	entries := make([]document, 10)
	for i := range entries {
		entries[i] = document{"Id": strconv.Itoa(i), "MessageBody": string(text(payload(i)))}
	}
	b.batch = awsJSON("sqs", "1.0", "AmazonSQS.SendMessageBatch", document{"QueueUrl": b.url, "Entries": entries})
	return b, err
}

// fill sends batches for a while.
func (b *backlog) fill(ctx context.Context, d time.Duration) error {
	l := newLoad(&b.Target, b.Target.Endpoint, []*request{b.batch}, b.Connections)
	defer l.close()
	s, err := l.slice(ctx, max(d, 100*time.Millisecond))
	if err == nil && s.errors > 0 {
		err = s.first
	}
	return err
}

// left is how many messages there are, visible or being processed.
func (b *backlog) left(ctx context.Context) (int, error) {
	const visible, flying = "ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"
	var out struct{ Attributes map[string]string }
	err := b.json(ctx, awsJSON("sqs", "1.0", "AmazonSQS.GetQueueAttributes",
		document{"QueueUrl": b.url, "AttributeNames": []string{visible, flying}}), &out)
	n, _ := strconv.Atoi(out.Attributes[visible])
	m, _ := strconv.Atoi(out.Attributes[flying])
	return n + m, err
}

// emptied waits until there are no messages, and returns how long that took.
func (b *backlog) emptied(ctx context.Context) (time.Duration, error) {
	began, last := time.Now(), -1
	for seen := began; ; time.Sleep(20 * time.Millisecond) {
		n, err := b.left(ctx)
		switch {
		case err != nil || n == 0:
			return time.Since(began), err
		case n != last:
			last, seen = n, time.Now()
		case time.Since(seen) > patience:
			return 0, fmt.Errorf("%d messages are left and stay", n)
		}
	}
}

// measure empties the queue and prints how fast that was.
func (b *backlog) measure(ctx context.Context) error {
	n, err := b.left(ctx)
	if err != nil {
		return err
	}
	syncs, told := b.syncs(ctx)
	var cpu time.Duration
	if b.own != nil {
		cpu = b.own.cpu()
	}
	took, err := b.emptied(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(b.Out, "  %-16s %6d messages in %s: %8.0f deleted a second", "sqs-lambda", n, short(took), float64(n)/took.Seconds())
	if b.own != nil {
		fmt.Fprintf(b.Out, "   cpu %s a message", ((b.own.cpu() - cpu) / time.Duration(max(n, 1))).Round(100*time.Nanosecond))
	}
	if after, _ := b.syncs(ctx); told {
		fmt.Fprintf(b.Out, "   %s", perSync(after-syncs, n))
	}
	fmt.Fprintf(b.Out, "   load %s\n", machineLoad())
	return nil
}
