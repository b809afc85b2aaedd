package query

import (
	"net/http"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/protocol"
	"github.com/brume-dev/brume/protocol/xml"
	"github.com/brume-dev/brume/shape"
)

// faultNamespace is that of errors which AWS's framework gives before an operation is found.
const faultNamespace = "http://webservices.amazon.com/AWSFault/2005-15-09"

// UnknownAction is the answer to an Action that the service does not have, and to one without an Action. An empty
// version was not sent.
func UnknownAction(action, version string) error {
	if action == "" {
		return aws.Errorf("MissingAction", http.StatusBadRequest, "The request is missing an action or a required parameter.")
	}
	if version == "" {
		version = "NO_VERSION_SPECIFIED"
	}
	return aws.Errorf("InvalidAction", http.StatusBadRequest, "Could not find operation %s for version %s", action, version)
}

// malformed is the answer to a form that cannot be unescaped.
func malformed() error {
	return aws.Errorf("MalformedQueryString", http.StatusNotFound, "The query string contains a syntax error.")
}

// malformedInput is the answer to a parameter that is not of the form that its member wants.
func malformedInput(m *shape.Member) error {
	return aws.Errorf("MalformedInput", http.StatusBadRequest, "The value of parameter %s is not valid", m.Go)
}

// Error renders err as <ErrorResponse>. The details of modelled errors go beside code and message.
func (Codec) Error(svc *aws.Service, op *aws.Operation, r *protocol.Request, err error) *protocol.Response {
	info := aws.InfoOf(err)
	ns := faultNamespace
	if svc != nil && op != nil {
		ns = svc.Namespace
	}
	b := xml.AppendStart(make([]byte, 0, firstAnswer), "ErrorResponse", shape.Namespace{URI: ns})
	b = append(b, "<Error>"...)
	b = xml.AppendString(b, "Type", protocol.FaultType(info))
	b = appendError(b, svc, info, err)
	b = append(b, "</Error>"...)
	b = xml.AppendString(b, "RequestId", r.ID)
	return answer(protocol.Status(info), r, xml.AppendEnd(b, "ErrorResponse"))
}

// Error renders err as <Response><Errors>.
func (EC2) Error(svc *aws.Service, op *aws.Operation, r *protocol.Request, err error) *protocol.Response {
	info := aws.InfoOf(err)
	b := append(make([]byte, 0, firstAnswer), declaration...)
	b = append(b, "<Response><Errors><Error>"...)
	b = appendError(b, svc, info, err)
	b = append(b, "</Error></Errors>"...)
	b = xml.AppendString(b, "RequestID", r.ID)
	return answer(protocol.Status(info), r, xml.AppendEnd(b, "Response"))
}

func appendError(b []byte, svc *aws.Service, info aws.ErrorInfo, err error) []byte {
	code := info.Query
	if code == "" {
		code = info.Code
	}
	b = xml.AppendString(b, "Code", code)
	b = xml.AppendReadable(b, "Message", info.Message)
	v, ok := protocol.ErrorValue(err)
	if !ok {
		return b
	}
	var e xml.Encoder
	if svc != nil {
		e = encoder(svc)
	}
	return e.AppendOther(b, v, protocol.IsMessage)
}
