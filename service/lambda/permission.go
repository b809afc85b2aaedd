package lambda

import (
	"context"
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/lambda/fault"
	"github.com/brume-dev/brume/service/lambda/keys"
	"github.com/brume-dev/brume/store"
)

// permission is a statement of a resource policy, as Lambda writes it.
type permission struct {
	Sid       string                       `json:"Sid"`
	Effect    string                       `json:"Effect"`
	Principal any                          `json:"Principal"`
	Action    string                       `json:"Action"`
	Resource  string                       `json:"Resource"`
	Condition map[string]map[string]string `json:"Condition,omitempty"`
}

// AddPermission adds a statement to the policy of a function, version or alias.
// https://docs.aws.amazon.com/lambda/latest/api/API_AddPermission.html
func (s *Service) AddPermission(ctx context.Context, id aws.Identity, in *lambdaapi.AddPermissionRequest) (*lambdaapi.AddPermissionResponse, error) {
	p, err := keys.Find(id, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	if p.Qualifier == keys.Latest {
		return nil, fault.Invalid("We currently do not support adding policies for $LATEST.")
	}
	text, err := statementOf(p, in)
	if err != nil {
		return nil, err
	}
	revision := s.newID()
	return update(ctx, s, p.Space, func(tx store.Tx) (*lambdaapi.AddPermissionResponse, error) {
		policy, err := policyAt(tx, p)
		if err != nil {
			return nil, err
		}
		if in.RevisionId != nil && *in.RevisionId != policy.Revision {
			return nil, fault.StaleRevision("GetPolicy")
		}
		if slices.ContainsFunc(policy.Statements, func(st statement) bool { return st.ID == in.StatementId }) {
			return nil, fault.Conflict("The statement id (%s) provided already exists. Please provide a new statement id, or remove the existing statement.",
				in.StatementId)
		}
		policy.Statements = append(policy.Statements, statement{ID: in.StatementId, Text: text})
		policy.Revision = revision
		if n := len(policy.document()); n > maxPolicy {
			return nil, &lambdaapi.PolicyLengthExceededException{Type: fault.User(), Message: "The final policy size is bigger than the limit (20480)."}
		}
		tx.Set(p.Space.Policy(p.Name, p.Qualifier), keys.Encode(policy))
		return &lambdaapi.AddPermissionResponse{Statement: &text}, nil
	})
}

var accountPattern = regexp.MustCompile(`^\d{12}$`)

// statementOf writes the statement that a request describes.
func statementOf(p place, in *lambdaapi.AddPermissionRequest) (string, error) {
	st := permission{Sid: in.StatementId, Effect: "Allow", Action: in.Action, Resource: p.ARN()}
	switch {
	case in.Principal == "*":
		st.Principal = "*"
	case accountPattern.MatchString(in.Principal):
		st.Principal = map[string]string{"AWS": "arn:aws:iam::" + in.Principal + ":root"}
	case strings.HasPrefix(in.Principal, "arn:"):
		st.Principal = map[string]string{"AWS": in.Principal}
	case strings.Contains(in.Principal, "."):
		st.Principal = map[string]string{"Service": in.Principal}
	default:
		return "", fault.Invalid("The provided principal was invalid. Please check the principal and try again.")
	}
	condition := func(operator, key string, v *string) {
		if v == nil || *v == "" {
			return
		}
		if st.Condition == nil {
			st.Condition = map[string]map[string]string{}
		}
		if st.Condition[operator] == nil {
			st.Condition[operator] = map[string]string{}
		}
		st.Condition[operator][key] = *v
	}
	condition("StringEquals", "AWS:SourceAccount", in.SourceAccount)
	condition("ArnLike", "AWS:SourceArn", in.SourceArn)
	condition("StringEquals", "aws:PrincipalOrgID", in.PrincipalOrgID)
	condition("StringEquals", "lambda:EventSourceToken", in.EventSourceToken)
	if in.FunctionUrlAuthType != "" {
		condition("StringEquals", "lambda:FunctionUrlAuthType", optional(string(in.FunctionUrlAuthType)))
	}
	if in.InvokedViaFunctionUrl != nil {
		text := map[bool]string{true: "true", false: "false"}[*in.InvokedViaFunctionUrl]
		condition("Bool", "lambda:InvokedViaFunctionUrl", &text)
	}
	b, err := json.Marshal(st)
	return string(b), err
}

// policyAt returns the policy of what p names, an empty one if there is none. What p names must be there.
func policyAt(r store.Reader, p place) (*resourcePolicy, error) {
	if _, err := resolve(r, p, 1); err != nil {
		return nil, err
	}
	policy, err := keys.Get[resourcePolicy](r, p.Space.Policy(p.Name, p.Qualifier))
	if policy == nil {
		policy = new(resourcePolicy)
	}
	return policy, err
}

// document is the policy as a whole, "" when it has no statement.
func (r *resourcePolicy) document() string {
	if r == nil || len(r.Statements) == 0 {
		return ""
	}
	texts := make([]string, len(r.Statements))
	for i, st := range r.Statements {
		texts[i] = st.Text
	}
	return `{"Version":"2012-10-17","Id":"default","Statement":[` + strings.Join(texts, ",") + `]}`
}

// GetPolicy returns the policy of a function, version or alias.
// https://docs.aws.amazon.com/lambda/latest/api/API_GetPolicy.html
func (s *Service) GetPolicy(ctx context.Context, id aws.Identity, in *lambdaapi.GetPolicyRequest) (*lambdaapi.GetPolicyResponse, error) {
	p, err := keys.Find(id, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	return view(ctx, s, p.Space, func(r store.Reader) (*lambdaapi.GetPolicyResponse, error) {
		policy, err := policyAt(r, p)
		if err != nil {
			return nil, err
		}
		doc := policy.document()
		if doc == "" {
			return nil, fault.NotFound("The resource you requested does not exist.")
		}
		return &lambdaapi.GetPolicyResponse{Policy: &doc, RevisionId: &policy.Revision}, nil
	})
}

// RemovePermission removes a statement from the policy of a function, version or alias.
// https://docs.aws.amazon.com/lambda/latest/api/API_RemovePermission.html
func (s *Service) RemovePermission(ctx context.Context, id aws.Identity, in *lambdaapi.RemovePermissionRequest) (*lambdaapi.RemovePermissionOutput, error) {
	p, err := keys.Find(id, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	revision := s.newID()
	return update(ctx, s, p.Space, func(tx store.Tx) (*lambdaapi.RemovePermissionOutput, error) {
		policy, err := policyAt(tx, p)
		if err != nil {
			return nil, err
		}
		if len(policy.Statements) == 0 {
			return nil, fault.NotFound("No policy is associated with the given resource.")
		}
		if in.RevisionId != nil && *in.RevisionId != policy.Revision {
			return nil, fault.StaleRevision("GetPolicy")
		}
		i := slices.IndexFunc(policy.Statements, func(st statement) bool { return st.ID == in.StatementId })
		if i < 0 {
			return nil, fault.NotFound("Statement %s is not found in resource policy.", in.StatementId)
		}
		policy.Statements, policy.Revision = slices.Delete(policy.Statements, i, i+1), revision
		if len(policy.Statements) == 0 {
			tx.Delete(p.Space.Policy(p.Name, p.Qualifier))
		} else {
			tx.Set(p.Space.Policy(p.Name, p.Qualifier), keys.Encode(policy))
		}
		return new(lambdaapi.RemovePermissionOutput), nil
	})
}
