package ssm

import (
	"context"
	"strings"

	"github.com/brume-dev/brume/api/ssmapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
)

// GetParametersByPath returns the parameters of a level of a hierarchy, or of all levels below it.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParametersByPath.html
func (s *Service) GetParametersByPath(ctx context.Context, id aws.Identity, in *ssmapi.GetParametersByPathRequest) (*ssmapi.GetParametersByPathResult, error) {
	path := strings.Trim(in.Path, " ")
	if !pathForm.MatchString(path) {
		return nil, invalid(pathText)
	}
	after, err := readToken(in.NextToken)
	if err != nil {
		return nil, err
	}
	filters, err := readFilters(in.ParameterFilters, byPath)
	if err != nil {
		return nil, err
	}
	shard, k := s.at(id)
	l := listing{space: k, prefix: folder(path), after: after, level: in.Recursive == nil || !*in.Recursive,
		limit: orDefault(in.MaxResults, defaultByPath)}
	type result struct {
		found []found
		next  string
	}
	res, err := store.View(ctx, shard, func(_ context.Context, r store.Reader) (result, error) {
		found, next, err := l.page(r, filters.pick(r, k))
		return result{found, next}, err
	})
	if err != nil {
		return nil, err
	}
	out := &ssmapi.GetParametersByPathResult{Parameters: []ssmapi.Parameter{}}
	for _, f := range res.found {
		p, err := s.parameter(ctx, id, k, f, in.WithDecryption)
		if err != nil {
			return nil, err
		}
		out.Parameters = append(out.Parameters, *p)
	}
	if res.next != "" {
		out.NextToken = token(res.next)
	}
	return out, nil
}

// folder is the prefix of the names below a path. Below the root lie also the names that have no slash.
func folder(path string) string {
	if path == "/" {
		return ""
	}
	return strings.TrimSuffix(path, "/") + "/"
}
