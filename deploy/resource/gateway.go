package resource

import (
	"reflect"
	"slices"
	"strings"

	"github.com/brume-dev/brume/api/apigatewayapi"
	"github.com/brume-dev/brume/deploy/resource/fit"
	"github.com/brume-dev/brume/jsondoc"
	"github.com/brume-dev/brume/shape"
)

const maxAPIName = 1024

var gatewayKinds = map[string]*Kind{
	"AWS::ApiGateway::RestApi":          {Create: createAPI, Update: updateAPI, Delete: deleteAPI, Tags: true},
	"AWS::ApiGateway::Resource":         {Create: createPath, Delete: deletePath},
	"AWS::ApiGateway::Method":           {Create: createMethod, Update: updateMethod, Delete: deleteMethod, Replaces: []string{"RestApiId", "ResourceId", "HttpMethod"}},
	"AWS::ApiGateway::Model":            {Create: createModel, Update: updateModel, Delete: deleteModel, Replaces: []string{"RestApiId", "Name", "ContentType"}},
	"AWS::ApiGateway::ApiKey":           {Create: createKeyOfAPI, Update: updateKeyOfAPI, Delete: deleteKeyOfAPI, Replaces: []string{"Value", "Name", "GenerateDistinctId"}, Tags: true},
	"AWS::ApiGateway::UsagePlan":        {Create: createUsagePlan, Update: updateUsagePlan, Delete: deleteUsagePlan, Tags: true},
	"AWS::ApiGateway::UsagePlanKey":     {Create: createPlanKey, Delete: deletePlanKey},
	"AWS::ApiGateway::Authorizer":       {Create: createAuthorizer, Update: updateAuthorizer, Delete: deleteAuthorizer, Replaces: []string{"RestApiId"}},
	"AWS::ApiGateway::RequestValidator": {Create: createValidator, Update: updateValidator, Delete: deleteValidator, Replaces: []string{"RestApiId", "Name"}},
	"AWS::ApiGateway::Deployment":       {Create: createDeployment, Update: updateDeployment, Delete: deleteDeployment, Replaces: []string{"RestApiId", "DeploymentCanarySettings"}},
	"AWS::ApiGateway::Stage":            {Create: createStage, Update: updateStage, Delete: deleteStage, Replaces: []string{"RestApiId", "StageName"}, Tags: true},
	"AWS::ApiGateway::Account":          {Create: putAccount, Update: putAccount, Delete: dropAccount},
	"AWS::ApiGateway::GatewayResponse":  {Create: putResponse, Update: putResponse, Delete: deleteResponse, Replaces: []string{"RestApiId", "ResponseType"}},
}

// patches collects the operations of an Update call.
type patches struct{ ops jsondoc.Array }

func (p *patches) replace(path, value string) {
	p.ops.Items = append(p.ops.Items, input("op", "replace", "path", path, "value", &value))
}

func (p *patches) add(path string) {
	p.ops.Items = append(p.ops.Items, input("op", "add", "path", path))
}

func (p *patches) remove(path string) {
	p.ops.Items = append(p.ops.Items, input("op", "remove", "path", path))
}

// set replaces a property that has changed, at a path. One that is gone gets its usual value.
func (p *patches) set(o *Op, property, path, usual string) {
	if !o.changed(property) {
		return
	}
	if !o.has(property) {
		p.replace(path, usual)
		return
	}
	p.replace(path, o.text(property))
}

// send makes the call when there is anything to do.
func (p *patches) send(o *Op, operation string, pairs ...any) error {
	if len(p.ops.Items) == 0 {
		return nil
	}
	return o.do("apigateway", operation, append(pairs, "patchOperations", &p.ops)...)
}

// escape writes a name as a part of a JSON pointer.
func escape(s string) string { return strings.NewReplacer("~", "~0", "/", "~1").Replace(s) }

func createAPI(o *Op) error {
	if o.Physical == "" {
		var out *jsondoc.Object
		var err error
		body, bodyErr := o.definition()
		switch {
		case bodyErr != nil:
			return bodyErr
		case body != nil:
			out, err = o.call("apigateway", "ImportRestApi", without(o.properties("Body", body), "BodyS3Location"))
		default:
			out, err = o.call("apigateway", "CreateRestApi", o.properties("Name", o.name("Name", maxAPIName), "ApiKeySource", o.text("ApiKeySourceType")))
		}
		if err != nil {
			return err
		}
		o.Physical = textOf(out, "id")
	}
	if defined(o.Properties) { // the definition says nothing of what stands beside it
		o.Old = jsondoc.NewObject()
		if err := inSequence(o.patchAPI, func() error { return o.retagGateway("/restapis/" + o.Physical) }); err != nil {
			return err
		}
	}
	return o.apiAttributes()
}

func (o *Op) apiAttributes() error {
	out, err := o.call("apigateway", "GetRestApi", input("restApiId", o.Physical))
	if err != nil {
		return err
	}
	o.Attributes["RestApiId"] = o.Physical
	o.Attributes["RootResourceId"] = textOf(out, "rootResourceId")
	return nil
}

func updateAPI(o *Op) error {
	if defined(o.Properties) && o.changed("Body", "BodyS3Location") {
		body, err := o.definition()
		if err != nil {
			return err
		}
		mode := o.text("Mode")
		if mode == "" {
			mode = "overwrite"
		}
		if err := o.do("apigateway", "PutRestApi", "restApiId", o.Physical, "mode", mode, "body", body,
			"parameters", get(o.Properties, "Parameters"), "failOnWarnings", get(o.Properties, "FailOnWarnings")); err != nil {
			return err
		}
	}
	return inSequence(o.patchAPI, func() error { return o.retagGateway("/restapis/" + o.Physical) }, o.apiAttributes)
}

// patchAPI brings the properties that stand beside the definition to what they are.
func (o *Op) patchAPI() error {
	var p patches
	if o.has("Name") {
		p.set(o, "Name", "/name", "")
	}
	p.set(o, "Description", "/description", "")
	p.set(o, "ApiKeySourceType", "/apiKeySource", "HEADER")
	p.set(o, "DisableExecuteApiEndpoint", "/disableExecuteApiEndpoint", "false")
	if o.changed("MinimumCompressionSize") {
		if o.has("MinimumCompressionSize") {
			p.replace("/minimumCompressionSize", o.text("MinimumCompressionSize"))
		} else {
			p.remove("/minimumCompressionSize")
		}
	}
	added, removed := difference(texts(o.Old, "BinaryMediaTypes"), texts(o.Properties, "BinaryMediaTypes"))
	for _, m := range removed {
		p.remove("/binaryMediaTypes/" + escape(m))
	}
	for _, m := range added {
		p.add("/binaryMediaTypes/" + escape(strings.ReplaceAll(m, "~1", "/")))
	}
	before, now := texts(inside(o.Old, "EndpointConfiguration"), "Types"), texts(inside(o.Properties, "EndpointConfiguration"), "Types")
	if len(now) > 0 && !slices.Equal(before, now) {
		was := "EDGE"
		if len(before) > 0 {
			was = before[0]
		}
		if len(before) > 0 || !defined(o.Properties) {
			p.replace("/endpointConfiguration/types/"+was, now[0])
		}
	}
	if o.changed("Policy") {
		p.replace("/policy", scalarOrJSON(get(o.Properties, "Policy")))
	}
	return p.send(o, "UpdateRestApi", "restApiId", o.Physical)
}

// scalarOrJSON is text as it is, and a document as its JSON text.
func scalarOrJSON(v any) string {
	if v == nil {
		return ""
	}
	if _, isObject := v.(*jsondoc.Object); isObject {
		return jsondoc.Text(v)
	}
	return fit.Text(v)
}

func (o *Op) retagGateway(path string) error {
	arn := "arn:aws:apigateway:" + o.ID.Region + "::" + path
	return o.retag(
		func(tags *jsondoc.Object) error {
			return o.do("apigateway", "TagResource", "resourceArn", arn, "tags", tags)
		},
		func(keys []any) error {
			return o.do("apigateway", "UntagResource", "resourceArn", arn, "tagKeys", &jsondoc.Array{Items: keys})
		})
}

func deleteAPI(o *Op) error {
	return ignoreGone(o.do("apigateway", "DeleteRestApi", "restApiId", o.Physical))
}

func createPath(o *Op) error {
	out, err := o.call("apigateway", "CreateResource", o.properties())
	if o.made(err) != nil {
		return err
	}
	if out == nil {
		if out, err = o.findPath(); err != nil {
			return err
		}
	}
	o.Physical = textOf(out, "id")
	o.Attributes["ResourceId"] = o.Physical
	return nil
}

// findPath finds the child that an earlier attempt made.
func (o *Op) findPath() (*jsondoc.Object, error) {
	position := ""
	for {
		out, err := o.call("apigateway", "GetResources", input("restApiId", o.text("RestApiId"), "position", position, "limit", "500"))
		if err != nil {
			return nil, err
		}
		for _, v := range list(out, "items") {
			if r, ok := v.(*jsondoc.Object); ok && textOf(r, "parentId") == o.text("ParentId") && textOf(r, "pathPart") == o.text("PathPart") {
				return r, nil
			}
		}
		if position = textOf(out, "position"); position == "" {
			return nil, Missing("PathPart")
		}
	}
}

func deletePath(o *Op) error {
	return ignoreGone(o.do("apigateway", "DeleteResource", "restApiId", o.text("RestApiId"), "resourceId", o.Physical))
}

// method are the members that name a method.
func (o *Op) method() []any {
	return []any{"restApiId", o.text("RestApiId"), "resourceId", o.text("ResourceId"), "httpMethod", o.text("HttpMethod")}
}

func createMethod(o *Op) error {
	o.Physical = o.text("RestApiId") + "|" + o.text("ResourceId") + "|" + o.text("HttpMethod")
	steps := []func() error{func() error {
		_, err := o.call("apigateway", "PutMethod", o.properties())
		return o.made(err)
	}}
	for _, v := range list(o.Properties, "MethodResponses") {
		steps = append(steps, o.response("PutMethodResponse", v))
	}
	integration := inside(o.Properties, "Integration")
	if integration != nil {
		steps = append(steps, func() error { return o.putIntegration(integration) })
		for _, v := range list(integration, "IntegrationResponses") {
			steps = append(steps, o.response("PutIntegrationResponse", v))
		}
	}
	return inSequence(steps...)
}

// putIntegration makes a typed call: the model calls the method and the integration's method by one name, so that no
// document can say both.
func (o *Op) putIntegration(integration *jsondoc.Object) error {
	in := new(apigatewayapi.PutIntegrationRequest)
	doc := fit.Input(without(integration, "IntegrationResponses", "IntegrationHttpMethod"), shape.Of(reflect.TypeFor[apigatewayapi.PutIntegrationRequest]()))
	if _, err := shape.DecodeJSON(jsondoc.Append(nil, doc), in); err != nil {
		return err
	}
	in.RestApiId, in.ResourceId, in.HttpMethod = o.text("RestApiId"), o.text("ResourceId"), o.text("HttpMethod")
	if m := textOf(integration, "IntegrationHttpMethod"); m != "" {
		in.IntegrationHttpMethod = &m
	}
	_, err := apigatewayapi.NewClient(o.Caller).PutIntegration(o, o.ID, in)
	return err
}

func (o *Op) response(operation string, v any) func() error {
	return func() error {
		r, ok := v.(*jsondoc.Object)
		if !ok {
			return Missing("StatusCode")
		}
		_, err := o.call("apigateway", operation, with(r, o.method()...))
		return o.made(err)
	}
}

// updateMethod makes the method anew: deployments are snapshots, so nothing that is deployed notices.
func updateMethod(o *Op) error {
	if err := deleteMethod(o); err != nil {
		return err
	}
	return createMethod(o)
}

func deleteMethod(o *Op) error { return ignoreGone(o.do("apigateway", "DeleteMethod", o.method()...)) }

func createModel(o *Op) error {
	o.Physical = o.text("Name")
	if o.Physical == "" {
		o.Physical = strings.ReplaceAll(o.name("Name", 64), "-", "")
	}
	contentType := o.text("ContentType")
	if contentType == "" {
		contentType = "application/json"
	}
	_, err := o.call("apigateway", "CreateModel", o.properties("Name", o.Physical, "ContentType", contentType))
	return o.made(err)
}

func updateModel(o *Op) error {
	var p patches
	p.set(o, "Description", "/description", "")
	if o.changed("Schema") {
		p.replace("/schema", scalarOrJSON(get(o.Properties, "Schema")))
	}
	return p.send(o, "UpdateModel", "restApiId", o.text("RestApiId"), "modelName", o.Physical)
}

func deleteModel(o *Op) error {
	return ignoreGone(o.do("apigateway", "DeleteModel", "restApiId", o.text("RestApiId"), "modelName", o.Physical))
}

func createDeployment(o *Op) error {
	stage := inside(o.Properties, "StageDescription")
	out, err := o.call("apigateway", "CreateDeployment", without(o.properties("Variables", get(stage, "Variables"),
		"TracingEnabled", get(stage, "TracingEnabled"), "CacheClusterEnabled", get(stage, "CacheClusterEnabled"),
		"CacheClusterSize", get(stage, "CacheClusterSize")), "StageDescription", "Tags"))
	if err != nil {
		return err
	}
	o.Physical = textOf(out, "id")
	o.Attributes["DeploymentId"] = o.Physical
	return nil
}

func updateDeployment(o *Op) error {
	var p patches
	p.set(o, "Description", "/description", "")
	return p.send(o, "UpdateDeployment", "restApiId", o.text("RestApiId"), "deploymentId", o.Physical)
}

// deleteDeployment first takes away the stage that the deployment itself made.
func deleteDeployment(o *Op) error {
	if stage := o.text("StageName"); stage != "" {
		if err := ignoreGone(o.do("apigateway", "DeleteStage", "restApiId", o.text("RestApiId"), "stageName", stage)); err != nil {
			return err
		}
	}
	return ignoreGone(o.do("apigateway", "DeleteDeployment", "restApiId", o.text("RestApiId"), "deploymentId", o.Physical))
}

func createStage(o *Op) error {
	o.Physical = o.text("StageName")
	if _, err := o.call("apigateway", "CreateStage", o.properties()); o.made(err) != nil {
		return err
	}
	o.Old = jsondoc.NewObject()
	return o.stageSettings(&patches{})
}

func updateStage(o *Op) error {
	var p patches
	p.set(o, "DeploymentId", "/deploymentId", "")
	p.set(o, "Description", "/description", "")
	p.set(o, "TracingEnabled", "/tracingEnabled", "false")
	p.set(o, "CacheClusterEnabled", "/cacheClusterEnabled", "false")
	p.set(o, "CacheClusterSize", "/cacheClusterSize", "0.5")
	p.set(o, "DocumentationVersion", "/documentationVersion", "")
	before, now := fit.Map(get(o.Old, "Variables")), fit.Map(get(o.Properties, "Variables"))
	for k := range before.All() {
		if !has(now, k) {
			p.remove("/variables/" + escape(k))
		}
	}
	for k, v := range now.All() {
		if get(before, k) != v {
			p.replace("/variables/"+escape(k), fit.Text(v))
		}
	}
	if err := o.stageSettings(&p); err != nil {
		return err
	}
	return o.retagGateway("/restapis/" + o.text("RestApiId") + "/stages/" + o.Physical)
}

// methodSettings are where the members of MethodSettings lie below /{resource}/{method}/.
var methodSettings = map[string]string{"LoggingLevel": "logging/loglevel", "DataTraceEnabled": "logging/dataTrace",
	"MetricsEnabled": "metrics/enabled", "ThrottlingBurstLimit": "throttling/burstLimit", "ThrottlingRateLimit": "throttling/rateLimit",
	"CachingEnabled": "caching/enabled", "CacheTtlInSeconds": "caching/ttlInSeconds", "CacheDataEncrypted": "caching/dataEncrypted"}

// stageSettings adds what CreateStage does not take: access log and method settings.
func (o *Op) stageSettings(p *patches) error {
	if o.changed("AccessLogSetting") {
		if log := inside(o.Properties, "AccessLogSetting"); log != nil {
			p.replace("/accessLogSettings/destinationArn", textOf(log, "DestinationArn"))
			p.replace("/accessLogSettings/format", textOf(log, "Format"))
		} else {
			p.remove("/accessLogSettings")
		}
	}
	if o.changed("MethodSettings") {
		for _, v := range list(o.Old, "MethodSettings") {
			p.remove(settingPath(v))
		}
		for _, v := range list(o.Properties, "MethodSettings") {
			s, ok := v.(*jsondoc.Object)
			if !ok {
				continue
			}
			for member, value := range s.All() {
				if where, ok := methodSettings[member]; ok {
					p.replace(settingPath(s)+"/"+where, fit.Text(value))
				}
			}
		}
	}
	return p.send(o, "UpdateStage", "restApiId", o.text("RestApiId"), "stageName", o.Physical)
}

func settingPath(v any) string {
	s, _ := v.(*jsondoc.Object)
	path := textOf(s, "ResourcePath")
	if path == "/*" || path == "" {
		return "/*/" + textOf(s, "HttpMethod")
	}
	return "/" + escape(path) + "/" + textOf(s, "HttpMethod")
}

func deleteStage(o *Op) error {
	return ignoreGone(o.do("apigateway", "DeleteStage", "restApiId", o.text("RestApiId"), "stageName", o.Physical))
}

// putAccount sets the role with which API Gateway writes logs, of the whole account.
func putAccount(o *Op) error {
	if o.Physical == "" {
		o.Physical = o.name("", 100)
	}
	var p patches
	p.replace("/cloudwatchRoleArn", o.text("CloudWatchRoleArn"))
	o.Attributes["Id"] = o.Physical
	return p.send(o, "UpdateAccount")
}

// dropAccount leaves the role as it is, as CloudFormation does: other APIs of the account may need it.
func dropAccount(*Op) error { return nil }

func putResponse(o *Op) error {
	o.Physical = o.text("RestApiId") + "|" + o.text("ResponseType")
	o.Attributes["Id"] = o.Physical
	_, err := o.call("apigateway", "PutGatewayResponse", o.properties())
	return err
}

func deleteResponse(o *Op) error {
	return ignoreGone(o.do("apigateway", "DeleteGatewayResponse", "restApiId", o.text("RestApiId"), "responseType", o.text("ResponseType")))
}
