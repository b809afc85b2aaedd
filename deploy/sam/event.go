package sam

import (
	"regexp"
	"strings"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/jsondoc"
)

// event is one of the Events of a function.
func (t *transformer) event(id, alias, name string, r, e *jsondoc.Object) error {
	props := object(e, "Properties")
	target := any(ref(id))
	arn := att(id, "Arn")
	if alias != "" {
		target, arn = ref(alias), ref(alias)
	}
	switch kind := text(e, "Type"); kind {
	case "Api":
		return t.apiEvent(id, alias, name, r, props)
	case "EventBridgeRule", "CloudWatchEvent":
		rule := obj("EventPattern", get(props, "Pattern"), "EventBusName", get(props, "EventBusName"), "Name", get(props, "RuleName"))
		return t.rule(id, name, r, rule, target, arn, props)
	case "Schedule":
		rule := obj("ScheduleExpression", get(props, "Schedule"), "Name", get(props, "Name"), "Description", get(props, "Description"))
		return t.rule(id, name, r, rule, target, arn, props)
	case "SQS":
		return t.queueEvent(id, name, r, props, target)
	case "SNS":
		return t.topicEvent(id, name, r, props, target, arn)
	case "":
		return badResource(id, "Event with id [%s] is invalid. Event is missing the 'Type' property.", name)
	default:
		return badResource(id, "Event with id [%s] is invalid. Brume's transform does not have events of the type %s yet.", name, kind)
	}
}

// rule makes a rule that invokes the function, and the permission for it.
func (t *transformer) rule(id, name string, r, rule *jsondoc.Object, function, arn any, props *jsondoc.Object) error {
	ruleID := id + name
	enabled, says := t.value(get(props, "Enabled")), get(props, "State")
	switch {
	case enabled != nil && says != nil:
		return badResource(id, "Event with id [%s] is invalid. State and Enabled Properties cannot both be specified.", name)
	case enabled == true || enabled == "true":
		says = "ENABLED"
	case enabled != nil:
		says = "DISABLED"
	}
	if says != nil {
		rule.Set("State", says)
	}
	const suffix, longest = "LambdaTarget", 64
	entry := obj("Arn", arn, "Id", ruleID[:min(len(ruleID), longest-len(suffix))]+suffix, "Input", get(props, "Input"), "InputPath", get(props, "InputPath"),
		"InputTransformer", get(props, "InputTransformer"), "RetryPolicy", get(props, "RetryPolicy"))
	if d := object(props, "DeadLetterConfig"); d.Len() > 0 {
		entry.Set("DeadLetterConfig", obj("Arn", get(d, "Arn")))
	}
	if target := object(props, "Target"); text(target, "Id") != "" {
		entry.Set("Id", text(target, "Id"))
	}
	rule.Set("Targets", arr(entry))
	t.emit(ruleID, "AWS::Events::Rule", rule, r, true)
	t.permission(ruleID+"Permission", r, function, "events.amazonaws.com", att(ruleID, "Arn"))
	return nil
}

func (t *transformer) permission(id string, r *jsondoc.Object, function any, principal string, source any) {
	t.emit(id, "AWS::Lambda::Permission", obj("Action", "lambda:InvokeFunction", "FunctionName", function, "Principal", principal, "SourceArn", source), r, true)
}

// implicit is the API that functions share when they name none.
const implicit = "ServerlessRestApi"

// apiEvent adds a route to the implicit API, or to the one that RestApiId names.
func (t *transformer) apiEvent(id, alias, name string, r, props *jsondoc.Object) error {
	path, method := text(props, "Path"), strings.ToLower(text(props, "Method"))
	if path == "" || method == "" {
		return badResource(id, "Event with id [%s] is invalid. Event is missing 'Path' or 'Method'.", name)
	}
	if method == "any" {
		method = "x-amazon-apigateway-any-method"
	}
	if get(props, "RestApiId") != nil {
		return badResource(id, "Event with id [%s] is invalid. Brume's transform has routes of the implicit API only: leave RestApiId out, or write the API's DefinitionBody.", name)
	}
	function := "${" + id + ".Arn}"
	if alias != "" {
		function = "${" + alias + "}"
	}
	operation := obj("x-amazon-apigateway-integration", obj("type", "aws_proxy", "httpMethod", "POST",
		"uri", sub("arn:"+aws.Partition+":apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/"+function+"/invocations")), "responses", jsondoc.NewObject())
	authorizer := object(props, "Auth")
	if kind := text(authorizer, "Authorizer"); kind == "AWS_IAM" {
		operation.Set("security", arr(obj("AWS_IAM", arr())))
		if credentials := invokeRole(get(authorizer, "InvokeRole")); credentials != nil {
			object(operation, "x-amazon-apigateway-integration").Set("credentials", credentials)
		}
	} else if kind != "" && kind != "NONE" {
		return badResource(id, "Event with id [%s] is invalid. Brume's transform has the authorizers AWS_IAM and NONE, not %s.", name, kind)
	}
	at := object(t.routes, path)
	if get(at, method) != nil {
		return badResource(id, "Event with id [%s] is invalid. API method \"%s\" defined multiple times for path \"%s\".", name, method, path)
	}
	at.Set(method, operation)
	t.routes.Set(path, at)
	sourcePath := path
	for {
		before, rest, found := strings.Cut(sourcePath, "{")
		_, after, closed := strings.Cut(rest, "}")
		if !found || !closed {
			break
		}
		sourcePath = before + "*" + after
	}
	verb := strings.ToUpper(method)
	if strings.HasPrefix(method, "x-") {
		verb = "*"
	}
	target := any(ref(id))
	if alias != "" {
		target = ref(alias)
	}
	source := obj("Fn::Sub", arr("arn:"+aws.Partition+":execute-api:${AWS::Region}:${AWS::AccountId}:${__ApiId__}/${__Stage__}/"+verb+sourcePath,
		obj("__ApiId__", ref(implicit), "__Stage__", "*")))
	t.permission(id+name+"PermissionProd", r, target, "apigateway.amazonaws.com", source)
	return nil
}

// invokeRole is with whose credentials the integration calls the function: the caller's own, unless the template says
// otherwise; nil for nobody's.
func invokeRole(v any) any {
	switch v {
	case nil, "CALLER_CREDENTIALS":
		return "arn:" + aws.Partition + ":iam::*:user/*"
	case "NONE":
		return nil
	}
	return v
}

// implicitAPI makes the API of the routes that the functions have asked for.
func (t *transformer) implicitAPI() error {
	if t.routes.Len() == 0 {
		return nil
	}
	body := obj("swagger", "2.0", "info", obj("version", "1.0", "title", ref("AWS::StackName")), "paths", t.routes)
	if strings.Contains(jsondoc.Text(t.routes), `"AWS_IAM"`) {
		body.Set("securityDefinitions", obj("AWS_IAM", obj("x-amazon-apigateway-authtype", "awsSigv4", "type", "apiKey", "name", "Authorization", "in", "header")))
	}
	return t.restAPI(implicit, jsondoc.NewObject(), object(t.globals, "Api"), body, "Prod")
}

// api is AWS::Serverless::Api with a definition.
func (t *transformer) api(id string, r, props *jsondoc.Object) error {
	stage := get(props, "StageName")
	if stage == nil || stage == "" {
		return badResource(id, "Missing required property 'StageName'.")
	}
	body, ok := get(props, "DefinitionBody").(*jsondoc.Object)
	if !ok {
		return badResource(id, "Brume's transform needs the DefinitionBody of the API.")
	}
	return t.restAPI(id, r, props, body, stage)
}

// restAPI makes an API with its deployment and its stage. The deployment's name depends on the definition, so that a new
// definition is deployed; it makes a stage of the name "Stage" too, as SAM's always did.
func (t *transformer) restAPI(id string, r, props, body *jsondoc.Object, stage any) error {
	api := obj("Body", body)
	pick(props, api, "Name", "Description", "MinimumCompressionSize", "ApiKeySourceType", "DisableExecuteApiEndpoint", "FailOnWarnings", "Mode")
	if list, ok := get(props, "BinaryMediaTypes").(*jsondoc.Array); ok {
		body.Set("x-amazon-apigateway-binary-media-types", mediaTypes(list))
		api.Set("BinaryMediaTypes", list)
	}
	if e := get(props, "EndpointConfiguration"); e != nil {
		if o, ok := e.(*jsondoc.Object); ok && !intrinsic(o) {
			api.Set("EndpointConfiguration", obj("Types", arr(get(o, "Type")), "VpcEndpointIds", get(o, "VPCEndpointIds")))
			e = get(o, "Type")
		} else {
			api.Set("EndpointConfiguration", obj("Types", arr(e)))
		}
		api.Set("Parameters", obj("endpointConfigurationTypes", e))
	}
	if all := tags(get(props, "Tags")); all != nil && get(props, "PropagateTags") == true {
		api.Set("Tags", all)
	}
	t.emit(id, "AWS::ApiGateway::RestApi", api, r, false)
	sum := hash(jsondoc.Append(nil, body))
	deployment := id + "Deployment" + sum[:hashLength]
	t.emit(deployment, "AWS::ApiGateway::Deployment", obj("Description", "RestApi deployment id: "+sum, "RestApiId", ref(id), "StageName", "Stage"), r, true)
	s := obj("RestApiId", ref(id), "DeploymentId", ref(deployment), "StageName", stage)
	pick(props, s, "Variables", "MethodSettings", "TracingEnabled", "AccessLogSetting", "CacheClusterEnabled", "CacheClusterSize", "CanarySetting")
	if all := tags(get(props, "Tags")); all != nil {
		s.Set("Tags", all)
	}
	t.emit(stageID(id, stage), "AWS::ApiGateway::Stage", s, r, true)
	return nil
}

// mediaTypes writes media types as definitions have them: image~1png is image/png.
func mediaTypes(list *jsondoc.Array) *jsondoc.Array {
	out := arr()
	for _, v := range list.Items {
		if s, ok := v.(string); ok {
			v = strings.ReplaceAll(s, "~1", "/")
		}
		out.Items = append(out.Items, v)
	}
	return out
}

var alphanumeric = regexp.MustCompile(`^[A-Za-z0-9]+$`)

// stageID is the logical id of a stage: with its name when that can be part of one, else with a hash of it.
func stageID(api string, stage any) string {
	name, ok := stage.(string)
	switch {
	case !ok:
		return api + "Stage"
	case alphanumeric.MatchString(name):
		return api + name + "Stage"
	}
	return api + "Stage" + hash([]byte(name))[:hashLength]
}

// table is AWS::Serverless::SimpleTable.
func (t *transformer) table(id string, r, props *jsondoc.Object) error {
	name, kind := "id", "S"
	if key := object(props, "PrimaryKey"); key.Len() > 0 {
		name = text(key, "Name")
		kind = map[string]string{"String": "S", "Number": "N", "Binary": "B"}[text(key, "Type")]
		if name == "" || kind == "" {
			return badResource(id, "'PrimaryKey' must have a Name, and a Type of String, Number or Binary.")
		}
	}
	out := obj("AttributeDefinitions", arr(obj("AttributeName", name, "AttributeType", kind)), "KeySchema", arr(obj("AttributeName", name, "KeyType", "HASH")))
	if p := get(props, "ProvisionedThroughput"); p != nil {
		out.Set("ProvisionedThroughput", p)
	} else {
		out.Set("BillingMode", "PAY_PER_REQUEST")
	}
	pick(props, out, "TableName", "SSESpecification", "PointInTimeRecoverySpecification")
	if all := tags(get(props, "Tags")); all != nil {
		out.Set("Tags", all)
	}
	t.emit(id, "AWS::DynamoDB::Table", out, r, false)
	return nil
}
