// Package demand says what an operation of DynamoDB needs to be allowed: which actions on which tables, with the condition
// keys for fine-grained access control. It reads inputs that have not been checked.
//
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
package demand

import (
	"maps"
	"slices"
	"strconv"

	api "github.com/brume-dev/brume/api/dynamodbapi"
	"github.com/brume-dev/brume/item"
	"github.com/brume-dev/brume/service/dynamodb/expression"
	"github.com/brume-dev/brume/service/dynamodb/partiql"
)

// Demand is what an operation needs of one table.
type Demand struct {
	Table  string  // name or ARN; "" where the operation has none
	Action string  // "": that of the operation
	Index  *string // of a query or scan
	// Context gives the condition keys for fine-grained access control; nil: there are none. hash is the name of the
	// table's partition key.
	Context func(hash string) map[string][]string
}

// touched are the condition keys of an operation on items.
type touched struct {
	keys       []item.Map // keys or items: their partition keys are the leading keys
	attributes []string
	sel        api.Select
	returns    api.ReturnValue
	capacity   api.ReturnConsumedCapacity
	enclosing  string // the transaction
	statement  *partiql.Statement
}

func (t touched) context(hash string) map[string][]string {
	c := map[string][]string{}
	add := func(name string, values ...string) {
		if len(values) > 0 && values[0] != "" {
			c[name] = values
		}
	}
	var leading []string
	for _, k := range t.keys {
		if v := k.Get(hash).Text(); v != "" {
			leading = append(leading, v)
		}
	}
	if t.statement != nil {
		for _, v := range t.statement.Leading(hash) {
			leading = append(leading, v.Text())
		}
		if t.statement.Kind == partiql.Select {
			add("dynamodb:FullTableScan", strconv.FormatBool(len(leading) == 0))
			if t.sel = api.SelectSpecificAttributes; t.statement.Whole() {
				t.sel = api.SelectAllAttributes
			}
		}
	}
	slices.Sort(t.attributes)
	add("dynamodb:LeadingKeys", leading...)
	add("dynamodb:Attributes", slices.Compact(t.attributes)...)
	add("dynamodb:Select", string(t.sel))
	add("dynamodb:ReturnValues", string(t.returns))
	add("dynamodb:ReturnConsumedCapacity", string(t.capacity))
	add("dynamodb:EnclosingOperation", t.enclosing)
	return c
}

// mentions collects the attributes that expressions mention.
type mentions struct {
	r   expression.Request
	out []string
}

func (s reader) mentions(names map[string]string, attributes ...[]string) *mentions {
	return &mentions{r: expression.Request{Names: names, Cache: s.expressions}, out: slices.Concat(attributes...)}
}

func (m *mentions) in(kind expression.Kind, src *string) *mentions {
	if src != nil {
		m.out = append(m.out, m.r.Mentioned(kind, *src)...)
	}
	return m
}

func namesIn(m item.Map) []string {
	out := make([]string, len(m))
	for i := range m {
		out[i] = m[i].Name
	}
	return out
}

// keyNames are those of the attributes of several keys, which all have the same unless one of them is refused.
func keyNames(keys []item.Map) []string {
	var out []string
	for _, k := range keys {
		for i := range k {
			if !slices.Contains(out, k[i].Name) {
				out = append(out, k[i].Name)
			}
		}
	}
	return out
}

// Of reads what an input needs. cache is that of the parsed expressions.
func Of(in any, cache *expression.Cache) []Demand {
	return reader{cache}.demands(in)
}

// reader reads inputs.
type reader struct{ expressions *expression.Cache }

func (s reader) demands(in any) []Demand {
	switch in := in.(type) {
	case *api.PutItemInput:
		return one(in.TableName, nil, func() touched {
			return touched{keys: []item.Map{in.Item}, returns: in.ReturnValues, capacity: in.ReturnConsumedCapacity,
				attributes: s.mentions(in.ExpressionAttributeNames, namesIn(in.Item), sortedKeys(in.Expected)).
					in(expression.ConditionKind, in.ConditionExpression).out}
		})
	case *api.DeleteItemInput:
		return one(in.TableName, nil, func() touched {
			return touched{keys: []item.Map{in.Key}, returns: in.ReturnValues, capacity: in.ReturnConsumedCapacity,
				attributes: s.mentions(in.ExpressionAttributeNames, namesIn(in.Key), sortedKeys(in.Expected)).
					in(expression.ConditionKind, in.ConditionExpression).out}
		})
	case *api.UpdateItemInput:
		return one(in.TableName, nil, func() touched {
			return touched{keys: []item.Map{in.Key}, returns: in.ReturnValues, capacity: in.ReturnConsumedCapacity,
				attributes: s.mentions(in.ExpressionAttributeNames, namesIn(in.Key), sortedKeys(in.Expected), sortedKeys(in.AttributeUpdates)).
					in(expression.ConditionKind, in.ConditionExpression).in(expression.UpdateKind, in.UpdateExpression).out}
		})
	case *api.GetItemInput:
		return one(in.TableName, nil, func() touched {
			return touched{keys: []item.Map{in.Key}, sel: selects("", in.ProjectionExpression, in.AttributesToGet), capacity: in.ReturnConsumedCapacity,
				attributes: s.mentions(in.ExpressionAttributeNames, namesIn(in.Key), in.AttributesToGet).
					in(expression.ProjectionKind, in.ProjectionExpression).out}
		})
	case *api.QueryInput:
		return one(in.TableName, in.IndexName, func() touched { return s.queried(in) })
	case *api.ScanInput:
		return one(in.TableName, in.IndexName, func() touched {
			return touched{sel: selectsOn(in.IndexName, in.Select, in.ProjectionExpression, in.AttributesToGet), capacity: in.ReturnConsumedCapacity,
				attributes: s.mentions(in.ExpressionAttributeNames, in.AttributesToGet, sortedKeys(in.ScanFilter)).
					in(expression.ProjectionKind, in.ProjectionExpression).in(expression.FilterKind, in.FilterExpression).out}
		})
	case *api.BatchGetItemInput:
		var out []Demand
		for _, name := range sortedKeys(in.RequestItems) {
			k := in.RequestItems[name]
			out = append(out, one(name, nil, func() touched {
				return touched{keys: k.Keys, sel: selects("", k.ProjectionExpression, k.AttributesToGet), capacity: in.ReturnConsumedCapacity,
					attributes: s.mentions(k.ExpressionAttributeNames, k.AttributesToGet, keyNames(k.Keys)).in(expression.ProjectionKind, k.ProjectionExpression).out}
			})...)
		}
		return out
	case *api.BatchWriteItemInput:
		return batchDemands(in)
	case *api.TransactWriteItemsInput:
		return s.transactWriteDemands(in)
	case *api.TransactGetItemsInput:
		return s.transactGetDemands(in)
	case *api.ExecuteStatementInput:
		return statementDemands(in.ReturnConsumedCapacity, "", api.BatchStatementRequest{Statement: in.Statement, Parameters: in.Parameters})
	case *api.BatchExecuteStatementInput:
		return statementDemands(in.ReturnConsumedCapacity, "", in.Statements...)
	case *api.ExecuteTransactionInput:
		return transactedDemands(in)
	}
	return tableDemand(in)
}

func one(table string, index *string, t func() touched) []Demand {
	return []Demand{{Table: table, Index: index, Context: func(hash string) map[string][]string { return t().context(hash) }}}
}

// selects is what dynamodb:Select is when the request does not say.
func selects(sel api.Select, projection *string, attributes []string) api.Select {
	switch {
	case sel != "":
		return sel
	case projection != nil || attributes != nil:
		return api.SelectSpecificAttributes
	}
	return api.SelectAllAttributes
}

// selectsOn is selects of a query or scan, which on an index chooses what that projects.
func selectsOn(index *string, sel api.Select, projection *string, attributes []string) api.Select {
	if index != nil && sel == "" && projection == nil && attributes == nil {
		return api.SelectAllProjectedAttributes
	}
	return selects(sel, projection, attributes)
}

// queried finds what a Query touches; its leading keys are the values that the key condition compares with.
func (s reader) queried(in *api.QueryInput) touched {
	m := s.mentions(in.ExpressionAttributeNames, in.AttributesToGet, sortedKeys(in.QueryFilter), sortedKeys(in.KeyConditions)).
		in(expression.ProjectionKind, in.ProjectionExpression).in(expression.FilterKind, in.FilterExpression).
		in(expression.KeyConditionKind, in.KeyConditionExpression)
	t := touched{sel: selectsOn(in.IndexName, in.Select, in.ProjectionExpression, in.AttributesToGet), capacity: in.ReturnConsumedCapacity, attributes: m.out}
	var keys item.Map
	for name, c := range in.KeyConditions {
		if c.ComparisonOperator == api.ComparisonOperatorEq && len(c.AttributeValueList) == 1 {
			keys.Put(name, c.AttributeValueList[0])
		}
	}
	if in.KeyConditionExpression != nil {
		r := expression.Request{Names: in.ExpressionAttributeNames, Values: in.ExpressionAttributeValues, Cache: s.expressions}
		parts, err := r.KeyCondition(*in.KeyConditionExpression)
		for _, p := range parts {
			if err == nil && p.Op == "=" {
				keys.Put(p.Attribute, p.Values[0])
			}
		}
	}
	t.keys = []item.Map{keys}
	return t
}

func batchDemands(in *api.BatchWriteItemInput) []Demand {
	var out []Demand
	for _, name := range sortedKeys(in.RequestItems) {
		var t touched
		for _, w := range in.RequestItems[name] {
			if w.PutRequest != nil {
				t.keys = append(t.keys, w.PutRequest.Item)
				t.attributes = append(t.attributes, namesIn(w.PutRequest.Item)...)
			}
			if w.DeleteRequest != nil {
				t.keys = append(t.keys, w.DeleteRequest.Key)
				t.attributes = append(t.attributes, namesIn(w.DeleteRequest.Key)...)
			}
		}
		t.capacity = in.ReturnConsumedCapacity
		out = append(out, one(name, nil, func() touched { return t })...)
	}
	return out
}

// tableDemand reads what an operation on a table, or on none, needs.
func tableDemand(in any) []Demand {
	table := ""
	switch in := in.(type) {
	case *api.CreateTableInput:
		table = in.TableName
	case *api.DeleteTableInput:
		table = in.TableName
	case *api.DescribeTableInput:
		table = in.TableName
	case *api.UpdateTableInput:
		table = in.TableName
	case *api.CreateBackupInput:
		table = in.TableName
	case *api.DescribeBackupInput:
		table = in.BackupArn
	case *api.DeleteBackupInput:
		table = in.BackupArn
	case *api.UpdateContributorInsightsInput:
		return []Demand{{Table: in.TableName, Index: in.IndexName}}
	case *api.DescribeContributorInsightsInput:
		return []Demand{{Table: in.TableName, Index: in.IndexName}}
	case *api.KinesisStreamingDestinationInput:
		table = in.TableName
	case *api.UpdateKinesisStreamingDestinationInput:
		table = in.TableName
	case *api.DescribeKinesisStreamingDestinationInput:
		table = in.TableName
	case *api.DescribeTableReplicaAutoScalingInput:
		table = in.TableName
	case *api.ExportTableToPointInTimeInput:
		table = in.TableArn
	case *api.DescribeExportInput:
		table = in.ExportArn
	case *api.ImportTableInput:
		table = imported(in)
	case *api.DescribeImportInput:
		table = in.ImportArn
	case *api.RestoreTableFromBackupInput:
		return []Demand{{Table: in.BackupArn}, {Table: in.TargetTableName}}
	case *api.RestoreTableToPointInTimeInput:
		return restoreDemand(in)
	case *api.UpdateContinuousBackupsInput:
		table = in.TableName
	case *api.UpdateTimeToLiveInput:
		table = in.TableName
	case *api.DescribeTimeToLiveInput:
		table = in.TableName
	case *api.DescribeContinuousBackupsInput:
		table = in.TableName
	case *api.TagResourceInput:
		table = in.ResourceArn
	case *api.UntagResourceInput:
		table = in.ResourceArn
	case *api.ListTagsOfResourceInput:
		table = in.ResourceArn
	case *api.PutResourcePolicyInput:
		table = in.ResourceArn
	case *api.GetResourcePolicyInput:
		table = in.ResourceArn
	case *api.DeleteResourcePolicyInput:
		table = in.ResourceArn
	}
	return []Demand{{Table: table}}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// imported is the table that an import makes; inputs have not been checked.
func imported(in *api.ImportTableInput) string {
	if in.TableCreationParameters == nil {
		return ""
	}
	return in.TableCreationParameters.TableName
}

func restoreDemand(in *api.RestoreTableToPointInTimeInput) []Demand {
	out := []Demand{{Table: in.TargetTableName}}
	for _, source := range []*string{in.SourceTableArn, in.SourceTableName} {
		if source != nil {
			out = append(out, Demand{Table: *source})
		}
	}
	return out
}
