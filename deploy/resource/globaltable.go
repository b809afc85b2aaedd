package resource

import (
	"fmt"

	"github.com/brume-dev/brume/jsondoc"
)

var globalTableKinds = map[string]*Kind{
	"AWS::DynamoDB::GlobalTable": {Create: asTable(createTable), Update: asTable(updateTable), Delete: deleteTable,
		Replaces: []string{"TableName", "KeySchema", "LocalSecondaryIndexes"}, Name: "TableName"},
}

// asTable has a global table, of one replica in the region of its stack, made as the table that it is.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-dynamodb-globaltable.html
func asTable(do func(*Op) error) func(*Op) error {
	return func(o *Op) error {
		given, before := o.Properties, o.Old
		defer func() { o.Properties = given }()
		var err error
		if o.Properties, err = o.tableOf(given); err != nil {
			return err
		}
		if before != nil && before.Len() > 0 {
			if o.Old, err = o.tableOf(before); err != nil {
				return err
			}
			defer func() { o.Old = before }()
		}
		return do(o)
	}
}

// tableOf writes the properties of a global table as those of a table.
func (o *Op) tableOf(p *jsondoc.Object) (*jsondoc.Object, error) {
	replicas := list(p, "Replicas")
	if len(replicas) == 0 {
		return nil, Missing("Replicas")
	}
	replica, ok := replicas[0].(*jsondoc.Object)
	if !ok || len(replicas) > 1 || textOf(replica, "Region") != o.ID.Region {
		return nil, fmt.Errorf("a global table has one replica here, in the region of its stack, %s", o.ID.Region)
	}
	out := without(p, "Replicas", "WriteProvisionedThroughputSettings", "WriteOnDemandThroughputSettings", "GlobalSecondaryIndexes",
		"SSESpecification")
	for _, name := range []string{"DeletionProtectionEnabled", "PointInTimeRecoverySpecification", "TableClass", "Tags", "ResourcePolicy"} {
		if has(replica, name) {
			out.Set(name, get(replica, name))
		}
	}
	if sse := inside(p, "SSESpecification"); sse != nil {
		out.Set("SSESpecification", with(sse, "KMSMasterKeyId", get(inside(replica, "SSESpecification"), "KMSMasterKeyId")))
	}
	provisioned := textOf(p, "BillingMode") != "PAY_PER_REQUEST"
	if provisioned {
		out.Set("BillingMode", "PROVISIONED")
		out.Set("ProvisionedThroughput", throughputOf(p, replica))
	}
	indexes := &jsondoc.Array{}
	for _, v := range list(p, "GlobalSecondaryIndexes") {
		x, ok := v.(*jsondoc.Object)
		if !ok {
			continue
		}
		index := without(x, "WriteProvisionedThroughputSettings", "WriteOnDemandThroughputSettings")
		if provisioned {
			index.Set("ProvisionedThroughput", throughputOf(x, named(list(replica, "GlobalSecondaryIndexes"), textOf(x, "IndexName"))))
		}
		indexes.Items = append(indexes.Items, index)
	}
	if len(indexes.Items) > 0 {
		out.Set("GlobalSecondaryIndexes", indexes)
	}
	return out, nil
}

// named finds the index of a replica.
func named(indexes []any, name string) *jsondoc.Object {
	for _, v := range indexes {
		if x, ok := v.(*jsondoc.Object); ok && textOf(x, "IndexName") == name {
			return x
		}
	}
	return jsondoc.NewObject()
}

// throughputOf is what a table or index begins with: what is provisioned, or the least that its scaling may go to.
func throughputOf(writes, reads *jsondoc.Object) *jsondoc.Object {
	units := func(settings *jsondoc.Object, direct, scaling string) any {
		if v := get(settings, direct); v != nil {
			return v
		}
		s := inside(settings, scaling)
		if v := get(s, "SeedCapacity"); v != nil {
			return v
		}
		if v := get(s, "MinCapacity"); v != nil {
			return v
		}
		return 1
	}
	return input("ReadCapacityUnits", units(inside(reads, "ReadProvisionedThroughputSettings"), "ReadCapacityUnits", "ReadCapacityAutoScalingSettings"),
		"WriteCapacityUnits", units(inside(writes, "WriteProvisionedThroughputSettings"), "WriteCapacityUnits", "WriteCapacityAutoScalingSettings"))
}
