package policy

import (
	"errors"
	"fmt"
	"strings"
)

// Kind is what a document is attached to, which decides what it may contain and in which words it is refused.
type Kind uint8

const (
	// Managed is a managed policy, also one used as a permissions boundary.
	Managed Kind = iota
	// Inline is a policy embedded in a user, group or role.
	Inline
	// Session is a policy passed to AssumeRole or GetFederationToken.
	Session
	// Trust is a role's trust policy.
	Trust
	// Resource is the policy of any other resource: a queue, a bucket, a key, a function, an API.
	Resource
)

func (k Kind) identity() bool { return k <= Session }

// Malformed is what is wrong with a document, in AWS's words. Services give it their code, MalformedPolicyDocument or
// another.
type Malformed struct{ Message string }

func (m *Malformed) Error() string { return m.Message }

func malformed(format string, args ...any) error { return &Malformed{fmt.Sprintf(format, args...)} }

// Texts of IAM and STS for MalformedPolicyDocument.
const (
	textSyntax       = "Syntax errors in policy."
	textLegacy       = "The policy failed legacy parsing"
	textBadJSON      = "This policy contains invalid Json"
	textLeadingSpace = "JSON strings must not have leading spaces"
)

// Parse compiles a document and checks it as AWS does before it stores one of that kind. The error is a *Malformed.
func Parse(kind Kind, document string) (*Document, error) {
	p := parser{kind: kind}
	root, err := readJSON(document)
	switch {
	case err != nil && errors.Is(err, errDuplicate):
		return nil, p.syntax("Duplicate field")
	case err != nil || root.kind != nodeObject:
		return nil, p.badJSON()
	case document[0] != '{':
		return nil, malformed(textLeadingSpace)
	}
	d, err := p.document(root)
	if err != nil {
		return nil, err
	}
	if err := p.check(d); err != nil {
		return nil, err
	}
	return d, nil
}

// parser reads the grammar of
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
type parser struct {
	kind Kind
	vars bool
}

func (p *parser) badJSON() error {
	if p.kind == Managed || p.kind == Inline {
		return malformed(textSyntax)
	}
	return malformed(textBadJSON)
}

// syntax is an error of the grammar: identity policies do not tell which, trust and resource policies do.
func (p *parser) syntax(format string, args ...any) error {
	if p.kind.identity() {
		return malformed(textSyntax)
	}
	return malformed(format, args...)
}

func (p *parser) document(root node) (*Document, error) {
	d := &Document{version: Version2008}
	var list node
	seen := false
	for _, f := range root.fields {
		switch f.name {
		case "Version":
			if f.value.kind != nodeString || f.value.text != Version2012 && f.value.text != Version2008 {
				return nil, malformed("The policy must contain a valid version string")
			}
			d.version = f.value.text
		case "Id":
			if f.value.kind != nodeString {
				return nil, p.syntax("Invalid field Id")
			}
			d.id = f.value.text
		case "Statement":
			list, seen = f.value, true
		default:
			return nil, p.syntax("Unknown field %s", f.name)
		}
	}
	if !seen {
		return nil, p.syntax("Missing required field Statement")
	}
	if list.kind == nodeObject {
		list = node{kind: nodeArray, items: []node{list}}
	}
	if list.kind != nodeArray || len(list.items) == 0 {
		return nil, p.syntax("Missing required field Statement")
	}
	p.vars = d.version == Version2012
	for _, n := range list.items {
		s, err := p.statement(n)
		if err != nil {
			return nil, err
		}
		d.statements = append(d.statements, s)
	}
	return d, nil
}

func (p *parser) statement(n node) (statement, error) {
	s := statement{start: n.start, end: n.end}
	if n.kind != nodeObject {
		return s, p.syntax("Invalid Statement")
	}
	effect := false
	for _, f := range n.fields {
		var err error
		switch f.name {
		case "Sid":
			if f.value.kind != nodeString {
				err = p.syntax("Invalid field Sid")
			}
			s.sid = f.value.text
		case "Effect":
			effect = true
			s.deny = f.value.text == "Deny"
			if f.value.kind != nodeString || !s.deny && f.value.text != "Allow" {
				err = p.syntax("Invalid effect: %s", f.value.text)
			}
		case "Action", "NotAction":
			err = p.actions(&s, f)
		case "Resource", "NotResource":
			err = p.resources(&s, f)
		case "Principal", "NotPrincipal":
			err = p.principals(&s, f)
		case "Condition":
			err = p.conditions(&s, f.value)
		default:
			err = p.syntax("Unknown field %s", f.name)
		}
		if err != nil {
			return s, err
		}
	}
	if !effect {
		return s, p.syntax("Missing required field Effect")
	}
	return s, nil
}

func (p *parser) actions(s *statement, f field) error {
	vals, ok := f.value.strings()
	if !ok || s.actions != nil {
		return p.syntax("Policy has invalid action")
	}
	s.notAction = f.name == "NotAction"
	s.actionTexts = vals
	s.actions = make([]action, len(vals))
	for i, v := range vals {
		s.actions[i] = compileAction(v)
	}
	return nil
}

func (p *parser) resources(s *statement, f field) error {
	if p.kind == Trust {
		return malformed("Has prohibited field %s", f.name)
	}
	vals, ok := f.value.strings()
	if !ok || s.hasResource {
		return p.syntax("Policy has invalid resource")
	}
	s.hasResource, s.notResource = true, f.name == "NotResource"
	s.resourceTexts = vals
	from := arnParts
	if p.vars {
		from = arnParts - 1
	}
	for _, v := range vals {
		s.resources = append(s.resources, compileARN(v, from))
	}
	return nil
}

func (p *parser) principals(s *statement, f field) error {
	if p.kind.identity() {
		return malformed("Policy document should not specify a principal.")
	}
	if s.hasPrincipal {
		return malformed("Invalid principal in policy")
	}
	ps, ok := compilePrincipals(f.value)
	if !ok {
		if f.value.kind == nodeString {
			return malformed("Invalid principal in policy: \"STAR\":\"%s\"", f.value.text)
		}
		return malformed("Invalid principal in policy")
	}
	s.hasPrincipal, s.notPrincipal, s.principals = true, f.name == "NotPrincipal", ps
	return nil
}

func (p *parser) conditions(s *statement, n node) error {
	if n.kind != nodeObject {
		return p.syntax("Invalid Condition")
	}
	for _, o := range n.fields {
		op, set, ifExists, ok := parseOperator(o.name)
		if !ok || o.value.kind != nodeObject {
			return p.syntax("Invalid Condition type : %s", o.name)
		}
		for _, k := range o.value.fields {
			vals, ok := k.value.scalars()
			if !ok {
				return p.syntax("Policy has an invalid condition value")
			}
			if !strings.Contains(k.name, ":") && p.kind.identity() {
				return malformed(textVendorPrefix)
			}
			c, ok := compileCondition(op, set, ifExists, k.name, vals, p.vars)
			if !ok && p.kind.identity() {
				return malformed(textLegacy)
			}
			s.conditions = append(s.conditions, c)
		}
	}
	return nil
}
