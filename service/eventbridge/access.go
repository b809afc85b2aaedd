package eventbridge

import (
	"context"

	"github.com/brume-dev/brume/api/eventbridgeapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/event/target"
	"github.com/brume-dev/brume/policy"
	"github.com/brume-dev/brume/service/eventbridge/egress"
)

// Access says what an operation needs: PutEvents on each bus, whose policy may let other accounts and services in;
// anything else an action on what it is about.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridge.html
func (s *Service) Access(ctx context.Context, id aws.Identity, op string, in any) ([]aws.Access, error) {
	if put, ok := in.(*eventbridgeapi.PutEventsRequest); ok {
		return s.putAccess(ctx, id, put)
	}
	return []aws.Access{{Action: service + ":" + op, Resource: resourceOf(id, in)}}, nil
}

// putAccess is what PutEvents needs: for each bus, to put what the entries hold.
func (s *Service) putAccess(ctx context.Context, id aws.Identity, in *eventbridgeapi.PutEventsRequest) ([]aws.Access, error) {
	var out []aws.Access
	at := map[ref]int{}
	for i := range in.Entries {
		e := &in.Entries[i]
		b, err := bus(id, e.EventBusName)
		if err != nil {
			continue // the entry is refused
		}
		n, seen := at[b]
		if !seen {
			c, err := s.route(ctx, b)
			if err != nil {
				return nil, err
			}
			n = len(out)
			at[b] = n
			out = append(out, aws.Access{Action: "events:PutEvents", Resource: b.arn(), ResourceAccount: b.account,
				ResourcePolicy: c.bus.Policy, Context: map[string][]string{}})
		}
		add := func(key string, v *string) {
			if v != nil {
				out[n].Context[key] = append(out[n].Context[key], *v)
			}
		}
		add("events:source", e.Source)
		add("events:detail-type", e.DetailType)
	}
	if id.Kind != aws.ServicePrincipal {
		return out, nil
	}
	return s.serviceAccess(ctx, id, out)
}

// serviceAccess takes out what a service needs no policy for: its own account's default bus, and, for EventBridge itself,
// what the account behind the rule may do.
func (s *Service) serviceAccess(ctx context.Context, id aws.Identity, all []aws.Access) ([]aws.Access, error) {
	_, passed := target.Passed(ctx)
	var out []aws.Access
	for _, a := range all {
		bus := ref{place{id.SourceAccount, id.Region}, defaultBus}
		switch {
		case a.Resource == bus.arn():
			continue
		case passed && id.Service == principal:
			if a.ResourceAccount == id.SourceAccount {
				continue
			}
			account := aws.Identity{Kind: aws.Root, Account: id.SourceAccount, Region: id.Region,
				ARN: "arn:" + aws.Partition + ":iam::" + id.SourceAccount + ":root", PrincipalID: id.SourceAccount}
			if a.ResourcePolicy != "" && allowed(&account, a) {
				continue
			}
		}
		out = append(out, a)
	}
	return out, nil
}

func allowed(id *aws.Identity, a aws.Access) bool {
	doc, err := policy.Parse(policy.Resource, a.ResourcePolicy)
	if err != nil {
		return false
	}
	r := &policy.Request{Identity: id, Action: a.Action, Resource: a.Resource, ResourceAccount: a.ResourceAccount}
	return policy.Evaluate(&policy.Policies{Resource: doc}, r).Allowed
}

// busARN is the ARN of the bus that a request names, or "*".
func busARN(id aws.Identity, named *string) string {
	b, err := bus(id, named)
	if err != nil {
		return "*"
	}
	return b.arn()
}

// resourceOf is the ARN of what a request is about, or "*".
func resourceOf(id aws.Identity, in any) string {
	onBus := func(name *string) string { return busARN(id, name) }
	rule := func(busName *string, name string) string {
		b, err := bus(id, busName)
		if err != nil {
			return "*"
		}
		return b.ruleARN(name)
	}
	switch in := in.(type) {
	case *eventbridgeapi.CreateEventBusRequest:
		return onBus(&in.Name)
	case *eventbridgeapi.DeleteEventBusRequest:
		return onBus(&in.Name)
	case *eventbridgeapi.DescribeEventBusRequest:
		return onBus(in.Name)
	case *eventbridgeapi.UpdateEventBusRequest:
		return onBus(in.Name)
	case *eventbridgeapi.PutPermissionRequest:
		return onBus(in.EventBusName)
	case *eventbridgeapi.RemovePermissionRequest:
		return onBus(in.EventBusName)
	case *eventbridgeapi.PutRuleRequest:
		return rule(in.EventBusName, in.Name)
	case *eventbridgeapi.DeleteRuleRequest:
		return rule(in.EventBusName, in.Name)
	case *eventbridgeapi.DescribeRuleRequest:
		return rule(in.EventBusName, in.Name)
	case *eventbridgeapi.EnableRuleRequest:
		return rule(in.EventBusName, in.Name)
	case *eventbridgeapi.DisableRuleRequest:
		return rule(in.EventBusName, in.Name)
	case *eventbridgeapi.ListRulesRequest:
		return rule(in.EventBusName, "*")
	case *eventbridgeapi.ListRuleNamesByTargetRequest:
		return rule(in.EventBusName, "*")
	case *eventbridgeapi.PutTargetsRequest:
		return rule(in.EventBusName, in.Rule)
	case *eventbridgeapi.RemoveTargetsRequest:
		return rule(in.EventBusName, in.Rule)
	case *eventbridgeapi.ListTargetsByRuleRequest:
		return rule(in.EventBusName, in.Rule)
	case *eventbridgeapi.CreateArchiveRequest:
		return here(id).archiveARN(in.ArchiveName)
	case *eventbridgeapi.UpdateArchiveRequest:
		return here(id).archiveARN(in.ArchiveName)
	case *eventbridgeapi.DeleteArchiveRequest:
		return here(id).archiveARN(in.ArchiveName)
	case *eventbridgeapi.DescribeArchiveRequest:
		return here(id).archiveARN(in.ArchiveName)
	case *eventbridgeapi.StartReplayRequest:
		return here(id).replayARN(in.ReplayName)
	case *eventbridgeapi.CancelReplayRequest:
		return here(id).replayARN(in.ReplayName)
	case *eventbridgeapi.DescribeReplayRequest:
		return here(id).replayARN(in.ReplayName)
	case *eventbridgeapi.TagResourceRequest:
		return in.ResourceARN
	case *eventbridgeapi.UntagResourceRequest:
		return in.ResourceARN
	case *eventbridgeapi.ListTagsForResourceRequest:
		return in.ResourceARN
	}
	return egress.Resource(id, in)
}
