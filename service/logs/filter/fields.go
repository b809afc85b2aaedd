package filter

import (
	"errors"
	"strings"
)

// fields is [name, name = value, ..., name]: a message of fields with spaces between them, "quoted" and [bracketed] ones
// being single fields.
type fields struct {
	names    []string
	ellipsis int // the place of ... among the names, -1 without
	c        condition
}

func parseFields(s string) (matcher, error) {
	f := fields{ellipsis: -1}
	last := ""
	p := &parser{s: s[1:], name: func(p *parser) (string, error) {
		end := strings.IndexAny(p.s, " \t=!<>,]()&|")
		if end < 0 {
			end = len(p.s)
		}
		name := p.s[:end]
		p.s = p.s[end:]
		if name != last && last != "" {
			return "", errors.New("a field's condition may name that field only")
		}
		return name, nil
	}}
	for {
		p.space()
		if p.take("...") {
			if f.ellipsis >= 0 {
				return nil, errors.New("there may be one ellipsis")
			}
			f.ellipsis = len(f.names)
		} else if err := f.field(p, &last); err != nil {
			return nil, err
		}
		if p.take("]") {
			break
		}
		if !p.take(",") {
			return nil, errors.New("a comma or the closing bracket is missing")
		}
	}
	if strings.TrimSpace(p.s) != "" {
		return nil, errors.New("something follows the closing bracket")
	}
	return f, nil
}

// field reads one field with the conditions on it.
func (f *fields) field(p *parser, last *string) error {
	end := strings.IndexAny(p.s, " \t=!<>,]")
	if end <= 0 {
		return errors.New("a field's name is missing")
	}
	name := p.s[:end]
	f.names = append(f.names, name)
	rest := strings.TrimLeft(p.s[end:], " \t")
	if strings.HasPrefix(rest, ",") || strings.HasPrefix(rest, "]") {
		p.s = rest
		return nil
	}
	*last = name
	c, err := p.or()
	if err != nil {
		return err
	}
	if f.c == nil {
		f.c = c
	} else {
		f.c = and{f.c, c}
	}
	return nil
}

func (f fields) matches(message string) bool {
	got := splitFields(message)
	if f.ellipsis < 0 && len(got) != len(f.names) || len(got) < len(f.names) {
		return false
	}
	if f.c == nil {
		return true
	}
	return f.c.holds(func(name string) (any, bool) {
		for i, n := range f.names {
			if n != name {
				continue
			}
			if f.ellipsis >= 0 && i >= f.ellipsis {
				i += len(got) - len(f.names)
			}
			return got[i], true
		}
		return nil, false
	})
}

func splitFields(s string) (out []string) {
	for s = strings.TrimSpace(s); s != ""; s = strings.TrimSpace(s) {
		closing := map[byte]string{'"': `"`, '[': "]"}[s[0]]
		if closing != "" {
			if i := strings.Index(s[1:], closing); i >= 0 {
				out = append(out, s[1:1+i])
				s = s[i+2:]
				continue
			}
		}
		i := strings.IndexAny(s, " \t")
		if i < 0 {
			i = len(s)
		}
		out = append(out, s[:i])
		s = s[i:]
	}
	return out
}
