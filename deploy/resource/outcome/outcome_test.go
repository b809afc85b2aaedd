package outcome

import (
	"errors"
	"regexp"
	"testing"

	"github.com/brume-dev/brume/aws"
)

// TestDescribe is how events tell what went wrong.
func TestDescribe(t *testing.T) {
	ids := regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}`)
	for _, c := range []struct {
		err  error
		want string
	}{
		{errors.New("disk"), "Internal Failure"},
		{aws.Errorf("ValidationError", 400, "Template error: x"), "Template error: x"},
		{aws.Errorf("CustomResourceFailed", 400, "Received response status [FAILED] from custom resource."), "Received response status [FAILED] from custom resource."},
		{aws.Errorf("AlreadyExists", 400, "Resource of type 'AWS::SQS::Queue' with identifier 'q' already exists."),
			"Resource of type 'AWS::SQS::Queue' with identifier 'q' already exists. (RequestToken: ID, HandlerErrorCode: AlreadyExists)"},
		{aws.Errorf("ResourceConflictException", 409, "there"), `Resource handler returned message: "there (Service: Lambda, Status Code: 409, Request ID: ID)" (RequestToken: ID, HandlerErrorCode: AlreadyExists)`},
		{aws.Errorf("ResourceNotFoundException", 404, "no"), `Resource handler returned message: "no (Service: Lambda, Status Code: 404, Request ID: ID)" (RequestToken: ID, HandlerErrorCode: NotFound)`},
		{aws.Errorf("AccessDeniedException", 403, "no"), `Resource handler returned message: "no (Service: Lambda, Status Code: 403, Request ID: ID)" (RequestToken: ID, HandlerErrorCode: AccessDenied)`},
		{aws.Errorf("InvalidParameterValueException", 400, "bad"), `Resource handler returned message: "bad (Service: Lambda, Status Code: 400, Request ID: ID)" (RequestToken: ID, HandlerErrorCode: InvalidRequest)`},
	} {
		if got := ids.ReplaceAllString(Describe("AWS::Lambda::Function", "token", c.err), "ID"); got != c.want {
			t.Errorf("%s\nwant\n%s", got, c.want)
		}
	}
}
