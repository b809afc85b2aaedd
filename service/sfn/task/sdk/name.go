package sdk

import (
	"strings"
	"unicode"
)

// Name is what the SDK for Java, version 2, calls a member or operation of a model, as Step Functions writes it: its
// words, each with a capital and small letters after it. "KMSMasterKeyID" is "KmsMasterKeyId", "restApiId" is
// "RestApiId", "ETag" stays "ETag".
func Name(model string) string {
	var b strings.Builder
	for _, w := range words(model) {
		b.WriteByte(upper(w[0]))
		b.WriteString(strings.ToLower(w[1:]))
	}
	return b.String()
}

// Action is the name of a method: Name with a small letter in front. "ListSAMLProviders" is "listSamlProviders".
func Action(model string) string {
	n := Name(model)
	if n == "" {
		return n
	}
	return strings.ToLower(n[:1]) + n[1:]
}

// words splits a name as the SDK's code generator does: at what is neither letter nor digit, before a capital that
// follows a small letter, after a number inside a word, and before the last capital of an acronym. A version, "V2", is a
// word.
func words(s string) []string {
	var out []string
	start := 0
	cut := func(at int) {
		if at > start {
			out = append(out, s[start:at])
		}
		start = at
	}
	at := func(i int) rune {
		if i < 0 || i >= len(s) {
			return 0
		}
		return rune(s[i])
	}
	for i := range len(s) {
		c, before, after := at(i), at(i-1), at(i+1)
		switch {
		case !letter(c) && !digit(c):
			cut(i)
			start = i + 1
		case unicode.IsUpper(c) && unicode.IsLower(before):
			if letter(after) || digit(after) {
				cut(i)
			}
		case unicode.IsUpper(c) && unicode.IsUpper(before) && unicode.IsLower(after):
			cut(i)
		case letter(c) && digit(before):
			cut(i)
		}
	}
	cut(len(s))
	return out
}

func letter(c rune) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }
func digit(c rune) bool  { return '0' <= c && c <= '9' }

func upper(c byte) byte {
	if 'a' <= c && c <= 'z' {
		return c - 'a' + 'A'
	}
	return c
}
