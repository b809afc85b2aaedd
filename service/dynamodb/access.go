package dynamodb

import (
	"cmp"
	"context"
	"strings"

	api "github.com/brume-dev/brume/api/dynamodbapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/dynamodb/demand"
	"github.com/brume-dev/brume/service/dynamodb/stream"
	"github.com/brume-dev/brume/service/dynamodb/table"
)

// Access implements aws.Accessor: actions on table ARNs, with the condition keys for fine-grained access control.
//
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
func (s *Service) Access(ctx context.Context, id aws.Identity, op string, in any) ([]aws.Access, error) {
	if op == "BatchExecuteStatement" && s.policies != nil {
		return nil, nil // each statement by itself: see permitted
	}
	return s.needs(ctx, id, op, in)
}

// needs is what an operation needs to be allowed.
func (s *Service) needs(ctx context.Context, id aws.Identity, op string, in any) ([]aws.Access, error) {
	demands := demand.Of(in, &s.expressions)
	out := make([]aws.Access, 0, len(demands))
	for i := range demands {
		a, err := s.access(ctx, id, op, &demands[i])
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, nil
}

// permitted returns the error of a statement of a batch that the caller may not run.
func (s *Service) permitted(ctx context.Context, id aws.Identity, one api.BatchStatementRequest, capacity api.ReturnConsumedCapacity) error {
	if s.policies == nil {
		return nil
	}
	access, err := s.needs(ctx, id, "BatchExecuteStatement",
		&api.BatchExecuteStatementInput{Statements: []api.BatchStatementRequest{one}, ReturnConsumedCapacity: capacity})
	if err != nil {
		return err
	}
	return s.policies.Authorize(ctx, id, access)
}

// access renders a demand.
func (s *Service) access(ctx context.Context, id aws.Identity, op string, d *demand.Demand) (aws.Access, error) {
	a := aws.Access{Action: "dynamodb:" + cmp.Or(d.Action, op), Resource: "*"}
	if d.Table == "" {
		return a, nil
	}
	n, err := tableName{Account: id.Account, Region: id.Region, Name: d.Table}, error(nil)
	if strings.HasPrefix(d.Table, "arn:") {
		n, err = table.ParseARN(d.Table)
	}
	if err != nil && below(d.Table) && !strings.ContainsAny(d.Table, "*?") {
		a.Resource = d.Table
		return a, nil
	}
	if err != nil && !strings.ContainsAny(d.Table, "*?") {
		if name, ok := stream.ParseARN(d.Table); ok {
			a.Resource, a.ResourceAccount = d.Table, name.Account
			return a, nil
		}
	}
	if err != nil || strings.ContainsAny(n.Name, "*?:/") {
		a.Resource = aws.MakeARN("dynamodb", id.Region, id.Account, "table/*").String()
		return a, nil
	}
	a.ResourceAccount = n.Account
	var st *table.Standing
	if op != "CreateTable" && op != "ImportTable" {
		if st, err = s.standing(ctx, n); err != nil {
			return a, err
		}
	}
	hash := ""
	if st != nil {
		a.Resource, a.ResourcePolicy, hash = st.ARN, st.Policy, st.Hash
	} else {
		a.Resource = n.ARN()
	}
	if d.Index != nil {
		a.Resource += "/index/" + *d.Index
		hash = leadingOf(st, *d.Index, hash)
	}
	if d.Context != nil {
		a.Late = func() map[string][]string { return d.Context(hash) }
	}
	return a, nil
}

// below reports whether an ARN is that of something that lies below a table.
func below(arn string) bool {
	return strings.Contains(arn, "/backup/") || strings.Contains(arn, "/export/") || strings.Contains(arn, "/import/")
}

// leadingOf is the first attribute of the partition key of an index, which is what leads in requests on it.
func leadingOf(st *table.Standing, index, otherwise string) string {
	if st != nil {
		for _, x := range st.Indexes {
			if x.Name == index {
				return x.Space.Hash[0].Name
			}
		}
	}
	return otherwise
}
