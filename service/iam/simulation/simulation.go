// Package simulation tries requests against policies without making them: what SimulateCustomPolicy and
// SimulatePrincipalPolicy have in common.
package simulation

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/brume-dev/brume/api/iamapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/policy"
)

// Simulation is a set of policies, and requests to try.
type Simulation struct {
	policies  policy.Policies
	sources   []Source
	actions   []string
	resources []string
	request   policy.Request
}

// Source is a policy with the name that results give it.
type Source struct {
	ID   string
	Kind iamapi.PolicySourceType
	Doc  *policy.Document
	// Text is the document, "" when its positions are of no interest.
	Text string

	resourceBased bool
}

func invalidInput(format string, args ...any) error {
	return &iamapi.InvalidInputException{Message: fmt.Sprintf(format, args...)}
}

// New sets up the requests that caller would make, or the user or role callerARN: each action on each resource.
func New(caller *aws.Identity, callerARN *string, actions, resources []string, entries []iamapi.ContextEntry, now time.Time) (*Simulation, error) {
	if callerARN != nil {
		a, err := aws.ParseARN(*callerARN)
		if err != nil {
			return nil, invalidInput("Invalid caller ARN: %s", *callerARN)
		}
		caller.ARN, caller.Account = *callerARN, a.Account
		if path, ok := strings.CutPrefix(a.Resource, "user/"); ok {
			caller.Name = path[strings.LastIndexByte(path, '/')+1:]
		}
	}
	m := &Simulation{actions: actions, resources: resources}
	if len(m.resources) == 0 {
		m.resources = []string{"*"}
	}
	m.request = policy.Request{Identity: caller, Now: now, Context: map[string][]string{}, Simulated: true}
	for _, e := range entries {
		if e.ContextKeyName != nil {
			m.request.Context[*e.ContextKeyName] = e.ContextKeyValues
		}
	}
	for _, a := range actions {
		if _, name, ok := strings.Cut(a, ":"); !ok || name == "" || strings.ContainsAny(a, "*?") {
			return nil, invalidInput("Invalid action: %s", a)
		}
	}
	return m, nil
}

// Add adds policies that are there already, of the identity.
func (m *Simulation) Add(sources ...Source) {
	for _, src := range sources {
		m.sources = append(m.sources, src)
		m.policies.Identity = append(m.policies.Identity, src.Doc)
	}
}

// Parse adds policies of the identity given as text.
func (m *Simulation) Parse(texts []string) error {
	return m.add("PolicyInputList", texts, &m.policies.Identity)
}

// Organize adds service control policies given as text, level by level.
func (m *Simulation) Organize(levels []iamapi.OrderedOrganizationPolicyType) error {
	for _, level := range levels {
		var docs []*policy.Document
		if err := m.add("OrderedOrganizationPolicyInputList", level.ServiceControlPolicyInputList, &docs); err != nil {
			return err
		}
		m.policies.Service = append(m.policies.Service, docs)
	}
	return nil
}

// add parses policies given as text.
func (m *Simulation) add(list string, texts []string, to *[]*policy.Document) error {
	for i, text := range texts {
		d, err := policy.Parse(policy.Inline, text)
		if err != nil {
			return invalidInput("%s.%d: %s", list, i+1, err)
		}
		*to = append(*to, d)
		m.sources = append(m.sources, Source{ID: fmt.Sprintf("%s.%d", list, i+1), Text: text,
			Kind: iamapi.PolicySourceTypeNone, Doc: d})
	}
	return nil
}

// Limit sets the permissions boundary: the one given as text, else the one that is there, which may be nil.
func (m *Simulation) Limit(there *policy.Document, texts []string) error {
	m.policies.Boundary = there
	if len(texts) > 1 {
		return invalidInput("PermissionsBoundaryPolicyInputList must contain at most one policy.")
	}
	var docs []*policy.Document
	if err := m.add("PermissionsBoundaryPolicyInputList", texts, &docs); err != nil || len(docs) == 0 {
		return err
	}
	m.policies.Boundary = docs[0]
	return nil
}

// Resource sets the resource's policy and owner; the policy needs to know who calls.
func (m *Simulation) Resource(text, owner *string) error {
	if owner != nil {
		a, err := aws.ParseARN(*owner)
		if err != nil {
			return invalidInput("Invalid resource owner: %s", *owner)
		}
		m.request.ResourceAccount = a.Account
	}
	if text == nil {
		return nil
	}
	if m.request.Identity.ARN == "" {
		return invalidInput("CallerArn must be specified when ResourcePolicy is.")
	}
	d, err := policy.Parse(policy.Resource, *text)
	if err != nil {
		return invalidInput("ResourcePolicy: %s", err)
	}
	m.policies.Resource = d
	m.sources = append(m.sources, Source{ID: "ResourcePolicy", Text: *text, Kind: iamapi.PolicySourceTypeResource, Doc: d,
		resourceBased: true})
	return nil
}

// Len is the number of requests.
func (m *Simulation) Len() int { return len(m.actions) * len(m.resources) }

// Try makes request i.
func (m *Simulation) Try(i int) iamapi.EvaluationResult {
	return m.evaluate(m.actions[i/len(m.resources)], m.resources[i%len(m.resources)])
}

func (m *Simulation) evaluate(action, resource string) iamapi.EvaluationResult {
	r := m.request
	r.Action, r.Resource = action, resource
	d := policy.Evaluate(&m.policies, &r)
	res := iamapi.EvaluationResult{EvalActionName: action, EvalResourceName: new(resource),
		EvalDecision: iamapi.PolicyEvaluationDecisionTypeImplicitDeny, MatchedStatements: []iamapi.Statement{},
		MissingContextValues: m.missing()}
	switch {
	case d.Allowed:
		res.EvalDecision = iamapi.PolicyEvaluationDecisionTypeAllowed
	case d.Explicit:
		res.EvalDecision = iamapi.PolicyEvaluationDecisionTypeExplicitDeny
	}
	if d.Allowed || d.Explicit {
		for _, src := range m.sources {
			for _, span := range src.Doc.Matching(&r, d.Explicit, src.resourceBased) {
				res.MatchedStatements = append(res.MatchedStatements, src.statement(span))
			}
		}
	}
	if m.policies.Boundary != nil {
		allowed := len(m.policies.Boundary.Matching(&r, false, false)) > 0 && len(m.policies.Boundary.Matching(&r, true, false)) == 0
		res.PermissionsBoundaryDecisionDetail = &iamapi.PermissionsBoundaryDecisionDetail{AllowedByPermissionsBoundary: new(allowed)}
	}
	return res
}

// statement tells where in its policy a statement stands.
func (s *Source) statement(span policy.Span) iamapi.Statement {
	st := iamapi.Statement{SourcePolicyId: new(s.ID), SourcePolicyType: s.Kind}
	if span.End <= len(s.Text) {
		st.StartPosition, st.EndPosition = position(s.Text, span.Start), position(s.Text, span.End)
	}
	return st
}

func position(text string, at int) *iamapi.Position {
	before := text[:at]
	return &iamapi.Position{Line: new(int32(1 + strings.Count(before, "\n"))),
		Column: new(int32(at - strings.LastIndexByte(before, '\n')))}
}

// missing lists the condition keys that the policies use and the simulation has no value for.
func (m *Simulation) missing() []string {
	out := []string{}
	for _, src := range m.sources {
		for _, k := range src.Doc.ContextKeys() {
			same := func(o string) bool { return strings.EqualFold(o, k) }
			if !m.request.Has(k) && !slices.ContainsFunc(out, same) {
				out = append(out, k)
			}
		}
	}
	return out
}
