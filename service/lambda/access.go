package lambda

import (
	"context"
	"maps"
	"reflect"
	"slices"

	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/lambda/grant"
	"github.com/brume-dev/brume/service/lambda/keys"
	"github.com/brume-dev/brume/service/lambda/signing"
	"github.com/brume-dev/brume/store"
)

// Access says which action on which function an operation needs. The resource policy of what is named has a say in it.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awslambda.html
func (s *Service) Access(ctx context.Context, id aws.Identity, op string, in any) ([]aws.Access, error) {
	if access, ok, err := s.Mappings.Access(ctx, id, op, in); ok || err != nil {
		return access, err
	}
	action := op
	switch op {
	case "Invoke", "InvokeWithResponseStream":
		action = "InvokeFunction"
	case "ListFunctions", "GetAccountSettings":
		return []aws.Access{{Action: "lambda:" + op, Resource: "*"}}, nil
	}
	if access, ok, err := s.Layers.OperationAccess(ctx, id, op, in); ok || err != nil {
		return access, err
	}
	if access, ok := signing.OperationAccess(in, op); ok {
		return access, nil
	}
	name, qualifier, extra := subject(in)
	a := aws.Access{Action: "lambda:" + action, Context: map[string][]string{}}
	maps.Copy(a.Context, extra)
	p, err := keys.Find(id, name, qualifier)
	if err != nil { // the operation says what is wrong
		a.Resource = aws.MakeARN("lambda", id.Region, id.Account, "function:*").String()
		return append([]aws.Access{a}, passRole(in)...), nil
	}
	if !qualified(op) {
		p.Qualifier = ""
	}
	a.Resource, a.ResourceAccount = p.ARN(), p.Account
	err = p.Space.Shard(s.Store).View(ctx, func(_ context.Context, r store.Reader) error { return describeAccess(r, p, &a) })
	if err != nil {
		return nil, err
	}
	layers, err := s.Layers.Access(ctx, layersOf(in))
	return slices.Concat([]aws.Access{a}, layers, passRole(in)), err
}

// layersOf are the layers that a function is to have.
func layersOf(in any) []string {
	switch in := in.(type) {
	case *lambdaapi.CreateFunctionRequest:
		return in.Layers
	case *lambdaapi.UpdateFunctionConfigurationRequest:
		return in.Layers
	}
	return nil
}

// describeAccess adds what is known of a function to the access to it.
func describeAccess(r store.Reader, p place, a *aws.Access) error {
	policy, err := keys.Get[grant.Policy](r, p.Space.Policy(p.Name, p.Qualifier))
	if err != nil {
		return err
	}
	a.ResourcePolicy = policy.Document()
	tags, err := keys.Get[map[string]string](r, p.Space.Tags(p.Name))
	if err != nil || tags == nil {
		return err
	}
	for k, v := range *tags {
		a.Context["aws:ResourceTag/"+k] = []string{v}
	}
	return nil
}

// qualified reports whether the resource of an operation is a version or alias when one is named.
func qualified(op string) bool {
	return slices.Contains([]string{"Invoke", "InvokeAsync", "InvokeWithResponseStream", "GetFunction", "GetFunctionConfiguration", "GetPolicy", "AddPermission",
		"RemovePermission", "DeleteFunction", "PutProvisionedConcurrencyConfig", "GetProvisionedConcurrencyConfig", "DeleteProvisionedConcurrencyConfig"}, op)
}

// subject returns the function that an operation names, and what condition keys the request gives.
func subject(in any) (name string, qualifier *string, extra map[string][]string) {
	switch in := in.(type) {
	case *lambdaapi.InvocationRequest: // the one that must be fast
		return in.FunctionName, in.Qualifier, nil
	case *lambdaapi.AddPermissionRequest:
		return in.FunctionName, in.Qualifier, map[string][]string{"lambda:Principal": {in.Principal}}
	case *lambdaapi.CreateFunctionRequest:
		return in.FunctionName, nil, requestTags(in.Tags)
	case *lambdaapi.TagResourceRequest:
		return in.Resource, nil, requestTags(in.Tags)
	case *lambdaapi.UntagResourceRequest:
		return in.Resource, nil, map[string][]string{"aws:TagKeys": in.TagKeys}
	case *lambdaapi.ListTagsRequest:
		return in.Resource, nil, nil
	case *lambdaapi.CreateFunctionUrlConfigRequest:
		return in.FunctionName, nil, urlAuth(in.AuthType)
	case *lambdaapi.UpdateFunctionUrlConfigRequest:
		return in.FunctionName, nil, urlAuth(in.AuthType)
	}
	// The others have the same members.
	v := reflect.ValueOf(in).Elem()
	if f := v.FieldByName("FunctionName"); f.Kind() == reflect.String {
		name = f.String()
	}
	switch q := v.FieldByName("Qualifier"); q.Kind() {
	case reflect.String:
		qualifier = new(q.String())
	case reflect.Pointer:
		qualifier, _ = q.Interface().(*string)
	}
	return name, qualifier, nil
}

func urlAuth(t lambdaapi.FunctionUrlAuthType) map[string][]string {
	if t == "" {
		return nil
	}
	return map[string][]string{"lambda:FunctionUrlAuthType": {string(t)}}
}

func requestTags(tags map[string]string) map[string][]string {
	extra := map[string][]string{}
	for k, v := range tags {
		extra["aws:RequestTag/"+k] = []string{v}
		extra["aws:TagKeys"] = append(extra["aws:TagKeys"], k)
	}
	return extra
}

// passRole is what it takes to give a function its role.
func passRole(in any) []aws.Access {
	role := ""
	switch in := in.(type) {
	case *lambdaapi.CreateFunctionRequest:
		role = in.Role
	case *lambdaapi.UpdateFunctionConfigurationRequest:
		role = value(in.Role)
	}
	if role == "" {
		return nil
	}
	return []aws.Access{{Action: "iam:PassRole", Resource: role, Context: map[string][]string{"iam:PassedToService": {principal}}}}
}
