package expression

import "strings"

// tokenKind is the kind of a token. Keywords are words in any case; they are never attribute names, being reserved.
type tokenKind uint8

const (
	tokEOF tokenKind = iota
	tokName
	tokAlias  // #name
	tokValue  // :value
	tokNumber // digits, for list indexes
	tokPunctuation
	tokKeyword
	tokIllegal
)

// token is a piece of the expression's text; keywords are in upper case.
type token struct {
	kind       tokenKind
	start, end int
	text       string
}

func isAlpha(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
func isDigit(c byte) bool { return c >= '0' && c <= '9' }
func isWord(c byte) bool  { return isAlpha(c) || isDigit(c) || c == '_' }

// wordEnd returns the end of the run of word characters at i.
func wordEnd(s string, i int) int {
	for i < len(s) && isWord(s[i]) {
		i++
	}
	return i
}

// lex cuts s into tokens. The last one is tokEOF. A character that begins no token is an illegal token of its own.
func lex(s string) []token {
	out := make([]token, 0, len(s)/4+4)
	for i := 0; i < len(s); {
		c := s[i]
		if c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' {
			i++
			continue
		}
		t := lexOne(s, i)
		out = append(out, t)
		i = t.end
	}
	return append(out, token{kind: tokEOF, start: len(s), end: len(s), text: "<EOF>"})
}

// lexOne returns the token that begins at i.
func lexOne(s string, i int) token {
	kind, end := tokIllegal, i+1
	switch c := s[i]; {
	case isAlpha(c):
		kind, end = tokName, wordEnd(s, i)
		if upper, ok := keyword(s[i:end]); ok {
			return token{kind: tokKeyword, start: i, end: end, text: upper}
		}
	case c == '#' || c == ':':
		if end = wordEnd(s, i+1); end > i+1 {
			kind = tokAlias
			if c == ':' {
				kind = tokValue
			}
		}
	case isDigit(c):
		kind = tokNumber
		for end < len(s) && isDigit(s[end]) {
			end++
		}
	case strings.IndexByte("=(),.[]+-", c) >= 0:
		kind = tokPunctuation
	case c == '<':
		kind = tokPunctuation
		if end < len(s) && (s[end] == '=' || s[end] == '>') {
			end++
		}
	case c == '>':
		kind = tokPunctuation
		if end < len(s) && s[end] == '=' {
			end++
		}
	case c >= 0x80:
		for end < len(s) && s[end]&0xc0 == 0x80 {
			end++
		}
	}
	return token{kind: kind, start: i, end: end, text: s[i:end]}
}

// keyword returns the upper case form of a keyword.
func keyword(word string) (string, bool) {
	if len(word) > len("BETWEEN") {
		return "", false
	}
	for _, k := range [...]string{"AND", "OR", "NOT", "IN", "BETWEEN", "SET", "REMOVE", "ADD", "DELETE"} {
		if strings.EqualFold(word, k) {
			return k, true
		}
	}
	return "", false
}
