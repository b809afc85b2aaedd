package shape

import (
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// Constraint is what the model demands of a value. The zero Constraint demands nothing.
type Constraint struct {
	MinLen, MaxLen int64 // of strings in code points, of blobs in bytes, of lists and maps in elements
	Min, Max       string
	Pattern        *Pattern

	minLen, maxLen, min, max bool // which bounds there are
	minInt, maxInt           int64
	minFloat, maxFloat       float64
}

// Pattern is a regular expression that must match a whole value. It is compiled when it is first asked.
type Pattern struct {
	Source string // RE2
	Text   string // as AWS spells it, which messages show
	once   sync.Once
	re     *regexp.Regexp
}

// Match reports whether all of s matches p.
func (p *Pattern) Match(s string) bool {
	p.once.Do(func() { p.re = regexp.MustCompile(`\A(?:` + p.Source + `)\z`) })
	return p.re.MatchString(s)
}

func pattern(tag reflect.StructTag, key string) *Pattern {
	src := tag.Get(key)
	if src == "" {
		return nil
	}
	p := &Pattern{Source: src, Text: src}
	if text := tag.Get(key + "text"); text != "" {
		p.Text = text
	}
	return p
}

// IsZero reports whether c demands nothing.
func (c *Constraint) IsZero() bool {
	return !c.minLen && !c.maxLen && !c.min && !c.max && c.Pattern == nil
}

func (c *Constraint) bound(key, v string) error {
	lo, hi, ok := strings.Cut(v, ":")
	if !ok {
		return fmt.Errorf("%s=%q has no colon", key, v)
	}
	var err error
	set := func(s string, has *bool, n *int64, f *float64) {
		if s == "" || err != nil {
			return
		}
		*has = true
		if *f, err = strconv.ParseFloat(s, 64); err != nil {
			return
		}
		if i, e := strconv.ParseInt(s, 10, 64); e == nil {
			*n = i
		} else {
			*n = int64(*f)
		}
	}
	var unused float64
	switch key {
	case "len":
		set(lo, &c.minLen, &c.MinLen, &unused)
		set(hi, &c.maxLen, &c.MaxLen, &unused)
	case "range":
		c.Min, c.Max = lo, hi
		set(lo, &c.min, &c.minInt, &c.minFloat)
		set(hi, &c.max, &c.maxInt, &c.maxFloat)
	default:
		return fmt.Errorf("unknown bound %q", key)
	}
	return err
}

func (c *Constraint) lengthOK(n int) bool {
	return !(c.minLen && int64(n) < c.MinLen || c.maxLen && int64(n) > c.MaxLen)
}

func (c *Constraint) intOK(n int64) bool {
	return !(c.min && n < c.minInt || c.max && n > c.maxInt)
}

func (c *Constraint) floatOK(f float64) bool {
	return !(c.min && !(f >= c.minFloat) || c.max && !(f <= c.maxFloat)) // NaN is within no bounds
}
