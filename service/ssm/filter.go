package ssm

import (
	"fmt"
	"slices"
	"strings"

	"github.com/brume-dev/brume/api/ssmapi"
	"github.com/brume-dev/brume/store"
)

// filter is one condition on parameters.
type filter struct {
	key    string
	option string
	values []string
}

// filters must all hold.
type filters []filter

// rules are the keys that an operation filters by, each with the options that it allows, its default first.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_ParameterStringFilter.html
type rules struct {
	keys    []string
	options map[string][]string
}

const (
	equals     = "Equals"
	beginsWith = "BeginsWith"
	contains   = "Contains"
	oneLevel   = "OneLevel"
	recursive  = "Recursive"
)

var (
	either = []string{equals, beginsWith}
	byPath = rules{keys: []string{"Type", "KeyId", "Label"},
		options: map[string][]string{"Type": either, "KeyId": either, "Label": {equals}}}
	describing = rules{keys: []string{"Path", "Name", "Type", "KeyId", "Tier", "DataType"},
		options: map[string][]string{"Path": {oneLevel, recursive}, "Name": {equals, beginsWith, contains}, "Type": either,
			"KeyId": either, "Tier": either, "DataType": either, "tag": either}}
)

// readFilters checks filters by the rules of an operation.
func readFilters(in []ssmapi.ParameterStringFilter, rules rules) (filters, error) {
	var out filters
	for _, f := range in {
		key, _, _ := strings.Cut(f.Key, ":")
		options := rules.options[key]
		if options == nil {
			return nil, &ssmapi.InvalidFilterKey{Message: fmt.Sprintf("The following filter key is not valid: %s. Valid filter keys include: [%s].",
				f.Key, strings.Join(rules.keys, ", "))}
		}
		if slices.ContainsFunc(out, func(g filter) bool { return g.key == f.Key }) {
			return nil, &ssmapi.InvalidFilterKey{Message: fmt.Sprintf("The following filter is duplicated in the request: %s. A request can "+
				"contain only one occurrence of a specific filter.", f.Key)}
		}
		g := filter{key: f.Key, option: options[0], values: f.Values}
		if f.Option != nil {
			g.option = *f.Option
		}
		if !slices.Contains(options, g.option) {
			return nil, &ssmapi.InvalidFilterOption{Message: fmt.Sprintf("The following filter option is not valid: %s. Valid options include: [%s].",
				g.option, strings.Join(options, ", "))}
		}
		if err := checkValues(key, f.Values); err != nil {
			return nil, err
		}
		out = append(out, g)
	}
	return out, nil
}

func checkValues(key string, values []string) error {
	if len(values) == 0 && key != "tag" {
		return &ssmapi.InvalidFilterValue{Message: "The following filter values are missing: null for filter key " + key + "."}
	}
	var allowed []string
	switch key {
	case "Type":
		allowed = ssmapi.ParameterType("").EnumValues()
	case "Tier":
		allowed = ssmapi.ParameterTier("").EnumValues()
	case "Path":
		for _, v := range values {
			if !pathForm.MatchString(v) {
				return invalid(pathText)
			}
		}
	}
	for _, v := range values {
		if allowed != nil && !slices.Contains(allowed, v) {
			return &ssmapi.InvalidFilterValue{Message: fmt.Sprintf("The following filter value is not valid: %s. Valid values include: [%s].",
				v, strings.Join(allowed, ", "))}
		}
	}
	return nil
}

// pick returns the picker for fs: it shows the newest version, or the one with the label that is asked for.
func (fs filters) pick(r store.Reader, k space) picker {
	return func(name string, newest *version) (*version, error) {
		shown := newest
		for _, f := range fs {
			var ok bool
			var err error
			switch {
			case f.key == "Label":
				shown, err = f.labelled(r, k, name, newest)
				ok = shown != nil
			case strings.HasPrefix(f.key, "tag:"):
				ok, err = f.tagged(r, k, name)
			default:
				ok = f.holds(name, newest)
			}
			if err != nil || !ok {
				return nil, err
			}
		}
		return shown, nil
	}
}

// labelled returns the version of a parameter that has one of the labels.
func (f filter) labelled(r store.Reader, k space, name string, newest *version) (*version, error) {
	for _, label := range f.values {
		if !labelForm.MatchString(label) {
			continue
		}
		b, ok, err := r.Get(k.label(name, label))
		if err != nil {
			return nil, err
		}
		if ok {
			return numbered(r, k, name, newest, readNumber(b))
		}
	}
	return nil, nil
}

func (f filter) tagged(r store.Reader, k space, name string) (bool, error) {
	tags, err := getTags(r, k, name)
	if err != nil {
		return false, err
	}
	value, ok := tags[strings.TrimPrefix(f.key, "tag:")]
	return ok && (len(f.values) == 0 || f.compare(value)), nil
}

func (f filter) holds(name string, v *version) bool {
	switch f.key {
	case "Path":
		return slices.ContainsFunc(f.values, func(path string) bool {
			l := listing{prefix: folder(path), level: f.option == oneLevel}
			if !strings.HasPrefix(name, l.prefix) {
				return false
			}
			_, deeper := l.deeper(name)
			return !deeper
		})
	case "Name":
		return f.compare(name)
	case "Type":
		return f.compare(v.Type)
	case "KeyId":
		return f.compare(v.KeyID)
	case "Tier":
		return f.compare(v.Tier)
	}
	return f.compare(v.DataType)
}

func (f filter) compare(s string) bool {
	return slices.ContainsFunc(f.values, func(v string) bool {
		switch f.option {
		case beginsWith:
			return strings.HasPrefix(s, v)
		case contains:
			return strings.Contains(s, v)
		}
		return s == v
	})
}

// prefixes returns prefixes, in order and none within another, of all names that fs can hold for.
func (fs filters) prefixes() []string {
	for _, f := range fs {
		var out []string
		switch {
		case f.key == "Name" && f.option != contains:
			out = slices.Clone(f.values)
		case f.key == "Path":
			for _, path := range f.values {
				out = append(out, folder(path))
			}
		default:
			continue
		}
		slices.Sort(out)
		return slices.CompactFunc(out, func(a, b string) bool { return strings.HasPrefix(b, a) })
	}
	return []string{""}
}
