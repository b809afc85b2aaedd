// Package grant is resource policies as Lambda keeps them: of functions, their versions and aliases, and of the versions
// of layers. Lambda writes the statements itself.
//
// https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html
package grant

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/service/lambda/fault"
)

// maxPolicy is the size of a resource policy in bytes.
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const maxPolicy = 20_480

// Policy is a resource policy. A nil one has no statements.
type Policy struct {
	Revision   string      `cbor:"1,keyasint"`
	Statements []Statement `cbor:"2,keyasint,omitempty"`
}

// Statement is one of them.
type Statement struct {
	ID   string `cbor:"1,keyasint"`
	Text string `cbor:"2,keyasint"` // JSON
}

// Document is the policy as a whole, "" when it has no statement.
func (p *Policy) Document() string {
	if p == nil || len(p.Statements) == 0 {
		return ""
	}
	texts := make([]string, len(p.Statements))
	for i, st := range p.Statements {
		texts[i] = st.Text
	}
	return `{"Version":"2012-10-17","Id":"default","Statement":[` + strings.Join(texts, ",") + `]}`
}

// Add adds a statement. known is the revision that the caller knows, nil for any; revision is the new one, and get names
// the operation that tells it.
func (p *Policy) Add(st Statement, known *string, revision, get string) error {
	if known != nil && *known != p.Revision {
		return fault.StaleRevision(get)
	}
	if slices.ContainsFunc(p.Statements, func(have Statement) bool { return have.ID == st.ID }) {
		return fault.Conflict("The statement id (%s) provided already exists. Please provide a new statement id, or remove the existing statement.", st.ID)
	}
	p.Statements, p.Revision = append(p.Statements, st), revision
	if len(p.Document()) > maxPolicy {
		return &lambdaapi.PolicyLengthExceededException{Type: fault.User(), Message: "The final policy size is bigger than the limit (20480)."}
	}
	return nil
}

// Remove removes a statement, like Add.
func (p *Policy) Remove(id string, known *string, revision, get string) error {
	if len(p.Statements) == 0 {
		return fault.NotFound("No policy is associated with the given resource.")
	}
	if known != nil && *known != p.Revision {
		return fault.StaleRevision(get)
	}
	i := slices.IndexFunc(p.Statements, func(st Statement) bool { return st.ID == id })
	if i < 0 {
		return fault.NotFound("Statement %s is not found in resource policy.", id)
	}
	p.Statements, p.Revision = slices.Delete(p.Statements, i, i+1), revision
	return nil
}

// Permission is a statement as Lambda writes it.
type Permission struct {
	Sid       string                       `json:"Sid"`
	Effect    string                       `json:"Effect"`
	Principal any                          `json:"Principal"`
	Action    string                       `json:"Action"`
	Resource  string                       `json:"Resource"`
	Condition map[string]map[string]string `json:"Condition,omitempty"`
}

var accountPattern = regexp.MustCompile(`^\d{12}$`)

// New returns the permission for a principal: "*", an account, an ARN or a service.
func New(id, principal, action, resource string) (*Permission, error) {
	p := &Permission{Sid: id, Effect: "Allow", Action: action, Resource: resource}
	switch {
	case principal == "*":
		p.Principal = "*"
	case accountPattern.MatchString(principal):
		p.Principal = map[string]string{"AWS": "arn:aws:iam::" + principal + ":root"}
	case strings.HasPrefix(principal, "arn:"):
		p.Principal = map[string]string{"AWS": principal}
	case strings.Contains(principal, "."):
		p.Principal = map[string]string{"Service": principal}
	default:
		return nil, fault.Invalid("The provided principal was invalid. Please check the principal and try again.")
	}
	return p, nil
}

// Where adds a condition; one without a value is none.
func (p *Permission) Where(operator, key string, value *string) {
	if value == nil || *value == "" {
		return
	}
	if p.Condition == nil {
		p.Condition = map[string]map[string]string{}
	}
	if p.Condition[operator] == nil {
		p.Condition[operator] = map[string]string{}
	}
	p.Condition[operator][key] = *value
}

// Statement writes the permission down.
func (p *Permission) Statement() Statement {
	b, _ := json.Marshal(p) // texts: cannot fail
	return Statement{ID: p.Sid, Text: string(b)}
}
