package vtl

import (
	"errors"
	"fmt"
	"strings"
)

// node is a part of a template.
type node interface{ render(r *renderer) error }

type (
	block []node
	text  string
)

func (t text) render(r *renderer) error { return r.write(string(t)) }

// directive returns the reader of #name, called after the name, or nil when there is no such directive.
func directive(name string) func(*parser) (node, error) {
	switch name {
	case "set":
		return (*parser).set
	case "if":
		return (*parser).ifs
	case "foreach":
		return (*parser).foreach
	case "macro":
		return (*parser).macro
	case "define":
		return (*parser).define
	case "evaluate":
		return (*parser).evaluate
	case "break":
		return func(p *parser) (node, error) { p.lineEnd(); return jump{errBreak}, nil }
	case "stop":
		return func(p *parser) (node, error) { p.lineEnd(); return jump{errStop}, nil }
	case "include", "parse":
		return func(p *parser) (node, error) {
			return nil, p.errorf("#%s: a mapping template has no other templates or files", name)
		}
	}
	return nil
}

func (p *parser) open() error {
	p.space()
	if !p.take("(") {
		return p.errorf("( is missing")
	}
	p.space()
	return nil
}

func (p *parser) close() error {
	p.space()
	if !p.take(")") {
		return p.errorf(") is missing")
	}
	p.lineEnd()
	return nil
}

// body reads a block that #end closes.
func (p *parser) body() (block, error) {
	b, end, err := p.block()
	if err == nil && end != "end" {
		err = p.errorf("#end is missing")
	}
	return b, err
}

// set is #set($ref = value). A value of null leaves the reference as it was.
type set struct {
	target *reference
	value  expr
}

func (p *parser) set() (node, error) {
	if err := p.open(); err != nil {
		return nil, err
	}
	if p.peek() != '$' {
		return nil, p.errorf("#set needs a reference on the left")
	}
	target, err := p.reference()
	if err != nil {
		return nil, err
	}
	p.space()
	if target == nil || !p.take("=") {
		return nil, p.errorf("= is missing in #set")
	}
	value, err := p.expression()
	if err != nil {
		return nil, err
	}
	return set{target, value}, p.close()
}

func (s set) render(r *renderer) error {
	v, err := s.value.eval(r)
	if err != nil || v == nil {
		return err
	}
	return s.target.assign(r, v)
}

// choice is #if … #elseif … #else … #end: the first branch whose condition holds; a nil condition always does.
type choice []branch

type branch struct {
	when expr
	body block
}

func (p *parser) ifs() (node, error) {
	var c choice
	for end := "elseif"; end == "elseif"; {
		var b branch
		err := p.open()
		if err == nil {
			b.when, err = p.expression()
		}
		if err == nil {
			err = p.close()
		}
		if err == nil {
			b.body, end, err = p.block()
		}
		if err != nil {
			return nil, err
		}
		c = append(c, b)
		if end == "else" {
			body, err := p.body()
			return append(c, branch{body: body}), err
		}
		if end == "" {
			return nil, p.errorf("#end is missing")
		}
	}
	return c, nil
}

func (c choice) render(r *renderer) error {
	for _, b := range c {
		if b.when != nil {
			v, err := b.when.eval(r)
			if err != nil {
				return err
			}
			if !truth(v) {
				continue
			}
		}
		return r.block(b.body)
	}
	return nil
}

// loop is #foreach($name in list).
type loop struct {
	name string
	list expr
	body block
}

func (p *parser) foreach() (node, error) {
	err := p.open()
	if err != nil {
		return nil, err
	}
	ref, err := p.loopVariable()
	if err != nil {
		return nil, err
	}
	l := loop{name: ref}
	p.space()
	if !p.take("in") {
		return nil, p.errorf("in is missing in #foreach")
	}
	if l.list, err = p.expression(); err != nil {
		return nil, err
	}
	if err = p.close(); err != nil {
		return nil, err
	}
	l.body, err = p.body()
	return l, err
}

func (p *parser) loopVariable() (string, error) {
	if p.peek() == '$' {
		ref, err := p.reference()
		if err != nil {
			return "", err
		}
		if ref != nil && len(ref.parts) == 0 {
			return ref.name, nil
		}
	}
	return "", p.errorf("a plain reference is missing")
}

func (l loop) render(r *renderer) error {
	v, err := l.list.eval(r)
	if err != nil {
		return err
	}
	items := elements(v)
	shadowed := r.shadow(l.name, "foreach", "velocityCount")
	defer shadowed()
	parent := r.vars["foreach"]
	for i, item := range items {
		if i == MaxIterations {
			break
		}
		if err := r.step(); err != nil {
			return err
		}
		r.vars[l.name] = item
		r.vars["velocityCount"] = int64(i + 1)
		r.vars["foreach"] = round{i, len(items), parent}
		if err := r.block(l.body); errors.Is(err, errBreak) {
			return nil
		} else if err != nil {
			return err
		}
	}
	return nil
}

// round is $foreach: where a loop stands, and the loop around it.
type round struct {
	index, of int
	parent    any
}

// Property gives $foreach.index and its kind.
func (f round) Property(name string) (any, bool) {
	switch name {
	case "count":
		return int64(f.index + 1), true
	case "index":
		return int64(f.index), true
	case "hasNext":
		return f.index+1 < f.of, true
	case "first":
		return f.index == 0, true
	case "last":
		return f.index+1 == f.of, true
	case "parent":
		return f.parent, f.parent != nil
	case "topmost":
		if outer, ok := f.parent.(round); ok {
			return outer.Property(name)
		}
		return f, true
	}
	return nil, false
}

// Call gives the same by the names of Java's methods: $foreach.hasNext(), $foreach.getIndex(), $foreach.isLast().
func (f round) Call(method string, args []any) (any, error) {
	name := method
	for _, prefix := range []string{"get", "is"} {
		if rest, ok := strings.CutPrefix(method, prefix); ok && rest != "" {
			name = strings.ToLower(rest[:1]) + rest[1:]
		}
	}
	if v, ok := f.Property(name); ok && len(args) == 0 && (name != method || name == "hasNext") {
		return v, nil
	}
	return nil, ErrNoMethod
}

// shadow remembers references and returns what puts them back.
func (r *renderer) shadow(names ...string) (restore func()) {
	type old struct {
		v  any
		ok bool
	}
	olds := make([]old, len(names))
	for i, n := range names {
		olds[i].v, olds[i].ok = r.vars[n]
	}
	return func() {
		for i, n := range names {
			if olds[i].ok {
				r.vars[n] = olds[i].v
			} else {
				delete(r.vars, n)
			}
		}
	}
}

type jump struct{ err error }

func (j jump) render(*renderer) error { return j.err }

// macro is #macro(name $a $b) … #end; rendering the definition makes it known.
type macro struct {
	name   string
	params []string
	body   block
}

func (p *parser) macro() (node, error) {
	if err := p.open(); err != nil {
		return nil, err
	}
	m := &macro{name: p.name()}
	if m.name == "" {
		return nil, p.errorf("the macro has no name")
	}
	for {
		p.space()
		p.take(",")
		p.space()
		if p.peek() == ')' {
			break
		}
		param, err := p.loopVariable()
		if err != nil {
			return nil, err
		}
		m.params = append(m.params, param)
	}
	err := p.close()
	if err == nil {
		m.body, err = p.body()
	}
	return m, err
}

func (m *macro) render(r *renderer) error {
	if _, ok := r.macros[m.name]; !ok { // the first definition stands
		r.macros[m.name] = m
	}
	return nil
}

// call is #name(args) or #@name(args) … #end, whose body the macro sees as $bodyContent. It is text when there is no
// such macro.
type call struct {
	source string
	name   string
	args   []expr
	body   block
	block  bool
}

func (p *parser) macroCall(start int, name string, withBody bool) (node, string, error) {
	afterName := p.pos
	if !p.take("(") {
		p.pos = start + 1
		return text("#"), "", nil
	}
	args, err := p.arguments(")", false)
	if err != nil {
		p.pos = afterName
		return text(p.s[start:afterName]), "", nil
	}
	p.lineEnd() // part of the closing parenthesis in Velocity's grammar, so of the source too
	c := call{source: p.s[start:p.pos], name: name, args: args, block: withBody}
	if withBody {
		if c.body, err = p.body(); err != nil {
			return nil, "", err
		}
	}
	return c, "", nil
}

func (c call) render(r *renderer) error {
	m, ok := r.macros[c.name]
	if !ok {
		if err := r.write(c.source); err != nil {
			return err
		}
		return r.block(c.body)
	}
	values := make([]any, len(c.args))
	for i, a := range c.args {
		v, err := a.eval(r)
		if err != nil {
			return err
		}
		values[i] = v
	}
	restore := r.shadow(append([]string{"bodyContent"}, m.params...)...)
	defer restore()
	for i, name := range m.params {
		delete(r.vars, name)
		if i < len(values) && values[i] != nil {
			r.vars[name] = values[i]
		}
	}
	if c.block {
		r.vars["bodyContent"] = lazy{c.body}
	}
	return r.block(m.body)
}

// define is #define($name) … #end: the block is rendered where the reference stands.
type define struct {
	name string
	body block
}

// lazy is the value of such a reference.
type lazy struct{ body block }

func (p *parser) define() (node, error) {
	err := p.open()
	if err != nil {
		return nil, err
	}
	var d define
	if d.name, err = p.loopVariable(); err == nil {
		err = p.close()
	}
	if err == nil {
		d.body, err = p.body()
	}
	return d, err
}

func (d define) render(r *renderer) error {
	r.vars[d.name] = lazy{d.body}
	return nil
}

// evaluate is #evaluate(value): the text of the value is a template.
type evaluate struct{ value expr }

func (p *parser) evaluate() (node, error) {
	err := p.open()
	if err != nil {
		return nil, err
	}
	var e evaluate
	if e.value, err = p.expression(); err == nil {
		err = p.close()
	}
	return e, err
}

func (e evaluate) render(r *renderer) error {
	v, err := e.value.eval(r)
	if err != nil || v == nil {
		return err
	}
	t, err := Parse(Text(v))
	if err != nil {
		return fmt.Errorf("#evaluate: %w", err)
	}
	return r.block(t.body)
}

// render writes the value of a reference, or its own text when it has none.
func (ref *reference) render(r *renderer) error {
	v, err := ref.eval(r)
	if err != nil {
		return err
	}
	slashes := strings.Repeat(`\`, ref.slashes/2)
	switch {
	case v == nil && ref.quiet && ref.slashes == 0:
		return nil
	case v == nil:
		return r.write(strings.Repeat(`\`, ref.slashes) + ref.source)
	case ref.slashes%2 == 1:
		return r.write(slashes + ref.source)
	}
	if l, ok := v.(lazy); ok {
		s, err := r.nested(l.body)
		if err != nil {
			return err
		}
		return r.write(slashes + s)
	}
	return r.write(slashes + Text(v))
}
