package iam

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/brume-dev/brume/api/iamapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/policy"
	"github.com/brume-dev/brume/service/iam/catalogue"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
)

// policyRef names a managed policy.
type policyRef struct {
	from string
	name string
	arn  string
}

const (
	fromAWS = "aws"
	fromOwn = "own"
)

// parsePolicyARN reads the ARN of a managed policy of AWS or of the account.
func parsePolicyARN(account, arn string) (policyRef, error) {
	a, err := aws.ParseARN(arn)
	rest, ok := strings.CutPrefix(a.Resource, "policy/")
	if err != nil || !ok || a.Service != "iam" || a.Region != "" || rest == "" || strings.HasSuffix(rest, "/") {
		return policyRef{}, &iamapi.InvalidInputException{Message: "ARN " + arn + " is not valid."}
	}
	r := policyRef{name: rest[strings.LastIndexByte(rest, '/')+1:], arn: arn}
	switch a.Account {
	case "aws":
		r.from = fromAWS
	case account:
		r.from = fromOwn
	default:
		return r, r.absent()
	}
	return r, nil
}

// ownPolicy is parsePolicyARN for changes: AWS's own policies cannot be changed.
func ownPolicy(id aws.Identity, action, arn string) (policyRef, error) {
	r, err := parsePolicyARN(id.Account, arn)
	if err == nil && r.from == fromAWS {
		err = aws.Errorf("AccessDenied", http.StatusForbidden,
			"User: %s is not authorized to perform: iam:%s on resource: policy %s", id.ARN, action, arn)
	}
	return r, err
}

func (r policyRef) key(t store.Tuple) store.Tuple { return t.Text(r.from).Text(lowerName(r.name)) }

func (r policyRef) absent() error {
	return &iamapi.NoSuchEntityException{Message: "Policy " + r.arn + " was not found."}
}

// get returns the customer managed policy.
func (r policyRef) get(c *scope) (*entity, error) {
	e, err := c.find(kindPolicy, r.name)
	if err == nil && (e == nil || e.arn(kindPolicy, c.account) != r.arn) {
		return nil, r.absent()
	}
	return e, err
}

const versionRecord = 1

// version is the stored record of a version of a customer managed policy.
type version struct {
	Document string    `cbor:"1,keyasint"`
	Created  time.Time `cbor:"2,keyasint"`
}

func versionID(n uint64) string { return "v" + strconv.FormatUint(n, 10) }

func (c *scope) putVersion(policy string, n uint64, v version) error {
	return store.SetLarge(c.tx, c.versions(policy).Uint(n), record.Encode(versionRecord, &v))
}

func (c *scope) version(policy string, n uint64) (*version, error) {
	b, ok, err := store.GetLarge(c, c.versions(policy).Uint(n))
	if err != nil || !ok {
		return nil, err
	}
	v := &version{}
	return v, record.Decode(b, versionRecord, v)
}

// awsPolicy returns the policy of AWS that r names, nil when Brume does not have it.
func (s *Service) awsPolicy(r policyRef) *catalogue.Policy {
	if m := s.managed.Named(lowerName(r.name)); m != nil && m.ARN() == r.arn {
		return m
	}
	return nil
}

// awsForm is the API's form of a policy of AWS, but for the counts.
func awsForm(m *catalogue.Policy) iamapi.Policy {
	return iamapi.Policy{PolicyName: new(m.Name), PolicyId: new(m.ID()), Arn: new(m.ARN()), Path: new(m.Path),
		DefaultVersionId: new(m.Version), IsAttachable: new(true), Description: new(m.Description),
		CreateDate: new(awsCreated()), UpdateDate: new(awsCreated()), Tags: []iamapi.Tag{}}
}

// awsCreated stands for the creation date of each of AWS's policies.
func awsCreated() time.Time { return time.Date(2015, 2, 6, 18, 39, 46, 0, time.UTC) }

// parseManaged checks the document of a managed policy.
func parseManaged(document string) error {
	if _, err := parse(policy.Managed, document); err != nil {
		return err
	}
	if policy.Size(document) > maxPolicySize {
		return exceeds("PolicySize", maxPolicySize)
	}
	return nil
}

// CreatePolicy makes a customer managed policy.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreatePolicy.html
func (s *Service) CreatePolicy(ctx context.Context, id aws.Identity, in *iamapi.CreatePolicyRequest) (*iamapi.CreatePolicyResponse, error) {
	if err := parseManaged(in.PolicyDocument); err != nil {
		return nil, err
	}
	e, err := s.newEntity(kindPolicy, in.PolicyName, in.Path, in.Tags)
	if err != nil {
		return nil, err
	}
	e.Description, e.Default, e.Latest = aws.Or(in.Description, ""), 1, 1
	return update(ctx, s, id.Account, func(c *scope) (*iamapi.CreatePolicyResponse, error) {
		e := e // the closure may run again
		e.Updated = c.now()
		if err := c.create(kindPolicy, &e); err != nil {
			return nil, err
		}
		if err := c.putVersion(e.Name, 1, version{in.PolicyDocument, e.Created}); err != nil {
			return nil, err
		}
		p, err := c.policy(&e)
		p.Description = nil // AWS leaves it out of this answer
		if len(p.Tags) == 0 {
			p.Tags = nil
		}
		return &iamapi.CreatePolicyResponse{Policy: &p}, err
	})
}

// policy is the API's form of a customer managed policy.
func (c *scope) policy(e *entity) (iamapi.Policy, error) {
	r := policyRef{from: fromOwn, name: e.Name, arn: e.arn(kindPolicy, c.account)}
	p := iamapi.Policy{PolicyName: new(e.Name), PolicyId: new(e.ID), Arn: new(r.arn), Path: new(e.Path),
		DefaultVersionId: new(versionID(e.Default)), IsAttachable: new(true), CreateDate: new(e.Created),
		UpdateDate: new(e.Updated), Tags: append([]iamapi.Tag{}, apiTags(e.Tags)...)}
	if e.Description != "" {
		p.Description = new(e.Description)
	}
	return p, c.countUses(r, &p)
}

func (c *scope) countUses(r policyRef, p *iamapi.Policy) error {
	vs, err := c.GetMany([]store.Key{c.attached(r), c.limiting(r)})
	if err != nil {
		return err
	}
	p.AttachmentCount = new(int32(store.ReadCounter(vs[0])))
	p.PermissionsBoundaryUsageCount = new(int32(store.ReadCounter(vs[1])))
	return nil
}

// GetPolicy describes a managed policy.
func (s *Service) GetPolicy(ctx context.Context, id aws.Identity, in *iamapi.GetPolicyRequest) (*iamapi.GetPolicyResponse, error) {
	r, err := parsePolicyARN(id.Account, in.PolicyArn)
	if err != nil {
		return nil, err
	}
	return view(ctx, s, id.Account, func(c *scope) (*iamapi.GetPolicyResponse, error) {
		var p iamapi.Policy
		if r.from == fromAWS {
			m := s.awsPolicy(r)
			if m == nil {
				return nil, r.absent()
			}
			p = awsForm(m)
			return &iamapi.GetPolicyResponse{Policy: &p}, c.countUses(r, &p)
		}
		e, err := r.get(c)
		if err != nil {
			return nil, err
		}
		p, err = c.policy(e)
		return &iamapi.GetPolicyResponse{Policy: &p}, err
	})
}

// ListPolicies lists the account's policies and AWS's, in this order.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListPolicies.html
func (s *Service) ListPolicies(ctx context.Context, id aws.Identity, in *iamapi.ListPoliciesRequest) (*iamapi.ListPoliciesResponse, error) {
	return view(ctx, s, id.Account, func(c *scope) (*iamapi.ListPoliciesResponse, error) {
		out := &iamapi.ListPoliciesResponse{Policies: []iamapi.Policy{}}
		p := newPage(in.Marker, in.MaxItems)
		wanted := func(q *iamapi.Policy) bool {
			uses := *q.AttachmentCount
			switch in.PolicyUsageFilter {
			case iamapi.PolicyUsageTypePermissionsBoundary:
				uses = *q.PermissionsBoundaryUsageCount
			case "":
				uses += *q.PermissionsBoundaryUsageCount
			}
			return (uses > 0 || !aws.Or(in.OnlyAttached, false) && in.PolicyUsageFilter == "") &&
				strings.HasPrefix(*q.Path, aws.Or(in.PathPrefix, "/"))
		}
		rest, inAWS := strings.CutPrefix(p.marker, "aws.")
		if in.Scope != iamapi.PolicyScopeTypeAws && !inAWS {
			if err := c.listOwn(p, wanted, out); err != nil || p.more || in.Scope == iamapi.PolicyScopeTypeLocal {
				out.IsTruncated, out.Marker = p.result()
				return out, err
			}
			rest = ""
		}
		p.marker = rest
		if err := s.listAWS(c, p, wanted, out); err != nil {
			return nil, err
		}
		p.next = "aws." + p.next
		out.IsTruncated, out.Marker = p.result()
		return out, nil
	})
}

func (c *scope) listOwn(p *page, wanted func(*iamapi.Policy) bool, out *iamapi.ListPoliciesResponse) error {
	return c.keys(c.entities(kindPolicy), p, func(el *store.Elements, _ store.Value) (bool, error) {
		name := el.Text()
		if el.More() {
			return false, el.Err()
		}
		e, err := c.load(kindPolicy, name)
		if err != nil || e == nil {
			return false, err
		}
		q, err := c.policy(e)
		if err != nil || !wanted(&q) {
			return false, err
		}
		q.Description, q.Tags = nil, nil // listings leave them out
		out.Policies = append(out.Policies, q)
		return true, nil
	})
}

func (s *Service) listAWS(c *scope, p *page, wanted func(*iamapi.Policy) bool, out *iamapi.ListPoliciesResponse) error {
	var found []iamapi.Policy
	for i := range s.managed.List {
		m := &s.managed.List[i]
		q := awsForm(m)
		if err := c.countUses(policyRef{from: fromAWS, name: m.Name}, &q); err != nil {
			return err
		}
		if wanted(&q) {
			q.Description, q.Tags = nil, nil
			found = append(found, q)
		}
	}
	p.size -= len(out.Policies)
	from, to, err := p.slice(len(found), func(i int) string { return *found[i].PolicyName })
	if err != nil {
		return err
	}
	out.Policies = append(out.Policies, found[from:to]...)
	return nil
}

// DeletePolicy deletes a customer managed policy that nobody uses.
func (s *Service) DeletePolicy(ctx context.Context, id aws.Identity, in *iamapi.DeletePolicyRequest) (*iamapi.DeletePolicyOutput, error) {
	r, err := ownPolicy(id, "DeletePolicy", in.PolicyArn)
	if err != nil {
		return nil, err
	}
	return update(ctx, s, id.Account, func(c *scope) (*iamapi.DeletePolicyOutput, error) {
		e, err := r.get(c)
		if err != nil {
			return nil, err
		}
		const used = "Cannot delete a policy attached to entities."
		if err := c.empty(must{c.holders(r), used}, must{c.bounded(r), used}); err != nil {
			return nil, err
		}
		all, err := c.allVersions(e)
		if err != nil {
			return nil, err
		}
		if len(all) > 1 {
			return nil, conflict("This policy has more than one version. Before you delete a policy, you must delete the " +
				"policy's versions. The default version is deleted with the policy.")
		}
		c.tx.DeleteRange(c.versions(e.Name).Range())
		c.tx.Delete(c.attached(r))
		c.tx.Delete(c.limiting(r))
		return &iamapi.DeletePolicyOutput{}, c.remove(kindPolicy, e)
	})
}
