// Package partiql parses the statements of DynamoDB's dialect of PartiQL and takes them apart into what the service's other
// operations are asked for: keys, expressions, projections. It knows no store and no service.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.html
package partiql

import (
	"fmt"

	"github.com/brume-dev/brume/item"
	"github.com/brume-dev/brume/service/dynamodb/expression"
)

// Kind is what a statement does.
type Kind uint8

// The statements. Exists is a condition of a transaction: EXISTS(SELECT …).
const (
	Select Kind = iota
	Insert
	Update
	Delete
	Exists
)

// String returns the IAM action of the statement.
func (k Kind) String() string {
	return [...]string{"PartiQLSelect", "PartiQLInsert", "PartiQLUpdate", "PartiQLDelete", "PartiQLSelect"}[k]
}

// Statement is a statement whose parameters have been put in.
type Statement struct {
	Kind      Kind
	Table     string
	Index     string // "": the table itself
	Returning string // a ReturnValue; "" : nothing

	columns []Path // nil: *
	value   *node  // of an INSERT
	actions []action
	where   *node
	order   []order
}

// Path is a document path; its first element is an attribute.
type Path []Element

// Element is a step of a path: a name, or an index when Index is not negative.
type Element struct {
	Name  string
	Index int
}

// action is a SET (value is what is assigned) or a REMOVE (value is nil) of an UPDATE.
type action struct {
	path  Path
	value *node
}

type order struct {
	name string
	desc bool
}

// node is a part of a condition or a value: op says what.
//
//	value      value
//	path       path
//	param      number of a parameter
//	list set   args
//	map        args: names (value) and values by turns
//	AND OR     args
//	NOT        args[0]
//	= <> < <= > >= BETWEEN IN + -   args
//	MISSING NULL                    args[0] IS …
//	any other  a function
type node struct {
	op    string
	args  []*node
	value item.Value
	path  Path
	param int
}

// maxDepth bounds the nesting of what is parsed.
const maxDepth = 64

// MaxStatement is the length of a statement in bytes.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ExecuteStatement.html
const MaxStatement = 8192

// MaxPartitions is how many values of the partition key IN may have, and PagePartitions from how many of them a page is read.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-operators.html
const (
	MaxPartitions  = 50
	PagePartitions = 10
)

func malformed(format string, args ...any) error {
	return expression.Problem("Statement wasn't well formed, can't be processed: " + fmt.Sprintf(format, args...))
}
