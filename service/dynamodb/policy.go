package dynamodb

import (
	"context"
	"encoding/json"

	api "github.com/brume-dev/brume/api/dynamodbapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/dynamodb/table"
	"github.com/brume-dev/brume/store"
)

// checkPolicy checks that a policy is one at all; what it says is package policy's matter when it is used.
func checkPolicy(document string) error {
	var any map[string]json.RawMessage
	switch {
	case len(document) > maxPolicySize:
		return &api.LimitExceededException{Message: "The policy size exceeds the maximum allowed size of 20 KB"}
	case json.Unmarshal([]byte(document), &any) != nil || any["Statement"] == nil:
		return invalid("Resource-based policy is invalid: the document is no policy")
	}
	return nil
}

func noSuchPolicy(arn string) error {
	return &api.PolicyNotFoundException{Message: "Resource-based policy not found for the provided ResourceArn: " + arn}
}

// PutResourcePolicy attaches a policy to a table.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PutResourcePolicy.html
func (s *Service) PutResourcePolicy(ctx context.Context, _ aws.Identity, in *api.PutResourcePolicyInput) (*api.PutResourcePolicyOutput, error) {
	n, err := table.ParseARN(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	if err := checkPolicy(in.Policy); err != nil {
		return nil, err
	}
	return update(ctx, s, n, func(tx store.Tx) (*api.PutResourcePolicyOutput, error) {
		t, err := s.onResource(tx, n, in.ResourceArn)
		if err != nil {
			return nil, err
		}
		old, err := t.Policy(tx)
		if err != nil {
			return nil, err
		}
		if !old.Matches(in.ExpectedRevisionId) {
			return nil, noSuchPolicy(in.ResourceArn)
		}
		if old.Document == in.Policy {
			return &api.PutResourcePolicyOutput{RevisionId: &old.Revision}, nil
		}
		return &api.PutResourcePolicyOutput{RevisionId: new(t.SetPolicy(tx, old, in.Policy))}, nil
	})
}

// GetResourcePolicy returns the policy of a table.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_GetResourcePolicy.html
func (s *Service) GetResourcePolicy(ctx context.Context, _ aws.Identity, in *api.GetResourcePolicyInput) (*api.GetResourcePolicyOutput, error) {
	n, err := table.ParseARN(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	return view(ctx, s, n, func(r store.Reader) (*api.GetResourcePolicyOutput, error) {
		t, err := s.onResource(r, n, in.ResourceArn)
		if err != nil {
			return nil, err
		}
		p, err := t.Policy(r)
		if err == nil && p.Revision == "" {
			err = noSuchPolicy(in.ResourceArn)
		}
		return &api.GetResourcePolicyOutput{Policy: &p.Document, RevisionId: &p.Revision}, err
	})
}

// DeleteResourcePolicy removes the policy of a table, if there is one.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DeleteResourcePolicy.html
func (s *Service) DeleteResourcePolicy(ctx context.Context, _ aws.Identity, in *api.DeleteResourcePolicyInput) (*api.DeleteResourcePolicyOutput, error) {
	n, err := table.ParseARN(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	return update(ctx, s, n, func(tx store.Tx) (*api.DeleteResourcePolicyOutput, error) {
		t, err := s.onResource(tx, n, in.ResourceArn)
		if err != nil {
			return nil, err
		}
		old, err := t.Policy(tx)
		switch {
		case err != nil:
			return nil, err
		case !old.Matches(in.ExpectedRevisionId):
			return nil, noSuchPolicy(in.ResourceArn)
		case old.Revision == "":
			return &api.DeleteResourcePolicyOutput{}, nil
		}
		t.SetPolicy(tx, old, "")
		return &api.DeleteResourcePolicyOutput{RevisionId: &old.Revision}, nil
	})
}
