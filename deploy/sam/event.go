package sam

import (
	"crypto/sha1" //nolint:gosec // SAM names deployments by it; nothing depends on its strength
	"encoding/hex"
	"strings"

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
		rule := obj("EventPattern", get(props, "Pattern"), "EventBusName", get(props, "EventBusName"), "State", get(props, "State"), "Name", get(props, "RuleName"))
		return t.rule(id, name, r, rule, target, arn, props)
	case "Schedule":
		rule := obj("ScheduleExpression", get(props, "Schedule"), "Name", get(props, "Name"), "Description", get(props, "Description"), "State", get(props, "State"))
		if get(props, "Enabled") == false {
			rule.Set("State", "DISABLED")
		}
		return t.rule(id, name, r, rule, target, arn, props)
	case "":
		return badResource(id, "Event with id [%s] is invalid. Event is missing the 'Type' property.", name)
	default:
		return badResource(id, "Event with id [%s] is invalid. Brume's transform does not have events of the type %s yet.", name, kind)
	}
}

// rule makes a rule that invokes the function, and the permission for it.
func (t *transformer) rule(id, name string, r, rule *jsondoc.Object, function, arn any, props *jsondoc.Object) error {
	ruleID := id + name
	entry := obj("Arn", arn, "Id", ruleID+"LambdaTarget", "Input", get(props, "Input"), "InputPath", get(props, "InputPath"),
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
		"uri", sub("arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/"+function+"/invocations")), "responses", jsondoc.NewObject())
	authorizer := object(props, "Auth")
	if kind := text(authorizer, "Authorizer"); kind == "AWS_IAM" {
		operation.Set("security", arr(obj("AWS_IAM", arr())))
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
	source := obj("Fn::Sub", arr("arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${__ApiId__}/${__Stage__}/"+verb+sourcePath,
		obj("__ApiId__", ref(implicit), "__Stage__", "*")))
	t.permission(id+name+"PermissionProd", r, target, "apigateway.amazonaws.com", source)
	return nil
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
	return t.restAPI(implicit, jsondoc.NewObject(), object(t.globals, "Api"), body, "Prod", "Stage")
}

// api is AWS::Serverless::Api with a definition.
func (t *transformer) api(id string, r, props *jsondoc.Object) error {
	stage, ok := t.value(get(props, "StageName")).(string)
	if !ok || stage == "" {
		return badResource(id, "Missing required property 'StageName'.")
	}
	body, ok := get(props, "DefinitionBody").(*jsondoc.Object)
	if !ok {
		return badResource(id, "Brume's transform needs the DefinitionBody of the API.")
	}
	return t.restAPI(id, r, props, body, stage)
}

// restAPI makes an API with its deployment and its stages. The deployment's name depends on the definition, so that a
// new definition is deployed. Logical ids of stages are cut to letters and digits.
func (t *transformer) restAPI(id string, r, props, body *jsondoc.Object, stages ...string) error {
	api := obj("Body", body)
	pick(props, api, "Name", "Description", "BinaryMediaTypes", "MinimumCompressionSize", "ApiKeySourceType", "DisableExecuteApiEndpoint", "FailOnWarnings")
	if e := get(props, "EndpointConfiguration"); e != nil {
		if kind, ok := e.(string); ok {
			e = obj("Types", arr(kind))
		} else if o, ok := e.(*jsondoc.Object); ok && get(o, "Type") != nil {
			e = obj("Types", arr(get(o, "Type")))
		}
		api.Set("EndpointConfiguration", e)
	}
	api.Set("Tags", tags(get(props, "Tags")))
	t.emit(id, "AWS::ApiGateway::RestApi", api, r, false)
	sum := sha1.Sum(jsondoc.Append(nil, body)) //nolint:gosec // see the import
	deployment := id + "Deployment" + hex.EncodeToString(sum[:])[:10]
	t.emit(deployment, "AWS::ApiGateway::Deployment", obj("Description", "RestApi deployment id: "+hex.EncodeToString(sum[:]), "RestApiId", ref(id)), r, true)
	for _, stage := range stages {
		if stage == "Stage" && len(stages) > 1 {
			continue // SAM no longer makes the extra stage for templates with OpenApiVersion; Brume never does
		}
		s := obj("RestApiId", ref(id), "DeploymentId", ref(deployment), "StageName", stage)
		pick(props, s, "Variables", "MethodSettings", "TracingEnabled", "AccessLogSetting", "CacheClusterEnabled", "CacheClusterSize", "CanarySetting")
		t.emit(id+stageID(stage)+"Stage", "AWS::ApiGateway::Stage", s, r, true)
	}
	return nil
}

func stageID(name string) string {
	return strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' {
			return c
		}
		return -1
	}, name)
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
	if all := tags(get(props, "Tags")); len(all.Items) > 0 {
		out.Set("Tags", all)
	}
	t.emit(id, "AWS::DynamoDB::Table", out, r, false)
	return nil
}
