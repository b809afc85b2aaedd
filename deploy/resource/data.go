package resource

import (
	"encoding/base64"
	"maps"
	"slices"
	"strings"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/deploy/resource/fit"
	"github.com/brume-dev/brume/deploy/resource/outcome"
	"github.com/brume-dev/brume/jsondoc"
)

const (
	maxTableName      = 255
	maxBucketName     = 63
	maxParameterName  = 2048
	maxRepositoryName = 256
)

var tableKinds = map[string]*Kind{
	"AWS::DynamoDB::Table": {Create: createTable, Update: updateTable, Delete: deleteTable,
		Replaces: []string{"TableName", "KeySchema", "LocalSecondaryIndexes"}, Name: "TableName", Tags: true},
}

var parameterKinds = map[string]*Kind{
	"AWS::SSM::Parameter": {Create: createParameter, Update: updateParameter, Delete: deleteParameter, Replaces: []string{"Name"}, Name: "Name", Tags: true},
}

var repositoryKinds = map[string]*Kind{
	"AWS::ECR::Repository": {Create: createRepository, Update: updateRepository, Delete: deleteRepository,
		Replaces: []string{"RepositoryName", "EncryptionConfiguration"}, Name: "RepositoryName", Tags: true},
}

var bucketKinds = map[string]*Kind{
	"AWS::S3::Bucket":       {Create: createBucket, Update: updateBucket, Delete: deleteBucket, Replaces: []string{"BucketName"}, Name: "BucketName", Tags: true},
	"AWS::S3::BucketPolicy": {Create: putBucketPolicy, Update: putBucketPolicy, Delete: deleteBucketPolicy, Replaces: []string{"Bucket"}},
}

// blobOf is a document, or a text, as a blob member takes it.
func blobOf(v any) string {
	return base64.StdEncoding.EncodeToString([]byte(scalarOrJSON(v)))
}

// tableInput renames what the template calls otherwise than the API.
func (o *Op) tableInput() *jsondoc.Object {
	doc := o.properties()
	if sse := inside(o.Properties, "SSESpecification"); sse != nil {
		doc.Set("SSESpecification", with(sse, "Enabled", get(sse, "SSEEnabled")))
	}
	if s := inside(o.Properties, "StreamSpecification"); s != nil {
		doc.Set("StreamSpecification", with(s, "StreamEnabled", true))
	}
	return doc
}

func createTable(o *Op) error {
	if o.Physical == "" {
		name := o.name("TableName", maxTableName)
		if _, err := o.call("dynamodb", "CreateTable", with(o.tableInput(), "TableName", name)); o.made(err) != nil {
			return err
		}
		o.Physical = name
	}
	if err := o.awaitTable(); err != nil {
		return err
	}
	o.Old = jsondoc.NewObject()
	return o.tableSettings()
}

func (o *Op) awaitTable() error {
	out, err := o.call("dynamodb", "DescribeTable", input("TableName", o.Physical))
	if err != nil {
		return err
	}
	table := inside(out, "Table")
	o.Attributes["Arn"] = textOf(table, "TableArn")
	if s := textOf(table, "LatestStreamArn"); s != "" {
		o.Attributes["StreamArn"] = s
	}
	if textOf(table, "TableStatus") != "ACTIVE" {
		return &Pending{readyPoll}
	}
	return nil
}

func updateTable(o *Op) error {
	doc := jsondoc.NewObject()
	for name, v := range o.tableInput().All() {
		if name != "Tags" && name != "GlobalSecondaryIndexes" && name != "AttributeDefinitions" && name != "StreamSpecification" && o.changed(name) {
			doc.Set(name, v)
		}
	}
	if o.has("GlobalSecondaryIndexes") && get(o.Properties, "BillingMode") == "PROVISIONED" {
		doc.Delete("BillingMode") // its throughput would have to be said for each index at once
	}
	if o.Attributes["updated"] == "" && doc.Len() > 0 {
		if _, err := o.call("dynamodb", "UpdateTable", with(doc, "TableName", o.Physical)); err != nil {
			return err
		}
	}
	o.Attributes["updated"] = "true"
	if err := inSequence(o.awaitTable, o.updateStream, o.updateIndexes, o.awaitTable, o.tableSettings); err != nil {
		return err
	}
	delete(o.Attributes, "updated")
	delete(o.Attributes, "stream")
	arn := o.Attributes["Arn"]
	return o.retag(
		func(tags *jsondoc.Object) error {
			return o.do("dynamodb", "TagResource", "ResourceArn", arn, "Tags", tags)
		},
		func(keys []any) error {
			return o.do("dynamodb", "UntagResource", "ResourceArn", arn, "TagKeys", &jsondoc.Array{Items: keys})
		})
}

// updateStream ends the stream that was, and begins the one that is to be: a stream keeps its view.
func (o *Op) updateStream() error {
	if !o.changed("StreamSpecification") || o.Attributes["stream"] == "true" {
		return nil
	}
	if o.Attributes["stream"] == "" && inside(o.Old, "StreamSpecification") != nil {
		err := o.do("dynamodb", "UpdateTable", "TableName", o.Physical, "StreamSpecification", input("StreamEnabled", false))
		if err != nil && aws.CodeOf(err) != "ValidationException" { // it has been ended already
			return err
		}
		o.Attributes["stream"] = "ended"
	}
	if s := inside(o.Properties, "StreamSpecification"); s != nil {
		if err := o.do("dynamodb", "UpdateTable", "TableName", o.Physical, "StreamSpecification", with(s, "StreamEnabled", true)); err != nil {
			return err
		}
	}
	o.Attributes["stream"] = "true"
	return nil
}

// updateIndexes brings the global indexes to those of the template. DynamoDB takes one change at a time, so what is there
// says what comes next.
func (o *Op) updateIndexes() error {
	if !o.changed("GlobalSecondaryIndexes") {
		return nil
	}
	out, err := o.call("dynamodb", "DescribeTable", input("TableName", o.Physical))
	if err != nil {
		return err
	}
	there, wanted := indexes(inside(out, "Table")), indexes(o.Properties)
	change := func(verb string, index any) error {
		updates := &jsondoc.Array{Items: []any{input(verb, index)}}
		if err := o.do("dynamodb", "UpdateTable", "TableName", o.Physical, "AttributeDefinitions", get(o.Properties, "AttributeDefinitions"),
			"GlobalSecondaryIndexUpdates", updates); err != nil {
			return err
		}
		return &Pending{readyPoll}
	}
	for _, name := range slices.Sorted(maps.Keys(there)) {
		switch {
		case textOf(there[name], "IndexStatus") != "ACTIVE" && textOf(there[name], "IndexStatus") != "":
			return &Pending{readyPoll}
		case wanted[name] == nil:
			return change("Delete", input("IndexName", name))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		if there[name] == nil {
			return change("Create", wanted[name])
		}
	}
	return nil
}

// indexes are the global secondary indexes of a table by their name.
func indexes(doc *jsondoc.Object) map[string]*jsondoc.Object {
	out := map[string]*jsondoc.Object{}
	for _, v := range list(doc, "GlobalSecondaryIndexes") {
		if i, ok := v.(*jsondoc.Object); ok {
			out[textOf(i, "IndexName")] = i
		}
	}
	return out
}

// tableSettings brings what has calls of its own to what the properties say.
func (o *Op) tableSettings() error {
	ttl, recovery := inside(o.Properties, "TimeToLiveSpecification"), inside(o.Properties, "PointInTimeRecoverySpecification")
	return inSequence(
		func() error {
			if !o.changed("TimeToLiveSpecification") {
				return nil
			}
			if ttl == nil {
				ttl = with(inside(o.Old, "TimeToLiveSpecification"), "Enabled", false)
			}
			err := o.do("dynamodb", "UpdateTimeToLive", "TableName", o.Physical, "TimeToLiveSpecification", ttl)
			if err != nil && strings.Contains(err.Error(), "TimeToLive is already") { // by an earlier attempt
				return nil
			}
			return err
		},
		func() error {
			if !o.changed("PointInTimeRecoverySpecification") {
				return nil
			}
			if recovery == nil {
				recovery = input("PointInTimeRecoveryEnabled", false)
			}
			return o.do("dynamodb", "UpdateContinuousBackups", "TableName", o.Physical, "PointInTimeRecoverySpecification", recovery)
		})
}

func deleteTable(o *Op) error {
	err := o.do("dynamodb", "DeleteTable", "TableName", o.Physical)
	if outcome.Gone(err) {
		return nil
	}
	if err != nil && aws.CodeOf(err) != "ResourceInUseException" {
		return err
	}
	return &Pending{readyPoll} // until it is gone
}

func createParameter(o *Op) error { return o.putParameter(false) }

func updateParameter(o *Op) error {
	if err := o.putParameter(true); err != nil {
		return err
	}
	id := []any{"ResourceType", "Parameter", "ResourceId", o.Physical}
	return o.retag(
		func(tags *jsondoc.Object) error { return o.do("ssm", "AddTagsToResource", append(id, "Tags", tags)...) },
		func(keys []any) error {
			return o.do("ssm", "RemoveTagsFromResource", append(id, "TagKeys", &jsondoc.Array{Items: keys})...)
		})
}

func (o *Op) putParameter(overwrite bool) error {
	if o.Physical == "" {
		o.Physical = o.name("Name", maxParameterName)
	}
	doc := o.properties("Name", o.Physical, "Overwrite", overwrite)
	if overwrite {
		doc = without(doc, "Tags")
	}
	_, err := o.call("ssm", "PutParameter", doc)
	o.Attributes["Type"], o.Attributes["Value"] = o.text("Type"), o.text("Value")
	if overwrite {
		return err
	}
	return o.made(err)
}

func deleteParameter(o *Op) error {
	return ignoreGone(o.do("ssm", "DeleteParameter", "Name", o.Physical))
}

func createRepository(o *Op) error {
	o.Physical = strings.ToLower(o.name("RepositoryName", maxRepositoryName))
	out, err := o.call("ecr", "CreateRepository", o.properties("RepositoryName", o.Physical))
	if o.made(err) != nil {
		return err
	}
	if out == nil {
		found, err := o.call("ecr", "DescribeRepositories", input("repositoryNames", &jsondoc.Array{Items: []any{o.Physical}}))
		if err != nil {
			return err
		}
		out = input("repository", list(found, "repositories")[0])
	}
	r := inside(out, "repository")
	o.Attributes["Arn"], o.Attributes["RepositoryUri"] = textOf(r, "repositoryArn"), textOf(r, "repositoryUri")
	o.Old = jsondoc.NewObject()
	return o.repositoryPolicies()
}

func (o *Op) repositoryPolicies() error {
	return inSequence(
		func() error {
			return o.putOrDelete("RepositoryPolicyText", func(v any) error {
				return o.do("ecr", "SetRepositoryPolicy", "repositoryName", o.Physical, "policyText", v)
			}, func() error { return o.do("ecr", "DeleteRepositoryPolicy", "repositoryName", o.Physical) })
		},
		func() error {
			return o.putOrDelete("LifecyclePolicy", func(v any) error {
				p, _ := v.(*jsondoc.Object)
				return o.do("ecr", "PutLifecyclePolicy", "repositoryName", o.Physical, "lifecyclePolicyText", textOf(p, "LifecyclePolicyText"))
			}, func() error { return o.do("ecr", "DeleteLifecyclePolicy", "repositoryName", o.Physical) })
		})
}

// putOrDelete brings a setting that has calls of its own to what the property says, when that has changed.
func (o *Op) putOrDelete(property string, put func(any) error, del func() error) error {
	switch v := get(o.Properties, property); {
	case !o.changed(property):
		return nil
	case v == nil:
		return ignoreGone(del())
	default:
		return put(v)
	}
}

func updateRepository(o *Op) error {
	return inSequence(o.repositoryPolicies,
		func() error {
			if !o.changed("ImageScanningConfiguration") {
				return nil
			}
			scanning := get(o.Properties, "ImageScanningConfiguration")
			if scanning == nil {
				scanning = input("scanOnPush", false)
			}
			return o.do("ecr", "PutImageScanningConfiguration", "repositoryName", o.Physical, "imageScanningConfiguration", scanning)
		},
		func() error {
			if !o.changed("ImageTagMutability") {
				return nil
			}
			mutability := o.text("ImageTagMutability")
			if mutability == "" {
				mutability = "MUTABLE"
			}
			return o.do("ecr", "PutImageTagMutability", "repositoryName", o.Physical, "imageTagMutability", mutability)
		},
		func() error {
			arn := o.Attributes["Arn"]
			return o.retag(
				func(tags *jsondoc.Object) error { return o.do("ecr", "TagResource", "resourceArn", arn, "tags", tags) },
				func(keys []any) error {
					return o.do("ecr", "UntagResource", "resourceArn", arn, "tagKeys", &jsondoc.Array{Items: keys})
				})
		})
}

func deleteRepository(o *Op) error {
	return ignoreGone(o.do("ecr", "DeleteRepository", "repositoryName", o.Physical, "force", get(o.Properties, "EmptyOnDelete")))
}

func createBucket(o *Op) error {
	name := strings.ToLower(o.name("BucketName", maxBucketName))
	if err := o.vacant(name, "s3", "HeadBucket", "Bucket", name); err != nil {
		return err
	}
	o.Physical = name
	in := input("Bucket", o.Physical, "ObjectLockEnabledForBucket", get(o.Properties, "ObjectLockEnabled"))
	if o.ID.Region != "us-east-1" {
		in.Set("CreateBucketConfiguration", input("LocationConstraint", o.ID.Region))
	}
	if _, err := o.call("s3", "CreateBucket", in); o.made(err) != nil {
		return err
	}
	o.Attributes["Arn"] = "arn:aws:s3:::" + o.Physical
	o.Attributes["DomainName"] = o.Physical + ".s3.amazonaws.com"
	o.Attributes["RegionalDomainName"] = o.Physical + ".s3." + o.ID.Region + ".amazonaws.com"
	o.Attributes["DualStackDomainName"] = o.Physical + ".s3.dualstack." + o.ID.Region + ".amazonaws.com"
	o.Attributes["WebsiteURL"] = "http://" + o.Physical + ".s3-website-" + o.ID.Region + ".amazonaws.com"
	o.Old = jsondoc.NewObject()
	return updateBucket(o)
}

// updateBucket brings the settings that have calls of their own to what the properties say.
func updateBucket(o *Op) error {
	setting := func(property, put, member string, value func(*jsondoc.Object) any, del string) func() error {
		return func() error {
			return o.putOrDelete(property, func(v any) error {
				p, ok := v.(*jsondoc.Object)
				if !ok {
					return Missing(property)
				}
				return o.do("s3", put, "Bucket", o.Physical, member, value(p))
			}, func() error { return o.do("s3", del, "Bucket", o.Physical) })
		}
	}
	same := func(p *jsondoc.Object) any { return p }
	return inSequence(
		o.versioning,
		setting("BucketEncryption", "PutBucketEncryption", "ServerSideEncryptionConfiguration", encryptionRules, "DeleteBucketEncryption"),
		setting("PublicAccessBlockConfiguration", "PutPublicAccessBlock", "PublicAccessBlockConfiguration", same, "DeletePublicAccessBlock"),
		setting("OwnershipControls", "PutBucketOwnershipControls", "OwnershipControls", same, "DeleteBucketOwnershipControls"),
		setting("LifecycleConfiguration", "PutBucketLifecycleConfiguration", "LifecycleConfiguration", lifecycleRules, "DeleteBucketLifecycle"),
		setting("CorsConfiguration", "PutBucketCors", "CORSConfiguration", corsRules, "DeleteBucketCors"),
		setting("WebsiteConfiguration", "PutBucketWebsite", "WebsiteConfiguration", websiteOf, "DeleteBucketWebsite"),
		o.objectLock, o.notifications, o.tagBucket)
}

// versioning can be suspended but not taken away.
func (o *Op) versioning() error {
	if !o.changed("VersioningConfiguration") {
		return nil
	}
	v := get(o.Properties, "VersioningConfiguration")
	if v == nil {
		v = input("Status", "Suspended")
	}
	return o.do("s3", "PutBucketVersioning", "Bucket", o.Physical, "VersioningConfiguration", v)
}

func (o *Op) tagBucket() error {
	before, now := fit.Map(get(o.Old, "Tags")), fit.Map(get(o.properties(), "Tags"))
	if jsondoc.Equal(before, now) {
		return nil
	}
	if now.Len() == 0 {
		return o.do("s3", "DeleteBucketTagging", "Bucket", o.Physical)
	}
	return o.do("s3", "PutBucketTagging", "Bucket", o.Physical, "Tagging", input("TagSet", now))
}

// encryptionRules renames the one member that templates call otherwise.
func encryptionRules(p *jsondoc.Object) any {
	rules := &jsondoc.Array{}
	for _, v := range list(p, "ServerSideEncryptionConfiguration") {
		if r, ok := v.(*jsondoc.Object); ok {
			rules.Items = append(rules.Items, with(r, "ApplyServerSideEncryptionByDefault", get(r, "ServerSideEncryptionByDefault")))
		}
	}
	return input("Rules", rules)
}

// lifecycleRules writes the rules of templates, which are flat, as those of the API.
func lifecycleRules(p *jsondoc.Object) any {
	rules := &jsondoc.Array{}
	for _, v := range list(p, "Rules") {
		r, ok := v.(*jsondoc.Object)
		if !ok {
			continue
		}
		rule := input("ID", textOf(r, "Id"), "Status", textOf(r, "Status"), "Filter", lifecycleFilter(r))
		if has(r, "ExpirationInDays") || has(r, "ExpirationDate") || has(r, "ExpiredObjectDeleteMarker") {
			rule.Set("Expiration", input("Days", get(r, "ExpirationInDays"), "Date", get(r, "ExpirationDate"),
				"ExpiredObjectDeleteMarker", get(r, "ExpiredObjectDeleteMarker")))
		}
		if days := get(r, "NoncurrentVersionExpirationInDays"); days != nil {
			rule.Set("NoncurrentVersionExpiration", input("NoncurrentDays", days))
		}
		if n := inside(r, "NoncurrentVersionExpiration"); n != nil {
			rule.Set("NoncurrentVersionExpiration", n)
		}
		if a := inside(r, "AbortIncompleteMultipartUpload"); a != nil {
			rule.Set("AbortIncompleteMultipartUpload", a)
		}
		if moves := transitions(list(r, "Transitions")); len(moves.Items) > 0 {
			rule.Set("Transitions", moves)
		}
		rules.Items = append(rules.Items, rule)
	}
	return input("Rules", rules)
}

func transitions(all []any) *jsondoc.Array {
	out := &jsondoc.Array{}
	for _, v := range all {
		if t, ok := v.(*jsondoc.Object); ok {
			out.Items = append(out.Items, input("Days", get(t, "TransitionInDays"), "Date", get(t, "TransitionDate"), "StorageClass", textOf(t, "StorageClass")))
		}
	}
	return out
}

func lifecycleFilter(r *jsondoc.Object) *jsondoc.Object {
	prefix := textOf(r, "Prefix")
	tags := list(r, "TagFilters")
	switch {
	case len(tags) == 0:
		return input("Prefix", &prefix)
	case len(tags) == 1 && prefix == "":
		return input("Tag", tags[0])
	}
	return input("And", input("Prefix", prefix, "Tags", &jsondoc.Array{Items: tags}))
}

func corsRules(p *jsondoc.Object) any {
	rules := &jsondoc.Array{}
	for _, v := range list(p, "CorsRules") {
		if r, ok := v.(*jsondoc.Object); ok {
			rules.Items = append(rules.Items, with(r, "ExposeHeaders", get(r, "ExposedHeaders"), "MaxAgeSeconds", get(r, "MaxAge"), "ID", get(r, "Id")))
		}
	}
	return input("CORSRules", rules)
}

func deleteBucket(o *Op) error { return ignoreGone(o.do("s3", "DeleteBucket", "Bucket", o.Physical)) }

func putBucketPolicy(o *Op) error {
	o.Physical = o.text("Bucket")
	return o.do("s3", "PutBucketPolicy", "Bucket", o.Physical, "Policy", get(o.Properties, "PolicyDocument"))
}

func deleteBucketPolicy(o *Op) error {
	return ignoreGone(o.do("s3", "DeleteBucketPolicy", "Bucket", o.Physical))
}
