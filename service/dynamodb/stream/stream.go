package stream

import (
	"context"
	"errors"
	"net/http"
	"strings"

	api "github.com/brume-dev/brume/api/dynamodbstreamsapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/timer"
)

// Config is what the service needs.
type Config struct {
	Store store.Store
	Clock clock.Clock
	Timer *timer.Runner
}

// Service implements dynamodbstreamsapi.Handler and aws.Accessor.
type Service struct {
	store store.Store
	clock clock.Clock
}

var (
	_ api.Handler  = (*Service)(nil)
	_ aws.Accessor = (*Service)(nil)
)

// New returns the service and registers the promise that it keeps.
func New(c Config) (*Service, error) {
	if c.Store == nil || c.Clock == nil || c.Timer == nil {
		return nil, errors.New("stream: no store, no clock or no timer")
	}
	s := &Service{store: c.Store, clock: c.Clock}
	c.Timer.Handle(trimKind, s.trim, timer.Policy{})
	return s, nil
}

// Shard is the resource in which the tables of an account and region live, and their streams.
func Shard(account, region string) store.Key {
	return store.Tuple(nil).Text("dynamodb").Text(account).Text(region)
}

func (s *Service) shard(n Name) store.Shard { return s.store.Shard(Shard(n.Account, n.Region)) }

func invalid(format string, args ...any) error {
	return aws.Errorf("ValidationException", http.StatusBadRequest, format, args...)
}

// resolve reads the ARN of a stream.
func resolve(arn string) (Name, error) {
	a, err := aws.ParseARN(arn)
	_, rest := a.Split()
	table, label, ok := strings.Cut(rest, "/stream/")
	if err != nil || a.Service != "dynamodb" || !strings.HasPrefix(a.Resource, "table/") || !ok || table == "" || label == "" {
		return Name{}, invalid("Invalid StreamArn")
	}
	return Name{a.Account, a.Region, table, label}, nil
}

// find returns a stream of which something can still be read.
func (s *Service) find(r store.Reader, n Name) (Record, error) {
	rec, ok, err := get(r, n)
	if err == nil && (!ok || rec.over(s.clock.Now())) {
		err = &api.ResourceNotFoundException{Message: "Requested resource not found: Stream: " + n.ARN() + " not found"}
	}
	return rec, err
}

// Access implements aws.Accessor. The actions are DynamoDB's.
//
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html
func (s *Service) Access(ctx context.Context, id aws.Identity, op string, in any) ([]aws.Access, error) {
	a := aws.Access{Action: "dynamodb:" + op, Resource: "*"}
	arn := ""
	switch in := in.(type) {
	case *api.DescribeStreamInput:
		arn = in.StreamArn
	case *api.GetShardIteratorInput:
		arn = in.StreamArn
	case *api.GetRecordsInput:
		arn, _, _ = strings.Cut(in.ShardIterator, "|")
	}
	if n, err := resolve(arn); err == nil && !strings.ContainsAny(arn, "*?") {
		a.Resource, a.ResourceAccount = arn, n.Account
		a.ResourcePolicy, err = store.View(ctx, s.shard(n), func(_ context.Context, r store.Reader) (string, error) {
			document, _, _, err := Policy(r, n)
			return document, err
		})
		if err != nil {
			return nil, err
		}
	} else if op != "ListStreams" {
		a.Resource = aws.MakeARN("dynamodb", id.Region, id.Account, "table/*").String()
	}
	return []aws.Access{a}, nil
}
