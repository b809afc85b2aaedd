package dynamodb

import (
	"context"

	api "github.com/brume-dev/brume/api/dynamodbapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/item"
	"github.com/brume-dev/brume/service/dynamodb/expression"
	"github.com/brume-dev/brume/service/dynamodb/partiql"
)

const singleSelect = problem("Select statements within BatchExecuteStatement must specify the primary key in the where clause.")

// BatchExecuteStatement runs up to 25 statements, all of which read one item or all of which write one. Each of them is
// done or not.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchExecuteStatement.html
func (s *Service) BatchExecuteStatement(ctx context.Context, id aws.Identity, in *api.BatchExecuteStatementInput) (*api.BatchExecuteStatementOutput, error) {
	statements := make([]*statement, len(in.Statements))
	failures := make([]error, len(in.Statements))
	for i, b := range in.Statements {
		statements[i], failures[i] = readStatement(id, b.Statement, b.Parameters, b.ReturnValuesOnConditionCheckFailure)
	}
	if err := sameKind(statements); err != nil {
		return nil, refused(err)
	}
	out := &api.BatchExecuteStatementOutput{Responses: make([]api.BatchStatementResponse, len(statements))}
	var costs transacted
	for i, st := range statements {
		r := &out.Responses[i]
		if failures[i] == nil {
			r.TableName = &st.Table
			failures[i] = s.permitted(ctx, id, in.Statements[i], in.ReturnConsumedCapacity)
		}
		if failures[i] == nil {
			r.Item, failures[i] = s.runOne(ctx, st, &costs, aws.Or(in.Statements[i].ConsistentRead, false))
		}
		if failures[i] != nil {
			code, message, shown := codeOf(failures[i])
			if code == "" {
				return nil, failures[i]
			}
			r.Error = &api.BatchStatementError{Code: code, Message: &message, Item: shown}
		}
	}
	out.ConsumedCapacity = costs.consumed(in.ReturnConsumedCapacity)
	return out, nil
}

// sameKind refuses statements of which some read and some write.
func sameKind(statements []*statement) error {
	reads, writes := 0, 0
	for _, st := range statements {
		switch {
		case st == nil:
		case st.reads():
			reads++
		default:
			writes++
		}
	}
	if reads > 0 && writes > 0 {
		return problem("Statements must either be all reads or all writes")
	}
	return nil
}

// runOne runs a statement of a batch.
func (s *Service) runOne(ctx context.Context, st *statement, costs *transacted, consistent bool) (item.Map, error) {
	if !st.reads() {
		if st.Kind == partiql.Exists {
			return nil, problem("EXISTS is not a valid statement outside of a transaction")
		}
		done, w, err := s.runStatement(ctx, st)
		if err != nil {
			return nil, err
		}
		costs.plain(st.given, done.cost())
		return w.shown(st, done), nil
	}
	t, err := s.tableOf(ctx, st)
	if err != nil {
		return nil, err
	}
	if _, _, err := st.Key(keyNames(t)...); err != nil || st.Index != "" {
		return nil, singleSelect
	}
	out, err := s.selectPage(ctx, st, &api.ExecuteStatementInput{ConsistentRead: &consistent, ReturnConsumedCapacity: api.ReturnConsumedCapacityTotal})
	if err != nil {
		return nil, err
	}
	costs.plain(st.given, cost{table: *out.ConsumedCapacity.CapacityUnits})
	if out.Items.Len() == 0 {
		return nil, nil
	}
	return out.Items.All()[0], nil
}

// plain counts a cost outside of transactions.
func (d *transacted) plain(name string, c cost) {
	for i := range d.costs {
		if d.costs[i].Table == name {
			d.costs[i].cost.add(c)
			return
		}
	}
	d.costs = append(d.costs, tableCost{Table: name, cost: c})
}

// ExecuteTransaction runs up to 100 statements together: all reads, or all writes and conditions.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ExecuteTransaction.html
func (s *Service) ExecuteTransaction(ctx context.Context, id aws.Identity, in *api.ExecuteTransactionInput) (*api.ExecuteTransactionOutput, error) {
	statements := make([]*statement, len(in.TransactStatements))
	for i, p := range in.TransactStatements {
		var err error
		if statements[i], err = readStatement(id, p.Statement, p.Parameters, p.ReturnValuesOnConditionCheckFailure); err != nil {
			return nil, refused(err)
		}
		if statements[i].Returning != "" {
			return nil, invalid("RETURNING is not supported in statements of ExecuteTransaction")
		}
		if o := statements[0]; statements[i].Account != o.Account || statements[i].Region != o.Region {
			return nil, invalid("All tables of a transaction must be in one account and region")
		}
	}
	if err := sameKind(statements); err != nil {
		return nil, refused(err)
	}
	if statements[0].reads() {
		return s.transactSelect(ctx, statements, in.ReturnConsumedCapacity)
	}
	tx := transaction{writes: make([]write, len(statements))}
	for i, st := range statements {
		t, err := s.tableOf(ctx, st)
		if err != nil {
			return nil, err
		}
		w, err := s.write(t, st)
		if err != nil {
			return nil, refused(err)
		}
		tx.writes[i] = *w
		tx.writes[i].inTransaction = true
	}
	without := *in
	without.ClientRequestToken = nil
	if err := tx.identify(in.ClientRequestToken, &without); err != nil {
		return nil, err
	}
	done, err := s.transact(ctx, &tx)
	if err != nil {
		return nil, err
	}
	return &api.ExecuteTransactionOutput{ConsumedCapacity: done.consumed(in.ReturnConsumedCapacity)}, nil
}

// transactSelect reads the items that SELECT statements name by their keys.
func (s *Service) transactSelect(ctx context.Context, statements []*statement, asked api.ReturnConsumedCapacity) (*api.ExecuteTransactionOutput, error) {
	gets := make([]transactGet, len(statements))
	for i, st := range statements {
		t, err := s.tableOf(ctx, st)
		if err != nil {
			return nil, err
		}
		key, e, err := st.Key(keyNames(t)...)
		if err != nil || e.Condition != nil || st.Index != "" {
			return nil, invalid("Select statements within ExecuteTransaction must specify the primary key in the where clause.")
		}
		gets[i] = transactGet{named: st.named, key: key}
		r := &expression.Request{Names: e.Names, Values: e.Values, Cache: &s.expressions}
		if gets[i].chosen, err = columns(r, e.Projection); err != nil {
			return nil, refused(err)
		}
	}
	out, costs, err := s.readAll(ctx, gets)
	if err != nil {
		return nil, err
	}
	return &api.ExecuteTransactionOutput{Responses: out, ConsumedCapacity: costs.consumed(asked)}, nil
}
