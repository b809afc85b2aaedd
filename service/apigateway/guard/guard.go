// Package guard is Lambda authorizers: what a function is asked about a caller, and what its answer lets the caller do.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-use-lambda-authorizer.html
package guard

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/brume-dev/brume/api/apigatewayapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/policy"
)

// Limits, https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html and
// the documentation of CreateAuthorizer.
const (
	usualLife   = 300 * time.Second // of an answer
	MaxLife     = 3600              // seconds
	Patience    = 30 * time.Second  // for the function
	maxVerdicts = 10000             // that are remembered for a stage
)

// Authorizer is a compiled authorizer. It never changes.
type Authorizer struct {
	ID, URI, Credentials string
	Token                bool // TOKEN, else REQUEST
	Sources              []Source
	Life                 time.Duration // of an answer; 0: each request asks
	token                *regexp.Regexp
}

// Source is where a part of the caller's identity stands: Kind is header, querystring, stageVariables or context.
type Source struct{ Kind, Name string }

var sourceForm = regexp.MustCompile(`^(?:method\.request\.(header|querystring)|(stageVariables)|(context))\.([^\s,]+)$`)

// Compile checks an authorizer and compiles it.
func Compile(a *apigatewayapi.Authorizer) (*Authorizer, error) {
	g := &Authorizer{ID: text(a.Id), URI: text(a.AuthorizerUri), Credentials: text(a.AuthorizerCredentials),
		Token: a.Type == apigatewayapi.AuthorizerTypeToken, Life: usualLife}
	if n := a.AuthorizerResultTtlInSeconds; n != nil {
		g.Life = time.Duration(*n) * time.Second
	}
	for part := range strings.SplitSeq(text(a.IdentitySource), ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		m := sourceForm.FindStringSubmatch(part)
		if m == nil {
			return nil, fmt.Errorf("Invalid identity source: %s", part) //nolint:staticcheck // a text for the client
		}
		g.Sources = append(g.Sources, Source{m[1] + m[2] + m[3], m[4]})
	}
	if g.Token && (len(g.Sources) != 1 || g.Sources[0].Kind != "header") {
		return nil, errors.New("Identity source for TOKEN authorizers must be of the form method.request.header.<name>") //nolint:staticcheck // a text for the client
	}
	if e := text(a.IdentityValidationExpression); e != "" {
		re, err := regexp.Compile(`^(?:` + e + `)$`)
		if err != nil {
			return nil, fmt.Errorf("Invalid identity validation expression specified: %s", e) //nolint:staticcheck // a text for the client
		}
		g.token = re
	}
	return g, nil
}

// Identify gathers the caller's identity from its sources; ok is false when something is missing, or a token has not the
// form that it must have: such a request is refused without asking.
func (g *Authorizer) Identify(find func(Source) (string, bool)) (values []string, ok bool) {
	for _, s := range g.Sources {
		v, there := find(s)
		if !there || v == "" {
			return nil, false
		}
		values = append(values, v)
	}
	if g.Token && g.token != nil && !g.token.MatchString(values[0]) {
		return nil, false
	}
	return values, true
}

// Verdict is what the function says of a caller.
type Verdict struct {
	Principal string
	Context   map[string]string
	UsageKey  string // the API key that the request counts for
	policy    *policy.Document
}

// Read reads the function's answer.
func Read(answer []byte) (*Verdict, error) {
	var in struct {
		PrincipalID    *string         `json:"principalId"`
		PolicyDocument json.RawMessage `json:"policyDocument"`
		Context        map[string]any  `json:"context"`
		UsageKey       string          `json:"usageIdentifierKey"`
	}
	if err := json.Unmarshal(answer, &in); err != nil {
		return nil, fmt.Errorf("Invalid JSON in response: %w", err) //nolint:staticcheck // a text for the client's log
	}
	if in.PrincipalID == nil || *in.PrincipalID == "" {
		return nil, errors.New("the authorizer's answer has no principalId")
	}
	doc, err := policy.Parse(policy.Inline, string(in.PolicyDocument))
	if err != nil {
		return nil, fmt.Errorf("Invalid policy document: %w", err) //nolint:staticcheck // a text for the client's log
	}
	v := &Verdict{Principal: *in.PrincipalID, Context: map[string]string{}, UsageKey: in.UsageKey, policy: doc}
	for name, value := range in.Context {
		switch value := value.(type) {
		case string:
			v.Context[name] = value
		case bool, float64:
			b, _ := json.Marshal(value) // of a scalar
			v.Context[name] = string(b)
		case nil:
		default:
			return nil, fmt.Errorf("the context value %s is no text, number or boolean", name)
		}
	}
	return v, nil
}

// Allows decides together with the API's resource policy, which may be nil: what either denies is denied, what either
// allows is allowed. explicit says that something denies it by name.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-authorization-flow.html
func (v *Verdict) Allows(resource *policy.Document, arn string, request aws.Request, account string, now time.Time) (allowed, explicit bool) {
	id := aws.Identity{Kind: aws.User, Account: account, PrincipalID: v.Principal, Request: request}
	d := policy.Evaluate(&policy.Policies{Identity: []*policy.Document{v.policy}, Resource: resource},
		&policy.Request{Identity: &id, Action: "execute-api:Invoke", Resource: arn, ResourceAccount: account, Now: now})
	return d.Allowed, d.Explicit
}

// Denied reports whether the API's resource policy denies the request by name: then nobody is asked.
func Denied(resource *policy.Document, arn string, request aws.Request, account string, now time.Time) bool {
	if resource == nil {
		return false
	}
	id := aws.Identity{Kind: aws.Anonymous, Account: account, Request: request}
	d := policy.Evaluate(&policy.Policies{Resource: resource, Decisive: true},
		&policy.Request{Identity: &id, Action: "execute-api:Invoke", Resource: arn, ResourceAccount: account, Now: now})
	return !d.Allowed && d.Explicit
}

// Memory remembers verdicts for as long as they live. The zero value is ready.
type Memory struct {
	mu   sync.Mutex
	kept map[string]remembered
}

type remembered struct {
	verdict *Verdict
	until   time.Time
}

// Key is what a verdict is remembered by.
func Key(id string, values []string) string { return id + "\x00" + strings.Join(values, "\x00") }

// Find returns what is remembered.
func (m *Memory) Find(key string, now time.Time) *Verdict {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r, ok := m.kept[key]; ok && now.Before(r.until) {
		return r.verdict
	}
	return nil
}

// Keep remembers a verdict.
func (m *Memory) Keep(key string, v *Verdict, until time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.kept == nil || len(m.kept) >= maxVerdicts {
		m.kept = map[string]remembered{}
	}
	m.kept[key] = remembered{v, until}
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
