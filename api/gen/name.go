package main

import (
	"fmt"
	"strings"
	"unicode"
)

// reserved are the names that every generated package declares itself.
var reserved = map[string]bool{"Handler": true, "Client": true, "Service": true, "NewClient": true}

// exported returns the name of a shape or member as an exported Go identifier.
func exported(s string) string {
	s = strings.TrimLeft(s, "_")
	s = strings.Map(func(r rune) rune {
		if r == '-' || r == '.' || r == ':' || r == ' ' {
			return '_'
		}
		return r
	}, s)
	if s == "" {
		return "X"
	}
	r := []rune(s)
	r[0] = unicode.ToUpper(r[0])
	return string(r)
}

// constName returns the suffix of the constant for an enum value: PAY_PER_REQUEST is PayPerRequest, python3.12 is Python312,
// s3:ObjectCreated:* is S3ObjectCreatedAny.
func constName(value string) string {
	value = strings.ReplaceAll(value, "*", " Any")
	words := strings.FieldsFunc(value, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	var b strings.Builder
	for _, w := range words {
		if len(w) > 1 && w == strings.ToUpper(w) {
			w = strings.ToLower(w)
		}
		b.WriteString(exported(w))
	}
	return b.String()
}

// constNames returns constant names for the values of an enum, all different: what would collide gets its ordinal as
// a suffix.
func constNames(typ string, values []string) []string {
	seen := make(map[string]bool, len(values))
	out := make([]string, len(values))
	for i, v := range values {
		n := typ + constName(v)
		if n == typ || seen[n] {
			n = fmt.Sprintf("%s_%d", n, i+1)
		}
		seen[n] = true
		out[i] = n
	}
	return out
}

// sentence returns the first sentence of a model's documentation as plain text on one line of at most limit runes.
func sentence(html string, limit int) string {
	var b strings.Builder
	depth := 0
	for _, r := range html {
		switch {
		case r == '<':
			depth++
			b.WriteByte(' ')
		case r == '>' && depth > 0:
			depth--
		case depth == 0:
			b.WriteRune(r)
		}
	}
	text := strings.NewReplacer("&lt;", "<", "&gt;", ">", "&quot;", `"`, "&amp;", "&", "&nbsp;", " ").Replace(b.String())
	text = strings.Join(strings.Fields(text), " ")
	for _, p := range []string{" .", " ,", " ;", " :", " )", " '"} {
		text = strings.ReplaceAll(text, p, p[1:])
	}
	text = strings.ReplaceAll(text, "( ", "(")
	if i := strings.Index(text, ". "); i >= 0 {
		text = text[:i+1]
	}
	if r := []rune(text); len(r) > limit {
		cut := string(r[:limit])
		if i := strings.LastIndexByte(cut, ' '); i > 0 {
			cut = cut[:i]
		}
		text = strings.TrimRight(cut, ",;:") + " …"
	}
	return strings.TrimSpace(text)
}
