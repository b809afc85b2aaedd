package setting

import (
	"context"
	"strings"

	api "github.com/brume-dev/brume/api/dynamodbapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/policy"
	"github.com/brume-dev/brume/service/dynamodb/stream"
	"github.com/brume-dev/brume/service/dynamodb/table"
	"github.com/brume-dev/brume/store"
)

// CheckPolicy refuses what is no policy of a table or stream.
func CheckPolicy(document string) (*policy.Document, error) {
	if len(document) > maxPolicySize {
		return nil, &api.LimitExceededException{Message: "The policy size exceeds the maximum allowed size of 20 KB"}
	}
	d, err := policy.Parse(policy.Resource, document)
	if err != nil {
		return nil, invalid("One or more parameter values were invalid: Invalid policy document: " + err.Error())
	}
	return d, nil
}

// checkSelf refuses a policy that takes from its author the right to change it, unless that is confirmed.
func checkSelf(id aws.Identity, d *policy.Document, in *api.PutResourcePolicyInput) error {
	if aws.Or(in.ConfirmRemoveSelfResourceAccess, false) {
		return nil
	}
	for _, action := range []string{"dynamodb:PutResourcePolicy", "dynamodb:DeleteResourcePolicy"} {
		may := policy.Evaluate(&policy.Policies{Resource: d}, &policy.Request{Identity: &id, Action: action, Resource: in.ResourceArn})
		if may.Explicit {
			return invalid("One or more parameter values were invalid: The new resource policy will not allow you to update the resource policy in the future. " +
				"Set ConfirmRemoveSelfResourceAccess to true to confirm")
		}
	}
	return nil
}

func noSuchPolicy(arn string) error {
	return &api.PolicyNotFoundException{Message: "Resource-based policy not found for the provided ResourceArn: " + arn}
}

// holder is what has a policy: a table or a stream.
type holder struct {
	policy table.Policy
	set    func(document string) (revision string, err error)
}

// holderOf finds the table or stream that an ARN names. tx is nil in a View, where nothing is set.
func (b *Book) holderOf(r store.Reader, tx store.Tx, arn string) (holder, error) {
	if n, ok := stream.ParseARN(arn); ok {
		return streamHolder(r, tx, n, arn)
	}
	n, err := table.ParseARN(arn)
	if err != nil {
		return holder{}, err
	}
	t, err := b.onResource(r, n, arn)
	if err != nil {
		return holder{}, err
	}
	old, err := t.Policy(r)
	return holder{old, func(document string) (string, error) { return t.SetPolicy(tx, old, document), nil }}, err
}

func streamHolder(r store.Reader, tx store.Tx, n stream.Name, arn string) (holder, error) {
	document, revision, ok, err := stream.Policy(r, n)
	if err == nil && !ok {
		err = &api.ResourceNotFoundException{Message: "Requested resource not found: ResourcArn: " + arn + " not found"}
	}
	old := table.Policy{Document: document, Revision: revision}
	return holder{old, func(document string) (string, error) {
		next := old.Next(tx.Now(), document)
		return next, stream.SetPolicy(tx, n, document, next)
	}}, err
}

// place is where the table or stream of an ARN is.
func place(arn string) (table.Name, error) {
	if n, ok := stream.ParseARN(arn); ok {
		return table.Name{Account: n.Account, Region: n.Region, Name: n.Table}, nil
	}
	return table.ParseARN(arn)
}

// PutResourcePolicy attaches a policy to a table or a stream.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PutResourcePolicy.html
func (b *Book) PutResourcePolicy(ctx context.Context, id aws.Identity, in *api.PutResourcePolicyInput) (*api.PutResourcePolicyOutput, error) {
	n, err := place(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	d, err := CheckPolicy(in.Policy)
	if err == nil {
		err = checkSelf(id, d, in)
	}
	if err != nil {
		return nil, err
	}
	return update(ctx, b, n, func(tx store.Tx) (*api.PutResourcePolicyOutput, error) {
		h, err := b.holderOf(tx, tx, in.ResourceArn)
		switch {
		case err != nil:
			return nil, err
		case !h.policy.Matches(in.ExpectedRevisionId):
			return nil, noSuchPolicy(in.ResourceArn)
		case strings.TrimSpace(h.policy.Document) == strings.TrimSpace(in.Policy):
			return &api.PutResourcePolicyOutput{RevisionId: &h.policy.Revision}, nil
		}
		revision, err := h.set(in.Policy)
		return &api.PutResourcePolicyOutput{RevisionId: &revision}, err
	})
}

// GetResourcePolicy returns the policy of a table or a stream.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_GetResourcePolicy.html
func (b *Book) GetResourcePolicy(ctx context.Context, _ aws.Identity, in *api.GetResourcePolicyInput) (*api.GetResourcePolicyOutput, error) {
	n, err := place(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	return view(ctx, b, n, func(r store.Reader) (*api.GetResourcePolicyOutput, error) {
		h, err := b.holderOf(r, nil, in.ResourceArn)
		if err == nil && h.policy.Revision == "" {
			err = noSuchPolicy(in.ResourceArn)
		}
		if err != nil {
			return nil, err
		}
		return &api.GetResourcePolicyOutput{Policy: &h.policy.Document, RevisionId: &h.policy.Revision}, nil
	})
}

// DeleteResourcePolicy removes the policy of a table or a stream, if there is one.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DeleteResourcePolicy.html
func (b *Book) DeleteResourcePolicy(ctx context.Context, _ aws.Identity, in *api.DeleteResourcePolicyInput) (*api.DeleteResourcePolicyOutput, error) {
	n, err := place(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	return update(ctx, b, n, func(tx store.Tx) (*api.DeleteResourcePolicyOutput, error) {
		h, err := b.holderOf(tx, tx, in.ResourceArn)
		switch {
		case err != nil:
			return nil, err
		case !h.policy.Matches(in.ExpectedRevisionId):
			return nil, noSuchPolicy(in.ResourceArn)
		case h.policy.Revision == "":
			return &api.DeleteResourcePolicyOutput{}, nil
		}
		_, err = h.set("")
		return &api.DeleteResourcePolicyOutput{RevisionId: &h.policy.Revision}, err
	})
}
