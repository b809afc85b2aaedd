// Package sam is the transform AWS::Serverless-2016-10-31: it writes the Serverless resources of a template as the
// CloudFormation resources that they stand for, with the logical ids that AWS gives them.
// https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification.html
package sam

import (
	"regexp"
	"slices"
	"strings"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/jsondoc"
)

// Name is the transform's name in templates.
const Name = "AWS::Serverless-2016-10-31"

// Options are what the transform knows beside the template.
type Options struct {
	Region, Account, Stack string
	// Parameters are the values of the template's parameters: where the transform must know a value, Ref of one of
	// them is replaced.
	Parameters map[string]string
}

// transformer is one run. Its errors are collected by the first.
type transformer struct {
	Options
	globals *jsondoc.Object
	in      *jsondoc.Object   // the resources of the template
	out     *jsondoc.Object   // those of the result
	apis    map[string]*api   // those of the template, and the implicit one
	order   []string          // of apis
	renamed map[string]string // logical ids that have changed
}

func invalid(format string, args ...any) error {
	return aws.Errorf("ValidationError", 400, "Transform "+Name+" failed with: Invalid Serverless Application Specification document. "+format, args...)
}

func badResource(id, format string, args ...any) error {
	return invalid("Number of errors found: 1. Resource with id ["+id+"] is invalid. "+format, args...)
}

// Transform returns the template without the transform. doc is not changed. Errors are ValidationErrors in AWS's words.
func Transform(doc *jsondoc.Object, o Options) (*jsondoc.Object, error) {
	copied, err := jsondoc.Parse(jsondoc.Append(nil, doc))
	if err != nil {
		return nil, err
	}
	out := copied.(*jsondoc.Object) // doc is one
	t := &transformer{Options: o, globals: object(out, "Globals"), in: object(out, "Resources"), out: jsondoc.NewObject(), apis: map[string]*api{},
		renamed: map[string]string{}}
	out.Delete("Transform")
	out.Delete("Globals")
	for id, v := range t.in.All() { // functions name APIs that stand below them
		if r, ok := v.(*jsondoc.Object); ok && text(r, "Type") == "AWS::Serverless::Api" {
			if err := t.declare(id, r, t.properties("Api", r)); err != nil {
				return nil, err
			}
		}
	}
	for id, v := range t.in.All() {
		r, ok := v.(*jsondoc.Object)
		if !ok {
			t.out.Set(id, v)
			continue
		}
		if err := t.resource(id, r); err != nil {
			return nil, err
		}
	}
	if err := t.writeAPIs(); err != nil {
		return nil, err
	}
	out.Set("Resources", t.out)
	if len(t.renamed) > 0 {
		t.rename(out)
	}
	return out, nil
}

func (t *transformer) resource(id string, r *jsondoc.Object) error {
	kind := text(r, "Type")
	if get(r, "Connectors") != nil {
		return badResource(id, "Brume's transform does not have Connectors yet: write the permissions as Policies.")
	}
	short, serverless := strings.CutPrefix(kind, "AWS::Serverless::")
	if !serverless {
		t.out.Set(id, r)
		return nil
	}
	props := t.properties(short, r)
	switch short {
	case "Function":
		return t.function(id, r, props)
	case "SimpleTable":
		return t.table(id, r, props)
	case "Api":
		return nil // it is written when its routes are known
	case "StateMachine":
		return t.stateMachine(id, r, props)
	case "LayerVersion":
		return t.layer(id, r, props)
	}
	return badResource(id, "Brume's transform does not have %s yet.", kind)
}

// properties are those of a resource over the global ones of its kind, less what IgnoreGlobals names: "*" is all of them.
func (t *transformer) properties(kind string, r *jsondoc.Object) *jsondoc.Object {
	global := jsondoc.NewObject()
	ignored := anyList(get(r, "IgnoreGlobals"))
	for name, v := range object(t.globals, kind).All() {
		if !slices.Contains(ignored, any("*")) && !slices.Contains(ignored, any(name)) {
			global.Set(name, v)
		}
	}
	return merge(global, object(r, "Properties"))
}

// keep copies the attributes of a resource that stand beside its properties.
func keep(from, to *jsondoc.Object) {
	for _, name := range []string{"DependsOn", "Condition", "Metadata", "DeletionPolicy", "UpdateReplacePolicy"} {
		if v, ok := from.Get(name); ok {
			to.Set(name, v)
		}
	}
}

// emit adds a resource to the result. A resource that SAM adds (only) has the condition and the policies of the one that it
// is made for, and nothing else of it.
func (t *transformer) emit(id, kind string, properties *jsondoc.Object, from *jsondoc.Object, only bool) {
	r := obj("Type", kind)
	if only {
		pick(from, r, "Condition", "DeletionPolicy", "UpdateReplacePolicy")
	} else {
		keep(from, r)
	}
	r.Set("Properties", properties)
	t.out.Set(id, r)
}

// merge lays a resource's own properties over the global ones: maps are joined, lists are appended, the rest is replaced.
func merge(global, own *jsondoc.Object) *jsondoc.Object {
	out := jsondoc.NewObject()
	for k, v := range global.All() {
		out.Set(k, v)
	}
	for k, v := range own.All() {
		g, _ := out.Get(k)
		gm, isMap := g.(*jsondoc.Object)
		om, ownMap := v.(*jsondoc.Object)
		gl, isList := g.(*jsondoc.Array)
		ol, ownList := v.(*jsondoc.Array)
		switch {
		case isMap && ownMap && !intrinsic(gm) && !intrinsic(om):
			out.Set(k, merge(gm, om))
		case isList && ownList:
			out.Set(k, &jsondoc.Array{Items: append(append([]any{}, gl.Items...), ol.Items...)})
		default:
			out.Set(k, v)
		}
	}
	return out
}

func intrinsic(o *jsondoc.Object) bool {
	return o.Len() == 1 && (o.Keys()[0] == "Ref" || strings.HasPrefix(o.Keys()[0], "Fn::"))
}

// obj makes an object of names and values in turn; nil values are left out.
func obj(pairs ...any) *jsondoc.Object {
	o := jsondoc.NewObject()
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != nil {
			o.Set(pairs[i].(string), pairs[i+1])
		}
	}
	return o
}

func arr(items ...any) *jsondoc.Array { return &jsondoc.Array{Items: items} }

func ref(id string) any            { return obj("Ref", id) }
func att(id, attribute string) any { return obj("Fn::GetAtt", arr(id, attribute)) }
func sub(text string) any          { return obj("Fn::Sub", text) }

func get(o *jsondoc.Object, name string) any {
	if o == nil {
		return nil
	}
	v, _ := o.Get(name)
	return v
}

func text(o *jsondoc.Object, name string) string {
	s, _ := get(o, name).(string)
	return s
}

func object(o *jsondoc.Object, name string) *jsondoc.Object {
	if m, ok := get(o, name).(*jsondoc.Object); ok {
		return m
	}
	return jsondoc.NewObject()
}

// value replaces a Ref of a parameter by the parameter's value.
func (t *transformer) value(v any) any {
	o, ok := v.(*jsondoc.Object)
	if !ok || o.Len() != 1 || o.Keys()[0] != "Ref" {
		return v
	}
	name, _ := get(o, "Ref").(string)
	if given, ok := t.parameter(name); ok {
		return given
	}
	return v
}

// pick copies properties by name; "A=B" copies A as B.
func pick(from, to *jsondoc.Object, names ...string) {
	for _, n := range names {
		src, dst, renamed := strings.Cut(n, "=")
		if !renamed {
			dst = src
		}
		if v, ok := from.Get(src); ok {
			to.Set(dst, v)
		}
	}
}

// resolved replaces Ref and ${} of parameters, and of the region, everywhere in a value: SAM does so where it must see what
// a template says.
func (t *transformer) resolved(v any) any {
	switch v := v.(type) {
	case *jsondoc.Array:
		out := arr()
		for _, item := range v.Items {
			out.Items = append(out.Items, t.resolved(item))
		}
		return out
	case *jsondoc.Object:
		if v.Len() == 1 && v.Keys()[0] == "Ref" {
			return t.value(v)
		}
		out := jsondoc.NewObject()
		for k, m := range v.All() {
			out.Set(k, t.resolved(m))
		}
		switch a := get(out, "Fn::Sub").(type) {
		case string:
			out.Set("Fn::Sub", t.substituted(a))
		case *jsondoc.Array:
			if s, ok := first(a).(string); ok {
				a.Items[0] = t.substituted(s)
			}
		}
		return out
	}
	return v
}

func first(a *jsondoc.Array) any {
	if len(a.Items) == 0 {
		return nil
	}
	return a.Items[0]
}

var placeholder = regexp.MustCompile(`\$\{([A-Za-z0-9.]+|AWS::[A-Z][A-Za-z]*)\}`)

func (t *transformer) substituted(s string) string {
	return placeholder.ReplaceAllStringFunc(s, func(m string) string {
		if v, ok := t.parameter(m[2 : len(m)-1]); ok {
			return v
		}
		return m
	})
}

func (t *transformer) parameter(name string) (string, bool) {
	switch name {
	case "AWS::Region":
		return t.Region, true
	case "AWS::Partition":
		return aws.Partition, true
	}
	v, ok := t.Parameters[name]
	return v, ok
}

// tags writes a map of tags as a list; nil when there are none.
func tags(v any) any {
	m, ok := v.(*jsondoc.Object)
	if !ok || m.Len() == 0 {
		return nil
	}
	out := arr()
	for k, value := range m.All() {
		out.Items = append(out.Items, obj("Key", k, "Value", value))
	}
	return out
}

// madeBySAM are tags with the one by which SAM marks what it made.
func madeBySAM(v any) *jsondoc.Array {
	all := arr(obj("Key", "lambda:createdBy", "Value", "SAM"))
	if own, ok := tags(v).(*jsondoc.Array); ok {
		all.Items = append(all.Items, own.Items...)
	}
	return all
}
