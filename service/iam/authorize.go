package iam

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/policy"
)

// Authorize returns nil when id may have all of access, and AWS's error for the first action that it may not. It
// decides by the policies in force when it is called: those of the user (with its groups) or role, boundary, session
// policies, and the resource's policy that comes with access.
func (s *Service) Authorize(ctx context.Context, id aws.Identity, access []aws.Access) error {
	d := s.decisions.Get().(*decision)
	defer s.decisions.Put(d)
	now := s.clock.Now()
	*d = decision{id: id}
	var err error
	if d.policies, err = s.policiesOf(ctx, &d.id); err != nil {
		return err
	}
	for i := range access {
		a := &access[i]
		if id.Kind == aws.Root && a.ResourcePolicy == "" && (a.ResourceAccount == "" || a.ResourceAccount == id.Account) {
			continue
		}
		if err := s.resourcePolicy(&d.policies, a); err != nil {
			return err
		}
		d.request = policy.Request{Identity: &d.id, Action: a.Action, Resource: a.Resource, Also: a.Also, ResourceAccount: a.ResourceAccount,
			Context: a.Context, Late: a.Late, Now: now}
		if what := policy.Evaluate(&d.policies, &d.request); !what.Allowed {
			return denied(access[0].Action, what.Message(&d.request))
		}
	}
	if len(access) > 0 {
		s.noteUse(&d.id, access[0].Action, now)
	}
	return nil
}

// decision is what Authorize works on. It is large, and every request needs one: they are used again.
type decision struct {
	id       aws.Identity
	policies policy.Policies
	request  policy.Request
}

// policiesOf gathers what bears on every request of id.
func (s *Service) policiesOf(ctx context.Context, id *aws.Identity) (policy.Policies, error) {
	var p policy.Policies
	arn := ""
	switch id.Kind {
	case aws.User:
		arn = id.ARN
	case aws.AssumedRole, aws.FederatedUser:
		arn = id.RoleARN
	default:
		return p, nil
	}
	e, err := s.Entity(ctx, arn)
	if err != nil {
		return p, err
	}
	switch {
	case e != nil && same(e, id):
		p.Identity, p.Boundary = e.Identity, e.Boundary
	case id.Kind == aws.FederatedUser && strings.HasSuffix(arn, ":root"):
		p.Identity = s.everything // whom the root user vouches for is limited by the session's policies alone
	}
	for _, text := range id.SessionPolicies {
		d, err := s.cache.compile(policy.Session, text)
		if err != nil {
			return p, fmt.Errorf("iam: session policy of %s: %w", id.ARN, err)
		}
		p.Session = append(p.Session, d)
	}
	for _, arn := range id.SessionPolicyARNs {
		d, err := s.sessionPolicy(ctx, id.Account, arn)
		if err != nil {
			return p, err
		}
		p.Session = append(p.Session, d)
	}
	p.Limited = len(p.Session) > 0
	return p, nil
}

// same reports whether the entity is still the one that the identity was made for, and not another of its name.
func same(e *policy.Entity, id *aws.Identity) bool {
	own, _, _ := strings.Cut(id.PrincipalID, ":")
	return id.Kind == aws.FederatedUser || own == e.ID
}

// sessionPolicy returns a managed policy that limits a session, as it stands now.
func (s *Service) sessionPolicy(ctx context.Context, account, arn string) (*policy.Document, error) {
	r, err := parsePolicyARN(account, arn)
	if err != nil {
		return emptyDocument(), nil // it allows nothing
	}
	if m := s.awsPolicy(r); r.from == fromAWS && m != nil {
		return m.Compiled(), nil
	}
	e, ok, change := lookup(&s.cache, account, entitiesOf, arn)
	if !ok {
		d, err := view(ctx, s, account, func(c *scope) (*policy.Document, error) {
			return s.managedDocument(c, r.from, lowerName(r.name))
		})
		if err != nil {
			return nil, err
		}
		e = &policy.Entity{ARN: arn, Identity: []*policy.Document{d}}
		fill(&s.cache, account, change, entitiesOf, arn, e)
	}
	return e.Identity[0], nil
}

// ManagedPolicy reports whether a managed policy exists, for an account that wants to limit a session by it.
func (s *Service) ManagedPolicy(ctx context.Context, account, arn string) (bool, error) {
	return view(ctx, s, account, func(c *scope) (bool, error) {
		_, err := s.attachable(c, arn)
		if aws.CodeOf(err) == "NoSuchEntity" || aws.CodeOf(err) == "InvalidInput" {
			return false, nil
		}
		return err == nil, err
	})
}

// resourcePolicy sets the resource's policy for one of the accesses.
func (s *Service) resourcePolicy(p *policy.Policies, a *aws.Access) error {
	p.Resource, p.Decisive = nil, false
	kind := policy.Resource
	if strings.HasPrefix(a.Action, "sts:") && strings.HasPrefix(a.Resource, "arn:aws:iam:") {
		kind, p.Decisive = policy.Trust, true // without a trust policy there is no such role
	}
	if a.ResourcePolicy == "" {
		return nil
	}
	if strings.HasPrefix(a.Resource, "arn:aws:kms:") {
		p.Decisive = true
	}
	d, err := s.cache.compile(kind, a.ResourcePolicy)
	if err != nil {
		return fmt.Errorf("iam: policy of %s: %w", a.Resource, err)
	}
	p.Resource = d
	return nil
}

// noteUse remembers that an access key, or the role of a session, was used.
func (s *Service) noteUse(id *aws.Identity, action string, now time.Time) {
	name, _, _ := strings.Cut(action, ":")
	switch id.Kind {
	case aws.User:
		if id.AccessKey != "" && id.TokenIssued.IsZero() {
			s.used.note(id.Account, id.AccessKey, name, id.Region, now)
		}
	case aws.AssumedRole:
		role, _, _ := strings.Cut(id.PrincipalID, ":")
		s.used.note(id.Account, role, name, id.Region, now)
	}
}

// refusals says how each service spells a denial (that of iam:PassRole too, by the operation that it is needed for); "" is for all others. The JSON services of AWS answer 400.
var refusals = map[string]struct {
	code   string
	status int
}{
	"":                        {"AccessDenied", http.StatusForbidden},
	"apigateway":              {"AccessDeniedException", http.StatusForbidden},
	"application-autoscaling": {"AccessDeniedException", http.StatusBadRequest},
	"batch":                   {"AccessDeniedException", http.StatusForbidden},
	"cognito-idp":             {"AccessDeniedException", http.StatusBadRequest},
	"dynamodb":                {"AccessDeniedException", http.StatusBadRequest},
	"ecr":                     {"AccessDeniedException", http.StatusBadRequest},
	"ecs":                     {"AccessDeniedException", http.StatusBadRequest},
	"events":                  {"AccessDeniedException", http.StatusBadRequest},
	"firehose":                {"AccessDeniedException", http.StatusBadRequest},
	"kinesis":                 {"AccessDeniedException", http.StatusBadRequest},
	"kms":                     {"AccessDeniedException", http.StatusBadRequest},
	"lambda":                  {"AccessDeniedException", http.StatusForbidden},
	"logs":                    {"AccessDeniedException", http.StatusBadRequest},
	"pipes":                   {"AccessDeniedException", http.StatusForbidden},
	"scheduler":               {"AccessDeniedException", http.StatusForbidden},
	"schemas":                 {"AccessDeniedException", http.StatusForbidden},
	"secretsmanager":          {"AccessDeniedException", http.StatusBadRequest},
	"sns":                     {"AuthorizationError", http.StatusForbidden},
	"ssm":                     {"AccessDeniedException", http.StatusBadRequest},
	"states":                  {"AccessDeniedException", http.StatusBadRequest},
	"wafv2":                   {"AccessDeniedException", http.StatusBadRequest},
	"xray":                    {"AccessDeniedException", http.StatusForbidden},
}

func denied(action, message string) error {
	name, _, _ := strings.Cut(action, ":")
	r, ok := refusals[name]
	if !ok {
		r = refusals[""]
	}
	return aws.Errorf(r.code, r.status, "%s", message)
}
