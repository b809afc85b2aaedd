package source

import "github.com/brume-dev/brume/event/pattern"

// Filter decides which records are wanted: those that match one of its patterns. nil wants all.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html
type Filter struct{ patterns []*pattern.Pattern }

// NewFilter compiles patterns, of which there may be none. An error is one of event/pattern.
func NewFilter(patterns []string) (*Filter, error) {
	if len(patterns) == 0 {
		return nil, nil
	}
	f := new(Filter)
	for _, text := range patterns {
		p, err := pattern.Compile([]byte(text))
		if err != nil {
			return nil, err
		}
		f.patterns = append(f.patterns, p)
	}
	return f, nil
}

// wants reports whether a record matches. A body that is JSON is looked into; a pattern that looks into the body does
// not match one that is a plain text, and the other way round.
func (f *Filter) wants(r *Record) bool {
	for _, p := range f.patterns {
		if ok, err := p.Matches(r.look); err == nil && ok {
			return true
		}
	}
	return false
}
