package applicationautoscaling

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	api "github.com/brume-dev/brume/api/applicationautoscalingapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/shape"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/timer"
)

// How target tracking follows what is used: a look a minute, as CloudWatch's alarms of such policies have datapoints.
// https://docs.aws.amazon.com/autoscaling/application/userguide/target-tracking-scaling-policy-overview.html
const (
	lookEvery = time.Minute
	looksOut  = 3   // in a row above the target before there is to be more
	looksIn   = 15  // in a row below a tenth less than the target before there is to be less
	slack     = 0.9 // of the target
)

// maxPoliciesOfTarget is the quota of policies of a target.
// https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-quotas.html
const maxPoliciesOfTarget = 50

// PutScalingPolicy makes or changes a policy of a target.
// https://docs.aws.amazon.com/autoscaling/application/APIReference/API_PutScalingPolicy.html
func (s *Service) PutScalingPolicy(ctx context.Context, id aws.Identity, in *api.PutScalingPolicyRequest) (*api.PutScalingPolicyResponse, error) {
	p, err := placeOf(id, in.ServiceNamespace, in.ScalableDimension, in.ResourceId)
	if err != nil {
		return nil, err
	}
	kind, config, err := configOf(p, in)
	if err != nil {
		return nil, err
	}
	fresh, err := s.newID()
	if err != nil {
		return nil, err
	}
	return update(ctx, s, p.space, func(tx store.Tx) (*api.PutScalingPolicyResponse, error) {
		if _, err := targetAt(tx, p); err != nil {
			return nil, err
		}
		have, err := get[policy](tx, p.policy(in.PolicyName))
		if err != nil {
			return nil, err
		}
		if have == nil {
			if err := roomFor(tx, p); err != nil {
				return nil, err
			}
			have = &policy{Created: tx.Now(), ARN: aws.MakeARN("autoscaling", p.region, p.account, "scalingPolicy:"+fresh+":resource/"+p.Namespace+"/"+
				p.Resource+":policyName/"+in.PolicyName).String()}
		}
		have.Type, have.Config, have.Above, have.Below = kind, config, 0, 0
		tx.Set(p.policy(in.PolicyName), encode(have))
		if err := watch(tx, p, in); err != nil {
			return nil, err
		}
		return &api.PutScalingPolicyResponse{PolicyARN: have.ARN, Alarms: []api.Alarm{}}, nil
	})
}

func roomFor(r store.Reader, p place) error {
	n := 0
	pairs, done := r.Scan(p.policies().Range(), store.ScanOpt{Limit: maxPoliciesOfTarget})
	for range pairs {
		n++
	}
	if n >= maxPoliciesOfTarget {
		return &api.LimitExceededException{Message: fmt.Sprintf("The limit of %d scaling policies of a scalable target is reached", maxPoliciesOfTarget)}
	}
	return done()
}

// configOf checks a policy and returns its configuration as JSON.
func configOf(p place, in *api.PutScalingPolicyRequest) (kind string, config []byte, err error) {
	kind = string(in.PolicyType)
	if kind == "" {
		kind = string(api.PolicyTypeStepScaling)
	}
	switch api.PolicyType(kind) {
	case api.PolicyTypeTargetTrackingScaling:
		c := in.TargetTrackingScalingPolicyConfiguration
		if c == nil || c.PredefinedMetricSpecification == nil == (c.CustomizedMetricSpecification == nil) {
			return "", nil, invalid("Exactly one of PredefinedMetricSpecification and CustomizedMetricSpecification must be specified in the TargetTrackingScalingPolicyConfiguration")
		}
		if c.TargetValue <= 0 {
			return "", nil, invalid("TargetValue must be greater than 0")
		}
		if m := c.PredefinedMetricSpecification; m != nil && !slices.Contains(metrics(p), m.PredefinedMetricType) {
			return "", nil, invalid("PredefinedMetricType %s is not supported for service namespace %s and scalable dimension %s", m.PredefinedMetricType, p.Namespace, p.Dimension)
		}
		config, err = shape.AppendJSON(nil, c)
	case api.PolicyTypeStepScaling:
		if in.StepScalingPolicyConfiguration == nil {
			return "", nil, invalid("StepScalingPolicyConfiguration must be specified for policies of type StepScaling")
		}
		if p.Namespace == "dynamodb" {
			return "", nil, invalid("StepScaling is not supported for service namespace dynamodb")
		}
		config, err = shape.AppendJSON(nil, in.StepScalingPolicyConfiguration)
	default:
		err = invalid("%s is not supported for service namespace %s", kind, p.Namespace)
	}
	return kind, config, err
}

// metrics are the predefined ones that a target can be tracked by.
func metrics(p place) []api.MetricType {
	switch p.Dimension {
	case "lambda:function:ProvisionedConcurrency":
		return []api.MetricType{api.MetricTypeLambdaProvisionedConcurrencyUtilization}
	case "dynamodb:table:ReadCapacityUnits", "dynamodb:index:ReadCapacityUnits":
		return []api.MetricType{api.MetricTypeDynamoDBReadCapacityUtilization}
	}
	return []api.MetricType{api.MetricTypeDynamoDBWriteCapacityUtilization}
}

// track is the promise to look whether a target is to be scaled.
type track struct {
	Account string `cbor:"1,keyasint"`
	Region  string `cbor:"2,keyasint"`
	Place   place  `cbor:"3,keyasint"`
	Name    string `cbor:"4,keyasint"`
}

// watch promises to look after a policy whose metric is known here.
func watch(tx store.Tx, p place, in *api.PutScalingPolicyRequest) error {
	c := in.TargetTrackingScalingPolicyConfiguration
	if in.PolicyType != api.PolicyTypeTargetTrackingScaling || c.PredefinedMetricSpecification == nil || p.Namespace != "lambda" {
		_, err := timer.Cancel(tx, kindTrack, p.name(in.PolicyName))
		return err
	}
	return timer.Set(tx, timer.Promise{Kind: kindTrack, ID: p.name(in.PolicyName), Due: tx.Now().Add(lookEvery), Dest: p.Resource,
		Args: encode(track{Account: p.account, Region: p.region, Place: p, Name: in.PolicyName})})
}

// keepTrack looks once, and again after a minute.
func (s *Service) keepTrack(ctx context.Context, k *timer.Kept) error {
	var w track
	if err := decode(k.Args, &w); err != nil {
		return err
	}
	p := w.Place
	p.space = spaceOf(w.Account, w.Region)
	now, err := s.capacity(ctx, p)
	if err != nil && aws.InfoOf(err).Status >= 500 {
		return err
	}
	if err != nil {
		now = level{use: -1} // what is to be scaled is not there now
	}
	n, at, err := s.judge(ctx, p, w.Name, now)
	if err != nil || at.IsZero() {
		return err
	}
	if n != now.capacity {
		if err := s.move(ctx, p, n, "monitor alarm of policy "+w.Name); err != nil {
			return err
		}
	}
	return &timer.Retry{At: at, Uncounted: true}
}

// judge notes what a policy has seen, and returns how much there is to be and when to look again. A zero time says that
// the policy is no more.
func (s *Service) judge(ctx context.Context, p place, name string, now level) (n int32, again time.Time, err error) {
	_, err = s.shard(p.space).Update(ctx, func(_ context.Context, tx store.Tx) error {
		n, again = now.capacity, time.Time{}
		t, err := get[target](tx, p.target())
		if err != nil || t == nil {
			return err
		}
		pol, err := get[policy](tx, p.policy(name))
		if err != nil || pol == nil {
			return err
		}
		var c api.TargetTrackingScalingPolicyConfiguration
		if _, err := shape.DecodeJSON(pol.Config, &c); err != nil {
			return err
		}
		n = pol.decide(t, &c, now, tx.Now())
		again = tx.Now().Add(lookEvery)
		tx.Set(p.policy(name), encode(pol))
		return nil
	})
	return n, again, err
}

// decide follows what is used: at once when it is too much for some looks, and slowly when it is too little.
func (p *policy) decide(t *target, c *api.TargetTrackingScalingPolicyConfiguration, now level, at time.Time) int32 {
	if now.use < 0 {
		p.Above, p.Below = 0, 0
		return now.capacity
	}
	switch {
	case now.use > c.TargetValue:
		p.Above, p.Below = p.Above+1, 0
	case now.use < c.TargetValue*slack:
		p.Above, p.Below = 0, p.Below+1
	default:
		p.Above, p.Below = 0, 0
	}
	wanted := int32(math.Ceil(float64(now.capacity) * now.use / c.TargetValue))
	wanted = min(max(wanted, t.Min), t.Max)
	cool := func(since time.Time, cooldown *int32) bool {
		return cooldown == nil || !at.Before(since.Add(time.Duration(*cooldown)*time.Second))
	}
	switch {
	case wanted > now.capacity && p.Above >= looksOut && !t.NoOut && cool(p.Out, c.ScaleOutCooldown):
		p.Above, p.Out = 0, at
		return wanted
	case wanted < now.capacity && p.Below >= looksIn && !t.NoIn && (c.DisableScaleIn == nil || !*c.DisableScaleIn) && cool(p.In, c.ScaleInCooldown):
		p.Below, p.In = 0, at
		return wanted
	}
	return now.capacity
}

// DescribeScalingPolicies lists policies.
// https://docs.aws.amazon.com/autoscaling/application/APIReference/API_DescribeScalingPolicies.html
func (s *Service) DescribeScalingPolicies(ctx context.Context, id aws.Identity, in *api.DescribeScalingPoliciesRequest) (*api.DescribeScalingPoliciesResponse, error) {
	if err := located(in.ScalableDimension, in.ResourceId != nil); err != nil {
		return nil, err
	}
	k := spaceOf(id.Account, id.Region)
	return view(ctx, s, k, func(r store.Reader) (*api.DescribeScalingPoliciesResponse, error) {
		out := &api.DescribeScalingPoliciesResponse{ScalingPolicies: []api.ScalingPolicy{}}
		var err error
		out.NextToken, err = list(r, k, "p", in.ServiceNamespace, maxPolicies, in.MaxResults, in.NextToken, func(p place, name string, v store.Value) (bool, error) {
			if !p.asked(in.ResourceId, in.ScalableDimension) || len(in.PolicyNames) > 0 && !slices.Contains(in.PolicyNames, name) {
				return false, nil
			}
			var pol policy
			if err := decode(v, &pol); err != nil {
				return false, err
			}
			d, err := pol.describe(p, name)
			out.ScalingPolicies = append(out.ScalingPolicies, d)
			return true, err
		})
		return out, err
	})
}

// located refuses to list by a dimension of no resource.
func located(dimension api.ScalableDimension, resource bool) error {
	if dimension != "" && !resource {
		return invalid("A resource ID must be specified when a scalable dimension is")
	}
	return nil
}

// asked reports whether a request that may name a resource and a dimension is about p.
func (p place) asked(resource *string, dimension api.ScalableDimension) bool {
	return (resource == nil || *resource == p.Resource) && (dimension == "" || string(dimension) == p.Dimension)
}

func (pol *policy) describe(p place, name string) (api.ScalingPolicy, error) {
	d := api.ScalingPolicy{PolicyARN: pol.ARN, PolicyName: name, ServiceNamespace: api.ServiceNamespace(p.Namespace), ResourceId: p.Resource,
		ScalableDimension: api.ScalableDimension(p.Dimension), PolicyType: api.PolicyType(pol.Type), CreationTime: pol.Created, Alarms: []api.Alarm{}}
	var err error
	if d.PolicyType == api.PolicyTypeStepScaling {
		d.StepScalingPolicyConfiguration = new(api.StepScalingPolicyConfiguration)
		_, err = shape.DecodeJSON(pol.Config, d.StepScalingPolicyConfiguration)
	} else {
		d.TargetTrackingScalingPolicyConfiguration = new(api.TargetTrackingScalingPolicyConfiguration)
		_, err = shape.DecodeJSON(pol.Config, d.TargetTrackingScalingPolicyConfiguration)
	}
	return d, err
}

// DeleteScalingPolicy deletes a policy.
// https://docs.aws.amazon.com/autoscaling/application/APIReference/API_DeleteScalingPolicy.html
func (s *Service) DeleteScalingPolicy(ctx context.Context, id aws.Identity, in *api.DeleteScalingPolicyRequest) (*api.DeleteScalingPolicyResponse, error) {
	p, err := placeOf(id, in.ServiceNamespace, in.ScalableDimension, in.ResourceId)
	if err != nil {
		return nil, err
	}
	return update(ctx, s, p.space, func(tx store.Tx) (*api.DeleteScalingPolicyResponse, error) {
		pol, err := get[policy](tx, p.policy(in.PolicyName))
		if err == nil && pol == nil {
			err = &api.ObjectNotFoundException{Message: "No scaling policy found for service namespace: " + p.Namespace + ", resource ID: " + p.Resource +
				", scalable dimension: " + p.Dimension + ", policy name: " + in.PolicyName}
		}
		if err != nil {
			return nil, err
		}
		tx.Delete(p.policy(in.PolicyName))
		_, err = timer.Cancel(tx, kindTrack, p.name(in.PolicyName))
		return new(api.DeleteScalingPolicyResponse), err
	})
}
