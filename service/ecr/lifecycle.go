package ecr

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/brume-dev/brume/api/ecrapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
)

// rule is a rule of a lifecycle policy.
// https://docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_parameters.html
type rule struct {
	Priority    int       `json:"rulePriority"`
	Description string    `json:"description"`
	Selection   selection `json:"selection"`
	Action      struct {
		Type               string `json:"type"`
		TargetStorageClass string `json:"targetStorageClass"`
	} `json:"action"`
}

type selection struct {
	TagStatus      string   `json:"tagStatus"`
	TagPatternList []string `json:"tagPatternList"`
	TagPrefixList  []string `json:"tagPrefixList"`
	StorageClass   string   `json:"storageClass"`
	CountType      string   `json:"countType"`
	CountUnit      string   `json:"countUnit"`
	CountNumber    int      `json:"countNumber"`
}

const maxWildcards = 4 // of a tag pattern

// checkLifecycle checks the text of a lifecycle policy.
func checkLifecycle(text string) error {
	err := parseLifecycle(text)
	if err == nil {
		return nil
	}
	return invalid("Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint: 'Lifecycle policy validation failure: %v'", err)
}

func parseLifecycle(text string) error {
	var doc struct {
		Rules []rule `json:"rules"`
	}
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.DisallowUnknownFields()
	if err := d.Decode(&doc); err != nil {
		return errors.New("instance failed to match exactly one schema (matched 0 out of 1)")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("the policy must be one JSON object")
	}
	if len(doc.Rules) == 0 || len(doc.Rules) > maxRules {
		return fmt.Errorf("a policy has from 1 to %d rules", maxRules)
	}
	seen := map[int]bool{}
	last := 0 // the highest priority of rules that select by tags
	for _, r := range doc.Rules {
		if err := r.check(); err != nil {
			return err
		}
		if seen[r.Priority] {
			return fmt.Errorf("rulePriority %d is used by more than one rule", r.Priority)
		}
		seen[r.Priority] = true
		if r.Selection.TagStatus != "any" {
			last = max(last, r.Priority)
		}
	}
	for _, r := range doc.Rules {
		if r.Selection.TagStatus == "any" && r.Priority < last {
			return errors.New("a rule with the tagStatus any must have the highest value for rulePriority")
		}
	}
	return nil
}

func (r *rule) check() error {
	if r.Priority < 1 || r.Priority > maxPriority {
		return fmt.Errorf("rulePriority must be from 1 to %d", maxPriority)
	}
	if err := r.Selection.check(); err != nil {
		return err
	}
	switch {
	case r.Action.Type == "expire" && r.Action.TargetStorageClass == "",
		r.Action.Type == "transition" && r.Action.TargetStorageClass == "archive":
		return nil
	}
	return errors.New("the action must be expire, or transition with the targetStorageClass archive")
}

func (s *selection) check() error {
	lists := len(s.TagPatternList) > 0 || len(s.TagPrefixList) > 0
	switch s.TagStatus {
	case "tagged":
		if !lists || len(s.TagPatternList) > 0 && len(s.TagPrefixList) > 0 {
			return errors.New("the tagStatus tagged needs either a tagPatternList or a tagPrefixList")
		}
	case "untagged", "any":
		if lists {
			return fmt.Errorf("tagPatternList and tagPrefixList cannot be used with the tagStatus %s", s.TagStatus)
		}
	default:
		return errors.New("tagStatus must be tagged, untagged or any")
	}
	for _, t := range slices.Concat(s.TagPatternList, s.TagPrefixList) {
		if t == "" || bytes.Count([]byte(t), []byte("*")) > maxWildcards {
			return fmt.Errorf("a tag pattern must not be empty and has at most %d wildcards", maxWildcards)
		}
	}
	if s.StorageClass != "" && s.StorageClass != "standard" && s.StorageClass != "archive" {
		return errors.New("storageClass must be standard or archive")
	}
	switch s.CountType {
	case "imageCountMoreThan":
		if s.CountUnit != "" {
			return errors.New("countUnit cannot be used with the countType imageCountMoreThan")
		}
	case "sinceImagePushed", "sinceImagePulled", "sinceImageTransitioned":
		if s.CountUnit != "days" {
			return fmt.Errorf("the countType %s needs the countUnit days", s.CountType)
		}
	default:
		return errors.New("countType must be imageCountMoreThan, sinceImagePushed, sinceImagePulled or sinceImageTransitioned")
	}
	if s.CountNumber < 1 {
		return errors.New("countNumber must be at least 1")
	}
	return nil
}

// PutLifecyclePolicy sets the lifecycle policy of a repository.
// https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_PutLifecyclePolicy.html
func (s *Service) PutLifecyclePolicy(ctx context.Context, id aws.Identity, in *ecrapi.PutLifecyclePolicyRequest) (*ecrapi.PutLifecyclePolicyResponse, error) {
	if err := checkLifecycle(in.LifecyclePolicyText); err != nil {
		return nil, err
	}
	return update(ctx, s, id, func(tx store.Tx, k space) (*ecrapi.PutLifecyclePolicyResponse, error) {
		if _, err := find(tx, k, in.RegistryId, in.RepositoryName); err != nil {
			return nil, err
		}
		b := record.Encode(recordVersion, lifecycle{in.LifecyclePolicyText})
		if err := store.SetLarge(tx, k.lifecycle(in.RepositoryName), b); err != nil {
			return nil, err
		}
		return &ecrapi.PutLifecyclePolicyResponse{RegistryId: &k.account, RepositoryName: &in.RepositoryName,
			LifecyclePolicyText: &in.LifecyclePolicyText}, nil
	})
}

// lifecycleOf reads the lifecycle policy of a repository.
func lifecycleOf(r store.Reader, k space, registry *string, name string) (lifecycle, error) {
	var l lifecycle
	if _, err := find(r, k, registry, name); err != nil {
		return l, err
	}
	b, ok, err := store.GetLarge(r, k.lifecycle(name))
	if err != nil {
		return l, err
	}
	if !ok {
		return l, &ecrapi.LifecyclePolicyNotFoundException{Message: fmt.Sprintf(
			"Lifecycle policy does not exist for the repository with name '%s' in the registry with id '%s'", name, k.account)}
	}
	return l, decode(b, &l)
}

// GetLifecyclePolicy returns the lifecycle policy of a repository. It is never evaluated, as there are no images.
// https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetLifecyclePolicy.html
func (s *Service) GetLifecyclePolicy(ctx context.Context, id aws.Identity, in *ecrapi.GetLifecyclePolicyRequest) (*ecrapi.GetLifecyclePolicyResponse, error) {
	return view(ctx, s, id, func(r store.Reader, k space) (*ecrapi.GetLifecyclePolicyResponse, error) {
		l, err := lifecycleOf(r, k, in.RegistryId, in.RepositoryName)
		if err != nil {
			return nil, err
		}
		return &ecrapi.GetLifecyclePolicyResponse{RegistryId: &k.account, RepositoryName: &in.RepositoryName, LifecyclePolicyText: &l.Text}, nil
	})
}

// DeleteLifecyclePolicy deletes the lifecycle policy of a repository and returns it.
// https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DeleteLifecyclePolicy.html
func (s *Service) DeleteLifecyclePolicy(ctx context.Context, id aws.Identity, in *ecrapi.DeleteLifecyclePolicyRequest) (*ecrapi.DeleteLifecyclePolicyResponse, error) {
	return update(ctx, s, id, func(tx store.Tx, k space) (*ecrapi.DeleteLifecyclePolicyResponse, error) {
		l, err := lifecycleOf(tx, k, in.RegistryId, in.RepositoryName)
		if err != nil {
			return nil, err
		}
		if err := store.DeleteLarge(tx, k.lifecycle(in.RepositoryName)); err != nil {
			return nil, err
		}
		return &ecrapi.DeleteLifecyclePolicyResponse{RegistryId: &k.account, RepositoryName: &in.RepositoryName, LifecyclePolicyText: &l.Text}, nil
	})
}
