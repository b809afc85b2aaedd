package dynamodb

import (
	"bytes"
	"context"

	api "github.com/brume-dev/brume/api/dynamodbapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/item"
	"github.com/brume-dev/brume/service/dynamodb/expression"
	"github.com/brume-dev/brume/service/dynamodb/table"
	"github.com/brume-dev/brume/store"
)

// transactGet is one item of a TransactGetItems.
type transactGet struct {
	named
	key    item.Map
	chosen *expression.Projection
}

// TransactGetItems returns up to 100 items of one account and region as they were at one moment.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactGetItems.html
func (s *Service) TransactGetItems(ctx context.Context, id aws.Identity, in *api.TransactGetItemsInput) (*api.TransactGetItemsOutput, error) {
	asked := make([]transactGet, len(in.TransactItems))
	for i := range in.TransactItems {
		g := in.TransactItems[i].Get
		n, err := resolve(id, g.TableName)
		if err != nil {
			return nil, err
		}
		if o := asked[0]; i > 0 && (o.Account != n.Account || o.Region != n.Region) {
			return nil, invalid("All tables of a transaction must be in one account and region")
		}
		asked[i] = transactGet{named: n, key: g.Key}
		names, _, err := placeholders(g.ProjectionExpression, g.ExpressionAttributeNames, nil)
		if err == nil {
			asked[i].chosen, err = s.readProjection(g.ProjectionExpression, nil, names)
		}
		if err != nil {
			return nil, refused(err)
		}
		if text := g.Key.Problem(item.Current); text != "" {
			return nil, invalid(text)
		}
	}
	items, costs, err := s.readAll(ctx, asked)
	if err != nil {
		return nil, err
	}
	return &api.TransactGetItemsOutput{Responses: items, ConsumedCapacity: costs.consumed(in.ReturnConsumedCapacity)}, nil
}

// readAll reads the items at one moment.
func (s *Service) readAll(ctx context.Context, asked []transactGet) ([]api.ItemResponse, transacted, error) {
	costs := transacted{}
	got, err := view(ctx, s, asked[0].tableName, func(r store.Reader) ([]table.Stored, error) { return s.getAll(r, asked) })
	if err != nil {
		return nil, costs, refused(err)
	}
	out := make([]api.ItemResponse, len(got))
	for i := range got {
		m, err := got[i].Decode()
		if err != nil {
			return nil, costs, err
		}
		if m != nil && asked[i].chosen != nil {
			m = asked[i].chosen.Of(m)
		}
		out[i].Item = m
		costs.addRead(asked[i].given, got[i].Size)
	}
	return out, costs, nil
}

// getAll reads the items, which must be different ones and together at most 4 MB.
func (s *Service) getAll(r store.Reader, asked []transactGet) ([]table.Stored, error) {
	out := make([]table.Stored, len(asked))
	seen := make(map[string]bool, len(asked))
	failures := make([]error, len(asked))
	failed := false
	size := 0
	for i := range asked {
		t, err := s.mustTable(r, asked[i].tableName)
		if err != nil {
			return nil, err
		}
		if err := t.CheckKey(asked[i].key); table.IsEmptyKey(err) {
			return nil, err
		} else if err != nil {
			failures[i], failed = err, true
			continue
		}
		suffix := t.Suffix(asked[i].key)
		at := string(t.ItemKey(suffix))
		if seen[at] {
			return nil, problem("Transaction request cannot include multiple operations on one item")
		}
		seen[at] = true
		if out[i], err = t.Load(r, suffix); err != nil {
			return nil, err
		}
		out[i].Body = bytes.Clone(out[i].Body) // decoded outside
		size += out[i].Size
		if err := s.chargeRead(t, nil, transactionFactor*table.ReadUnits(out[i].Size, true)); err != nil {
			failures[i], failed = err, true
		}
	}
	switch {
	case failed:
		return nil, cancelled(failures)
	case size > maxTransactionSize:
		return nil, problem("Aggregate size of the items in the transaction cannot exceed 4 MB")
	}
	return out, nil
}

func (d *transacted) addRead(name string, size int) {
	units := transactionFactor * table.ReadUnits(size, true)
	for i := range d.costs {
		if d.costs[i].Table == name {
			d.costs[i].cost.table += units
			return
		}
	}
	d.costs = append(d.costs, tableCost{Table: name, cost: cost{table: units, kind: costRead}})
}
