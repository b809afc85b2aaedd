// Package template reads CloudFormation templates: YAML or JSON text into an ordered document, and the document into the
// parts that a deployment works with.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-anatomy.html
package template

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/jsondoc"
)

// Limits, https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html.
const (
	MaxBody        = 51_200    // bytes of a template given in the request
	MaxObject      = 1_000_000 // bytes of a template given by its URL (1 MB)
	MaxResources   = 500
	MaxParameters  = 200
	MaxOutputs     = 200
	MaxMappings    = 200
	maxDescription = 1024 // bytes
	maxDepth       = 64
)

// invalid is how CloudFormation says that a template is wrong.
func invalid(format string, args ...any) error {
	return aws.Errorf("ValidationError", 400, "Template format error: "+format, args...)
}

// Read parses the text of a template, JSON when it begins with a brace, else YAML, whose short tags (!Ref, !GetAtt a.b,
// !Sub …) become their long forms. Errors are ValidationErrors.
func Read(text []byte) (*jsondoc.Object, error) {
	trimmed := bytes.TrimSpace(text)
	if len(trimmed) == 0 {
		return nil, invalid("unsupported structure.")
	}
	if trimmed[0] == '{' {
		v, err := jsondoc.Parse(trimmed)
		if err == nil {
			if o, ok := v.(*jsondoc.Object); ok {
				return o, nil
			}
		}
		// A YAML flow mapping begins with a brace too, and YAML takes what JSON refuses: comments, single quotes.
	}
	var root yaml.Node
	if err := yaml.Unmarshal(text, &root); err != nil {
		if trimmed[0] == '{' {
			return nil, invalid("JSON not well-formed. (%s)", strings.TrimPrefix(err.Error(), "yaml: "))
		}
		return nil, invalid("YAML not well-formed. (%s)", strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if root.Kind != yaml.DocumentNode || len(root.Content) != 1 {
		return nil, invalid("unsupported structure.")
	}
	v, err := convert(root.Content[0], 0)
	if err != nil {
		return nil, err
	}
	o, ok := v.(*jsondoc.Object)
	if !ok {
		return nil, invalid("unsupported structure.")
	}
	return o, nil
}

func convert(n *yaml.Node, depth int) (any, error) {
	if depth > maxDepth {
		return nil, invalid("nested more than %d levels deep (line %d)", maxDepth, n.Line)
	}
	var v any
	var err error
	switch n.Kind {
	case yaml.AliasNode:
		return nil, invalid("YAML aliases are not allowed in CloudFormation templates")
	case yaml.MappingNode:
		v, err = convertMap(n, depth)
	case yaml.SequenceNode:
		a := &jsondoc.Array{Items: make([]any, 0, len(n.Content))}
		for _, c := range n.Content {
			item, err := convert(c, depth+1)
			if err != nil {
				return nil, err
			}
			a.Items = append(a.Items, item)
		}
		v = a
	default:
		v = scalar(n)
	}
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(n.Tag, "!") && !strings.HasPrefix(n.Tag, "!!") {
		return tagged(n, v)
	}
	return v, nil
}

func convertMap(n *yaml.Node, depth int) (any, error) {
	o := jsondoc.NewObject()
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		if k.Kind != yaml.ScalarNode {
			return nil, invalid("[line %d] map keys must be strings", k.Line)
		}
		if k.Value == "<<" && k.Tag == "!!merge" {
			return nil, invalid("YAML hash merges are not supported (line %d)", k.Line)
		}
		if _, twice := o.Get(k.Value); twice {
			return nil, invalid("duplicate key %q (line %d)", k.Value, k.Line)
		}
		v, err := convert(n.Content[i+1], depth+1)
		if err != nil {
			return nil, err
		}
		o.Set(k.Value, v)
	}
	return o, nil
}

// jsonNumber is a number whose YAML text is its JSON text: 012345678901 and 1_000 are not, and stay text.
var jsonNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)

// scalar reads a scalar as YAML 1.1, which CloudFormation speaks. It keeps the raw text of everything but plain numbers, booleans and null, so that account ids keep their zeros and
// dates stay as they were written.
func scalar(n *yaml.Node) any {
	plain := n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) == 0
	if !plain || n.Style&yaml.TaggedStyle != 0 && n.Tag == "!!str" {
		return n.Value
	}
	switch strings.ToLower(n.Value) {
	case "true", "yes", "on":
		return true
	case "false", "no", "off":
		return false
	case "null", "~", "":
		return nil
	}
	if jsonNumber.MatchString(n.Value) {
		return json.Number(n.Value)
	}
	return n.Value
}

// tagged writes a short tag in its long form.
func tagged(n *yaml.Node, v any) (any, error) {
	name := strings.TrimPrefix(n.Tag, "!")
	if v == nil {
		v = n.Value
	}
	long := "Fn::" + name
	switch name {
	case "Ref", "Condition":
		long = name
	case "GetAtt":
		if s, ok := v.(string); ok {
			id, attribute, ok := strings.Cut(s, ".")
			if !ok {
				return nil, invalid("every !GetAtt needs a resource and an attribute (line %d)", n.Line)
			}
			v = &jsondoc.Array{Items: []any{id, attribute}}
		}
	case "Base64", "Cidr", "FindInMap", "GetAZs", "ImportValue", "Join", "Select", "Split", "Sub", "Transform",
		"And", "Equals", "If", "Not", "Or", "ToJsonString", "Length", "Contains", "EachMemberEquals", "EachMemberIn",
		"RefAll", "ValueOf", "ValueOfAll":
	default:
		return nil, invalid("unsupported tag !%s (line %d)", name, n.Line)
	}
	o := jsondoc.NewObject()
	o.Set(long, v)
	return o, nil
}

// ErrNotObject says that a part of a template that must be a map is none.
var ErrNotObject = errors.New("template: not a map")

func object(v any) (*jsondoc.Object, error) {
	o, ok := v.(*jsondoc.Object)
	if !ok {
		return nil, fmt.Errorf("%w: %s", ErrNotObject, jsondoc.Text(v))
	}
	return o, nil
}
