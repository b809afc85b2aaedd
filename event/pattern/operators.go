package pattern

import "strings"

// numeric reads {"numeric": ["=", 5]} and ranges: one bound, or a lower bound followed by an upper one.
func (c *compiler) numeric() (matcher, error) {
	m := matcher{kind: matchRange, low: -maxDecimal, high: maxDecimal}
	t, err := c.next()
	if err != nil {
		return m, err
	}
	if t != tokArray {
		return m, c.fail("Value of numeric must be an array.")
	}
	op, err := c.operator()
	if err != nil {
		return m, err
	}
	switch op {
	case "=":
		d, err := c.bound("equals")
		if err != nil {
			return m, err
		}
		m.low, m.high = d, d
	case ">", ">=":
		if m.low, err = c.bound(op); err != nil {
			return m, err
		}
		m.openLow = op == ">"
		if t, err = c.next(); err != nil {
			return m, err
		}
		if t == tokArrayEnd {
			return m, c.endNumeric()
		}
		return c.upperBound(m, t)
	case "<", "<=":
		if m.high, err = c.bound(op); err != nil {
			return m, err
		}
		m.openHigh = op == "<"
	default:
		return m, c.fail("Unrecognized numeric range operator: %s", op)
	}
	if t, err = c.next(); err != nil {
		return m, err
	}
	if t != tokArrayEnd {
		return m, c.fail("Too many elements in numeric expression")
	}
	return m, c.endNumeric()
}

func (c *compiler) operator() (string, error) {
	t, err := c.next()
	if err != nil {
		return "", err
	}
	if t != tokString {
		return "", c.fail("Invalid member in numeric match: %s", c.tokenText())
	}
	return c.readText()
}

// tokenText is the text of the present token, as error texts repeat it.
func (c *compiler) tokenText() string {
	switch c.tok {
	case tokString:
		s, _ := c.readText()
		return s
	case tokNumber:
		return c.raw
	}
	return map[tokenKind]string{tokObject: "{", tokObjectEnd: "}", tokArray: "[", tokArrayEnd: "]", tokTrue: "true",
		tokFalse: "false", tokNull: "null"}[c.tok]
}

func (c *compiler) bound(op string) (decimal, error) {
	t, err := c.next()
	if err != nil {
		return 0, err
	}
	if t != tokNumber {
		return 0, c.fail("Value of %s must be numeric", op)
	}
	return c.decimal()
}

// decimal is the value of the present number, which must be one that patterns can compare.
func (c *compiler) decimal() (decimal, error) {
	d, fit := parseDecimal(c.raw)
	switch fit {
	case tooFine:
		return 0, c.fail("Only values upto 6 decimals are supported")
	case tooLarge:
		return 0, c.fail("Value must be between -5.0E9 and 5.0E9, inclusive")
	}
	return d, nil
}

func (c *compiler) upperBound(m matcher, t tokenKind) (matcher, error) {
	if t != tokString {
		return m, c.fail("Bad value in numeric range: %s", c.tokenText())
	}
	op, err := c.readText()
	if err != nil {
		return m, err
	}
	if op != "<" && op != "<=" {
		return m, c.fail("Bad numeric range operator: %s", op)
	}
	m.openHigh = op == "<"
	if m.high, err = c.bound(op); err != nil {
		return m, err
	}
	if t, err = c.next(); err != nil {
		return m, err
	}
	if t != tokArrayEnd {
		return m, c.fail("Too many terms in numeric range expression")
	}
	if m.low >= m.high {
		return m, c.fail("Bottom must be less than top")
	}
	return m, c.endNumeric()
}

func (c *compiler) endNumeric() error {
	t, err := c.next()
	if err != nil {
		return err
	}
	if t != tokObjectEnd {
		return c.fail("Too many elements in numeric expression")
	}
	return nil
}

// anythingBut reads the operand of anything-but: a string, a number, a list of either, or an object that names one of
// four operators with a string or a list of strings.
func (c *compiler) anythingBut() (matcher, error) {
	m := matcher{kind: matchButStrings}
	t, err := c.next()
	if err != nil {
		return m, err
	}
	nested := t == tokObject
	if nested {
		if t, err = c.next(); err != nil {
			return m, err
		}
		if t != tokField {
			return m, c.fail("Anything-But expression name not found")
		}
		kinds := map[string]matcherKind{"equals-ignore-case": matchButFold, "prefix": matchButPrefix,
			"suffix": matchButSuffix, "wildcard": matchButWildcard}
		kind, ok := kinds[c.name]
		if !ok {
			return m, c.fail("Unsupported anything-but pattern: %s", c.name)
		}
		m.kind = kind
		if t, err = c.next(); err != nil {
			return m, err
		}
	}
	switch t {
	case tokArray:
		err = c.butList(&m, nested)
	case tokString, tokNumber:
		err = c.butValue(&m, t, nested)
	default:
		err = c.fail("Value of anything-but must be an array or single string/number value.")
	}
	if err != nil {
		return m, err
	}
	if len(m.nums) > 0 {
		m.kind = matchButNumbers
	}
	if nested {
		if err := c.endNumeric(); err != nil {
			return m, err
		}
	}
	return m, c.endNumeric()
}

func (c *compiler) butList(m *matcher, nested bool) error {
	for {
		t, err := c.next()
		if err != nil {
			return err
		}
		if t == tokArrayEnd {
			break
		}
		if !nested && t != tokString && t != tokNumber {
			return c.fail("Inside anything but list, start|null|boolean is not supported.")
		}
		if err := c.butValue(m, t, nested); err != nil {
			return err
		}
	}
	if !nested && (len(m.set) > 0) == (len(m.nums) > 0) {
		return c.fail("Inside anything but list, either all values are number or string, mixed type is not supported")
	}
	return nil
}

func (c *compiler) butValue(m *matcher, t tokenKind, nested bool) error {
	if t == tokNumber && !nested {
		d, err := c.decimal()
		m.nums = append(m.nums, d)
		return err
	}
	if t != tokString {
		switch m.kind {
		case matchButFold:
			return c.fail("Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported.")
		case matchButWildcard:
			return c.fail("wildcard match pattern must be a string")
		}
		return c.fail("prefix/suffix match pattern must be a string")
	}
	s, err := c.readText()
	if err != nil {
		return err
	}
	switch m.kind {
	case matchButPrefix, matchButSuffix:
		if s == "" {
			return c.fail("Null prefix/suffix not allowed")
		}
	case matchButWildcard:
		g, bad := compileWildcard(s)
		if bad != "" {
			return c.fail("%s", bad)
		}
		m.globs = append(m.globs, g)
	}
	m.set = append(m.set, strings.Clone(s))
	return nil
}
