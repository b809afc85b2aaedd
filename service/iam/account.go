package iam

import (
	"context"
	"fmt"

	"github.com/brume-dev/brume/api/iamapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
)

// GetAccountSummary counts the account's entities and tells their quotas.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountSummary.html
func (s *Service) GetAccountSummary(ctx context.Context, id aws.Identity, _ *iamapi.GetAccountSummaryInput) (*iamapi.GetAccountSummaryResponse, error) {
	return view(ctx, s, id.Account, func(c *scope) (*iamapi.GetAccountSummaryResponse, error) {
		m := map[string]int32{
			"UsersQuota": maxUsers, "GroupsQuota": maxGroups, "RolesQuota": maxRoles, "PoliciesQuota": maxPolicies,
			"InstanceProfilesQuota": maxProfiles, "GroupsPerUserQuota": maxGroupsPerUser,
			"AccessKeysPerUserQuota": maxKeysPerUser, "AttachedPoliciesPerUserQuota": maxAttached,
			"AttachedPoliciesPerGroupQuota": maxAttached, "AttachedPoliciesPerRoleQuota": maxAttached,
			"UserPolicySizeQuota": maxUserInline, "GroupPolicySizeQuota": maxGroupInline, "PolicySizeQuota": maxPolicySize,
			"AssumeRolePolicySizeQuota": maxTrustSize, "VersionsPerPolicyQuota": maxVersions,
			"ServerCertificatesQuota": 20, "ServerCertificates": 0, "SigningCertificatesPerUserQuota": 2,
			"PolicyVersionsInUseQuota": 10000, "PolicyVersionsInUse": 0, "GlobalEndpointTokenVersion": 1, "Providers": 0,
			"MFADevices": 0, "MFADevicesInUse": 0, "AccountMFAEnabled": 0, "AccountAccessKeysPresent": 0,
			"AccountSigningCertificatesPresent": 0, "AccountPasswordPresent": 0,
		}
		for name, k := range map[string]*kind{"Users": kindUser, "Groups": kindGroup, "Roles": kindRole,
			"InstanceProfiles": kindProfile, "Policies": kindPolicy} {
			v, _, err := c.Get(c.count(k.name))
			if err != nil {
				return nil, err
			}
			m[name] = int32(store.ReadCounter(v))
		}
		return &iamapi.GetAccountSummaryResponse{SummaryMap: m}, nil
	})
}

// ListAccountAliases names the account's alias, if it has one.
func (s *Service) ListAccountAliases(ctx context.Context, id aws.Identity, _ *iamapi.ListAccountAliasesRequest) (*iamapi.ListAccountAliasesResponse, error) {
	return view(ctx, s, id.Account, func(c *scope) (*iamapi.ListAccountAliasesResponse, error) {
		out := &iamapi.ListAccountAliasesResponse{AccountAliases: []string{}, IsTruncated: new(false)}
		v, ok, err := c.Get(c.alias())
		if ok {
			out.AccountAliases = append(out.AccountAliases, string(v))
		}
		return out, err
	})
}

// CreateAccountAlias gives the account an alias in place of the one that it has. Aliases are unique among all accounts:
// the name is claimed in the global directory first, and the old one given back last. Should the process end in
// between, a claim without effect is left, which the same account may claim again.
func (s *Service) CreateAccountAlias(ctx context.Context, id aws.Identity, in *iamapi.CreateAccountAliasRequest) (*iamapi.CreateAccountAliasOutput, error) {
	_, err := s.store.Shard(store.Global()).Update(ctx, func(_ context.Context, tx store.Tx) error {
		v, taken, err := tx.Get(aliasKey(in.AccountAlias))
		if err != nil {
			return err
		}
		if taken && string(v) != id.Account {
			return &iamapi.EntityAlreadyExistsException{Message: fmt.Sprintf("The account alias %s already exists.", in.AccountAlias)}
		}
		tx.Set(aliasKey(in.AccountAlias), []byte(id.Account))
		return nil
	})
	if err != nil {
		return nil, err
	}
	old, err := update(ctx, s, id.Account, func(c *scope) (string, error) {
		v, _, err := c.Get(c.alias())
		old := string(v)
		c.tx.Set(c.alias(), []byte(in.AccountAlias))
		return old, err
	})
	if err != nil || old == "" || old == in.AccountAlias {
		return &iamapi.CreateAccountAliasOutput{}, err
	}
	return &iamapi.CreateAccountAliasOutput{}, s.freeAlias(ctx, id.Account, old)
}

// freeAlias gives an alias of the account back.
func (s *Service) freeAlias(ctx context.Context, account, name string) error {
	_, err := s.store.Shard(store.Global()).Update(ctx, func(_ context.Context, tx store.Tx) error {
		v, _, err := tx.Get(aliasKey(name))
		if err == nil && string(v) == account {
			tx.Delete(aliasKey(name))
		}
		return err
	})
	return err
}

// DeleteAccountAlias takes the alias from the account.
func (s *Service) DeleteAccountAlias(ctx context.Context, id aws.Identity, in *iamapi.DeleteAccountAliasRequest) (*iamapi.DeleteAccountAliasOutput, error) {
	_, err := update(ctx, s, id.Account, func(c *scope) (struct{}, error) {
		v, ok, err := c.Get(c.alias())
		if err != nil {
			return struct{}{}, err
		}
		if !ok || string(v) != in.AccountAlias {
			return struct{}{}, &iamapi.NoSuchEntityException{Message: fmt.Sprintf("The account alias %s cannot be found.", in.AccountAlias)}
		}
		c.tx.Delete(c.alias())
		return struct{}{}, nil
	})
	if err != nil {
		return nil, err
	}
	return &iamapi.DeleteAccountAliasOutput{}, s.freeAlias(ctx, id.Account, in.AccountAlias)
}
