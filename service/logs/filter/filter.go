// Package filter is the filter and pattern syntax of CloudWatch Logs: terms, JSON selectors and space-delimited fields.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
package filter

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// MaxLength is the length of a pattern.
const MaxLength = 1024

const maxNesting = 32

// Pattern is a parsed pattern, safe for concurrent use.
type Pattern struct{ m matcher }

// matcher decides on one message.
type matcher interface{ matches(message string) bool }

// Matches reports whether the message of a log event fits the pattern.
func (p *Pattern) Matches(message string) bool { return p.m.matches(message) }

// Parse reads a pattern. The empty pattern matches everything.
func Parse(text string) (*Pattern, error) {
	if len(text) > MaxLength {
		return nil, fmt.Errorf("longer than %d characters", MaxLength)
	}
	trimmed := strings.TrimSpace(text)
	var m matcher
	var err error
	switch {
	case strings.HasPrefix(trimmed, "{"):
		m, err = parseJSON(trimmed)
	case strings.HasPrefix(trimmed, "["):
		m, err = parseFields(trimmed)
	default:
		m, err = parseTerms(trimmed)
	}
	if err != nil {
		return nil, err
	}
	return &Pattern{m}, nil
}

// terms match a text: all of must, none of never, and any of any when there are some.
type terms struct{ must, never, any []term }

// term is a text that must stand in the message, or a regular expression that must match in it.
type term struct {
	text string
	re   *regexp.Regexp
}

func (t term) in(message string) bool {
	if t.re != nil {
		return t.re.MatchString(message)
	}
	return strings.Contains(message, t.text)
}

func (t terms) matches(message string) bool {
	for _, m := range t.must {
		if !m.in(message) {
			return false
		}
	}
	for _, n := range t.never {
		if n.in(message) {
			return false
		}
	}
	for _, a := range t.any {
		if a.in(message) {
			return true
		}
	}
	return len(t.any) == 0
}

func parseTerms(s string) (matcher, error) {
	var t terms
	for s = strings.TrimSpace(s); s != ""; s = strings.TrimSpace(s) {
		list := &t.must
		if len(s) > 1 && s[0] == '-' {
			list, s = &t.never, s[1:]
		} else if len(s) > 1 && s[0] == '?' {
			list, s = &t.any, s[1:]
		}
		one, rest, err := readTerm(s)
		if err != nil {
			return nil, err
		}
		*list = append(*list, one)
		s = rest
	}
	return t, nil
}

// readTerm reads "quoted text", %expression% or a word of letters, digits and underscores.
func readTerm(s string) (t term, rest string, err error) {
	switch s[0] {
	case '"':
		text, rest, err := quoted(s)
		return term{text: text}, rest, err
	case '%':
		i := strings.IndexByte(s[1:], '%')
		if i < 0 {
			return t, "", errors.New("a regular expression has no closing %")
		}
		t.re, err = regexp.Compile(s[1 : 1+i])
		return t, s[i+2:], err
	}
	i := strings.IndexAny(s, " \t")
	if i < 0 {
		i = len(s)
	}
	return term{text: s[:i]}, s[i:], nil
}

func quoted(s string) (text, rest string, err error) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		case s[i] == '"':
			return b.String(), s[i+1:], nil
		default:
			b.WriteByte(s[i])
		}
	}
	return "", "", errors.New("a quotation mark is not closed")
}
