package s3

import (
	"context"
	"net/http"
	"reflect"

	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
)

// action is the IAM action of an operation, where it is not called as the operation is.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
func action(op string) string {
	switch op {
	case "HeadObject":
		return "GetObject"
	case "HeadBucket", "ListObjects", "ListObjectsV2":
		return "ListBucket"
	case "ListObjectVersions":
		return "ListBucketVersions"
	case "ListBuckets":
		return "ListAllMyBuckets"
	case "ListMultipartUploads":
		return "ListBucketMultipartUploads"
	case "ListParts":
		return "ListMultipartUploadParts"
	case "CreateMultipartUpload", "UploadPart", "UploadPartCopy", "CompleteMultipartUpload", "CopyObject":
		return "PutObject"
	case "DeleteObjects":
		return "DeleteObject"
	case "GetBucketLifecycleConfiguration":
		return "GetLifecycleConfiguration"
	case "PutBucketLifecycleConfiguration", "DeleteBucketLifecycle":
		return "PutLifecycleConfiguration"
	case "GetBucketEncryption":
		return "GetEncryptionConfiguration"
	case "PutBucketEncryption", "DeleteBucketEncryption":
		return "PutEncryptionConfiguration"
	case "GetBucketCors":
		return "GetBucketCORS"
	case "PutBucketCors", "DeleteBucketCors":
		return "PutBucketCORS"
	case "DeleteBucketTagging":
		return "PutBucketTagging"
	case "GetPublicAccessBlock":
		return "GetBucketPublicAccessBlock"
	case "PutPublicAccessBlock", "DeletePublicAccessBlock":
		return "PutBucketPublicAccessBlock"
	case "DeleteBucketOwnershipControls":
		return "PutBucketOwnershipControls"
	case "GetBucketNotificationConfiguration":
		return "GetBucketNotification"
	case "GetBucketReplication":
		return "GetReplicationConfiguration"
	case "GetBucketAccelerateConfiguration":
		return "GetAccelerateConfiguration"
	case "GetObjectLockConfiguration":
		return "GetBucketObjectLockConfiguration"
	}
	return op
}

// ofVersion is the action on a version that is named.
func ofVersion(action string) string {
	switch action {
	case "GetObject", "DeleteObject":
		return action + "Version"
	case "GetObjectAttributes", "GetObjectAcl", "GetObjectTagging", "PutObjectTagging", "DeleteObjectTagging":
		return action[:len(action)-len(suffix(action))] + "Version" + suffix(action)
	}
	return action
}

func suffix(action string) string {
	for _, s := range []string{"Attributes", "Acl", "Tagging"} {
		if len(action) > len(s) && action[len(action)-len(s):] == s {
			return s
		}
	}
	return ""
}

// Access says what an operation needs. A bucket that is not there is told before anything else, as S3 does.
func (s *Service) Access(ctx context.Context, id aws.Identity, op string, in any) ([]aws.Access, error) {
	if op == "ListBuckets" {
		return []aws.Access{{Action: "s3:ListAllMyBuckets", Resource: "*"}}, nil
	}
	v := reflect.ValueOf(in).Elem()
	name := text(v, "Bucket")
	if op == "CreateBucket" {
		return []aws.Access{{Action: "s3:CreateBucket", Resource: bucketARN(name), Context: conditions(op, v)}}, nil
	}
	w := wanted{op: op, key: text(v, "Key"), version: text(v, "VersionId"), context: conditions(op, v)}
	out, err := s.wants(ctx, id, name, w.actions(v), w)
	if err != nil {
		return nil, err
	}
	if d, ok := in.(*s3api.DeleteObjectsRequest); ok && d.Delete != nil {
		one := out[0]
		out = out[:0]
		for _, o := range d.Delete.Objects[:min(len(d.Delete.Objects), maxDelete)] {
			one := one
			one.Resource += "/" + o.Key
			if o.VersionId != nil {
				one.Action = "s3:DeleteObjectVersion"
			}
			out = append(out, one)
		}
	}
	if src := text(v, "CopySource"); src != "" {
		from, err := parseSource(src)
		if err != nil {
			return nil, err
		}
		r := wanted{op: "GetObject", key: from.key, version: or(from.version, "")}
		more, err := s.wants(ctx, id, from.bucket, r.actions(v), r)
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
	}
	return out, nil
}

// wanted is what a request wants of one bucket or object.
type wanted struct {
	op, key, version string
	context          map[string][]string
}

// actions are the IAM actions of the request.
func (w *wanted) actions(v reflect.Value) []string {
	first := action(w.op)
	all := []string{first}
	switch {
	case w.op == "GetObjectAttributes":
		all = []string{"GetObject", "GetObjectAttributes"}
	case first == "PutObject" && text(v, "Tagging") != "":
		all = append(all, "PutObjectTagging")
	}
	if first == "PutObject" && text(v, "ACL") != "" {
		all = append(all, "PutObjectAcl")
	}
	if w.version != "" {
		for i := range all {
			all[i] = ofVersion(all[i])
		}
	}
	return all
}

// wants states the accesses to a bucket, with its policy. Whoever reads an object that is not there must be allowed to list
// the bucket to be told so.
func (s *Service) wants(ctx context.Context, id aws.Identity, name string, actions []string, w wanted) ([]aws.Access, error) {
	b, err := s.find(ctx, name, nil)
	if err != nil {
		return nil, err
	}
	document := ""
	root := id.Kind == aws.Root && id.Account == b.Account
	err = s.shard(b).View(ctx, func(_ context.Context, r store.Reader) error {
		if err := b.load(r); err != nil {
			return err
		}
		if b.HasPolicy {
			if _, err := b.readSetting(r, settingPolicy, &document); err != nil {
				return err
			}
		}
		if w.key == "" || root && document == "" || w.op != "GetObject" && w.op != "HeadObject" {
			return nil
		}
		o, _, err := b.sought(r, w.key, w.version)
		switch {
		case err != nil:
			return err
		case o == nil && len(w.key) <= maxKey:
			actions = append(actions, "ListBucket")
		case o != nil && len(o.Tags) > 0:
			w.context = withTags(w.context, o.Tags)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if root && (w.op == "PutBucketPolicy" || w.op == "GetBucketPolicy" || w.op == "DeleteBucketPolicy") {
		return nil, nil // whatever the policy says, so that no bucket is lost
	}
	if b.Public && b.Block.Restrict && id.Account != b.Account && id.Kind != aws.ServicePrincipal || b.Public && b.Block.Restrict && id.Kind == aws.Anonymous {
		return nil, aws.Errorf("AccessDenied", http.StatusForbidden, "Access Denied")
	}
	out := make([]aws.Access, len(actions))
	for i, a := range actions {
		out[i] = aws.Access{Action: "s3:" + a, Resource: b.arn(), ResourcePolicy: document, ResourceAccount: b.Account, Context: w.context}
		if w.key != "" && a != "ListBucket" {
			out[i].Resource += "/" + w.key
		}
	}
	return out, nil
}

// sought finds the version that a request names, or the current one; nil when there is none.
func (b *bucket) sought(r store.Reader, key, version string) (*object, bool, error) {
	if len(key) > maxKey {
		return nil, false, nil
	}
	if version == "" {
		o, err := getObject(r, b.current(key))
		return o, true, err
	}
	return b.named(r, key, version)
}

func withTags(m map[string][]string, tags map[string]string) map[string][]string {
	out := make(map[string][]string, len(m)+len(tags))
	for k, v := range m {
		out[k] = v
	}
	for k, v := range tags {
		out["s3:ExistingObjectTag/"+k] = []string{v}
	}
	return out
}

// conditions are the condition keys of a request.
func conditions(op string, v reflect.Value) map[string][]string {
	out := map[string][]string{}
	add := func(key, member string) {
		if t := text(v, member); t != "" {
			out[key] = []string{t}
		}
	}
	switch op {
	case "ListObjects", "ListObjectsV2", "ListObjectVersions":
		out["s3:prefix"] = []string{text(v, "Prefix")}
		add("s3:delimiter", "Delimiter")
		if f := v.FieldByName("MaxKeys"); f.IsValid() && !f.IsNil() {
			out["s3:max-keys"] = []string{itoa(f.Elem().Int())}
		}
	}
	add("s3:VersionId", "VersionId")
	add("s3:x-amz-acl", "ACL")
	add("s3:x-amz-copy-source", "CopySource")
	add("s3:x-amz-metadata-directive", "MetadataDirective")
	add("s3:x-amz-server-side-encryption", "ServerSideEncryption")
	add("s3:x-amz-server-side-encryption-aws-kms-key-id", "SSEKMSKeyId")
	add("s3:x-amz-server-side-encryption-customer-algorithm", "SSECustomerAlgorithm")
	add("s3:x-amz-storage-class", "StorageClass")
	add("s3:x-amz-grant-full-control", "GrantFullControl")
	add("s3:x-amz-website-redirect-location", "WebsiteRedirectLocation")
	add("s3:x-amz-object-ownership", "ObjectOwnership")
	if c, ok := v.Addr().Interface().(*s3api.CreateBucketRequest); ok && c.CreateBucketConfiguration != nil {
		out["s3:LocationConstraint"] = []string{string(c.CreateBucketConfiguration.LocationConstraint)}
	}
	if t := text(v, "Tagging"); t != "" {
		if tags, err := tagHeader(t); err == nil {
			for k, one := range tags {
				out["s3:RequestObjectTag/"+k] = []string{one}
				out["s3:RequestObjectTagKeys"] = append(out["s3:RequestObjectTagKeys"], k)
			}
		}
	}
	return out
}

// text is a member of a request that is a text, or "".
func text(v reflect.Value, member string) string {
	f := v.FieldByName(member)
	switch {
	case !f.IsValid():
		return ""
	case f.Kind() == reflect.Pointer && !f.IsNil() && f.Elem().Kind() == reflect.String:
		return f.Elem().String()
	case f.Kind() == reflect.String:
		return f.String()
	}
	return ""
}
