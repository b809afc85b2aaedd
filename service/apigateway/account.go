package apigateway

import (
	"context"

	"github.com/brume-dev/brume/api/apigatewayapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
)

// accountRecord is what an account has set in a region.
type accountRecord struct {
	Role string `cbor:"1,keyasint,omitempty"` // writes logs
}

func (s *Service) account(ctx context.Context, account, region string) (accountRecord, error) {
	return store.View(ctx, s.shard(account, region), func(_ context.Context, r store.Reader) (out accountRecord, err error) {
		a, err := load[accountRecord](r, accountKey(account, region))
		if a != nil {
			out = *a
		}
		return out, err
	})
}

func shownAccount(a accountRecord) *apigatewayapi.Account {
	burst, rate, keys := int32(accountBurst), accountRate, "4"
	out := &apigatewayapi.Account{ThrottleSettings: &apigatewayapi.ThrottleSettings{BurstLimit: &burst, RateLimit: &rate},
		Features: []string{"UsagePlans"}, ApiKeyVersion: &keys}
	if a.Role != "" {
		out.CloudwatchRoleArn = &a.Role
	}
	return out
}

// GetAccount describes the account's settings.
func (s *Service) GetAccount(ctx context.Context, id aws.Identity, _ *apigatewayapi.GetAccountRequest) (*apigatewayapi.Account, error) {
	a, err := s.account(ctx, id.Account, id.Region)
	return shownAccount(a), err
}

// UpdateAccount sets the role that logs are written with. API Gateway must be allowed to assume it.
func (s *Service) UpdateAccount(ctx context.Context, id aws.Identity, in *apigatewayapi.UpdateAccountRequest) (*apigatewayapi.Account, error) {
	type account = apigatewayapi.Account
	rules := []rule[account]{
		textRule("/cloudwatchRoleArn", "add replace remove", func(v *account) **string { return &v.CloudwatchRoleArn }),
		listRule("/features", func(v *account) *[]string { return &v.Features }),
	}
	var wanted account
	if err := patch(&wanted, rules, in.PatchOperations); err != nil {
		return nil, err
	}
	if role := text(wanted.CloudwatchRoleArn); role != "" {
		as := aws.ForService("apigateway.amazonaws.com", id.Account, id.Region, "", id.Request)
		if err := checkCredentials(role); err != nil {
			return nil, bad("The role ARN is not well formed")
		}
		if _, _, err := s.Roles.Assume(ctx, as, role, "APIGatewayCloudWatchLogs"); err != nil {
			if aws.CodeOf(err) == "InternalFailure" {
				return nil, err
			}
			return nil, bad("The role ARN does not have required permissions configured. Please grant trust permission for API Gateway and add the required role policy.")
		}
	}
	return store.Update(ctx, s.shard(id.Account, id.Region), func(_ context.Context, tx store.Tx) (*account, error) {
		key := accountKey(id.Account, id.Region)
		a, err := load[accountRecord](tx, key)
		if err != nil {
			return nil, err
		}
		if a == nil {
			a = &accountRecord{}
		}
		for _, op := range in.PatchOperations {
			if text(op.Path) == "/cloudwatchRoleArn" {
				a.Role = text(wanted.CloudwatchRoleArn)
			}
		}
		return shownAccount(*a), save(tx, key, a)
	})
}
