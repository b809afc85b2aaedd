package policy

import (
	"strings"
	"unicode/utf8"
)

// glob is a compiled pattern with '*' (any characters), '?' (one character) and policy variables.
type glob struct {
	kind globKind
	text string // globExact: the whole; globPrefix: what comes before the final '*'
	toks []token
}

type globKind uint8

const (
	globExact globKind = iota
	globAny
	globPrefix
	globTokens
)

type token struct {
	kind tokenKind
	text string    // tokText
	v    *variable // tokVar
}

type tokenKind uint8

const (
	tokText tokenKind = iota
	tokStar
	tokOne
	tokVar
)

// compileGlob compiles s. Without wild, '*' and '?' stand for themselves; without vars, "${" does.
func compileGlob(s string, wild, vars bool) glob {
	toks := tokenize(s, wild, vars)
	switch {
	case len(toks) == 0:
		return glob{kind: globExact}
	case len(toks) == 1 && toks[0].kind == tokText:
		return glob{kind: globExact, text: toks[0].text}
	case len(toks) == 1 && toks[0].kind == tokStar:
		return glob{kind: globAny}
	case len(toks) == 2 && toks[0].kind == tokText && toks[1].kind == tokStar:
		return glob{kind: globPrefix, text: toks[0].text}
	}
	return glob{kind: globTokens, toks: toks}
}

func tokenize(s string, wild, vars bool) []token {
	var toks []token
	var text strings.Builder
	flush := func() {
		if text.Len() > 0 {
			toks = append(toks, token{kind: tokText, text: text.String()})
			text.Reset()
		}
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case wild && c == '*':
			flush()
			if n := len(toks); n == 0 || toks[n-1].kind != tokStar {
				toks = append(toks, token{kind: tokStar})
			}
		case wild && c == '?':
			flush()
			toks = append(toks, token{kind: tokOne})
		case vars && c == '$' && strings.HasPrefix(s[i:], "${"):
			end := strings.IndexByte(s[i:], '}')
			if end < 0 {
				text.WriteByte(c)
				continue
			}
			inner := s[i+2 : i+end]
			i += end
			if inner == "*" || inner == "?" || inner == "$" {
				text.WriteString(inner) // stands for the character itself
				continue
			}
			flush()
			toks = append(toks, token{kind: tokVar, v: compileVariable(inner)})
		default:
			text.WriteByte(c)
		}
	}
	flush()
	return toks
}

// hasVariables reports whether matching needs the request.
func (g *glob) hasVariables() bool {
	for i := range g.toks {
		if g.toks[i].kind == tokVar {
			return true
		}
	}
	return false
}

// match reports whether s matches. A variable that has no value in the request and no default matches nothing.
func (g *glob) match(s string, e *evaluation) bool {
	switch g.kind {
	case globExact:
		return g.text == s
	case globAny:
		return true
	case globPrefix:
		return strings.HasPrefix(s, g.text)
	}
	toks := g.toks
	if g.hasVariables() {
		var ok bool
		if toks, ok = e.resolve(g.toks); !ok {
			return false
		}
	}
	return matchTokens(toks, s)
}

// value returns the value of a pattern without wildcards.
func (g *glob) value(e *evaluation) (string, bool) {
	if g.kind != globTokens {
		return g.text, true
	}
	toks, ok := e.resolve(g.toks)
	if !ok {
		return "", false
	}
	var b strings.Builder
	for _, t := range toks {
		b.WriteString(t.text)
	}
	return b.String(), true
}

// matchTokens matches greedily and goes back to the last star only, which suffices for this language: at most
// len(s) times len(toks) steps.
func matchTokens(toks []token, s string) bool {
	i, j := 0, 0
	star, mark := -1, 0
	for {
		if i == len(toks) {
			if j == len(s) {
				return true
			}
		} else {
			switch t := &toks[i]; t.kind {
			case tokStar:
				if i == len(toks)-1 {
					return true
				}
				star, mark = i, j
				i++
				continue
			case tokOne:
				if j < len(s) {
					_, n := utf8.DecodeRuneInString(s[j:])
					i, j = i+1, j+n
					continue
				}
			default:
				if strings.HasPrefix(s[j:], t.text) {
					i, j = i+1, j+len(t.text)
					continue
				}
			}
		}
		if star < 0 || mark >= len(s) {
			return false
		}
		_, n := utf8.DecodeRuneInString(s[mark:])
		mark += n
		i, j = star+1, mark
	}
}

// action is a compiled element of Action: matched without regard to case, with wildcards.
type action struct {
	lower string // in lower case
	wild  bool
}

func compileAction(s string) action {
	return action{lower: lowerASCII(s), wild: strings.ContainsAny(s, "*?")}
}

func (a *action) match(s string) bool {
	if !a.wild {
		return len(s) == len(a.lower) && foldPrefix(s, a.lower)
	}
	return matchFold(a.lower, s)
}

// matchFold matches s against a lower-case pattern with wildcards.
func matchFold(p, s string) bool {
	i, j, star, mark := 0, 0, -1, 0
	for {
		switch {
		case i < len(p) && p[i] == '*':
			if i == len(p)-1 {
				return true
			}
			star, mark = i, j
			i++
		case i < len(p) && j < len(s) && (p[i] == '?' || p[i] == lower(s[j])):
			i, j = i+1, j+1
		case i == len(p) && j == len(s):
			return true
		case star < 0 || mark >= len(s):
			return false
		default:
			mark++
			i, j = star+1, mark
		}
	}
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

func lowerASCII(s string) string {
	for i := 0; i < len(s); i++ {
		if 'A' <= s[i] && s[i] <= 'Z' {
			b := []byte(s)
			for i := range b {
				b[i] = lower(b[i])
			}
			return string(b)
		}
	}
	return s
}

// foldPrefix reports whether s begins with the lower-case prefix p, without regard to case.
func foldPrefix(s, p string) bool {
	if len(s) < len(p) {
		return false
	}
	for i := 0; i < len(p); i++ {
		if lower(s[i]) != p[i] {
			return false
		}
	}
	return true
}
