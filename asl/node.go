package asl

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/brume-dev/brume/jsondoc"
)

// DefinitionError says what is wrong with a definition, and where.
type DefinitionError struct {
	// Location is a JSON pointer: "/States/Check/Next".
	Location string
	Message  string
}

// Error is the message and the place.
func (e *DefinitionError) Error() string { return e.Message + " at " + e.Location }

// reading holds what parsing a definition needs to know everywhere. The first error counts; what is read after it is
// thrown away.
type reading struct {
	machine *Machine
	jsonata bool // the machine's query language
	err     error
}

func (r *reading) fail(at, format string, args ...any) {
	if r.err == nil {
		r.err = &DefinitionError{Location: at, Message: fmt.Sprintf(format, args...)}
	}
}

// node is an object of the definition that is being read, with the place where it stands.
type node struct {
	r  *reading
	at string
	o  *jsondoc.Object
}

// within is the place of a member.
func (n node) within(key string) string { return n.at + "/" + pointer(key) }

func pointer(key string) string {
	if !strings.ContainsAny(key, "~/") {
		return key
	}
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(key)
}

func (n node) fail(key, format string, args ...any) { n.r.fail(n.within(key), format, args...) }

func (n node) has(key string) bool {
	_, ok := n.o.Get(key)
	return ok
}

// text is a string member; "" when it is absent.
func (n node) text(key string) string {
	v, ok := n.o.Get(key)
	if !ok {
		return ""
	}
	s, ok := v.(string)
	if !ok {
		n.fail(key, "Expected value of type String")
	}
	return s
}

// required is a string member that must be there.
func (n node) required(key string) string {
	if !n.has(key) {
		n.r.fail(n.at, "Missing field '%s'", key)
	}
	return n.text(key)
}

func (n node) bool(key string) bool {
	v, ok := n.o.Get(key)
	if !ok {
		return false
	}
	b, ok := v.(bool)
	if !ok {
		n.fail(key, "Expected value of type Boolean")
	}
	return b
}

// integer is a member that is a whole number between low and high; or when it is absent.
func (n node) integer(key string, low, high, or int64) int64 {
	v, ok := n.o.Get(key)
	if !ok {
		return or
	}
	i, ok := wholeNumber(v)
	if !ok {
		n.fail(key, "Expected value of type Integer")
	} else if i < low || i > high {
		n.fail(key, "Expected value between %d and %d", low, high)
	}
	return i
}

// object is a member that is an object.
func (n node) object(key string) (node, bool) {
	v, ok := n.o.Get(key)
	if !ok {
		return node{}, false
	}
	return n.r.object(v, n.within(key))
}

func (r *reading) object(v any, at string) (node, bool) {
	o, ok := v.(*jsondoc.Object)
	if !ok {
		r.fail(at, "Expected value of type Object")
		return node{}, false
	}
	return node{r: r, at: at, o: o}, true
}

// list is a member that is a list of objects.
func (n node) list(key string) []node {
	v, ok := n.o.Get(key)
	if !ok {
		return nil
	}
	a, ok := v.(*jsondoc.Array)
	if !ok {
		n.fail(key, "Expected value of type Array")
		return nil
	}
	out := make([]node, 0, len(a.Items))
	for i, item := range a.Items {
		if o, ok := n.r.object(item, n.within(key)+"["+strconv.Itoa(i)+"]"); ok {
			out = append(out, o)
		}
	}
	return out
}

// texts is a member that is a list of strings.
func (n node) texts(key string) []string {
	v, ok := n.o.Get(key)
	if !ok {
		return nil
	}
	a, ok := v.(*jsondoc.Array)
	if !ok {
		n.fail(key, "Expected value of type Array")
		return nil
	}
	out := make([]string, 0, len(a.Items))
	for _, item := range a.Items {
		s, ok := item.(string)
		if !ok {
			n.fail(key, "Expected value of type String")
		}
		out = append(out, s)
	}
	return out
}
