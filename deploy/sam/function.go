package sam

import (
	"regexp"
	"strings"

	"github.com/brume-dev/brume/jsondoc"
)

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
	c, _ := t.resolved(object(props, "EventInvokeConfig")).(*jsondoc.Object)
	config, inline, err := t.destinations(id, r, c)
	if err != nil {
		return err
	}
	if mode := get(props, "Tracing"); mode != nil && t.value(mode) != "Disabled" {
		f.Set("TracingConfig", obj("Mode", mode))
	}
	if dlq := object(props, "DeadLetterQueue"); dlq.Len() > 0 {
		f.Set("DeadLetterConfig", obj("TargetArn", get(dlq, "TargetArn")))
		policy, err := deadLetters(id, dlq)
		if err != nil {
			return err
		}
		inline.Items = append([]any{policy}, inline.Items...)
	}
	if role := get(props, "Role"); role != nil {
		f.Set("Role", role)
	} else {
		f.Set("Role", att(id+"Role", "Arn"))
		if err := t.role(id, r, props, inline); err != nil {
			return err
		}
	}
	f.Set("Tags", madeBySAM(get(props, "Tags")))
	t.emit(id, "AWS::Lambda::Function", f, r, false)
	alias, aliasID, err := t.alias(id, r, props, f)
	if err != nil {
		return err
	}
	t.invokeConfig(id, r, c, config, alias, aliasID)
	if err := t.url(id, aliasID, r, props); err != nil {
		return err
	}
	events := object(props, "Events")
	for _, name := range eventOrder(events) {
		e, ok := get(events, name).(*jsondoc.Object)
		if !ok {
			return badResource(id, "Event with id [%s] is invalid. It must be an object.", name)
		}
		if err := t.event(id, aliasID, name, r, e); err != nil {
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
	if content, err := contentOf(id, "CodeUri", get(props, "CodeUri")); content != nil || err != nil {
		return content, err
	}
	if image := get(props, "ImageUri"); image != nil {
		return obj("ImageUri", image), nil
	}
	return nil, badResource(id, "'CodeUri' or 'InlineCode' is required.")
}

// contentOf is an object in a bucket that a property names, nil when it names none.
func contentOf(id, property string, v any) (*jsondoc.Object, error) {
	switch uri := v.(type) {
	case string:
		bucket, key, ok := strings.Cut(strings.TrimPrefix(uri, "s3://"), "/")
		if !strings.HasPrefix(uri, "s3://") || !ok {
			return nil, badResource(id, "'%s' is not a valid S3 Uri of the form 's3://bucket/key' with optional versionId query parameter.", property)
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
	return nil, nil
}

// alias publishes a version for every new code and points the alias of AutoPublishAlias at it. It returns the name of the
// alias and the logical id that events invoke, or "".
func (t *transformer) alias(id string, r, props, f *jsondoc.Object) (name, aliasID string, err error) {
	v := t.value(get(props, "AutoPublishAlias"))
	if v == nil {
		return "", "", nil
	}
	name, ok := v.(string)
	if !ok || name == "" {
		return "", "", badResource(id, "'AutoPublishAlias' must be a string or a Ref to a template parameter")
	}
	if !aliasName.MatchString(name) || digits.MatchString(name) {
		return "", "", badResource(id, "AutoPublishAlias name ('%s') must contain only alphanumeric characters, hyphens, or underscores matching (?!^[0-9]+$)([a-zA-Z0-9-_]+) pattern.", name)
	}
	code := t.resolved(get(f, "Code")).(*jsondoc.Object) // codeOf made it
	f.Set("Code", code)
	sum, _ := t.value(get(props, "AutoPublishCodeSha256")).(string)
	if sum != "" {
		describe(t, f, props, sum)
	} else {
		sum = versionHash(code, f)
	}
	version := id + "Version" + sum[:min(len(sum), hashLength)]
	t.emit(version, "AWS::Lambda::Version", obj("FunctionName", ref(id), "Description", get(props, "VersionDescription")), r, true)
	if kept := object(t.out, version); get(kept, "DeletionPolicy") == nil {
		policy := get(props, "VersionDeletionPolicy")
		if policy == nil {
			policy = "Retain"
		}
		kept.Set("DeletionPolicy", policy)
	}
	aliasID = id + "Alias" + strings.NewReplacer("-", "D", "_", "U").Replace(name)
	t.emit(aliasID, "AWS::Lambda::Alias", obj("FunctionName", ref(id), "FunctionVersion", att(version, "Version"), "Name", name,
		"ProvisionedConcurrencyConfig", get(props, "ProvisionedConcurrencyConfig")), r, true)
	return name, aliasID, nil
}

var (
	aliasName = regexp.MustCompile(`^[a-zA-Z0-9_-]+$`)
	digits    = regexp.MustCompile(`^[0-9]+$`)
)

// hashLength is how much of a hash is put at the end of a logical id.
const hashLength = 10

// describe puts the code's hash behind the description, so that the function changes when only its code does.
func describe(t *transformer, f, props *jsondoc.Object, sum string) {
	switch d := t.value(get(props, "Description")).(type) {
	case nil:
		f.Set("Description", sum)
	case string:
		f.Set("Description", strings.TrimSpace(d+" "+sum))
	default:
		f.Set("Description", obj("Fn::Join", arr(" ", arr(d, sum))))
	}
}

// versionHash changes with what makes a new version: the code, the environment, the memory and SnapStart.
func versionHash(code, f *jsondoc.Object) string {
	about := jsondoc.NewObject()
	for k, v := range code.All() {
		about.Set(k, v)
	}
	for k, v := range object(f, "Environment").All() {
		about.Set(k, v)
	}
	pick(f, about, "MemorySize")
	if snap := object(f, "SnapStart"); text(snap, "ApplyOn") != "" && text(snap, "ApplyOn") != "None" {
		about.Set("SnapStart", snap)
	}
	return hash(pythonJSON(nil, about))
}

// destination makes the queue or topic of a destination that names none; nil for other kinds.
func (t *transformer) destination(id, kind string, r *jsondoc.Object) any {
	switch kind {
	case "SQS":
		t.emit(id+"Queue", "AWS::SQS::Queue", jsondoc.NewObject(), r, true)
		return att(id+"Queue", "Arn")
	case "SNS":
		t.emit(id+"Topic", "AWS::SNS::Topic", jsondoc.NewObject(), r, true)
		return ref(id + "Topic")
	}
	return nil
}

// destinations writes the DestinationConfig of an EventInvokeConfig, and the policies that the function needs to send there.
func (t *transformer) destinations(id string, r, c *jsondoc.Object) (config *jsondoc.Object, policies *jsondoc.Array, err error) {
	actions := map[string]string{"SQS": "sqs:SendMessage", "SNS": "sns:publish", "EventBridge": "events:PutEvents", "Lambda": "lambda:InvokeFunction"}
	config, policies = jsondoc.NewObject(), arr()
	for _, when := range []string{"OnSuccess", "OnFailure"} {
		d, ok := get(object(c, "DestinationConfig"), when).(*jsondoc.Object)
		if !ok {
			continue
		}
		kind, to := text(d, "Type"), get(d, "Destination")
		action, known := actions[kind]
		if !known {
			return nil, nil, badResource(id, "'Type: %s' must be one of ['SQS', 'SNS', 'EventBridge', 'Lambda']", kind)
		}
		if to == nil {
			if to = t.destination(id+"EventInvokeConfig"+when, kind, r); to == nil {
				return nil, nil, badResource(id, "Destination is required for Type: '%s'", kind)
			}
		}
		config.Set(when, obj("Destination", to))
		policies.Items = append(policies.Items, obj("PolicyName", id+"EventInvokeConfig"+when+kind+"Policy",
			"PolicyDocument", obj("Statement", arr(obj("Action", action, "Effect", "Allow", "Resource", to)))))
	}
	return config, policies, nil
}

// deadLetters is the policy of a function for its dead letter queue or topic.
func deadLetters(id string, dlq *jsondoc.Object) (any, error) {
	action, ok := map[string]string{"SQS": "sqs:SendMessage", "SNS": "sns:Publish"}[text(dlq, "Type")]
	if !ok || get(dlq, "TargetArn") == nil {
		return nil, badResource(id, "'DeadLetterQueue' requires Type and TargetArn properties to be specified.")
	}
	return obj("PolicyName", "DeadLetterQueuePolicy", "PolicyDocument", obj("Version", "2012-10-17",
		"Statement", arr(obj("Action", action, "Resource", get(dlq, "TargetArn"), "Effect", "Allow")))), nil
}

func (t *transformer) invokeConfig(id string, r, c, config *jsondoc.Object, alias, aliasID string) {
	if c.Len() == 0 {
		return
	}
	out := obj("FunctionName", ref(id), "Qualifier", "$LATEST", "DestinationConfig", config)
	if alias != "" {
		out.Set("Qualifier", alias)
	}
	pick(c, out, "MaximumEventAgeInSeconds", "MaximumRetryAttempts")
	name := id + "EventInvokeConfig"
	t.emit(name, "AWS::Lambda::EventInvokeConfig", out, r, true)
	if aliasID != "" {
		object(t.out, name).Set("DependsOn", arr(aliasID))
	}
}
