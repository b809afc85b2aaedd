package sam

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/brume-dev/brume/jsondoc"
)

// policiesJSON are SAM's policy templates, from aws-sam-translator (Apache-2.0): name, parameters, definition.
// https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/serverless-policy-template-list.html
//
//go:embed policies.json
var policiesJSON []byte

// function is AWS::Serverless::Function.
func (t *transformer) function(id string, r, props *jsondoc.Object) error {
	f := jsondoc.NewObject()
	code, err := codeOf(id, props)
	if err != nil {
		return err
	}
	f.Set("Code", code)
	pick(props, f, "Handler", "FunctionName", "Runtime", "Description", "MemorySize", "Timeout", "Environment", "VpcConfig", "KmsKeyArn",
		"ReservedConcurrentExecutions", "Layers", "FileSystemConfigs", "PackageType", "ImageConfig", "Architectures", "EphemeralStorage",
		"SnapStart", "LoggingConfig", "RuntimeManagementConfig", "RecursiveLoop", "CodeSigningConfigArn")
	if role := get(props, "Role"); role != nil {
		f.Set("Role", role)
	} else {
		f.Set("Role", att(id+"Role", "Arn"))
		if err := t.role(id, r, props); err != nil {
			return err
		}
	}
	if mode := get(props, "Tracing"); mode != nil && mode != "Disabled" {
		f.Set("TracingConfig", obj("Mode", mode))
	}
	if dlq := object(props, "DeadLetterQueue"); dlq.Len() > 0 {
		f.Set("DeadLetterConfig", obj("TargetArn", get(dlq, "TargetArn")))
	}
	f.Set("Tags", madeBySAM(get(props, "Tags")))
	t.emit(id, "AWS::Lambda::Function", f, r, false)
	alias, err := t.alias(id, r, props, code)
	if err != nil {
		return err
	}
	if err := t.invokeConfig(id, r, props, alias); err != nil {
		return err
	}
	for name, v := range object(props, "Events").All() {
		e, ok := v.(*jsondoc.Object)
		if !ok {
			return badResource(id, "Event with id [%s] is invalid. It must be an object.", name)
		}
		if err := t.event(id, alias, name, r, e); err != nil {
			return err
		}
	}
	return nil
}

// codeOf is the code of a function: inline, or an object in a bucket.
func codeOf(id string, props *jsondoc.Object) (*jsondoc.Object, error) {
	if inline := get(props, "InlineCode"); inline != nil {
		return obj("ZipFile", inline), nil
	}
	switch uri := get(props, "CodeUri").(type) {
	case string:
		bucket, key, ok := strings.Cut(strings.TrimPrefix(uri, "s3://"), "/")
		if !strings.HasPrefix(uri, "s3://") || !ok {
			return nil, badResource(id, "'CodeUri' is not a valid S3 Uri of the form 's3://bucket/key' with optional versionId query parameter.")
		}
		key, version, versioned := strings.Cut(key, "?versionId=")
		code := obj("S3Bucket", bucket, "S3Key", key)
		if versioned {
			code.Set("S3ObjectVersion", version)
		}
		return code, nil
	case *jsondoc.Object:
		return obj("S3Bucket", get(uri, "Bucket"), "S3Key", get(uri, "Key"), "S3ObjectVersion", get(uri, "Version")), nil
	}
	if image := get(props, "ImageUri"); image != nil {
		return obj("ImageUri", image), nil
	}
	return nil, badResource(id, "'CodeUri' or 'InlineCode' is required.")
}

// role makes the execution role of a function that names none, from its Policies.
func (t *transformer) role(id string, r, props *jsondoc.Object) error {
	managed := arr(managedPolicy("service-role/AWSLambdaBasicExecutionRole"))
	if mode := get(props, "Tracing"); mode == "Active" {
		managed.Items = append(managed.Items, managedPolicy("AWSXRayDaemonWriteAccess"))
	}
	if get(props, "VpcConfig") != nil {
		managed.Items = append(managed.Items, managedPolicy("service-role/AWSLambdaVPCAccessExecutionRole"))
	}
	inline := arr()
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

// managedPolicy is the ARN of a policy of AWS, in the partition of the stack.
func managedPolicy(name string) any {
	return obj("Fn::Join", arr("", arr("arn:", ref("AWS::Partition"), ":iam::aws:policy/"+name)))
}

// policy adds one entry of Policies: an ARN, the name of a managed policy, a policy template or a document.
func (t *transformer) policy(id string, i int, p any, managed, inline *jsondoc.Array) error {
	name := id + "RolePolicy" + strconv.Itoa(i)
	switch p := p.(type) {
	case string:
		if strings.HasPrefix(p, "arn:") {
			managed.Items = append(managed.Items, p)
		} else {
			managed.Items = append(managed.Items, managedPolicy(serviceRole(p)))
		}
		return nil
	case *jsondoc.Object:
		switch {
		case get(p, "Statement") != nil:
			inline.Items = append(inline.Items, obj("PolicyName", name, "PolicyDocument", p))
			return nil
		case intrinsic(p):
			managed.Items = append(managed.Items, p)
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
	return badResource(id, "Policy at index %d in the 'Policies' property is not valid.", i)
}

// serviceRole puts the path of those managed policies that have one before their name.
func serviceRole(name string) string {
	if strings.HasPrefix(name, "AWSLambda") && name != "AWSLambda_FullAccess" && name != "AWSLambda_ReadOnlyAccess" && name != "AWSLambdaExecute" &&
		name != "AWSLambdaInvocation-DynamoDB" && name != "AWSLambdaFullAccess" && name != "AWSLambdaReadOnlyAccess" {
		return "service-role/" + name
	}
	return name
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

// alias publishes a version for every new code and points the alias of AutoPublishAlias at it. It returns what events
// invoke: the alias, or "".
func (t *transformer) alias(id string, r, props, code *jsondoc.Object) (string, error) {
	v := t.value(get(props, "AutoPublishAlias"))
	if v == nil {
		return "", nil
	}
	name, ok := v.(string)
	if !ok || name == "" {
		return "", badResource(id, "'AutoPublishAlias' must be a string or a Ref to a template parameter")
	}
	seed := jsondoc.Text(code)
	if s := text(props, "AutoPublishCodeSha256"); s != "" {
		seed = s
	}
	sum := sha256.Sum256([]byte(seed))
	version := id + "Version" + hex.EncodeToString(sum[:])[:10]
	t.emit(version, "AWS::Lambda::Version", obj("FunctionName", ref(id), "Description", get(props, "VersionDescription")), r, true)
	kept := t.out
	kept.Set(version, withPolicy(get(kept, version)))
	aliasID := id + "Alias" + name
	t.emit(aliasID, "AWS::Lambda::Alias", obj("FunctionName", ref(id), "FunctionVersion", att(version, "Version"), "Name", name,
		"ProvisionedConcurrencyConfig", get(props, "ProvisionedConcurrencyConfig")), r, true)
	return aliasID, nil
}

// withPolicy keeps versions when the stack drops them.
func withPolicy(v any) any {
	o := v.(*jsondoc.Object) // emit made it
	o.Set("DeletionPolicy", "Retain")
	return o
}

func (t *transformer) invokeConfig(id string, r, props *jsondoc.Object, alias string) error {
	c := object(props, "EventInvokeConfig")
	if c.Len() == 0 {
		return nil
	}
	name, qualifier := id+"EventInvokeConfig", any("$LATEST")
	if alias != "" {
		qualifier = strings.TrimPrefix(alias, id+"Alias")
	}
	out := obj("FunctionName", ref(id), "Qualifier", qualifier)
	pick(c, out, "MaximumEventAgeInSeconds", "MaximumRetryAttempts")
	destinations := jsondoc.NewObject()
	for _, when := range []string{"OnSuccess", "OnFailure"} {
		d := object(object(c, "DestinationConfig"), when)
		if d.Len() == 0 {
			continue
		}
		to := get(d, "Destination")
		if to == nil {
			return badResource(id, "%s: Brume's transform needs the ARN of the Destination: it does not make queues and topics yet.", when)
		}
		destinations.Set(when, obj("Destination", to))
	}
	if destinations.Len() > 0 {
		out.Set("DestinationConfig", destinations)
	}
	t.emit(name, "AWS::Lambda::EventInvokeConfig", out, r, true)
	return nil
}
