package item

import (
	"slices"
	"strings"
)

// Equal reports whether a and b have the same type and value. Numbers are compared by value, sets without order.
func Equal(a, b Value) bool {
	if a.kind != b.kind {
		return false
	}
	switch a.kind {
	case S, N, B:
		return a.s == b.s
	case BOOL:
		return a.flag == b.flag
	case M:
		return EqualMaps(a.c.m, b.c.m)
	case L:
		return slices.EqualFunc(a.c.list, b.c.list, Equal)
	case SS, NS, BS:
		return slices.Equal(a.c.set, b.c.set)
	default:
		return true
	}
}

// EqualMaps reports whether a and b have the same fields with equal values.
func EqualMaps(a, b Map) bool {
	return slices.EqualFunc(a, b, func(x, y Field) bool { return x.Name == y.Name && Equal(x.Value, y.Value) })
}

// Ordered reports whether values of kind k have an order: strings and binaries by bytes, numbers by value.
func (k Kind) Ordered() bool { return k == S || k == N || k == B }

// Compare orders two values of one Ordered kind. It must not be called with others.
func Compare(a, b Value) int {
	if a.kind == N {
		return compareNumbers(a.s, b.s)
	}
	return strings.Compare(a.s, b.s)
}

// Contains is DynamoDB's contains(a, b): whether the string or binary a has b as a part, or the set or list a has b as
// an element.
func Contains(a, b Value) bool {
	switch a.kind {
	case S, B:
		return b.kind == a.kind && strings.Contains(a.s, b.s)
	case SS, NS, BS:
		return b.kind == elementKind(a.kind) && a.contains(b.s)
	case L:
		return slices.ContainsFunc(a.c.list, func(v Value) bool { return Equal(v, b) })
	default:
		return false
	}
}

func elementKind(set Kind) Kind {
	switch set {
	case SS:
		return S
	case NS:
		return N
	default:
		return B
	}
}
