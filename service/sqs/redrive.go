package sqs

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"

	"github.com/brume-dev/brume/api/sqsapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/page"
)

// redrive is a RedrivePolicy.
type redrive struct {
	Target string `json:"deadLetterTargetArn"`
	Max    uint32 `json:"maxReceiveCount"`
}

func (r *redrive) String() string {
	if r == nil {
		return ""
	}
	b, err := json.Marshal(r)
	if err != nil {
		panic(err) // a string and a number
	}
	return string(b)
}

// parseRedrive reads a RedrivePolicy; nil is none.
func parseRedrive(text string) (*redrive, error) {
	if text == "" {
		return nil, nil
	}
	fail := func(reason string) (*redrive, error) { return nil, badValue(text, attributeRedrive, "%s", reason) }
	var in struct {
		Target *string         `json:"deadLetterTargetArn"`
		Max    json.RawMessage `json:"maxReceiveCount"`
	}
	if err := json.Unmarshal([]byte(text), &in); err != nil {
		return fail("Redrive policy is not a valid JSON map.")
	}
	switch {
	case in.Target == nil:
		return fail("Redrive policy does not contain mandatory attribute: deadLetterTargetArn.")
	case in.Max == nil:
		return fail("Redrive policy does not contain mandatory attribute: maxReceiveCount.")
	}
	if _, ok := placeOfARN(*in.Target); !ok {
		return fail("Invalid value for deadLetterTargetArn.")
	}
	number := string(in.Max)
	if s := ""; json.Unmarshal(in.Max, &s) == nil {
		number = s
	}
	n, err := strconv.ParseUint(number, 10, 32)
	if err != nil || n < 1 || n > maxReceives {
		return fail("Invalid value for maxReceiveCount: " + number + ", valid values are from 1 to 1000 both inclusive.")
	}
	return &redrive{*in.Target, uint32(n)}, nil
}

// allow is a RedriveAllowPolicy.
type allow struct {
	Permission string   `json:"redrivePermission"`
	Sources    []string `json:"sourceQueueArns,omitempty"`
}

// The values of redrivePermission.
const (
	allowAll = "allowAll"
	denyAll  = "denyAll"
	byQueue  = "byQueue"
)

func (a *allow) String() string {
	if a == nil {
		return ""
	}
	b, err := json.Marshal(a)
	if err != nil {
		panic(err) // strings
	}
	return string(b)
}

// parseAllow reads a RedriveAllowPolicy; nil is none.
func parseAllow(text string) (*allow, error) {
	if text == "" {
		return nil, nil
	}
	fail := func(reason string) (*allow, error) { return nil, badValue(text, attributeAllow, "%s", reason) }
	var a allow
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		return fail("Amazon SQS can't create the redrive allow policy. The policy is not a valid JSON map.")
	}
	switch a.Permission {
	case allowAll, denyAll:
		if a.Sources != nil {
			return fail("sourceQueueArns can be specified only when redrivePermission is byQueue.")
		}
	case byQueue:
		if len(a.Sources) == 0 || len(a.Sources) > maxSourceQueues {
			return fail("sourceQueueArns must name 1 to 10 queues when redrivePermission is byQueue.")
		}
		for _, arn := range a.Sources {
			if _, ok := placeOfARN(arn); !ok {
				return fail("Invalid queue ARN in sourceQueueArns: " + arn + ".")
			}
		}
	default:
		return fail("redrivePermission must be one of allowAll, denyAll and byQueue.")
	}
	return &a, nil
}

// retarget checks the dead-letter queue of a queue that is being written, and keeps the list of its sources.
func (s *Service) retarget(tx store.Tx, old, q *queue) error {
	if old != nil && old.redrive != nil {
		if p, ok := placeOfARN(old.redrive.Target); ok {
			tx.Delete(p.sources().Text(q.name))
		}
	}
	if q.redrive == nil {
		return nil
	}
	fail := func(reason string) error { return badValue(q.redrive, attributeRedrive, "%s", reason) }
	p, ok := placeOfARN(q.redrive.Target)
	if !ok || p.account != q.account || p.region != q.region {
		return fail("Dead-letter target owner should be same as the source.")
	}
	target, err := read(tx, p)
	switch {
	case aws.CodeOf(err) == aws.CodeOf(noQueue()) || p == q.place:
		return fail("Dead letter target does not exist.")
	case err != nil:
		return err
	case target.fifo != q.fifo:
		return fail("Dead-letter queue must be same type of queue as the source.")
	case !target.allows(q.arn()):
		return fail("Queue " + q.redrive.Target + " does not allow " + q.name + " to use it as a dead-letter queue.")
	}
	tx.Set(p.sources().Text(q.name), nil)
	return nil
}

// allows reports whether the queue lets another have it as its dead-letter queue.
func (q *queue) allows(source string) bool {
	a, err := parseAllow(q.Attributes[attributeAllow])
	if err != nil || a == nil {
		return true // it was checked when it was set
	}
	return a.Permission == allowAll || a.Permission == byQueue && slices.Contains(a.Sources, source)
}

// isDeadLetters reports whether a queue is the dead-letter queue of another.
func isDeadLetters(r store.Reader, p place) (bool, error) { return store.Any(r, p.sources().Range()) }

// ListDeadLetterSourceQueues lists the queues that have this one as their dead-letter queue.
func (s *Service) ListDeadLetterSourceQueues(ctx context.Context, id aws.Identity, in *sqsapi.ListDeadLetterSourceQueuesRequest) (*sqsapi.ListDeadLetterSourceQueuesResult, error) {
	q, err := s.find(ctx, id, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	pg, err := newPage(in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &sqsapi.ListDeadLetterSourceQueuesResult{QueueUrls: []string{}}
	err = s.home(q.place).View(ctx, func(_ context.Context, r store.Reader) error {
		return pg.Each(r, q.sources(), func(name string, _ store.Value) (bool, error) {
			out.QueueUrls = append(out.QueueUrls, s.url(id, place{q.account, q.region, name}))
			return true, nil
		})
	})
	if in.MaxResults != nil {
		out.NextToken = pg.Token()
	}
	return out, err
}

// newPage is a page of a listing by name.
func newPage(limit *int32, token *string) (*page.Page, error) {
	if limit != nil && (*limit < 1 || *limit > listLimit) {
		return nil, badValue(*limit, "MaxResults", "MaxResults must be an integer between 1 and 1000.")
	}
	p, err := page.New(page.Size(limit, listLimit), token)
	if err != nil {
		return nil, badValue(*token, "NextToken", "The token is not valid.")
	}
	return p, nil
}
