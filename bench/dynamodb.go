package bench

import (
	"context"
	"fmt"
	"strings"
)

// items is how many items there are: more than any cache of single requests would hold, few enough to be signed anew each second
// without that being noticed.
const items = 2048

// table makes a table.
func (r *rig) table(ctx context.Context) error {
	create := document{"TableName": r.name, "BillingMode": "PAY_PER_REQUEST",
		"AttributeDefinitions": []document{{"AttributeName": "pk", "AttributeType": "S"}},
		"KeySchema":            []document{{"AttributeName": "pk", "KeyType": "HASH"}}}
	if err := r.json(ctx, dynamo("CreateTable", create), nil); err != nil {
		return err
	}
	r.later(func(ctx context.Context) error {
		return r.json(ctx, dynamo("DeleteTable", document{"TableName": r.name}), nil)
	})
	return until(ctx, func() (bool, error) {
		var out struct{ Table struct{ TableStatus string } }
		err := r.json(ctx, dynamo("DescribeTable", document{"TableName": r.name}), &out)
		return out.Table.TableStatus == "ACTIVE", err
	})
}

func dynamo(op string, in document) *request {
	return awsJSON("dynamodb", "1.0", "DynamoDB_20120810."+op, in)
}

// puts are one PutItem for every item: some 200 bytes in six attributes.
func (r *rig) puts() []*request {
	all := make([]*request, items)
	for i := range all {
		all[i] = dynamo("PutItem", document{"TableName": r.name, "Item": document{
			"pk": document{"S": fmt.Sprintf("customer-%06d", i)}, "name": document{"S": "a thing"}, "total": document{"N": fmt.Sprint(12995 + i)},
			"paid": document{"BOOL": true}, "tags": document{"SS": []string{"one", "two"}}, "note": document{"S": strings.Repeat("n", 100)}}})
	}
	return all
}

func putItem(ctx context.Context, r *rig) error {
	if err := r.table(ctx); err != nil {
		return err
	}
	return r.measure(ctx, measurement{"put-item", r.puts(), r.Connections, true})
}

func getItem(ctx context.Context, r *rig) error {
	if err := r.table(ctx); err != nil {
		return err
	}
	gets := make([]*request, items)
	for i, put := range r.puts() {
		if _, err := r.call(ctx, put); err != nil {
			return err
		}
		gets[i] = dynamo("GetItem", document{"TableName": r.name, "Key": document{"pk": document{"S": fmt.Sprintf("customer-%06d", i)}}})
	}
	return r.measure(ctx, measurement{"get-item", gets, r.Connections, false})
}
