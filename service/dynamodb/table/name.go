package table

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/brume-dev/brume/aws"
)

// Name says which table is meant.
type Name struct{ Account, Region, Name string }

// ARN is the table's ARN.
func (n Name) ARN() string {
	return aws.MakeARN("dynamodb", n.Region, n.Account, "table/"+n.Name).String()
}

// Resolve reads what a request calls the name of a table: a name or an ARN.
func Resolve(id aws.Identity, given string) (Name, error) {
	if strings.HasPrefix(given, "arn:") {
		return ParseARN(given)
	}
	if err := CheckName(given, MinName); err != nil {
		return Name{}, err
	}
	return Name{Account: id.Account, Region: id.Region, Name: given}, nil
}

// ParseARN reads the ARN of a table.
func ParseARN(given string) (Name, error) {
	arn, err := aws.ParseARN(given)
	kind, name := arn.Split()
	if err != nil || arn.Service != "dynamodb" || kind != "table" || arn.Account == "" || arn.Region == "" ||
		CheckName(name, MinName) != nil {
		return Name{}, Invalid("Invalid TableArn: Invalid ResourceArn provided as input " + given)
	}
	return Name{Account: arn.Account, Region: arn.Region, Name: name}, nil
}

// CheckName checks the constraints of a name that the model cannot have, since a name may also be an ARN.
func CheckName(name string, minLength int) error {
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
	if len(name) > maxName {
		add(fmt.Sprintf("have length less than or equal to %d", maxName))
	}
	return Constraints(found)
}

// Constraints is the error that lists what is wrong with the members of a request, nil when nothing is.
func Constraints(found []string) error {
	switch len(found) {
	case 0:
		return nil
	case 1:
		return Invalid("1 validation error detected: " + found[0])
	}
	return Invalid(fmt.Sprintf("%d validation errors detected: %s", len(found), strings.Join(found, "; ")))
}

// Invalid returns the ValidationException that has the text.
func Invalid(text string) error {
	return aws.Errorf("ValidationException", http.StatusBadRequest, "%s", text)
}

// Refused turns a problem into a ValidationException and lets other errors through.
func Refused(err error) error {
	if p, ok := errors.AsType[problem](err); ok {
		return Invalid(string(p))
	}
	return err
}
