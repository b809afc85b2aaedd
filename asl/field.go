package asl

import (
	"errors"
	"iter"
	"slices"
	"strings"

	"github.com/brume-dev/brume/asl/fault"
	"github.com/brume-dev/brume/asl/jsonata"
	"github.com/brume-dev/brume/asl/path"
	"github.com/brume-dev/brume/asl/template"
	"github.com/brume-dev/brume/jsondoc"
)

// field is the compiled value of a field of a state: what it gives may depend on the input, the context object and
// the variables. What it gives must not be changed.
type field interface {
	eval(s *scope) (any, error)
}

// constant is a value that depends on nothing.
type constant struct{ v any }

func (c constant) eval(*scope) (any, error) { return c.v, nil }

// located is a path or an intrinsic function that is the value of a whole field, "SecondsPath".
type located struct {
	value     *template.Value
	key, text string
}

func (l located) eval(s *scope) (any, error) { return l.value.Get(&s.view, l.key) }

// payload is a payload template of JSONPath.
type payload struct{ t *template.Template }

func (p payload) eval(s *scope) (any, error) { return p.t.Eval(&s.view) }

// looksAtInput reports whether a path of the template begins at the input.
func (p payload) looksAtInput() bool {
	looks := false
	p.t.Paths(func(one *path.Path) bool {
		looks = one.Variable() == "" && !strings.HasPrefix(one.String(), "$$")
		return !looks
	})
	return looks
}

// expressions is a JSON value with JSONata expressions in it, or a single one.
type expressions struct {
	t *jsonata.Template
	// at is the field that messages name.
	at string
	// text is the value's own: what is not mentioned there need not be bound.
	text string
	// states, input and context say that $states, and these members of it, can be asked for.
	states, input, context bool
}

func (e expressions) eval(s *scope) (any, error) {
	v, err := e.t.Eval(s.run.ctx, e.at, s.bindings(e), s.run.jsonataEnv())
	if err != nil && s.run.ctx.Err() != nil {
		s.run.cancelled = s.run.ctx.Err()
	}
	if _, ours := errors.AsType[*fault.Error](err); err != nil && !ours {
		return nil, &fault.Error{Name: fault.QueryEvaluationError, Cause: err.Error(), Location: e.at}
	}
	return v, err
}

// mentions fills what the expressions can ask for. A $states that does not go on with a member that we know may mean all of it.
func (e *expressions) mentions() {
	for rest := range statesIn(e.text) {
		e.states = true
		e.input = e.input || !startsWith(rest, ".result", ".errorOutput", ".context")
		e.context = e.context || !startsWith(rest, ".input", ".result", ".errorOutput")
	}
}

// statesIn yields what follows each $states of a text.
func statesIn(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for {
			_, after, ok := strings.Cut(text, "$states")
			if !ok || !yield(after) {
				return
			}
			text = after
		}
	}
}

func startsWith(text string, any ...string) bool {
	return slices.ContainsFunc(any, func(s string) bool { return strings.HasPrefix(text, s) })
}

// wholeContext reports whether a state, by its text, can ask for the execution's input in the context object. In doubt it can.
func wholeContext(text string) bool {
	if strings.Contains(text, "Execution") {
		return true
	}
	for rest := text; ; {
		_, after, ok := strings.Cut(rest, "$$")
		if !ok {
			break
		}
		if !startsWith(after, ".Map.", ".State.", ".StateMachine.", ".Task.") {
			return true
		}
		rest = after
	}
	for rest := range statesIn(text) {
		if !startsWith(rest, ".input", ".result", ".errorOutput", ".context.Map.", ".context.State.", ".context.StateMachine.", ".context.Task.") {
			return true
		}
	}
	return false
}

// bindings are the variables of an evaluation.
func (s *scope) bindings(e expressions) map[string]any {
	vars := map[string]any{}
	bind := func(t *Thread) {
		for i := range t.Variables {
			name := t.Variables[i].Name
			if _, inner := vars[name]; inner || !strings.Contains(e.text, "$"+name) {
				continue
			}
			if v, ok := s.run.lookup(t, name); ok {
				vars[name] = v
			}
		}
	}
	bind(s.thread)
	for _, t := range s.outer {
		bind(t)
	}
	if e.states {
		o := jsondoc.SizedObject(4)
		if e.input {
			o.Set("input", s.raw.get())
		}
		if s.result != nil {
			o.Set("result", s.result.get())
		}
		if s.failure != nil {
			o.Set("errorOutput", s.failure.get())
		}
		if e.context {
			o.Set("context", s.contextObject())
		}
		vars["states"] = o
	}
	return vars
}

func (r *run) jsonataEnv() jsonata.Env {
	return jsonata.Env{Now: r.set.Now, Seed: [2]uint64{r.Uint64(), r.Uint64()}}
}

// compileValue compiles the value of the field that messages call at.
func compileValue(v any, at string, isJSONata bool) (field, error) {
	if !isJSONata {
		t, err := template.Compile(v)
		if err != nil {
			return nil, err
		}
		return payload{t}, nil
	}
	t, err := jsonata.ParseTemplate(v)
	if err != nil {
		return nil, err
	}
	if t.Constant() {
		return constant{v}, nil
	}
	e := expressions{t: t, at: at, text: jsondoc.Text(v)}
	e.mentions()
	return e, nil
}

// compilePath compiles a path that is the whole value of a field.
func compilePath(text, key string, compile func(string) (*template.Value, error)) (field, error) {
	v, err := compile(text)
	if err != nil {
		return nil, err
	}
	return located{v, key, text}, nil
}

// reference is CompileReference for fields that take nothing but a path.
func reference(text string) (*template.Value, error) {
	if _, err := path.CompileReference(text); err != nil {
		return nil, err
	}
	return template.CompileValue(text)
}

// wrongType is the error of a field that gave v where another type is needed: for JSONata in the words of package
// jsonata, otherwise those of the field.
func wrongType(f field, expected string, v any, otherwise func(key, text string) *fault.Error) error {
	switch f := f.(type) {
	case expressions:
		if e := f.t.Expr(); e != nil {
			return jsonata.WrongType(e.String(), f.at, expected, v)
		}
		return fault.New(fault.QueryEvaluationError, "The field '%s' must be of type '%s'", f.at, expected)
	case located:
		return otherwise(f.key, f.text)
	default:
		return otherwise("", "")
	}
}
