package item

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

// numberSize returns the bytes of a number in normal form. Numbers are kept in base 100, pairs of decimal digits
// counted from the decimal point, without zeros at either end; a byte of exponent and, when negative, a byte of sign.
func numberSize(s string) int {
	size := 1
	if s[0] == '-' {
		size, s = 2, s[1:]
	}
	if s == "0" {
		return 1
	}
	point := len(s)
	for i := 0; i < len(s); i++ {
		if s[i] == '.' {
			point = i
			break
		}
	}
	// Pairs are numbered from the point: 0 is the one to the left of it, -1 that to the right.
	pair := func(i int) int {
		if i < point {
			return (point - 1 - i) / 2
		}
		return -1 - (i-point-1)/2
	}
	first, last := 0, 0
	seen := false
	for i := 0; i < len(s); i++ {
		if s[i] != '0' && s[i] != '.' {
			if last = pair(i); !seen {
				first, seen = last, true
			}
		}
	}
	return size + first - last + 1
}
