package iam

import (
	"context"
	"slices"
	"strings"

	"github.com/brume-dev/brume/api/iamapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/policy"
	"github.com/brume-dev/brume/store"
)

// GetAccountAuthorizationDetails lists everything that decides what the account's identities may do: users, groups,
// roles and customer managed policies, one kind after the other, each with all its policies.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html
func (s *Service) GetAccountAuthorizationDetails(ctx context.Context, id aws.Identity, in *iamapi.GetAccountAuthorizationDetailsRequest) (*iamapi.GetAccountAuthorizationDetailsResponse, error) {
	return view(ctx, s, id.Account, func(c *scope) (*iamapi.GetAccountAuthorizationDetailsResponse, error) {
		out := &iamapi.GetAccountAuthorizationDetailsResponse{UserDetailList: []iamapi.UserDetail{},
			GroupDetailList: []iamapi.GroupDetail{}, RoleDetailList: []iamapi.RoleDetail{}, Policies: []iamapi.ManagedPolicyDetail{}}
		p := newPage(in.Marker, in.MaxItems)
		from, rest, _ := strings.Cut(p.marker, ".")
		left := p.size
		for _, part := range []struct {
			k      *kind
			filter iamapi.EntityType
			add    func(*scope, *entity, *iamapi.GetAccountAuthorizationDetailsResponse) error
		}{
			{kindUser, iamapi.EntityTypeUser, s.userDetail},
			{kindGroup, iamapi.EntityTypeGroup, s.groupDetail},
			{kindRole, iamapi.EntityTypeRole, s.roleDetail},
			{kindPolicy, iamapi.EntityTypeLocalManagedPolicy, s.policyDetail},
		} {
			if from != "" && from != part.k.name || len(in.Filter) > 0 && !slices.Contains(in.Filter, part.filter) {
				continue
			}
			q := &page{size: left, marker: rest}
			from, rest = "", ""
			err := c.list(part.k, q, nil, func(e *entity) error {
				left--
				return part.add(c, e, out)
			})
			if err != nil {
				return nil, err
			}
			if q.more || left == 0 {
				p.more, p.next = true, part.k.name+"."+q.next
				break
			}
		}
		out.IsTruncated, out.Marker = p.result()
		return out, nil
	})
}

func (s *Service) userDetail(c *scope, e *entity, out *iamapi.GetAccountAuthorizationDetailsResponse) error {
	d := iamapi.UserDetail{Path: new(e.Path), UserName: new(e.Name), UserId: new(e.ID), Arn: new(e.arn(kindUser, c.account)),
		CreateDate: new(e.Created), PermissionsBoundary: boundary(e), Tags: apiTags(e.Tags), GroupList: []string{}}
	var err error
	if d.UserPolicyList, d.AttachedManagedPolicies, err = s.policyLists(c, e); err != nil {
		return err
	}
	err = c.eachID(c.groupsOf(e.ID), func(id string) error {
		_, g, err := c.byID(id)
		if err == nil && g != nil {
			d.GroupList = append(d.GroupList, g.Name)
		}
		return err
	})
	out.UserDetailList = append(out.UserDetailList, d)
	return err
}

func (s *Service) groupDetail(c *scope, e *entity, out *iamapi.GetAccountAuthorizationDetailsResponse) error {
	d := iamapi.GroupDetail{Path: new(e.Path), GroupName: new(e.Name), GroupId: new(e.ID), Arn: new(e.arn(kindGroup, c.account)),
		CreateDate: new(e.Created)}
	var err error
	d.GroupPolicyList, d.AttachedManagedPolicies, err = s.policyLists(c, e)
	out.GroupDetailList = append(out.GroupDetailList, d)
	return err
}

func (s *Service) roleDetail(c *scope, e *entity, out *iamapi.GetAccountAuthorizationDetailsResponse) error {
	d := iamapi.RoleDetail{Path: new(e.Path), RoleName: new(e.Name), RoleId: new(e.ID), Arn: new(e.arn(kindRole, c.account)),
		CreateDate: new(e.Created), AssumeRolePolicyDocument: new(escape(e.Trust)), PermissionsBoundary: boundary(e),
		Tags: apiTags(e.Tags), RoleLastUsed: &iamapi.RoleLastUsed{}, InstanceProfileList: []iamapi.InstanceProfile{}}
	var err error
	if d.RolePolicyList, d.AttachedManagedPolicies, err = s.policyLists(c, e); err != nil {
		return err
	}
	if u, err := s.lastUsed(c, e.ID); err != nil {
		return err
	} else if u != nil {
		d.RoleLastUsed = &iamapi.RoleLastUsed{LastUsedDate: new(u.Time), Region: new(u.Region)}
	}
	err = c.eachID(c.profilesOf(e.ID), func(id string) error {
		_, p, err := c.byID(id)
		if err != nil || p == nil {
			return err
		}
		return c.addProfile(&d.InstanceProfileList, p)
	})
	out.RoleDetailList = append(out.RoleDetailList, d)
	return err
}

func (s *Service) policyDetail(c *scope, e *entity, out *iamapi.GetAccountAuthorizationDetailsResponse) error {
	p, err := c.policy(e)
	if err != nil {
		return err
	}
	d := iamapi.ManagedPolicyDetail{PolicyName: p.PolicyName, PolicyId: p.PolicyId, Arn: p.Arn, Path: p.Path,
		DefaultVersionId: p.DefaultVersionId, AttachmentCount: p.AttachmentCount, IsAttachable: p.IsAttachable,
		PermissionsBoundaryUsageCount: p.PermissionsBoundaryUsageCount, Description: p.Description,
		CreateDate: p.CreateDate, UpdateDate: p.UpdateDate}
	ns, err := c.allVersions(e)
	if err != nil {
		return err
	}
	for _, n := range slices.Backward(ns) {
		v, err := c.version(e.Name, n)
		if err != nil {
			return err
		}
		d.PolicyVersionList = append(d.PolicyVersionList, *v.api(n, e.Default, true))
	}
	out.Policies = append(out.Policies, d)
	return nil
}

// policyLists returns an entity's inline and attached policies.
func (s *Service) policyLists(c *scope, e *entity) (inline []iamapi.PolicyDetail, attached []iamapi.AttachedPolicy, err error) {
	inline, attached = []iamapi.PolicyDetail{}, []iamapi.AttachedPolicy{}
	err = c.eachInline(e, func(name, document string) error {
		inline = append(inline, iamapi.PolicyDetail{PolicyName: new(name), PolicyDocument: new(escape(document))})
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	err = c.keys(c.attachments(e.ID), &page{size: maxAttached}, func(el *store.Elements, _ store.Value) (bool, error) {
		name, _, arn, err := s.managedPolicy(c, el.Text(), el.Text())
		attached = append(attached, iamapi.AttachedPolicy{PolicyName: new(name), PolicyArn: new(arn)})
		return true, err
	})
	return inline, attached, err
}

// GetContextKeysForCustomPolicy names the condition keys that policies use.
func (s *Service) GetContextKeysForCustomPolicy(_ context.Context, _ aws.Identity, in *iamapi.GetContextKeysForCustomPolicyRequest) (*iamapi.GetContextKeysForPolicyResponse, error) {
	return contextKeys(nil, in.PolicyInputList)
}

// GetContextKeysForPrincipalPolicy names the condition keys that the policies of a user, group or role use.
func (s *Service) GetContextKeysForPrincipalPolicy(ctx context.Context, id aws.Identity, in *iamapi.GetContextKeysForPrincipalPolicyRequest) (*iamapi.GetContextKeysForPolicyResponse, error) {
	a, err := aws.ParseARN(in.PolicySourceArn)
	if err != nil || a.Account != id.Account {
		return nil, invalidInput("Invalid Entity Arn: %s does not clearly define entity type and name.", in.PolicySourceArn)
	}
	_, sources, _, err := s.principalSources(ctx, id, a)
	if err != nil {
		return nil, err
	}
	var docs []*policy.Document
	for _, src := range sources {
		docs = append(docs, src.Doc)
	}
	return contextKeys(docs, in.PolicyInputList)
}

func contextKeys(docs []*policy.Document, texts []string) (*iamapi.GetContextKeysForPolicyResponse, error) {
	for i, text := range texts {
		d, err := policy.Parse(policy.Inline, text)
		if err != nil {
			return nil, invalidInput("PolicyInputList.%d: %s", i+1, err)
		}
		docs = append(docs, d)
	}
	out := &iamapi.GetContextKeysForPolicyResponse{ContextKeyNames: []string{}}
	for _, d := range docs {
		for _, k := range d.ContextKeys() {
			if !slices.Contains(out.ContextKeyNames, k) {
				out.ContextKeyNames = append(out.ContextKeyNames, k)
			}
		}
	}
	return out, nil
}
