package dynamodb

import (
	"context"
	"fmt"

	api "github.com/brume-dev/brume/api/dynamodbapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/item"
	"github.com/brume-dev/brume/service/dynamodb/expression"
	"github.com/brume-dev/brume/service/dynamodb/table"
	"github.com/brume-dev/brume/store"
)

// Scan returns the items of a table, or of a segment of it, in the order of their partition keys' hashes.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Scan.html
func (s *Service) Scan(ctx context.Context, id aws.Identity, in *api.ScanInput) (*api.ScanOutput, error) {
	n, err := resolve(id, in.TableName)
	if err != nil {
		return nil, err
	}
	p := &pager{table: n, index: in.IndexName, consistent: aws.Or(in.ConsistentRead, false), start: in.ExclusiveStartKey, rooms: &s.rooms}
	if in.Limit != nil {
		p.limit = int(*in.Limit)
	}
	if err := s.readScan(p, in); err != nil {
		return nil, refused(err)
	}
	page, got, err := s.readPage(ctx, p, func(src *source) (store.Range, error) { return p.scanRange(src, in) })
	if err != nil {
		return nil, err
	}
	out := &api.ScanOutput{Count: new(int32(page.matched)), ScannedCount: new(int32(page.scanned)), LastEvaluatedKey: page.last, Items: p.answer(&page),
		ConsumedCapacity: p.consumed(in.ReturnConsumedCapacity, &got.src, got.raw)}
	return out, nil
}

// readScan checks a Scan as far as that goes without the table.
func (s *Service) readScan(p *pager, in *api.ScanInput) error {
	r, err := s.request(parameters{
		expressions: []parameter{{"ProjectionExpression", in.ProjectionExpression != nil}, {"FilterExpression", in.FilterExpression != nil}},
		legacy: []parameter{{"AttributesToGet", in.AttributesToGet != nil}, {"ScanFilter", in.ScanFilter != nil},
			{"ConditionalOperator", in.ConditionalOperator != ""}},
		wording: item.Older}, in.ExpressionAttributeNames, in.ExpressionAttributeValues)
	if err != nil {
		return err
	}
	switch {
	case in.TotalSegments != nil && in.Segment == nil:
		return problem("The Segment parameter is required but was not present in the request when parameter TotalSegments is present")
	case in.Segment != nil && in.TotalSegments == nil:
		return problem("The TotalSegments parameter is required but was not present in the request when Segment parameter is present")
	case in.Segment != nil && *in.Segment >= *in.TotalSegments:
		return problem(fmt.Sprintf("The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: %d is not less than TotalSegments: %d",
			*in.Segment, *in.TotalSegments))
	}
	if err := p.selection(in.Select, projectedBy(in.ProjectionExpression, in.AttributesToGet), in.IndexName != nil, "Scanning"); err != nil {
		return err
	}
	if text := in.ExclusiveStartKey.Problem(item.Older); text != "" {
		return problem("The provided starting key is invalid: " + text)
	}
	if in.FilterExpression != nil {
		p.filter, err = r.Condition(expression.FilterKind, *in.FilterExpression)
	} else {
		p.filter, err = filtered(in.ScanFilter, in.ConditionalOperator, item.Older)
	}
	if err != nil {
		return err
	}
	if p.chosen, err = projection(r, in.ProjectionExpression, in.AttributesToGet); err != nil {
		return err
	}
	return r.Unused()
}

// scanRange finds the range of the items of a scan, after the starting key.
func (p *pager) scanRange(src *source, in *api.ScanInput) (store.Range, error) {
	all := src.All()
	if in.Segment != nil {
		all = src.Segment(int(*in.Segment), int(*in.TotalSegments))
	}
	if p.start == nil {
		return all, nil
	}
	key, err := p.startKey(src)
	if err != nil {
		return all, err
	}
	if in.Segment != nil && !within(all, key) {
		return all, problem(fmt.Sprintf("The provided starting key is invalid: Invalid ExclusiveStartKey. Please use ExclusiveStartKey with correct Segment. TotalSegments: %d Segment: %d",
			*in.TotalSegments, *in.Segment))
	}
	all.Begin = table.After(key)
	return all, nil
}
