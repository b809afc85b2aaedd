package sqs

import (
	"slices"
	"strings"

	"github.com/brume-dev/brume/api/sqsapi"
	"github.com/brume-dev/brume/service/sqs/message"
)

// readAttributes checks message attributes and puts them in order.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html
func readAttributes(in map[string]sqsapi.MessageAttributeValue) ([]message.Attribute, error) {
	if len(in) == 0 {
		return nil, nil
	}
	if len(in) > maxAttributes {
		return nil, invalid("Number of message attributes [%d] exceeds the allowed maximum [%d].", len(in), maxAttributes)
	}
	out := make([]message.Attribute, 0, len(in))
	for name, v := range in {
		if err := checkAttributeName(name); err != nil {
			return nil, err
		}
		a, err := readAttribute(name, v)
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	slices.SortFunc(out, func(a, b message.Attribute) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

func checkAttributeName(name string) error {
	bad := name == "" || len(name) > maxAttribute || reserved(name) || name[0] == '.' || name[len(name)-1] == '.' || strings.Contains(name, "..")
	if bad || !isWord(strings.ReplaceAll(name, ".", "")) {
		return invalid("The message attribute name '%s' is invalid. Attribute name can contain A-Z, a-z, 0-9, underscore (_), hyphen (-), and period (.) characters, "+
			"must not start with AWS. or Amazon., start or end with a period, or have periods in succession, and can be up to 256 characters long.", name)
	}
	return nil
}

// readAttribute checks the type and the value of an attribute.
func readAttribute(name string, v sqsapi.MessageAttributeValue) (message.Attribute, error) {
	a := message.Attribute{Name: name, Type: v.DataType}
	kind, _, _ := strings.Cut(v.DataType, ".")
	switch {
	case v.DataType == "":
		return a, invalid("The message attribute '%s' must contain non-empty message attribute type.", name)
	case len(v.StringListValues) > 0 || len(v.BinaryListValues) > 0:
		return a, invalid("Message attribute list values in SendMessage operation are not supported.")
	case kind != "String" && kind != "Number" && kind != "Binary" || len(v.DataType) > maxAttribute || strings.HasSuffix(v.DataType, "."):
		return a, invalid("The message attribute '%s' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.", name)
	case kind == "Binary" && len(v.BinaryValue) == 0, kind != "Binary" && (v.StringValue == nil || *v.StringValue == ""),
		kind == "Binary" && v.StringValue != nil, kind != "Binary" && v.BinaryValue != nil:
		return a, invalid("The message attribute '%s' must contain a non-empty message attribute value for message attribute type '%s'.", name, v.DataType)
	}
	if kind == "Binary" {
		a.Value = v.BinaryValue
		return a, nil
	}
	a.Value = []byte(*v.StringValue)
	if c, found := message.Foreign(*v.StringValue); found {
		return a, invalid("Invalid binary character '#x%X' was found in the message attribute '%s' value, the set of allowed characters is "+
			"#x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF", c, name)
	}
	if kind == "Number" && !isNumber(*v.StringValue) {
		return a, invalid("Can't cast the value of message (user) attribute '%s' to a number.", name)
	}
	return a, nil
}

// isNumber reports whether s is a decimal number: up to 38 digits of precision are promised, more are not refused.
func isNumber(s string) bool {
	s = strings.TrimLeft(s, "+-")
	mantissa, exponent, hasExponent := s, "", false
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		mantissa, exponent, hasExponent = s[:i], s[i+1:], true
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	if whole+fraction == "" || !digits(whole) || !digits(fraction) {
		return false
	}
	if !hasExponent {
		return true
	}
	if exponent != "" && (exponent[0] == '+' || exponent[0] == '-') {
		exponent = exponent[1:]
	}
	return exponent != "" && digits(exponent)
}

func digits(s string) bool { return strings.Trim(s, "0123456789") == "" }

// traceHeader is the only system attribute that a message may be sent with.
const traceHeader = "AWSTraceHeader"

func readSystemAttributes(in map[string]sqsapi.MessageSystemAttributeValue) ([]message.Attribute, error) {
	var out []message.Attribute
	for name, v := range in {
		if name != traceHeader {
			return nil, invalid("Message system attribute name '%s' is invalid.", name)
		}
		if v.DataType != "String" || v.StringValue == nil || *v.StringValue == "" {
			return nil, invalid("The message system attribute '%s' must contain a non-empty value of type 'String'.", name)
		}
		out = append(out, message.Attribute{Name: name, Type: v.DataType, Value: []byte(*v.StringValue)})
	}
	return out, nil
}

// chosen says which message attributes a receive asks for.
func chosen(attributes []message.Attribute, names []string) (out []message.Attribute) {
	for _, a := range attributes {
		if slices.ContainsFunc(names, func(n string) bool {
			prefix, any := strings.CutSuffix(n, ".*")
			return n == all || n == a.Name || any && strings.HasPrefix(a.Name, prefix)
		}) {
			out = append(out, a)
		}
	}
	return out
}
