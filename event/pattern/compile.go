package pattern

import (
	"encoding/binary"
	"maps"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// compiler turns the tokens of a pattern into branches. Its errors are those of Event Ruler's compiler.
type compiler struct {
	scanner
	path []string
}

// draft is a branch under construction: the last definition of a path counts, as in Event Ruler.
type draft map[string][]matcher

const orKeyword = "$or"

// reserved are the names that may not be fields inside of $or.
var reserved = []string{"exactly", "equals-ignore-case", "prefix", "suffix", "anything-but", "exists", "wildcard",
	"numeric", "cidr", "html", "=", "<", "<=", ">", ">=", "regex", "not-wildcard", "not-equals-ignore-case",
	"date-after", "date-on-or-after", "date-before", "date-on-or-before", "in-date-range", "ip-address-in-range",
	"ip-address-not-in-range"}

func (c *compiler) compile() ([]branch, error) {
	t, err := c.next()
	if err != nil {
		return nil, err
	}
	if t != tokObject {
		return nil, c.fail("Filter is not an object")
	}
	drafts, err := c.object(nil, false)
	if err != nil {
		return nil, err
	}
	out := make([]branch, 0, len(drafts))
	for _, d := range drafts {
		var b branch
		for _, path := range slices.Sorted(maps.Keys(d)) {
			b = append(b, field{path, d[path]})
		}
		if total := complexities(b); total > MaxComplexity {
			return nil, &Error{"Rule is too complex - try using fewer wildcard characters or fewer repeating character " +
				"sequences after a wildcard character"}
		}
		out = append(out, b)
	}
	return out, nil
}

// complexities is the largest complexity of the wildcards of one field.
func complexities(b branch) int {
	most := 0
	for _, f := range b {
		n := 0
		for _, m := range f.matchers {
			for _, g := range m.globs {
				n += complexity(g)
			}
		}
		most = max(most, n)
	}
	return most
}

// object reads the fields of an object whose brace has been read, and adds them to each draft.
func (c *compiler) object(drafts []draft, insideOr bool) ([]draft, error) {
	if len(c.path) > maxDepth {
		return nil, c.fail("Document nesting depth (%d) exceeds the maximum allowed (%d)", len(c.path), maxDepth)
	}
	empty := true
	for {
		t, err := c.next()
		if err != nil {
			return nil, err
		}
		if t == tokObjectEnd {
			break
		}
		empty = false
		name := c.name
		if name == orKeyword {
			drafts, err = c.or(drafts)
		} else if insideOr && slices.Contains(reserved, name) {
			err = c.fail("%s is Ruler reserved fieldName which cannot be used inside $or.", name)
		} else {
			drafts, err = c.field(name, drafts, insideOr)
		}
		if err != nil {
			return nil, err
		}
	}
	if empty {
		return nil, c.fail("Empty objects are not allowed")
	}
	return drafts, nil
}

func (c *compiler) field(name string, drafts []draft, insideOr bool) ([]draft, error) {
	t, err := c.next()
	if err != nil {
		return nil, err
	}
	c.path = append(c.path, name)
	defer func() { c.path = c.path[:len(c.path)-1] }()
	switch t {
	case tokObject:
		return c.object(drafts, insideOr)
	case tokArray:
		ms, err := c.values()
		if err != nil {
			return nil, err
		}
		if len(drafts) == 0 {
			drafts = []draft{{}}
		}
		path := strings.Join(c.path, ".")
		for _, d := range drafts {
			d[path] = ms
		}
		return drafts, nil
	}
	return nil, c.fail("\"%s\" must be an object or an array", name)
}

// or reads the alternatives of $or: each continues every draft made so far.
func (c *compiler) or(drafts []draft) ([]draft, error) {
	t, err := c.next()
	if err != nil {
		return nil, err
	}
	if t != tokArray {
		return nil, c.fail("It must be an Array followed with $or.")
	}
	if len(drafts) == 0 {
		drafts = []draft{{}}
	}
	var out []draft
	n := 0
	for ; ; n++ {
		if t, err = c.next(); err != nil {
			return nil, err
		}
		if t == tokArrayEnd {
			break
		}
		if t != tokObject {
			return nil, c.fail("Only JSON object is allowed in array of $or relationship.")
		}
		own := make([]draft, len(drafts))
		for i, d := range drafts {
			own[i] = maps.Clone(d)
		}
		if own, err = c.object(own, true); err != nil {
			return nil, err
		}
		if out = append(out, own...); len(out) > MaxCombinations {
			return nil, &Error{"Rule is too complex - it has more than " + strconv.Itoa(MaxCombinations) + " combinations of $or"}
		}
	}
	if n < 2 {
		return nil, c.fail("There must have at least 2 Objects in $or relationship.")
	}
	return out, nil
}

// values reads the list of a field's values.
func (c *compiler) values() ([]matcher, error) {
	var ms []matcher
	for {
		t, err := c.next()
		if err != nil {
			return nil, err
		}
		var m matcher
		switch t {
		case tokArrayEnd:
			if len(ms) == 0 {
				return nil, c.fail("Empty arrays are not allowed")
			}
			return ms, nil
		case tokObject:
			m, err = c.expression()
		case tokString:
			m, err = c.exactText()
		case tokNumber:
			d, fit := parseDecimal(c.raw)
			m = matcher{kind: matchNumber, text: c.raw, num: d, isNum: fit == fits}
		case tokTrue:
			m = matcher{kind: matchTrue}
		case tokFalse:
			m = matcher{kind: matchFalse}
		case tokNull:
			m = matcher{kind: matchNull}
		default:
			err = c.fail("Match value must be String, number, true, false, or null")
		}
		if err != nil {
			return nil, err
		}
		ms = append(ms, m)
	}
}

// exactText reads a string value; an IP address matches each of its spellings.
func (c *compiler) exactText() (matcher, error) {
	s, err := c.readText()
	if a, ok := parseAddress(s); ok {
		return matcher{kind: matchAddress, lowAddr: a}, err
	}
	return matcher{kind: matchString, text: s}, err
}

// expression reads {"operator": …}, whose brace has been read.
func (c *compiler) expression() (matcher, error) {
	var m matcher
	t, err := c.next()
	if err != nil {
		return m, err
	}
	if t != tokField {
		return m, c.fail("Match expression name not found")
	}
	switch op := c.name; op {
	case "exactly":
		return c.single(matchString, "exact")
	case "prefix":
		return c.affix(matchPrefix, "prefix")
	case "suffix":
		return c.affix(matchSuffix, "suffix")
	case "equals-ignore-case":
		return c.single(matchFold, op)
	case "wildcard":
		return c.single(matchWildcard, op)
	case "numeric":
		return c.numeric()
	case "cidr":
		return c.cidr()
	case "exists":
		return c.exists()
	case "anything-but":
		return c.anythingBut()
	default:
		return m, c.fail("Unrecognized match type %s", op)
	}
}

// single reads one string and the end of the expression.
func (c *compiler) single(kind matcherKind, name string) (matcher, error) {
	m := matcher{kind: kind}
	t, err := c.next()
	if err != nil {
		return m, err
	}
	if t != tokString {
		return m, c.fail("%s match pattern must be a string", name)
	}
	if m.text, err = c.readText(); err != nil {
		return m, err
	}
	if kind == matchWildcard {
		g, bad := compileWildcard(m.text)
		if bad != "" {
			return m, c.fail("%s", bad)
		}
		m.globs = [][]piece{g}
	}
	return m, c.end(1)
}

// end reads n closing braces.
func (c *compiler) end(n int) error {
	for range n {
		t, err := c.next()
		if err != nil {
			return err
		}
		if t != tokObjectEnd {
			return c.fail("Only one key allowed in match expression")
		}
	}
	return nil
}

// affix reads the operand of prefix or suffix: a string or {"equals-ignore-case": string}.
func (c *compiler) affix(kind matcherKind, name string) (matcher, error) {
	if c.value != tokObject {
		return c.single(kind, name)
	}
	if _, err := c.next(); err != nil {
		return matcher{}, err
	}
	t, err := c.next()
	if err != nil {
		return matcher{}, err
	}
	title := strings.ToUpper(name[:1]) + name[1:]
	if t != tokField {
		return matcher{}, c.fail("%s expression name not found", title)
	}
	if c.name != "equals-ignore-case" {
		return matcher{}, c.fail("Unsupported %s pattern: %s", name, c.name)
	}
	m, err := c.single(kind, "equals-ignore-case")
	if err != nil {
		return m, err
	}
	m.kind = matchPrefixFold
	if kind == matchSuffix {
		m.kind = matchSuffixFold
	}
	return m, c.end(1)
}

func (c *compiler) exists() (matcher, error) {
	t, err := c.next()
	if err != nil {
		return matcher{}, err
	}
	switch t {
	case tokTrue:
		return matcher{kind: matchExists}, c.end(1)
	case tokFalse:
		return matcher{kind: matchAbsent}, c.end(1)
	}
	return matcher{}, c.fail("exists match pattern must be either true or false.")
}

func (c *compiler) cidr() (matcher, error) {
	m := matcher{kind: matchCIDR}
	t, err := c.next()
	if err != nil {
		return m, err
	}
	if t != tokString {
		return m, c.fail("prefix match pattern must be a string")
	}
	s, err := c.readText()
	if err != nil {
		return m, err
	}
	addr, bits, found := strings.Cut(s, "/")
	n, err := strconv.ParseInt(bits, 10, 32)
	a, isAddr := parseAddress(addr)
	switch {
	case !found || strings.Contains(bits, "/"):
		return m, c.fail("Malformed CIDR, one '/' required")
	case err != nil:
		return m, c.fail("Malformed CIDR, mask bits must be an integer")
	case n < 0:
		return m, c.fail("Malformed CIDR, mask bits must not be negative")
	case !isAddr:
		return m, c.fail("Nonstandard IP address: %s", addr)
	case a.Is4() && n > 31:
		return m, c.fail("IPv4 mask bits must be < 32")
	case n > 127:
		return m, c.fail("IPv6 mask bits must be < 128")
	}
	m.lowAddr, m.highAddr = a, lastAddress(a, int(n)) // it begins at the address as written, as in Event Ruler
	return m, c.end(1)
}

// lastAddress sets all bits of a after the first n.
func lastAddress(a netip.Addr, n int) netip.Addr {
	if a.Is4() {
		b := a.As4()
		v := binary.BigEndian.Uint32(b[:]) | uint32(math.MaxUint32>>n)
		binary.BigEndian.PutUint32(b[:], v)
		return netip.AddrFrom4(b)
	}
	b := a.As16()
	for i := n; i < 128; i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	return netip.AddrFrom16(b)
}
