package s3

import (
	"context"
	"net/http"
	"reflect"
	"slices"

	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/s3/acl"
	"github.com/brume-dev/brume/service/s3/bucket"
	"github.com/brume-dev/brume/service/s3/fault"
	"github.com/brume-dev/brume/store"
)

// ofVersion is the action on a version that is named.
func ofVersion(action string) string {
	switch action {
	case "GetObject", "DeleteObject":
		return action + "Version"
	case "GetObjectAttributes", "GetObjectAcl", "PutObjectAcl", "GetObjectTagging", "PutObjectTagging", "DeleteObjectTagging":
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
	name := bucket.Text(v, "Bucket")
	if op == "CreateBucket" {
		return []aws.Access{{Action: "s3:CreateBucket", Resource: bucket.BucketARN(name), Late: func() map[string][]string { return bucket.Conditions(op, v) }}}, nil
	}
	w := wanted{op: op, key: bucket.Text(v, "Key"), version: bucket.Text(v, "VersionId"), in: v}
	out, err := s.wants(ctx, id, name, w.actions(v), w)
	if err != nil {
		return nil, err
	}
	if op == "DeleteObjects" {
		return nil, nil // each key by itself, and what is denied is told with it
	}
	if src := bucket.Text(v, "CopySource"); src != "" {
		from, err := bucket.ParseSource(src)
		if err != nil {
			return nil, err
		}
		r := wanted{op: "GetObject", key: from.Key, version: aws.Or(from.Version, "")}
		more, err := s.wants(ctx, id, from.Bucket, r.actions(v), r)
		if aws.CodeOf(err) == "InvalidBucketName" {
			err = fault.InvalidArgument("Invalid copy source bucket name", "x-amz-copy-source", src)
		}
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
	in               reflect.Value // the request, for condition keys; invalid for none
}

// actions are the IAM actions of the request.
func (w *wanted) actions(v reflect.Value) []string {
	first := bucket.Action(w.op)
	all := []string{first}
	if w.op == "GetObjectAttributes" {
		all = []string{"GetObject", "GetObjectAttributes"}
	}
	if first == "PutObject" && w.op != "UploadPart" && w.op != "UploadPartCopy" {
		for _, more := range []struct{ member, action string }{{"Tagging", "PutObjectTagging"}, {"ACL", "PutObjectAcl"}, {"GrantRead", "PutObjectAcl"},
			{"GrantFullControl", "PutObjectAcl"}, {"GrantReadACP", "PutObjectAcl"}, {"GrantWriteACP", "PutObjectAcl"},
			{"ObjectLockMode", "PutObjectRetention"}, {"ObjectLockLegalHoldStatus", "PutObjectLegalHold"}} {
			if bucket.Text(v, more.member) != "" && !slices.Contains(all, more.action) {
				all = append(all, more.action)
			}
		}
	}
	if w.version != "" {
		for i := range all {
			all[i] = ofVersion(all[i])
		}
	}
	return all
}

// wants states the accesses to a bucket, with its policy and what its access control lists allow. Whoever reads an object
// that is not there must be allowed to list the bucket to be told so.
func (s *Service) wants(ctx context.Context, id aws.Identity, name string, actions []string, w wanted) ([]aws.Access, error) {
	b, err := s.find(ctx, name, nil)
	if err != nil {
		return nil, err
	}
	document, tags := "", map[string]string(nil)
	root := id.Kind == aws.Root && id.Account == b.Account
	err = s.shard(b).View(ctx, func(_ context.Context, r store.Reader) (err error) {
		if err = b.Load(r); err != nil {
			return err
		}
		if b.HasPolicy {
			if _, err = b.ReadSetting(r, bucket.SettingPolicy, &document); err != nil {
				return err
			}
		}
		if root && document == "" {
			return nil
		}
		who := acl.Asker{Account: id.Account, ID: bucket.CanonicalID(id.Account)}
		if hasACLs(b) {
			if document, err = acl.Policy(document, b.Grants, b.Arn(), false, !b.Block.IgnoreACLs, who); err != nil {
				return err
			}
		}
		reads := w.op == "GetObject" || w.op == "HeadObject"
		if w.key == "" || !reads && !hasACLs(b) {
			return nil
		}
		o, _, err := b.Sought(r, w.key, w.version)
		switch {
		case err != nil:
			return err
		case o == nil && reads && len(w.key) <= bucket.MaxKey:
			actions = append(actions, "ListBucket")
		case o != nil:
			tags = o.Tags
			if hasACLs(b) {
				document, err = acl.Policy(document, o.Granted(b), b.Arn()+"/"+w.key, true, !b.Block.IgnoreACLs, who)
			}
		}
		return err
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
	late := func() map[string][]string { return w.conditions(tags) }
	out := make([]aws.Access, len(actions))
	for i, a := range actions {
		out[i] = aws.Access{Action: "s3:" + a, Resource: b.Arn(), ResourcePolicy: document, ResourceAccount: b.Account, Late: late}
		if w.key != "" && a != "ListBucket" {
			out[i].Resource += "/" + w.key
		}
	}
	return out, nil
}

// may reports whether a caller may take an action on an object.
func (s *Service) may(ctx context.Context, id aws.Identity, name, key, action string) (bool, error) {
	if s.Policies == nil {
		return true, nil
	}
	access, err := s.wants(ctx, id, name, []string{action}, wanted{op: action, key: key})
	if err == nil {
		err = s.Policies.Authorize(ctx, id, access)
	}
	if aws.CodeOf(err) == "AccessDenied" {
		return false, nil
	}
	return err == nil, err
}

// denials says of each object of a DeleteObjects whether the caller may delete it.
func (s *Service) denials(ctx context.Context, id aws.Identity, name string, objects []s3api.ObjectIdentifier) ([]error, error) {
	out := make([]error, len(objects))
	if s.Policies == nil {
		return out, nil
	}
	base, err := s.wants(ctx, id, name, []string{"DeleteObject"}, wanted{op: "DeleteObjects"})
	if err != nil {
		return nil, err
	}
	for i, o := range objects {
		one := base[0]
		one.Resource += "/" + o.Key
		if o.VersionId != nil {
			one.Action = "s3:DeleteObjectVersion"
			one.Context = map[string][]string{"s3:VersionId": {*o.VersionId}}
		}
		err := s.Policies.Authorize(ctx, id, []aws.Access{one})
		if err != nil && aws.CodeOf(err) != "AccessDenied" {
			return nil, err
		}
		out[i] = err
	}
	return out, nil
}

// conditions are the condition keys of the request, of an object that is read with its tags.
func (w *wanted) conditions(tags map[string]string) map[string][]string {
	out := map[string][]string{}
	if w.in.IsValid() {
		out = bucket.Conditions(w.op, w.in)
	}
	if w.op == "GetObject" || w.op == "HeadObject" {
		for k, v := range tags {
			out["s3:ExistingObjectTag/"+k] = []string{v}
		}
	}
	return out
}
