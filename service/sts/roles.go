package sts

import (
	"context"
	"fmt"
	"time"

	"github.com/brume-dev/brume/api/stsapi"
	"github.com/brume-dev/brume/aws"
)

// assumption is what sessions of services are kept by: which service, for which resource, as whom. Of a chain the source is
// the first session.
type assumption struct {
	service, source, region string
	role, roleID, session   string
}

type assumed struct {
	creds aws.Credentials
	id    aws.Identity
}

// Assume implements aws.Roles. Whether the role's trust policy lets the service is decided at every call, by the policy
// in force; only the credentials are kept, until an hour before they expire. Sessions of services last for twelve
// hours: a role's maximum session duration is not for them.
func (s *Service) Assume(ctx context.Context, service aws.Identity, role, session string) (aws.Identity, aws.Credentials, error) {
	if service.Kind != aws.ServicePrincipal {
		return aws.Identity{}, aws.Credentials{}, fmt.Errorf("sts: %s is no service", service.ARN)
	}
	k := assumption{service: service.Service, source: service.SourceARN, region: service.Region, role: role, session: session}
	return s.assume(ctx, service, k, serviceLife, serviceRenew)
}

// Chain returns the identity of a session of role for who, a role's session itself: the policies of both must allow it, at
// every call. The session lasts for an hour, as all that roles make; its credentials are kept like those of services.
func (s *Service) Chain(ctx context.Context, who aws.Identity, role, session string) (aws.Identity, aws.Credentials, error) {
	if who.Kind != aws.AssumedRole {
		return aws.Identity{}, aws.Credentials{}, fmt.Errorf("sts: %s is no role's session", who.ARN)
	}
	k := assumption{source: who.ARN, region: who.Region, role: role, session: session}
	return s.assume(ctx, who, k, maxChained*time.Second, chainRenew)
}

// assume finds or makes the session k of a role for by.
func (s *Service) assume(ctx context.Context, by aws.Identity, k assumption, life, renew time.Duration) (aws.Identity, aws.Credentials, error) {
	e, err := s.role(ctx, k.role)
	if err != nil {
		return aws.Identity{}, aws.Credentials{}, err
	}
	in := &stsapi.AssumeRoleRequest{RoleArn: k.role, RoleSessionName: k.session}
	if err := s.policies.Authorize(ctx, by, assumeAccess(by, in, e)); err != nil {
		return aws.Identity{}, aws.Credentials{}, err
	}
	if e == nil {
		return aws.Identity{}, aws.Credentials{}, mayNot(by, k.role)
	}
	k.roleID = e.ID
	s.mu.RLock()
	a, ok := s.roles[k]
	s.mu.RUnlock()
	if !ok || !s.clock.Now().Before(a.creds.Expires.Add(-renew)) {
		v := roleSession(e, k.session)
		if a.creds, err = s.issue(ctx, v, life); err != nil {
			return aws.Identity{}, aws.Credentials{}, err
		}
		a.id = v.identity(e)
		a.id.Region, a.id.AccessKey = by.Region, a.creds.AccessKeyID
		s.mu.Lock()
		if len(s.roles) >= maxAssumed {
			clear(s.roles)
		}
		s.roles[k] = a
		s.mu.Unlock()
	}
	id := a.id
	id.Tags, id.Request = e.Tags, by.Request
	return id, a.creds, nil
}
