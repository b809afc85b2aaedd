package table

import (
	"github.com/brume-dev/brume/aws"
)

// tableName says which table is meant.
type Name struct{ Account, Region, Name string }

func (n Name) ARN() string {
	return aws.MakeARN("dynamodb", n.Region, n.Account, "table/"+n.Name).String()
}
