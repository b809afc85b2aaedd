package policy

import "strings"

// variable is a compiled policy variable, "${aws:username}" or with a default "${aws:username, 'anonymous'}":
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
type variable struct {
	key        key
	fallback   string
	hasDefault bool
}

func compileVariable(inner string) *variable {
	name, def, found := strings.Cut(inner, ",")
	v := &variable{key: compileKey(strings.TrimSpace(name))}
	if def = strings.TrimSpace(def); found && len(def) >= 2 && def[0] == '\'' && def[len(def)-1] == '\'' {
		v.fallback, v.hasDefault = def[1:len(def)-1], true
	}
	return v
}

// value returns the variable's value in the request. A key with several values cannot be used as a variable.
func (v *variable) value(e *evaluation) (string, bool) {
	if vals, ok := e.values(&v.key); ok && len(vals) == 1 {
		return vals[0], true
	}
	return v.fallback, v.hasDefault
}

// resolve replaces the variables in toks by their values, which are plain text: a '*' in a user's tag is no wildcard.
func (e *evaluation) resolve(toks []token) ([]token, bool) {
	e.scratch = e.scratch[:0]
	for _, t := range toks {
		if t.kind == tokVar {
			s, ok := t.v.value(e)
			if !ok {
				e.unresolved = true
				return nil, false
			}
			t = token{kind: tokText, text: s}
		}
		e.scratch = append(e.scratch, t)
	}
	return e.scratch, true
}
