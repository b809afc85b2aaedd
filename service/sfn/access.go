package sfn

import (
	"context"
	"strings"

	"github.com/brume-dev/brume/api/sfnapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/sfn/activity"
	"github.com/brume-dev/brume/service/sfn/machine"
	"github.com/brume-dev/brume/service/sfn/rehearsal"
)

// Access says what an operation needs. Policies name versions and aliases by a condition key of the machine, or by their ARNs, as
// SAM does.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsstepfunctions.html,
// https://docs.aws.amazon.com/step-functions/latest/dg/auth-version-alias.html
func (s *Service) Access(ctx context.Context, id aws.Identity, op string, in any) ([]aws.Access, error) {
	switch in := in.(type) {
	case *sfnapi.CreateStateMachineInput:
		arn := machine.Ref{Place: machine.Here(id), Name: in.Name}.ARN()
		return withPublish(created("CreateStateMachine", arn, in.Tags, passRole(in.RoleArn)), arn, in.Publish), nil
	case *sfnapi.CreateActivityInput:
		return created("CreateActivity", activity.Ref{Place: machine.Here(id), Name: in.Name}.ARN(), in.Tags, nil), nil
	case *sfnapi.UpdateStateMachineInput:
		a := append([]aws.Access{s.on(ctx, id, op, in.StateMachineArn)}, passRole(aws.Or(in.RoleArn, ""))...)
		return withPublish(a, in.StateMachineArn, in.Publish), nil
	case *sfnapi.TestStateInput:
		a := []aws.Access{s.on(ctx, id, op, "")}
		if in.RoleArn != nil {
			a = append(a, passRole(*in.RoleArn)...)
		}
		if aws.Or(in.RevealSecrets, false) {
			a = append(a, aws.Access{Action: "states:RevealSecrets", Resource: "*"})
		}
		return a, nil
	case *sfnapi.TagResourceInput:
		a := s.on(ctx, id, op, in.ResourceArn)
		a.Context = with(a.Context, requestTags(in.Tags))
		return []aws.Access{a}, nil
	case *sfnapi.UntagResourceInput:
		a := s.on(ctx, id, op, in.ResourceArn)
		a.Context = with(a.Context, map[string][]string{"aws:TagKeys": in.TagKeys})
		return []aws.Access{a}, nil
	}
	return []aws.Access{s.on(ctx, id, op, resourceOf(in))}, nil
}

// on is the access to what an ARN names, "" for actions without a resource.
func (s *Service) on(ctx context.Context, id aws.Identity, op, arn string) aws.Access {
	a := aws.Access{Action: "states:" + op, Resource: "*"}
	if s.mocks != nil {
		arn, _ = rehearsal.Cut(arn)
	}
	parsed, err := aws.ParseARN(arn)
	if err != nil || parsed.Service != "states" {
		return a // the operation refuses it, if it needs one
	}
	a.Resource, a.ResourceAccount = arn, parsed.Account
	kind, _, _ := strings.Cut(parsed.Resource, ":")
	switch kind {
	case "stateMachine":
		n, err := machine.ParseARN(arn)
		if err != nil {
			return a
		}
		a.Resource = n.ARN()
		if n.Qualifier != "" {
			a.Also, a.Context = arn, map[string][]string{"states:StateMachineQualifier": {n.Qualifier}}
		}
		a.Late = func() map[string][]string {
			tags, _, _ := s.Machines.Tags(ctx, n.Ref)
			return resourceTags(tags)
		}
	case "activity":
		r, err := activity.ParseARN(arn)
		if err != nil {
			return a
		}
		a.Late = func() map[string][]string {
			tags, _, _ := s.Activities.Tags(ctx, r)
			return resourceTags(tags)
		}
	}
	return a
}

func resourceTags(tags map[string]string) map[string][]string {
	out := map[string][]string{}
	for k, v := range tags {
		out["aws:ResourceTag/"+k] = []string{v}
	}
	return out
}

func requestTags(tags []sfnapi.Tag) map[string][]string {
	out := map[string][]string{}
	for _, t := range tags {
		k := aws.Or(t.Key, "")
		out["aws:RequestTag/"+k] = []string{aws.Or(t.Value, "")}
		out["aws:TagKeys"] = append(out["aws:TagKeys"], k)
	}
	return out
}

func with(a, b map[string][]string) map[string][]string {
	for k, v := range a {
		b[k] = v
	}
	return b
}

// created is what it takes to create a resource, with its tags.
func created(op, arn string, tags []sfnapi.Tag, more []aws.Access) []aws.Access {
	keys := requestTags(tags)
	out := []aws.Access{{Action: "states:" + op, Resource: arn, Context: keys}}
	if len(tags) > 0 {
		out = append(out, aws.Access{Action: "states:TagResource", Resource: arn, Context: keys})
	}
	return append(out, more...)
}

func withPublish(a []aws.Access, arn string, publish *bool) []aws.Access {
	if aws.Or(publish, false) {
		a = append(a, aws.Access{Action: "states:PublishStateMachineVersion", Resource: arn})
	}
	return a
}

// passRole is what it takes to give a state machine its role.
func passRole(role string) []aws.Access {
	if role == "" {
		return nil
	}
	return []aws.Access{{Action: "iam:PassRole", Resource: role, Context: map[string][]string{"iam:PassedToService": {machine.Principal}}}}
}

// resourceOf is the ARN that a request is about, or "".
func resourceOf(in any) string {
	switch in := in.(type) {
	case *sfnapi.CreateStateMachineAliasInput:
		if len(in.RoutingConfiguration) > 0 {
			n, _ := machine.ParseARN(in.RoutingConfiguration[0].StateMachineVersionArn)
			if n.Name != "" {
				return n.Qualified(in.Name)
			}
		}
	case *sfnapi.UpdateStateMachineAliasInput:
		return in.StateMachineAliasArn
	case *sfnapi.DescribeStateMachineAliasInput:
		return in.StateMachineAliasArn
	case *sfnapi.DeleteStateMachineAliasInput:
		return in.StateMachineAliasArn
	case *sfnapi.DeleteStateMachineInput:
		return in.StateMachineArn
	case *sfnapi.DeleteStateMachineVersionInput:
		return in.StateMachineVersionArn
	case *sfnapi.DescribeStateMachineInput:
		return in.StateMachineArn
	case *sfnapi.PublishStateMachineVersionInput:
		return in.StateMachineArn
	case *sfnapi.ListStateMachineAliasesInput:
		return in.StateMachineArn
	case *sfnapi.ListStateMachineVersionsInput:
		return in.StateMachineArn
	case *sfnapi.StartExecutionInput:
		return in.StateMachineArn
	case *sfnapi.StartSyncExecutionInput:
		return in.StateMachineArn
	case *sfnapi.ListExecutionsInput:
		return aws.Or(in.StateMachineArn, aws.Or(in.MapRunArn, ""))
	}
	return partOf(in)
}

// partOf is resourceOf for what runs, and for activities and tags.
func partOf(in any) string {
	switch in := in.(type) {
	case *sfnapi.DescribeExecutionInput:
		return in.ExecutionArn
	case *sfnapi.DescribeStateMachineForExecutionInput:
		return in.ExecutionArn
	case *sfnapi.GetExecutionHistoryInput:
		return in.ExecutionArn
	case *sfnapi.ListMapRunsInput:
		return in.ExecutionArn
	case *sfnapi.RedriveExecutionInput:
		return in.ExecutionArn
	case *sfnapi.StopExecutionInput:
		return in.ExecutionArn
	case *sfnapi.DescribeMapRunInput:
		return in.MapRunArn
	case *sfnapi.UpdateMapRunInput:
		return in.MapRunArn
	case *sfnapi.GetActivityTaskInput:
		return in.ActivityArn
	case *sfnapi.DescribeActivityInput:
		return in.ActivityArn
	case *sfnapi.DeleteActivityInput:
		return in.ActivityArn
	case *sfnapi.ListTagsForResourceInput:
		return in.ResourceArn
	}
	return ""
}
