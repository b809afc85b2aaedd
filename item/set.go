package item

import (
	"slices"
	"strconv"
	"strings"
)

// What DynamoDB says of sets that are no set. The texts are irregular, as AWS's are.
const (
	emptySS    = "One or more parameter values were invalid: An string set  may not be empty"
	emptyNS    = "One or more parameter values were invalid: An number set  may not be empty"
	emptyBS    = "One or more parameter values were invalid: Binary sets should not be empty"
	emptyInSS  = "One or more parameter values were invalid: An string set may not have a empty string as a member"
	emptyInBS  = "One or more parameter values were invalid: Binary sets may not contain null or empty values"
	duplicates = "One or more parameter values were invalid: Input collection "
)

func itoa(n int) string { return strconv.Itoa(n) }

// makeSet makes a set of members, which it may change.
func makeSet(k Kind, members []string) Value {
	problem := ""
	switch {
	case len(members) == 0:
		problem = map[Kind]string{SS: emptySS, NS: emptyNS, BS: emptyBS}[k]
	case k == NS:
		for i := range members {
			if members[i], problem = normalNumber(members[i]); problem != "" {
				break
			}
		}
	}
	if problem != "" {
		return Value{kind: bad, s: problem}
	}
	sorted := slices.Clone(members)
	slices.SortFunc(sorted, order(k))
	for i := 1; i < len(sorted); i++ {
		if sorted[i-1] == sorted[i] {
			return Value{kind: bad, s: duplicatesIn(k, members)}
		}
	}
	return Value{kind: k, c: &compound{set: sorted}}
}

func duplicatesIn(k Kind, members []string) string {
	switch k {
	case NS:
		return "Input collection contains duplicates"
	case BS:
		return duplicates + "[" + strings.Join(members, ", ") + "]of type BS contains duplicates."
	default:
		return duplicates + "[" + strings.Join(members, ", ") + "] contains duplicates."
	}
}

// order returns the order of the members of sets of kind k.
func order(k Kind) func(a, b string) int {
	if k == NS {
		return compareNumbers
	}
	return strings.Compare
}

// Contains reports whether the set v has member, which is in normal form when v is an NS.
func (v Value) contains(member string) bool {
	_, ok := slices.BinarySearchFunc(v.c.set, member, order(v.kind))
	return ok
}

// Union returns the set with the members of a and b, which must be sets of one kind.
func Union(a, b Value) Value {
	out := slices.Clone(a.c.set)
	for _, m := range b.c.set {
		if !a.contains(m) {
			out = append(out, m)
		}
	}
	slices.SortFunc(out, order(a.kind))
	return Value{kind: a.kind, c: &compound{set: out}}
}

// Difference returns the set of the members of a that b has not, both sets of one kind. When none is left it returns
// the zero Value: DynamoDB has no empty sets.
func Difference(a, b Value) Value {
	out := make([]string, 0, len(a.c.set))
	for _, m := range a.c.set {
		if !b.contains(m) {
			out = append(out, m)
		}
	}
	if len(out) == 0 {
		return Value{}
	}
	return Value{kind: a.kind, c: &compound{set: out}}
}
