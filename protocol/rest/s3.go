package rest

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/protocol"
	"github.com/brume-dev/brume/protocol/xml"
	"github.com/brume-dev/brume/shape"
)

// MethodNotAllowed is S3's answer to a method that a resource ("SERVICE", "BUCKET" or "OBJECT") does not know; allowed are
// those that it knows.
func MethodNotAllowed(method, resource string, allowed []string) error {
	return &methodNotAllowed{Method: method, ResourceType: resource, AllowedMethods: strings.Join(allowed, ", ")}
}

type methodNotAllowed struct {
	Method         string `aws:"Method"`
	ResourceType   string `aws:"ResourceType"`
	AllowedMethods string `aws:"AllowedMethods"`
}

func (e *methodNotAllowed) Error() string { return "MethodNotAllowed: " + e.Method }

// ErrorInfo says how the protocols render the error.
func (e *methodNotAllowed) ErrorInfo() aws.ErrorInfo {
	return aws.ErrorInfo{Code: "MethodNotAllowed", Status: http.StatusMethodNotAllowed,
		Message: "The specified method is not allowed against this resource."}
}

// argument is S3's answer to a header or parameter that it cannot read.
type argument struct {
	message       string
	ArgumentName  string `aws:"ArgumentName"`
	ArgumentValue string `aws:"ArgumentValue"`
}

func (e *argument) Error() string { return "InvalidArgument: " + e.message }

// ErrorInfo says how the protocols render the error.
func (e *argument) ErrorInfo() aws.ErrorInfo {
	return aws.ErrorInfo{Code: "InvalidArgument", Status: http.StatusBadRequest, Message: e.message}
}

func invalidArgument(m *shape.Member, value string) error {
	e := &argument{message: "Invalid Argument", ArgumentName: m.Wire, ArgumentValue: value}
	if m.Shape.Kind == shape.Integer || m.Shape.Kind == shape.Long {
		e.message = "Provided " + m.Wire + " not an integer or within integer range"
	} else if m.Wire == "x-amz-object-lock-retain-until-date" {
		e.message = "The retain until date must be provided in ISO 8601 format"
	}
	return e
}

func invalidURI() error {
	return aws.Errorf("InvalidURI", http.StatusBadRequest, "Couldn't parse the specified URI.")
}

// validS3 reports whether an XML body is what S3's published schema says: the root element has the right name, nothing
// required is missing and every enum value is one of its set. S3 answers MalformedXML otherwise; lengths and patterns
// are not in the schema.
func validS3(n *xml.Node, m *shape.Member, v shape.Value, notes shape.Notes) bool {
	if n.Name != m.XML {
		return false
	}
	for _, x := range shape.Violations(v.Interface(), notes) {
		if x.Null || x.Enum {
			return false
		}
	}
	return true
}

// unwrapped is the text of the one answer of S3 whose member is the root element itself:
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLocation.html
func unwrapped(op *aws.Operation, v shape.Value) (text []byte, ok bool) {
	if op.Op.Service != "s3" || op.Name != "GetBucketLocation" {
		return nil, false
	}
	if f, ok := v.Member(v.Shape.Member("LocationConstraint")); ok {
		text = xml.AppendText(nil, f.String())
	}
	return text, true
}

// partial makes an answer of S3 that holds a range of an object 206: the model knows one status only.
func partial(op *aws.Operation, w *protocol.Response) {
	if isS3(op.Service) && w.Header["Content-Range"] != nil {
		w.Status = http.StatusPartialContent
	}
}

// detail says which part of the request an error of S3 names, when the error does not do so itself.
var detail = map[string][]string{
	"NoSuchBucket":                                   {"BucketName"},
	"NoSuchBucketPolicy":                             {"BucketName"},
	"NoSuchTagSet":                                   {"BucketName"},
	"NoSuchLifecycleConfiguration":                   {"BucketName"},
	"NoSuchCORSConfiguration":                        {"BucketName"},
	"NoSuchWebsiteConfiguration":                     {"BucketName"},
	"NoSuchPublicAccessBlockConfiguration":           {"BucketName"},
	"OwnershipControlsNotFoundError":                 {"BucketName"},
	"ObjectLockConfigurationNotFoundError":           {"BucketName"},
	"ReplicationConfigurationNotFoundError":          {"BucketName"},
	"ServerSideEncryptionConfigurationNotFoundError": {"BucketName"},
	"BucketAlreadyExists":                            {"BucketName"},
	"BucketAlreadyOwnedByYou":                        {"BucketName"},
	"BucketNotEmpty":                                 {"BucketName"},
	"InvalidBucketName":                              {"BucketName"},
	"NoSuchObjectLockConfiguration":                  {"Key"},
	"NoSuchKey":                                      {"Key"},
	"NoSuchVersion":                                  {"Key", "VersionId"},
	"NoSuchUpload":                                   {"UploadId"},
}

// appendS3Details adds the elements that S3's errors have beside code and message:
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#RESTErrorResponses
func appendS3Details(b []byte, code string, r *protocol.Request, v shape.Value) []byte {
	q, _ := url.ParseQuery(r.Query)
	for _, name := range detail[code] {
		if v.Shape != nil && v.Shape.Member(name) != nil {
			continue
		}
		text := ""
		switch name {
		case "BucketName":
			text = r.Labels["Bucket"]
		case "Key":
			text = r.Labels["Key"]
		case "VersionId":
			text = q.Get("versionId")
		case "UploadId":
			text = q.Get("uploadId")
		}
		b = xml.AppendString(b, name, text)
	}
	return b
}
