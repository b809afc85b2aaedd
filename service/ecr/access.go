package ecr

import (
	"context"
	"strings"

	"github.com/brume-dev/brume/api/ecrapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
)

// Access says which action on which repositories an operation needs. The policy of a repository has a say in it.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerregistry.html
func (s *Service) Access(ctx context.Context, id aws.Identity, op string, in any) ([]aws.Access, error) {
	extra := map[string][]string{}
	names, byARN := target(in, extra)
	return view(ctx, s, id, func(r store.Reader, k space) ([]aws.Access, error) {
		if byARN != "" {
			name, err := named(k, byARN)
			if err != nil { // another account's, or no ARN: the operation says so
				return []aws.Access{{Action: "ecr:" + op, Resource: byARN, Context: extra}}, nil
			}
			names = []string{name}
		}
		if len(names) == 0 {
			return []aws.Access{{Action: "ecr:" + op, Resource: k.arn("*"), Context: extra}}, nil
		}
		out := make([]aws.Access, 0, len(names))
		for _, name := range names {
			a := aws.Access{Action: "ecr:" + op, Resource: k.arn(name), Context: map[string][]string{}}
			for key, values := range extra {
				a.Context[key] = values
			}
			if err := k.describe(r, name, &a); err != nil {
				return nil, err
			}
			out = append(out, a)
		}
		return out, nil
	})
}

// describe adds what is known of a repository to the access to it.
func (k space) describe(r store.Reader, name string, a *aws.Access) error {
	if len(name) > 256 || strings.ContainsRune(name, 0) {
		return nil
	}
	var tags map[string]string
	if _, err := get(r, k.tags(name), &tags); err != nil {
		return err
	}
	for key, value := range tags {
		a.Context["aws:ResourceTag/"+key] = []string{value}
		a.Context["ecr:ResourceTag/"+key] = []string{value}
	}
	text, _, err := r.Get(k.policy(name))
	a.ResourcePolicy = string(text)
	return err
}

// target returns the names of the repositories that an operation is about, or the ARN of the one.
func target(in any, extra map[string][]string) (names []string, arn string) {
	tags := func(list []ecrapi.Tag) {
		for _, t := range list {
			extra["aws:RequestTag/"+t.Key] = []string{t.Value}
			extra["aws:TagKeys"] = append(extra["aws:TagKeys"], t.Key)
		}
	}
	switch in := in.(type) {
	case *ecrapi.CreateRepositoryRequest:
		tags(in.Tags)
		return []string{in.RepositoryName}, ""
	case *ecrapi.DescribeRepositoriesRequest:
		return in.RepositoryNames, ""
	case *ecrapi.BatchGetRepositoryScanningConfigurationRequest:
		return in.RepositoryNames, ""
	case *ecrapi.DeleteRepositoryRequest:
		return []string{in.RepositoryName}, ""
	case *ecrapi.PutImageTagMutabilityRequest:
		return []string{in.RepositoryName}, ""
	case *ecrapi.PutImageScanningConfigurationRequest:
		return []string{in.RepositoryName}, ""
	case *ecrapi.SetRepositoryPolicyRequest:
		return []string{in.RepositoryName}, ""
	case *ecrapi.GetRepositoryPolicyRequest:
		return []string{in.RepositoryName}, ""
	case *ecrapi.DeleteRepositoryPolicyRequest:
		return []string{in.RepositoryName}, ""
	case *ecrapi.PutLifecyclePolicyRequest:
		return []string{in.RepositoryName}, ""
	case *ecrapi.GetLifecyclePolicyRequest:
		return []string{in.RepositoryName}, ""
	case *ecrapi.DeleteLifecyclePolicyRequest:
		return []string{in.RepositoryName}, ""
	case *ecrapi.DescribeImagesRequest:
		return []string{in.RepositoryName}, ""
	case *ecrapi.ListImagesRequest:
		return []string{in.RepositoryName}, ""
	case *ecrapi.TagResourceRequest:
		tags(in.Tags)
		return nil, in.ResourceArn
	case *ecrapi.UntagResourceRequest:
		extra["aws:TagKeys"] = in.TagKeys
		return nil, in.ResourceArn
	case *ecrapi.ListTagsForResourceRequest:
		return nil, in.ResourceArn
	}
	return nil, ""
}
