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
	return r.measure(ctx, measurement{label: "put-item", requests: r.puts(), connections: r.Connections, synced: true})
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
	return r.measure(ctx, measurement{label: "get-item", requests: gets, connections: r.Connections, synced: false})
}

// query100 asks for 100 items of some 200 bytes at once: all of one partition.
func query100(ctx context.Context, r *rig) error {
	if err := r.wide(ctx); err != nil {
		return err
	}
	const partitions = 16
	var queries []*request
	for p := range partitions {
		for from := 0; from < 100; from += 25 {
			var puts []document
			for i := range 25 {
				puts = append(puts, document{"PutRequest": document{"Item": document{"pk": document{"S": fmt.Sprintf("p%02d", p)},
					"sk": document{"N": fmt.Sprint(from + i)}, "name": document{"S": "a thing"}, "total": document{"N": fmt.Sprint(12995 + i)},
					"paid": document{"BOOL": true}, "note": document{"S": strings.Repeat("n", 140)}}}})
			}
			if _, err := r.call(ctx, dynamo("BatchWriteItem", document{"RequestItems": document{r.name: puts}})); err != nil {
				return err
			}
		}
		queries = append(queries, dynamo("Query", document{"TableName": r.name, "KeyConditionExpression": "pk = :p",
			"ExpressionAttributeValues": document{":p": document{"S": fmt.Sprintf("p%02d", p)}}}))
	}
	return r.measure(ctx, measurement{label: "query-100", requests: queries, connections: r.Connections, synced: false})
}

// wide makes a table with a sort key.
func (r *rig) wide(ctx context.Context) error {
	create := document{"TableName": r.name, "BillingMode": "PAY_PER_REQUEST",
		"AttributeDefinitions": []document{{"AttributeName": "pk", "AttributeType": "S"}, {"AttributeName": "sk", "AttributeType": "N"}},
		"KeySchema":            []document{{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}}}
	if err := r.json(ctx, dynamo("CreateTable", create), nil); err != nil {
		return err
	}
	r.later(func(ctx context.Context) error {
		return r.json(ctx, dynamo("DeleteTable", document{"TableName": r.name}), nil)
	})
	return nil
}

// transactWrite writes four items together.
func transactWrite(ctx context.Context, r *rig) error {
	if err := r.table(ctx); err != nil {
		return err
	}
	all := make([]*request, items/4)
	for i := range all {
		var actions []document
		for j := range 4 {
			actions = append(actions, document{"Put": document{"TableName": r.name, "Item": document{
				"pk": document{"S": fmt.Sprintf("customer-%06d", 4*i+j)}, "total": document{"N": fmt.Sprint(12995 + i)},
				"note": document{"S": strings.Repeat("n", 100)}}}})
		}
		all[i] = dynamo("TransactWriteItems", document{"TransactItems": actions})
	}
	return r.measure(ctx, measurement{label: "transact-write-4", requests: all, connections: r.Connections, synced: true})
}

// counterWriters is how many add to one counter at a time.
const counterWriters = 64

// counter has many writers add to one item.
func counter(ctx context.Context, r *rig) error {
	if err := r.table(ctx); err != nil {
		return err
	}
	add := dynamo("UpdateItem", document{"TableName": r.name, "Key": document{"pk": document{"S": "counter"}},
		"UpdateExpression": "ADD n :one", "ExpressionAttributeValues": document{":one": document{"N": "1"}}})
	return r.measure(ctx, measurement{label: "counter-64", requests: []*request{add}, connections: counterWriters, synced: true})
}
