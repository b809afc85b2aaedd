package keys

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/lambda/fault"
)

// Latest is the version that is not published.
const Latest = "$LATEST"

const maxNameLength = 64

// Place is a function as a caller named it.
type Place struct {
	Space
	Name      string
	Qualifier string // "" when there is none
}

// ARN is that of what was named, with its qualifier.
func (p Place) ARN() string { return p.Space.ARN(p.Name, p.Qualifier) }

// FunctionARN is that of the function as a whole.
func (p Place) FunctionARN() string { return p.Space.ARN(p.Name, "") }

// Wanted is the qualifier, "$LATEST" where there is none.
func (p Place) Wanted() string {
	if p.Qualifier == "" {
		return Latest
	}
	return p.Qualifier
}

// namePattern takes the forms of a function's name apart: NAME, NAME:QUALIFIER, function:NAME, ACCOUNT:function:NAME,
// REGION:ACCOUNT:function:NAME and the ARN, each with or without a qualifier.
// https://docs.aws.amazon.com/lambda/latest/api/API_GetFunction.html#API_GetFunction_RequestParameters
var namePattern = regexp.MustCompile(`^(?:arn:aws[a-zA-Z-]*:lambda:)?(?:([a-z]{2}(?:-[a-z]+)+-\d):)?(?:(\d{12}):)?(?:function:)?` +
	`([a-zA-Z0-9-_.]+)(?::(\$LATEST|[a-zA-Z0-9-_]+))?$`)

// Find resolves the name that a caller gave, and the qualifier beside it, which may be nil.
func Find(id aws.Identity, name string, qualifier *string) (Place, error) {
	m := namePattern.FindStringSubmatch(name)
	if m == nil {
		return Place{}, invalidName(name)
	}
	p := Place{Space: Space{Account: id.Account, Region: id.Region}, Name: m[3], Qualifier: m[4]}
	if m[2] != "" {
		p.Account = m[2]
	}
	if m[1] != "" && m[1] != id.Region {
		return Place{}, fault.NotFound("Functions from '%s' are not reachable in this region ('%s')", m[1], id.Region)
	}
	if len(p.Name) > maxNameLength {
		return Place{}, invalidName(name)
	}
	if qualifier != nil && *qualifier != "" {
		if p.Qualifier != "" && p.Qualifier != *qualifier {
			return Place{}, fault.Invalid("The derived qualifier from the function name does not match the specified qualifier.")
		}
		p.Qualifier = *qualifier
	}
	p.Space = Of(p.Account, p.Region)
	return p, nil
}

// FindFunction is Find for operations that are about a function as a whole; a qualifier in the name is refused.
func FindFunction(id aws.Identity, name string) (Place, error) {
	p, err := Find(id, name, nil)
	if err == nil && p.Qualifier != "" && p.Qualifier != Latest {
		return Place{}, fault.Invalid("This operation does not support versions and aliases: %s", name)
	}
	p.Qualifier = ""
	return p, err
}

func invalidName(name string) error {
	return aws.Errorf("ValidationException", 400, "1 validation error detected: Value '%s' at 'functionName' failed to satisfy constraint: "+
		"Member must satisfy regular expression pattern: (arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}(-gov)?-[a-z]+-\\d{1}:)?(\\d{12}:)?"+
		"(function:)?([a-zA-Z0-9-_]+)(:(\\$LATEST|[a-zA-Z0-9-_]+))?", name)
}

// Number reads "$LATEST" as 0 and "7" as 7.
func Number(s string) (int64, bool) {
	if s == Latest {
		return 0, true
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil && n > 0 && strings.Trim(s, "0123456789") == ""
}

// NoFunction is the error for a function, version or alias that is not there.
func NoFunction(p Place) error { return fault.NotFound("Function not found: %s", p.ARN()) }
