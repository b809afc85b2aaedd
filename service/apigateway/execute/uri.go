package execute

import (
	"encoding/json"
	"errors"
	"strings"
)

// CallerCredentials as an integration's credentials means those of the caller.
const CallerCredentials = "arn:aws:iam::*:user/*"

// URI is where an AWS integration goes:
// arn:aws:apigateway:{region}:{subdomain.service|service}:{path|action}/{service_api}.
type URI struct {
	Region, Subdomain, Service string
	Action                     bool   // a named action, else a path
	What                       string // the action, with a query string perhaps, or the path without its first slash
}

// ParseURI takes the URI of an AWS or AWS_PROXY integration apart. Its errors are AWS's texts.
func ParseURI(s string) (u URI, err error) {
	parts := strings.SplitN(s, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || parts[1] != "aws" || parts[2] != "apigateway" || parts[4] == "" {
		return u, errors.New("Invalid ARN specified in the request") //nolint:staticcheck // AWS's text
	}
	u.Region, u.Service = parts[3], parts[4]
	if i := strings.LastIndexByte(u.Service, '.'); i >= 0 && u.Service != "api.ecr" {
		u.Subdomain, u.Service = u.Service[:i], u.Service[i+1:]
	}
	if u.Service == "" {
		return u, errors.New("Invalid ARN specified in the request") //nolint:staticcheck // AWS's text
	}
	kind, what, ok := strings.Cut(parts[5], "/")
	if !ok || kind != "path" && kind != "action" || what == "" && kind == "action" {
		return u, errors.New("AWS ARN for integration must contain path or action")
	}
	u.Action, u.What = kind == "action", what
	return u, nil
}

// Function says whether the URI invokes a Lambda function.
func (u URI) Function() bool {
	return u.Service == "lambda" && !u.Action && strings.HasPrefix(u.What, "2015-03-31/functions/")
}

// substitute fills ${stageVariables.x} and {path parameters} in.
func substitute(s string, variables, path map[string]string, escape func(string) string) string {
	var b strings.Builder
	for s != "" {
		i := strings.IndexAny(s, "${")
		if i < 0 {
			break
		}
		b.WriteString(s[:i])
		s = s[i:]
		if rest, ok := strings.CutPrefix(s, "${stageVariables."); ok {
			if name, after, ok := strings.Cut(rest, "}"); ok {
				b.WriteString(variables[name])
				s = after
				continue
			}
		} else if s[0] == '{' {
			if name, after, ok := strings.Cut(s[1:], "}"); ok {
				if v, there := path[strings.TrimSuffix(name, "+")]; there {
					b.WriteString(escape(v))
					s = after
					continue
				}
			}
		}
		b.WriteByte(s[0])
		s = s[1:]
	}
	return b.String() + s
}

// ExpandPolicy writes the resources of a policy out that API Gateway lets be short: "execute-api:/stage/GET/path" stands for
// the API's own ARN, prefix, with that after it. A document that is no JSON comes back as it is.
func ExpandPolicy(document, prefix string) string {
	if !strings.Contains(document, `"execute-api:/`) && !strings.Contains(document, `"execute-api:*`) {
		return document
	}
	var doc any
	if json.Unmarshal([]byte(document), &doc) != nil {
		return document
	}
	policy, ok := doc.(map[string]any)
	if !ok {
		return document
	}
	statements, ok := policy["Statement"].([]any)
	if !ok {
		statements = []any{policy["Statement"]}
	}
	for _, s := range statements {
		statement, ok := s.(map[string]any)
		if !ok {
			continue
		}
		for _, member := range []string{"Resource", "NotResource"} {
			if v, ok := statement[member]; ok {
				statement[member] = expandResource(v, prefix)
			}
		}
	}
	b, err := json.Marshal(doc)
	if err != nil {
		return document
	}
	return string(b)
}

func expandResource(v any, prefix string) any {
	switch v := v.(type) {
	case string:
		if rest, ok := strings.CutPrefix(v, "execute-api:"); ok {
			return prefix + strings.TrimPrefix(rest, "/")
		}
	case []any:
		for i := range v {
			v[i] = expandResource(v[i], prefix)
		}
	}
	return v
}
