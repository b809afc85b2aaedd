package sts

import (
	"context"
	"fmt"

	"github.com/brume-dev/brume/api/stsapi"
	"github.com/brume-dev/brume/aws"
)

// assumption is what sessions of services are kept by: which service, for which resource, as whom.
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
	e, err := s.role(ctx, role)
	if err != nil {
		return aws.Identity{}, aws.Credentials{}, err
	}
	in := &stsapi.AssumeRoleRequest{RoleArn: role, RoleSessionName: session}
	if err := s.policies.Authorize(ctx, service, assumeAccess(service, in, e)); err != nil {
		return aws.Identity{}, aws.Credentials{}, err
	}
	if e == nil {
		return aws.Identity{}, aws.Credentials{}, mayNot(service, role)
	}
	k := assumption{service: service.Service, source: service.SourceARN, region: service.Region, role: role, roleID: e.ID, session: session}
	s.mu.RLock()
	a, ok := s.roles[k]
	s.mu.RUnlock()
	if !ok || !s.clock.Now().Before(a.creds.Expires.Add(-serviceRenew)) {
		v := roleSession(e, session)
		if a.creds, err = s.issue(ctx, v, serviceLife); err != nil {
			return aws.Identity{}, aws.Credentials{}, err
		}
		a.id = v.identity(e)
		a.id.Region, a.id.AccessKey = service.Region, a.creds.AccessKeyID
		s.mu.Lock()
		if len(s.roles) >= maxAssumed {
			clear(s.roles)
		}
		s.roles[k] = a
		s.mu.Unlock()
	}
	id := a.id
	id.Tags, id.Request = e.Tags, service.Request
	return id, a.creds, nil
}
