package applicationautoscaling

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	api "github.com/brume-dev/brume/api/applicationautoscalingapi"
	"github.com/brume-dev/brume/api/dynamodbapi"
	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/timer"
)

// known reports whether the place is of a kind that can be scaled here.
// https://docs.aws.amazon.com/autoscaling/application/APIReference/API_RegisterScalableTarget.html
func (p place) known() bool {
	function, qualifier := p.function()
	table, index := p.table()
	switch p.Namespace + " " + p.Dimension {
	case "lambda lambda:function:ProvisionedConcurrency":
		return function != "" && qualifier != ""
	case "dynamodb dynamodb:table:ReadCapacityUnits", "dynamodb dynamodb:table:WriteCapacityUnits":
		return table != "" && index == ""
	case "dynamodb dynamodb:index:ReadCapacityUnits", "dynamodb dynamodb:index:WriteCapacityUnits":
		return table != "" && index != ""
	}
	return false
}

// function takes "function:NAME:QUALIFIER" apart.
func (p place) function() (name, qualifier string) {
	rest, _ := strings.CutPrefix(p.Resource, "function:")
	name, qualifier, _ = strings.Cut(rest, ":")
	if rest == p.Resource || strings.Contains(qualifier, ":") {
		return "", ""
	}
	return name, qualifier
}

// table takes "table/NAME" and "table/NAME/index/INDEX" apart.
func (p place) table() (name, index string) {
	parts := strings.Split(p.Resource, "/")
	switch {
	case len(parts) == 2 && parts[0] == "table":
		return parts[1], ""
	case len(parts) == 4 && parts[0] == "table" && parts[2] == "index":
		return parts[1], parts[3]
	}
	return "", ""
}

// self is the service as it acts on what it scales: for the account, as its service-linked role may.
func (p place) self() aws.Identity {
	return aws.Identity{Kind: aws.Root, Account: p.account, Region: p.region, PrincipalID: p.account,
		ARN: aws.MakeARN("iam", "", p.account, "root").String(), ViaService: "application-autoscaling.amazonaws.com"}
}

// level is how much there is of something, and how much of it is used, where that is known.
type level struct {
	capacity int32
	use      float64 // a part of the capacity; below zero: it is not known
}

// capacity reads how much there is.
func (s *Service) capacity(ctx context.Context, p place) (level, error) {
	if p.Namespace == "lambda" {
		return s.concurrency(ctx, p)
	}
	through, err := s.throughput(ctx, p)
	if err != nil {
		return level{}, err
	}
	n := through.WriteCapacityUnits
	if strings.HasSuffix(p.Dimension, "ReadCapacityUnits") {
		n = through.ReadCapacityUnits
	}
	return level{capacity: int32(n), use: -1}, nil
}

func (s *Service) concurrency(ctx context.Context, p place) (level, error) {
	name, qualifier := p.function()
	out, err := s.functions.GetProvisionedConcurrencyConfig(ctx, p.self(), &lambdaapi.GetProvisionedConcurrencyConfigRequest{FunctionName: name, Qualifier: qualifier})
	if aws.CodeOf(err) == "ProvisionedConcurrencyConfigNotFoundException" {
		return level{use: -1}, nil
	}
	if err != nil {
		return level{}, err
	}
	l := level{capacity: *out.RequestedProvisionedConcurrentExecutions, use: -1}
	if have := *out.AllocatedProvisionedConcurrentExecutions; have > 0 && have >= l.capacity {
		l.use = float64(have-*out.AvailableProvisionedConcurrentExecutions) / float64(have)
	}
	return l, nil
}

func (s *Service) throughput(ctx context.Context, p place) (*dynamodbapi.ProvisionedThroughput, error) {
	name, index := p.table()
	out, err := s.tables.DescribeTable(ctx, p.self(), &dynamodbapi.DescribeTableInput{TableName: name})
	if err != nil {
		return nil, err
	}
	d := out.Table.ProvisionedThroughput
	if index != "" {
		d = nil
		for i := range out.Table.GlobalSecondaryIndexes {
			if g := &out.Table.GlobalSecondaryIndexes[i]; g.IndexName != nil && *g.IndexName == index {
				d = g.ProvisionedThroughput
			}
		}
		if d == nil {
			return nil, invalid("DynamoDB index does not exist: %s", p.Resource)
		}
	}
	through := &dynamodbapi.ProvisionedThroughput{}
	if d != nil {
		put(&through.ReadCapacityUnits, d.ReadCapacityUnits)
		put(&through.WriteCapacityUnits, d.WriteCapacityUnits)
	}
	return through, nil
}

// scale makes there be n.
func (s *Service) scale(ctx context.Context, p place, n int32) error {
	if p.Namespace == "lambda" {
		name, qualifier := p.function()
		if n == 0 {
			_, err := s.functions.DeleteProvisionedConcurrencyConfig(ctx, p.self(), &lambdaapi.DeleteProvisionedConcurrencyConfigRequest{FunctionName: name, Qualifier: qualifier})
			return err
		}
		_, err := s.functions.PutProvisionedConcurrencyConfig(ctx, p.self(), &lambdaapi.PutProvisionedConcurrencyConfigRequest{FunctionName: name,
			Qualifier: qualifier, ProvisionedConcurrentExecutions: n})
		return err
	}
	through, err := s.throughput(ctx, p)
	if err != nil {
		return err
	}
	if strings.HasSuffix(p.Dimension, "ReadCapacityUnits") {
		through.ReadCapacityUnits = int64(n)
	} else {
		through.WriteCapacityUnits = int64(n)
	}
	name, index := p.table()
	in := &dynamodbapi.UpdateTableInput{TableName: name, ProvisionedThroughput: through}
	if index != "" {
		in.ProvisionedThroughput = nil
		in.GlobalSecondaryIndexUpdates = []dynamodbapi.GlobalSecondaryIndexUpdate{{Update: &dynamodbapi.UpdateGlobalSecondaryIndexAction{
			IndexName: index, ProvisionedThroughput: through}}}
	}
	_, err = s.tables.UpdateTable(ctx, p.self(), in)
	return err
}

// fit is the promise to bring a target within its bounds.
type fit struct {
	Account string `cbor:"1,keyasint"`
	Region  string `cbor:"2,keyasint"`
	Place   place  `cbor:"3,keyasint"`
	Cause   string `cbor:"4,keyasint"`
}

func setFit(tx store.Tx, p place, cause string) error {
	return timer.Set(tx, timer.Promise{Kind: kindFit, ID: p.name(""), Args: encode(fit{Account: p.account, Region: p.region, Place: p, Cause: cause})})
}

func (s *Service) keepFit(ctx context.Context, k *timer.Kept) error {
	var f fit
	if err := decode(k.Args, &f); err != nil {
		return err
	}
	f.Place.space = spaceOf(f.Account, f.Region)
	p := f.Place
	t, err := view(ctx, s, p.space, func(r store.Reader) (*target, error) { return get[target](r, p.target()) })
	if err != nil || t == nil {
		return err
	}
	now, err := s.capacity(ctx, p)
	if err != nil {
		return s.note(ctx, p, f.Cause, 0, err)
	}
	if n := min(max(now.capacity, t.Min), t.Max); n != now.capacity {
		return s.move(ctx, p, n, f.Cause)
	}
	return nil
}

// move scales to n and writes that down. What the other service refuses is an activity that failed, not ours to repeat.
func (s *Service) move(ctx context.Context, p place, n int32, cause string) error {
	err := s.scale(ctx, p, n)
	if err != nil && aws.InfoOf(err).Status >= 500 {
		return err
	}
	return s.note(ctx, p, cause, n, err)
}

// maxActivityAge is how long activities are shown.
// https://docs.aws.amazon.com/autoscaling/application/APIReference/API_DescribeScalingActivities.html
const maxActivityAge = 6 * 7 * 24 * time.Hour

// note writes an activity down, and forgets those that are too old.
func (s *Service) note(ctx context.Context, p place, cause string, n int32, problem error) error {
	id, err := s.newID()
	if err != nil {
		return err
	}
	what := map[string]string{"lambda": "provisioned concurrency", "dynamodb": "capacity units"}[p.Namespace]
	a := activity{Place: p, Cause: cause, Description: fmt.Sprintf("Setting %s to %d.", what, n), Status: string(api.ScalingActivityStatusCodeSuccessful),
		Message: fmt.Sprintf("Successfully set %s to %d.", what, n)}
	if problem != nil {
		a.Status, a.Message = string(api.ScalingActivityStatusCodeFailed), "Failed to set "+what+". Reason: "+aws.InfoOf(problem).Message
	}
	_, err = s.shard(p.space).Update(ctx, func(_ context.Context, tx store.Tx) error {
		a := a
		a.Begun = tx.Now()
		under := p.activities(p.Namespace)
		tx.Set(under.Int(age(a.Begun)).Text(id), encode(a))
		old := under.Range()
		old.Begin = store.Key(under.Int(age(a.Begun.Add(-maxActivityAge))))
		tx.DeleteRange(old)
		return nil
	})
	return err
}

// age orders times from the newest to the oldest.
func age(t time.Time) int64 { return math.MaxInt64 - t.UnixMilli() }

// DescribeScalingActivities lists what has been scaled in the last six weeks, the newest first.
// https://docs.aws.amazon.com/autoscaling/application/APIReference/API_DescribeScalingActivities.html
func (s *Service) DescribeScalingActivities(ctx context.Context, id aws.Identity, in *api.DescribeScalingActivitiesRequest) (*api.DescribeScalingActivitiesResponse, error) {
	if err := located(in.ScalableDimension, in.ResourceId != nil); err != nil {
		return nil, err
	}
	k := spaceOf(id.Account, id.Region)
	return view(ctx, s, k, func(r store.Reader) (*api.DescribeScalingActivitiesResponse, error) {
		out := &api.DescribeScalingActivitiesResponse{ScalingActivities: []api.ScalingActivity{}}
		var err error
		out.NextToken, err = listActivities(r, k, in, func(name string, a *activity) {
			out.ScalingActivities = append(out.ScalingActivities, api.ScalingActivity{ActivityId: name, ServiceNamespace: in.ServiceNamespace,
				ResourceId: a.Place.Resource, ScalableDimension: api.ScalableDimension(a.Place.Dimension), Description: a.Description, Cause: a.Cause,
				StartTime: a.Begun, EndTime: &a.Begun, StatusCode: api.ScalingActivityStatusCode(a.Status), StatusMessage: &a.Message})
		})
		return out, err
	})
}
