package sam

import (
	_ "embed"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/jsondoc"
)

// policiesJSON are SAM's policy templates, from aws-sam-translator (Apache-2.0): name, parameters, definition.
// https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/serverless-policy-template-list.html
//
//go:embed policies.json
var policiesJSON []byte

// The policies that a role of SAM may get by itself.
const (
	basicExecution = "AWSLambdaBasicExecutionRole"
	vpcAccess      = "AWSLambdaVPCAccessExecutionRole"
	tracingWrite   = "AWSXrayWriteOnlyAccess"
)

// role makes the execution role of a function that names none, from its Policies and what it sends events to.
func (t *transformer) role(id string, r, props *jsondoc.Object, inline *jsondoc.Array) error {
	managed := arr(managedPolicy(basicExecution))
	if mode := t.value(get(props, "Tracing")); mode != nil && mode != "Disabled" {
		managed.Items = append(managed.Items, managedPolicy(tracingWrite))
	}
	if get(props, "VpcConfig") != nil {
		managed.Items = append(managed.Items, managedPolicy(vpcAccess))
	}
	list, ok := get(props, "Policies").(*jsondoc.Array)
	if one := get(props, "Policies"); !ok && one != nil {
		list = arr(one)
	} else if !ok {
		list = arr()
	}
	for i, p := range list.Items {
		if err := t.policy(id, i, p, managed, inline); err != nil {
			return err
		}
	}
	trust := get(props, "AssumeRolePolicyDocument")
	if trust == nil {
		trust = obj("Version", "2012-10-17", "Statement", arr(obj("Action", arr("sts:AssumeRole"), "Effect", "Allow",
			"Principal", obj("Service", arr("lambda.amazonaws.com")))))
	}
	role := obj("AssumeRolePolicyDocument", trust, "ManagedPolicyArns", managed)
	if len(inline.Items) > 0 {
		role.Set("Policies", inline)
	}
	pick(props, role, "PermissionsBoundary", "RolePath=Path")
	role.Set("Tags", madeBySAM(get(props, "Tags")))
	t.emit(id+"Role", "AWS::IAM::Role", role, r, true)
	return nil
}

// managedJSON are the names of the managed policies of AWS by their path, from aws-sam-translator (Apache-2.0).
//
//go:embed managed.json
var managedJSON []byte

// managedPaths finds the path of a managed policy by its name.
var managedPaths = sync.OnceValue(func() map[string]string {
	var byPath map[string][]string
	if err := json.Unmarshal(managedJSON, &byPath); err != nil {
		panic(err) // it is part of the program
	}
	out := map[string]string{}
	for path, names := range byPath {
		for _, n := range names {
			out[n] = strings.TrimPrefix(path+"/", "/")
		}
	}
	return out
})

// managedPolicy is the ARN of a managed policy of AWS; what is no name of one stays as it is.
func managedPolicy(name string) string {
	path, ok := managedPaths()[name]
	if !ok {
		return name
	}
	return "arn:" + aws.Partition + ":iam::aws:policy/" + path + name
}

// policy adds one entry of Policies: an ARN, the name of a managed policy, a policy template or a document.
func (t *transformer) policy(id string, i int, p any, managed, inline *jsondoc.Array) error {
	name := id + "RolePolicy" + strconv.Itoa(i)
	attach := func(v any) {
		if !slices.ContainsFunc(managed.Items, func(m any) bool { return jsondoc.Equal(m, v) }) {
			managed.Items = append(managed.Items, v)
		}
	}
	switch p := p.(type) {
	case string:
		attach(managedPolicy(p))
		return nil
	case *jsondoc.Object:
		switch {
		case get(p, "Statement") != nil:
			inline.Items = append(inline.Items, obj("PolicyName", name, "PolicyDocument", p))
			return nil
		case intrinsic(p):
			attach(p)
			return nil
		case p.Len() == 1:
			doc, err := policyTemplate(id, p.Keys()[0], object(p, p.Keys()[0]))
			if err != nil {
				return err
			}
			inline.Items = append(inline.Items, obj("PolicyName", name, "PolicyDocument", doc))
			return nil
		}
	}
	return badResource(id, "Policy at index %d in the 'Policies' property is not valid", i)
}

// policyTemplate fills a policy template in.
func policyTemplate(id, name string, given *jsondoc.Object) (any, error) {
	doc, err := jsondoc.Parse(policiesJSON)
	if err != nil {
		return nil, err
	}
	all := doc.(*jsondoc.Object) // the data file is one
	tpl, ok := get(all, name).(*jsondoc.Object)
	if !ok {
		return nil, badResource(id, "A policy template with name '%s' does not exist.", name)
	}
	names, _ := get(tpl, "Parameters").(*jsondoc.Array)
	for _, p := range names.Items {
		if get(given, p.(string)) == nil {
			return nil, badResource(id, "Missing required parameter values for policy template [%s]: %s", name, p)
		}
	}
	return fill(get(tpl, "Definition"), given), nil
}

// fill replaces Ref of the template's parameters; what Fn::Sub takes beside its text is in the same form.
func fill(v any, given *jsondoc.Object) any {
	switch v := v.(type) {
	case *jsondoc.Array:
		out := arr()
		for _, item := range v.Items {
			out.Items = append(out.Items, fill(item, given))
		}
		return out
	case *jsondoc.Object:
		if name := text(v, "Ref"); v.Len() == 1 && name != "" {
			if value := get(given, name); value != nil {
				return value
			}
		}
		out := jsondoc.NewObject()
		for k, m := range v.All() {
			out.Set(k, fill(m, given))
		}
		return out
	}
	return v
}
