package item

import (
	"encoding/base64"
	"slices"
	"strings"
)

// What DynamoDB says of sets that are no set. The texts are irregular, as AWS's are.
const (
	emptySS    = "One or more parameter values were invalid: An string set  may not be empty"
	emptyNS    = "One or more parameter values were invalid: An number set  may not be empty"
	emptyBS    = "One or more parameter values were invalid: Binary sets should not be empty"
	duplicates = "One or more parameter values were invalid: Input collection "
)

// makeSet makes a set of members, which it may change.
func makeSet(k Kind, members []string) Value {
	if len(members) == 0 {
		return invalid([...]string{SS: emptySS, NS: emptyNS, BS: emptyBS}[k])
	}
	if k == NS {
		for i := range members {
			n := number(members[i])
			if n.kind == bad {
				return n
			}
			members[i] = n.s
		}
	}
	compare := order(k)
	sorted := members
	if !slices.IsSortedFunc(members, compare) {
		sorted = slices.Clone(members)
		slices.SortFunc(sorted, compare)
	}
	for i := 1; i < len(sorted); i++ {
		if sorted[i-1] == sorted[i] {
			return repeated(k, members)
		}
	}
	return Value{kind: k, c: &compound{set: sorted}}
}

// repeated makes the invalid value that a set with a repeated member is. The current wording lists the members in
// order up to the first repeated one, then that and the rest as they were sent; the older lists all as sent.
func repeated(k Kind, sent []string) Value {
	if k == NS {
		return invalidOlder(duplicates+"contains duplicates.", "Input collection contains duplicates")
	}
	shown := slices.Clone(sent)
	if k == BS {
		for i := range shown {
			shown[i] = base64.StdEncoding.EncodeToString([]byte(shown[i]))
		}
	}
	older := "[" + strings.Join(shown, ", ") + "]"
	seen := map[string]bool{}
	repeat := slices.IndexFunc(sent, func(s string) bool { before := seen[s]; seen[s] = true; return before })
	head := slices.Clone(sent[:repeat])
	slices.Sort(head)
	current := make([]string, 0, len(sent))
	for _, s := range append(head, sent[repeat:]...) {
		if k == BS {
			s = base64.StdEncoding.EncodeToString([]byte(s))
		}
		current = append(current, `"`+s+`"`)
	}
	if k == BS {
		return invalidOlder(duplicates+"["+strings.Join(current, ",")+"]of type BS contains duplicates.",
			duplicates+older+"of type BS contains duplicates.")
	}
	return invalidOlder(duplicates+"["+strings.Join(current, ", ")+"] contains duplicates.",
		duplicates+older+" contains duplicates.")
}

// order returns the order of the members of sets of kind k.
func order(k Kind) func(a, b string) int {
	if k == NS {
		return compareNumbers
	}
	return strings.Compare
}

// contains reports whether the set v has member, which is in normal form when v is an NS.
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
