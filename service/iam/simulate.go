package iam

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/brume-dev/brume/api/iamapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/policy"
	"github.com/brume-dev/brume/service/iam/simulation"
	"github.com/brume-dev/brume/store"
)

func invalidInput(format string, args ...any) error {
	return &iamapi.InvalidInputException{Message: fmt.Sprintf(format, args...)}
}

// SimulateCustomPolicy says what a set of policies would decide.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulateCustomPolicy.html
func (s *Service) SimulateCustomPolicy(ctx context.Context, id aws.Identity, in *iamapi.SimulateCustomPolicyRequest) (*iamapi.SimulatePolicyResponse, error) {
	caller := &aws.Identity{Kind: aws.User, Account: id.Account, Region: id.Region}
	m, err := simulation.New(caller, in.CallerArn, in.ActionNames, in.ResourceArns, in.ContextEntries, s.clock.Now())
	if err != nil {
		return nil, err
	}
	err = cmp.Or(m.Parse(in.PolicyInputList), m.Organize(in.OrderedOrganizationPolicyInputList),
		m.Limit(nil, in.PermissionsBoundaryPolicyInputList), m.Resource(in.ResourcePolicy, in.ResourceOwner))
	if err != nil {
		return nil, err
	}
	return simulate(m, newPage(in.Marker, in.MaxItems))
}

// SimulatePrincipalPolicy says what the policies of a user, group or role would decide, with further ones.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
func (s *Service) SimulatePrincipalPolicy(ctx context.Context, id aws.Identity, in *iamapi.SimulatePrincipalPolicyRequest) (*iamapi.SimulatePolicyResponse, error) {
	a, err := aws.ParseARN(in.PolicySourceArn)
	if err != nil || a.Service != service || a.Account != id.Account {
		return nil, invalidInput("Invalid Entity Arn: %s does not clearly define entity type and name.", in.PolicySourceArn)
	}
	caller, sources, boundary, err := s.principalSources(ctx, id, a)
	if err != nil {
		return nil, err
	}
	m, err := simulation.New(caller, in.CallerArn, in.ActionNames, in.ResourceArns, in.ContextEntries, s.clock.Now())
	if err != nil {
		return nil, err
	}
	m.Add(sources...)
	err = cmp.Or(m.Parse(in.PolicyInputList), m.Limit(boundary, in.PermissionsBoundaryPolicyInputList),
		m.Resource(in.ResourcePolicy, in.ResourceOwner))
	if err != nil {
		return nil, err
	}
	return simulate(m, newPage(in.Marker, in.MaxItems))
}

// simulate tries the requests of one page.
func simulate(m *simulation.Simulation, p *page) (*iamapi.SimulatePolicyResponse, error) {
	from, to, err := p.slice(m.Len(), func(i int) string { return fmt.Sprintf("%09d", i) })
	if err != nil {
		return nil, err
	}
	out := &iamapi.SimulatePolicyResponse{EvaluationResults: []iamapi.EvaluationResult{}}
	for i := from; i < to; i++ {
		out.EvaluationResults = append(out.EvaluationResults, m.Try(i))
	}
	out.IsTruncated, out.Marker = p.result()
	return out, nil
}

// principalSources returns the policies of a user (with its groups), group or role, each with its name.
func (s *Service) principalSources(ctx context.Context, id aws.Identity, a aws.ARN) (*aws.Identity, []simulation.Source, *policy.Document, error) {
	caller := &aws.Identity{Kind: aws.User, Account: id.Account, Region: id.Region, ARN: a.String()}
	k, name := kindOf(a)
	if rest, ok := strings.CutPrefix(a.Resource, "group/"); ok {
		k, name = kindGroup, rest[strings.LastIndexByte(rest, '/')+1:]
	}
	if k == nil {
		return nil, nil, nil, invalidInput("Invalid Entity Arn: %s does not clearly define entity type and name.", a)
	}
	type found struct {
		sources  []simulation.Source
		boundary *policy.Document
	}
	f, err := view(ctx, s, id.Account, func(c *scope) (f found, err error) {
		e, err := c.get(k, name)
		if err != nil {
			return f, err
		}
		caller.PrincipalID = e.ID
		if k == kindUser {
			caller.Name = e.Name
		}
		if err := s.sourcesOf(c, k, e, &f.sources); err != nil {
			return f, err
		}
		err = c.eachID(c.groupsOf(e.ID), func(id string) error {
			_, g, err := c.byID(id)
			if err != nil || g == nil {
				return err
			}
			return s.sourcesOf(c, kindGroup, g, &f.sources)
		})
		if err != nil || e.Boundary == "" {
			return f, err
		}
		r, err := parsePolicyARN(c.account, e.Boundary)
		if err == nil {
			f.boundary, err = s.managedDocument(c, r.from, lowerName(r.name))
		}
		return f, err
	})
	return caller, f.sources, f.boundary, err
}

// sourcesOf adds the policies of one entity.
func (s *Service) sourcesOf(c *scope, k *kind, e *entity, to *[]simulation.Source) error {
	kinds := map[*kind]iamapi.PolicySourceType{kindUser: iamapi.PolicySourceTypeUser, kindGroup: iamapi.PolicySourceTypeGroup,
		kindRole: iamapi.PolicySourceTypeRole}
	err := c.eachInline(e, func(name, text string) error {
		d, err := policy.Parse(policy.Inline, text)
		*to = append(*to, simulation.Source{ID: k.name + "_" + e.Name + "_" + name, Text: text, Kind: kinds[k], Doc: d})
		return err
	})
	if err != nil {
		return err
	}
	return c.keys(c.attachments(e.ID), &page{size: maxAttached}, func(el *store.Elements, _ store.Value) (bool, error) {
		from, lower := el.Text(), el.Text()
		d, err := s.managedDocument(c, from, lower)
		if err != nil {
			return false, err
		}
		name, _, _, err := s.managedPolicy(c, from, lower)
		typ := iamapi.PolicySourceTypeUserManaged
		if from == fromAWS {
			typ = iamapi.PolicySourceTypeAwsManaged
		}
		*to = append(*to, simulation.Source{ID: name, Kind: typ, Doc: d})
		return true, err
	})
}
