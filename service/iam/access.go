package iam

import (
	"context"
	"reflect"
	"strings"

	"github.com/brume-dev/brume/api/iamapi"
	"github.com/brume-dev/brume/aws"
)

// named fields of inputs, in the order in which they say what an operation is on: AddUserToGroup is on the group,
// AddRoleToInstanceProfile on the profile.
var subjects = []struct {
	field string
	kind  *kind
}{{"InstanceProfileName", kindProfile}, {"GroupName", kindGroup}, {"RoleName", kindRole}, {"UserName", kindUser}, {"PolicyName", kindPolicy}}

// listings are the operations that list entities, with the resource type in their ARN.
var listings = map[string]string{"ListUsers": "user", "ListGroups": "group", "ListRoles": "role", "ListPolicies": "policy",
	"ListInstanceProfiles": "instance-profile"}

// Access implements aws.Accessor: actions, resources and condition keys as
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html
// has them.
func (s *Service) Access(ctx context.Context, id aws.Identity, op string, in any) ([]aws.Access, error) {
	a := aws.Access{Action: "iam:" + op, Resource: "*", Context: map[string][]string{}}
	v := reflect.Indirect(reflect.ValueOf(in))
	if v.Kind() != reflect.Struct {
		return []aws.Access{a}, nil
	}
	if kind, ok := listings[op]; ok {
		a.Resource = "arn:" + aws.Partition + ":iam::" + id.Account + ":" + kind + aws.Or(stringField(v, "PathPrefix"), "/")
		return []aws.Access{a}, nil
	}
	requestTags(v, a.Context)
	if arn := stringField(v, "PolicyArn"); arn != nil {
		a.Resource = *arn
		a.Context["iam:PolicyARN"] = []string{*arn}
	}
	if err := s.subject(ctx, id, op, v, &a); err != nil {
		return nil, err
	}
	all := []aws.Access{a}
	switch in := in.(type) {
	case *iamapi.SimulatePrincipalPolicyRequest:
		all[0].Resource = in.PolicySourceArn
	case *iamapi.CreateServiceLinkedRoleRequest:
		name, _ := linkedName(in.AWSServiceName, aws.Or(in.CustomSuffix, ""))
		all[0].Resource = entityARN(kindRole, id.Account, linkedPath+in.AWSServiceName+"/", name)
		all[0].Context["iam:AWSServiceName"] = []string{in.AWSServiceName}
	case *iamapi.AddRoleToInstanceProfileRequest:
		role, err := s.existingARN(ctx, id.Account, kindRole, in.RoleName)
		if err != nil {
			return nil, err
		}
		all = append(all, aws.Access{Action: "iam:PassRole", Resource: role,
			Context: map[string][]string{"iam:PassedToService": {"ec2.amazonaws.com"}}})
	}
	return all, nil
}

// subject finds the entity that an operation is on: its ARN, its tags and its permissions boundary.
func (s *Service) subject(ctx context.Context, id aws.Identity, op string, v reflect.Value, a *aws.Access) error {
	var k *kind
	var name *string
	for _, f := range subjects {
		if v.FieldByName(f.field).IsValid() {
			k, name = f.kind, stringField(v, f.field)
			break
		}
	}
	switch {
	case k == nil:
		return nil
	case name == nil && id.Kind == aws.User && k == kindUser:
		a.Resource = id.ARN // without a name the operation is on the caller
		name = &id.Name
	case name == nil:
		return nil
	}
	if b := stringField(v, "PermissionsBoundary"); b != nil {
		a.Context["iam:PermissionsBoundary"] = []string{*b}
	}
	if strings.HasPrefix(op, "Create") && v.FieldByName("Path").IsValid() {
		a.Resource = entityARN(k, id.Account, aws.Or(stringField(v, "Path"), "/"), *name)
		return nil
	}
	return s.describe(ctx, id.Account, k, *name, a)
}

// describe adds what is stored of an entity.
func (s *Service) describe(ctx context.Context, account string, k *kind, name string, a *aws.Access) error {
	e, err := view(ctx, s, account, func(c *scope) (*entity, error) { return c.find(k, name) })
	if err != nil {
		return err
	}
	if e == nil {
		a.Resource = entityARN(k, account, "/", name)
		return nil
	}
	a.Resource = e.arn(k, account)
	for _, t := range e.Tags {
		a.Context["aws:ResourceTag/"+t.Key] = []string{t.Value}
		a.Context["iam:ResourceTag/"+t.Key] = []string{t.Value}
	}
	if _, given := a.Context["iam:PermissionsBoundary"]; !given && e.Boundary != "" {
		a.Context["iam:PermissionsBoundary"] = []string{e.Boundary}
	}
	return nil
}

func (s *Service) existingARN(ctx context.Context, account string, k *kind, name string) (string, error) {
	a := aws.Access{Context: map[string][]string{}}
	err := s.describe(ctx, account, k, name, &a)
	return a.Resource, err
}

// requestTags adds the condition keys of the tags in a request.
func requestTags(v reflect.Value, to map[string][]string) {
	tags, _ := fieldOf(v, "Tags").([]iamapi.Tag)
	for _, t := range tags {
		to["aws:RequestTag/"+t.Key] = []string{t.Value}
		to["aws:TagKeys"] = append(to["aws:TagKeys"], t.Key)
	}
	if keys, _ := fieldOf(v, "TagKeys").([]string); len(keys) > 0 {
		to["aws:TagKeys"] = keys
	}
}

func fieldOf(v reflect.Value, name string) any {
	if f := v.FieldByName(name); f.IsValid() {
		return f.Interface()
	}
	return nil
}

// stringField returns a string member, nil when it is absent or empty.
func stringField(v reflect.Value, name string) *string {
	switch x := fieldOf(v, name).(type) {
	case string:
		if x != "" {
			return &x
		}
	case *string:
		if x != nil && *x != "" {
			return x
		}
	}
	return nil
}
