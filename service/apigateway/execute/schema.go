package execute

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/brume-dev/brume/jsondoc"
)

// modelOf is the model that a $ref names, ".../restapis/{api}/models/{name}", or "".
func modelOf(ref string) string {
	_, rest, ok := strings.Cut(ref, "/restapis/")
	if !ok {
		return ""
	}
	_, name, ok := strings.Cut(rest, "/models/")
	if !ok {
		return ""
	}
	name, _, _ = strings.Cut(name, "#")
	return name
}

// References are the models that a schema refers to.
func References(schema string) iter.Seq[string] {
	return func(yield func(string) bool) {
		doc, err := jsondoc.Parse([]byte(schema))
		if err != nil {
			return
		}
		eachRef(doc, func(o *jsondoc.Object, ref string) bool {
			name := modelOf(ref)
			return name == "" || yield(name)
		})
	}
}

// eachRef calls f with the objects that have a $ref until f returns false.
func eachRef(v any, f func(o *jsondoc.Object, ref string) bool) bool {
	switch v := v.(type) {
	case *jsondoc.Array:
		for _, item := range v.Items {
			if !eachRef(item, f) {
				return false
			}
		}
	case *jsondoc.Object:
		if ref, ok := v.Get("$ref"); ok {
			if s, ok := ref.(string); ok && !f(v, s) {
				return false
			}
		}
		for _, m := range v.All() {
			if !eachRef(m, f) {
				return false
			}
		}
	}
	return true
}

// Flatten returns a schema with the models that it refers to in its definitions.
func Flatten(schema string, models func(name string) (string, bool)) (string, error) {
	doc, err := flatten(schema, models)
	if err != nil {
		return "", err
	}
	return jsondoc.Text(doc), nil
}

func flatten(schema string, models func(name string) (string, bool)) (any, error) {
	doc, err := jsondoc.Parse([]byte(schema))
	if err != nil {
		return nil, errors.New("Invalid model schema specified. Schema must be valid JSON") //nolint:staticcheck // AWS's text
	}
	root, ok := doc.(*jsondoc.Object)
	if !ok {
		return nil, errors.New("Invalid model schema specified. Unsupported keyword(s): []") //nolint:staticcheck // AWS's text
	}
	definitions := jsondoc.NewObject()
	if d, ok := root.Get("definitions"); ok {
		if o, ok := d.(*jsondoc.Object); ok {
			definitions = o
		}
	}
	if err := pullIn(root, definitions, models, 0); err != nil {
		return nil, err
	}
	if definitions.Len() > 0 {
		root.Set("definitions", definitions)
	}
	return root, nil
}

// pullIn moves what v refers to into definitions.
func pullIn(v any, definitions *jsondoc.Object, models func(string) (string, bool), depth int) (err error) {
	if depth > 100 {
		return errors.New("models refer to each other too deeply")
	}
	eachRef(v, func(o *jsondoc.Object, ref string) bool {
		name := modelOf(ref)
		if name == "" {
			return true
		}
		o.Set("$ref", "#/definitions/"+name)
		if _, there := definitions.Get(name); there {
			return true
		}
		source, ok := models(name)
		if !ok {
			err = fmt.Errorf("Invalid model reference specified: %s", ref) //nolint:staticcheck // AWS's text
			return false
		}
		doc, parseErr := jsondoc.Parse([]byte(source))
		if parseErr != nil {
			err = fmt.Errorf("model %s: %w", name, parseErr)
			return false
		}
		definitions.Set(name, doc)
		lift(doc, definitions)
		err = pullIn(doc, definitions, models, depth+1)
		return err == nil
	})
	return err
}

// lift moves the definitions of a model that was pulled in to the root, where its "#/definitions/…" now point.
func lift(doc any, definitions *jsondoc.Object) {
	o, ok := doc.(*jsondoc.Object)
	if !ok {
		return
	}
	o.Delete("$schema")
	own, _ := o.Delete("definitions")
	if d, ok := own.(*jsondoc.Object); ok {
		for k, v := range d.All() {
			if _, there := definitions.Get(k); !there {
				definitions.Set(k, v)
			}
		}
	}
}

// CheckSchema checks the schema of a model called name.
func CheckSchema(name, schema string, models func(name string) (string, bool)) error {
	_, err := compileSchema(name, schema, models)
	return err
}

// nothingElse refuses to load schemas from anywhere.
type nothingElse struct{}

// Load implements jsonschema.URLLoader.
func (nothingElse) Load(url string) (any, error) {
	return nil, fmt.Errorf("Invalid model reference specified: %s", url) //nolint:staticcheck // AWS's text
}

func compileSchema(name, schema string, models func(name string) (string, bool)) (*jsonschema.Schema, error) {
	if schema == "" {
		return nil, nil
	}
	doc, err := flatten(schema, models)
	if err != nil {
		return nil, err
	}
	if s, _ := doc.(*jsondoc.Object).Get("$schema"); s != nil {
		if text, ok := s.(string); !ok || !strings.HasPrefix(text, "http://json-schema.org/draft-04/schema") {
			doc.(*jsondoc.Object).Delete("$schema") // only draft 4 is spoken here
		}
	}
	plain, err := jsonschema.UnmarshalJSON(bytes.NewReader(jsondoc.Append(nil, doc)))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft4)
	c.UseLoader(nothingElse{})
	url := "model:///" + name
	if err := c.AddResource(url, plain); err != nil {
		return nil, err
	}
	return c.Compile(url)
}
