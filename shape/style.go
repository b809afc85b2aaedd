package shape

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/brume-dev/brume/aws"
)

// Style renders violations, of which there is at least one, as the error of a service.
type Style func([]Violation) error

// StyleOf returns the style of the service called name (aws.Meta.Name). It is nil for services whose answers to bad
// input have nothing in common, such as S3: those check their inputs themselves.
func StyleOf(name string) Style {
	switch name {
	case "s3":
		return nil
	case "iam", "sts", "cloudformation", "cloudwatch":
		return coral("ValidationError")
	case "logs":
		return coral("InvalidParameterException")
	case "xray":
		return coral("InvalidRequestException")
	case "apigateway":
		return coral("BadRequestException")
	case "ecr":
		return ecr
	case "sns":
		return sns
	case "sqs":
		return sqs
	}
	return coral("ValidationException")
}

// coral is the style that AWS's service framework gives every service that does not say otherwise; only the code
// differs. https://docs.aws.amazon.com/kms/latest/APIReference/CommonErrors.html
func coral(code string) Style {
	return func(vs []Violation) error {
		var b strings.Builder
		plural := "s"
		if len(vs) == 1 {
			plural = ""
		}
		fmt.Fprintf(&b, "%d validation error%s detected: ", len(vs), plural)
		for i, v := range vs {
			if i > 0 {
				b.WriteString("; ")
			}
			b.WriteString("Value ")
			switch {
			case v.Null:
				b.WriteString("null ")
			case !v.secret():
				b.WriteString("'" + v.Value + "' ")
			}
			b.WriteString("at '" + v.Path + "' failed to satisfy constraint: " + v.Text)
		}
		return invalid(code, b.String())
	}
}

func (v *Violation) secret() bool { return v.Member != nil && v.Member.Secret }

func invalid(code, message string) error {
	return &aws.CodedError{Info: aws.ErrorInfo{Code: code, Status: http.StatusBadRequest, Message: message}}
}

// ecr names no values: "Invalid parameter at 'registryIds' failed to satisfy constraint: '…'".
func ecr(vs []Violation) error {
	t := make([]string, len(vs))
	for i, v := range vs {
		t[i] = "'" + v.Path + "' failed to satisfy constraint: '" + v.Text + "'"
	}
	return invalid("InvalidParameterException", "Invalid parameter at "+strings.Join(t, "; "))
}

// sns complains about the first violation only.
// https://docs.aws.amazon.com/sns/latest/api/CommonErrors.html
func sns(vs []Violation) error {
	v := vs[0]
	name := upperFirst(v.Path)
	if v.Null {
		return invalid("InvalidParameter", "Invalid parameter: "+name+" Reason: no value for required parameter")
	}
	return invalid("InvalidParameter", "Invalid parameter: "+name+" Reason: "+v.Text)
}

// sqs has its own texts for what is missing and one for the rest.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/CommonErrors.html
func sqs(vs []Violation) error {
	v := vs[0]
	name := upperFirst(v.Path)
	if v.Null {
		return invalid("MissingParameter", "The request must contain the parameter "+name+".")
	}
	return invalid("InvalidParameterValue", "Value "+v.Value+" for parameter "+name+" is invalid. Reason: "+v.Text+".")
}
