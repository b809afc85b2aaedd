package definition

import (
	"fmt"
	"slices"
	"strings"

	api "github.com/brume-dev/brume/api/dynamodbapi"
)

// setIndexes takes the indexes that a table is created with.
func (rec *Record) setIndexes(in *api.CreateTableInput) error {
	if len(in.LocalSecondaryIndexes) > 0 && rec.Sort == "" {
		return problem(invalidValues + "Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex")
	}
	for _, d := range in.LocalSecondaryIndexes {
		x, err := rec.newIndex(d.IndexName, d.KeySchema, d.Projection)
		if err != nil {
			return err
		}
		if err := rec.checkLocal(&x); err != nil {
			return err
		}
		rec.Locals = append(rec.Locals, x)
	}
	for _, d := range in.GlobalSecondaryIndexes {
		x, err := rec.newIndex(d.IndexName, d.KeySchema, d.Projection)
		if err != nil {
			return err
		}
		if err := x.setGlobal(rec.Provisioned, d.ProvisionedThroughput, d.OnDemandThroughput, d.WarmThroughput); err != nil {
			return err
		}
		rec.Globals = append(rec.Globals, x)
	}
	return rec.checkCounts()
}

func (rec *Record) checkCounts() error {
	switch {
	case len(rec.Locals) > MaxLocals:
		return problem(fmt.Sprintf("%sNumber of LocalSecondaryIndexes exceeds per-table limit of %d", invalidValues, MaxLocals))
	case len(rec.Globals) > MaxGlobals:
		return problem(fmt.Sprintf("%sGlobalSecondaryIndex count exceeds the per-table limit of %d", invalidValues, MaxGlobals))
	}
	projected := 0
	for _, xs := range [][]Index{rec.Locals, rec.Globals} {
		for i := range xs {
			projected += len(xs[i].NonKey)
		}
	}
	if projected > maxProjected {
		return problem(fmt.Sprintf("%sTotal number of projected attributes across all indexes exceeds the limit of %d", invalidValues, maxProjected))
	}
	return nil
}

// newIndex checks what local and global indexes have in common.
func (rec *Record) newIndex(name string, schema []api.KeySchemaElement, p *api.Projection) (Index, error) {
	rec.LastIndex++
	x := Index{ID: rec.LastIndex, Name: name, Projection: string(p.ProjectionType), NonKey: p.NonKeyAttributes}
	for _, xs := range [][]Index{rec.Locals, rec.Globals} {
		if slices.ContainsFunc(xs, func(x Index) bool { return x.Name == name }) {
			return x, problem(invalidValues + "Duplicate index name: " + name)
		}
	}
	if err := x.setKeys(schema); err != nil {
		return x, err
	}
	var keys, defined []string
	missing := false
	for _, k := range slices.Concat(x.Hash, x.Sort) {
		keys = append(keys, k)
		missing = missing || rec.TypeOf(k) == ""
	}
	if missing {
		for _, a := range rec.Attributes {
			defined = append(defined, a.Name)
		}
		return x, undefinedKeys(keys, defined)
	}
	return x, x.checkProjection()
}

func undefinedKeys(keys, defined []string) error {
	return problem(invalidValues + "Some index key attributes are not defined in AttributeDefinitions. Keys: [" +
		strings.Join(keys, ", ") + "], AttributeDefinitions: [" + strings.Join(defined, ", ") + "]")
}

// setKeys takes the key schema: HASH elements, then RANGE elements.
func (x *Index) setKeys(schema []api.KeySchemaElement) error {
	for i, k := range schema {
		switch {
		case slices.Contains(x.Hash, k.AttributeName) || slices.Contains(x.Sort, k.AttributeName):
			return problem("Both the Hash Key and the Range Key element in the KeySchema have the same name")
		case i == 0 && k.KeyType != api.KeyTypeHash:
			return problem("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
		case k.KeyType == api.KeyTypeHash && len(x.Sort) > 0:
			return problem("Invalid KeySchema: All HASH key attributes must precede RANGE key attributes in the KeySchema")
		case k.KeyType == api.KeyTypeHash:
			x.Hash = append(x.Hash, k.AttributeName)
		default:
			x.Sort = append(x.Sort, k.AttributeName)
		}
	}
	const tooMany = "Invalid KeySchema: The KeySchema exceeds the maximum allowed number of %s key attributes"
	switch {
	case len(x.Hash) > maxKeyParts:
		return problem(fmt.Sprintf(tooMany, api.KeyTypeHash))
	case len(x.Sort) > maxKeyParts:
		return problem(fmt.Sprintf(tooMany, api.KeyTypeRange))
	}
	return nil
}

func (x *Index) checkProjection() error {
	switch kind := x.Projection; {
	case kind == "":
		return problem(invalidValues + "Unknown ProjectionType: null")
	case kind == string(api.ProjectionTypeInclude) && len(x.NonKey) == 0:
		return problem(invalidValues + "ProjectionType is INCLUDE, but NonKeyAttributes is not specified")
	case kind != string(api.ProjectionTypeInclude) && x.NonKey != nil:
		return problem(invalidValues + "ProjectionType is " + kind + ", but NonKeyAttributes is specified")
	}
	return nil
}

// checkLocal checks the keys of a local index against the table's.
func (rec *Record) checkLocal(x *Index) error {
	switch {
	case len(x.Hash) > 1:
		return problem("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type")
	case len(x.Sort) == 0:
		return problem(invalidValues + "Index KeySchema does not have a range key for index: " + x.Name)
	case x.Hash[0] != rec.Hash:
		return problem(fmt.Sprintf("%sIndex KeySchema does not have the same leading hash key as table KeySchema for index: %s. index hash key: %s, table hash key: %s",
			invalidValues, x.Name, x.Hash[0], rec.Hash))
	}
	return nil
}

// setGlobal takes what only global indexes have.
func (x *Index) setGlobal(provisioned bool, p *api.ProvisionedThroughput, o *api.OnDemandThroughput, w *api.WarmThroughput) error {
	switch {
	case provisioned && p == nil:
		return problem(invalidValues + "ProvisionedThroughput must be specified for index: " + x.Name)
	case !provisioned && p != nil:
		return problem(invalidValues + "ProvisionedThroughput should not be specified for index: " + x.Name + " when BillingMode is PAY_PER_REQUEST")
	case p != nil:
		if err := checkThroughput(p); err != nil {
			return err
		}
		x.Throughput.Read, x.Throughput.Write = p.ReadCapacityUnits, p.WriteCapacityUnits
	}
	x.Throughput.setWarm(w)
	return x.Throughput.setOnDemand(o, provisioned)
}
