package definition

import (
	"fmt"
	"slices"
	"strings"

	api "github.com/brume-dev/brume/api/dynamodbapi"
	"github.com/brume-dev/brume/aws"
)

// Place is where a table is.
type Place struct{ Account, Region string }

// New checks the definition of a table and makes its record, without id, time and stream label. managed is the ARN of
// the key with which AWS encrypts tables of an account that asked for KMS without naming a key.
func New(in *api.CreateTableInput, at Place, managed string) (Record, error) {
	var rec Record
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
	case in.GlobalTableSourceArn != nil || in.GlobalTableSettingsReplicationMode != "":
		return rec, notYet("global tables")
	}
	if err := rec.setStream(in.StreamSpecification); err != nil {
		return rec, err
	}
	if err := rec.define(in.AttributeDefinitions); err != nil {
		return rec, err
	}
	if err := rec.setKeys(in.KeySchema); err != nil {
		return rec, err
	}
	if err := rec.setIndexes(in); err != nil {
		return rec, err
	}
	if err := rec.checkUsed(len(in.LocalSecondaryIndexes)+len(in.GlobalSecondaryIndexes) > 0); err != nil {
		return rec, err
	}
	own := rec.OwnThroughput()
	if err := own.setOnDemand(in.OnDemandThroughput, rec.Provisioned); err != nil {
		return rec, err
	}
	own.setWarm(in.WarmThroughput)
	rec.setThroughput(own)
	rec.Class = string(in.TableClass)
	rec.Protected = in.DeletionProtectionEnabled != nil && *in.DeletionProtectionEnabled
	return rec, rec.setEncryption(in.SSESpecification, at, managed)
}

// checkSchemaShape checks the members that the model leaves open because a table can also be made from another one.
func checkSchemaShape(in *api.CreateTableInput) error {
	var found []string
	if in.AttributeDefinitions == nil {
		found = append(found, "Value null at 'attributeDefinitions' failed to satisfy constraint: Member must not be null")
	}
	if in.KeySchema == nil {
		found = append(found, "Value null at 'keySchema' failed to satisfy constraint: Member must not be null")
	} else {
		found = append(found, tooManyKeys("keySchema", in.KeySchema, tableKeySchema)...)
	}
	for i := range in.LocalSecondaryIndexes {
		at := fmt.Sprintf("localSecondaryIndexes.%d.member.keySchema", i+1)
		found = append(found, tooManyKeys(at, in.LocalSecondaryIndexes[i].KeySchema, tableKeySchema)...)
	}
	switch len(found) {
	case 0:
		return nil
	case 1:
		return problem("1 validation error detected: " + found[0])
	}
	return problem(fmt.Sprintf("%d validation errors detected: %s", len(found), strings.Join(found, "; ")))
}

func tooManyKeys(at string, schema []api.KeySchemaElement, most int) []string {
	if len(schema) <= most {
		return nil
	}
	var shown []string
	for _, k := range schema {
		shown = append(shown, fmt.Sprintf("KeySchemaElement(attributeName=%s, keyType=%s)", k.AttributeName, k.KeyType))
	}
	return []string{fmt.Sprintf("Value '[%s]' at '%s' failed to satisfy constraint: Member must have length less than or equal to %d",
		strings.Join(shown, ", "), at, most)}
}

// define takes attribute definitions.
func (rec *Record) define(defined []api.AttributeDefinition) error {
	for i, d := range defined {
		for _, before := range defined[:i] {
			if before.AttributeName == d.AttributeName {
				return problem("Attribute Name is duplicated: " + d.AttributeName)
			}
		}
		switch t := rec.TypeOf(d.AttributeName); t {
		case "":
			rec.Attributes = append(slices.Clip(rec.Attributes), Attribute{d.AttributeName, string(d.AttributeType)})
		case string(d.AttributeType):
		default:
			return problem(fmt.Sprintf("%sAttribute %s is already defined with type %s", invalidValues, d.AttributeName, t))
		}
	}
	return nil
}

// setKeys takes the key schema of the table.
func (rec *Record) setKeys(schema []api.KeySchemaElement) error {
	if schema[0].KeyType != api.KeyTypeHash {
		return problem("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
	}
	if len(schema) > 1 && schema[1].KeyType != api.KeyTypeRange {
		return problem("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type")
	}
	rec.Hash = schema[0].AttributeName
	if len(schema) > 1 {
		if rec.Sort = schema[1].AttributeName; rec.Sort == rec.Hash {
			return problem("Invalid KeySchema: Some index key attribute have no definition") // as AWS says it
		}
	}
	if rec.TypeOf(rec.Hash) == "" || rec.Sort != "" && rec.TypeOf(rec.Sort) == "" {
		return problem("Invalid KeySchema: Some index key attribute have no definition")
	}
	return nil
}

// checkUsed refuses definitions of attributes that are in no key.
func (rec *Record) checkUsed(indexes bool) error {
	used := rec.keysUsed()
	var names []string
	unused := false
	for _, a := range rec.Attributes {
		names = append(names, a.Name)
		unused = unused || !slices.Contains(used, a.Name)
	}
	switch {
	case !unused:
		return nil
	case !indexes:
		return problem(invalidValues + "Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions")
	}
	return problem(invalidValues + "Some AttributeDefinitions are not used. AttributeDefinitions: [" + strings.Join(names, ", ") +
		"], keys used: [" + strings.Join(used, ", ") + "]")
}

// keysUsed are the names of all attributes in keys, each once.
func (rec *Record) keysUsed() []string {
	var used []string
	add := func(names ...string) {
		for _, n := range names {
			if n != "" && !slices.Contains(used, n) {
				used = append(used, n)
			}
		}
	}
	add(rec.Hash, rec.Sort)
	for _, xs := range [][]Index{rec.Locals, rec.Globals} {
		for i := range xs {
			add(xs[i].Hash...)
			add(xs[i].Sort...)
		}
	}
	return used
}

// Prune drops the definitions of attributes that are in no key any more.
func (rec *Record) Prune() {
	used := rec.keysUsed()
	var kept []Attribute
	for _, a := range rec.Attributes {
		if slices.Contains(used, a.Name) {
			kept = append(kept, a)
		}
	}
	rec.Attributes = kept
}

// setStream takes the stream specification.
func (rec *Record) setStream(spec *api.StreamSpecification) error {
	switch {
	case spec == nil:
	case !spec.StreamEnabled && spec.StreamViewType != "":
		return problem(invalidValues + "StreamViewType cannot be specified when StreamEnabled is false")
	case spec.StreamEnabled && spec.StreamViewType == "":
		return problem(invalidValues + "StreamViewType must be specified when StreamEnabled is true")
	case spec.StreamEnabled:
		rec.LastStream++
		rec.Stream = Stream{Number: rec.LastStream, View: string(spec.StreamViewType), Enabled: true} // its label is a time
	}
	return nil
}

// setEncryption takes the encryption settings. Everything is kept as it is; what shows is the key.
func (rec *Record) setEncryption(spec *api.SSESpecification, at Place, managed string) error {
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
		rec.KMSKey = managed
	case strings.HasPrefix(*key, "arn:"):
		rec.KMSKey = *key
	case strings.HasPrefix(*key, "alias/"):
		rec.KMSKey = aws.MakeARN("kms", at.Region, at.Account, *key).String()
	default:
		rec.KMSKey = aws.MakeARN("kms", at.Region, at.Account, "key/"+*key).String()
	}
	return nil
}
