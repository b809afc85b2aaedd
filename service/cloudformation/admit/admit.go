// Package admit looks at the resource types of a template: whether they are there, whether the caller may work with them, and what
// it must have acknowledged before.
package admit

import (
	"slices"
	"strings"

	"github.com/brume-dev/brume/api/cloudformationapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/deploy/resource"
	"github.com/brume-dev/brume/deploy/stackpolicy"
	"github.com/brume-dev/brume/deploy/template"
	"github.com/brume-dev/brume/jsondoc"
)

// Finder finds what knows a resource type.
type Finder func(name string) (*resource.Kind, bool)

func invalid(format string, args ...any) error {
	return aws.Errorf("ValidationError", 400, format, args...)
}

// Known refuses resource types that are not there.
func Known(t *template.Template, find Finder) error {
	if names := unknown(t, find); len(names) > 0 {
		return unrecognized(names)
	}
	return nil
}

// unknown are the resource types that are not there, each once.
func unknown(t *template.Template, find Finder) (names []string) {
	for _, r := range t.Resources {
		if _, ok := find(r.Type); !ok && !slices.Contains(names, r.Type) {
			names = append(names, r.Type)
		}
	}
	return names
}

// Permitted refuses resource types that the request does not list: AWS::*, AWS::SQS::*, AWS::SQS::Queue, Custom::*.
func Permitted(t *template.Template, types []string) error {
	for _, r := range t.Resources {
		if types != nil && !stackpolicy.Glob(types, r.Type) {
			return invalid("Resource type %s is not allowed by parameter ResourceTypes [%s]", r.Type, strings.Join(types, ", "))
		}
	}
	return nil
}

// demand is the capability that the resources of a template need: IAM resources, and among them those with names. types are those
// of these resources, each once.
func demand(t *template.Template) (need cloudformationapi.Capability, types []string) {
	for _, r := range t.Resources {
		if !strings.HasPrefix(r.Type, "AWS::IAM::") {
			continue
		}
		if need == "" {
			need = cloudformationapi.CapabilityCapabilityIam
		}
		k, ok := resource.Find(r.Type)
		if ok && k.Name != "" {
			if _, named := r.Properties.Get(k.Name); named {
				need = cloudformationapi.CapabilityCapabilityNamedIam
			}
		}
		if !slices.Contains(types, r.Type) {
			types = append(types, r.Type)
		}
	}
	return need, types
}

// Acknowledged asks for the capabilities that the template needs.
func Acknowledged(t *template.Template, given []cloudformationapi.Capability) error {
	need, _ := demand(t)
	has := func(c cloudformationapi.Capability) bool { return slices.Contains(given, c) }
	if need == "" || has(cloudformationapi.CapabilityCapabilityNamedIam) || has(need) {
		return nil
	}
	return &cloudformationapi.InsufficientCapabilitiesException{Message: "Requires capabilities : [" + string(need) + "]"}
}

// Needs are the capabilities that a template asks for, and why.
func Needs(t *template.Template) ([]cloudformationapi.Capability, *string) {
	need, types := demand(t)
	if need == "" && len(t.Transforms) == 0 {
		return nil, nil
	}
	var out []cloudformationapi.Capability
	if need != "" {
		out = append(out, need)
	}
	if len(t.Transforms) > 0 {
		out = append(out, cloudformationapi.CapabilityCapabilityAutoExpand)
	}
	why := "The following resource(s) require capabilities: [" + strings.Join(types, ", ") + "]"
	return out, &why
}

// Transforms reports whether a template will be another when its transforms have run.
func Transforms(doc *jsondoc.Object) bool {
	_, whole := doc.Get("Transform")
	return whole || strings.Contains(jsondoc.Text(doc), `"Fn::Transform"`)
}

// Warnings are the resource types that are not there, for those who want to know them; else the template is refused.
func Warnings(doc *jsondoc.Object, t *template.Template, find Finder, c *cloudformationapi.TemplateSummaryConfig) (*cloudformationapi.Warnings, error) {
	names := unknown(t, find)
	if len(names) > 0 && Transforms(doc) { // which make others of these
		names = slices.DeleteFunc(names, func(name string) bool { return strings.HasPrefix(name, "AWS::Serverless::") })
	}
	if len(names) == 0 {
		return nil, nil
	}
	if c == nil || !aws.Or(c.TreatUnrecognizedResourceTypesAsWarnings, false) {
		return nil, unrecognized(names)
	}
	return &cloudformationapi.Warnings{UnrecognizedResourceTypes: names}, nil
}

func unrecognized(types []string) error {
	return invalid("Template format error: Unrecognized resource types: [%s]", strings.Join(types, ", "))
}
