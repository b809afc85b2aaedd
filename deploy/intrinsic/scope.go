// Package intrinsic evaluates CloudFormation's intrinsic functions, conditions, rules and dynamic references.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference.html
package intrinsic

import (
	"strings"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/jsondoc"
)

// Scope is what functions see. Maps may be nil.
type Scope struct {
	Account, Region    string
	StackName, StackID string
	NotificationARNs   []string

	// Parameters holds a string or a *jsondoc.Array of strings for each parameter.
	Parameters map[string]any
	Mappings   *jsondoc.Object
	// Conditions holds the value of each condition, as Conditions returns them.
	Conditions map[string]bool

	// Ref returns what Ref of a resource gives; ok is false when there is no such resource.
	Ref func(logicalID string) (value any, ok bool)
	// Attribute returns what Fn::GetAtt gives; ok is false when the resource has no such attribute.
	Attribute func(logicalID, attribute string) (value any, ok bool)
	// Import returns the value of an export.
	Import func(name string) (value string, ok bool)
	// Dynamic resolves {{resolve:service:reference}}. Nil leaves such references as they are.
	Dynamic func(service, reference string) (string, error)
}

func failure(format string, args ...any) error {
	return aws.Errorf("ValidationError", 400, "Template error: "+format, args...)
}

// absent is the value of AWS::NoValue: the property, or the element, that has it is left out.
type absent struct{}

// Resolve evaluates every function in v and returns a new value; v is not changed. A value that is AWS::NoValue gives
// nil.
func (s *Scope) Resolve(v any) (any, error) {
	out, err := s.resolve(v)
	if _, gone := out.(absent); gone {
		return nil, err
	}
	return out, err
}

func (s *Scope) resolve(v any) (any, error) {
	switch v := v.(type) {
	case *jsondoc.Array:
		out := &jsondoc.Array{Items: make([]any, 0, len(v.Items))}
		for _, item := range v.Items {
			r, err := s.resolve(item)
			if err != nil {
				return nil, err
			}
			if _, gone := r.(absent); !gone {
				out.Items = append(out.Items, r)
			}
		}
		return out, nil
	case *jsondoc.Object:
		if name, arg, ok := Function(v); ok {
			return s.call(name, arg)
		}
		out := jsondoc.NewObject()
		for k, m := range v.All() {
			r, err := s.resolve(m)
			if err != nil {
				return nil, err
			}
			if _, gone := r.(absent); !gone {
				out.Set(k, r)
			}
		}
		return out, nil
	case string:
		return s.dynamic(v)
	}
	return v, nil
}

// Function reports whether v is the call of a function: an object with one member, Ref, Condition or Fn::….
func Function(v any) (name string, arg any, ok bool) {
	o, isObject := v.(*jsondoc.Object)
	if !isObject || o.Len() != 1 {
		return "", nil, false
	}
	name = o.Keys()[0]
	arg, _ = o.Get(name)
	if name == "Condition" {
		_, ok = arg.(string) // a policy statement's Condition is an object
		return name, arg, ok
	}
	return name, arg, name == "Ref" || strings.HasPrefix(name, "Fn::")
}

// pseudo are the pseudo parameters.
func (s *Scope) pseudo(name string) (any, bool) {
	switch name {
	case "AWS::AccountId":
		return s.Account, true
	case "AWS::Region":
		return s.Region, true
	case "AWS::StackName":
		return s.StackName, true
	case "AWS::StackId":
		return s.StackID, true
	case "AWS::Partition":
		return aws.Partition, true
	case "AWS::URLSuffix":
		return "amazonaws.com", true
	case "AWS::NoValue":
		return absent{}, true
	case "AWS::NotificationARNs":
		a := &jsondoc.Array{Items: []any{}}
		for _, n := range s.NotificationARNs {
			a.Items = append(a.Items, n)
		}
		return a, true
	}
	return nil, false
}

func (s *Scope) ref(name string) (any, error) {
	if v, ok := s.pseudo(name); ok {
		return v, nil
	}
	if v, ok := s.Parameters[name]; ok {
		return v, nil
	}
	if s.Ref != nil {
		if v, ok := s.Ref(name); ok {
			return v, nil
		}
	}
	return nil, aws.Errorf("ValidationError", 400,
		"Template format error: Unresolved resource dependencies [%s] in the Resources block of the template", name)
}

func (s *Scope) attribute(id, name string) (any, error) {
	if s.Attribute != nil {
		if v, ok := s.Attribute(id, name); ok {
			return v, nil
		}
	}
	return nil, failure("resource %s does not support attribute type %s in Fn::GetAtt", id, name)
}

// dynamic replaces {{resolve:service:reference}} in a text.
func (s *Scope) dynamic(text string) (any, error) {
	if s.Dynamic == nil || !strings.Contains(text, "{{resolve:") {
		return text, nil
	}
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, "{{resolve:")
		b.WriteString(before)
		if !found {
			return b.String(), nil
		}
		reference, after, closed := strings.Cut(rest, "}}")
		service, key, named := strings.Cut(reference, ":")
		if !closed || !named {
			return nil, failure("{{resolve:%s is not a dynamic reference", rest)
		}
		v, err := s.Dynamic(service, key)
		if err != nil {
			return nil, err
		}
		b.WriteString(v)
		text = after
	}
}
