package dynamodb

import (
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/dynamodb/table"
)

// tableName says which table is meant.
type tableName = table.Name

// named is a table as a request names it: by name or ARN, which answers repeat.
type named struct {
	tableName
	given string
}

// resolve reads the TableName of a request.
func resolve(id aws.Identity, given string) (named, error) {
	n, err := table.Resolve(id, given)
	if err != nil {
		return named{}, err
	}
	return named{n, given}, nil
}
