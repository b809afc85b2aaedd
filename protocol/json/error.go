package json

import (
	"net/http"
	"strings"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/protocol"
	"github.com/brume-dev/brume/shape"
	"github.com/brume-dev/brume/shape/jsontext"
)

// UnknownOperation is the answer to a target that the service does not have.
func UnknownOperation() error {
	return &aws.CodedError{Info: aws.ErrorInfo{Code: "UnknownOperationException", Status: http.StatusBadRequest}}
}

// Error renders err as {"__type":…,"message":…} with the members that the model gives it.
func (Codec) Error(svc *aws.Service, op *aws.Operation, r *protocol.Request, err error) *protocol.Response {
	info := aws.InfoOf(err)
	b := append(make([]byte, 0, firstAnswer), `{"__type":`...)
	b = jsontext.AppendString(b, typeName(svc, info.Code, contentType(svc, r)))
	v, modelled := protocol.ErrorValue(err)
	if !modelled || !protocol.HasMessage(v.Shape) {
		b = appendMessage(b, info)
	}
	if modelled {
		// Errors hold no streams, so that appending them cannot fail.
		b, _ = shape.JSON{}.AppendMembers(b, v, nil)
	}
	w := answer(svc, r, protocol.Status(info), append(b, '}'))
	if svc != nil && svc.QueryCompatible && strings.EqualFold(r.Header.Get("X-Amzn-Query-Mode"), "true") {
		r.Head(w)["X-Amzn-Query-Error"] = []string{protocol.QueryError(info)}
	}
	return w
}

// appendMessage writes the message of an error that no model describes; some of AWS's framework have none.
func appendMessage(b []byte, info aws.ErrorInfo) []byte {
	if info.Message == "" {
		return b
	}
	b = append(jsontext.AppendString(append(b, ','), protocol.MessageKey(info.Code)), ':')
	return jsontext.AppendString(b, info.Message)
}

// typeName is the value of __type. Services that speak 1.0 name the error in full, those that speak 1.1 by its last part.
// Clients look behind the '#': https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html#operation-error-serialization
func typeName(svc *aws.Service, code, contentType string) string {
	if svc == nil || contentType != prefix+"1.0" {
		return code
	}
	switch code {
	case "ValidationException":
		return "com.amazon.coral.validate#" + code
	case "ThrottlingException":
		return "com.amazon.coral.availability#" + code
	case "SerializationException", "UnknownOperationException", "AccessDeniedException", "UnrecognizedClientException",
		"InvalidSignatureException", "IncompleteSignatureException", "MissingAuthenticationTokenException",
		"MissingAuthenticationToken", "ExpiredTokenException", "InternalFailure":
		return "com.amazon.coral.service#" + code
	}
	switch svc.Name {
	case "dynamodb":
		return "com.amazonaws.dynamodb.v20120810#" + code
	case "sqs":
		return "com.amazonaws.sqs#" + code
	case "sfn":
		return "com.amazonaws.swf.service.v2.model#" + code
	}
	return code
}
