package item

import "strings"

// Size returns the bytes that v counts for by DynamoDB's rules.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
func (v Value) Size() int {
	switch v.kind {
	case S, B:
		return len(v.s)
	case N:
		return numberSize(v.s)
	case BOOL, NULL:
		return 1
	case M:
		return 3 + len(v.c.m) + v.c.m.Size()
	case L:
		n := 3 + len(v.c.list)
		for i := range v.c.list {
			n += v.c.list[i].Size()
		}
		return n
	case SS, BS:
		n := 0
		for _, s := range v.c.set {
			n += len(s)
		}
		return n
	case NS:
		n := 0
		for _, s := range v.c.set {
			n += numberSize(s)
		}
		return n
	default:
		return 0
	}
}

// Size returns the bytes that an item counts for: its names and values.
func (m Map) Size() int {
	n := 0
	for i := range m {
		n += len(m[i].Name) + m[i].Value.Size()
	}
	return n
}

// numberSize returns the bytes of a number in normal form: one, one for a sign, and one for every two significant
// digits before the point and after it, each side rounded up. AWS's page says less; this was measured on AWS.
func numberSize(s string) int {
	size := 1
	if s[0] == '-' {
		size, s = 2, s[1:]
	}
	whole, fraction, _ := strings.Cut(s, ".")
	if fraction == "" {
		whole = strings.TrimRight(whole, "0")
	}
	if whole == "0" {
		whole, fraction = "", strings.TrimLeft(fraction, "0")
	}
	return size + (len(whole)+1)/2 + (len(fraction)+1)/2
}
