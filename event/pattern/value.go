package pattern

import (
	"net/netip"
	"slices"
	"strings"
	"unicode/utf8"
)

// leaf is a value of an event: a string, number, true, false or null.
type leaf struct {
	kind  leafKind
	text  string // of a string, unquoted; of a number, as written
	num   decimal
	isNum bool  // num is known
	scope int32 // the array element that holds the leaf
}

type leafKind uint8

const (
	leafString leafKind = iota
	leafNumber
	leafTrue
	leafFalse
	leafNull
)

// matcher is one compiled alternative of a field's values.
type matcher struct {
	kind matcherKind
	text string
	set  []string // of anything-but
	num  decimal
	nums []decimal
	// of a numeric range and of cidr
	low, high         decimal
	openLow, openHigh bool
	lowAddr, highAddr netip.Addr
	globs             [][]piece // of wildcards
	isNum             bool
}

type matcherKind uint8

const (
	matchString matcherKind = iota
	matchAddress
	matchNumber
	matchTrue
	matchFalse
	matchNull
	matchPrefix
	matchSuffix
	matchPrefixFold
	matchSuffixFold
	matchFold
	matchWildcard
	matchRange
	matchCIDR
	matchExists
	matchAbsent
	matchButStrings
	matchButNumbers
	matchButFold
	matchButPrefix
	matchButSuffix
	matchButWildcard
)

// exact reports whether m matches one value only, so that rules can be found by it.
func (m *matcher) exact() bool {
	switch m.kind {
	case matchString, matchNumber, matchTrue, matchFalse, matchNull:
		return true
	}
	return false
}

// match reports whether the leaf satisfies m. Absence is not decided here.
func (m *matcher) match(l *leaf) bool {
	switch m.kind {
	case matchExists:
		return true
	case matchTrue:
		return l.kind == leafTrue
	case matchFalse:
		return l.kind == leafFalse
	case matchNull:
		return l.kind == leafNull
	case matchNumber:
		return l.kind == leafNumber && (m.isNum && l.isNum && m.num == l.num || m.text == l.text)
	case matchRange:
		return l.isNum && m.inRange(l.num)
	case matchButNumbers:
		return !l.isNum || !slices.Contains(m.nums, l.num)
	}
	if m.kind >= matchButStrings {
		return l.kind != leafString || !m.matchText(l.text)
	}
	return l.kind == leafString && m.matchText(l.text)
}

func (m *matcher) inRange(v decimal) bool {
	return (v > m.low || v == m.low && !m.openLow) && (v < m.high || v == m.high && !m.openHigh)
}

// matchText is match for strings; for anything-but it says whether the string is among those that are excepted.
func (m *matcher) matchText(s string) bool {
	switch m.kind {
	case matchString:
		return m.text == s
	case matchAddress:
		a, ok := parseAddress(s)
		return ok && a == m.lowAddr
	case matchPrefix:
		return strings.HasPrefix(s, m.text)
	case matchSuffix:
		return strings.HasSuffix(s, m.text)
	case matchPrefixFold:
		return hasPrefixFold(s, m.text)
	case matchSuffixFold:
		return hasSuffixFold(s, m.text)
	case matchFold:
		return strings.EqualFold(s, m.text)
	case matchCIDR:
		a, ok := parseAddress(s)
		return ok && a.BitLen() == m.lowAddr.BitLen() && a.Compare(m.lowAddr) >= 0 && a.Compare(m.highAddr) <= 0
	case matchButStrings:
		return slices.Contains(m.set, s)
	case matchButFold:
		return slices.ContainsFunc(m.set, func(x string) bool { return strings.EqualFold(s, x) })
	case matchButPrefix:
		return slices.ContainsFunc(m.set, func(x string) bool { return strings.HasPrefix(s, x) })
	case matchButSuffix:
		return slices.ContainsFunc(m.set, func(x string) bool { return strings.HasSuffix(s, x) })
	case matchWildcard, matchButWildcard:
		return slices.ContainsFunc(m.globs, func(g []piece) bool { return matchPieces(g, s) })
	}
	return false
}

// hasPrefixFold compares as many characters as p has.
func hasPrefixFold(s, p string) bool {
	n := 0
	for range p {
		if n >= len(s) {
			return false
		}
		_, w := utf8.DecodeRuneInString(s[n:])
		n += w
	}
	return strings.EqualFold(s[:n], p)
}

func hasSuffixFold(s, p string) bool {
	n := len(s)
	for range p {
		if n == 0 {
			return false
		}
		_, w := utf8.DecodeLastRuneInString(s[:n])
		n -= w
	}
	return strings.EqualFold(s[n:], p)
}

// parseAddress reads an IP address in the forms that patterns know: no zone, no IPv4 inside of IPv6.
func parseAddress(s string) (netip.Addr, bool) {
	if len(s) < 2 || len(s) > 39 || strings.ContainsRune(s, '%') || strings.Contains(s, ":") && strings.Contains(s, ".") {
		return netip.Addr{}, false
	}
	a, err := netip.ParseAddr(s)
	return a, err == nil
}

// piece is a part of a wildcard between stars; star says that one comes before it.
type piece struct {
	text string
	star bool
}

func matchPieces(ps []piece, s string) bool {
	if len(ps) == 0 {
		return s == ""
	}
	if !ps[0].star {
		if !strings.HasPrefix(s, ps[0].text) {
			return false
		}
		s, ps = s[len(ps[0].text):], ps[1:]
		if len(ps) == 0 {
			return s == ""
		}
	}
	last := len(ps) - 1
	for _, p := range ps[:last] {
		i := strings.Index(s, p.text)
		if i < 0 {
			return false
		}
		s = s[i+len(p.text):]
	}
	return strings.HasSuffix(s, ps[last].text)
}
