package applicationautoscaling

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	api "github.com/brume-dev/brume/api/applicationautoscalingapi"
	"github.com/brume-dev/brume/api/iamapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/page"
	"github.com/brume-dev/brume/timer"
)

const maxTags = 50 // of a target

// placeOf finds what a request is about, which must be something that can be scaled here.
func placeOf(id aws.Identity, namespace api.ServiceNamespace, dimension api.ScalableDimension, resource string) (place, error) {
	p := place{space: spaceOf(id.Account, id.Region), Namespace: string(namespace), Dimension: string(dimension), Resource: resource}
	if !p.known() {
		return p, invalid("Unsupported service namespace, resource type or scalable dimension")
	}
	return p, nil
}

func missing(p place) error {
	return &api.ObjectNotFoundException{Message: "No scalable target found for service namespace: " + p.Namespace + ", resource ID: " + p.Resource +
		", scalable dimension: " + p.Dimension}
}

func targetAt(r store.Reader, p place) (*target, error) {
	t, err := get[target](r, p.target())
	if err == nil && t == nil {
		err = missing(p)
	}
	return t, err
}

func (t *target) arn(p place) string {
	return aws.MakeARN("application-autoscaling", p.region, p.account, "scalable-target/"+t.ID).String()
}

// linked are the role with which a namespace is scaled, and the service that it is linked to.
func linked(p place) (role, service string) {
	name := map[string]string{"lambda": "LambdaConcurrency", "dynamodb": "DynamoDBTable"}[p.Namespace]
	service = p.Namespace + ".application-autoscaling.amazonaws.com"
	return aws.MakeARN("iam", "", p.account, "role/aws-service-role/"+service+"/AWSServiceRoleForApplicationAutoScaling_"+name).String(), service
}

// RegisterScalableTarget names something that is to be scaled, or changes its bounds.
// https://docs.aws.amazon.com/autoscaling/application/APIReference/API_RegisterScalableTarget.html
func (s *Service) RegisterScalableTarget(ctx context.Context, id aws.Identity, in *api.RegisterScalableTargetRequest) (*api.RegisterScalableTargetResponse, error) {
	p, err := placeOf(id, in.ServiceNamespace, in.ScalableDimension, in.ResourceId)
	if err != nil {
		return nil, err
	}
	now, err := s.capacity(ctx, p)
	if err != nil {
		if info := aws.InfoOf(err); info.Status < 500 {
			return nil, invalid("%s", info.Message)
		}
		return nil, err
	}
	fresh, err := s.newID()
	if err != nil {
		return nil, err
	}
	role, service := linked(p)
	if _, err := s.roles.CreateServiceLinkedRole(ctx, id, &iamapi.CreateServiceLinkedRoleRequest{AWSServiceName: service}); err != nil && aws.CodeOf(err) != "InvalidInput" {
		return nil, err
	}
	arn, err := update(ctx, s, p.space, func(tx store.Tx) (string, error) {
		t, err := get[target](tx, p.target())
		if err != nil {
			return "", err
		}
		if t == nil {
			if in.MinCapacity == nil || in.MaxCapacity == nil {
				return "", invalid("Minimum capacity and maximum capacity must be specified when registering a new scalable target")
			}
			t = &target{ID: strings.ReplaceAll(fresh, "-", ""), Role: role, Created: tx.Now()}
		}
		if err := t.change(p, in); err != nil {
			return "", err
		}
		tx.Set(p.target(), encode(t))
		tx.Set(p.owner(t.ID), encode(p))
		if len(in.Tags) > 0 {
			tx.Set(p.tags(t.ID), encode(in.Tags))
		}
		return t.arn(p), t.hold(tx, p, now.capacity)
	})
	return &api.RegisterScalableTargetResponse{ScalableTargetARN: &arn}, err
}

// hold has what is outside of the bounds brought within them. What there is nothing of is not active, and stays so.
func (t *target) hold(tx store.Tx, p place, now int32) error {
	switch {
	case now == 0:
	case now < t.Min:
		return setFit(tx, p, fmt.Sprintf("minimum capacity was set to %d", t.Min))
	case now > t.Max:
		return setFit(tx, p, fmt.Sprintf("maximum capacity was set to %d", t.Max))
	}
	return nil
}

func (t *target) change(p place, in *api.RegisterScalableTargetRequest) error {
	put(&t.Min, in.MinCapacity)
	put(&t.Max, in.MaxCapacity)
	if in.SuspendedState != nil {
		put(&t.NoIn, in.SuspendedState.DynamicScalingInSuspended)
		put(&t.NoOut, in.SuspendedState.DynamicScalingOutSuspended)
		put(&t.NoPlan, in.SuspendedState.ScheduledScalingSuspended)
	}
	switch {
	case t.Min < 1 && p.Namespace == "dynamodb":
		return invalid("Minimum capacity cannot be less than 1")
	case t.Min < 0:
		return invalid("Minimum capacity cannot be less than zero")
	case t.Max < t.Min:
		return invalid("Maximum capacity cannot be less than minimum capacity")
	}
	return nil
}

func put[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

func (t *target) describe(p place) api.ScalableTarget {
	return api.ScalableTarget{ServiceNamespace: api.ServiceNamespace(p.Namespace), ResourceId: p.Resource, ScalableDimension: api.ScalableDimension(p.Dimension),
		MinCapacity: t.Min, MaxCapacity: t.Max, RoleARN: t.Role, CreationTime: t.Created, ScalableTargetARN: new(t.arn(p)),
		SuspendedState: &api.SuspendedState{DynamicScalingInSuspended: &t.NoIn, DynamicScalingOutSuspended: &t.NoOut, ScheduledScalingSuspended: &t.NoPlan}}
}

// list reads one page of what lies under a letter for a namespace.
func list(r store.Reader, k space, letter string, namespace api.ServiceNamespace, most int, limit *int32, token *string,
	take func(p place, name string, v store.Value) (bool, error)) (*string, error) {
	pg, err := page.New(min(page.Size(limit, most), most), token)
	if err != nil {
		return nil, &api.InvalidNextTokenException{Message: "The next token supplied was invalid."}
	}
	err = pg.Keys(r, k.root.Text(letter).Text(string(namespace)), func(e *store.Elements, v store.Value) (bool, error) {
		p := place{space: k, Namespace: string(namespace), Dimension: e.Text(), Resource: e.Text()}
		name := ""
		if letter != "t" {
			name = e.Text()
		}
		return take(p, name, v)
	})
	return pg.Token(), err
}

const (
	maxTargets  = 50 // of a page
	maxPolicies = 10
)

// DescribeScalableTargets lists targets.
// https://docs.aws.amazon.com/autoscaling/application/APIReference/API_DescribeScalableTargets.html
func (s *Service) DescribeScalableTargets(ctx context.Context, id aws.Identity, in *api.DescribeScalableTargetsRequest) (*api.DescribeScalableTargetsResponse, error) {
	if err := located(in.ScalableDimension, len(in.ResourceIds) > 0); err != nil {
		return nil, err
	}
	k := spaceOf(id.Account, id.Region)
	return view(ctx, s, k, func(r store.Reader) (*api.DescribeScalableTargetsResponse, error) {
		out := &api.DescribeScalableTargetsResponse{ScalableTargets: []api.ScalableTarget{}}
		var err error
		out.NextToken, err = list(r, k, "t", in.ServiceNamespace, maxTargets, in.MaxResults, in.NextToken, func(p place, _ string, v store.Value) (bool, error) {
			if in.ScalableDimension != "" && p.Dimension != string(in.ScalableDimension) || len(in.ResourceIds) > 0 && !slices.Contains(in.ResourceIds, p.Resource) {
				return false, nil
			}
			var t target
			err := decode(v, &t)
			out.ScalableTargets = append(out.ScalableTargets, t.describe(p))
			return true, err
		})
		return out, err
	})
}

// DeregisterScalableTarget forgets a target with its policies and scheduled actions. What it scaled stays as it is.
// https://docs.aws.amazon.com/autoscaling/application/APIReference/API_DeregisterScalableTarget.html
func (s *Service) DeregisterScalableTarget(ctx context.Context, id aws.Identity, in *api.DeregisterScalableTargetRequest) (*api.DeregisterScalableTargetResponse, error) {
	p, err := placeOf(id, in.ServiceNamespace, in.ScalableDimension, in.ResourceId)
	if err != nil {
		return nil, err
	}
	return update(ctx, s, p.space, func(tx store.Tx) (*api.DeregisterScalableTargetResponse, error) {
		t, err := targetAt(tx, p)
		if err != nil {
			return nil, err
		}
		for kind, under := range map[string]store.Tuple{kindTrack: p.policies(), kindScheduled: p.scheduled()} {
			pairs, done := tx.Scan(under.Range(), store.ScanOpt{})
			for kv := range pairs {
				if _, err := timer.Cancel(tx, kind, p.name(store.Decode(kv.Key, len(under)).Text())); err != nil {
					return nil, err
				}
			}
			if err := done(); err != nil {
				return nil, err
			}
			tx.DeleteRange(under.Range())
		}
		tx.Delete(p.target())
		tx.Delete(p.owner(t.ID))
		tx.Delete(p.tags(t.ID))
		return new(api.DeregisterScalableTargetResponse), nil
	})
}

// tagged changes or reads the tags of the target that an ARN names.
func tagged(r store.Reader, id aws.Identity, arn string) (key store.Key, tags map[string]string, err error) {
	k := spaceOf(id.Account, id.Region)
	a, err := aws.ParseARN(arn)
	name, ok := strings.CutPrefix(a.Resource, "scalable-target/")
	var p *place
	if err == nil && ok && a.Account == id.Account && a.Region == id.Region {
		if p, err = get[place](r, k.owner(name)); err != nil {
			return nil, nil, err
		}
	}
	if p == nil {
		return nil, nil, &api.ResourceNotFoundException{Message: "Resource not found: " + arn, ResourceName: &arn}
	}
	found, err := get[map[string]string](r, k.tags(name))
	if found == nil {
		found = &map[string]string{}
	}
	return k.tags(name), *found, err
}

// TagResource sets tags of a target.
// https://docs.aws.amazon.com/autoscaling/application/APIReference/API_TagResource.html
func (s *Service) TagResource(ctx context.Context, id aws.Identity, in *api.TagResourceRequest) (*api.TagResourceResponse, error) {
	return update(ctx, s, spaceOf(id.Account, id.Region), func(tx store.Tx) (*api.TagResourceResponse, error) {
		key, tags, err := tagged(tx, id, in.ResourceARN)
		if err != nil {
			return nil, err
		}
		if maps.Copy(tags, in.Tags); len(tags) > maxTags {
			return nil, &api.TooManyTagsException{Message: "Too many tags", ResourceName: &in.ResourceARN}
		}
		tx.Set(key, encode(tags))
		return new(api.TagResourceResponse), nil
	})
}

// UntagResource removes tags of a target.
// https://docs.aws.amazon.com/autoscaling/application/APIReference/API_UntagResource.html
func (s *Service) UntagResource(ctx context.Context, id aws.Identity, in *api.UntagResourceRequest) (*api.UntagResourceResponse, error) {
	return update(ctx, s, spaceOf(id.Account, id.Region), func(tx store.Tx) (*api.UntagResourceResponse, error) {
		key, tags, err := tagged(tx, id, in.ResourceARN)
		if err != nil {
			return nil, err
		}
		for _, k := range in.TagKeys {
			delete(tags, k)
		}
		tx.Set(key, encode(tags))
		return new(api.UntagResourceResponse), nil
	})
}

// ListTagsForResource returns the tags of a target.
// https://docs.aws.amazon.com/autoscaling/application/APIReference/API_ListTagsForResource.html
func (s *Service) ListTagsForResource(ctx context.Context, id aws.Identity, in *api.ListTagsForResourceRequest) (*api.ListTagsForResourceResponse, error) {
	return view(ctx, s, spaceOf(id.Account, id.Region), func(r store.Reader) (*api.ListTagsForResourceResponse, error) {
		_, tags, err := tagged(r, id, in.ResourceARN)
		if err != nil {
			return nil, err
		}
		return &api.ListTagsForResourceResponse{Tags: tags}, nil
	})
}
