package ssm

import (
	"context"
	"maps"
	"strings"

	"github.com/brume-dev/brume/api/ssmapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
)

// Access says which actions on which parameters an operation needs.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssystemsmanager.html
func (s *Service) Access(ctx context.Context, id aws.Identity, op string, in any) ([]aws.Access, error) {
	var names []string
	extra := map[string][]string{}
	var more []string
	switch in := in.(type) {
	case *ssmapi.PutParameterRequest:
		names = []string{in.Name}
		extra["ssm:Overwrite"] = []string{truth(in.Overwrite)}
		if in.Policies != nil {
			extra["ssm:Policies"] = []string{*in.Policies}
		}
		if len(in.Tags) > 0 {
			more = []string{"ssm:AddTagsToResource"}
			requestTags(extra, in.Tags)
		}
	case *ssmapi.GetParameterRequest:
		names = []string{in.Name}
	case *ssmapi.GetParametersRequest:
		names = in.Names
	case *ssmapi.GetParametersByPathRequest:
		names = []string{in.Path}
		extra["ssm:Recursive"] = []string{truth(in.Recursive)}
	case *ssmapi.DeleteParameterRequest:
		names = []string{in.Name}
	case *ssmapi.DeleteParametersRequest:
		names = in.Names
	case *ssmapi.GetParameterHistoryRequest:
		names = []string{in.Name}
	case *ssmapi.LabelParameterVersionRequest:
		names = []string{in.Name}
	case *ssmapi.UnlabelParameterVersionRequest:
		names = []string{in.Name}
	case *ssmapi.AddTagsToResourceRequest:
		names = []string{in.ResourceId}
		requestTags(extra, in.Tags)
	case *ssmapi.RemoveTagsFromResourceRequest:
		names = []string{in.ResourceId}
		extra["aws:TagKeys"] = in.TagKeys
	case *ssmapi.ListTagsForResourceRequest:
		names = []string{in.ResourceId}
	default:
		return []aws.Access{{Action: "ssm:" + op, Resource: "*"}}, nil
	}
	return s.needs(ctx, id, append([]string{"ssm:" + op}, more...), names, extra)
}

// needs returns the actions on each of the parameters, with the conditions on the request and the parameter's tags.
func (s *Service) needs(ctx context.Context, id aws.Identity, actions, names []string, extra map[string][]string) ([]aws.Access, error) {
	shard, k := s.at(id)
	return store.View(ctx, shard, func(_ context.Context, r store.Reader) ([]aws.Access, error) {
		var out []aws.Access
		for _, given := range names {
			resource, candidates := target(k, given)
			context := maps.Clone(extra)
			for _, name := range candidates {
				tags, err := getTags(r, k, name)
				if err != nil {
					return nil, err
				}
				for key, value := range tags {
					context["aws:ResourceTag/"+key] = []string{value}
				}
			}
			for _, a := range actions {
				out = append(out, aws.Access{Action: a, Resource: resource, Context: context})
			}
		}
		return out, nil
	})
}

// target returns the ARN that policies are asked about for a parameter as a caller names it, and the names that it may have.
func target(k space, given string) (arn string, names []string) {
	ref, err := refer(aws.Identity{Account: k.account, Region: k.region}, given)
	if err == nil {
		return k.arn(ref.names[0]), ref.names
	}
	if strings.HasPrefix(given, "arn:") {
		return given, nil // another account's
	}
	return k.arn(strings.Trim(given, " /")), nil
}

func requestTags(context map[string][]string, tags []ssmapi.Tag) {
	for _, t := range tags {
		context["aws:RequestTag/"+t.Key] = []string{t.Value}
		context["aws:TagKeys"] = append(context["aws:TagKeys"], t.Key)
	}
}

func truth(b *bool) string {
	if b != nil && *b {
		return "true"
	}
	return "false"
}
