package graph

import (
	"strings"
	"unicode"
)

// Sizes of letters in pixels.
const (
	nameSize   = 13.0
	detailSize = 11.0
	lineHeight = 16.0
	detailLine = 15.0
	slack      = 1.06 // for fonts that are wider than most
)

// textWidth is about how wide a text is in a common sans-serif font, rather a little more.
func textWidth(s string, size float64) float64 {
	em := 0.0
	for _, r := range s {
		switch {
		case strings.ContainsRune("ilj.,'|!:;I ", r):
			em += 0.3
		case strings.ContainsRune("frt()[]{}-\"/", r):
			em += 0.4
		case strings.ContainsRune("mwMW@%…", r):
			em += 0.92
		case r >= 0x1100:
			em += 1.05
		case unicode.IsUpper(r):
			em += 0.7
		default:
			em += 0.58
		}
	}
	return em * size * slack
}

// shorten cuts a text that has more than n characters.
func shorten(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return strings.TrimRight(string(r[:n-1]), " ") + "…"
}

// wrap breaks a text into at most most lines of about n characters: at spaces, and within words that are longer.
func wrap(s string, n, most int) []string {
	var lines []string
	line := []rune{}
	for _, word := range strings.Fields(s) {
		w := []rune(word)
		if len(line) > 0 && len(line)+1+len(w) > n {
			lines, line = append(lines, string(line)), nil
		}
		if len(line) > 0 {
			line = append(line, ' ')
		}
		for len(line) == 0 && len(w) > n {
			lines, w = append(lines, string(w[:n])), w[n:]
		}
		line = append(line, w...)
	}
	if len(line) > 0 || len(lines) == 0 {
		lines = append(lines, string(line))
	}
	if len(lines) > most {
		rest := strings.Join(lines[most-1:], " ")
		lines = append(lines[:most-1], shorten(rest, n))
	}
	return lines
}
