package sam

import (
	"regexp"
	"slices"
	"strings"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/jsondoc"
)

// implicit is the API that functions share when they name none.
const implicit = "ServerlessRestApi"

// api is an API in the making: one of the template, or the implicit one. Its routes come from the events of functions.
type api struct {
	id     string
	from   *jsondoc.Object // the resource; empty for the implicit API
	props  *jsondoc.Object
	stage  any
	body   *jsondoc.Object // DefinitionBody; nil: the transform writes it
	at     any             // DefinitionUri
	routes *jsondoc.Object // path → method → operation
	plain  bool            // AWS::ApiGateway::RestApi: none of ours
}

// properties are what the transform knows of an API.
var properties = []string{"Name", "Description", "MinimumCompressionSize", "ApiKeySourceType", "DisableExecuteApiEndpoint", "FailOnWarnings", "Mode",
	"BinaryMediaTypes", "EndpointConfiguration", "Tags", "PropagateTags", "StageName", "DefinitionBody", "DefinitionUri", "Auth",
	"Variables", "MethodSettings", "TracingEnabled", "AccessLogSetting", "CacheClusterEnabled", "CacheClusterSize", "CanarySetting", "OpenApiVersion", "Cors"}

// declare notes an API of the template.
func (t *transformer) declare(id string, r, props *jsondoc.Object) error {
	stage := get(props, "StageName")
	if stage == nil || stage == "" {
		return badResource(id, "Missing required property 'StageName'.")
	}
	for k := range props.All() {
		if !slices.Contains(properties, k) {
			return badResource(id, "Brume's transform does not have the property %s of an API yet.", k)
		}
	}
	a := &api{id: id, from: r, props: props, stage: stage, at: get(props, "DefinitionUri"), routes: jsondoc.NewObject()}
	if v := get(props, "DefinitionBody"); v != nil {
		body, ok := v.(*jsondoc.Object)
		if !ok {
			return badResource(id, "Brume's transform needs the DefinitionBody of the API as an object.")
		}
		a.body = body
	}
	if a.body != nil && a.at != nil {
		return badResource(id, "Specify either 'DefinitionUri' or 'DefinitionBody' property and not both.")
	}
	t.apis[id] = a
	t.order = append(t.order, id)
	return nil
}

// apiOf finds the API that an event names; the implicit one when it names none.
func (t *transformer) apiOf(id, name string, props *jsondoc.Object) (*api, error) {
	named := get(props, "RestApiId")
	if named == nil {
		if t.apis[implicit] == nil {
			t.apis[implicit] = &api{id: implicit, from: jsondoc.NewObject(), props: object(t.globals, "Api"), stage: "Prod", routes: jsondoc.NewObject()}
			t.order = append(t.order, implicit)
		}
		return t.apis[implicit], nil
	}
	o, _ := named.(*jsondoc.Object)
	if o == nil || o.Len() != 1 || text(o, "Ref") == "" {
		return nil, badResource(id, "Event with id [%s] is invalid. RestApiId must be a valid reference to an 'AWS::Serverless::Api' in same template.", name)
	}
	target := text(o, "Ref")
	if a := t.apis[target]; a != nil {
		return a, nil
	}
	if text(object(t.in, target), "Type") == "AWS::ApiGateway::RestApi" {
		return &api{id: target, plain: true, routes: jsondoc.NewObject()}, nil
	}
	if _, parameter := t.Parameters[target]; parameter {
		return &api{id: target, plain: true, routes: jsondoc.NewObject()}, nil
	}
	return nil, badResource(id, "Event with id [%s] is invalid. RestApiId must be a valid reference to an 'AWS::Serverless::Api' in same template.", name)
}

// apiEvent adds a route to an API, and lets the API invoke the function.
func (t *transformer) apiEvent(id, alias, name string, r, props *jsondoc.Object) error {
	path, method := text(props, "Path"), strings.ToLower(text(props, "Method"))
	if path == "" || method == "" {
		return badResource(id, "Event with id [%s] is invalid. Event is missing 'Path' or 'Method'.", name)
	}
	if method == "any" {
		method = "x-amazon-apigateway-any-method"
	}
	a, err := t.apiOf(id, name, props)
	if err != nil {
		return err
	}
	function, target := "${"+id+".Arn}", any(ref(id))
	if alias != "" {
		function, target = "${"+alias+"}", ref(alias)
	}
	if !a.plain && a.body == nil && a.at == nil {
		operation, err := a.operation(id, name, function, object(props, "Auth"))
		if err != nil {
			return err
		}
		if a.defined(path, method) {
			return badResource(id, "Event with id [%s] is invalid. API method \"%s\" defined multiple times for path \"%s\".", name, method, path)
		}
		a.route(path, method, operation)
	}
	verb := strings.ToUpper(method)
	if strings.HasPrefix(method, "x-") {
		verb = "*"
	}
	source := obj("Fn::Sub", arr("arn:"+aws.Partition+":execute-api:${AWS::Region}:${AWS::AccountId}:${__ApiId__}/${__Stage__}/"+verb+starred(path),
		obj("__ApiId__", ref(a.id), "__Stage__", "*")))
	suffix, named := a.stage.(string)
	if !named {
		suffix = "Stage"
	}
	t.permission(id+name+"Permission"+suffix, r, target, "apigateway.amazonaws.com", source)
	return nil
}

func (a *api) defined(path, method string) bool { return get(object(a.routes, path), method) != nil }

// route adds a route.
func (a *api) route(path, method string, operation *jsondoc.Object) {
	at := object(a.routes, path)
	at.Set(method, operation)
	a.routes.Set(path, at)
}

// starred is a path with * for its parameters.
func starred(path string) string {
	for {
		before, rest, found := strings.Cut(path, "{")
		_, after, closed := strings.Cut(rest, "}")
		if !found || !closed {
			return path
		}
		path = before + "*" + after
	}
}

// operation is a route to a function, with what the API or the event says of who may use it.
func (a *api) operation(id, name, function string, auth *jsondoc.Object) (*jsondoc.Object, error) {
	call := obj("type", "aws_proxy", "httpMethod", "POST",
		"uri", sub("arn:"+aws.Partition+":apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/"+function+"/invocations"))
	out := obj("x-amazon-apigateway-integration", call, "responses", jsondoc.NewObject())
	if err := a.authorize(id, name, out, call, auth); err != nil {
		return nil, err
	}
	a.keyRequired(out, auth)
	return out, nil
}

// authorize sets who may use a route, by what the event says of it, or the API.
func (a *api) authorize(id, name string, out, call, auth *jsondoc.Object) error {
	for k := range auth.All() {
		if k != "Authorizer" && k != "InvokeRole" && k != "ApiKeyRequired" {
			return badResource(id, "Event with id [%s] is invalid. Brume's transform does not have %s of an event's Auth yet.", name, k)
		}
	}
	own := object(a.props, "Auth")
	kind, usual := text(auth, "Authorizer"), text(own, "DefaultAuthorizer")
	if kind == "" {
		kind = usual
	}
	switch {
	case kind == "" || kind == "NONE" && usual == "":
		return nil
	case kind == "AWS_IAM":
		if credentials := invokeRole(get(auth, "InvokeRole")); credentials != nil && get(call, "credentials") == nil {
			call.Set("credentials", credentials)
		}
	case kind != "NONE" && get(object(own, "Authorizers"), kind) == nil:
		return badResource(id, "Event with id [%s] is invalid. Unable to set Authorizer [%s] on API method because the related API does not define any Authorizers of that name.", name, kind)
	}
	out.Set("security", arr(obj(kind, arr())))
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

// definition is what the transform writes of an API.
func (a *api) definition() *jsondoc.Object {
	form, version := "swagger", any("2.0")
	if v := get(a.props, "OpenApiVersion"); v != nil {
		form, version = "openapi", v
	}
	return obj(form, version, "info", obj("version", "1.0", "title", ref("AWS::StackName")), "paths", a.routes)
}

// writeAPIs makes the APIs, once all their routes are known.
func (t *transformer) writeAPIs() error {
	for _, id := range t.order {
		a := t.apis[id]
		body := a.body
		if body == nil && a.at == nil {
			body = a.definition()
		}
		if err := a.cors(body); err != nil {
			return err
		}
		if err := t.secure(a, body); err != nil {
			return err
		}
		if err := t.restAPI(a, body); err != nil {
			return err
		}
		if err := t.usagePlan(a); err != nil {
			return err
		}
	}
	return nil
}

// authKeys are what the transform knows of an API's Auth.
var authKeys = []string{"DefaultAuthorizer", "Authorizers", "AddDefaultAuthorizerToCorsPreflight", "InvokeRole", "ApiKeyRequired",
	"AddApiKeyRequiredToCorsPreflight", "UsagePlan"}

// secure writes the security schemes of an API, and lets it ask its authorizers.
func (t *transformer) secure(a *api, body *jsondoc.Object) error {
	auth := object(a.props, "Auth")
	for k := range auth.All() {
		if !slices.Contains(authKeys, k) {
			return badResource(a.id, "Brume's transform does not have %s of an API's Auth yet.", k)
		}
	}
	schemes := jsondoc.NewObject()
	authorizers := object(auth, "Authorizers")
	for name := range authorizers.All() {
		scheme, err := a.authorizer(name, object(authorizers, name))
		if err != nil {
			return err
		}
		schemes.Set(name, scheme)
		t.emit(a.id+name+"AuthorizerPermission", "AWS::Lambda::Permission", obj("Action", "lambda:InvokeFunction", "FunctionName", get(object(authorizers, name), "FunctionArn"),
			"Principal", "apigateway.amazonaws.com", "SourceArn", obj("Fn::Sub", arr("arn:"+aws.Partition+":execute-api:${AWS::Region}:${AWS::AccountId}:${__ApiId__}/authorizers/*",
				obj("__ApiId__", ref(a.id))))), a.from, true)
	}
	if text(auth, "DefaultAuthorizer") == "AWS_IAM" || strings.Contains(jsondoc.Text(a.routes), `"AWS_IAM"`) {
		schemes.Set("AWS_IAM", obj("x-amazon-apigateway-authtype", "awsSigv4", "type", "apiKey", "name", "Authorization", "in", "header"))
	}
	if keyed(a.routes) {
		schemes.Set(keyScheme, obj("type", "apiKey", "name", "x-api-key", "in", "header"))
	}
	switch {
	case get(auth, "ApiKeyRequired") == true && (a.body != nil || body == nil):
		return badResource(a.id, "Brume's transform has ApiKeyRequired only for APIs whose definition it writes itself.")
	case schemes.Len() == 0:
	case a.body != nil || body == nil:
		return badResource(a.id, "Brume's transform has Auth only for APIs whose definition it writes itself: write the security schemes into the definition.")
	case get(a.props, "OpenApiVersion") != nil:
		body.Set("components", obj("securitySchemes", schemes))
	default:
		body.Set("securityDefinitions", schemes)
	}
	return nil
}

// authorizer is the security scheme of a Lambda authorizer.
func (a *api) authorizer(name string, props *jsondoc.Object) (*jsondoc.Object, error) {
	if get(props, "UserPoolArn") != nil {
		return nil, badResource(a.id, "Authorizer %s is invalid. Brume's transform has no authorizers of user pools yet.", name)
	}
	arn := get(props, "FunctionArn")
	if arn == nil {
		return nil, badResource(a.id, "%s Lambda Authorizer must define 'FunctionArn'.", name)
	}
	identity := object(props, "Identity")
	kind, header := strings.ToLower(text(props, "FunctionPayloadType")), text(identity, "Header")
	if kind == "" {
		kind = "token"
	}
	if header == "" {
		header = "Authorization"
	}
	x := obj("type", kind, "authorizerUri", obj("Fn::Sub", arr("arn:"+aws.Partition+":apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${__FunctionArn__}/invocations",
		obj("__FunctionArn__", arn))), "authorizerResultTtlInSeconds", get(identity, "ReauthorizeEvery"), "authorizerCredentials", get(props, "FunctionInvokeRole"))
	if kind == "request" {
		header = "Unused"
		if source := identitySource(identity); source != "" {
			x.Set("identitySource", source)
		} else if text(identity, "ReauthorizeEvery") != "0" && jsondoc.Text(get(identity, "ReauthorizeEvery")) != "0" {
			return nil, badResource(a.id, "%s Lambda Authorizer must specify Identity with at least one of Headers, QueryStrings, StageVariables, or Context.", name)
		}
	} else if e := get(identity, "ValidationExpression"); e != nil {
		x.Set("identityValidationExpression", e)
	}
	return obj("in", "header", "type", "apiKey", "name", header, "x-amazon-apigateway-authorizer", x, "x-amazon-apigateway-authtype", "custom"), nil
}

// identitySource lists what identifies a caller.
func identitySource(identity *jsondoc.Object) string {
	var out []string
	for _, s := range [][2]string{{"Headers", "method.request.header."}, {"QueryStrings", "method.request.querystring."}, {"StageVariables", "stageVariables."}, {"Context", "context."}} {
		if list, ok := get(identity, s[0]).(*jsondoc.Array); ok {
			for _, v := range list.Items {
				if name, ok := v.(string); ok {
					out = append(out, s[1]+name)
				}
			}
		}
	}
	return strings.Join(out, ", ")
}

// restAPI makes an API with its deployment and its stage. The deployment's name depends on the definition, so that a new
// definition is deployed; it makes a stage of the name "Stage" too, as SAM's always did.
func (t *transformer) restAPI(a *api, body *jsondoc.Object) error {
	id, r, props, stage := a.id, a.from, a.props, a.stage
	api := obj()
	if body != nil {
		api.Set("Body", body)
	}
	var definition []byte
	if a.at != nil {
		where, err := location(id, a.at)
		if err != nil {
			return err
		}
		api.Set("BodyS3Location", where)
		definition = jsondoc.Append(nil, where)
	}
	pick(props, api, "Name", "Description", "MinimumCompressionSize", "ApiKeySourceType", "DisableExecuteApiEndpoint", "FailOnWarnings", "Mode")
	if list, ok := get(props, "BinaryMediaTypes").(*jsondoc.Array); ok {
		if body != nil {
			body.Set("x-amazon-apigateway-binary-media-types", mediaTypes(list))
		}
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
	if body != nil {
		definition = jsondoc.Append(nil, body)
	}
	sum := hash(definition)
	deployment := id + "Deployment" + sum[:hashLength]
	extra := any("Stage")
	if get(props, "OpenApiVersion") != nil {
		extra = nil
	}
	t.emit(deployment, "AWS::ApiGateway::Deployment", obj("Description", "RestApi deployment id: "+sum, "RestApiId", ref(id), "StageName", extra), r, true)
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

// location is where a definition lies in S3: a URL s3://bucket/key, or {Bucket, Key, Version}.
func location(id string, v any) (*jsondoc.Object, error) {
	switch v := v.(type) {
	case string:
		bucket, key, ok := strings.Cut(strings.TrimPrefix(v, "s3://"), "/")
		if strings.HasPrefix(v, "s3://") && ok && bucket != "" && key != "" {
			return obj("Bucket", bucket, "Key", key), nil
		}
	case *jsondoc.Object:
		if get(v, "Bucket") != nil && get(v, "Key") != nil {
			return obj("Bucket", get(v, "Bucket"), "Key", get(v, "Key"), "Version", get(v, "Version")), nil
		}
	}
	return nil, badResource(id, "'DefinitionUri' requires Bucket and Key properties to be specified.")
}
