// Package violation tells what is wrong with a request body in the words of API Gateway's validator, which
// $context.error.validationErrorString and the execution logs show.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-method-request-validation.html
package violation

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// Reasons are the leaves of the error of a validation; instance is what was validated.
func Reasons(err error, instance any) []string {
	var v *jsonschema.ValidationError
	if !errors.As(err, &v) {
		return []string{err.Error()}
	}
	switch k := v.ErrorKind.(type) {
	case *kind.AnyOf:
		return []string{fmt.Sprintf("instance failed to match at least one required schema among %d", len(v.Causes))}
	case *kind.OneOf:
		if len(k.Subschemas) == 0 {
			return []string{fmt.Sprintf("instance failed to match exactly one schema (matched 0 out of %d)", len(v.Causes))}
		}
	}
	if len(v.Causes) == 0 {
		return []string{words(v.ErrorKind, at(instance, v.InstanceLocation))}
	}
	var out []string
	for _, cause := range v.Causes {
		out = append(out, Reasons(cause, instance)...)
	}
	return out
}

// at is the value at a place of a document.
func at(v any, path []string) any {
	for _, name := range path {
		switch in := v.(type) {
		case map[string]any:
			v = in[name]
		case []any:
			if i, err := strconv.Atoi(name); err == nil && i < len(in) {
				v = in[i]
			}
		}
	}
	return v
}

func words(k jsonschema.ErrorKind, value any) string {
	switch k := k.(type) {
	case *kind.Type:
		return fmt.Sprintf("instance type (%s) does not match any allowed primitive type (allowed: %s)", typeOf(k.Got, value), allowed(k.Want))
	case *kind.Required:
		return fmt.Sprintf("object has missing required properties (%s)", names(k.Missing))
	case *kind.AdditionalProperties:
		return "object instance has properties which are not allowed by the schema: " + names(k.Properties)
	case *kind.Enum:
		return fmt.Sprintf("instance value (%s) not found in enum (possible values: %s)", text(value), text(k.Want))
	case *kind.MinLength:
		return fmt.Sprintf("string %s is too short (length: %d, required minimum: %d)", text(value), k.Got, k.Want)
	case *kind.MaxLength:
		return fmt.Sprintf("string %s is too long (length: %d, maximum allowed: %d)", text(value), k.Got, k.Want)
	case *kind.Pattern:
		return fmt.Sprintf("ECMA 262 regex %s does not match input string %s", text(k.Want), text(value))
	case *kind.MinItems:
		return fmt.Sprintf("array is too short: must have at least %d elements but instance has %d elements", k.Want, k.Got)
	case *kind.MaxItems:
		return fmt.Sprintf("array is too long: must have at most %d elements but instance has %d elements", k.Want, k.Got)
	case *kind.UniqueItems:
		return "array must not contain duplicate elements"
	case *kind.MinProperties:
		return fmt.Sprintf("object has too few properties (found %d but schema requires at least %d)", k.Got, k.Want)
	case *kind.MaxProperties:
		return fmt.Sprintf("object has too many properties (found %d but schema requires at most %d)", k.Got, k.Want)
	case *kind.Minimum:
		return fmt.Sprintf("numeric instance is lower than the required minimum (minimum: %s, found: %s)", number(k.Want), number(k.Got))
	case *kind.Maximum:
		return fmt.Sprintf("numeric instance is greater than the required maximum (maximum: %s, found: %s)", number(k.Want), number(k.Got))
	case *kind.ExclusiveMinimum:
		return fmt.Sprintf("numeric instance is not strictly greater than the required minimum %s", number(k.Want))
	case *kind.ExclusiveMaximum:
		return fmt.Sprintf("numeric instance is not strictly lower than the required maximum %s", number(k.Want))
	}
	return k.LocalizedString(message.NewPrinter(language.English))
}

// typeOf is the name of a value's type: whole numbers are integers.
func typeOf(got string, value any) string {
	if got != "number" {
		return got
	}
	if n, ok := new(big.Rat).SetString(fmt.Sprint(value)); ok && n.IsInt() && !strings.ContainsAny(fmt.Sprint(value), ".eE") {
		return "integer"
	}
	return got
}

// allowed are the types that a schema takes; a number may be an integer.
func allowed(types []string) string {
	all := slices.Clone(types)
	if slices.Contains(all, "number") {
		all = append(all, "integer")
	}
	return names(all)
}

// names is a sorted list of texts in JSON.
func names(list []string) string {
	all := slices.Sorted(slices.Values(list))
	return text(slices.Compact(all))
}

func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}

func number(r *big.Rat) string {
	if r.IsInt() {
		return r.Num().String()
	}
	f, _ := r.Float64()
	return strconv.FormatFloat(f, 'f', -1, 64)
}
