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

// GetItem returns an item, or what a projection chooses of it. Every read sees all that was acknowledged before it,
// whether ConsistentRead is asked for or not; it only changes what the read costs.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_GetItem.html
func (s *Service) GetItem(ctx context.Context, id aws.Identity, in *api.GetItemInput) (*api.GetItemOutput, error) {
	n, err := resolve(id, in.TableName)
	if err != nil {
		return nil, err
	}
	chosen, err := s.readProjection(in.ProjectionExpression, in.AttributesToGet, in.ExpressionAttributeNames)
	if err != nil {
		return nil, refused(err)
	}
	if text := in.Key.Problem(item.Current); text != "" {
		return nil, invalid(text)
	}
	t, err := s.standing(ctx, n.tableName)
	if err == nil && (t == nil || t.Restored.Filling) {
		err = noTable()
	}
	if err == nil {
		err = t.CheckKey(in.Key)
	}
	if err != nil {
		return nil, refused(err)
	}
	type found struct {
		there bool
		size  int
		item  string // as it is stored: decoded outside
	}
	got, err := store.View(ctx, t.Shard, func(_ context.Context, r store.Reader) (found, error) {
		st, err := t.Load(r, t.Suffix(in.Key))
		if err == nil && t.Limited {
			err = s.chargeRead(t.Table, nil, table.ReadUnits(st.Size, aws.Or(in.ConsistentRead, false)))
		}
		return found{st.There, st.Size, string(st.Body)}, err
	})
	if err != nil {
		return nil, refused(err)
	}
	out := &api.GetItemOutput{ConsumedCapacity: consumed(in.ReturnConsumedCapacity, n.given, table.ReadUnits(got.size, aws.Or(in.ConsistentRead, false)))}
	if !got.there {
		return out, nil
	}
	if out.Item, err = item.DecodeText(got.item); err != nil {
		return nil, err
	}
	if chosen != nil {
		out.Item = chosen.Of(out.Item)
	}
	return out, nil
}

// readProjection reads the projection of a GetItem or of a table of a BatchGetItem; nil chooses everything.
func (s *Service) readProjection(expr *string, attributes []string, names map[string]string) (*expression.Projection, error) {
	if expr == nil && attributes == nil && names == nil {
		return nil, nil
	}
	r, err := s.request(parameters{
		expressions: []parameter{{"ProjectionExpression", expr != nil}},
		legacy:      []parameter{{"AttributesToGet", attributes != nil}}}, names, nil)
	if err != nil {
		return nil, err
	}
	chosen, err := projection(r, expr, attributes)
	if err != nil {
		return nil, err
	}
	return chosen, r.Unused()
}
