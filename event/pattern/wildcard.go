package pattern

import (
	"strconv"
	"strings"
)

// compileWildcard splits a wildcard at its stars. Positions in the errors count from the opening quote, in bytes.
func compileWildcard(s string) ([]piece, string) {
	var ps []piece
	var text strings.Builder
	star, quoted := false, `"`+s+`"`
	for i := 1; i < len(quoted)-1; i++ {
		switch c := quoted[i]; c {
		case '*':
			if quoted[i+1] == '*' {
				return nil, failAt("Consecutive wildcard characters at pos ", i)
			}
			if star || text.Len() > 0 {
				ps = append(ps, piece{text.String(), star})
				text.Reset()
			}
			star = true
		case '\\':
			if next := quoted[i+1]; next != '*' && next != '\\' || i+1 == len(quoted)-1 {
				return nil, failAt("Invalid escape character at pos ", i)
			}
			i++
			text.WriteByte(quoted[i])
		default:
			text.WriteByte(c)
		}
	}
	if star || text.Len() > 0 {
		ps = append(ps, piece{text.String(), star})
	}
	return ps, ""
}

func failAt(text string, pos int) string { return text + strconv.Itoa(pos) }

// complexity bounds how many beginnings of the wildcard can match one text at the same time: each star stays where it
// is, and after it as many beginnings of the text that follows as overlap each other.
func complexity(ps []piece) int {
	n := 0
	for _, p := range ps {
		if p.star {
			n += 1 + overlaps(p.text)
		}
	}
	return n
}

// overlaps returns the largest number of beginnings of s that end at the same place in some text: 1 for "abc", 4 for
// "aaaa". It is the longest chain of borders, by the failure function of Knuth, Morris and Pratt.
func overlaps(s string) int {
	border := make([]int, len(s)+1)
	chain := make([]int, len(s)+1)
	best := 0
	for i, k := 1, 0; i <= len(s); i++ {
		if i > 1 {
			for k > 0 && s[k] != s[i-1] {
				k = border[k]
			}
			if s[k] == s[i-1] {
				k++
			}
		}
		border[i] = k
		chain[i] = chain[k] + 1
		best = max(best, chain[i])
	}
	return best
}
