package dynamodb

import (
	"fmt"
	"strings"

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
	if strings.HasPrefix(given, "arn:") {
		n, err := resolveARN(given)
		return named{n, given}, err
	}
	if err := checkName(given, minTableName); err != nil {
		return named{}, err
	}
	return named{tableName{Account: id.Account, Region: id.Region, Name: given}, given}, nil
}

// resolveARN reads the ARN of a table.
func resolveARN(given string) (tableName, error) {
	arn, err := aws.ParseARN(given)
	kind, name := arn.Split()
	if err != nil || arn.Service != "dynamodb" || kind != "table" || arn.Account == "" || arn.Region == "" ||
		checkName(name, minTableName) != nil {
		return tableName{}, invalid("Invalid TableArn: Invalid ResourceArn provided as input " + given)
	}
	return tableName{Account: arn.Account, Region: arn.Region, Name: name}, nil
}

// checkName checks the constraints of a name that the model cannot have, since a name may also be an ARN.
func checkName(name string, minLength int) error {
	var found []string
	add := func(text string) {
		found = append(found, "Value '"+name+"' at 'tableName' failed to satisfy constraint: Member must "+text)
	}
	word := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_.-", r)
	}
	if strings.ContainsFunc(name, func(r rune) bool { return !word(r) }) {
		add("satisfy regular expression pattern: [a-zA-Z0-9_.-]+")
	}
	if len(name) < minLength {
		add(fmt.Sprintf("have length greater than or equal to %d", minLength))
	}
	if len(name) > maxTableName {
		add(fmt.Sprintf("have length less than or equal to %d", maxTableName))
	}
	return constraints(found)
}

// constraints is the error that lists what is wrong with the members of a request, nil when nothing is.
func constraints(found []string) error {
	switch len(found) {
	case 0:
		return nil
	case 1:
		return invalid("1 validation error detected: " + found[0])
	}
	return invalid(fmt.Sprintf("%d validation errors detected: %s", len(found), strings.Join(found, "; ")))
}
