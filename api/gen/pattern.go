package main

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
)

// unicodeEscape is Java's \uXXXX, which RE2 writes \x{XXXX}.
var unicodeEscape = regexp.MustCompile(`\\u([0-9a-fA-F]{4})`)

// beyondBMP is how Java's UTF-16 writes the range of all code points above U+FFFF.
const beyondBMP = `\uD800\uDC00-\uDBFF\uDFFF`

// re2 returns the pattern of the shape called name in a form that Go's regexp package accepts, or "" when the overlay
// says that it has none. A pattern that does not compile and that the overlay does not list is an error: somebody has to decide.
func (o *overlay) re2(name, pattern string) (string, error) {
	if fixed, ok := o.Patterns[name]; ok {
		if _, err := syntax.Parse(fixed, syntax.Perl); err != nil {
			return "", fmt.Errorf("overlay: pattern of %s: %w", name, err)
		}
		return fixed, nil
	}
	p := strings.ReplaceAll(pattern, beyondBMP, `\x{10000}-\x{10FFFF}`)
	p = unicodeEscape.ReplaceAllString(p, `\x{$1}`)
	if _, err := syntax.Parse("^(?:"+p+")$", syntax.Perl); err != nil {
		return "", fmt.Errorf("the pattern of %s is not RE2 (%w): put its RE2 form, or \"\", under patterns in the overlay: %q", name, err, pattern)
	}
	return p, nil
}
