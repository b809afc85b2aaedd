package bucket

import (
	"reflect"
	"strconv"

	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/store"
)

// Action is the IAM action of an operation, where it is not called as the operation is.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
func Action(op string) string {
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
	case "PutBucketNotificationConfiguration":
		return "PutBucketNotification"
	case "PutObjectLockConfiguration":
		return "PutBucketObjectLockConfiguration"
	case "GetObjectLockConfiguration":
		return "GetBucketObjectLockConfiguration"
	}
	return op
}

// Sought finds the version that a request names, or the current one; nil when there is none.
func (b *Bucket) Sought(r store.Reader, key, version string) (*Object, bool, error) {
	if len(key) > MaxKey {
		return nil, false, nil
	}
	if version == "" {
		o, err := getObject(r, b.Current(key))
		return o, true, err
	}
	return b.named(r, key, version)
}

// Conditions are the condition keys of a request.
func Conditions(op string, v reflect.Value) map[string][]string {
	out := map[string][]string{}
	add := func(key, member string) {
		if t := Text(v, member); t != "" {
			out[key] = []string{t}
		}
	}
	switch op {
	case "ListObjects", "ListObjectsV2", "ListObjectVersions":
		out["s3:prefix"] = []string{Text(v, "Prefix")}
		add("s3:delimiter", "Delimiter")
		if f := v.FieldByName("MaxKeys"); f.IsValid() && !f.IsNil() {
			out["s3:max-keys"] = []string{strconv.FormatInt(f.Elem().Int(), 10)}
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
		out["s3:LocationConstraint"] = []string{Text(reflect.ValueOf(*c.CreateBucketConfiguration), "LocationConstraint")}
	}
	if t := Text(v, "Tagging"); t != "" {
		if tags, err := tagHeader(t); err == nil {
			for k, one := range tags {
				out["s3:RequestObjectTag/"+k] = []string{one}
				out["s3:RequestObjectTagKeys"] = append(out["s3:RequestObjectTagKeys"], k)
			}
		}
	}
	return out
}

// Text is a member of a request that is a text, or "".
func Text(v reflect.Value, member string) string {
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
