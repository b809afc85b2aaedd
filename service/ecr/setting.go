package ecr

import (
	"context"
	"fmt"

	"github.com/brume-dev/brume/api/ecrapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/policy"
	"github.com/brume-dev/brume/store"
)

// change reads a repository, changes it and writes it back.
func (s *Service) change(ctx context.Context, id aws.Identity, registry *string, name string, f func(*repository) error) (*repository, error) {
	return update(ctx, s, id, func(tx store.Tx, k space) (*repository, error) {
		repo, err := find(tx, k, registry, name)
		if err != nil {
			return nil, err
		}
		if err := f(repo); err != nil {
			return nil, err
		}
		set(tx, k.repository(name), repo)
		return repo, nil
	})
}

// PutImageTagMutability sets whether tags of images may be overwritten.
// https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_PutImageTagMutability.html
func (s *Service) PutImageTagMutability(ctx context.Context, id aws.Identity, in *ecrapi.PutImageTagMutabilityRequest) (*ecrapi.PutImageTagMutabilityResponse, error) {
	repo, err := s.change(ctx, id, in.RegistryId, in.RepositoryName, func(repo *repository) error {
		return repo.mutability(in.ImageTagMutability, in.ImageTagMutabilityExclusionFilters)
	})
	if err != nil {
		return nil, err
	}
	return &ecrapi.PutImageTagMutabilityResponse{RegistryId: &id.Account, RepositoryName: &in.RepositoryName,
		ImageTagMutability: in.ImageTagMutability, ImageTagMutabilityExclusionFilters: exclusions(repo)}, nil
}

// PutImageScanningConfiguration sets whether images are scanned when they are pushed.
// https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_PutImageScanningConfiguration.html
func (s *Service) PutImageScanningConfiguration(ctx context.Context, id aws.Identity, in *ecrapi.PutImageScanningConfigurationRequest) (*ecrapi.PutImageScanningConfigurationResponse, error) {
	scan := in.ImageScanningConfiguration.ScanOnPush != nil && *in.ImageScanningConfiguration.ScanOnPush
	_, err := s.change(ctx, id, in.RegistryId, in.RepositoryName, func(repo *repository) error {
		repo.ScanOnPush = scan
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ecrapi.PutImageScanningConfigurationResponse{RegistryId: &id.Account, RepositoryName: &in.RepositoryName,
		ImageScanningConfiguration: &ecrapi.ImageScanningConfiguration{ScanOnPush: &scan}}, nil
}

// BatchGetRepositoryScanningConfiguration returns the scanning settings of repositories.
// https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_BatchGetRepositoryScanningConfiguration.html
func (s *Service) BatchGetRepositoryScanningConfiguration(ctx context.Context, id aws.Identity, in *ecrapi.BatchGetRepositoryScanningConfigurationRequest) (*ecrapi.BatchGetRepositoryScanningConfigurationResponse, error) {
	return view(ctx, s, id, func(r store.Reader, k space) (*ecrapi.BatchGetRepositoryScanningConfigurationResponse, error) {
		out := &ecrapi.BatchGetRepositoryScanningConfigurationResponse{
			ScanningConfigurations: []ecrapi.RepositoryScanningConfiguration{}, Failures: []ecrapi.RepositoryScanningConfigurationFailure{}}
		for _, name := range in.RepositoryNames {
			repo := new(repository)
			ok, err := get(r, k.repository(name), repo)
			if err != nil {
				return nil, err
			}
			if !ok {
				reason := missing(name, k.account).(aws.Error).ErrorInfo().Message
				out.Failures = append(out.Failures, ecrapi.RepositoryScanningConfigurationFailure{RepositoryName: &name,
					FailureCode: ecrapi.ScanningConfigurationFailureCodeRepositoryNotFound, FailureReason: &reason})
				continue
			}
			arn, frequency := k.arn(name), ecrapi.ScanFrequencyManual
			if repo.ScanOnPush {
				frequency = ecrapi.ScanFrequencyScanOnPush
			}
			out.ScanningConfigurations = append(out.ScanningConfigurations, ecrapi.RepositoryScanningConfiguration{RepositoryArn: &arn,
				RepositoryName: &name, ScanOnPush: &repo.ScanOnPush, ScanFrequency: frequency,
				AppliedScanFilters: []ecrapi.ScanningRepositoryFilter{}})
		}
		return out, nil
	})
}

// SetRepositoryPolicy sets the policy of a repository. Without force, a policy that would keep the caller from setting
// another one is refused.
// https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_SetRepositoryPolicy.html
func (s *Service) SetRepositoryPolicy(ctx context.Context, id aws.Identity, in *ecrapi.SetRepositoryPolicyRequest) (*ecrapi.SetRepositoryPolicyResponse, error) {
	doc, err := policy.Parse(policy.Resource, in.PolicyText)
	if err != nil {
		return nil, invalid("Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Invalid repository policy provided'")
	}
	name := in.RepositoryName
	return update(ctx, s, id, func(tx store.Tx, k space) (*ecrapi.SetRepositoryPolicyResponse, error) {
		if _, err := find(tx, k, in.RegistryId, name); err != nil {
			return nil, err
		}
		if in.Force == nil || !*in.Force {
			d := policy.Evaluate(&policy.Policies{Resource: doc}, &policy.Request{Identity: &id, Action: "ecr:SetRepositoryPolicy",
				Resource: k.arn(name), Now: tx.Now()})
			if d.Explicit {
				return nil, invalid("Invalid parameter at 'PolicyText' failed to satisfy constraint: 'The new repository policy would prevent " +
					"you from updating the repository policy in the future; use force to set it'")
			}
		}
		tx.Set(k.policy(name), []byte(in.PolicyText))
		return &ecrapi.SetRepositoryPolicyResponse{RegistryId: &k.account, RepositoryName: &name, PolicyText: &in.PolicyText}, nil
	})
}

// policyOf reads the policy of a repository.
func policyOf(r store.Reader, k space, registry *string, name string) (string, error) {
	if _, err := find(r, k, registry, name); err != nil {
		return "", err
	}
	text, ok, err := r.Get(k.policy(name))
	if err == nil && !ok {
		err = &ecrapi.RepositoryPolicyNotFoundException{Message: fmt.Sprintf(
			"Repository policy does not exist for the repository with name '%s' in the registry with id '%s'", name, k.account)}
	}
	return string(text), err
}

// GetRepositoryPolicy returns the policy of a repository.
// https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetRepositoryPolicy.html
func (s *Service) GetRepositoryPolicy(ctx context.Context, id aws.Identity, in *ecrapi.GetRepositoryPolicyRequest) (*ecrapi.GetRepositoryPolicyResponse, error) {
	return view(ctx, s, id, func(r store.Reader, k space) (*ecrapi.GetRepositoryPolicyResponse, error) {
		text, err := policyOf(r, k, in.RegistryId, in.RepositoryName)
		if err != nil {
			return nil, err
		}
		return &ecrapi.GetRepositoryPolicyResponse{RegistryId: &k.account, RepositoryName: &in.RepositoryName, PolicyText: &text}, nil
	})
}

// DeleteRepositoryPolicy deletes the policy of a repository and returns it.
// https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DeleteRepositoryPolicy.html
func (s *Service) DeleteRepositoryPolicy(ctx context.Context, id aws.Identity, in *ecrapi.DeleteRepositoryPolicyRequest) (*ecrapi.DeleteRepositoryPolicyResponse, error) {
	return update(ctx, s, id, func(tx store.Tx, k space) (*ecrapi.DeleteRepositoryPolicyResponse, error) {
		text, err := policyOf(tx, k, in.RegistryId, in.RepositoryName)
		if err != nil {
			return nil, err
		}
		tx.Delete(k.policy(in.RepositoryName))
		return &ecrapi.DeleteRepositoryPolicyResponse{RegistryId: &k.account, RepositoryName: &in.RepositoryName, PolicyText: &text}, nil
	})
}
