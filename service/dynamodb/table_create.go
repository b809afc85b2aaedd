package dynamodb

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	api "github.com/brume-dev/brume/api/dynamodbapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
)

// CreateTable makes a table. The answer says CREATING, as AWS's does; the table is there when it arrives.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateTable.html
func (s *Service) CreateTable(ctx context.Context, id aws.Identity, in *api.CreateTableInput) (*api.CreateTableOutput, error) {
	if err := checkName(in.TableName, minTableName); err != nil {
		return nil, err
	}
	n := tableName{id.Account, id.Region, in.TableName}
	rec, err := newRecord(n, in)
	if err != nil {
		return nil, refused(err)
	}
	tags, err := tagMap(in.Tags)
	if err != nil {
		return nil, err
	}
	if in.ResourcePolicy != nil {
		if err := checkPolicy(*in.ResourcePolicy); err != nil {
			return nil, err
		}
	}
	if _, err := view(ctx, s, n, func(r store.Reader) (any, error) { return nil, s.mustBeFree(r, n) }); err != nil {
		return nil, err // before an id is spent on it
	}
	next, err := store.Update(ctx, s.store.Shard(store.Global()), func(_ context.Context, tx store.Tx) (uint64, error) {
		return store.NextID(tx, nextTable())
	})
	if err != nil {
		return nil, err
	}
	d, err := update(ctx, s, n, func(tx store.Tx) (*api.TableDescription, error) {
		if err := s.mustBeFree(tx, n); err != nil {
			return nil, err
		}
		rec := rec
		rec.ID, rec.Created = next, tx.Now().Truncate(time.Millisecond)
		rec.UUID = uuidOf("table", n.account, n.region, fmt.Sprint(next, rec.Created.UnixMilli()))
		rec.put(tx, n)
		t := newTable(n, rec, nil)
		for k, v := range tags {
			tx.Set(t.tagKey(k), []byte(v))
		}
		if in.ResourcePolicy != nil {
			t.setPolicy(tx, policyRecord{}, *in.ResourcePolicy)
		}
		return t.describe(tx, api.TableStatusCreating)
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateTableOutput{TableDescription: d}, nil
}

func (s *Service) mustBeFree(r store.Reader, n tableName) error {
	t, err := s.table(r, n)
	if err == nil && t != nil {
		err = &api.ResourceInUseException{Message: "Table already exists: " + n.name}
	}
	return err
}

// uuidOf returns the UUID that stands for the given words.
func uuidOf(words ...string) string {
	return uuid.NewSHA1(uuid.NameSpaceOID, []byte(strings.Join(words, "\x00"))).String()
}

// newRecord checks the definition of a table and makes its record, without id and time.
func newRecord(n tableName, in *api.CreateTableInput) (tableRecord, error) {
	var rec tableRecord
	if err := checkSchemaShape(in); err != nil {
		return rec, err
	}
	if err := rec.setBilling(in.BillingMode, in.ProvisionedThroughput); err != nil {
		return rec, err
	}
	switch {
	case in.LocalSecondaryIndexes != nil && len(in.LocalSecondaryIndexes) == 0:
		return rec, problem(invalidValues + "List of LocalSecondaryIndexes is empty")
	case in.GlobalSecondaryIndexes != nil && len(in.GlobalSecondaryIndexes) == 0:
		return rec, problem(invalidValues + "List of GlobalSecondaryIndexes is empty")
	case len(in.LocalSecondaryIndexes) > 0 || len(in.GlobalSecondaryIndexes) > 0:
		return rec, notYet("secondary indexes")
	case in.StreamSpecification != nil && in.StreamSpecification.StreamEnabled:
		return rec, notYet("streams")
	case in.StreamSpecification != nil && in.StreamSpecification.StreamViewType != "":
		return rec, problem(invalidValues + "StreamViewType cannot be specified when StreamEnabled is false")
	case in.GlobalTableSourceArn != nil || in.GlobalTableSettingsReplicationMode != "":
		return rec, notYet("global tables")
	}
	if err := rec.setKeys(in.AttributeDefinitions, in.KeySchema); err != nil {
		return rec, err
	}
	if err := rec.setOnDemand(in.OnDemandThroughput); err != nil {
		return rec, err
	}
	rec.setWarm(in.WarmThroughput)
	rec.Class = string(in.TableClass)
	rec.Protected = in.DeletionProtectionEnabled != nil && *in.DeletionProtectionEnabled
	return rec, rec.setEncryption(n, in.SSESpecification)
}

// checkSchemaShape checks the members that the model leaves open because a table can also be made from another one.
func checkSchemaShape(in *api.CreateTableInput) error {
	var found []string
	if in.AttributeDefinitions == nil {
		found = append(found, "Value null at 'attributeDefinitions' failed to satisfy constraint: Member must not be null")
	}
	switch {
	case in.KeySchema == nil:
		found = append(found, "Value null at 'keySchema' failed to satisfy constraint: Member must not be null")
	case len(in.KeySchema) > 2:
		var shown []string
		for _, k := range in.KeySchema {
			shown = append(shown, fmt.Sprintf("KeySchemaElement(attributeName=%s, keyType=%s)", k.AttributeName, k.KeyType))
		}
		found = append(found, "Value '["+strings.Join(shown, ", ")+
			"]' at 'keySchema' failed to satisfy constraint: Member must have length less than or equal to 2")
	}
	return constraints(found)
}

// setBilling takes the billing mode and its throughput. Without a mode a table is provisioned.
func (rec *tableRecord) setBilling(mode api.BillingMode, p *api.ProvisionedThroughput) error {
	if mode == api.BillingModePayPerRequest {
		if p != nil {
			return problem(invalidValues + "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST")
		}
		rec.Provisioned, rec.Read, rec.Write, rec.BillingReported = false, 0, 0, true
		return nil
	}
	if p == nil {
		if mode == "" {
			return problem("No provisioned throughput specified for the table")
		}
		return problem(invalidValues + "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED")
	}
	if err := checkThroughput(p); err != nil {
		return err
	}
	rec.Provisioned, rec.Read, rec.Write = true, p.ReadCapacityUnits, p.WriteCapacityUnits
	return nil
}

func checkThroughput(p *api.ProvisionedThroughput) error {
	if p.ReadCapacityUnits > maxThroughput {
		return problem(fmt.Sprintf("Given value %d for ReadCapacityUnits is out of bounds", p.ReadCapacityUnits))
	}
	if p.WriteCapacityUnits > maxThroughput {
		return problem(fmt.Sprintf("Given value %d for WriteCapacityUnits is out of bounds", p.WriteCapacityUnits))
	}
	return nil
}

// setKeys takes the key schema, whose attributes must be exactly those that are defined.
func (rec *tableRecord) setKeys(defined []api.AttributeDefinition, schema []api.KeySchemaElement) error {
	for i, d := range defined {
		for _, before := range defined[:i] {
			if before.AttributeName == d.AttributeName {
				return problem("Cannot have two attributes with the same name")
			}
		}
		rec.Attributes = append(rec.Attributes, attributeType{d.AttributeName, string(d.AttributeType)})
	}
	if schema[0].KeyType != api.KeyTypeHash {
		return problem("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
	}
	if len(schema) > 1 && schema[1].KeyType != api.KeyTypeRange {
		return problem("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type")
	}
	isDefined := func(k api.KeySchemaElement) bool {
		return slices.ContainsFunc(rec.Attributes, func(a attributeType) bool { return a.Name == k.AttributeName })
	}
	rec.Hash = schema[0].AttributeName
	if len(schema) > 1 {
		if rec.Sort = schema[1].AttributeName; rec.Sort == rec.Hash {
			return problem("Invalid KeySchema: Some index key attribute have no definition") // as AWS says it
		}
	}
	if !isDefined(schema[0]) || len(schema) > 1 && !isDefined(schema[1]) {
		return problem("Invalid KeySchema: Some index key attribute have no definition")
	}
	if len(defined) != len(schema) {
		return problem(invalidValues + "Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions")
	}
	return nil
}

// setOnDemand takes the limits of a table on demand; -1 removes one.
func (rec *tableRecord) setOnDemand(o *api.OnDemandThroughput) error {
	if o == nil {
		return nil
	}
	if rec.Provisioned {
		return problem(invalidValues + "OnDemandThroughput can only be specified when BillingMode is PAY_PER_REQUEST")
	}
	for _, f := range []struct {
		name  string
		given *int64
		kept  *int64
	}{{"MaxReadRequestUnits", o.MaxReadRequestUnits, &rec.MaxRead}, {"MaxWriteRequestUnits", o.MaxWriteRequestUnits, &rec.MaxWrite}} {
		switch {
		case f.given == nil:
		case *f.given == -1:
			*f.kept = 0
		case *f.given < 1:
			return problem(fmt.Sprintf("%s%s must be a positive number, or -1 to remove the limit", invalidValues, f.name))
		default:
			*f.kept = *f.given
		}
	}
	return nil
}

func (rec *tableRecord) setWarm(w *api.WarmThroughput) {
	if w == nil {
		return
	}
	if w.ReadUnitsPerSecond != nil {
		rec.WarmRead = *w.ReadUnitsPerSecond
	}
	if w.WriteUnitsPerSecond != nil {
		rec.WarmWrite = *w.WriteUnitsPerSecond
	}
}

// setEncryption takes the encryption settings. Everything is kept as it is; what shows is the key.
func (rec *tableRecord) setEncryption(n tableName, spec *api.SSESpecification) error {
	switch {
	case spec == nil:
		return nil
	case spec.Enabled == nil || !*spec.Enabled:
		if spec.SSEType != "" || spec.KMSMasterKeyId != nil {
			return problem(invalidValues + "SSEType and KMSMasterKeyId can only be specified when SSESpecification is enabled")
		}
		rec.KMSKey = ""
		return nil
	case spec.SSEType == api.SSETypeAes256:
		return problem(invalidValues + "SSEType AES256 is not supported")
	}
	switch key := spec.KMSMasterKeyId; {
	case key == nil || *key == "alias/aws/dynamodb":
		rec.KMSKey = managedKey(n)
	case strings.HasPrefix(*key, "arn:"):
		rec.KMSKey = *key
	case strings.HasPrefix(*key, "alias/"):
		rec.KMSKey = aws.MakeARN("kms", n.region, n.account, *key).String()
	default:
		rec.KMSKey = aws.MakeARN("kms", n.region, n.account, "key/"+*key).String()
	}
	return nil
}
