package layer

import (
	"context"

	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/lambda/fault"
	"github.com/brume-dev/brume/service/lambda/grant"
	"github.com/brume-dev/brume/service/lambda/keys"
	"github.com/brume-dev/brume/store"
)

// AddLayerVersionPermission lets others use a version.
// https://docs.aws.amazon.com/lambda/latest/api/API_AddLayerVersionPermission.html
func (l *Layers) AddLayerVersionPermission(ctx context.Context, id aws.Identity, in *lambdaapi.AddLayerVersionPermissionRequest) (*lambdaapi.AddLayerVersionPermissionResponse, error) {
	p, err := find(id, in.LayerName, in.VersionNumber)
	if err != nil {
		return nil, err
	}
	if in.OrganizationId != nil && in.Principal != "*" {
		return nil, fault.Invalid("Principal must be * when an organization is specified.")
	}
	perm, err := grant.New(in.StatementId, in.Principal, in.Action, p.arn())
	if err != nil {
		return nil, err
	}
	perm.Where("StringEquals", "aws:PrincipalOrgID", in.OrganizationId)
	st, revision := perm.Statement(), l.NewID()
	err = l.change(ctx, p, func(g *grant.Policy) error { return g.Add(st, in.RevisionId, revision, "GetLayerVersionPolicy") })
	if err != nil {
		return nil, err
	}
	return &lambdaapi.AddLayerVersionPermissionResponse{Statement: &st.Text, RevisionId: &revision}, nil
}

// change changes the policy of a version that is there.
func (l *Layers) change(ctx context.Context, p place, f func(*grant.Policy) error) error {
	_, err := p.Shard(l.Store).Update(ctx, func(_ context.Context, tx store.Tx) error {
		v, err := keys.Get[version](tx, p.key())
		if err == nil && v == nil {
			err = fault.NotFound("Layer version %s does not exist.", p.arn())
		}
		if err == nil {
			err = f(&v.Policy)
		}
		if err != nil {
			return err
		}
		tx.Set(p.key(), keys.Encode(v))
		return nil
	})
	return err
}

// RemoveLayerVersionPermission takes that back.
// https://docs.aws.amazon.com/lambda/latest/api/API_RemoveLayerVersionPermission.html
func (l *Layers) RemoveLayerVersionPermission(ctx context.Context, id aws.Identity, in *lambdaapi.RemoveLayerVersionPermissionRequest) (*lambdaapi.RemoveLayerVersionPermissionOutput, error) {
	p, err := find(id, in.LayerName, in.VersionNumber)
	if err != nil {
		return nil, err
	}
	revision := l.NewID()
	return new(lambdaapi.RemoveLayerVersionPermissionOutput), l.change(ctx, p, func(g *grant.Policy) error {
		return g.Remove(in.StatementId, in.RevisionId, revision, "GetLayerVersionPolicy")
	})
}

// GetLayerVersionPolicy returns the policy of a version.
// https://docs.aws.amazon.com/lambda/latest/api/API_GetLayerVersionPolicy.html
func (l *Layers) GetLayerVersionPolicy(ctx context.Context, id aws.Identity, in *lambdaapi.GetLayerVersionPolicyRequest) (*lambdaapi.GetLayerVersionPolicyResponse, error) {
	p, err := find(id, in.LayerName, in.VersionNumber)
	if err != nil {
		return nil, err
	}
	return store.View(ctx, p.Shard(l.Store), func(_ context.Context, r store.Reader) (*lambdaapi.GetLayerVersionPolicyResponse, error) {
		v, err := keys.Get[version](r, p.key())
		switch {
		case err != nil:
			return nil, err
		case v == nil:
			return nil, fault.NotFound("Layer version %s does not exist.", p.arn())
		case len(v.Policy.Statements) == 0:
			return nil, fault.NotFound("No policy is associated with the given resource.")
		}
		return &lambdaapi.GetLayerVersionPolicyResponse{Policy: new(v.Policy.Document()), RevisionId: &v.Policy.Revision}, nil
	})
}

// Access says what it takes to use layers by their ARNs: lambda:GetLayerVersion on each, which the policy of a layer of
// another account must allow.
func (l *Layers) Access(ctx context.Context, arns []string) ([]aws.Access, error) {
	var out []aws.Access
	for _, arn := range arns {
		p, ok := parse(arn)
		if !ok {
			continue // the operation says what is wrong
		}
		a, err := l.access(ctx, p, "lambda:GetLayerVersion")
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, nil
}

func (l *Layers) access(ctx context.Context, p place, action string) (aws.Access, error) {
	a := aws.Access{Action: action, Resource: p.layerARN(), ResourceAccount: p.Account}
	if p.number == 0 {
		return a, nil
	}
	a.Resource = p.arn()
	err := p.Shard(l.Store).View(ctx, func(_ context.Context, r store.Reader) error {
		v, err := keys.Get[version](r, p.key())
		if v != nil {
			a.ResourcePolicy = v.Policy.Document()
		}
		return err
	})
	return a, err
}

// OperationAccess is Access for the operations on layers; ok is false for others.
func (l *Layers) OperationAccess(ctx context.Context, id aws.Identity, op string, in any) (access []aws.Access, ok bool, err error) {
	name, number := "", int64(0)
	switch in := in.(type) {
	case *lambdaapi.PublishLayerVersionRequest:
		name = in.LayerName
	case *lambdaapi.ListLayerVersionsRequest:
		name = in.LayerName
	case *lambdaapi.ListLayersRequest:
		return []aws.Access{{Action: "lambda:ListLayers", Resource: "*"}}, true, nil
	case *lambdaapi.GetLayerVersionByArnRequest:
		access, err = l.Access(ctx, []string{in.Arn})
		return access, true, err
	case *lambdaapi.GetLayerVersionRequest:
		name, number = in.LayerName, in.VersionNumber
	case *lambdaapi.DeleteLayerVersionRequest:
		name, number = in.LayerName, in.VersionNumber
	case *lambdaapi.AddLayerVersionPermissionRequest:
		name, number = in.LayerName, in.VersionNumber
	case *lambdaapi.RemoveLayerVersionPermissionRequest:
		name, number = in.LayerName, in.VersionNumber
	case *lambdaapi.GetLayerVersionPolicyRequest:
		name, number = in.LayerName, in.VersionNumber
	default:
		return nil, false, nil
	}
	p, wrong := find(id, name, number)
	if wrong != nil { // the operation says what
		return []aws.Access{{Action: "lambda:" + op, Resource: aws.MakeARN("lambda", id.Region, id.Account, "layer:*").String()}}, true, nil
	}
	a, err := l.access(ctx, p, "lambda:"+op)
	return []aws.Access{a}, true, err
}
