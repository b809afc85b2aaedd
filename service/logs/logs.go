// Package logs is Amazon CloudWatch Logs: groups, streams and events, with the filter patterns of FilterLogEvents.
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/Welcome.html
package logs

import (
	"context"
	"log/slog"
	"time"

	"github.com/brume-dev/brume/api/logsapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/timer"
)

// Config is what the service needs.
type Config struct {
	Store  store.Store
	Clock  clock.Clock
	Caller aws.Caller // for the keys that groups are given
	Timer  *timer.Runner
	Log    *slog.Logger
}

// Service implements logsapi.Handler.
type Service struct{ Config }

var _ logsapi.Handler = (*Service)(nil)

// The kinds of promises of this service. The ID of both is that of the group they are about.
const (
	kindErase = "logs.erase" // delete what a deleted group left
	kindSweep = "logs.sweep" // delete the events that are older than the group keeps them
)

// New returns the service and registers its promises with the timer.
func New(c Config) (*Service, error) {
	s := &Service{c}
	c.Timer.Handle(kindErase, s.erase, timer.Policy{})
	c.Timer.Handle(kindSweep, s.sweep, timer.Policy{})
	return s, nil
}

func (s *Service) home(id aws.Identity) store.Shard {
	return s.Store.Shard(store.Home(id.Account, id.Region))
}

// shard is where the contents of a group lie.
func (s *Service) shard(p place) store.Shard { return s.Store.Shard(p.resource) }

func millis(t time.Time) int64 { return t.UnixMilli() }

func groupMissing() error {
	return &logsapi.ResourceNotFoundException{Message: "The specified log group does not exist."}
}

func streamMissing() error {
	return &logsapi.ResourceNotFoundException{Message: "The specified log stream does not exist."}
}

func badParameter(text string) error { return &logsapi.InvalidParameterException{Message: text} }

// Access says what an operation needs. Resources are named as CloudWatch Logs names them in its own denials: a group is
// log-group:NAME:log-stream:STREAM with an empty stream.
func (s *Service) Access(ctx context.Context, id aws.Identity, op string, in any) ([]aws.Access, error) {
	group, stream := named(id, in)
	resource := aws.MakeARN(service, id.Region, id.Account, "log-group:"+group+":log-stream:"+stream).String()
	if group == "" && op != "DescribeLogGroups" { // which is denied on "log-group::log-stream:"
		resource = "*"
	}
	policy, err := s.mergedPolicies(ctx, id)
	if err != nil {
		return nil, err
	}
	return []aws.Access{{Action: "logs:" + op, Resource: resource, ResourcePolicy: policy}}, nil
}

// named finds the group and the stream that a request names.
func named(id aws.Identity, in any) (group, stream string) {
	switch in := in.(type) {
	case *logsapi.PutLogEventsRequest:
		return in.LogGroupName, in.LogStreamName
	case *logsapi.CreateLogStreamRequest:
		return in.LogGroupName, in.LogStreamName
	case *logsapi.DeleteLogStreamRequest:
		return in.LogGroupName, in.LogStreamName
	case *logsapi.GetLogEventsRequest:
		return identified(id, in.LogGroupName, in.LogGroupIdentifier), in.LogStreamName
	case *logsapi.FilterLogEventsRequest:
		return identified(id, in.LogGroupName, in.LogGroupIdentifier), ""
	case *logsapi.DescribeLogStreamsRequest:
		return identified(id, in.LogGroupName, in.LogGroupIdentifier), ""
	case *logsapi.CreateLogGroupRequest:
		return in.LogGroupName, ""
	case *logsapi.DeleteLogGroupRequest:
		return in.LogGroupName, ""
	case *logsapi.PutRetentionPolicyRequest:
		return in.LogGroupName, ""
	case *logsapi.DeleteRetentionPolicyRequest:
		return in.LogGroupName, ""
	case *logsapi.AssociateKmsKeyRequest:
		return identified(id, in.LogGroupName, in.ResourceIdentifier), ""
	case *logsapi.DisassociateKmsKeyRequest:
		return identified(id, in.LogGroupName, in.ResourceIdentifier), ""
	case *logsapi.TagLogGroupRequest:
		return in.LogGroupName, ""
	case *logsapi.UntagLogGroupRequest:
		return in.LogGroupName, ""
	case *logsapi.ListTagsLogGroupRequest:
		return in.LogGroupName, ""
	case *logsapi.TagResourceRequest:
		return nameFromARN(id, in.ResourceArn), ""
	case *logsapi.UntagResourceRequest:
		return nameFromARN(id, in.ResourceArn), ""
	case *logsapi.ListTagsForResourceRequest:
		return nameFromARN(id, in.ResourceArn), ""
	}
	return "", ""
}
