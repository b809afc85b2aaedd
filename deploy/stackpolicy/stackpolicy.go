// Package stackpolicy reads the policies that protect the resources of a stack: what updates may do to which of them. Once
// there is a policy, what it does not allow is denied.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/protect-stack-resources.html
package stackpolicy

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/brume-dev/brume/aws"
)

func invalid(format string, args ...any) error {
	return aws.Errorf("ValidationError", 400, format, args...)
}

// The actions of stack policies.
const (
	Modify  = "Update:Modify"
	Replace = "Update:Replace"
	Delete  = "Update:Delete"
)

// Policy is a stack policy.
type Policy struct{ Statement oneOrMore[statement] }

type statement struct {
	Effect      string
	Principal   any
	Action      oneOrMore[string]
	NotAction   oneOrMore[string]
	Resource    oneOrMore[string]
	NotResource oneOrMore[string]
	Condition   map[string]map[string]oneOrMore[string]
}

// oneOrMore is a value or a list of them.
type oneOrMore[T any] []T

// UnmarshalJSON is part of json.Unmarshaler.
func (l *oneOrMore[T]) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '[' {
		return json.Unmarshal(b, (*[]T)(l))
	}
	var one T
	err := json.Unmarshal(b, &one)
	*l = oneOrMore[T]{one}
	return err
}

// Read reads a policy; its errors are ValidationErrors.
func Read(text string) (*Policy, error) {
	p := new(Policy)
	if err := json.Unmarshal([]byte(text), p); err != nil {
		return nil, invalid("Error validating stack policy: Invalid stack policy: %v", err)
	}
	if len(p.Statement) == 0 {
		return nil, invalid("Error validating stack policy: Stack policy must have at least one statement")
	}
	for _, st := range p.Statement {
		if err := st.check(); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (st *statement) check() error {
	if st.Effect != "Allow" && st.Effect != "Deny" {
		return invalid("Error validating stack policy: Invalid effect: %s", st.Effect)
	}
	if p, ok := st.Principal.(string); !ok || p != "*" {
		return invalid("Error validating stack policy: Principal must be *")
	}
	if (len(st.Action) == 0) == (len(st.NotAction) == 0) || (len(st.Resource) == 0) == (len(st.NotResource) == 0) {
		return invalid("Error validating stack policy: A statement needs one of Action and NotAction, and one of Resource and NotResource")
	}
	for _, a := range append(slices.Clone(st.Action), st.NotAction...) {
		if !slices.Contains([]string{Modify, Replace, Delete, "Update:*"}, a) {
			return invalid("Error validating stack policy: Unknown action: %s", a)
		}
	}
	for _, r := range append(slices.Clone(st.Resource), st.NotResource...) {
		if r != "*" && !strings.HasPrefix(r, "LogicalResourceId/") {
			return invalid("Error validating stack policy: Unknown resource: %s", r)
		}
	}
	for operator, keys := range st.Condition {
		for key := range keys {
			if operator != "StringEquals" && operator != "StringLike" || key != "ResourceType" {
				return invalid("Error validating stack policy: Unknown condition: %s of %s", operator, key)
			}
		}
	}
	return nil
}

// Glob reports whether text fits one of the patterns, in which * stands for anything.
func Glob(patterns []string, text string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return globOne(p, text) })
}

func globOne(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == text
	}
	rest, ok := strings.CutPrefix(text, parts[0])
	if !ok {
		return false
	}
	for _, part := range parts[1 : len(parts)-1] {
		i := strings.Index(rest, part)
		if i < 0 {
			return false
		}
		rest = rest[i+len(part):]
	}
	return strings.HasSuffix(rest, parts[len(parts)-1])
}

func (st *statement) speaks(action, logical, kind string) bool {
	name := "LogicalResourceId/" + logical
	if len(st.Action) > 0 && !Glob(st.Action, action) || len(st.NotAction) > 0 && Glob(st.NotAction, action) ||
		len(st.Resource) > 0 && !Glob(st.Resource, name) || len(st.NotResource) > 0 && Glob(st.NotResource, name) {
		return false
	}
	for operator, keys := range st.Condition {
		types := keys["ResourceType"]
		if operator == "StringEquals" && !slices.Contains(types, kind) || operator == "StringLike" && !Glob(types, kind) {
			return false
		}
	}
	return true
}

// Denies returns the error for an action that the policy does not allow.
func (p *Policy) Denies(action, logical, kind string) error {
	allowed := false
	for i, st := range p.Statement {
		if !st.speaks(action, logical, kind) {
			continue
		}
		if st.Effect == "Deny" {
			return invalid("Action denied by stack policy: Statement [#%d] does not allow [%s] for resource [LogicalResourceId/%s]", i+1, action, logical)
		}
		allowed = true
	}
	if !allowed {
		return invalid("Action denied by stack policy: no statement allows [%s] for resource [LogicalResourceId/%s]", action, logical)
	}
	return nil
}
