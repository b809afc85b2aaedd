package apigateway

import (
	"context"
	"slices"
	"strings"

	"github.com/brume-dev/brume/api/apigatewayapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/apigateway/definition"
	"github.com/brume-dev/brume/store"
)

// ImportRestApi makes an API from an OpenAPI file.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-import-api.html
func (s *Service) ImportRestApi(ctx context.Context, id aws.Identity, in *apigatewayapi.ImportRestApiRequest) (*apigatewayapi.RestApi, error) {
	def, err := readDefinition(in.Body, truth(in.FailOnWarnings))
	if err != nil {
		return nil, err
	}
	a := &apigatewayapi.RestApi{Name: &def.Name, EndpointConfiguration: endpointOf(in.Parameters, def), BinaryMediaTypes: def.BinaryMediaTypes}
	b, err := s.newAPI(ctx, id)
	if err != nil {
		return nil, err
	}
	ids, err := s.newIDs(def)
	if err != nil {
		return nil, err
	}
	return store.Update(ctx, s.shard(id.Account, id.Region), func(_ context.Context, tx store.Tx) (*apigatewayapi.RestApi, error) {
		out := *a
		d := &draft{r: tx, tx: tx, id: id, key: placeOf(id.Account, id.Region, b.api), api: &out}
		if err := d.create(b); err != nil {
			return nil, err
		}
		if err := d.take(def, ids); err != nil {
			return nil, err
		}
		return d.imported(def), nil
	})
}

// PutRestApi gives an API what an OpenAPI file says: beside what it has (merge), or in its place (overwrite).
func (s *Service) PutRestApi(ctx context.Context, id aws.Identity, in *apigatewayapi.PutRestApiRequest) (*apigatewayapi.RestApi, error) {
	def, err := readDefinition(in.Body, truth(in.FailOnWarnings))
	if err != nil {
		return nil, err
	}
	ids, err := s.newIDs(def)
	if err != nil {
		return nil, err
	}
	return update(ctx, s, id, in.RestApiId, func(d *draft) (*apigatewayapi.RestApi, error) {
		if in.Mode == apigatewayapi.PutModeOverwrite {
			if err := d.empty(); err != nil {
				return nil, err
			}
			d.api.BinaryMediaTypes = nil
		}
		if err := d.take(def, ids); err != nil {
			return nil, err
		}
		return d.imported(def), nil
	})
}

func readDefinition(body []byte, strict bool) (*definition.Definition, error) {
	if len(body) > maxDefinition {
		return nil, bad("The definition is too large: at most %d bytes", maxDefinition)
	}
	def, err := definition.Read(body)
	if err != nil {
		return nil, bad("Invalid OpenAPI input: %v", err)
	}
	if strict && len(def.Warnings) > 0 {
		return nil, bad("Warnings found during import: %s", strings.Join(def.Warnings, "; "))
	}
	return def, nil
}

// endpointOf is the endpoint that the parameters of an import name, "endpointConfigurationTypes".
func endpointOf(parameters map[string]string, def *definition.Definition) *apigatewayapi.EndpointConfiguration {
	t := parameters["endpointConfigurationTypes"]
	if !slices.Contains(apigatewayapi.EndpointType("").EnumValues(), t) {
		return def.Endpoint
	}
	return &apigatewayapi.EndpointConfiguration{Types: []apigatewayapi.EndpointType{apigatewayapi.EndpointType(t)}}
}

func (d *draft) imported(def *definition.Definition) *apigatewayapi.RestApi {
	out := shownAPI(d.api)
	out.Warnings = def.Warnings
	return out
}

// newIDs makes enough ids for what a definition holds: a transaction may run again and draws none itself.
func (s *Service) newIDs(def *definition.Definition) (*supply, error) {
	n := len(def.Models) + len(def.Validators) + len(def.Authorizers)
	for _, p := range def.Paths {
		n += strings.Count(p.Path, "/")
	}
	out := &supply{}
	for range n {
		id, err := s.newID(shortID)
		if err != nil {
			return nil, err
		}
		out.ids = append(out.ids, id)
	}
	return out, nil
}

// supply is as many ids as a definition may need; every run of the transaction takes them in the same order.
type supply struct{ ids []string }

// empty deletes all resources but the root, methods, models, validators and gateway responses.
func (d *draft) empty() error {
	if err := d.deleteTree(*d.api.RootResourceId); err != nil {
		return err
	}
	for _, family := range []store.Tuple{d.key.models(), d.key.validators(), d.key.responses()} {
		d.tx.DeleteRange(family.Range())
	}
	return nil
}

// take writes what a definition holds. What it names that is there already, it replaces.
func (d *draft) take(def *definition.Definition, ids *supply) error {
	left := ids.ids
	next := func() string {
		id := left[0]
		left = left[1:]
		return id
	}
	d.api.Name = &def.Name
	if def.Description != "" {
		d.api.Description = &def.Description
	}
	if def.Version != "" {
		d.api.Version = &def.Version
	}
	for _, t := range def.BinaryMediaTypes {
		if !slices.Contains(d.api.BinaryMediaTypes, t) {
			d.api.BinaryMediaTypes = append(d.api.BinaryMediaTypes, t)
		}
	}
	if def.Policy != "" {
		d.api.Policy = &def.Policy
	}
	if def.MinimumCompressionSize != nil {
		d.api.MinimumCompressionSize = def.MinimumCompressionSize
	}
	if err := checkAPI(d.api); err != nil {
		return err
	}
	if err := save(d.tx, d.key.record(), d.api); err != nil {
		return err
	}
	if err := d.takeModels(def, next); err != nil {
		return err
	}
	validators, err := d.takeValidators(def, next)
	if err != nil {
		return err
	}
	authorizers, err := d.takeAuthorizers(def.Authorizers, next)
	if err != nil {
		return err
	}
	for _, g := range def.Responses {
		if err := d.saveGatewayResponse(&g); err != nil {
			return err
		}
	}
	for _, p := range def.Paths {
		if err := d.takePath(p, known{validators, authorizers}, next); err != nil {
			return err
		}
	}
	return nil
}

// takeModels writes models; they may refer to each other in any order, so they are checked when all are there.
func (d *draft) takeModels(def *definition.Definition, next func() string) error {
	for i := range def.Models {
		m := def.Models[i]
		own := next()
		m.Id = &own
		if m.Schema != nil {
			schema := strings.ReplaceAll(*m.Schema, definition.ModelPrefix, "https://apigateway.amazonaws.com/restapis/"+*d.api.Id+"/models/")
			m.Schema = &schema
		}
		if err := save(d.tx, d.key.models().Text(*m.Name), &m); err != nil {
			return err
		}
	}
	for _, m := range def.Models {
		kept, err := d.model(*m.Name)
		if err == nil {
			err = d.checkModel(kept)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (d *draft) takeValidators(def *definition.Definition, next func() string) (map[string]string, error) {
	byName := map[string]string{}
	err := each(d.r, d.key.validators(), d.key.validators().Range(), func(id string, v *apigatewayapi.RequestValidator) (bool, error) {
		byName[text(v.Name)] = id
		return true, nil
	})
	if err != nil {
		return nil, err
	}
	for _, v := range def.Validators {
		own := next()
		if known, ok := byName[*v.Name]; ok {
			own = known
		}
		v.Id = &own
		byName[*v.Name] = own
		if err := save(d.tx, d.key.validators().Text(own), &v); err != nil {
			return nil, err
		}
	}
	return byName, nil
}

// known are the ids of what methods name.
type known struct{ validators, authorizers map[string]string }

// takePath writes the resources of a path that are not there, and its methods.
func (d *draft) takePath(p definition.Path, named known, next func() string) error {
	at := *d.api.RootResourceId
	for part := range strings.SplitSeq(strings.Trim(p.Path, "/"), "/") {
		if part == "" {
			continue
		}
		b, ok, err := d.r.Get(store.Key(d.key.children(at).Text(part)))
		if err != nil {
			return err
		}
		if ok {
			at = string(b)
			continue
		}
		r, err := d.addResource(next(), at, part)
		if err != nil {
			return err
		}
		at = *r.Id
	}
	for _, m := range p.Methods {
		if err := d.takeMethod(at, m, named); err != nil {
			return err
		}
	}
	return nil
}

func (d *draft) takeMethod(resource string, in definition.Method, named known) error {
	m := in.Method
	if in.Validator != "" {
		id, ok := named.validators[in.Validator]
		if !ok {
			return bad("Invalid OpenAPI input: there is no request validator %s", in.Validator)
		}
		m.RequestValidatorId = &id
	}
	if in.Authorizer != "" {
		id, ok := named.authorizers[in.Authorizer]
		if !ok {
			return bad("Invalid OpenAPI input: there is no authorizer %s", in.Authorizer)
		}
		m.AuthorizerId = &id
	}
	responses := m.MethodResponses
	m.MethodResponses = nil
	if err := d.checkMethod(&m); err != nil {
		return err
	}
	for _, r := range responses {
		if err := d.setResponse(&m, r); err != nil {
			return err
		}
	}
	if i := m.MethodIntegration; i != nil {
		own := *i
		own.IntegrationResponses = nil
		d.completeIntegration(&own, resource)
		if err := d.checkIntegration(&own); err != nil {
			return err
		}
		m.MethodIntegration = &own
		for status, r := range i.IntegrationResponses {
			if _, declared := m.MethodResponses[status]; !declared { // the file may leave the method's response out
				if err := d.setResponse(&m, apigatewayapi.MethodResponse{StatusCode: &status}); err != nil {
					return err
				}
			}
			declareHeaders(&m, status, r)
			if err := setIntegrationResponse(&m, &own, r); err != nil {
				return err
			}
		}
	}
	return d.saveMethod(resource, *m.HttpMethod, &m)
}

// declareHeaders gives the method's response the headers that the integration's sets.
func declareHeaders(m *apigatewayapi.Method, status string, r apigatewayapi.IntegrationResponse) {
	declared := m.MethodResponses[status]
	for name := range r.ResponseParameters {
		if _, ok := declared.ResponseParameters[name]; ok {
			continue
		}
		if declared.ResponseParameters == nil {
			declared.ResponseParameters = map[string]bool{}
		}
		declared.ResponseParameters[name] = false
	}
	m.MethodResponses[status] = declared
}
