package sigv4

import (
	"net/http"

	"github.com/brume-dev/brume/aws"
)

// Style is the family of services whose words an error is told in.
type Style uint8

const (
	JSON  Style = iota // awsJson and CBOR: …Exception, status 400
	REST               // restJson, and the data planes: …Exception, status 403
	Query              // Query and the XML services other than S3: status 403
	S3
)

// reason is the kind of a Failure. Its codes are those of the Common Errors page that every API reference has, for
// example https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/CommonErrors.html, and for S3
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html.
type reason uint8

const (
	missing reason = iota
	malformed
	unknownKey
	wrongToken
	expiredToken
	mismatch
	tooOld
	denied
)

// code returns the code and status of r outside S3.
func (r reason) code(s Style) (string, int) {
	type pair struct{ json, query string }
	p := [...]pair{
		missing:      {"MissingAuthenticationTokenException", "MissingAuthenticationToken"},
		malformed:    {"IncompleteSignatureException", "IncompleteSignature"},
		unknownKey:   {"UnrecognizedClientException", "InvalidClientTokenId"},
		wrongToken:   {"UnrecognizedClientException", "InvalidClientTokenId"},
		expiredToken: {"ExpiredTokenException", "ExpiredToken"},
		mismatch:     {"InvalidSignatureException", "SignatureDoesNotMatch"},
		tooOld:       {"InvalidSignatureException", "SignatureDoesNotMatch"},
		denied:       {"AccessDeniedException", "AccessDenied"},
	}[r]
	switch {
	case s == JSON:
		return p.json, http.StatusBadRequest
	case s == REST:
		return p.json, http.StatusForbidden
	case r == malformed:
		return p.query, http.StatusBadRequest
	}
	return p.query, http.StatusForbidden
}

// Failure says why a request is not believed. It is an error for our own side; For tells it to the client.
type Failure struct {
	reason reason
	text   string // outside S3
	detail string // what REST services add to text
	s3     S3Error
}

func (f *Failure) Error() string { return "sigv4: " + f.text }

// For returns the failure as a service of style s tells it.
func (f *Failure) For(s Style) aws.Error {
	if s == S3 {
		e := f.s3
		return &e
	}
	code, status := f.reason.code(s)
	text := f.text
	if s == REST {
		text += f.detail
	}
	if f.reason == missing && s == REST {
		text = "Missing Authentication Token"
	}
	return aws.Errorf(code, status, "%s", text)
}

// S3Error is a failure in S3's words. Its members are elements of the error's XML, between Message and RequestId.
type S3Error struct {
	Message string `aws:"Message"`

	ArgumentName                *string `aws:"ArgumentName"`
	ArgumentValue               *string `aws:"ArgumentValue"`
	AWSAccessKeyId              *string `aws:"AWSAccessKeyId"`
	StringToSign                *string `aws:"StringToSign"`
	SignatureProvided           *string `aws:"SignatureProvided"`
	StringToSignBytes           *string `aws:"StringToSignBytes"`
	CanonicalRequest            *string `aws:"CanonicalRequest"`
	CanonicalRequestBytes       *string `aws:"CanonicalRequestBytes"`
	RequestTime                 *string `aws:"RequestTime"`
	ServerTime                  *string `aws:"ServerTime"`
	MaxAllowedSkewMilliseconds  *string `aws:"MaxAllowedSkewMilliseconds"`
	XAmzExpires                 *string `aws:"X-Amz-Expires"`
	Expires                     *string `aws:"Expires"`
	HeadersNotSigned            *string `aws:"HeadersNotSigned"`
	ClientComputedContentSHA256 *string `aws:"ClientComputedContentSHA256"`
	S3ComputedContentSHA256     *string `aws:"S3ComputedContentSHA256"`
	Token                       *string `aws:"Token-0"`

	code   string
	status int
}

func (e *S3Error) Error() string { return e.code + ": " + e.Message }

// ErrorInfo implements aws.Error.
func (e *S3Error) ErrorInfo() aws.ErrorInfo {
	return aws.ErrorInfo{Code: e.code, Status: e.status, Message: e.Message, Fault: e.status >= 500}
}
