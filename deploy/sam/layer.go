package sam

import (
	"regexp"
	"slices"
	"strings"

	"github.com/brume-dev/brume/jsondoc"
)

// layer is AWS::Serverless::LayerVersion. Its logical id ends with a hash of what it is, so that the version before stays
// where it is retained.
func (t *transformer) layer(id string, r, props *jsondoc.Object) error {
	for _, name := range []string{"LayerName", "LicenseInfo", "Description", "RetentionPolicy"} {
		if v := get(props, name); v != nil {
			props.Set(name, t.value(v))
		}
	}
	policy := any("Retain")
	if own := get(r, "DeletionPolicy"); own != nil {
		policy = own
	}
	switch v := get(props, "RetentionPolicy").(type) {
	case nil:
	case string:
		i := slices.IndexFunc([]string{"retain", "delete"}, func(s string) bool { return strings.EqualFold(s, v) })
		if i < 0 {
			return badResource(id, "'RetentionPolicy' must be one of the following options: ['Retain', 'Delete'].")
		}
		policy = []string{"Retain", "Delete"}[i]
	default:
		return badResource(id, "'RetentionPolicy' does not accept intrinsic functions, please use one of the following options: ['Retain', 'Delete']")
	}
	content, err := contentOf(id, "ContentUri", get(props, "ContentUri"))
	if err != nil {
		return err
	}
	if content == nil {
		return badResource(id, "Missing required property 'ContentUri'.")
	}
	about := obj("Type", "AWS::Serverless::LayerVersion", "Properties", props)
	pick(r, about, "DependsOn", "Condition")
	renamed := id + hash(pythonJSON(nil, obj(id, about)))[:hashLength]
	t.renamed[id] = renamed
	out := jsondoc.NewObject()
	pick(props, out, "LayerName", "Description", "CompatibleArchitectures", "CompatibleRuntimes", "LicenseInfo")
	if get(out, "LayerName") == nil {
		out.Set("LayerName", id)
	}
	out.Set("Content", content)
	attributes := jsondoc.NewObject()
	pick(r, attributes, "DependsOn", "Condition", "UpdateReplacePolicy")
	attributes.Set("DeletionPolicy", policy)
	t.emit(renamed, "AWS::Lambda::LayerVersion", out, attributes, false)
	return nil
}

// rename has what refers to resources whose logical ids have changed refer to the new ones.
func (t *transformer) rename(v any) any {
	switch v := v.(type) {
	case *jsondoc.Array:
		for i := range v.Items {
			v.Items[i] = t.rename(v.Items[i])
		}
	case *jsondoc.Object:
		for k, m := range v.All() {
			switch k {
			case "Ref":
				if name, ok := m.(string); ok && t.renamed[name] != "" {
					v.Set(k, t.renamed[name])
				}
			case "Fn::GetAtt":
				v.Set(k, t.renameAttribute(m))
			case "Fn::Sub":
				v.Set(k, t.renameText(m))
			default:
				v.Set(k, t.rename(m))
			}
		}
	}
	return v
}

func (t *transformer) renameAttribute(v any) any {
	switch v := v.(type) {
	case string:
		if name, attribute, ok := strings.Cut(v, "."); ok && t.renamed[name] != "" {
			return t.renamed[name] + "." + attribute
		}
	case *jsondoc.Array:
		if name, ok := first(v).(string); ok && t.renamed[name] != "" {
			v.Items[0] = t.renamed[name]
		}
	}
	return v
}

var reference = regexp.MustCompile(`\$\{([A-Za-z0-9]+)((?:\.[A-Za-z0-9.]+)?)\}`)

func (t *transformer) renameText(v any) any {
	switch v := v.(type) {
	case string:
		return reference.ReplaceAllStringFunc(v, func(m string) string {
			parts := reference.FindStringSubmatch(m)
			if to := t.renamed[parts[1]]; to != "" {
				return "${" + to + parts[2] + "}"
			}
			return m
		})
	case *jsondoc.Array:
		for i := range v.Items {
			if i == 0 {
				v.Items[i] = t.renameText(v.Items[i])
			} else {
				v.Items[i] = t.rename(v.Items[i])
			}
		}
	}
	return v
}

// url makes the function URL of FunctionUrlConfig, and lets everybody invoke it who may without saying who they are.
func (t *transformer) url(id, aliasID string, r, props *jsondoc.Object) error {
	c, ok := get(props, "FunctionUrlConfig").(*jsondoc.Object)
	if !ok {
		return nil
	}
	auth := get(c, "AuthType")
	_, computed := auth.(*jsondoc.Object)
	if !computed && auth != "AWS_IAM" && auth != "NONE" {
		return badResource(id, "AuthType is required to configure function property `FunctionUrlConfig`. Please provide either AWS_IAM or NONE.")
	}
	function := ref(id)
	if aliasID != "" {
		function = ref(aliasID)
	}
	out := obj("AuthType", auth, "TargetFunctionArn", function)
	pick(c, out, "Cors", "InvokeMode")
	attributes := jsondoc.NewObject()
	pick(r, attributes, "Condition", "DeletionPolicy", "UpdateReplacePolicy")
	t.emit(id+"Url", "AWS::Lambda::Url", out, attributes, false)
	if auth != "NONE" {
		return nil
	}
	t.emit(id+"UrlPublicPermissions", "AWS::Lambda::Permission", obj("Action", "lambda:InvokeFunctionUrl", "FunctionName", function,
		"Principal", "*", "FunctionUrlAuthType", auth), attributes, false)
	t.emit(id+"URLInvokeAllowPublicAccess", "AWS::Lambda::Permission", obj("Action", "lambda:InvokeFunction", "FunctionName", function,
		"Principal", "*", "InvokedViaFunctionUrl", true), attributes, false)
	return nil
}
