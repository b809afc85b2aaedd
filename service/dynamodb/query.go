package dynamodb

import (
	"bytes"
	"context"
	"fmt"

	api "github.com/brume-dev/brume/api/dynamodbapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/item"
	"github.com/brume-dev/brume/service/dynamodb/expression"
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
	p := &pager{table: n, reverse: in.ScanIndexForward != nil && !*in.ScanIndexForward, consistent: isTrue(in.ConsistentRead),
		start: in.ExclusiveStartKey}
	if in.Limit != nil {
		p.limit = int(*in.Limit)
	}
	keys, err := s.readQuery(p, in)
	if err != nil {
		return nil, refused(err)
	}
	got, err := view(ctx, s, n.tableName, func(r store.Reader) (page, error) {
		t, err := s.mustTable(r, n.tableName)
		if err != nil {
			return page{}, err
		}
		if in.IndexName != nil {
			return page{}, noIndex(*in.IndexName)
		}
		within, err := p.queryRange(t, keys)
		if err != nil {
			return page{}, err
		}
		return p.read(r, t, within)
	})
	if err != nil {
		return nil, refused(err)
	}
	out := &api.QueryOutput{Count: ptr(int32(got.matched)), ScannedCount: ptr(int32(got.scanned)), LastEvaluatedKey: got.last,
		ConsumedCapacity: consumed(in.ReturnConsumedCapacity, n.given, readUnits(got.size, p.consistent))}
	if !p.count {
		out.Items = got.items
	}
	return out, nil
}

// readQuery checks a Query as far as that goes without the table and returns its key condition.
func (s *Service) readQuery(p *pager, in *api.QueryInput) (expression.KeyCondition, error) {
	r, err := s.request(parameters{
		expressions: []parameter{{"ProjectionExpression", in.ProjectionExpression != nil},
			{"FilterExpression", in.FilterExpression != nil}, {"KeyConditionExpression", in.KeyConditionExpression != nil}},
		legacy: []parameter{{"AttributesToGet", in.AttributesToGet != nil}, {"QueryFilter", in.QueryFilter != nil},
			{"ConditionalOperator", in.ConditionalOperator != ""}, {"KeyConditions", in.KeyConditions != nil}},
		names: in.ExpressionAttributeNames, values: in.ExpressionAttributeValues})
	if err != nil {
		return nil, err
	}
	if err := p.selection(in.Select, projectedBy(in.ProjectionExpression, in.AttributesToGet), in.IndexName != nil, "Querying"); err != nil {
		return nil, err
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
func (p *pager) queryRange(t *table, keys expression.KeyCondition) (store.Range, error) {
	hash, sort, err := t.parts(keys)
	if err != nil {
		return store.Range{}, err
	}
	if err := p.checkFilter(t); err != nil {
		return store.Range{}, err
	}
	prefix, within := t.partition(hash.Values[0])
	if sort != nil {
		within = sortRange(prefix, within, sort)
	}
	if p.start == nil {
		return within, nil
	}
	key, err := p.startKey(t)
	switch {
	case err != nil:
		return within, err
	case !item.Equal(p.start.Get(t.hash.name), hash.Values[0]):
		return within, problem("The provided starting key is outside query boundaries based on provided conditions")
	case bytes.Compare(key, within.Begin) < 0 || bytes.Compare(key, within.End) >= 0:
		return within, problem("The provided starting key does not match the range key predicate")
	case p.reverse:
		within.End = key
	default:
		within.Begin = after(key)
	}
	return within, nil
}

// parts finds the conditions on the partition and sort key, and checks that they fit the table.
func (t *table) parts(keys expression.KeyCondition) (hash, sort *expression.KeyPart, err error) {
	attributes := t.keyAttributes()
	if len(keys) > len(attributes) {
		return nil, nil, problem(fmt.Sprintf("The number of query conditions (%d) exceeds the number of key attributes defined in the schema (%d)",
			len(keys), len(attributes)))
	}
	for i := range keys {
		switch keys[i].Attribute {
		case t.hash.name:
			hash = &keys[i]
		case t.sort.name:
			sort = &keys[i]
		}
	}
	switch {
	case hash == nil:
		return nil, nil, problem("Query condition missed key schema element: " + t.hash.name)
	case len(keys) > 1 && sort == nil:
		return nil, nil, problem("Query condition missed key schema element: " + t.sort.name)
	case hash.Op != "=":
		return nil, nil, problem("Query key condition not supported")
	}
	for i, part := range []*expression.KeyPart{hash, sort} {
		if part == nil {
			continue
		}
		for _, v := range part.Values {
			if v.Kind() != attributes[i].kind {
				return nil, nil, problem(invalidValues + "Condition parameter type does not match schema type")
			}
		}
	}
	return hash, sort, t.checkConditionValues(hash, sort)
}

// checkConditionValues refuses values that no key can have.
func (t *table) checkConditionValues(hash, sort *expression.KeyPart) error {
	key := item.NewMap(item.F(t.hash.name, hash.Values[0]))
	if t.sort.name == "" || sort == nil {
		return (&table{hash: t.hash}).checkKeyValues(key)
	}
	if sort.Op == "begins_with" && sort.Values[0].Text() == "" {
		return (&table{hash: t.hash}).checkKeyValues(key)
	}
	for _, v := range sort.Values {
		key.Put(t.sort.name, v)
		if err := t.checkKeyValues(key); err != nil {
			return err
		}
	}
	return nil
}

// sortRange narrows the range of a partition, whose keys begin with prefix, to a condition on the sort key.
func sortRange(prefix []byte, whole store.Range, c *expression.KeyPart) store.Range {
	at := func(v item.Value) store.Key { return v.AppendKey(prefix[:len(prefix):len(prefix)]) }
	first := at(c.Values[0])
	switch c.Op {
	case "=":
		return store.Range{Begin: first, End: after(first)}
	case "<":
		return store.Range{Begin: whole.Begin, End: first}
	case "<=":
		return store.Range{Begin: whole.Begin, End: after(first)}
	case ">":
		return store.Range{Begin: after(first), End: whole.End}
	case ">=":
		return store.Range{Begin: first, End: whole.End}
	case "BETWEEN":
		return store.Range{Begin: first, End: after(at(c.Values[1]))}
	}
	begin := c.Values[0].AppendKeyPrefix(prefix[:len(prefix):len(prefix)]) // begins_with
	return store.Range{Begin: begin, End: past(begin)}
}
