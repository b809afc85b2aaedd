package item

// Problem returns what DynamoDB says of a value that it does not take, "" for one that it does.
func (v Value) Problem() string {
	switch v.kind {
	case None:
		return emptyValue
	case bad:
		return v.s
	case M:
		return v.c.m.Problem()
	case L:
		for i := range v.c.list {
			if p := v.c.list[i].Problem(); p != "" {
				return p
			}
		}
	}
	return ""
}

// Problem returns what DynamoDB says of the first value in m that it does not take, "" when there is none.
func (m Map) Problem() string {
	for i := range m {
		if p := m[i].Value.Problem(); p != "" {
			return p
		}
	}
	return ""
}

// Depth returns the levels of nesting of v: 1 for a scalar or set, one more for each list or map around it.
func (v Value) Depth() int {
	deepest := 0
	switch v.kind {
	case M:
		for i := range v.c.m {
			deepest = max(deepest, v.c.m[i].Value.Depth())
		}
	case L:
		for i := range v.c.list {
			deepest = max(deepest, v.c.list[i].Depth())
		}
	}
	return deepest + 1
}
