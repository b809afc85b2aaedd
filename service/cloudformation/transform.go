package cloudformation

import (
	"context"
	"maps"
	"slices"

	"github.com/brume-dev/brume/api/cloudformationapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/deploy/intrinsic"
	"github.com/brume-dev/brume/deploy/language"
	"github.com/brume-dev/brume/deploy/sam"
	"github.com/brume-dev/brume/deploy/template"
	"github.com/brume-dev/brume/jsondoc"
	"github.com/brume-dev/brume/service/cloudformation/bucket"
)

// includeName is the transform that puts a file of S3 into a template.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/transform-aws-include.html
const includeName = "AWS::Include"

// transform runs the transforms that the template names: those inside it, from the innermost, then those of the whole in
// their order.
func (s *Service) transform(ctx context.Context, id aws.Identity, p place, st *stackRecord, doc *jsondoc.Object, r request, v *versionRecord) (*jsondoc.Object, error) {
	in := includer{Service: s, ctx: ctx, id: id, p: p, st: st, r: r, v: v, whole: doc}
	out, err := in.include(doc)
	if err != nil {
		return nil, err
	}
	doc = out.(*jsondoc.Object) // include keeps the kind
	t, _ := doc.Get("Transform")
	names := listed(t)
	if len(names) == 0 && !in.found {
		return doc, nil
	}
	if r.direct && !slices.Contains(r.capabilities, cloudformationapi.CapabilityCapabilityAutoExpand) {
		return nil, &cloudformationapi.InsufficientCapabilitiesException{Message: "Requires capabilities : [CAPABILITY_AUTO_EXPAND]"}
	}
	for _, n := range names {
		switch {
		case n == language.Name:
			sc, err := in.scope()
			if err != nil {
				return nil, err
			}
			if doc, err = language.Transform(doc, sc); err != nil {
				return nil, err
			}
		case n == sam.Name:
			if _, err := template.New(jsonWithout(doc, "Transform", "Globals")); err != nil {
				return nil, err
			}
			if _, err := in.scope(); err != nil {
				return nil, err
			}
			values := map[string]string{}
			maps.Copy(values, v.Parameters)
			maps.Copy(values, v.Resolved)
			if doc, err = sam.Transform(doc, sam.Options{Region: id.Region, Account: id.Account, Stack: st.Name, Parameters: values}); err != nil {
				return nil, err
			}
		case called(n) == includeName:
			if doc, err = in.top(doc, n.(*jsondoc.Object)); err != nil {
				return nil, err
			}
		default:
			return nil, invalid("Template format error: Unrecognized transform: %s; Brume has %s, %s and %s", jsondoc.Text(n), sam.Name, language.Name, includeName)
		}
	}
	return doc, nil
}

// listed are the items of a list, or the one value that stands alone.
func listed(v any) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case *jsondoc.Array:
		return v.Items
	}
	return []any{v}
}

// called is the name of a transform with parameters, {Name, Parameters}.
func called(v any) string {
	o, ok := v.(*jsondoc.Object)
	if !ok {
		return ""
	}
	name, _ := o.Get("Name")
	text, _ := name.(string)
	return text
}

func jsonWithout(doc *jsondoc.Object, names ...string) *jsondoc.Object {
	out := jsondoc.NewObject()
	for k, m := range doc.All() {
		if !slices.Contains(names, k) {
			out.Set(k, m)
		}
	}
	return out
}

// includer is the transforms of one template at work.
type includer struct {
	*Service
	ctx   context.Context
	id    aws.Identity
	p     place
	st    *stackRecord
	r     request
	v     *versionRecord
	whole *jsondoc.Object // the template
	found bool
}

// scope has the parameters and mappings of the template, which must have its values.
func (in *includer) scope() (intrinsic.Scope, error) {
	alone := jsondoc.NewObject()
	for _, name := range []string{"Parameters", "Mappings"} {
		if m, ok := in.whole.Get(name); ok {
			alone.Set(name, m)
		}
	}
	kind, some := jsondoc.NewObject(), jsondoc.NewObject() // a template has resources
	kind.Set("Type", metadataType)
	some.Set("R", kind)
	alone.Set("Resources", some)
	t, err := template.New(alone)
	if err != nil {
		return intrinsic.Scope{}, err
	}
	if in.v.Parameters == nil {
		if err := in.giveValues(in.ctx, in.id, t, in.r, in.v); err != nil {
			return intrinsic.Scope{}, err
		}
	}
	sc := scope(in.p, in.st, t, in.v)
	sc.Mappings = t.Mappings
	return sc, nil
}

// include replaces every Fn::Transform in v by the file that it names, beside whose members those around it stay.
func (in *includer) include(v any) (any, error) {
	switch v := v.(type) {
	case *jsondoc.Array:
		out := &jsondoc.Array{Items: make([]any, len(v.Items))}
		for i, item := range v.Items {
			var err error
			if out.Items[i], err = in.include(item); err != nil {
				return nil, err
			}
		}
		return out, nil
	case *jsondoc.Object:
		out := jsondoc.NewObject()
		for k, m := range v.All() {
			m, err := in.include(m)
			if err != nil {
				return nil, err
			}
			if k != "Fn::Transform" {
				out.Set(k, m)
				continue
			}
			if called(m) != includeName {
				return nil, invalid("Template format error: Unrecognized transform: %s; Brume has %s inside a template", jsondoc.Text(m), includeName)
			}
			if err := in.file(out, m.(*jsondoc.Object)); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	return v, nil
}

// top is AWS::Include in the section Transform: the file's members belong to the template itself.
func (in *includer) top(doc, call *jsondoc.Object) (*jsondoc.Object, error) {
	out := jsonWithout(doc, "Transform")
	return out, in.file(out, call)
}

// file adds the members of an included file.
func (in *includer) file(out, call *jsondoc.Object) error {
	in.found = true
	sc, err := in.scope()
	if err != nil {
		return err
	}
	parameters, _ := call.Get("Parameters")
	o, _ := parameters.(*jsondoc.Object)
	if o == nil {
		o = jsondoc.NewObject()
	}
	location, _ := o.Get("Location")
	if location, err = sc.Resolve(location); err != nil {
		return err
	}
	where, ok := location.(string)
	from, key, isS3 := bucket.Locate(where)
	if !ok || !isS3 {
		return invalid("Transform AWS::Include failed with: The location parameter is not a valid S3 uri.")
	}
	text, err := bucket.Read(in.ctx, in.Caller, in.id, from, key, "Transform AWS::Include failed with: S3 object could not be read: ")
	if err != nil {
		return err
	}
	file, err := template.Read([]byte(text))
	if err != nil {
		return invalid("Transform AWS::Include failed with: The specified S3 object's content should be valid Yaml/JSON")
	}
	for k, m := range file.All() {
		out.Set(k, m)
	}
	return nil
}
