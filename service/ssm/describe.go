package ssm

import (
	"context"

	"github.com/brume-dev/brume/api/ssmapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
)

// DescribeParameters returns what is known of parameters beside their values.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_DescribeParameters.html
func (s *Service) DescribeParameters(ctx context.Context, id aws.Identity, in *ssmapi.DescribeParametersRequest) (*ssmapi.DescribeParametersResult, error) {
	if len(in.Filters) > 0 && len(in.ParameterFilters) > 0 {
		return nil, invalid("You can use either Filters or ParameterFilters in a single request.")
	}
	after, err := readToken(in.NextToken)
	if err != nil {
		return nil, err
	}
	filters, err := readFilters(in.ParameterFilters, describing)
	if err != nil {
		return nil, err
	}
	for _, f := range in.Filters { // the older form
		if err := checkValues(string(f.Key), f.Values); err != nil {
			return nil, err
		}
		filters = append(filters, filter{key: string(f.Key), option: beginsWith, values: f.Values})
	}
	out := &ssmapi.DescribeParametersResult{Parameters: []ssmapi.ParameterMetadata{}}
	if in.Shared != nil && *in.Shared {
		return out, nil // nothing is shared between accounts here
	}
	shard, k := s.at(id)
	type result struct {
		found []found
		next  string
	}
	res, err := store.View(ctx, shard, func(_ context.Context, r store.Reader) (result, error) {
		var res result
		limit := orDefault(in.MaxResults, defaultDescribe)
		for _, prefix := range filters.prefixes() {
			if len(res.found) == limit {
				res.next = res.found[limit-1].name
				break
			}
			l := listing{space: k, prefix: prefix, after: after, limit: limit - len(res.found)}
			found, next, err := l.page(r, filters.pick(r, k))
			if err != nil {
				return result{}, err
			}
			res.found, res.next = append(res.found, found...), next
			if next != "" {
				break
			}
		}
		return res, nil
	})
	if err != nil {
		return nil, err
	}
	for _, f := range res.found {
		out.Parameters = append(out.Parameters, k.metadata(f))
	}
	if res.next != "" {
		out.NextToken = token(res.next)
	}
	return out, nil
}

func (k space) metadata(f found) ssmapi.ParameterMetadata {
	arn := k.arn(f.name)
	return ssmapi.ParameterMetadata{Name: &f.name, ARN: &arn, Type: ssmapi.ParameterType(f.Type), KeyId: aws.Some(f.KeyID),
		LastModifiedDate: &f.Modified, LastModifiedUser: aws.Some(f.By), Description: aws.Some(f.Description),
		AllowedPattern: aws.Some(f.Pattern), Version: &f.Number, Tier: ssmapi.ParameterTier(f.Tier), Policies: policies(f.version),
		DataType: &f.DataType}
}

// policies is never absent in AWS's answers.
func policies(v *version) []ssmapi.ParameterInlinePolicy {
	if p := inline(v.Policies); p != nil {
		return p
	}
	return []ssmapi.ParameterInlinePolicy{}
}

// GetParameterHistory returns the versions of a parameter that are kept, oldest first.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameterHistory.html
func (s *Service) GetParameterHistory(ctx context.Context, id aws.Identity, in *ssmapi.GetParameterHistoryRequest) (*ssmapi.GetParameterHistoryResult, error) {
	ref, err := refer(id, in.Name)
	if err != nil {
		return nil, err
	}
	after, err := readToken(in.NextToken)
	if err != nil {
		return nil, err
	}
	from, err := readFrom(after)
	if err != nil {
		return nil, err
	}
	shard, k := s.at(id)
	h, err := store.View(ctx, shard, func(_ context.Context, r store.Reader) (history, error) {
		return readHistory(r, k, ref, from, orDefault(in.MaxResults, defaultHistory))
	})
	if err != nil {
		return nil, err
	}
	out := &ssmapi.GetParameterHistoryResult{Parameters: []ssmapi.ParameterHistory{}}
	for _, v := range h.versions {
		value, err := s.value(ctx, id, k.arn(h.name), v, in.WithDecryption)
		if err != nil {
			return nil, err
		}
		labels := h.labels[v.Number]
		if labels == nil {
			labels = []string{}
		}
		out.Parameters = append(out.Parameters, ssmapi.ParameterHistory{Name: &h.name, Type: ssmapi.ParameterType(v.Type),
			KeyId: aws.Some(v.KeyID), LastModifiedDate: &v.Modified, LastModifiedUser: aws.Some(v.By),
			Description: aws.Some(v.Description), Value: &value, AllowedPattern: aws.Some(v.Pattern), Version: &v.Number,
			Labels: labels, Tier: ssmapi.ParameterTier(v.Tier), Policies: policies(v), DataType: &v.DataType})
	}
	if h.next > 0 {
		out.NextToken = token(decimal(h.next))
	}
	return out, nil
}
