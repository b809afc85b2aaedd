package lambda

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/aws"
)

// latest is the version that is not published.
const latest = "$LATEST"

// place is a function as a caller named it.
type place struct {
	space
	name      string
	qualifier string // "" when there is none
}

func (p place) arn() string         { return p.space.arn(p.name, p.qualifier) }
func (p place) functionARN() string { return p.space.arn(p.name, "") }

// wanted is the qualifier, "$LATEST" where there is none.
func (p place) wanted() string {
	if p.qualifier == "" {
		return latest
	}
	return p.qualifier
}

// namePattern takes the forms of a function's name apart: NAME, NAME:QUALIFIER, function:NAME, ACCOUNT:function:NAME,
// REGION:ACCOUNT:function:NAME and the ARN, each with or without a qualifier.
// https://docs.aws.amazon.com/lambda/latest/api/API_GetFunction.html#API_GetFunction_RequestParameters
var namePattern = regexp.MustCompile(`^(?:arn:aws[a-zA-Z-]*:lambda:)?(?:([a-z]{2}(?:-[a-z]+)+-\d):)?(?:(\d{12}):)?(?:function:)?` +
	`([a-zA-Z0-9-_.]+)(?::(\$LATEST|[a-zA-Z0-9-_]+))?$`)

// find resolves the name that a caller gave, and the qualifier beside it, which may be nil.
func find(id aws.Identity, name string, qualifier *string) (place, error) {
	m := namePattern.FindStringSubmatch(name)
	if m == nil {
		return place{}, invalidName(name)
	}
	p := place{space: space{account: id.Account, region: id.Region}, name: m[3], qualifier: m[4]}
	if m[2] != "" {
		p.account = m[2]
	}
	if m[1] != "" && m[1] != id.Region {
		return place{}, notFound("Functions from '%s' are not reachable in this region ('%s')", m[1], id.Region)
	}
	if len(p.name) > maxNameLength {
		return place{}, invalidName(name)
	}
	if qualifier != nil && *qualifier != "" {
		if p.qualifier != "" && p.qualifier != *qualifier {
			return place{}, invalid("The derived qualifier from the function name does not match the specified qualifier.")
		}
		p.qualifier = *qualifier
	}
	p.space = spaceOf(p.account, p.region)
	return p, nil
}

// findFunction is find for operations that are about a function as a whole; a qualifier in the name is refused.
func findFunction(id aws.Identity, name string) (place, error) {
	p, err := find(id, name, nil)
	if err == nil && p.qualifier != "" && p.qualifier != latest {
		return place{}, invalid("This operation does not support versions and aliases: %s", name)
	}
	p.qualifier = ""
	return p, err
}

func invalidName(name string) error {
	return aws.Errorf("ValidationException", 400, "1 validation error detected: Value '%s' at 'functionName' failed to satisfy constraint: "+
		"Member must satisfy regular expression pattern: (arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}(-gov)?-[a-z]+-\\d{1}:)?(\\d{12}:)?"+
		"(function:)?([a-zA-Z0-9-_]+)(:(\\$LATEST|[a-zA-Z0-9-_]+))?", name)
}

// versionNumber reads "$LATEST" as 0 and "7" as 7.
func versionNumber(s string) (int64, bool) {
	if s == latest {
		return 0, true
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil && n > 0 && strings.Trim(s, "0123456789") == ""
}

// clients returns what a client is told of err, and whether it is the client's own fault.
func clients(err error) (aws.ErrorInfo, bool) {
	var known aws.Error
	if !errors.As(err, &known) {
		return aws.ErrorInfo{}, false
	}
	return known.ErrorInfo(), known.ErrorInfo().Status < 500
}

// Errors of Lambda's API say whose fault they are: User or Service.

func user() *string { t := "User"; return &t }

func invalid(format string, args ...any) error {
	return &lambdaapi.InvalidParameterValueException{Type: user(), Message: fmt.Sprintf(format, args...)}
}

func notFound(format string, args ...any) error {
	return &lambdaapi.ResourceNotFoundException{Type: user(), Message: fmt.Sprintf(format, args...)}
}

func conflict(format string, args ...any) error {
	return &lambdaapi.ResourceConflictException{Type: user(), Message: fmt.Sprintf(format, args...)}
}

func noFunction(p place) error { return notFound("Function not found: %s", p.arn()) }

// staleRevision answers a request that names another revision than the newest.
func staleRevision(what string) error {
	return &lambdaapi.PreconditionFailedException{Type: user(), Message: "The Revision Id provided does not match the latest Revision Id. " +
		"Call the " + what + " API to retrieve the latest Revision Id"}
}
