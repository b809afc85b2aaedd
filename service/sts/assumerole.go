package sts

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/brume-dev/brume/api/stsapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/policy"
)

func invalid(format string, args ...any) error {
	return aws.Errorf("ValidationError", http.StatusBadRequest, format, args...)
}

func badParameter(format string, args ...any) error {
	return aws.Errorf("InvalidParameterValue", http.StatusBadRequest, format, args...)
}

// mayNot is what STS says to those who may not assume a role, and to those who name one that does not exist.
func mayNot(id aws.Identity, role string) error {
	d := policy.Decision{Source: policy.ResourceBased}
	r := policy.Request{Identity: &id, Action: "sts:AssumeRole", Resource: role}
	return aws.Errorf("AccessDenied", http.StatusForbidden, "%s", d.Message(&r))
}

// AssumeRole starts a session of a role. That the caller may, and that the role's trust policy agrees, was decided by
// Access and the table before.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
func (s *Service) AssumeRole(ctx context.Context, id aws.Identity, in *stsapi.AssumeRoleRequest) (*stsapi.AssumeRoleResponse, error) {
	if in.TokenCode != nil {
		return nil, aws.Errorf("AccessDenied", http.StatusForbidden, "MultiFactorAuthentication failed with invalid MFA one time pass code. ")
	}
	role, err := s.role(ctx, in.RoleArn)
	if err != nil {
		return nil, err
	}
	if role == nil {
		return nil, mayNot(id, in.RoleArn)
	}
	seconds := aws.Or(in.DurationSeconds, defaultRole)
	switch {
	case id.Kind == aws.AssumedRole && seconds > maxChained:
		return nil, invalid("The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.")
	case time.Duration(seconds)*time.Second > role.MaxSession:
		return nil, invalid("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	v := roleSession(role, in.RoleSessionName)
	if v.Policies, v.PolicyARNs, err = s.sessionPolicies(ctx, role.Account, in.Policy, in.PolicyArns); err != nil {
		return nil, err
	}
	if v.Tags, v.Transitive, err = sessionTags(id, in.Tags, in.TransitiveTagKeys); err != nil {
		return nil, err
	}
	if v.Source = aws.Or(in.SourceIdentity, id.SourceIdentity); id.SourceIdentity != "" && v.Source != id.SourceIdentity {
		return nil, mayNot(id, in.RoleArn) // once set it cannot be changed
	}
	packed, err := v.packed()
	if err != nil {
		return nil, err
	}
	c, err := s.issue(ctx, v, time.Duration(seconds)*time.Second)
	if err != nil {
		return nil, err
	}
	out := &stsapi.AssumeRoleResponse{Credentials: apiCredentials(c), PackedPolicySize: packed,
		AssumedRoleUser: &stsapi.AssumedRoleUser{AssumedRoleId: v.Principal, Arn: v.ARN}}
	if v.Source != "" {
		out.SourceIdentity = new(v.Source)
	}
	return out, nil
}

// role finds a role by its ARN, nil when there is none.
func (s *Service) role(ctx context.Context, arn string) (*policy.Entity, error) {
	a, err := aws.ParseARN(arn)
	if err != nil || a.Service != "iam" || a.Region != "" || !strings.HasPrefix(a.Resource, "role/") {
		return nil, invalid("%s is invalid", arn)
	}
	return s.entities.Entity(ctx, arn)
}

// roleSession begins the session called name of a role.
func roleSession(role *policy.Entity, name string) *session {
	return &session{Kind: aws.AssumedRole, Account: role.Account, Entity: role.ARN, EntityID: role.ID,
		ARN:       "arn:" + aws.Partition + ":sts::" + role.Account + ":assumed-role/" + role.Name + "/" + name,
		Principal: role.ID + ":" + name}
}

func apiCredentials(c aws.Credentials) *stsapi.Credentials {
	return &stsapi.Credentials{AccessKeyId: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey, SessionToken: c.SessionToken,
		Expiration: c.Expires}
}

// sessionPolicies checks the policies that a session is to be limited by.
func (s *Service) sessionPolicies(ctx context.Context, account string, inline *string, managed []stsapi.PolicyDescriptorType) (docs, arns []string, err error) {
	size := len(aws.Or(inline, ""))
	if inline != nil {
		if _, err := policy.Parse(policy.Session, *inline); err != nil {
			return nil, nil, &stsapi.MalformedPolicyDocumentException{Message: err.Error()}
		}
		docs = []string{*inline}
	}
	if len(managed) > maxPolicies {
		return nil, nil, invalid("1 validation error detected: Value at 'policyArns' failed to satisfy constraint: "+
			"Member must have length less than or equal to %d", maxPolicies)
	}
	for _, m := range managed {
		arn := aws.Or(m.Arn, "")
		size += len(arn)
		found, err := s.entities.ManagedPolicy(ctx, account, arn)
		if err != nil {
			return nil, nil, err
		}
		if !found {
			return nil, nil, &stsapi.MalformedPolicyDocumentException{Message: "Policy " + arn + " does not exist."}
		}
		arns = append(arns, arn)
	}
	if size > maxPolicy {
		return nil, nil, invalid("1 validation error detected: Value at 'policy' failed to satisfy constraint: "+
			"Member must have length less than or equal to %d", maxPolicy)
	}
	return docs, arns, nil
}

// sessionTags checks the tags of a session and adds those that the caller's session passes on.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html
func sessionTags(id aws.Identity, add []stsapi.Tag, keep []string) (tags map[string]string, transitive []string, err error) {
	tags = map[string]string{}
	has := func(m map[string]string, k string) bool {
		for have := range m {
			if strings.EqualFold(have, k) {
				return true
			}
		}
		return false
	}
	for _, t := range add {
		if has(tags, t.Key) {
			return nil, nil, badParameter("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		}
		tags[t.Key] = t.Value
	}
	for _, k := range keep {
		if !has(tags, k) {
			return nil, nil, badParameter("The specified transitive tag key must be included in the requested tags.")
		}
		transitive = append(transitive, k)
	}
	for _, k := range id.TransitiveTags {
		if has(tags, k) {
			return nil, nil, badParameter("One of the specified transitive tag keys can't be set because it conflicts with a " +
				"transitive tag key from the calling session.")
		}
	}
	for _, k := range id.TransitiveTags {
		for have, v := range id.Tags {
			if strings.EqualFold(have, k) {
				tags[have] = v
				transitive = append(transitive, have)
			}
		}
	}
	if len(tags) > maxTags {
		return nil, nil, badParameter("The number of session tags exceeds %d.", maxTags)
	}
	if len(tags) == 0 {
		return nil, transitive, nil
	}
	return tags, transitive, nil
}

// Access implements aws.Accessor.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecuritytokenservice.html
func (s *Service) Access(ctx context.Context, id aws.Identity, op string, in any) ([]aws.Access, error) {
	switch in := in.(type) {
	case *stsapi.AssumeRoleRequest:
		if in.RoleArn == "" {
			return nil, nil // refused by validation
		}
		role, err := s.role(ctx, in.RoleArn)
		if err != nil {
			return nil, err
		}
		return assumeAccess(id, in, role), nil
	case *stsapi.GetFederationTokenRequest:
		a := aws.Access{Action: "sts:GetFederationToken", Context: map[string][]string{},
			Resource: "arn:" + aws.Partition + ":sts::" + id.Account + ":federated-user/" + in.Name}
		tagContext(a.Context, in.Tags)
		if len(in.Tags) == 0 {
			return []aws.Access{a}, nil
		}
		tag := a
		tag.Action = "sts:TagSession"
		return []aws.Access{a, tag}, nil
	case *stsapi.GetAccessKeyInfoRequest:
		return []aws.Access{{Action: "sts:GetAccessKeyInfo", Resource: "*"}}, nil
	}
	return nil, nil // nobody needs permission for GetCallerIdentity and GetSessionToken
}

// assumeAccess is what AssumeRole needs. role is nil when it does not exist: then nobody may assume it.
func assumeAccess(id aws.Identity, in *stsapi.AssumeRoleRequest, role *policy.Entity) []aws.Access {
	a := aws.Access{Action: "sts:AssumeRole", Resource: in.RoleArn, Context: map[string][]string{
		"sts:RoleSessionName": {in.RoleSessionName}}}
	if arn, err := aws.ParseARN(in.RoleArn); err == nil {
		a.ResourceAccount = arn.Account
	}
	if role != nil {
		a.ResourcePolicy = role.Trust
		for k, v := range role.Tags {
			a.Context["iam:ResourceTag/"+k] = []string{v}
			a.Context["aws:ResourceTag/"+k] = []string{v}
		}
	}
	if in.ExternalId != nil {
		a.Context["sts:ExternalId"] = []string{*in.ExternalId}
	}
	if in.SourceIdentity != nil {
		a.Context["sts:SourceIdentity"] = []string{*in.SourceIdentity}
	}
	if len(in.TransitiveTagKeys) > 0 {
		a.Context["sts:TransitiveTagKeys"] = in.TransitiveTagKeys
	}
	tagContext(a.Context, in.Tags)
	all := []aws.Access{a}
	also := func(action string) {
		b := a
		b.Action = action
		all = append(all, b)
	}
	if len(in.Tags) > 0 || len(id.TransitiveTags) > 0 {
		also("sts:TagSession")
	}
	if in.SourceIdentity != nil || id.SourceIdentity != "" {
		also("sts:SetSourceIdentity")
	}
	return all
}

func tagContext(to map[string][]string, tags []stsapi.Tag) {
	for _, t := range tags {
		to["aws:RequestTag/"+t.Key] = []string{t.Value}
		to["aws:TagKeys"] = append(to["aws:TagKeys"], t.Key)
	}
}

// sorted returns the keys of a map in order.
func sorted(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
