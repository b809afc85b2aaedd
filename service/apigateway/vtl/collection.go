package vtl

import (
	"fmt"
	"slices"
	"unicode/utf16"

	"github.com/brume-dev/brume/jsondoc"
)

// utf16of gives the chars of a Java string.
func utf16of(s string) []uint16 { return utf16.Encode([]rune(s)) }

func substring(s string, from, to int) (any, error) {
	chars := utf16of(s)
	if from < 0 || to > len(chars) || from > to {
		return nil, fmt.Errorf("vtl: begin %d, end %d, length %d: the string index is out of range", from, to, len(chars))
	}
	return string(utf16.Decode(chars[from:to])), nil
}

// nothing is what a method gives whose type is void in Java: Velocity renders nothing for it, and not the reference.
const nothing = ""

// listMethod serves java.util.List.
func listMethod(l *jsondoc.Array, method string, args []any) (any, error) {
	a := &arguments{args, true}
	switch fmt.Sprintf("%s/%d", method, len(args)) {
	case "size/0":
		return int64(len(l.Items)), nil
	case "isEmpty/0":
		return len(l.Items) == 0, nil
	case "get/1":
		i, err := index(l, a)
		if err != nil {
			return nil, err
		}
		return l.Items[i], nil
	case "add/1":
		return true, grow(l, a.next())
	case "add/2":
		return nothing, insert(l, a.int(), a.next())
	case "addAll/1":
		other, ok := a.next().(*jsondoc.Array)
		if !ok {
			return nil, ErrNoMethod
		}
		return len(other.Items) > 0, grow(l, slices.Clone(other.Items)...)
	case "set/2":
		i, err := index(l, a)
		if err != nil {
			return nil, err
		}
		old := l.Items[i]
		l.Items[i] = a.next()
		return old, nil
	case "remove/1":
		return removeItem(l, args[0])
	case "clear/0":
		l.Items = nil
		return nothing, nil
	case "contains/1":
		return indexOf(l, args[0]) >= 0, nil
	case "indexOf/1":
		return int64(indexOf(l, args[0])), nil
	case "subList/2":
		from, to := a.int(), a.int()
		if !a.ok || from < 0 || to > len(l.Items) || from > to {
			return nil, fmt.Errorf("vtl: subList(%d, %d) of %d elements", from, to, len(l.Items))
		}
		return &jsondoc.Array{Items: slices.Clone(l.Items[from:to])}, nil
	case "toArray/0", "iterator/0", "listIterator/0", "stream/0":
		return l, nil
	}
	return nil, ErrNoMethod
}

func index(l *jsondoc.Array, a *arguments) (int, error) {
	i := a.int()
	if !a.ok {
		return 0, ErrNoMethod
	}
	if i < 0 || i >= len(l.Items) {
		return 0, fmt.Errorf("vtl: index %d of %d elements", i, len(l.Items))
	}
	return i, nil
}

// maxElements bounds a list, so that templates cannot fill the memory.
const maxElements = 1 << 20

func grow(l *jsondoc.Array, items ...any) error {
	if len(l.Items)+len(items) > maxElements {
		return fmt.Errorf("%w: a list of more than %d elements", ErrLimit, maxElements)
	}
	l.Items = append(l.Items, items...)
	return nil
}

func insert(l *jsondoc.Array, i int, v any) error {
	if i < 0 || i > len(l.Items) {
		return fmt.Errorf("vtl: index %d of %d elements", i, len(l.Items))
	}
	if err := grow(l, nil); err != nil {
		return err
	}
	copy(l.Items[i+1:], l.Items[i:])
	l.Items[i] = v
	return nil
}

// removeItem removes by index when it gets an integer, as Java's remove(int) does, else the first equal element.
func removeItem(l *jsondoc.Array, what any) (any, error) {
	i, byIndex := what.(int64)
	if !byIndex {
		i = int64(indexOf(l, what))
		if i < 0 {
			return false, nil
		}
	}
	if i < 0 || i >= int64(len(l.Items)) {
		return nil, fmt.Errorf("vtl: index %d of %d elements", i, len(l.Items))
	}
	old := l.Items[i]
	l.Items = slices.Delete(l.Items, int(i), int(i)+1)
	if byIndex {
		return old, nil
	}
	return true, nil
}

func indexOf(l *jsondoc.Array, v any) int {
	return slices.IndexFunc(l.Items, func(item any) bool {
		item = Normal(item)
		return sameKind(item, v) && same(item, v)
	})
}

// entry is a java.util.Map.Entry.
type entry struct {
	key   string
	value any
}

// Property gives $entry.key and $entry.value.
func (e entry) Property(name string) (any, bool) {
	switch name {
	case "key":
		return e.key, true
	case "value":
		return e.value, true
	}
	return nil, false
}

// Call gives $entry.getKey() and $entry.getValue().
func (e entry) Call(method string, _ []any) (any, error) { return e.call(method) }

func (e entry) call(method string) (any, error) {
	switch method {
	case "getKey":
		return e.key, nil
	case "getValue":
		return e.value, nil
	}
	return nil, ErrNoMethod
}

// mapMethod serves java.util.Map.
func mapMethod(m *jsondoc.Object, method string, args []any) (any, error) {
	a := &arguments{args, true}
	switch fmt.Sprintf("%s/%d", method, len(args)) {
	case "size/0":
		return int64(m.Len()), nil
	case "isEmpty/0":
		return m.Len() == 0, nil
	case "get/1":
		v, _ := m.Get(Text(args[0]))
		return v, nil
	case "getOrDefault/2":
		if v, ok := m.Get(Text(args[0])); ok {
			return v, nil
		}
		return args[1], nil
	case "containsKey/1":
		_, ok := m.Get(Text(args[0]))
		return ok, nil
	case "containsValue/1":
		return indexOf(&jsondoc.Array{Items: elements(m)}, args[0]) >= 0, nil
	case "put/2", "putIfAbsent/2":
		key := Text(args[0])
		old, ok := m.Get(key)
		if !ok || method == "put" {
			if m.Len() >= maxElements {
				return nil, fmt.Errorf("%w: a map of more than %d entries", ErrLimit, maxElements)
			}
			m.Set(key, args[1])
		}
		return old, nil
	case "putAll/1":
		other, ok := a.next().(*jsondoc.Object)
		if !ok {
			return nil, ErrNoMethod
		}
		for k, v := range other.All() {
			m.Set(k, v)
		}
		return nothing, nil
	case "remove/1":
		old, _ := m.Delete(Text(args[0]))
		return old, nil
	case "clear/0":
		for _, k := range slices.Clone(m.Keys()) {
			m.Delete(k)
		}
		return nothing, nil
	}
	return views(m, method, args)
}

// views are keySet, values and entrySet.
func views(m *jsondoc.Object, method string, args []any) (any, error) {
	if len(args) > 0 {
		return nil, ErrNoMethod
	}
	out := &jsondoc.Array{Items: []any{}}
	for k, v := range m.All() {
		switch method {
		case "keySet":
			out.Items = append(out.Items, k)
		case "values":
			out.Items = append(out.Items, v)
		case "entrySet":
			out.Items = append(out.Items, entry{k, v})
		default:
			return nil, ErrNoMethod
		}
	}
	if method != "keySet" && method != "values" && method != "entrySet" {
		return nil, ErrNoMethod
	}
	return out, nil
}
