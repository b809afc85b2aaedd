package dynamodb

import (
	api "github.com/brume-dev/brume/api/dynamodbapi"
	"github.com/brume-dev/brume/item"
	"github.com/brume-dev/brume/service/dynamodb/expression"
)

// A transaction needs for each of its actions what the operation needs that the action is like.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html

// as is one, of an action of a transaction.
func as(action, table string, t func() touched) demand {
	d := one(table, nil, t)[0]
	d.action = action
	return d
}

func (s *Service) transactWriteDemands(in *api.TransactWriteItemsInput) []demand {
	out := make([]demand, 0, len(in.TransactItems))
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

func (s *Service) transactGetDemands(in *api.TransactGetItemsInput) []demand {
	out := make([]demand, 0, len(in.TransactItems))
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
