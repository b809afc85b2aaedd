package partiql

import (
	"strconv"
	"strings"

	"github.com/brume-dev/brume/item"
	"github.com/brume-dev/brume/service/dynamodb/expression"
)

// parser reads a statement by recursive descent; the first error ends it.
type parser struct {
	toks   []token
	i      int
	params int
	depth  int
	err    error
}

// Parse reads a statement and puts the parameters in.
func Parse(src string, params []item.Value) (*Statement, error) {
	if len(src) > MaxStatement {
		return nil, malformed("Statement is longer than %d bytes", MaxStatement)
	}
	p := &parser{toks: lex(src)}
	st := p.statement()
	p.accept(";")
	if p.err == nil && p.peek().kind != tokEnd {
		p.unexpected("end of statement")
	}
	if p.err != nil {
		return nil, p.err
	}
	if p.params != len(params) {
		return nil, expression.Problem("Number of parameters in request and statement don't match.")
	}
	return st, st.bind(params)
}

func (p *parser) peek() token { return p.toks[p.i] }

func (p *parser) next() token {
	t := p.toks[p.i]
	if t.kind != tokEnd {
		p.i++
	}
	return t
}

// fail notes the first error and moves to the end, so that every loop ends.
func (p *parser) fail(err error) {
	if p.err == nil {
		p.err = err
	}
	p.i = len(p.toks) - 1
}

func (p *parser) unexpected(want string) {
	t := p.peek()
	if t.kind == tokEnd {
		p.fail(malformed("Unexpected end of statement, expected %s", want))
		return
	}
	p.fail(malformed("Unexpected token %q at position %d, expected %s", t.text, t.start+1, want))
}

func (p *parser) isWord(w string) bool {
	t := p.peek()
	return t.kind == tokWord && strings.EqualFold(t.text, w)
}

func (p *parser) word(w string) bool {
	if p.isWord(w) {
		p.next()
		return true
	}
	return false
}

func (p *parser) mustWord(w string) {
	if !p.word(w) {
		p.unexpected(w)
	}
}

func (p *parser) accept(sign string) bool {
	if t := p.peek(); t.kind == tokSign && t.text == sign {
		p.next()
		return true
	}
	return false
}

func (p *parser) must(sign string) {
	if !p.accept(sign) {
		p.unexpected(sign)
	}
}

func (p *parser) statement() *Statement {
	st := &Statement{}
	switch {
	case p.word("SELECT"):
		p.selection(st)
	case p.word("INSERT"):
		st.Kind = Insert
		p.mustWord("INTO")
		p.from(st)
		p.mustWord("VALUE")
		st.value = p.value()
	case p.word("UPDATE"):
		st.Kind = Update
		p.from(st)
		p.update(st)
	case p.word("DELETE"):
		st.Kind = Delete
		p.mustWord("FROM")
		p.from(st)
		p.wherePart(st)
		p.returning(st)
	case p.word("EXISTS"):
		p.must("(")
		p.mustWord("SELECT")
		p.selection(st)
		p.must(")")
		st.Kind = Exists
	default:
		p.fail(malformed("Expected data manipulation"))
	}
	if st.Kind != Select && st.Index != "" { // only a SELECT may be on an index
		p.fail(malformed("Unexpected path component"))
	}
	return st
}

func (p *parser) selection(st *Statement) {
	if !p.accept("*") {
		for p.err == nil {
			st.columns = append(st.columns, p.path())
			if !p.accept(",") {
				break
			}
		}
	}
	p.mustWord("FROM")
	p.from(st)
	p.wherePart(st)
	if !p.word("ORDER") {
		return
	}
	p.mustWord("BY")
	for p.err == nil {
		o := order{name: p.name()}
		if p.word("DESC") {
			o.desc = true
		} else {
			p.word("ASC")
		}
		st.order = append(st.order, o)
		if !p.accept(",") {
			break
		}
	}
}

// from reads the name of a table, and of an index of it.
func (p *parser) from(st *Statement) {
	st.Table = p.name()
	if p.accept(".") {
		st.Index = p.name()
	}
	if t := p.peek(); p.err == nil && t.text == "-" { // names with dashes are quoted
		if st.Kind == Update {
			p.fail(malformed("Expected data manipulation"))
		} else {
			p.fail(malformed("Unexpected from source"))
		}
	}
}

// name reads an identifier.
func (p *parser) name() string {
	t := p.peek()
	if t.kind != tokWord && t.kind != tokQuoted {
		p.unexpected("a name")
		return ""
	}
	if p.next(); t.kind == tokWord && reserved(t.text) {
		p.fail(malformed("Unexpected keyword %s at position %d", strings.ToUpper(t.text), t.start+1))
	}
	return t.text
}

// reserved reports whether a word without quotes is one of the language.
func reserved(w string) bool {
	switch strings.ToUpper(w) {
	case "SELECT", "FROM", "WHERE", "INSERT", "INTO", "VALUE", "UPDATE", "SET", "REMOVE", "DELETE", "RETURNING", "AND", "OR", "NOT", "IN",
		"BETWEEN", "IS", "MISSING", "NULL", "ORDER", "BY", "EXISTS", "TRUE", "FALSE":
		return true
	}
	return false
}

func (p *parser) wherePart(st *Statement) {
	if p.word("WHERE") {
		st.where = p.or()
	}
}

// update reads what follows UPDATE and the table: SET and REMOVE clauses, then WHERE and RETURNING.
func (p *parser) update(st *Statement) {
	for p.err == nil {
		switch {
		case p.word("SET"):
			for p.err == nil {
				a := action{path: p.path()}
				p.must("=")
				a.value = p.sum()
				st.actions = append(st.actions, a)
				if !p.accept(",") {
					break
				}
			}
		case p.word("REMOVE"):
			for p.err == nil {
				st.actions = append(st.actions, action{path: p.path()})
				if !p.accept(",") {
					break
				}
			}
		default:
			if len(st.actions) == 0 {
				p.fail(malformed("Expected data manipulation"))
			}
			p.wherePart(st)
			p.returning(st)
			return
		}
	}
}

func (p *parser) returning(st *Statement) {
	if !p.word("RETURNING") {
		return
	}
	which := ""
	switch {
	case p.word("ALL"):
		which = "ALL_"
	case p.word("MODIFIED"):
		which = "UPDATED_"
	default:
		p.unexpected("ALL or MODIFIED")
	}
	switch {
	case p.word("OLD"):
		which += "OLD"
	case p.word("NEW"):
		which += "NEW"
	default:
		p.unexpected("OLD or NEW")
	}
	p.must("*")
	if st.Returning = which; st.Kind == Delete && which != "ALL_OLD" {
		p.fail(malformed("DELETE may return ALL OLD * only"))
	}
}

// path reads a document path.
func (p *parser) path() Path {
	out := Path{{Name: p.name(), Index: -1}}
	for p.err == nil {
		switch {
		case p.accept("."):
			out = append(out, Element{Name: p.name(), Index: -1})
		case p.accept("["):
			switch t := p.next(); t.kind {
			case tokNumber:
				n, err := strconv.ParseInt(t.text, 10, 32)
				if err != nil {
					p.fail(malformed("%s is no index of a list", t.text))
				}
				out = append(out, Element{Index: int(n)})
			case tokString:
				out = append(out, Element{Name: t.text, Index: -1})
			default:
				p.unexpected("an index")
			}
			p.must("]")
		default:
			return out
		}
	}
	return out
}
