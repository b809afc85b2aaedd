package dynamodb

import (
	"context"
	"encoding/json"
	"strconv"

	api "github.com/brume-dev/brume/api/dynamodbapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
)

const policyVersion = 1

// policyRecord is the resource policy of a table.
type policyRecord struct {
	Document string `cbor:"1,keyasint"`
	Revision string `cbor:"2,keyasint"`
}

// noPolicy is the revision that a client names when it expects that there is none.
const noPolicy = "NO_POLICY"

func (t *table) policyKey() store.Key { return t.data.Uint(familyPolicy) }

// policy reads the table's policy; its Revision is "" when there is none.
func (t *table) policy(r store.Reader) (policyRecord, error) {
	var rec policyRecord
	v, ok, err := r.Get(t.policyKey())
	if err != nil || !ok {
		return rec, err
	}
	return rec, record.Decode(v, policyVersion, &rec)
}

// setPolicy stores a policy in place of old and returns its revision, a time in milliseconds. "" removes it.
func (t *table) setPolicy(tx store.Tx, old policyRecord, document string) string {
	last, _ := strconv.ParseInt(old.Revision, 10, 64)
	rec := t.tableRecord
	if rec.HasPolicy = document != ""; rec.HasPolicy != t.HasPolicy {
		rec.put(tx, t.name)
	}
	if document == "" {
		tx.Delete(t.policyKey())
		return ""
	}
	revision := strconv.FormatInt(max(tx.Now().UnixMilli(), last+1), 10)
	tx.Set(t.policyKey(), record.Encode(policyVersion, policyRecord{document, revision}))
	return revision
}

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

// matches reports whether the policy has the revision that a client expects.
func (p *policyRecord) matches(expected *string) bool {
	return expected == nil || *expected == p.Revision || *expected == noPolicy && p.Revision == ""
}

// PutResourcePolicy attaches a policy to a table.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PutResourcePolicy.html
func (s *Service) PutResourcePolicy(ctx context.Context, _ aws.Identity, in *api.PutResourcePolicyInput) (*api.PutResourcePolicyOutput, error) {
	n, err := resolveARN(in.ResourceArn)
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
		old, err := t.policy(tx)
		if err != nil {
			return nil, err
		}
		if !old.matches(in.ExpectedRevisionId) {
			return nil, noSuchPolicy(in.ResourceArn)
		}
		if old.Document == in.Policy {
			return &api.PutResourcePolicyOutput{RevisionId: &old.Revision}, nil
		}
		return &api.PutResourcePolicyOutput{RevisionId: ptr(t.setPolicy(tx, old, in.Policy))}, nil
	})
}

// GetResourcePolicy returns the policy of a table.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_GetResourcePolicy.html
func (s *Service) GetResourcePolicy(ctx context.Context, _ aws.Identity, in *api.GetResourcePolicyInput) (*api.GetResourcePolicyOutput, error) {
	n, err := resolveARN(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	return view(ctx, s, n, func(r store.Reader) (*api.GetResourcePolicyOutput, error) {
		t, err := s.onResource(r, n, in.ResourceArn)
		if err != nil {
			return nil, err
		}
		p, err := t.policy(r)
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
	n, err := resolveARN(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	return update(ctx, s, n, func(tx store.Tx) (*api.DeleteResourcePolicyOutput, error) {
		t, err := s.onResource(tx, n, in.ResourceArn)
		if err != nil {
			return nil, err
		}
		old, err := t.policy(tx)
		switch {
		case err != nil:
			return nil, err
		case !old.matches(in.ExpectedRevisionId):
			return nil, noSuchPolicy(in.ResourceArn)
		case old.Revision == "":
			return &api.DeleteResourcePolicyOutput{}, nil
		}
		t.setPolicy(tx, old, "")
		return &api.DeleteResourcePolicyOutput{RevisionId: &old.Revision}, nil
	})
}
