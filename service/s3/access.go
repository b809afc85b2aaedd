package s3

import (
	"context"
	"net/http"
	"reflect"

	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/s3/bucket"
	"github.com/brume-dev/brume/store"
)

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
	name := bucket.Text(v, "Bucket")
	if op == "CreateBucket" {
		return []aws.Access{{Action: "s3:CreateBucket", Resource: bucket.BucketARN(name), Context: bucket.Conditions(op, v)}}, nil
	}
	w := wanted{op: op, key: bucket.Text(v, "Key"), version: bucket.Text(v, "VersionId"), context: bucket.Conditions(op, v)}
	out, err := s.wants(ctx, id, name, w.actions(v), w)
	if err != nil {
		return nil, err
	}
	if d, ok := in.(*s3api.DeleteObjectsRequest); ok && d.Delete != nil {
		one := out[0]
		out = out[:0]
		for _, o := range d.Delete.Objects[:min(len(d.Delete.Objects), bucket.MaxDelete)] {
			one := one
			one.Resource += "/" + o.Key
			if o.VersionId != nil {
				one.Action = "s3:DeleteObjectVersion"
			}
			out = append(out, one)
		}
	}
	if src := bucket.Text(v, "CopySource"); src != "" {
		from, err := bucket.ParseSource(src)
		if err != nil {
			return nil, err
		}
		r := wanted{op: "GetObject", key: from.Key, version: aws.Or(from.Version, "")}
		more, err := s.wants(ctx, id, from.Bucket, r.actions(v), r)
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
	first := bucket.Action(w.op)
	all := []string{first}
	switch {
	case w.op == "GetObjectAttributes":
		all = []string{"GetObject", "GetObjectAttributes"}
	case first == "PutObject" && bucket.Text(v, "Tagging") != "":
		all = append(all, "PutObjectTagging")
	}
	if first == "PutObject" && bucket.Text(v, "ACL") != "" {
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
		if err := b.Load(r); err != nil {
			return err
		}
		if b.HasPolicy {
			if _, err := b.ReadSetting(r, bucket.SettingPolicy, &document); err != nil {
				return err
			}
		}
		if w.key == "" || root && document == "" || w.op != "GetObject" && w.op != "HeadObject" {
			return nil
		}
		o, _, err := b.Sought(r, w.key, w.version)
		switch {
		case err != nil:
			return err
		case o == nil && len(w.key) <= bucket.MaxKey:
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
		out[i] = aws.Access{Action: "s3:" + a, Resource: b.Arn(), ResourcePolicy: document, ResourceAccount: b.Account, Context: w.context}
		if w.key != "" && a != "ListBucket" {
			out[i].Resource += "/" + w.key
		}
	}
	return out, nil
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
