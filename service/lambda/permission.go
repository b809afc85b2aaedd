package lambda

import (
	"context"
	"strconv"

	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/lambda/fault"
	"github.com/brume-dev/brume/service/lambda/grant"
	"github.com/brume-dev/brume/service/lambda/keys"
	"github.com/brume-dev/brume/store"
)

// AddPermission adds a statement to the policy of a function, version or alias.
// https://docs.aws.amazon.com/lambda/latest/api/API_AddPermission.html
func (s *Service) AddPermission(ctx context.Context, id aws.Identity, in *lambdaapi.AddPermissionRequest) (*lambdaapi.AddPermissionResponse, error) {
	p, err := keys.Find(id, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	if p.Qualifier == keys.Latest {
		return nil, fault.Invalid("We currently do not support adding policies for $LATEST.")
	}
	st, err := statementOf(p, in)
	if err != nil {
		return nil, err
	}
	revision := s.newID()
	return update(ctx, s, p.Space, func(tx store.Tx) (*lambdaapi.AddPermissionResponse, error) {
		policy, err := policyAt(tx, p)
		if err != nil {
			return nil, err
		}
		if err := policy.Add(st, in.RevisionId, revision, "GetPolicy"); err != nil {
			return nil, err
		}
		tx.Set(p.Space.Policy(p.Name, p.Qualifier), keys.Encode(policy))
		return &lambdaapi.AddPermissionResponse{Statement: &st.Text}, nil
	})
}

// statementOf writes the statement that a request describes.
func statementOf(p place, in *lambdaapi.AddPermissionRequest) (grant.Statement, error) {
	st, err := grant.New(in.StatementId, in.Principal, in.Action, p.ARN())
	if err != nil {
		return grant.Statement{}, err
	}
	st.Where("StringEquals", "AWS:SourceAccount", in.SourceAccount)
	st.Where("ArnLike", "AWS:SourceArn", in.SourceArn)
	st.Where("StringEquals", "aws:PrincipalOrgID", in.PrincipalOrgID)
	st.Where("StringEquals", "lambda:EventSourceToken", in.EventSourceToken)
	st.Where("StringEquals", "lambda:FunctionUrlAuthType", aws.Some(string(in.FunctionUrlAuthType)))
	if in.InvokedViaFunctionUrl != nil {
		st.Where("Bool", "lambda:InvokedViaFunctionUrl", new(strconv.FormatBool(*in.InvokedViaFunctionUrl)))
	}
	return st.Statement(), nil
}

// policyAt returns the policy of what p names, an empty one if there is none. What p names must be there.
func policyAt(r store.Reader, p place) (*grant.Policy, error) {
	if _, err := resolve(r, p, 1); err != nil {
		return nil, err
	}
	policy, err := keys.Get[grant.Policy](r, p.Space.Policy(p.Name, p.Qualifier))
	if policy == nil {
		policy = new(grant.Policy)
	}
	return policy, err
}

// GetPolicy returns the policy of a function, version or alias.
// https://docs.aws.amazon.com/lambda/latest/api/API_GetPolicy.html
func (s *Service) GetPolicy(ctx context.Context, id aws.Identity, in *lambdaapi.GetPolicyRequest) (*lambdaapi.GetPolicyResponse, error) {
	p, err := keys.Find(id, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	return view(ctx, s, p.Space, func(r store.Reader) (*lambdaapi.GetPolicyResponse, error) {
		policy, err := policyAt(r, p)
		if err != nil {
			return nil, err
		}
		doc := policy.Document()
		if doc == "" {
			return nil, fault.NotFound("The resource you requested does not exist.")
		}
		return &lambdaapi.GetPolicyResponse{Policy: &doc, RevisionId: &policy.Revision}, nil
	})
}

// RemovePermission removes a statement from the policy of a function, version or alias.
// https://docs.aws.amazon.com/lambda/latest/api/API_RemovePermission.html
func (s *Service) RemovePermission(ctx context.Context, id aws.Identity, in *lambdaapi.RemovePermissionRequest) (*lambdaapi.RemovePermissionOutput, error) {
	p, err := keys.Find(id, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	revision := s.newID()
	return update(ctx, s, p.Space, func(tx store.Tx) (*lambdaapi.RemovePermissionOutput, error) {
		policy, err := policyAt(tx, p)
		if err != nil {
			return nil, err
		}
		if err := policy.Remove(in.StatementId, in.RevisionId, revision, "GetPolicy"); err != nil {
			return nil, err
		}
		if len(policy.Statements) == 0 {
			tx.Delete(p.Space.Policy(p.Name, p.Qualifier))
		} else {
			tx.Set(p.Space.Policy(p.Name, p.Qualifier), keys.Encode(policy))
		}
		return new(lambdaapi.RemovePermissionOutput), nil
	})
}
