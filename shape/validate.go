package shape

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Violation is one constraint that an input does not satisfy.
type Violation struct {
	Member *Member // the member, or the list or map whose element it is
	Path   string  // 'a.1.member.b', as messages name it
	Value  string  // the offending value as messages show it; meaningless when Null
	Null   bool    // the value is absent
	Enum   bool    // the value is not in its enum set
	Text   string  // "Member must have length less than or equal to 10"
}

// Validate checks v, a pointer to the input structure of an operation, against the constraints of its shape. It returns
// nil or one error that names all violations in the order of the model, rendered by style (see StyleOf). A nil style
// checks nothing.
//
// notes is what the decoder found (protocol.Request.Notes, or the result of DecodeJSON). It is nil for inputs built in
// Go, whose required scalars are taken as given even when they are zero.
//
// The texts are those of the ValidationException that most AWS services answer with:
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/CommonErrors.html
func Validate(v any, notes Notes, style Style) error {
	if style == nil {
		return nil
	}
	val := ValueOf(v)
	w := walker{quick: true}
	if len(notes) == 0 {
		if w.structure(val); !w.bad {
			return nil
		}
	}
	w = walker{notes: notes.byPath()}
	w.structure(val)
	if len(w.found) == 0 {
		return nil
	}
	return style(w.found)
}

// Violations returns what Validate would complain about.
func Violations(v any, notes Notes) []Violation {
	w := walker{notes: notes.byPath()}
	w.structure(ValueOf(v))
	return w.found
}

// walker checks a tree of values. A quick walk only learns whether there is a violation, and keeps no paths.
type walker struct {
	quick bool
	bad   bool
	notes map[string]Note
	path  []byte
	found []Violation
}

// push extends the path by a step and returns what pop needs to take it back.
func (w *walker) push(step string) (mark int) {
	mark = len(w.path)
	if w.quick {
		return mark
	}
	if mark > 0 {
		w.path = append(w.path, '.')
	}
	w.path = append(w.path, step...)
	return mark
}

func (w *walker) pushIndex(i int) (mark int) {
	if w.quick {
		return len(w.path)
	}
	return w.push(strconv.Itoa(i+1) + ".member")
}

func (w *walker) pop(mark int) { w.path = w.path[:mark] }

func (w *walker) add(m *Member, v Value, text string) {
	w.bad = true
	if w.quick {
		return
	}
	x := Violation{Member: m, Path: string(w.path), Text: text, Enum: strings.HasPrefix(text, enumPrefix)}
	if v.Shape == nil {
		x.Null = true
	} else {
		x.Value = v.String()
	}
	w.found = append(w.found, x)
}

func (w *walker) structure(v Value) {
	for i := range v.Shape.Members {
		if w.bad && w.quick {
			return
		}
		m := &v.Shape.Members[i]
		if !m.own && !m.Shape.checks && len(w.notes) == 0 {
			continue
		}
		mark := w.push(m.Path)
		w.member(v, m)
		w.pop(mark)
	}
	if v.Shape.Union && v.One() == nil && !w.bad {
		w.add(nil, v, "Member must have exactly one member set")
	}
}

func (w *walker) member(parent Value, m *Member) {
	if len(w.notes) > 0 {
		if n, ok := w.notes[string(w.path)]; ok {
			w.noted(m, n)
			return
		}
	}
	v, ok := parent.Member(m)
	if !ok || m.nilable() && parent.isNil(m) {
		if m.Required {
			w.add(m, Value{}, "Member must not be null")
		}
		return
	}
	w.value(m, v)
}

func (w *walker) noted(m *Member, n Note) {
	if !n.Blank {
		w.add(m, Value{}, "Member must not be null")
		return
	}
	w.bad = true
	w.found = append(w.found, Violation{Member: m, Path: string(w.path), Text: enumText(m.Shape), Enum: true})
}

func (w *walker) value(m *Member, v Value) {
	c := &m.Own
	switch v.Shape.Kind {
	case String:
		w.text(m, c, v)
	case Integer, Long:
		if !c.intOK(v.Int()) {
			w.bounds(m, c, v, float64(v.Int()))
		}
	case Float, Double:
		if !c.floatOK(v.Float()) {
			w.bounds(m, c, v, v.Float())
		}
	case Blob, Document:
		w.length(m, c, v, len(v.Bytes()))
	case Structure:
		w.structure(v)
	case List:
		w.length(m, c, v, v.Len())
		w.list(m, v)
	case Map:
		w.length(m, c, v, v.Len())
		w.mapping(m, v)
	}
}

func (w *walker) text(m *Member, c *Constraint, v Value) {
	s := v.String()
	if !v.Shape.Allows(s) {
		w.add(m, v, enumText(v.Shape))
	}
	if c.Pattern != nil && !c.Pattern.Match(s) {
		w.add(m, v, "Member must satisfy regular expression pattern: "+c.Pattern.Text)
	}
	if c.minLen || c.maxLen {
		w.length(m, c, v, utf8.RuneCountInString(s))
	}
}

func (w *walker) length(m *Member, c *Constraint, v Value, n int) {
	if c.minLen && int64(n) < c.MinLen {
		w.add(m, v, c.minLenText())
	}
	if c.maxLen && int64(n) > c.MaxLen {
		w.add(m, v, c.maxLenText())
	}
}

func (w *walker) bounds(m *Member, c *Constraint, v Value, f float64) {
	// Integers beyond 2^53 meet their exact bounds in intOK; here only the side is chosen.
	if c.min && f < c.minFloat {
		w.add(m, v, c.minText())
	} else {
		w.add(m, v, c.maxText())
	}
}

func (w *walker) list(m *Member, v Value) {
	if !m.Each.IsZero() || v.Shape.Elem.enum != nil {
		w.elements(m, v)
	}
	if len(w.notes) == 0 && !(nests(v.Shape.Elem) && v.Shape.Elem.checks) {
		return
	}
	for i := range v.Len() {
		mark := w.pushIndex(i)
		if n, ok := w.notes[string(w.path)]; ok {
			w.noted(m, n)
		} else if e, ok := v.Index(i); ok {
			w.nested(m, e)
		} else {
			w.add(m, Value{}, "Member must not be null")
		}
		w.pop(mark)
	}
}

func (w *walker) mapping(m *Member, v Value) {
	if !m.Each.IsZero() || !m.Keys.IsZero() || v.Shape.Elem.enum != nil {
		w.entries(m, v)
	}
	if !nests(v.Shape.Elem) || len(w.notes) == 0 && !v.Shape.Elem.checks {
		return
	}
	v.Range(func(key string, e Value) error { //nolint:errcheck // the function never fails
		mark := w.push(key)
		w.push("member")
		w.nested(m, e)
		w.pop(mark)
		return nil
	})
}

// nested walks into an element that is a structure, or a list or map of such.
func (w *walker) nested(m *Member, e Value) {
	switch e.Shape.Kind {
	case Structure:
		w.structure(e)
	case List:
		for i := range e.Len() {
			if x, ok := e.Index(i); ok {
				mark := w.pushIndex(i)
				w.nested(m, x)
				w.pop(mark)
			}
		}
	case Map:
		e.Range(func(key string, x Value) error { //nolint:errcheck // the function never fails
			mark := w.push(key)
			w.push("member")
			w.nested(m, x)
			w.pop(mark)
			return nil
		})
	}
}

func nests(s *Shape) bool { return s.Kind == Structure || s.Kind == List || s.Kind == Map }

// elements checks the constraint on the elements of a list. AWS reports the list as a whole, once, with every
// constraint that its elements have.
func (w *walker) elements(m *Member, v Value) {
	for i := range v.Len() {
		if w.absent(i) {
			continue
		}
		if e, ok := v.Index(i); ok && !m.Each.allows(e) {
			w.add(m, v, "Member must satisfy constraint: ["+m.Each.text(v.Shape.Elem)+"]")
			if e.Shape.enum != nil && !w.quick {
				w.found[len(w.found)-1].Enum = true
			}
			return
		}
	}
}

// absent reports whether element i of the list at hand was null.
func (w *walker) absent(i int) bool {
	if len(w.notes) == 0 {
		return false
	}
	mark := w.pushIndex(i)
	_, ok := w.notes[string(w.path)]
	w.pop(mark)
	return ok
}

func (w *walker) entries(m *Member, v Value) {
	keys, values := true, true
	v.Range(func(key string, e Value) error { //nolint:errcheck // the function never fails
		keys = keys && m.Keys.allowsText(key)
		values = values && m.Each.allows(e)
		return nil
	})
	if !keys {
		w.add(m, v, "Map keys must satisfy constraint: ["+m.Keys.text(nil)+"]")
	}
	if !values {
		w.add(m, v, "Map value must satisfy constraint: ["+m.Each.text(v.Shape.Elem)+"]")
	}
}

func (c *Constraint) allows(v Value) bool {
	switch v.Shape.Kind {
	case String:
		return v.Shape.Allows(v.String()) && c.allowsText(v.String())
	case Integer, Long:
		return c.intOK(v.Int())
	case Float, Double:
		return c.floatOK(v.Float())
	case Blob, Document:
		return c.lengthOK(len(v.Bytes()))
	case List, Map:
		return c.lengthOK(v.Len())
	}
	return true
}

func (c *Constraint) allowsText(s string) bool {
	if (c.minLen || c.maxLen) && !c.lengthOK(utf8.RuneCountInString(s)) {
		return false
	}
	return c.Pattern == nil || c.Pattern.Match(s)
}

func (c *Constraint) minLenText() string {
	return "Member must have length greater than or equal to " + strconv.FormatInt(c.MinLen, 10)
}

func (c *Constraint) maxLenText() string {
	return "Member must have length less than or equal to " + strconv.FormatInt(c.MaxLen, 10)
}

func (c *Constraint) minText() string {
	return "Member must have value greater than or equal to " + c.Min
}
func (c *Constraint) maxText() string { return "Member must have value less than or equal to " + c.Max }

const enumPrefix = "Member must satisfy enum value set: "

func enumText(s *Shape) string {
	return enumPrefix + "[" + strings.Join(s.Enum, ", ") + "]"
}

// text lists everything that c, and the enum of s when it has one, demands.
func (c *Constraint) text(s *Shape) string {
	var t []string
	if c.maxLen {
		t = append(t, c.maxLenText())
	}
	if c.minLen {
		t = append(t, c.minLenText())
	}
	if c.max {
		t = append(t, c.maxText())
	}
	if c.min {
		t = append(t, c.minText())
	}
	if c.Pattern != nil {
		t = append(t, "Member must satisfy regular expression pattern: "+c.Pattern.Text)
	}
	if s != nil && s.enum != nil {
		t = append(t, enumText(s))
	}
	return strings.Join(t, ", ")
}
