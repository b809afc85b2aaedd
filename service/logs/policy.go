package logs

import (
	"context"
	"strconv"

	"github.com/brume-dev/brume/api/logsapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/jsondoc"
	"github.com/brume-dev/brume/policy"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
)

// policyRecord is a resource policy of an account and region.
type policyRecord struct {
	Document string `cbor:"1,keyasint"`
	Updated  int64  `cbor:"2,keyasint"`
	Revision uint64 `cbor:"3,keyasint"`
}

const policyVersion = 1

// PutResourcePolicy lets other services write to the groups of this account.
func (s *Service) PutResourcePolicy(ctx context.Context, id aws.Identity, in *logsapi.PutResourcePolicyRequest) (*logsapi.PutResourcePolicyResponse, error) {
	if in.ResourceArn != nil {
		return nil, badParameter("Brume keeps resource policies of the account, not of single resources: leave resourceArn out.")
	}
	if in.PolicyName == nil || in.PolicyDocument == nil {
		return nil, badParameter("policyName and policyDocument must be given.")
	}
	if _, err := policy.Parse(policy.Resource, *in.PolicyDocument); err != nil {
		return nil, badParameter("Invalid policy document: " + err.Error())
	}
	prefix := policyPrefix(id.Account, id.Region)
	return store.Update(ctx, s.home(id), func(_ context.Context, tx store.Tx) (*logsapi.PutResourcePolicyResponse, error) {
		all, err := policies(tx, prefix)
		if err != nil {
			return nil, err
		}
		old, there := all[*in.PolicyName]
		if !there && len(all) >= maxPolicies {
			return nil, &logsapi.LimitExceededException{Message: "Resource limit exceeded."}
		}
		p := policyRecord{*in.PolicyDocument, millis(tx.Now()), old.Revision + 1}
		tx.Set(prefix.Text(*in.PolicyName), record.Encode(policyVersion, p))
		out := describePolicy(*in.PolicyName, p)
		return &logsapi.PutResourcePolicyResponse{ResourcePolicy: &out, RevisionId: out.RevisionId}, nil
	})
}

func describePolicy(name string, p policyRecord) logsapi.ResourcePolicy {
	revision := strconv.FormatUint(p.Revision, 10)
	return logsapi.ResourcePolicy{PolicyName: &name, PolicyDocument: &p.Document, LastUpdatedTime: &p.Updated,
		PolicyScope: logsapi.PolicyScopeAccount, RevisionId: &revision}
}

func policies(r store.Reader, prefix store.Tuple) (map[string]policyRecord, error) {
	all := map[string]policyRecord{}
	pairs, done := r.Scan(prefix.Range(), store.ScanOpt{})
	for kv := range pairs {
		var p policyRecord
		if err := record.Decode(kv.Value, policyVersion, &p); err != nil {
			return nil, err
		}
		all[store.Decode(kv.Key, len(prefix)).Text()] = p
	}
	return all, done()
}

// DeleteResourcePolicy deletes a policy.
func (s *Service) DeleteResourcePolicy(ctx context.Context, id aws.Identity, in *logsapi.DeleteResourcePolicyRequest) (*logsapi.DeleteResourcePolicyOutput, error) {
	if in.PolicyName == nil {
		return nil, badParameter("policyName must be given.")
	}
	key := policyPrefix(id.Account, id.Region).Text(*in.PolicyName)
	_, err := s.home(id).Update(ctx, func(_ context.Context, tx store.Tx) error {
		if _, ok, err := tx.Get(key); err != nil || !ok {
			if err == nil {
				err = &logsapi.ResourceNotFoundException{Message: "Policy with name [" + *in.PolicyName + "] does not exist"}
			}
			return err
		}
		tx.Delete(key)
		return nil
	})
	return &logsapi.DeleteResourcePolicyOutput{}, err
}

// DescribeResourcePolicies lists the policies; there are so few that one answer holds them all.
func (s *Service) DescribeResourcePolicies(ctx context.Context, id aws.Identity, in *logsapi.DescribeResourcePoliciesRequest) (*logsapi.DescribeResourcePoliciesResponse, error) {
	prefix := policyPrefix(id.Account, id.Region)
	limit := maxPolicies
	if in.Limit != nil {
		limit = int(*in.Limit)
	}
	rng := prefix.Range()
	if in.NextToken != nil {
		rng = prefix.Text(*in.NextToken).After(rng)
	}
	return store.View(ctx, s.home(id), func(_ context.Context, r store.Reader) (*logsapi.DescribeResourcePoliciesResponse, error) {
		out := &logsapi.DescribeResourcePoliciesResponse{ResourcePolicies: []logsapi.ResourcePolicy{}}
		pairs, done := r.Scan(rng, store.ScanOpt{})
		for kv := range pairs {
			if len(out.ResourcePolicies) == limit {
				out.NextToken = out.ResourcePolicies[limit-1].PolicyName
				break
			}
			var p policyRecord
			if err := record.Decode(kv.Value, policyVersion, &p); err != nil {
				return nil, err
			}
			out.ResourcePolicies = append(out.ResourcePolicies, describePolicy(store.Decode(kv.Key, len(prefix)).Text(), p))
		}
		return out, done()
	})
}

// mergedPolicies is one document with the statements of all policies of the account and region, or "".
func (s *Service) mergedPolicies(ctx context.Context, id aws.Identity) (string, error) {
	all, err := store.View(ctx, s.home(id), func(_ context.Context, r store.Reader) (map[string]policyRecord, error) {
		return policies(r, policyPrefix(id.Account, id.Region))
	})
	if err != nil || len(all) == 0 {
		return "", err
	}
	statements := &jsondoc.Array{}
	for _, p := range all {
		doc, err := jsondoc.Parse([]byte(p.Document))
		if err != nil {
			return "", err
		}
		o, ok := doc.(*jsondoc.Object)
		if !ok {
			continue
		}
		switch st, _ := o.Get("Statement"); st := st.(type) {
		case *jsondoc.Array:
			statements.Items = append(statements.Items, st.Items...)
		case *jsondoc.Object:
			statements.Items = append(statements.Items, st)
		}
	}
	merged := jsondoc.NewObject()
	merged.Set("Version", "2012-10-17")
	merged.Set("Statement", statements)
	return jsondoc.Text(merged), nil
}
