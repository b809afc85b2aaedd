package sigv4

import (
	"encoding/hex"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// AWS's sentences, each in one place. The general ones are those that
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html describes.
const (
	malformedPrefix = "The authorization header is malformed; "
	tokenInvalid    = "The security token included in the request is invalid."
	mismatchText    = "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
	mismatchTextS3  = "The request signature we calculated does not match the signature you provided. Check your key and signing method."
)

func s3Error(code string, status int, text string) S3Error {
	return S3Error{code: code, status: status, Message: text}
}

// Missing is the answer to an unsigned request where a signature is needed.
func Missing() *Failure {
	return &Failure{reason: missing, text: "Request is missing Authentication Token",
		s3: s3Error("AccessDenied", 403, "Access Denied")}
}

// UnknownKey is the answer to an access key id that does not exist.
func UnknownKey(accessKey string) *Failure {
	e := s3Error("InvalidAccessKeyId", 403, "The AWS Access Key Id you provided does not exist in our records.")
	e.AWSAccessKeyId = new(accessKey)
	return &Failure{reason: unknownKey, text: tokenInvalid, s3: e}
}

// WrongToken is the answer to a session token that does not belong to its key.
func WrongToken(token string) *Failure {
	e := s3Error("InvalidToken", 400, "The provided token is malformed or otherwise invalid.")
	e.Token = new(token)
	return &Failure{reason: wrongToken, text: tokenInvalid, s3: e}
}

// ExpiredToken is the answer to temporary credentials after their end.
func ExpiredToken(token string) *Failure {
	e := s3Error("ExpiredToken", 400, "The provided token has expired.")
	e.Token = new(token)
	return &Failure{reason: expiredToken, text: "The security token included in the request is expired", s3: e}
}

// Foreign is our own: a page of another site may not use keys that nobody issued (see gateway.browsers).
func Foreign() *Failure {
	const text = "Brume takes access keys that it did not issue from this machine only, not from a web page of another origin."
	return &Failure{reason: denied, text: text, s3: s3Error("AccessDenied", 403, text)}
}

func incomplete(text, s3code, s3text string) *Failure {
	return &Failure{reason: malformed, text: text, s3: s3Error(s3code, 400, s3text)}
}

func twoMechanisms(auth string) *Failure {
	e := s3Error("InvalidArgument", 400, "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified")
	e.ArgumentName, e.ArgumentValue = new("Authorization"), new(auth)
	return &Failure{reason: malformed, text: "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter or the Authorization header should be specified", s3: e}
}

func unsupportedType(auth string) *Failure {
	e := s3Error("InvalidArgument", 400, "Unsupported Authorization Type")
	e.ArgumentName, e.ArgumentValue = new("Authorization"), new(auth)
	f := missingParameters(auth, "", "", "", "")
	f.s3 = e
	return f
}

func notKeyValue(auth, part string) *Failure {
	return incomplete("Invalid key=value pair (missing equal-sign) in Authorization header (hashed with SHA-256 and encoded with Base64): '"+
		hashed(strings.TrimSpace(part))+"'.", "AuthorizationHeaderMalformed", malformedPrefix+threeComponents)
}

const threeComponents = "the authorization header requires three components: Credential, SignedHeaders, and Signature."

// missingParameters names, in one sentence each, what an Authorization header lacks.
func missingParameters(auth, credential, signature, signed, date string) *Failure {
	var b strings.Builder
	for _, p := range []struct{ name, value string }{{"Credential", credential}, {"Signature", signature}, {"SignedHeaders", signed}} {
		if p.value == "" {
			b.WriteString("Authorization header requires '" + p.name + "' parameter. ")
		}
	}
	s3 := s3Error("AuthorizationHeaderMalformed", 400, malformedPrefix+threeComponents)
	if date == "" {
		b.WriteString("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ")
		if credential != "" && signature != "" && signed != "" {
			s3 = s3Error("AccessDenied", 403, "AWS authentication requires a valid Date or x-amz-date header")
		}
	}
	if b.Len() == 0 {
		return nil
	}
	return &Failure{reason: malformed, s3: s3,
		text: b.String() + "(Hashed with SHA-256 and encoded with Base64) Authorization=" + hashed(auth)}
}

func missingQuery(q url.Values) *Failure {
	var b strings.Builder
	for _, name := range []string{"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Date"} {
		if q.Get(name) == "" {
			b.WriteString("AWS query-string parameters must include '" + name + "'. ")
		}
	}
	b.WriteString("Re-examine the query-string parameters.")
	return incomplete(b.String(), "AuthorizationQueryParametersError",
		"Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.")
}

func wrongAlgorithm(a string) *Failure {
	return incomplete("Unsupported AWS 'algorithm': '"+a+"'.", "AuthorizationQueryParametersError",
		`X-Amz-Algorithm only supports "AWS4-HMAC-SHA256 and AWS4-ECDSA-P256-SHA256"`)
}

func badExpires(text string) *Failure {
	return incomplete(text, "AuthorizationQueryParametersError", text)
}

func badCredential(s string, query bool) *Failure {
	const want = `expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".`
	f := incomplete("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '"+s+"'",
		"AuthorizationHeaderMalformed", malformedPrefix+"the Credential is mal-formed; "+want)
	if query {
		f.s3 = s3Error("AuthorizationQueryParametersError", 400,
			"Error parsing the X-Amz-Credential parameter; the Credential is mal-formed; "+want)
	}
	return f
}

func badTerminator(got string) *Failure {
	return &Failure{reason: mismatch, text: "Credential should be scoped with a valid terminator: 'aws4_request', not '" + got + "'. ",
		s3: s3Error("AuthorizationHeaderMalformed", 400, malformedPrefix+`incorrect terminator "`+got+`". This endpoint uses "aws4_request".`)}
}

func badDate(date string, query bool) *Failure {
	f := incomplete("Date must be in ISO-8601 'basic format'. Got '"+date+"'. See http://en.wikipedia.org/wiki/ISO_8601",
		"AccessDenied", "AWS authentication requires a valid Date or x-amz-date header")
	f.s3.status = 403
	if query {
		f.s3 = s3Error("AuthorizationQueryParametersError", 400, `X-Amz-Date must be in the ISO8601 Long Format "yyyyMMdd'T'HHmmss'Z'"`)
	}
	return f
}

func otherDay(scope, day, date string) *Failure {
	return &Failure{reason: mismatch,
		text: fmt.Sprintf("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '%s' != '%s', from '%s'.", scope, day, date),
		s3:   s3Error("AuthorizationHeaderMalformed", 400, fmt.Sprintf(malformedPrefix+`Invalid credential date "%s". This date is not the same as X-Amz-Date: "%s".`, scope, day))}
}

func hostNotSigned() *Failure {
	e := s3Error("AccessDenied", 403, "There were headers present in the request which were not signed")
	e.HeadersNotSigned = new("host")
	return &Failure{reason: mismatch, text: "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.", s3: e}
}

func notSigned(name string) *Failure {
	e := s3Error("AccessDenied", 403, "There were headers present in the request which were not signed")
	e.HeadersNotSigned = new(name)
	return &Failure{reason: mismatch, text: "'" + name + "' must be a 'SignedHeader' in the AWS Authorization.", s3: e}
}

func otherService(got, want string) *Failure {
	return &Failure{reason: mismatch, text: "Credential should be scoped to correct service: '" + want + "'. ",
		s3: s3Error("AuthorizationHeaderMalformed", 400, fmt.Sprintf(malformedPrefix+`incorrect service "%s". This endpoint belongs to "%s".`, got, want))}
}

// tooFar tells of a signature that was made too long ago, or in the future.
func tooFar(signed, now time.Time, skew time.Duration) *Failure {
	minutes := strconv.Itoa(int(skew / time.Minute))
	e := s3Error("RequestTimeTooSkewed", 403, "The difference between the request time and the current time is too large.")
	e.RequestTime, e.ServerTime = new(signed.Format(isoBasic)), new(now.Format(time.RFC3339))
	e.MaxAllowedSkewMilliseconds = new(strconv.Itoa(int(MaxSkewS3 / time.Millisecond)))
	text := fmt.Sprintf("Signature expired: %s is now earlier than %s (%s - %s min.)",
		signed.Format(isoBasic), now.Add(-skew).Format(isoBasic), now.Format(isoBasic), minutes)
	if signed.After(now) {
		text = fmt.Sprintf("Signature not yet current: %s is still later than %s (%s + %s min.)",
			signed.Format(isoBasic), now.Add(skew).Format(isoBasic), now.Format(isoBasic), minutes)
	}
	return &Failure{reason: tooOld, text: text, s3: e}
}

// lapsed tells of a presigned URL after its end.
func lapsed(c *Claim, now time.Time) *Failure {
	e := s3Error("AccessDenied", 403, "Request has expired")
	e.XAmzExpires, e.Expires, e.ServerTime = new(c.life), new(c.Expires.Format(time.RFC3339)), new(now.Format(time.RFC3339))
	return &Failure{reason: tooOld, s3: e, text: fmt.Sprintf("Signature expired: %s is now earlier than %s",
		c.Expires.Format(isoBasic), now.Format(isoBasic))}
}

func notYet() *Failure {
	return &Failure{reason: tooOld, text: "Signature not yet current",
		s3: s3Error("AccessDenied", 403, "Request is not valid yet")}
}

// wrongSignature tells both sides' strings, as AWS does, so that the author of a client can compare.
func wrongSignature(c *Claim, canonical, toSign string) *Failure {
	e := s3Error("SignatureDoesNotMatch", 403, mismatchTextS3)
	e.AWSAccessKeyId, e.SignatureProvided = new(c.AccessKey), new(c.Signature)
	e.StringToSign, e.StringToSignBytes = new(toSign), new(spaced(toSign))
	if canonical == "" { // Version 2 has none
		return &Failure{reason: mismatch, text: mismatchText, s3: e}
	}
	e.CanonicalRequest, e.CanonicalRequestBytes = new(canonical), new(spaced(canonical))
	return &Failure{reason: mismatch, text: mismatchText, s3: e,
		detail: "\n\nThe Canonical String for this request should have been\n'" + canonical +
			"'\n\nThe String-to-Sign should have been\n'" + toSign + "'\n"}
}

func spaced(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(hex.EncodeToString([]byte{s[i]}))
	}
	return b.String()
}

func wrongPayload(claimed, computed string) *Failure {
	e := s3Error("XAmzContentSHA256Mismatch", 400, "The provided 'x-amz-content-sha256' header does not match what was computed.")
	e.ClientComputedContentSHA256, e.S3ComputedContentSHA256 = new(claimed), new(computed)
	return &Failure{reason: mismatch, text: mismatchText, s3: e}
}

func badPayloadHash(value string) *Failure {
	if value == "" {
		return incomplete("Missing required header for this request: x-amz-content-sha256", "InvalidRequest",
			"Missing required header for this request: x-amz-content-sha256")
	}
	e := s3Error("InvalidArgument", 400, "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER, STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD, STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER or a valid sha256 value.")
	e.ArgumentName, e.ArgumentValue = new("x-amz-content-sha256"), new(value)
	return &Failure{reason: malformed, text: e.Message, s3: e}
}
