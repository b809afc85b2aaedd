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

// tableKeys is the part of a BatchGetItem that is on one table.
type tableKeys struct {
	named
	in     api.KeysAndAttributes
	chosen *expression.Projection
}

// tableItems is what was read for one tableKeys.
type tableItems struct {
	items item.Items
	size  int
	rest  []item.Map // keys that did not fit any more
	units float64
}

// BatchGetItem returns up to 100 items, and up to 16 MB of them.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
func (s *Service) BatchGetItem(ctx context.Context, id aws.Identity, in *api.BatchGetItemInput) (*api.BatchGetItemOutput, error) {
	asked, err := s.readBatchGet(id, in)
	if err != nil {
		return nil, refused(err)
	}
	out := &api.BatchGetItemOutput{Responses: map[string]item.Items{}, UnprocessedKeys: map[string]api.KeysAndAttributes{}}
	room := maxBatchGetSize
	for i := range asked {
		a := &asked[i]
		got, err := view(ctx, s, a.tableName, func(r store.Reader) (tableItems, error) { return s.getKeys(r, a, room) })
		if err != nil {
			return nil, refused(err)
		}
		room -= got.size
		out.Responses[a.given] = got.items
		if len(got.rest) > 0 {
			left := a.in
			left.Keys = got.rest
			out.UnprocessedKeys[a.given] = left
		}
		if c := consumed(in.ReturnConsumedCapacity, a.given, got.units); c != nil {
			out.ConsumedCapacity = append(out.ConsumedCapacity, *c)
		}
	}
	return out, nil
}

// readBatchGet checks a BatchGetItem as far as that goes without the tables.
func (s *Service) readBatchGet(id aws.Identity, in *api.BatchGetItemInput) ([]tableKeys, error) {
	var out []tableKeys
	keys, expressions, legacy := 0, false, false
	for _, name := range sortedKeys(in.RequestItems) {
		k := in.RequestItems[name]
		n, err := resolve(id, name)
		if err != nil {
			return nil, err
		}
		chosen, err := s.readProjection(k.ProjectionExpression, k.AttributesToGet, k.ExpressionAttributeNames)
		if err != nil {
			return nil, err
		}
		for _, key := range k.Keys {
			if text := key.Problem(item.Current); text != "" {
				return nil, problem(text)
			}
		}
		keys += len(k.Keys)
		expressions = expressions || k.ProjectionExpression != nil
		legacy = legacy || k.AttributesToGet != nil
		out = append(out, tableKeys{n, k, chosen})
	}
	switch {
	case expressions && legacy:
		return nil, problem("Can not use both expression and non-expression parameters in the same request: " +
			"Non-expression parameters: {AttributesToGet} Expression parameters: {ProjectionExpression}")
	case keys > maxBatchGet:
		return nil, problem("Too many items requested for the BatchGetItem call")
	}
	return out, nil
}

// getKeys reads the items of one table while they fit into room.
func (s *Service) getKeys(r store.Reader, a *tableKeys, room int) (tableItems, error) {
	var out tableItems
	t, err := s.mustTable(r, a.tableName)
	if err != nil {
		return out, err
	}
	suffixes := make([][]byte, len(a.in.Keys))
	seen := make(map[string]bool, len(a.in.Keys))
	for i, key := range a.in.Keys {
		if err := t.CheckKey(key); err != nil {
			return out, err
		}
		suffixes[i] = t.Suffix(key)
		if seen[string(suffixes[i])] {
			return out, problem("Provided list of item keys contains duplicates")
		}
		seen[string(suffixes[i])] = true
	}
	var items []item.Map
	list := item.NewWriter(nil) // in place of items when these go into the answer as they are stored
	for i, suffix := range suffixes {
		st, err := t.Load(r, suffix)
		if err != nil {
			return out, err
		}
		if room -= st.Size; room < 0 {
			out.rest = a.in.Keys[i:]
			break
		}
		if err := s.chargeRead(t, nil, table.ReadUnits(st.Size, aws.Or(a.in.ConsistentRead, false))); err != nil {
			if i == 0 {
				return out, err
			}
			out.rest = a.in.Keys[i:]
			break
		}
		out.units += table.ReadUnits(st.Size, aws.Or(a.in.ConsistentRead, false))
		out.size += st.Size
		switch {
		case !st.There:
		case a.chosen == nil:
			err = list.Add(st.Body)
		default:
			var m item.Map
			m, err = st.Decode()
			items = append(items, a.chosen.Of(m))
		}
		if err != nil {
			return out, err
		}
	}
	if out.items = item.ItemsOf(items); a.chosen == nil {
		out.items, _ = list.Items()
	}
	return out, nil
}
