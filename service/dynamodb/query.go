package dynamodb

import (
	"context"

	api "github.com/brume-dev/brume/api/dynamodbapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/item"
	"github.com/brume-dev/brume/service/dynamodb/expression"
	"github.com/brume-dev/brume/service/dynamodb/table"
	"github.com/brume-dev/brume/store"
)

// Query returns the items of one partition in the order of their sort keys.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Query.html
func (s *Service) Query(ctx context.Context, id aws.Identity, in *api.QueryInput) (*api.QueryOutput, error) {
	n, err := resolve(id, in.TableName)
	if err != nil {
		return nil, err
	}
	p := &pager{table: n, index: in.IndexName, reverse: in.ScanIndexForward != nil && !*in.ScanIndexForward, consistent: aws.Or(in.ConsistentRead, false),
		start: in.ExclusiveStartKey, rooms: &s.rooms}
	if in.Limit != nil {
		p.limit = int(*in.Limit)
	}
	keys, err := s.readQuery(p, in)
	if err != nil {
		return nil, refused(err)
	}
	page, got, err := s.readPage(ctx, p, func(src *source) (store.Range, error) { return p.queryRange(src, keys) })
	if err != nil {
		return nil, err
	}
	out := &api.QueryOutput{Count: new(int32(page.matched)), ScannedCount: new(int32(page.scanned)), LastEvaluatedKey: page.last, Items: p.answer(&page),
		ConsumedCapacity: p.consumed(in.ReturnConsumedCapacity, &got.src, got.raw)}
	return out, nil
}

// readQuery checks a Query as far as that goes without the table and returns its key condition.
func (s *Service) readQuery(p *pager, in *api.QueryInput) (expression.KeyCondition, error) {
	r, err := s.request(parameters{
		expressions: []parameter{{"ProjectionExpression", in.ProjectionExpression != nil},
			{"FilterExpression", in.FilterExpression != nil}, {"KeyConditionExpression", in.KeyConditionExpression != nil}},
		legacy: []parameter{{"AttributesToGet", in.AttributesToGet != nil}, {"QueryFilter", in.QueryFilter != nil},
			{"ConditionalOperator", in.ConditionalOperator != ""}, {"KeyConditions", in.KeyConditions != nil}}}, in.ExpressionAttributeNames, in.ExpressionAttributeValues)
	if err != nil {
		return nil, err
	}
	if err := p.selection(in.Select, projectedBy(in.ProjectionExpression, in.AttributesToGet), in.IndexName != nil, "Querying"); err != nil {
		return nil, refusedOne(err)
	}
	if text := in.ExclusiveStartKey.Problem(item.Current); text != "" {
		return nil, problem(text)
	}
	keys, err := readKeys(r, in)
	if err != nil {
		return nil, err
	}
	if in.FilterExpression != nil {
		p.filterName = "Filter Expression"
		p.filter, err = r.Condition(expression.FilterKind, *in.FilterExpression)
	} else {
		p.filterName = "QueryFilter"
		p.filter, err = filtered(in.QueryFilter, in.ConditionalOperator, item.Current)
	}
	if err != nil {
		return nil, err
	}
	if p.chosen, err = projection(r, in.ProjectionExpression, in.AttributesToGet); err != nil {
		return nil, err
	}
	return keys, r.Unused()
}

// readKeys reads the key condition in either of its forms.
func readKeys(r *expression.Request, in *api.QueryInput) (expression.KeyCondition, error) {
	switch {
	case in.KeyConditionExpression != nil:
		return r.KeyCondition(*in.KeyConditionExpression)
	case in.KeyConditions == nil:
		return nil, problem("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.")
	}
	if err := checkConditions(in.KeyConditions, item.Current); err != nil {
		return nil, err
	}
	if n := len(in.KeyConditions); n < 1 || n > 2 {
		return nil, problem("Conditions can be of length 1 or 2 only")
	}
	return expression.KeyConditions(in.KeyConditions)
}

// queryRange finds the range of the items that a key condition means, after the starting key.
func (p *pager) queryRange(src *source, keys expression.KeyCondition) (store.Range, error) {
	hash, sort, err := src.Parts(keys)
	if err != nil {
		return store.Range{}, err
	}
	if err := p.checkFilter(src); err != nil {
		return store.Range{}, err
	}
	prefix, all := src.Partition(hash)
	for _, c := range sort {
		all = table.SortRange(prefix, all, c)
		if c.Op == "=" {
			prefix = c.Values[0].AppendKey(prefix[:len(prefix):len(prefix)])
		}
	}
	if p.start == nil {
		return all, nil
	}
	key, err := p.startKey(src)
	if err != nil {
		return all, err
	}
	for i, a := range src.Hash {
		if !item.Equal(p.start.Get(a.Name), hash[i]) {
			return all, problem("The provided starting key is outside query boundaries based on provided conditions")
		}
	}
	switch {
	case !within(all, key):
		return all, problem("The provided starting key does not match the range key predicate")
	case p.reverse:
		all.End = key
	default:
		all.Begin = table.After(key)
	}
	return all, nil
}
