package lambda

import (
	"context"

	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/lambda/keys"
	"github.com/brume-dev/brume/store"
)

// GetFunction describes a function or version, with a link to its package.
// https://docs.aws.amazon.com/lambda/latest/api/API_GetFunction.html
func (s *Service) GetFunction(ctx context.Context, id aws.Identity, in *lambdaapi.GetFunctionRequest) (*lambdaapi.GetFunctionResponse, error) {
	p, err := keys.Find(id, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	return view(ctx, s, p.Space, func(r store.Reader) (*lambdaapi.GetFunctionResponse, error) {
		c, err := resolve(r, p, 1)
		if err != nil {
			return nil, err
		}
		repository := "S3"
		out := &lambdaapi.GetFunctionResponse{Configuration: c.cfg.describe(p, p.ARN()),
			Code: &lambdaapi.FunctionCodeLocation{RepositoryType: &repository}}
		out.Code.Location, out.Code.SourceKMSKeyArn = aws.Some(s.links.To(c.cfg.Package)), aws.Some(c.cfg.SourceKey)
		if c.fn.Reserved != nil {
			out.Concurrency = &lambdaapi.Concurrency{ReservedConcurrentExecutions: c.fn.Reserved}
		}
		tags, err := keys.Get[map[string]string](r, p.Space.Tags(p.Name))
		if tags != nil {
			out.Tags = *tags
		}
		return out, err
	})
}

// GetFunctionConfiguration describes a function or version.
// https://docs.aws.amazon.com/lambda/latest/api/API_GetFunctionConfiguration.html
func (s *Service) GetFunctionConfiguration(ctx context.Context, id aws.Identity, in *lambdaapi.GetFunctionConfigurationRequest) (*lambdaapi.FunctionConfiguration, error) {
	p, err := keys.Find(id, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	return view(ctx, s, p.Space, func(r store.Reader) (*lambdaapi.FunctionConfiguration, error) {
		c, err := resolve(r, p, 1)
		if err != nil {
			return nil, err
		}
		return c.cfg.describe(p, p.ARN()), nil
	})
}

// ListFunctions lists the functions of the account and region, on demand with all their versions.
// https://docs.aws.amazon.com/lambda/latest/api/API_ListFunctions.html
func (s *Service) ListFunctions(ctx context.Context, id aws.Identity, in *lambdaapi.ListFunctionsRequest) (*lambdaapi.ListFunctionsResponse, error) {
	k := keys.Of(id.Account, id.Region)
	all := in.FunctionVersion == lambdaapi.FunctionVersionAll
	out := &lambdaapi.ListFunctionsResponse{Functions: []lambdaapi.FunctionConfiguration{}}
	if in.MasterRegion != nil && *in.MasterRegion != "ALL" && *in.MasterRegion != id.Region {
		return out, nil // there are no functions of Lambda@Edge
	}
	return view(ctx, s, k, func(r store.Reader) (*lambdaapi.ListFunctionsResponse, error) {
		out := *out
		next, err := keys.Page(r, k.Functions(), in.Marker, in.MaxItems, func(key *store.Elements, v store.Value) error {
			var fn function
			if err := keys.Decode(v, &fn); err != nil {
				return err
			}
			name := key.Text()
			p := place{Space: k, Name: name}
			arn := p.FunctionARN()
			if all {
				arn = k.ARN(name, keys.Latest)
			}
			out.Functions = append(out.Functions, fn.Latest.brief(p, arn))
			if !all {
				return nil
			}
			versions, err := versionsOf(r, p)
			for _, c := range versions {
				out.Functions = append(out.Functions, c.brief(p, k.ARN(name, c.version())))
			}
			return err
		})
		out.NextMarker = next
		return &out, err
	})
}
