package kms

import (
	"context"
	"encoding/json"
	"maps"
	"slices"

	"github.com/brume-dev/brume/api/kmsapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
)

// wish is what a caller wants to do with a key, as far as grants care.
type wish struct {
	action  string
	context map[string]string
	grant   *kmsapi.CreateGrantRequest // of CreateGrant
}

// granted returns the policy of a key with what grants give to the caller: a grant allows like a statement of the policy
// that names its principal, and what denies goes before it. Only the grants of the caller are looked at.
func (s *Service) granted(ctx context.Context, id aws.Identity, k key, w wish) (string, error) {
	if k.Grants == 0 {
		return k.Policy, nil
	}
	allows, err := store.View(ctx, s.shard(k.account, k.region), func(_ context.Context, r store.Reader) (string, error) {
		for _, principal := range []string{id.ARN, id.RoleARN, "arn:" + aws.Partition + ":iam::" + id.Account + ":root"} {
			prefix := granteesOf(k).Text(principal)
			pairs, done := r.Scan(prefix.Range(), store.ScanOpt{})
			for kv := range pairs {
				g, ok, err := readGrant(r, k, store.Decode(kv.Key, len(prefix)).Text())
				if err != nil {
					return "", err
				}
				if ok && g.allows(id, w) {
					return principal, nil
				}
			}
			if err := done(); err != nil {
				return "", err
			}
		}
		return "", nil
	})
	if err != nil || allows == "" {
		return k.Policy, err
	}
	return withStatement(k.Policy, statement{"Allow", map[string][]string{"AWS": {allows}}, service + ":" + w.action, "*"})
}

// allows reports whether the grant is for what the caller wants. Constraints on the encryption context hold where there may
// be one; a grant that is made with a grant must be as strict, and give no more.
func (g grant) allows(id aws.Identity, w wish) bool {
	if !slices.Contains(g.Operations, w.action) {
		return false
	}
	switch w.action {
	case "RetireGrant":
		return true
	case "DescribeKey":
		return g.Source == "" || g.Source == id.SourceARN
	case "CreateGrant":
		return w.grant != nil && g.covers(w.grant)
	}
	if g.Source != "" && g.Source != id.SourceARN {
		return false
	}
	return contains(w.context, g.Subset) && (g.Equals == nil || maps.Equal(w.context, g.Equals))
}

// covers reports whether a grant may be made with this one.
func (g grant) covers(in *kmsapi.CreateGrantRequest) bool {
	for _, op := range in.Operations {
		if !slices.Contains(g.Operations, string(op)) {
			return false
		}
	}
	c := in.Constraints
	if c == nil {
		c = &kmsapi.GrantConstraints{}
	}
	if g.Source != "" && (c.SourceArn == nil || *c.SourceArn != g.Source) || g.Equals != nil && !maps.Equal(c.EncryptionContextEquals, g.Equals) {
		return false
	}
	return contains(c.EncryptionContextEquals, g.Subset) || contains(c.EncryptionContextSubset, g.Subset)
}

func contains(all, part map[string]string) bool {
	for k, v := range part {
		if got, ok := all[k]; !ok || got != v {
			return false
		}
	}
	return true
}

// statement is one of a policy.
type statement struct {
	Effect    string
	Principal map[string][]string
	Action    string
	Resource  string
}

// withStatement adds a statement to a policy.
func withStatement(policy string, st statement) (string, error) {
	var doc map[string]json.RawMessage
	if err := json.Unmarshal([]byte(policy), &doc); err != nil {
		return "", err
	}
	var all []json.RawMessage
	if err := json.Unmarshal(doc["Statement"], &all); err != nil { // it may stand alone
		all = []json.RawMessage{doc["Statement"]}
	}
	one, err := json.Marshal(st)
	if err != nil {
		return "", err
	}
	if doc["Statement"], err = json.Marshal(append(all, one)); err != nil {
		return "", err
	}
	out, err := json.Marshal(doc)
	return string(out), err
}

// retirePolicy is who may retire a grant: the account that made it lets its IAM policies decide, the retiring principal may, and
// the grantee when the grant says so. The key's policy has no part in it.
// https://docs.aws.amazon.com/kms/latest/developerguide/grant-delete.html
func (g grant) retirePolicy() (string, error) {
	who := []string{"arn:" + aws.Partition + ":iam::" + g.Issuer + ":root"}
	if g.Retiring != "" {
		who = append(who, g.Retiring)
	}
	if slices.Contains(g.Operations, "RetireGrant") {
		who = append(who, g.Grantee)
	}
	return withStatement(`{"Version":"2012-10-17","Statement":[]}`, statement{"Allow", map[string][]string{"AWS": who}, service + ":RetireGrant", "*"})
}
