package ssm

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/brume-dev/brume/api/ssmapi"
	"github.com/brume-dev/brume/aws"
)

// Texts that AWS has for names.
const (
	nameText = `Parameter name: can't be prefixed with "ssm" (case-insensitive). If formed as a path, it can consist of ` +
		`sub-paths divided by slash symbol; each sub-path can be formed as a mix of letters, numbers and the following 3 symbols .-_`
	pathText = `The parameter doesn't meet the parameter name requirements. The parameter name must begin with a forward slash "/". ` +
		`It can't be prefixed with "aws" or "ssm" (case-insensitive). It must use only letters, numbers, or the following symbols: ` +
		`. (period), - (hyphen), _ (underscore). Special characters are not allowed. All sub-paths, if specified, must use the ` +
		`forward slash symbol "/". Valid example: /get/parameters2-/by1./path0_.`
)

var (
	nameForm  = regexp.MustCompile(`^(/?[a-zA-Z0-9_.\-]+|(/[a-zA-Z0-9_.\-]+)+)$`)
	pathForm  = regexp.MustCompile(`^(/|(/[a-zA-Z0-9_.\-]+)+/?)$`)
	labelForm = regexp.MustCompile(`^[a-zA-Z_.\-][a-zA-Z0-9_.\-]*$`)
)

func invalid(format string, args ...any) error {
	return aws.Errorf("ValidationException", http.StatusBadRequest, format, args...)
}

// newName checks the name of a parameter that is to be made.
// https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-su-create.html
func newName(k space, name string) (string, error) {
	name = strings.Trim(name, " ")
	switch bare := strings.ToLower(strings.TrimPrefix(name, "/")); {
	case strings.HasPrefix(bare, "aws"):
		return "", aws.Errorf("AccessDeniedException", http.StatusBadRequest, "No access to reserved parameter name: %s.", name)
	case strings.HasPrefix(bare, "ssm"):
		return "", invalid(nameText)
	case !strings.HasPrefix(name, "/") && strings.Contains(name, "/"):
		return "", invalid("Parameter name must be a fully qualified name.")
	case !nameForm.MatchString(name):
		return "", invalid(nameText)
	case strings.Count(name, "/") > maxLevels:
		return "", &ssmapi.HierarchyLevelLimitExceededException{Message: "A hierarchy can have a maximum of " +
			strconv.Itoa(maxLevels) + " levels. For more information, see Requirements and constraints for parameter " +
			"names in the AWS Systems Manager User Guide."}
	case len(k.arn(name)) > maxARN:
		return "", invalid("The maximum length for a parameter name, including the characters of the ARN that precede the "+
			"name, is %d characters.", maxARN)
	}
	return name, nil
}

// reference is how a read names a parameter: by name or ARN, with a version or a label behind a colon.
type reference struct {
	given    string   // as the caller wrote it
	names    []string // that it may mean: the ARN of "x" and of "/x" is the same
	selector string   // without the colon; "" is the newest version
	number   int64    // of the selector, when that is one
}

// refer reads a reference. It fails with AWS's ValidationException when it cannot be one.
func refer(id aws.Identity, given string) (reference, error) {
	r := reference{given: given}
	name := strings.Trim(given, " ")
	if strings.HasPrefix(name, "arn:") {
		arn, err := aws.ParseARN(name)
		if err != nil || arn.Service != "ssm" || !strings.HasPrefix(arn.Resource, "parameter/") {
			return r, invalid(nameText)
		}
		if arn.Account != id.Account || arn.Region != id.Region {
			return r, &ssmapi.ParameterNotFound{} // nothing is shared between accounts here
		}
		name = strings.TrimPrefix(arn.Resource, "parameter")
		if strings.Count(name, "/") == 1 {
			r.names = append(r.names, strings.SplitN(name[1:], ":", 2)[0])
		}
	}
	name, r.selector, _ = strings.Cut(name, ":")
	if !nameForm.MatchString(name) || strings.HasSuffix(given, ":") || len(r.selector) > maxSelector {
		return r, invalid(nameText)
	}
	if n, err := strconv.ParseInt(r.selector, 10, 64); err == nil {
		r.number = n
	}
	r.names = append(r.names, name)
	return r, nil
}

// parameterARN is the ARN of a parameter: the slash that begins a hierarchy stands once.
func parameterARN(account, region, name string) string {
	return aws.MakeARN("ssm", region, account, "parameter/"+strings.TrimPrefix(name, "/")).String()
}
