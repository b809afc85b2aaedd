package sam

import (
	"slices"
	"strings"

	"github.com/brume-dev/brume/jsondoc"
)

// preflight is the property Cors of an API: what its answers to OPTIONS say.
// https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-api-corsconfiguration.html
type preflight struct {
	origin, headers, methods, age any
	credentials                   bool
}

// everyMethod are those that "any" stands for.
const everyMethod = "DELETE,GET,HEAD,OPTIONS,PATCH,POST,PUT"

// readCors reads the property; nil: there is none.
func readCors(id string, v any) (*preflight, error) {
	c := &preflight{origin: "'*'"}
	o, isObject := v.(*jsondoc.Object)
	text, isText := v.(string)
	switch {
	case v == nil, v == false, isText && text == "", isObject && o.Len() == 0:
		return nil, nil
	case isText, isObject && intrinsic(o):
		c.origin = v
		return c, nil
	case !isObject:
		return nil, badResource(id, "Invalid value for 'Cors' property")
	}
	for k, m := range o.All() {
		switch k {
		case "AllowOrigin":
			c.origin = m
		case "AllowHeaders":
			c.headers = m
		case "AllowMethods":
			c.methods = m
		case "MaxAge":
			c.age = m
		case "AllowCredentials":
			c.credentials = m == true
		default:
			return nil, badResource(id, "Invalid key '%s' for 'Cors' property.", k)
		}
	}
	if c.credentials && c.origin == "'*'" {
		return nil, badResource(id, "Unable to add Cors configuration because 'AllowCredentials' can not be true when 'AllowOrigin' is \"'*'\" or not set")
	}
	return c, nil
}

// cors lets every path of an API that has no OPTIONS answer preflights by itself.
func (a *api) cors(body *jsondoc.Object) error {
	c, err := readCors(a.id, get(a.props, "Cors"))
	if c == nil || err != nil {
		return err
	}
	if body == nil {
		return badResource(a.id, "Cors works only with inline Swagger specified in 'DefinitionBody' property.")
	}
	paths, ok := get(body, "paths").(*jsondoc.Object)
	if !ok {
		return badResource(a.id, "Unable to add Cors configuration because 'DefinitionBody' does not contain a valid Swagger definition.")
	}
	seen := map[string]bool{} // /path and /path/ are one resource
	for path, v := range paths.All() {
		item, ok := v.(*jsondoc.Object)
		plain := strings.TrimRight(path, "/")
		if !ok || intrinsic(item) {
			return badResource(a.id, "Brume's transform needs the paths of an API with Cors as objects: %s is none.", path)
		}
		if seen[plain] || get(item, "options") != nil {
			continue
		}
		seen[plain] = true
		operation := c.operation(item, get(body, "openapi") != nil)
		if security := a.preflightSecurity(); len(security.Items) > 0 {
			operation.Set("security", security)
		}
		item.Set("options", operation)
	}
	return nil
}

// preflightSecurity is who may ask: everybody, unless the API has an authorizer for everything.
func (a *api) preflightSecurity() *jsondoc.Array {
	auth, out := object(a.props, "Auth"), arr()
	if usual := text(auth, "DefaultAuthorizer"); usual != "" && usual != "NONE" && get(auth, "AddDefaultAuthorizerToCorsPreflight") != false {
		out.Items = append(out.Items, obj(usual, arr()))
	}
	if get(auth, "ApiKeyRequired") == true && get(auth, "AddApiKeyRequiredToCorsPreflight") != false {
		out.Items = append(out.Items, obj(keyScheme, arr()))
	}
	return out
}

// operation is OPTIONS of a path: a mock integration whose answer has the headers.
func (c *preflight) operation(item *jsondoc.Object, openapi bool) *jsondoc.Object {
	methods := c.methods
	if methods == nil || methods == "" {
		methods = "'" + methodsOf(item) + "'"
	}
	parameters, headers := jsondoc.NewObject(), jsondoc.NewObject()
	add := func(name string, value any, kind string) {
		if value == nil || value == "" {
			return
		}
		parameters.Set("method.response.header."+name, value)
		header := obj("type", kind)
		if openapi {
			header = obj("schema", header)
		}
		headers.Set(name, header)
	}
	add("Access-Control-Allow-Origin", c.origin, "string")
	add("Access-Control-Allow-Headers", c.headers, "string")
	add("Access-Control-Allow-Methods", methods, "string")
	add("Access-Control-Max-Age", c.age, "integer")
	if c.credentials {
		add("Access-Control-Allow-Credentials", "'true'", "string")
	}
	out := obj("summary", "CORS support")
	if !openapi {
		out.Set("consumes", arr("application/json"))
		out.Set("produces", arr("application/json"))
	}
	out.Set("x-amazon-apigateway-integration", obj("type", "mock", "requestTemplates", obj("application/json", "{\n  \"statusCode\" : 200\n}\n"),
		"responses", obj("default", obj("statusCode", "200", "responseParameters", parameters, "responseTemplates", obj("application/json", "{}\n")))))
	out.Set("responses", obj("200", obj("description", "Default response for CORS method", "headers", headers)))
	return out
}

// methodsOf are the methods of a path, OPTIONS among them.
func methodsOf(item *jsondoc.Object) string {
	all := []string{"OPTIONS"}
	for m := range item.All() {
		if m == "x-amazon-apigateway-any-method" {
			return everyMethod
		}
		all = append(all, strings.ToUpper(m))
	}
	slices.Sort(all)
	return strings.Join(slices.Compact(all), ",")
}
