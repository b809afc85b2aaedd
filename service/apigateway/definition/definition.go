// Package definition reads the OpenAPI files (Swagger 2.0, OpenAPI 3.0) that API Gateway imports, with its extensions:
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions.html.
package definition

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/brume-dev/brume/api/apigatewayapi"
	"github.com/brume-dev/brume/jsondoc"
)

// ModelPrefix begins what a schema refers to another model by, until the API's id is known.
const ModelPrefix = "brume:model:/"

// Definition is what a file says of an API.
type Definition struct {
	Name, Description, Version string
	Policy                     string
	BinaryMediaTypes           []string
	MinimumCompressionSize     *int32
	Endpoint                   *apigatewayapi.EndpointConfiguration
	Models                     []apigatewayapi.Model
	Validators                 []apigatewayapi.RequestValidator
	Authorizers                []apigatewayapi.Authorizer
	Responses                  []apigatewayapi.GatewayResponse
	Paths                      []Path
	Warnings                   []string // what was left out
}

// Path is a resource with its methods.
type Path struct {
	Path    string
	Methods []Method
}

// Method is a method, and the names of its validator and its authorizer.
type Method struct {
	apigatewayapi.Method
	Validator, Authorizer string
}

// reader is the state of reading a file.
type reader struct {
	root  *jsondoc.Object
	three bool // OpenAPI 3
	out   *Definition
	made  map[string]bool // models
}

// Read reads a file in JSON or YAML.
func Read(b []byte) (*Definition, error) {
	root, err := parse(b)
	if err != nil {
		return nil, err
	}
	r := &reader{root: root, out: &Definition{}, made: map[string]bool{}}
	switch version := str(root, "openapi"); {
	case strings.HasPrefix(version, "3.0"):
		r.three = true
	case version != "":
		return nil, fmt.Errorf("OpenAPI version %s is not supported: 2.0 and 3.0 are", version)
	case str(root, "swagger") != "2.0":
		return nil, errors.New("the file is neither Swagger 2.0 nor OpenAPI 3.0")
	}
	info := obj(root, "info")
	r.out.Name, r.out.Description, r.out.Version = str(info, "title"), str(info, "description"), str(info, "version")
	if r.out.Name == "" {
		return nil, errors.New("info.title is missing")
	}
	if d := str(root, "description"); d != "" {
		r.out.Description = d
	}
	r.settings()
	r.authorizers()
	if err := r.models(); err != nil {
		return nil, err
	}
	return r.out, r.paths()
}

// parse reads JSON, or else YAML, into a document.
func parse(b []byte) (*jsondoc.Object, error) {
	doc, err := jsondoc.Parse(b)
	if err != nil {
		var v any
		if yerr := yaml.Unmarshal(b, &v); yerr != nil {
			return nil, fmt.Errorf("the file is neither JSON nor YAML: %w", yerr)
		}
		plain, jerr := json.Marshal(stringKeys(v, 0))
		if jerr != nil {
			return nil, fmt.Errorf("the file is no OpenAPI definition: %w", jerr)
		}
		if doc, err = jsondoc.Parse(plain); err != nil {
			return nil, err
		}
	}
	root, ok := doc.(*jsondoc.Object)
	if !ok {
		return nil, errors.New("the file is no OpenAPI definition")
	}
	return root, nil
}

// stringKeys makes names of YAML's other keys: statuses are often written as numbers.
func stringKeys(v any, depth int) any {
	if depth > jsondoc.MaxDepth {
		return nil
	}
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			v[k] = stringKeys(v[k], depth+1)
		}
	case map[any]any:
		out := make(map[string]any, len(v))
		for k := range v {
			out[fmt.Sprint(k)] = stringKeys(v[k], depth+1)
		}
		return out
	case []any:
		for i := range v {
			v[i] = stringKeys(v[i], depth+1)
		}
	}
	return v
}

func (r *reader) warn(format string, args ...any) {
	r.out.Warnings = append(r.out.Warnings, fmt.Sprintf(format, args...))
}

// settings reads the extensions at the root.
func (r *reader) settings() {
	o := r.out
	if p, ok := r.root.Get("x-amazon-apigateway-policy"); ok && p != nil {
		if text, isText := p.(string); isText {
			o.Policy = text
		} else {
			o.Policy = jsondoc.Text(p)
		}
	}
	o.BinaryMediaTypes = strs(r.root, "x-amazon-apigateway-binary-media-types")
	o.MinimumCompressionSize = number(r.root, "x-amazon-apigateway-minimum-compression-size")
	if e := obj(r.root, "x-amazon-apigateway-endpoint-configuration"); e != nil {
		c := &apigatewayapi.EndpointConfiguration{VpcEndpointIds: strs(e, "vpcEndpointIds")}
		for _, t := range strs(e, "types") {
			c.Types = append(c.Types, apigatewayapi.EndpointType(t))
		}
		o.Endpoint = c
	}
	for name, v := range members(r.root, "x-amazon-apigateway-request-validators") {
		body, parameters := boolean(v, "validateRequestBody"), boolean(v, "validateRequestParameters")
		o.Validators = append(o.Validators, apigatewayapi.RequestValidator{Name: &name, ValidateRequestBody: &body, ValidateRequestParameters: &parameters})
	}
	for t, v := range members(r.root, "x-amazon-apigateway-gateway-responses") {
		g := apigatewayapi.GatewayResponse{ResponseType: apigatewayapi.GatewayResponseType(t), ResponseParameters: texts(v, "responseParameters"),
			ResponseTemplates: texts(v, "responseTemplates")}
		if s := scalar(v, "statusCode"); s != "" {
			g.StatusCode = &s
		}
		o.Responses = append(o.Responses, g)
	}
}

// models reads the schemas that have names.
func (r *reader) models() error {
	holder, member := r.root, "definitions"
	if r.three {
		holder, member = obj(r.root, "components"), "schemas"
	}
	for name, schema := range members(holder, member) {
		r.addModel(modelName(name), schema)
	}
	return nil
}

func (r *reader) addModel(name string, schema *jsondoc.Object) {
	if r.made[name] {
		return
	}
	r.made[name] = true
	contentType := "application/json"
	text := jsondoc.Text(r.schema(schema, 0))
	m := apigatewayapi.Model{Name: &name, Schema: &text, ContentType: &contentType}
	if d := str(schema, "description"); d != "" {
		m.Description = &d
	}
	r.out.Models = append(r.out.Models, m)
}

// modelName keeps what a model's name may have.
func modelName(name string) string {
	return strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' {
			return c
		}
		return -1
	}, name)
}

// schema is a schema as a model has it: references name models, and what JSON Schema does not know is left out.
func (r *reader) schema(v any, depth int) any {
	if depth > jsondoc.MaxDepth {
		return nil
	}
	switch v := v.(type) {
	case *jsondoc.Array:
		out := &jsondoc.Array{}
		for _, item := range v.Items {
			out.Items = append(out.Items, r.schema(item, depth+1))
		}
		return out
	case *jsondoc.Object:
		out := jsondoc.NewObject()
		for k, m := range v.All() {
			switch k {
			case "example", "discriminator", "readOnly", "writeOnly", "xml", "externalDocs", "deprecated":
				if _, isSchema := m.(*jsondoc.Object); !isSchema {
					continue
				}
			case "$ref":
				if ref, ok := m.(string); ok {
					m = r.reference(ref)
				}
			}
			out.Set(k, r.schema(m, depth+1))
		}
		return out
	}
	return v
}

func (r *reader) reference(ref string) string {
	for _, prefix := range []string{"#/definitions/", "#/components/schemas/"} {
		if name, ok := strings.CutPrefix(ref, prefix); ok {
			return ModelPrefix + modelName(name)
		}
	}
	return ref
}

// resolve follows a reference within the file.
func (r *reader) resolve(o *jsondoc.Object) *jsondoc.Object {
	for range 10 {
		ref := str(o, "$ref")
		if !strings.HasPrefix(ref, "#/") {
			return o
		}
		at := r.root
		for part := range strings.SplitSeq(ref[2:], "/") {
			at = obj(at, strings.NewReplacer("~1", "/", "~0", "~").Replace(part))
		}
		if at == nil {
			r.warn("%s leads nowhere", ref)
			return nil
		}
		o = at
	}
	return o
}

func number(o *jsondoc.Object, name string) *int32 {
	n, err := strconv.ParseInt(scalar(o, name), 10, 32)
	if err != nil {
		return nil
	}
	v := int32(n)
	return &v
}
