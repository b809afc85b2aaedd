package item

// Wording chooses between the two texts that AWS has for some problems: operations differ in which they use.
type Wording uint8

const (
	// Current is the wording of PutItem, UpdateItem, DeleteItem, GetItem, BatchGetItem and Query.
	Current Wording = iota
	// Older is the wording of BatchWriteItem, Scan and the transactions.
	Older
)

// What DynamoDB says of attribute values that are no value.
const (
	emptyValue = "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
	manyTypes  = "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"
	nullFalse  = "One or more parameter values were invalid: Null attribute value types must have the value of true"
	// LongName is what it says of a name of more than MaxName bytes.
	LongName = "Attribute name is too large, must be less than 65536 bytes"
	// TooDeep is what it says of an item with a value of more than MaxDepth levels.
	TooDeep = "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit"
)

// invalid returns a value that is none, with what DynamoDB says of it.
func invalid(problem string) Value { return Value{kind: bad, s: problem} }

// invalidOlder is invalid with another text in the older wording.
func invalidOlder(problem, older string) Value {
	return Value{kind: bad, s: problem, c: &compound{set: []string{older}}}
}

// Problem returns what DynamoDB says of a value that it does not take, "" for one that it does.
func (v Value) Problem(w Wording) string {
	switch v.kind {
	case None:
		return emptyValue
	case bad:
		if w == Older && v.c != nil {
			return v.c.set[0]
		}
		return v.s
	case M:
		return v.c.m.Problem(w)
	case L:
		for i := range v.c.list {
			if p := v.c.list[i].Problem(w); p != "" {
				return p
			}
		}
	}
	return ""
}

// Problem returns what DynamoDB says of the first value in m that it does not take, "" when there is none.
func (m Map) Problem(w Wording) string {
	for i := range m {
		if len(m[i].Name) > MaxName {
			return LongName
		}
		if p := m[i].Value.Problem(w); p != "" {
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
