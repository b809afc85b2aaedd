package apigateway

import (
	"context"
	"regexp"

	"github.com/brume-dev/brume/api/apigatewayapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/apigateway/execute"
	"github.com/brume-dev/brume/store"
)

// builtinModels are the models that every API is made with.
func builtinModels() []apigatewayapi.Model {
	model := func(name, description, schema string) apigatewayapi.Model {
		contentType := "application/json"
		return apigatewayapi.Model{Name: &name, Description: &description, Schema: &schema, ContentType: &contentType}
	}
	return []apigatewayapi.Model{
		model("Empty", "This is a default empty schema model",
			"{\n  \"$schema\": \"http://json-schema.org/draft-04/schema#\",\n  \"title\" : \"Empty Schema\",\n  \"type\" : \"object\"\n}"),
		model("Error", "This is a default error schema model",
			"{\n  \"$schema\" : \"http://json-schema.org/draft-04/schema#\",\n  \"title\" : \"Error Schema\",\n  \"type\" : \"object\",\n"+
				"  \"properties\" : {\n    \"message\" : { \"type\" : \"string\" }\n  }\n}"),
	}
}

func noModel(name string) error { return notFound("Invalid model name specified: %s", name) }

func (d *draft) model(name string) (*apigatewayapi.Model, error) {
	return must[apigatewayapi.Model](d.r, d.key.models().Text(name), noModel(name))
}

// checkModel checks a model. What it refers to must exist.
func (d *draft) checkModel(m *apigatewayapi.Model) error {
	if !regexp.MustCompile(`^[a-zA-Z0-9]+$`).MatchString(text(m.Name)) {
		return bad("Model name must be alphanumeric: %s", text(m.Name))
	}
	schema := text(m.Schema)
	if len(schema) > maxModelSize {
		return bad("Model schema is too large: at most %d bytes", maxModelSize)
	}
	if schema == "" || text(m.ContentType) != "application/json" {
		return nil
	}
	if err := execute.CheckSchema(*m.Name, schema, d.schemas); err != nil {
		return bad("Invalid model specified: Validation Result: warnings : [], errors : [%v]", err)
	}
	return nil
}

// schemas gives the schema of a model.
func (d *draft) schemas(name string) (string, bool) {
	m, err := d.model(name)
	if err != nil {
		return "", false
	}
	return text(m.Schema), true
}

// CreateModel adds a model to an API.
func (s *Service) CreateModel(ctx context.Context, id aws.Identity, in *apigatewayapi.CreateModelRequest) (*apigatewayapi.Model, error) {
	own, err := s.newID(shortID)
	if err != nil {
		return nil, err
	}
	m := &apigatewayapi.Model{Id: &own, Name: &in.Name, Description: in.Description, Schema: in.Schema, ContentType: &in.ContentType}
	return update(ctx, s, id, in.RestApiId, func(d *draft) (*apigatewayapi.Model, error) {
		if _, there := d.schemas(in.Name); there {
			return nil, conflict("Model name already exists for this REST API")
		}
		return m, d.addModel(m)
	})
}

func (d *draft) addModel(m *apigatewayapi.Model) error {
	if err := d.checkModel(m); err != nil {
		return err
	}
	n, err := count(d.r, d.key.models(), maxModels)
	if err != nil {
		return err
	}
	if n >= maxModels {
		return exceeded("Maximum number of models for this API has been reached: %d", maxModels)
	}
	return save(d.tx, d.key.models().Text(*m.Name), m)
}

// GetModel describes a model; flattened, with the models that it refers to inside.
func (s *Service) GetModel(ctx context.Context, id aws.Identity, in *apigatewayapi.GetModelRequest) (*apigatewayapi.Model, error) {
	return view(ctx, s, id, in.RestApiId, func(d *draft) (*apigatewayapi.Model, error) {
		m, err := d.model(in.ModelName)
		if err != nil || !truth(in.Flatten) || text(m.Schema) == "" {
			return m, err
		}
		flat, err := execute.Flatten(*m.Schema, d.schemas)
		if err != nil {
			return nil, bad("Invalid model specified: %v", err)
		}
		m.Schema = &flat
		return m, nil
	})
}

// GetModels lists the models of an API.
func (s *Service) GetModels(ctx context.Context, id aws.Identity, in *apigatewayapi.GetModelsRequest) (*apigatewayapi.Models, error) {
	return view(ctx, s, id, in.RestApiId, func(d *draft) (*apigatewayapi.Models, error) {
		items, next, err := page[apigatewayapi.Model](d.r, d.key.models(), in.Position, in.Limit)
		return &apigatewayapi.Models{Items: items, Position: next}, err
	})
}

// DeleteModel deletes a model that no method and no other model names.
func (s *Service) DeleteModel(ctx context.Context, id aws.Identity, in *apigatewayapi.DeleteModelRequest) (*apigatewayapi.DeleteModelOutput, error) {
	return update(ctx, s, id, in.RestApiId, func(d *draft) (*apigatewayapi.DeleteModelOutput, error) {
		if _, err := d.model(in.ModelName); err != nil {
			return nil, err
		}
		if err := d.unusedModel(in.ModelName); err != nil {
			return nil, err
		}
		return &apigatewayapi.DeleteModelOutput{}, store.DeleteLarge(d.tx, store.Key(d.key.models().Text(in.ModelName)))
	})
}

func (d *draft) unusedModel(name string) error {
	if err := each(d.r, d.key.models(), d.key.models().Range(), func(other string, m *apigatewayapi.Model) (bool, error) {
		for ref := range execute.References(text(m.Schema)) {
			if ref == name && other != name {
				return false, conflict("Cannot delete model '%s', is referenced in model: %s", name, other)
			}
		}
		return true, nil
	}); err != nil {
		return err
	}
	return d.eachMethod(func(r *apigatewayapi.Resource, verb string, m *apigatewayapi.Method) error {
		for _, model := range m.RequestModels {
			if model == name {
				return conflict("Cannot delete model '%s', is referenced in method request: %s/%s", name, *r.Id, verb)
			}
		}
		for status, response := range m.MethodResponses {
			for _, model := range response.ResponseModels {
				if model == name {
					return conflict("Cannot delete model '%s', is referenced in method response: %s/%s/%s", name, *r.Id, verb, status)
				}
			}
		}
		return nil
	})
}

// eachMethod calls f with every method of the API.
func (d *draft) eachMethod(f func(r *apigatewayapi.Resource, verb string, m *apigatewayapi.Method) error) error {
	return each(d.r, d.key.resources(), d.key.resources().Range(), func(_ string, r *apigatewayapi.Resource) (bool, error) {
		prefix := d.key.methods(*r.Id)
		err := each(d.r, prefix, prefix.Range(), func(verb string, m *apigatewayapi.Method) (bool, error) {
			err := f(r, verb, m)
			return err == nil, err
		})
		return err == nil, err
	})
}

// UpdateModel changes a model.
func (s *Service) UpdateModel(ctx context.Context, id aws.Identity, in *apigatewayapi.UpdateModelRequest) (*apigatewayapi.Model, error) {
	type model = apigatewayapi.Model
	rules := []rule[model]{
		textRule("/description", "replace", func(v *model) **string { return &v.Description }),
		textRule("/schema", "replace", func(v *model) **string { return &v.Schema }),
	}
	return update(ctx, s, id, in.RestApiId, func(d *draft) (*model, error) {
		m, err := d.model(in.ModelName)
		if err != nil {
			return nil, err
		}
		if err := patch(m, rules, in.PatchOperations); err != nil {
			return nil, err
		}
		if err := d.checkModel(m); err != nil {
			return nil, err
		}
		return m, save(d.tx, d.key.models().Text(in.ModelName), m)
	})
}
