package policy

import "strings"

// Document is a parsed and checked policy. It is immutable and may be used by many goroutines.
type Document struct {
	version    string
	id         string
	statements []statement
}

// statement is a compiled Statement element:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_statement.html
type statement struct {
	sid           string
	deny          bool
	actions       []action
	notAction     bool
	resources     []arnPattern
	notResource   bool
	hasResource   bool
	principals    []principal
	notPrincipal  bool
	hasPrincipal  bool
	conditions    []condition
	resourceTexts []string // as written, for the checks
	actionTexts   []string
	start, end    int // where it stands in the text
}

// Statements is the number of statements.
func (d *Document) Statements() int { return len(d.statements) }

// Version is the version of the policy language that the document is written in.
func (d *Document) Version() string { return d.version }

// PrincipalARNs returns the user, role and session ARNs that the document's Principal and NotPrincipal elements name,
// which IAM checks for existence when it stores a trust policy.
func (d *Document) PrincipalARNs() []string {
	var out []string
	for i := range d.statements {
		for _, p := range d.statements[i].principals {
			if p.kind == principalARN {
				out = append(out, p.value)
			}
		}
	}
	return out
}

// ContextKeys returns the condition keys and policy variables that the document uses, each once and in order, as
// iam:GetContextKeysForCustomPolicy lists them.
func (d *Document) ContextKeys() []string {
	var out []string
	seen := map[string]bool{}
	add := func(name string) {
		if l := strings.ToLower(name); !seen[l] {
			seen[l] = true
			out = append(out, name)
		}
	}
	vars := func(g *glob) {
		for _, t := range g.toks {
			if t.kind == tokVar {
				add(t.v.key.name)
			}
		}
	}
	for i := range d.statements {
		s := &d.statements[i]
		for j := range s.resources {
			s.resources[j].each(vars)
		}
		for j := range s.conditions {
			c := &s.conditions[j]
			add(c.key.name)
			for k := range c.globs {
				vars(&c.globs[k])
			}
			for k := range c.arns {
				c.arns[k].each(vars)
			}
		}
	}
	return out
}

// Span is where a statement stands in the text of its document, in bytes.
type Span struct{ Start, End int }

// Matching returns the statements that apply to the request, those that deny or those that allow. resourceBased says
// that the document is the policy of the resource, whose Principal elements count.
func (d *Document) Matching(r *Request, deny, resourceBased bool) []Span {
	e := evaluation{r: r}
	e.arn, e.isARN = splitARN(r.Resource)
	var out []Span
	for i := range d.statements {
		s := &d.statements[i]
		if s.deny != deny {
			continue
		}
		if _, ok := s.applies(&e, resourceBased); ok {
			out = append(out, Span{s.start, s.end})
		}
	}
	return out
}

// Size counts the characters that IAM counts against its quotas: all but white space.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html#reference_iam-quotas-entity-length
func Size(document string) int {
	n := 0
	for _, r := range document {
		if r != ' ' && r != '\t' && r != '\n' && r != '\r' {
			n++
		}
	}
	return n
}

// applies reports whether the statement is about the request; g is how its Principal named the caller, which matters
// only in resource-based policies.
func (s *statement) applies(e *evaluation, resourceBased bool) (g grant, ok bool) {
	if !s.matchesAction(e.r.Action) || !s.matchesResource(e) {
		return grantNone, false
	}
	if resourceBased {
		if g = s.names(e.r); g == grantNone {
			return grantNone, false
		}
	}
	for i := range s.conditions {
		if !s.conditions[i].holds(e) {
			return grantNone, false
		}
	}
	return g, true
}

func (s *statement) matchesAction(a string) bool {
	for i := range s.actions {
		if s.actions[i].match(a) {
			return !s.notAction
		}
	}
	return s.notAction
}

func (s *statement) matchesResource(e *evaluation) bool {
	if !s.hasResource {
		return true // trust policies, and resource-based policies of services that leave it out
	}
	e.unresolved = false
	for i := range s.resources {
		if s.resources[i].match(e.r.Resource, &e.arn, e.isARN, e) {
			return !s.notResource
		}
		if e.r.Also == "" {
			continue
		}
		if arn, is := splitARN(e.r.Also); s.resources[i].match(e.r.Also, &arn, is, e) {
			return !s.notResource
		}
	}
	return s.notResource && !e.unresolved
}

func (s *statement) names(r *Request) grant {
	switch {
	case !s.hasPrincipal:
		return grantNone
	case !s.notPrincipal:
		return granted(s.principals, r)
	case s.deny:
		if excepts(s.principals, r) {
			return grantNone
		}
		return grantDirect
	}
	if granted(s.principals, r) != grantNone {
		return grantNone
	}
	return grantDirect
}
