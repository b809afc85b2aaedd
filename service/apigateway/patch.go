package apigateway

import (
	"slices"
	"strconv"
	"strings"

	"github.com/brume-dev/brume/api/apigatewayapi"
)

// rule says what a patch operation on a path does to a T.
// https://docs.aws.amazon.com/apigateway/latest/api/patch-operations.html
type rule[T any] struct {
	path string // "/variables/*": a star stands for one segment
	ops  string // "add remove replace"
	// set is add and replace, unset remove; names are what the stars stand for.
	set   func(v *T, names []string, value string) error
	unset func(v *T, names []string) error
}

// patch applies the operations to v in order.
func patch[T any](v *T, rules []rule[T], ops []apigatewayapi.PatchOperation) error {
	for _, op := range ops {
		if op.Op == "" || op.Path == nil {
			return bad("Invalid patch operation specified. Must be one of: [add, remove, replace]")
		}
		r, names := findRule(rules, string(op.Op), *op.Path)
		if r == nil {
			return unsupported(rules, string(op.Op), *op.Path)
		}
		var err error
		if op.Op == apigatewayapi.OpRemove {
			err = r.unset(v, names)
		} else {
			err = r.set(v, names, text(op.Value))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func findRule[T any](rules []rule[T], op, path string) (*rule[T], []string) {
	given := splitPointer(path)
	for i := range rules {
		if !slices.Contains(strings.Fields(rules[i].ops), op) {
			continue
		}
		if names, ok := matchPointer(rules[i].path, given); ok {
			return &rules[i], names
		}
	}
	return nil, nil
}

// splitPointer splits a JSON pointer. It keeps escapes.
func splitPointer(path string) []string { return strings.Split(strings.TrimPrefix(path, "/"), "/") }

func matchPointer(pattern string, given []string) (names []string, ok bool) {
	want := splitPointer(pattern)
	if len(want) != len(given) {
		return nil, false
	}
	for i, w := range want {
		if w == "*" && given[i] != "" {
			names = append(names, unescape(given[i]))
		} else if w != given[i] {
			return nil, false
		}
	}
	return names, true
}

// unescape is RFC 6901's: ~1 is a slash, ~0 a tilde.
func unescape(s string) string { return strings.NewReplacer("~1", "/", "~0", "~").Replace(s) }

func unsupported[T any](rules []rule[T], op, path string) error {
	var paths []string
	for _, r := range rules {
		if slices.Contains(strings.Fields(r.ops), op) {
			paths = append(paths, strings.ReplaceAll(r.path, "/*", "/{name}"))
		}
	}
	if len(paths) == 0 {
		return bad("Invalid patch path  '%s' specified for op '%s'. Please choose supported operations", path, op)
	}
	return bad("Invalid patch path  '%s' specified for op '%s'. Must be one of: [%s]", path, op, strings.Join(paths, ", "))
}

// textRule replaces a text; removing it, where that is allowed, leaves none.
func textRule[T any](path, ops string, field func(*T) **string) rule[T] {
	return rule[T]{path, ops, func(v *T, _ []string, value string) error {
		*field(v) = &value
		if value == "" {
			*field(v) = nil
		}
		return nil
	}, func(v *T, _ []string) error {
		*field(v) = nil
		return nil
	}}
}

func boolRule[T any](path string, field func(*T) **bool) rule[T] {
	return rule[T]{path: path, ops: "replace", set: func(v *T, _ []string, value string) error {
		b, err := readBool(path, value)
		*field(v) = &b
		return err
	}}
}

func readBool(path, value string) (bool, error) {
	switch strings.ToLower(value) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, bad("Invalid patch value  '%s' specified for path '%s'. Must be one of: [true, false]", value, path)
}

func readInt(path, value string) (int32, error) {
	n, err := strconv.ParseInt(value, 10, 32)
	if err != nil {
		return 0, bad("Invalid patch value  '%s' specified for path '%s'. Must be an integer", value, path)
	}
	return int32(n), nil
}

func readFloat(path, value string) (float64, error) {
	n, err := strconv.ParseFloat(value, 64)
	if err != nil {
		return 0, bad("Invalid patch value  '%s' specified for path '%s'. Must be a number", value, path)
	}
	return n, nil
}

// enumRule replaces a value of an enumeration.
func enumRule[T any, E interface {
	~string
	EnumValues() []string
}](path, ops string, field func(*T) *E) rule[T] {
	return rule[T]{path, ops, func(v *T, _ []string, value string) error {
		var e E
		if value != "" && !slices.Contains(e.EnumValues(), value) {
			return bad("Invalid patch value  '%s' specified for path '%s'. Must be one of: [%s]", value, path, strings.Join(e.EnumValues(), ", "))
		}
		*field(v) = E(value)
		return nil
	}, func(v *T, _ []string) error {
		*field(v) = ""
		return nil
	}}
}

// entryRule adds, replaces and removes an entry of a map; read makes its value of the text.
func entryRule[T, V any](path string, field func(*T) *map[string]V, read func(string) (V, error)) rule[T] {
	return rule[T]{path, "add remove replace", func(v *T, names []string, value string) error {
		e, err := read(value)
		if err != nil {
			return err
		}
		m := field(v)
		if *m == nil {
			*m = map[string]V{}
		}
		(*m)[names[0]] = e
		return nil
	}, func(v *T, names []string) error {
		m := *field(v)
		if _, ok := m[names[0]]; !ok {
			return notFound("Invalid parameter name specified")
		}
		delete(m, names[0])
		return nil
	}}
}

// mapRule is entryRule for maps of texts.
func mapRule[T any](path string, field func(*T) *map[string]string) rule[T] {
	return entryRule(path, field, func(value string) (string, error) { return value, nil })
}

// boolMapRule is entryRule for maps of bools.
func boolMapRule[T any](path string, field func(*T) *map[string]bool) rule[T] {
	return entryRule(path, field, func(value string) (bool, error) {
		if value == "" {
			return false, nil
		}
		return readBool(path, value)
	})
}

// listRule adds and removes an element of a list that the path names.
func listRule[T any](path string, field func(*T) *[]string) rule[T] {
	return rule[T]{path, "add remove replace", func(v *T, names []string, value string) error {
		l := field(v)
		if value == "" {
			value = names[0]
		}
		*l = slices.DeleteFunc(*l, func(s string) bool { return s == names[0] || s == value })
		*l = append(*l, value)
		return nil
	}, func(v *T, names []string) error {
		l := field(v)
		*l = slices.DeleteFunc(*l, func(s string) bool { return s == names[0] })
		return nil
	}}
}
