package sns

import (
	"context"

	"github.com/brume-dev/brume/api/snsapi"
	"github.com/brume-dev/brume/aws"
)

// Access says what an operation needs: an action on the topic, whose policy may let other accounts and services in.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsns.html
func (s *Service) Access(ctx context.Context, id aws.Identity, op string, in any) ([]aws.Access, error) {
	arn := topicARN(in)
	a := aws.Access{Action: "sns:" + op, Resource: "*"}
	switch in := in.(type) {
	case *snsapi.PublishBatchInput:
		a.Action = "sns:Publish"
	case *snsapi.CreateTopicInput:
		a.Resource = ref{here(id), in.Name}.arn()
		if len(in.Tags) > 0 {
			return []aws.Access{a, {Action: "sns:TagResource", Resource: a.Resource}}, nil
		}
		return []aws.Access{a}, nil
	case *snsapi.SubscribeInput:
		a.Context = map[string][]string{"sns:Protocol": {in.Protocol}}
		if in.Endpoint != nil {
			a.Context["sns:Endpoint"] = []string{*in.Endpoint}
		}
	}
	if arn == "" {
		return []aws.Access{a}, nil
	}
	t, err := topicOf(id, "TopicArn", arn)
	if err != nil {
		return []aws.Access{a}, nil // the operation refuses it
	}
	if err := s.protect(ctx, id, t, &a); err != nil {
		return nil, err
	}
	return []aws.Access{a}, nil
}

// protect completes what an access to a topic is held to.
func (s *Service) protect(ctx context.Context, id aws.Identity, t ref, a *aws.Access) error {
	a.Resource, a.ResourceAccount = t.arn(), t.Account
	topic, there, err := s.compiled(ctx, t)
	if err != nil || !there {
		return err
	}
	a.ResourcePolicy = topic.rec.Policy
	// CloudWatch's alarms are among the services that still say whom they act for by the key of the default policy.
	if id.Kind == aws.ServicePrincipal && id.Service == "cloudwatch.amazonaws.com" {
		a.Context = map[string][]string{"aws:SourceOwner": {id.SourceAccount}}
	}
	return nil
}

// may authorizes the caller of an operation that nobody authorized because it takes unsigned requests too.
func (s *Service) may(ctx context.Context, id aws.Identity, op string, t ref) error {
	a := aws.Access{Action: "sns:" + op, Resource: "*"}
	if op == "ConfirmSubscription" {
		if err := s.protect(ctx, id, t, &a); err != nil {
			return err
		}
	}
	return s.Policies.Authorize(ctx, id, []aws.Access{a})
}

// topicARN is the topic that a request names, or "".
func topicARN(in any) string {
	switch in := in.(type) {
	case *snsapi.PublishInput:
		for _, arn := range []*string{in.TopicArn, in.TargetArn} {
			if arn != nil {
				return *arn
			}
		}
	case *snsapi.PublishBatchInput:
		return in.TopicArn
	case *snsapi.DeleteTopicInput:
		return in.TopicArn
	case *snsapi.GetTopicAttributesInput:
		return in.TopicArn
	case *snsapi.SetTopicAttributesInput:
		return in.TopicArn
	case *snsapi.AddPermissionInput:
		return in.TopicArn
	case *snsapi.RemovePermissionInput:
		return in.TopicArn
	case *snsapi.SubscribeInput:
		return in.TopicArn
	case *snsapi.ListSubscriptionsByTopicInput:
		return in.TopicArn
	case *snsapi.TagResourceRequest:
		return in.ResourceArn
	case *snsapi.UntagResourceRequest:
		return in.ResourceArn
	case *snsapi.ListTagsForResourceRequest:
		return in.ResourceArn
	case *snsapi.PutDataProtectionPolicyInput:
		return in.ResourceArn
	case *snsapi.GetDataProtectionPolicyInput:
		return in.ResourceArn
	}
	return ""
}
