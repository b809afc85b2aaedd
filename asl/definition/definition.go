// Package definition reads the JSON of a state machine's definition: each object with its place and the query language that holds
// there, each member with the type that it must have. What is wrong is told to whoever reads: the parser keeps the first
// complaint, validation all of them.
package definition

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/brume-dev/brume/jsondoc"
)

// Fault is told what is wrong, and where: a JSON pointer in which elements of arrays are written as AWS does,
// "/States/P/Branches[0]/StartAt".
type Fault func(at, problem string)

// Node is an object of the definition.
type Node struct {
	Object *jsondoc.Object
	// At is the object's place, "" for the definition itself.
	At string
	// JSONata says that this query language holds here, and not JSONPath.
	JSONata bool

	fault Fault
}

// Root is the object that a document is; ok is false when it is none.
func Root(doc any, f Fault) (n Node, ok bool) { return Node{fault: f}.object(doc, "") }

func (n Node) object(v any, at string) (Node, bool) {
	o, ok := v.(*jsondoc.Object)
	if !ok {
		n.fault(at, "Expected value of type Object")
		return Node{}, false
	}
	return Node{Object: o, At: at, JSONata: n.JSONata, fault: n.fault}, true
}

// Within is the place of a member of what stands at a place.
func Within(at, key string) string {
	if strings.ContainsAny(key, "~/") {
		key = strings.NewReplacer("~", "~0", "/", "~1").Replace(key)
	}
	return at + "/" + key
}

// Within is the place of a member.
func (n Node) Within(key string) string { return Within(n.At, key) }

// Wrong complains about the object.
func (n Node) Wrong(format string, args ...any) { n.fault(n.At, fmt.Sprintf(format, args...)) }

// Fail complains about a member.
func (n Node) Fail(key, format string, args ...any) {
	n.fault(n.Within(key), fmt.Sprintf(format, args...))
}

// Has reports whether there is a member.
func (n Node) Has(key string) bool {
	_, ok := n.Object.Get(key)
	return ok
}

// Required complains about members that are missing, in one message.
func (n Node) Required(keys ...string) {
	var missing []string
	for _, k := range keys {
		if !n.Has(k) {
			missing = append(missing, k)
		}
	}
	if missing != nil {
		n.Wrong("These fields are required: [%s]", strings.Join(missing, ", "))
	}
}

// AtMostOne complains when more than one of the members is there, and returns which are.
func (n Node) AtMostOne(keys ...string) (present []string) {
	for _, k := range keys {
		if n.Has(k) {
			present = append(present, k)
		}
	}
	if len(present) > 1 {
		n.Wrong("There should only be one of the following fields: [%s]", strings.Join(keys, ", "))
	}
	return present
}

// ExactlyOne complains unless one of the members is there.
func (n Node) ExactlyOne(keys ...string) {
	if len(n.AtMostOne(keys...)) == 0 {
		n.Wrong("This object should have only one of the following fields: [%s]", strings.Join(keys, ", "))
	}
}

// Text is a member that must be a string if it is there; "" otherwise.
func (n Node) Text(key string) string {
	v, ok := n.Object.Get(key)
	if !ok {
		return ""
	}
	s, ok := v.(string)
	if !ok {
		n.Fail(key, "Expected value of type String")
	}
	return s
}

// Filled is a member that must be a string with something in it, if it is there.
func (n Node) Filled(key string) string {
	s := n.Text(key)
	if v, ok := n.Object.Get(key); ok && v == "" {
		n.Fail(key, "Value cannot be empty")
	}
	return s
}

// Bool is a member that must be true or false if it is there.
func (n Node) Bool(key string) bool {
	v, ok := n.Object.Get(key)
	b, isBool := v.(bool)
	if ok && !isBool {
		n.Fail(key, "Expected value of type Boolean")
	}
	return b
}

// OneOf is a member that must be one of some words if it is there.
func (n Node) OneOf(key string, words ...string) string {
	s := n.Text(key)
	if v, ok := n.Object.Get(key); ok && v == s && !slices.Contains(words, s) {
		n.Fail(key, "Value should be one of the following: [%s]", strings.Join(words, ", "))
	}
	return s
}

// Language is the node's own query language: what holds around it where it does not say. A state cannot go back from JSONata.
func (n Node) Language() (isJSONata bool) {
	switch n.OneOf("QueryLanguage", "JSONPath", "JSONata") {
	case "JSONata":
		return true
	case "JSONPath":
		if n.JSONata {
			n.Fail("QueryLanguage", "'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine")
		}
		return false
	}
	return n.JSONata
}

// Unbounded is the maximum of numbers that have none.
const Unbounded = math.MaxFloat64

// Number is a member that must be a number of a kind, "Integer" or "Float", from low to high; ok is false when there is none such.
func (n Node) Number(key, kind string, low, high float64) (f float64, ok bool) {
	v, ok := n.Object.Get(key)
	if !ok {
		return 0, false
	}
	text, _ := v.(json.Number)
	f, err := text.Float64()
	switch {
	case err != nil || kind == "Integer" && (f != math.Trunc(f) || math.Abs(f) > 1<<53):
		n.Fail(key, "Expected value of type %s", kind)
		return 0, false
	case f < low:
		n.Fail(key, "Minimum value is %v", low)
		return 0, false
	case f > high:
		n.Fail(key, "Maximum value is %.0f", high)
		return 0, false
	}
	return f, true
}

// Integer is Number for whole numbers; or when there is none such.
func (n Node) Integer(key string, low, high, or int64) int64 {
	if f, ok := n.Number(key, "Integer", float64(low), float64(high)); ok {
		return int64(f)
	}
	return or
}

// Inner is a member that must be an object if it is there.
func (n Node) Inner(key string) (Node, bool) {
	v, ok := n.Object.Get(key)
	if !ok {
		return Node{}, false
	}
	return n.object(v, n.Within(key))
}

// Member is Inner for a value that is known.
func (n Node) Member(key string, v any) (Node, bool) { return n.object(v, n.Within(key)) }

// array is a member that must be an array if it is there.
func (n Node) array(key string) []any {
	v, ok := n.Object.Get(key)
	if !ok {
		return nil
	}
	a, ok := v.(*jsondoc.Array)
	if !ok {
		n.Fail(key, "Expected value of type Array")
		return nil
	}
	return a.Items
}

// Items is a member that must be an array of objects if it is there.
func (n Node) Items(key string) (out []Node) {
	for i, item := range n.array(key) {
		if in, ok := n.object(item, fmt.Sprintf("%s[%d]", n.Within(key), i)); ok {
			out = append(out, in)
		}
	}
	return out
}

// Texts is a member that must be an array of strings if it is there.
func (n Node) Texts(key string) (out []string) {
	for _, item := range n.array(key) {
		s, ok := item.(string)
		if !ok {
			n.Fail(key, "Expected value of type String")
		}
		out = append(out, s)
	}
	return out
}

// NotEmpty complains about an array or object that has nothing in it.
func (n Node) NotEmpty(key string) {
	v, _ := n.Object.Get(key)
	switch v := v.(type) {
	case *jsondoc.Array:
		if len(v.Items) > 0 {
			return
		}
	case *jsondoc.Object:
		if v.Len() > 0 {
			return
		}
	default:
		return
	}
	n.Fail(key, "Value cannot be empty")
}
