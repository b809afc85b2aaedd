package table

import (
	"errors"
	"fmt"
	"strings"

	"github.com/brume-dev/brume/item"
)

const KeyMismatch = problem("The provided key element does not match the schema")

// KeyAttributes returns the key attributes of the table, one or two.
func (t *Table) KeyAttributes() []Attribute {
	if t.sort.Name == "" {
		return []Attribute{t.hash}
	}
	return []Attribute{t.hash, t.sort}
}

// IsKey reports whether name is a key attribute.
func (t *Table) IsKey(name string) bool {
	return name == t.Hash || name == t.Sort && name != ""
}

// KeyOf returns the key attributes of an item.
func (t *Table) KeyOf(m item.Map) item.Map {
	key := item.NewMap(item.F(t.hash.Name, m.Get(t.hash.Name)))
	if t.sort.Name != "" {
		key.Put(t.sort.Name, m.Get(t.sort.Name))
	}
	return key
}

// CheckKey checks a key that names an item: the key attributes and nothing else.
func (t *Table) CheckKey(key item.Map) error {
	if len(key) != len(t.KeyAttributes()) {
		return KeyMismatch
	}
	for _, a := range t.KeyAttributes() {
		if key.Get(a.Name).Kind() != a.Kind {
			return KeyMismatch
		}
	}
	return t.CheckKeyValues(key)
}

// CheckItem checks the key attributes of an item that is to be stored.
func (t *Table) CheckItem(m item.Map) error {
	for _, a := range t.KeyAttributes() {
		switch v := m.Get(a.Name); v.Kind() {
		case a.Kind:
		case item.None:
			return problem(invalidValues + "Missing the key " + a.Name + " in the item")
		default:
			return problem(fmt.Sprintf("%sType mismatch for key %s expected: %s actual: %s", invalidValues, a.Name, a.Kind, v.Kind()))
		}
	}
	return t.CheckKeyValues(m)
}

// CheckBatched checks the key attributes of an item of a BatchWriteItem, which has one text for all that may be wrong.
func (t *Table) CheckBatched(m item.Map) error {
	for _, a := range t.KeyAttributes() {
		if m.Get(a.Name).Kind() != a.Kind {
			return KeyMismatch
		}
	}
	return t.CheckKeyValues(m)
}

// CheckKeyValues checks the lengths of key values whose types are right.
func (t *Table) CheckKeyValues(m item.Map) error {
	if err := checkKeyValue(t.hash, m.Get(t.hash.Name), 0); err != nil || t.sort.Name == "" {
		return err
	}
	return checkKeyValue(t.sort, m.Get(t.sort.Name), 1)
}

// notValid begins what is said of empty keys.
const notValid = "One or more parameter values are not valid. "

// IsEmptyKey reports whether an error says that a key is empty: requests are refused for that before they are begun.
func IsEmptyKey(err error) bool {
	p, ok := errors.AsType[problem](err)
	return ok && strings.HasPrefix(string(p), notValid)
}

// checkKeyValue checks a value of a partition key (0) or sort key (1).
func checkKeyValue(a Attribute, v item.Value, which int) error {
	if a.Kind == item.N {
		return nil
	}
	if v.Text() == "" {
		return problem(fmt.Sprintf(notValid+"The AttributeValue for a key attribute cannot contain an empty %s value. Key: %s",
			emptyWords[a.Kind], a.Name))
	}
	return checkKeySize(which, len(v.Text()))
}
