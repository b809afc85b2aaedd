package partiql

import "strings"

// tokenKind is the kind of a token.
type tokenKind uint8

const (
	tokEnd tokenKind = iota
	tokWord
	tokQuoted // "identifier"
	tokString // 'text'
	tokNumber
	tokSign
	tokIllegal
)

// token is a piece of a statement: text is what it stands for, without quotes.
type token struct {
	kind       tokenKind
	text       string
	start, end int
}

func isAlpha(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' || c == '$' || c >= 0x80 }
func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// lex cuts a statement into tokens; the last is tokEnd.
func lex(s string) []token {
	var out []token
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			i++
			continue
		case c == '-' && strings.HasPrefix(s[i:], "--"):
			for i < len(s) && s[i] != '\n' {
				i++
			}
			continue
		}
		t := lexOne(s, i)
		out = append(out, t)
		i = t.end
	}
	return append(out, token{kind: tokEnd, start: len(s), end: len(s)})
}

func lexOne(s string, i int) token {
	switch c := s[i]; {
	case isAlpha(c):
		end := i + 1
		for end < len(s) && (isAlpha(s[end]) || isDigit(s[end])) {
			end++
		}
		return token{tokWord, s[i:end], i, end}
	case isDigit(c) || c == '.' && i+1 < len(s) && isDigit(s[i+1]):
		end := numberEnd(s, i)
		return token{tokNumber, s[i:end], i, end}
	case c == '\'' || c == '"':
		return lexQuoted(s, i, c)
	}
	for _, two := range [...]string{"<<", ">>", "<>", "<=", ">=", "!="} {
		if strings.HasPrefix(s[i:], two) {
			return token{tokSign, two, i, i + 2}
		}
	}
	if strings.IndexByte("()[]{}.,:*?=<>+-;", s[i]) >= 0 {
		return token{tokSign, s[i : i+1], i, i + 1}
	}
	return token{tokIllegal, s[i : i+1], i, i + 1}
}

// lexQuoted reads a string or a quoted identifier; a doubled quote stands for one.
func lexQuoted(s string, i int, quote byte) token {
	var text []byte
	for j := i + 1; j < len(s); j++ {
		if s[j] != quote {
			text = append(text, s[j])
			continue
		}
		if j+1 < len(s) && s[j+1] == quote {
			text = append(text, quote)
			j++
			continue
		}
		kind := tokString
		if quote == '"' {
			kind = tokQuoted
		}
		return token{kind, string(text), i, j + 1}
	}
	return token{tokIllegal, s[i:], i, len(s)}
}

func numberEnd(s string, i int) int {
	digits := func() {
		for i < len(s) && isDigit(s[i]) {
			i++
		}
	}
	digits()
	if i < len(s) && s[i] == '.' {
		i++
		digits()
	}
	if i < len(s) && s[i]|0x20 == 'e' {
		j := i
		if i++; i < len(s) && (s[i] == '+' || s[i] == '-') {
			i++
		}
		if i >= len(s) || !isDigit(s[i]) {
			return j
		}
		digits()
	}
	return i
}
