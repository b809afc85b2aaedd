package template

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/jsondoc"
)

// Template is a template whose structure is right; its values still hold intrinsic functions.
type Template struct {
	Description string
	Metadata    *jsondoc.Object
	Transforms  []any // names, or {Name, Parameters}
	Parameters  []Parameter
	Mappings    *jsondoc.Object // name → key → key → value
	Conditions  *jsondoc.Object // name → condition function
	Rules       *jsondoc.Object
	Resources   []*Resource // in the order of the template
	Outputs     []Output

	byID map[string]*Resource
}

// Resource is a member of Resources.
type Resource struct {
	ID                  string // logical id
	Type                string
	Properties          *jsondoc.Object // never nil
	DependsOn           []string
	Condition           string
	DeletionPolicy      any // a string, or a function
	UpdateReplacePolicy any
	UpdatePolicy        any
	CreationPolicy      any
	Metadata            any
}

// Output is a member of Outputs.
type Output struct {
	ID          string
	Description string
	Value       any
	ExportName  any // nil when it is not exported
	Condition   string
}

// Lookup returns the resource with a logical id, or nil.
func (t *Template) Lookup(id string) *Resource { return t.byID[id] }

var sections = []string{"AWSTemplateFormatVersion", "Description", "Metadata", "Parameters", "Rules", "Mappings",
	"Conditions", "Transform", "Resources", "Outputs", "Hooks", "Globals"}

var logicalID = regexp.MustCompile(`^[A-Za-z0-9]{1,255}$`)

// New takes a document apart. It checks the structure, not what the functions refer to.
func New(doc *jsondoc.Object) (*Template, error) {
	t := &Template{byID: map[string]*Resource{}}
	for k := range doc.All() {
		if !slices.Contains(sections, k) {
			return nil, aws.Errorf("ValidationError", 400, "Invalid template property or properties [%s]", k)
		}
	}
	if v, ok := doc.Get("AWSTemplateFormatVersion"); ok && v != "2010-09-09" {
		return nil, invalid("%s is not a supported value for AWSTemplateFormatVersion.", jsondoc.Text(v))
	}
	if v, ok := doc.Get("Description"); ok {
		s, isText := v.(string)
		if !isText {
			return nil, invalid("Template 'Description' member must be a string.")
		}
		if len(s) > maxDescription {
			return nil, invalid("'Description' length is greater than %d.", maxDescription)
		}
		t.Description = s
	}
	if v, ok := doc.Get("Transform"); ok {
		t.Transforms = listOf(v)
	}
	for name, into := range map[string]**jsondoc.Object{"Metadata": &t.Metadata, "Mappings": &t.Mappings,
		"Conditions": &t.Conditions, "Rules": &t.Rules} {
		o, err := section(doc, name)
		if err != nil {
			return nil, err
		}
		*into = o
	}
	if t.Mappings.Len() > MaxMappings {
		return nil, invalid("Number of mappings, %d, is greater than maximum allowed, %d", t.Mappings.Len(), MaxMappings)
	}
	for _, read := range []func(*jsondoc.Object) error{t.checkMappings, t.readParameters, t.readResources, t.readOutputs} {
		if err := read(doc); err != nil {
			return nil, err
		}
	}
	return t, nil
}

func section(doc *jsondoc.Object, name string) (*jsondoc.Object, error) {
	v, ok := doc.Get(name)
	if !ok || v == nil {
		return jsondoc.NewObject(), nil
	}
	o, err := object(v)
	if err != nil {
		return nil, invalid("[/%s] must be an object", name)
	}
	return o, nil
}

// checkMappings looks whether every mapping has two keys, and below them a text or a list.
func (t *Template) checkMappings(*jsondoc.Object) error {
	for name, m := range t.Mappings.All() {
		rows, ok := m.(*jsondoc.Object)
		if name == "Fn::Transform" {
			continue
		}
		if !ok {
			return invalid("Every Mappings member %s must be a map", name)
		}
		for key, v := range rows.All() {
			row, ok := v.(*jsondoc.Object)
			if key == "Fn::Transform" {
				continue
			}
			if !ok {
				return invalid("Every Mappings member %s must be a map", key)
			}
			for _, leaf := range row.All() {
				if _, isMap := leaf.(*jsondoc.Object); isMap || leaf == nil {
					return invalid("Every Mappings attribute must be a String or a List.")
				}
			}
		}
	}
	return nil
}

func listOf(v any) []any {
	if a, ok := v.(*jsondoc.Array); ok {
		return a.Items
	}
	return []any{v}
}

func (t *Template) readResources(doc *jsondoc.Object) error {
	all, err := section(doc, "Resources")
	if err != nil {
		return err
	}
	if all.Len() == 0 {
		return invalid("At least one Resources member must be defined.")
	}
	for id, v := range all.All() {
		if strings.HasPrefix(id, "Fn::ForEach::") {
			return invalid("Fn::ForEach needs the transform AWS::LanguageExtensions")
		}
		if !logicalID.MatchString(id) {
			return invalid("Resource name %s is non alphanumeric.", id)
		}
		o, err := object(v)
		if err != nil {
			return invalid("Any Resources member must be an object.")
		}
		r, err := readResource(id, o)
		if err != nil {
			return err
		}
		t.Resources = append(t.Resources, r)
		t.byID[id] = r
	}
	if len(t.Resources) > MaxResources {
		return invalid("Number of resources, %d, is greater than maximum allowed, %d", len(t.Resources), MaxResources)
	}
	return nil
}

// policies are the values of the attributes that say what becomes of a resource that is no longer wanted.
var policies = map[string][]string{
	"DeletionPolicy":      {"Delete", "Retain", "RetainExceptOnCreate", "Snapshot"},
	"UpdateReplacePolicy": {"Delete", "Retain", "Snapshot"},
}

func readResource(id string, o *jsondoc.Object) (*Resource, error) {
	r := &Resource{ID: id, Properties: jsondoc.NewObject()}
	for k, v := range o.All() {
		ok := true
		switch k {
		case "Type":
			r.Type, ok = v.(string)
		case "Properties":
			if v != nil {
				r.Properties, ok = v.(*jsondoc.Object)
			}
		case "DependsOn":
			for _, d := range listOf(v) {
				s, isText := d.(string)
				ok = ok && isText
				r.DependsOn = append(r.DependsOn, s)
			}
		case "Condition":
			r.Condition, ok = v.(string)
		case "DeletionPolicy":
			r.DeletionPolicy = v
		case "UpdateReplacePolicy":
			r.UpdateReplacePolicy = v
		case "UpdatePolicy":
			r.UpdatePolicy = v
		case "CreationPolicy":
			r.CreationPolicy = v
		case "Metadata":
			r.Metadata = v
		case "Version", "Description", "Connectors", "IgnoreGlobals":
		default:
			return nil, aws.Errorf("ValidationError", 400, "Invalid template resource property '%s'", k)
		}
		if !ok {
			return nil, invalid("[/Resources/%s/%s] has the wrong type", id, k)
		}
	}
	for name, v := range map[string]any{"DeletionPolicy": r.DeletionPolicy, "UpdateReplacePolicy": r.UpdateReplacePolicy} {
		if text, ok := v.(string); v != nil && ok && !slices.Contains(policies[name], text) {
			return nil, invalid("Unrecognized %s %s for resource %s", name, text, id)
		}
	}
	if r.Type == "" {
		return nil, invalid("[/Resources/%s] Every Resources object must contain a Type member.", id)
	}
	return r, nil
}

func (t *Template) readOutputs(doc *jsondoc.Object) error {
	all, err := section(doc, "Outputs")
	if err != nil {
		return err
	}
	if all.Len() > MaxOutputs {
		return invalid("Number of outputs, %d, is greater than maximum allowed, %d", all.Len(), MaxOutputs)
	}
	for id, v := range all.All() {
		if !logicalID.MatchString(id) {
			return invalid("Output name %s is non alphanumeric.", id)
		}
		o, err := object(v)
		if err != nil {
			return invalid("[/Outputs/%s] Any Outputs member must be an object.", id)
		}
		out := Output{ID: id}
		value, ok := o.Get("Value")
		if !ok {
			return invalid("[/Outputs/%s] Every Outputs member must contain a Value object", id)
		}
		out.Value = value
		if d, ok := o.Get("Description"); ok {
			out.Description, _ = d.(string)
		}
		if c, ok := o.Get("Condition"); ok {
			out.Condition, _ = c.(string)
		}
		if e, ok := o.Get("Export"); ok {
			eo, err := object(e)
			if err != nil {
				return invalid("[/Outputs/%s/Export] must be an object", id)
			}
			if out.ExportName, ok = eo.Get("Name"); !ok {
				return invalid("[/Outputs/%s/Export] must contain a Name", id)
			}
		}
		t.Outputs = append(t.Outputs, out)
	}
	return nil
}

// Text is the text of a scalar: CloudFormation passes numbers and booleans as text.
func Text(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		return string(v), true
	case bool:
		if v {
			return "true", true
		}
		return "false", true
	}
	return "", false
}
