package policy

import "strings"

// arnPattern is a compiled element of Resource or a value of an Arn operator. Each of the six components is matched on
// its own, so that a wildcard does not cross a colon before the resource:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
type arnPattern struct {
	all   bool // "*"
	parts [arnParts]glob
	whole *glob // a pattern that is not of ARN form is matched as one string
}

// compileARN compiles s. Components that are missing at the end match anything, as AWS completes such a pattern.
// Variables are known from the component varsFrom on: in a Resource only the last may hold any, in a condition's
// value each; arnParts means none.
func compileARN(s string, varsFrom int) arnPattern {
	if s == "*" {
		return arnPattern{all: true}
	}
	parts := splitPattern(s)
	if len(parts) < 2 || !strings.HasPrefix(s, "arn:") {
		g := compileGlob(s, true, varsFrom < arnParts)
		return arnPattern{whole: &g}
	}
	p := arnPattern{}
	for i := range p.parts {
		p.parts[i] = glob{kind: globAny}
		if i < len(parts) {
			p.parts[i] = compileGlob(parts[i], true, i >= varsFrom)
		}
	}
	return p
}

// splitPattern cuts s at its first five colons outside of "${…}".
func splitPattern(s string) []string {
	var parts []string
	start, inside := 0, false
	for i := 0; i < len(s) && len(parts) < arnParts-1; i++ {
		switch {
		case s[i] == '$' && i+1 < len(s) && s[i+1] == '{':
			inside = true
		case s[i] == '}':
			inside = false
		case s[i] == ':' && !inside:
			parts = append(parts, s[start:i])
			start = i + 1
		}
	}
	return append(parts, s[start:])
}

// splitARN cuts an ARN of a request into its six components.
func splitARN(s string) (parts [arnParts]string, ok bool) {
	for i := 0; i < arnParts-1; i++ {
		c := strings.IndexByte(s, ':')
		if c < 0 {
			return parts, false
		}
		parts[i], s = s[:c], s[c+1:]
	}
	parts[arnParts-1] = s
	return parts, parts[0] == "arn"
}

func (p *arnPattern) match(s string, parts *[arnParts]string, isARN bool, e *evaluation) bool {
	switch {
	case p.all:
		return true
	case p.whole != nil:
		return p.whole.match(s, e)
	case !isARN:
		return false
	}
	for i := range p.parts {
		// The resource is compared first: it tells the most.
		if k := arnParts - 1 - i; !p.parts[k].match(parts[k], e) {
			return false
		}
	}
	return true
}

// each calls f for the patterns that p consists of.
func (p *arnPattern) each(f func(*glob)) {
	if p.whole != nil {
		f(p.whole)
		return
	}
	for i := range p.parts {
		f(&p.parts[i])
	}
}
