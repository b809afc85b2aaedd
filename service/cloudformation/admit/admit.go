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
	var unknown []string
	for _, r := range t.Resources {
		if _, ok := find(r.Type); !ok && !slices.Contains(unknown, r.Type) {
			unknown = append(unknown, r.Type)
		}
	}
	if len(unknown) > 0 {
		return unrecognized(unknown)
	}
	return nil
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

// Acknowledged asks for the capabilities that the template needs: IAM resources, and among them those with names.
func Acknowledged(t *template.Template, given []cloudformationapi.Capability) error {
	need := cloudformationapi.Capability("")
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
	}
	has := func(c cloudformationapi.Capability) bool { return slices.Contains(given, c) }
	if need == "" || has(cloudformationapi.CapabilityCapabilityNamedIam) || has(need) {
		return nil
	}
	return &cloudformationapi.InsufficientCapabilitiesException{Message: "Requires capabilities : [" + string(need) + "]"}
}

// Needs are the capabilities that a template asks for, and why.
func Needs(t *template.Template) ([]cloudformationapi.Capability, *string) {
	err := Acknowledged(t, nil)
	if err == nil && len(t.Transforms) == 0 {
		return nil, nil
	}
	var out []cloudformationapi.Capability
	var types []string
	if err != nil {
		need := cloudformationapi.CapabilityCapabilityIam
		if strings.Contains(err.Error(), string(cloudformationapi.CapabilityCapabilityNamedIam)) {
			need = cloudformationapi.CapabilityCapabilityNamedIam
		}
		out = append(out, need)
		for _, r := range t.Resources {
			if strings.HasPrefix(r.Type, "AWS::IAM::") && !slices.Contains(types, r.Type) {
				types = append(types, r.Type)
			}
		}
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
	var unknown []string
	for _, r := range t.Resources {
		made := Transforms(doc) && strings.HasPrefix(r.Type, "AWS::Serverless::")
		if _, ok := find(r.Type); !ok && !made && !slices.Contains(unknown, r.Type) {
			unknown = append(unknown, r.Type)
		}
	}
	if len(unknown) == 0 {
		return nil, nil
	}
	if c == nil || !aws.Or(c.TreatUnrecognizedResourceTypesAsWarnings, false) {
		return nil, unrecognized(unknown)
	}
	return &cloudformationapi.Warnings{UnrecognizedResourceTypes: unknown}, nil
}

func unrecognized(types []string) error {
	return invalid("Template format error: Unrecognized resource types: [%s]", strings.Join(types, ", "))
}
