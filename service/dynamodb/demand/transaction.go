package demand

import (
	api "github.com/brume-dev/brume/api/dynamodbapi"
	"github.com/brume-dev/brume/item"
	"github.com/brume-dev/brume/service/dynamodb/expression"
	"github.com/brume-dev/brume/service/dynamodb/partiql"
)

// A transaction needs for each of its actions what the operation needs that the action is like.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html

// as is one, of an action of a transaction.
func as(action, table string, t func() touched) Demand {
	d := one(table, nil, t)[0]
	d.Action = action
	return d
}

func (s reader) transactWriteDemands(in *api.TransactWriteItemsInput) []Demand {
	out := make([]Demand, 0, len(in.TransactItems))
	for i := range in.TransactItems {
		a := &in.TransactItems[i]
		on := func(m item.Map, mentioned *mentions) touched {
			return touched{keys: []item.Map{m}, attributes: mentioned.out, capacity: in.ReturnConsumedCapacity, enclosing: "TransactWriteItems"}
		}
		if p := a.Put; p != nil {
			out = append(out, as("PutItem", p.TableName, func() touched {
				return on(p.Item, s.mentions(p.ExpressionAttributeNames, namesIn(p.Item)).in(expression.ConditionKind, p.ConditionExpression))
			}))
		}
		if d := a.Delete; d != nil {
			out = append(out, as("DeleteItem", d.TableName, func() touched {
				return on(d.Key, s.mentions(d.ExpressionAttributeNames, namesIn(d.Key)).in(expression.ConditionKind, d.ConditionExpression))
			}))
		}
		if u := a.Update; u != nil {
			out = append(out, as("UpdateItem", u.TableName, func() touched {
				return on(u.Key, s.mentions(u.ExpressionAttributeNames, namesIn(u.Key)).in(expression.ConditionKind, u.ConditionExpression).
					in(expression.UpdateKind, &u.UpdateExpression))
			}))
		}
		if c := a.ConditionCheck; c != nil {
			out = append(out, as("ConditionCheckItem", c.TableName, func() touched {
				return on(c.Key, s.mentions(c.ExpressionAttributeNames, namesIn(c.Key)).in(expression.ConditionKind, &c.ConditionExpression))
			}))
		}
	}
	return out
}

func (s reader) transactGetDemands(in *api.TransactGetItemsInput) []Demand {
	out := make([]Demand, 0, len(in.TransactItems))
	for i := range in.TransactItems {
		g := in.TransactItems[i].Get
		if g == nil {
			continue
		}
		out = append(out, as("GetItem", g.TableName, func() touched {
			return touched{keys: []item.Map{g.Key}, sel: selects("", g.ProjectionExpression, nil), capacity: in.ReturnConsumedCapacity,
				attributes: s.mentions(g.ExpressionAttributeNames, namesIn(g.Key)).in(expression.ProjectionKind, g.ProjectionExpression).out,
				enclosing:  "TransactGetItems"}
		}))
	}
	return out
}

// statementDemands reads what statements of PartiQL need. One that cannot be parsed needs nothing: it does nothing.
func statementDemands(capacity api.ReturnConsumedCapacity, enclosing string, statements ...api.BatchStatementRequest) []Demand {
	var out []Demand
	for _, b := range statements {
		st, err := partiql.Parse(b.Statement, b.Parameters)
		if err != nil {
			continue
		}
		d := as(st.Kind.String(), st.Table, func() touched {
			return touched{statement: st, attributes: st.Attributes(), capacity: capacity, returns: api.ReturnValue(st.Returning), enclosing: enclosing}
		})
		if st.Index != "" {
			d.Index = &st.Index
		}
		out = append(out, d)
	}
	return out
}

func transactedDemands(in *api.ExecuteTransactionInput) []Demand {
	statements := make([]api.BatchStatementRequest, len(in.TransactStatements))
	for i, p := range in.TransactStatements {
		statements[i] = api.BatchStatementRequest{Statement: p.Statement, Parameters: p.Parameters}
	}
	return statementDemands(in.ReturnConsumedCapacity, "ExecuteTransaction", statements...)
}
