package lambda

import (
	"cmp"
	"context"
	"slices"
	"strconv"

	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/lambda/fault"
	"github.com/brume-dev/brume/service/lambda/keys"
	"github.com/brume-dev/brume/store"
)

// CreateAlias names a version.
// https://docs.aws.amazon.com/lambda/latest/api/API_CreateAlias.html
func (s *Service) CreateAlias(ctx context.Context, id aws.Identity, in *lambdaapi.CreateAliasRequest) (*lambdaapi.AliasConfiguration, error) {
	p, err := keys.FindFunction(id, in.FunctionName)
	if err != nil {
		return nil, err
	}
	p.Qualifier = in.Name
	a := alias{Version: in.FunctionVersion, Description: value(in.Description), Revision: s.newID()}
	return update(ctx, s, p.Space, func(tx store.Tx) (*lambdaapi.AliasConfiguration, error) {
		a := a
		if err := a.route(tx, p, in.RoutingConfig); err != nil {
			return nil, err
		}
		if _, taken, err := tx.Get(p.Space.Alias(p.Name, in.Name)); err != nil {
			return nil, err
		} else if taken {
			return nil, fault.Conflict("Alias already exists: %s", p.ARN())
		}
		tx.Set(p.Space.Alias(p.Name, in.Name), keys.Encode(a))
		return a.describe(p), nil
	})
}

// UpdateAlias changes an alias.
// https://docs.aws.amazon.com/lambda/latest/api/API_UpdateAlias.html
func (s *Service) UpdateAlias(ctx context.Context, id aws.Identity, in *lambdaapi.UpdateAliasRequest) (*lambdaapi.AliasConfiguration, error) {
	p, err := keys.FindFunction(id, in.FunctionName)
	if err != nil {
		return nil, err
	}
	p.Qualifier = in.Name
	revision := s.newID()
	return update(ctx, s, p.Space, func(tx store.Tx) (*lambdaapi.AliasConfiguration, error) {
		a, err := aliasAt(tx, p)
		if err != nil {
			return nil, err
		}
		if in.RevisionId != nil && *in.RevisionId != a.Revision {
			return nil, fault.StaleRevision("GetFunction/GetAlias")
		}
		put(&a.Version, in.FunctionVersion)
		put(&a.Description, in.Description)
		routing := in.RoutingConfig
		if routing == nil && len(a.Weights) > 0 {
			routing = &lambdaapi.AliasRoutingConfiguration{AdditionalVersionWeights: a.Weights}
		}
		if err := a.route(tx, p, routing); err != nil {
			return nil, err
		}
		a.Revision = revision
		tx.Set(p.Space.Alias(p.Name, in.Name), keys.Encode(a))
		tx.OnCommit(func(store.Commit) { s.Provisions.Wake() })
		return a.describe(p), nil
	})
}

// route checks the versions of an alias and sets its weights.
func (a *alias) route(r store.Reader, p place, in *lambdaapi.AliasRoutingConfiguration) error {
	fn, err := functionAt(r, place{Space: p.Space, Name: p.Name})
	if err != nil {
		return err
	}
	if _, err := versionOf(r, p, fn, a.Version); err != nil {
		return err
	}
	a.Weights = nil
	if in == nil || len(in.AdditionalVersionWeights) == 0 {
		return nil
	}
	if len(in.AdditionalVersionWeights) > 1 {
		return fault.Invalid("Number of items in AdditionalVersionWeights cannot be greater than 1")
	}
	for version, weight := range in.AdditionalVersionWeights {
		switch {
		case a.Version == keys.Latest || version == keys.Latest:
			return fault.Invalid("$LATEST is not supported for an alias pointing to more than 1 version")
		case version == a.Version:
			return fault.Invalid("Invalid function version %s. Function version %s is already included in routing configuration.", version, version)
		case weight < 0 || weight > 1:
			return aws.Errorf("ValidationException", 400, "1 validation error detected: Value '{%s=%s}' at 'routingConfig.additionalVersionWeights' "+
				"failed to satisfy constraint: Map value must satisfy constraint: [Member must have value less than or equal to 1.0, "+
				"Member must have value greater than or equal to 0.0]", version, strconv.FormatFloat(weight, 'f', -1, 64))
		}
		if _, err := versionOf(r, p, fn, version); err != nil {
			return err
		}
	}
	a.Weights = in.AdditionalVersionWeights
	return nil
}

// aliasAt returns the alias that p's qualifier names.
func aliasAt(r store.Reader, p place) (*alias, error) {
	a, err := keys.Get[alias](r, p.Space.Alias(p.Name, p.Qualifier))
	if err == nil && a == nil {
		err = fault.NotFound("Cannot find alias arn: %s", p.ARN())
	}
	return a, err
}

func (a *alias) describe(p place) *lambdaapi.AliasConfiguration {
	arn := p.ARN()
	out := &lambdaapi.AliasConfiguration{AliasArn: &arn, Name: &p.Qualifier, FunctionVersion: &a.Version, Description: &a.Description,
		RevisionId: &a.Revision}
	if len(a.Weights) > 0 {
		out.RoutingConfig = &lambdaapi.AliasRoutingConfiguration{AdditionalVersionWeights: a.Weights}
	}
	return out
}

// GetAlias describes an alias.
// https://docs.aws.amazon.com/lambda/latest/api/API_GetAlias.html
func (s *Service) GetAlias(ctx context.Context, id aws.Identity, in *lambdaapi.GetAliasRequest) (*lambdaapi.AliasConfiguration, error) {
	p, err := keys.FindFunction(id, in.FunctionName)
	if err != nil {
		return nil, err
	}
	p.Qualifier = in.Name
	return view(ctx, s, p.Space, func(r store.Reader) (*lambdaapi.AliasConfiguration, error) {
		a, err := aliasAt(r, p)
		if err != nil {
			return nil, err
		}
		return a.describe(p), nil
	})
}

// ListAliases lists the aliases of a function, or those of one version.
// https://docs.aws.amazon.com/lambda/latest/api/API_ListAliases.html
func (s *Service) ListAliases(ctx context.Context, id aws.Identity, in *lambdaapi.ListAliasesRequest) (*lambdaapi.ListAliasesResponse, error) {
	p, err := keys.FindFunction(id, in.FunctionName)
	if err != nil {
		return nil, err
	}
	return view(ctx, s, p.Space, func(r store.Reader) (*lambdaapi.ListAliasesResponse, error) {
		if _, err := functionAt(r, p); err != nil {
			return nil, err
		}
		out := &lambdaapi.ListAliasesResponse{Aliases: []lambdaapi.AliasConfiguration{}}
		t := p.Space.Aliases(p.Name)
		next, err := keys.Page(r, t, in.Marker, in.MaxItems, func(key *store.Elements, v store.Value) error {
			var a alias
			if err := keys.Decode(v, &a); err != nil {
				return err
			}
			q := p
			q.Qualifier = key.Text()
			if in.FunctionVersion == nil || a.leadsTo(*in.FunctionVersion) {
				out.Aliases = append(out.Aliases, *a.describe(q))
			}
			return nil
		})
		out.NextMarker = next
		return out, err
	})
}

func (a *alias) leadsTo(version string) bool {
	_, also := a.Weights[version]
	return a.Version == version || also
}

// DeleteAlias deletes an alias; one that is not there is no error.
// https://docs.aws.amazon.com/lambda/latest/api/API_DeleteAlias.html
func (s *Service) DeleteAlias(ctx context.Context, id aws.Identity, in *lambdaapi.DeleteAliasRequest) (*lambdaapi.DeleteAliasOutput, error) {
	p, err := keys.FindFunction(id, in.FunctionName)
	if err != nil {
		return nil, err
	}
	return update(ctx, s, p.Space, func(tx store.Tx) (*lambdaapi.DeleteAliasOutput, error) {
		fn, err := functionAt(tx, p)
		if err != nil {
			return nil, err
		}
		tx.Delete(p.Space.Alias(p.Name, in.Name))
		tx.Delete(p.Space.Policy(p.Name, in.Name))
		tx.Delete(p.Space.Async(p.Name, in.Name))
		p := p
		p.Qualifier = in.Name
		return new(lambdaapi.DeleteAliasOutput), cmp.Or(s.URLs.Delete(tx, p), s.Provisions.Delete(tx, p, fn.Reserved))
	})
}

// aliasesOf returns the names of the aliases that lead to a version.
func aliasesOf(r store.Reader, p place, version string) ([]string, error) {
	var names []string
	t := p.Space.Aliases(p.Name)
	pairs, done := r.Scan(t.Range(), store.ScanOpt{})
	for kv := range pairs {
		var a alias
		if err := keys.Decode(kv.Value, &a); err != nil {
			return nil, err
		}
		if a.leadsTo(version) {
			names = append(names, store.Decode(kv.Key, len(t)).Text())
		}
	}
	slices.Sort(names)
	return names, done()
}
