package dynamodb

import (
	"fmt"

	"github.com/brume-dev/brume/item"
)

const keyMismatch = problem("The provided key element does not match the schema")

// keyAttributes returns the key attributes of the table, one or two.
func (t *table) keyAttributes() []keyAttribute {
	if t.sort.name == "" {
		return []keyAttribute{t.hash}
	}
	return []keyAttribute{t.hash, t.sort}
}

// isKey reports whether name is a key attribute.
func (t *table) isKey(name string) bool {
	return name == t.hash.name || name == t.sort.name && name != ""
}

// keyOf returns the key attributes of an item.
func (t *table) keyOf(m item.Map) item.Map {
	key := item.NewMap(item.F(t.hash.name, m.Get(t.hash.name)))
	if t.sort.name != "" {
		key.Put(t.sort.name, m.Get(t.sort.name))
	}
	return key
}

// checkKey checks a key that names an item: the key attributes and nothing else.
func (t *table) checkKey(key item.Map) error {
	if len(key) != len(t.keyAttributes()) {
		return keyMismatch
	}
	for _, a := range t.keyAttributes() {
		if key.Get(a.name).Kind() != a.kind {
			return keyMismatch
		}
	}
	return t.checkKeyValues(key)
}

// checkItem checks the key attributes of an item that is to be stored.
func (t *table) checkItem(m item.Map) error {
	for _, a := range t.keyAttributes() {
		switch v := m.Get(a.name); v.Kind() {
		case a.kind:
		case item.None:
			return problem(invalidValues + "Missing the key " + a.name + " in the item")
		default:
			return problem(fmt.Sprintf("%sType mismatch for key %s expected: %s actual: %s", invalidValues, a.name, a.kind, v.Kind()))
		}
	}
	return t.checkKeyValues(m)
}

// checkBatched checks the key attributes of an item of a BatchWriteItem, which has one text for all that may be wrong.
func (t *table) checkBatched(m item.Map) error {
	for _, a := range t.keyAttributes() {
		if m.Get(a.name).Kind() != a.kind {
			return keyMismatch
		}
	}
	return t.checkKeyValues(m)
}

// checkKeyValues checks the lengths of key values whose types are right.
func (t *table) checkKeyValues(m item.Map) error {
	for i, a := range t.keyAttributes() {
		v := m.Get(a.name)
		switch {
		case a.kind == item.N:
		case v.Text() == "":
			return problem(fmt.Sprintf("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty %s value. Key: %s",
				map[item.Kind]string{item.S: "string", item.B: "binary"}[a.kind], a.name))
		case i == 0 && len(v.Text()) > maxHashKey:
			return problem(invalidValues + "Size of hashkey has exceeded the maximum size limit of2048 bytes")
		case i == 1 && len(v.Text()) > maxRangeKey:
			return problem(invalidValues + "Aggregated size of all range keys has exceeded the size limit of 1024 bytes")
		}
	}
	return nil
}
