package aws

import "net/http"

// DataPlane serves requests that are no call of an AWS operation: the invoke URL of an API, a function URL. The gateway
// hands them over before it has looked at any credentials, because what an Authorization header means there (a SigV4
// signature, a JWT, anything) is for the resource to say.
type DataPlane interface {
	// ServeData answers r, whose Body is bounded by the gateway but not read. r.URL is what the client sent; Visit
	// says what it means.
	ServeData(w http.ResponseWriter, r *http.Request, v Visit)
}

// Visit is one request for a data plane.
type Visit struct {
	// Resource is the id that the host name or the path gave: of an API, of a function URL.
	Resource string
	// Stage is the stage that a path form named ("/restapis/{id}/{stage}/_user_request_/…"), still percent-encoded.
	// It is empty for the host form, where the first segment of Path names the stage, or nothing does.
	Stage string
	// Path is the raw path below the resource (and below Stage, when that is set). It begins with "/".
	Path string
	// Region is the one that the host name gave, or "".
	Region string
	// Request is what policies and logs are told about the request; its ID is the request id to answer with.
	Request Request
	// Who verifies the request's signature, for resources that want IAM authorization; body is the payload that
	// was read from r.Body. Only keys that the platform knows are taken, whatever --auth says. An unsigned
	// request gives MissingAuthenticationTokenException, and so on: errors have AWS's code, status (403) and text.
	Who func(body []byte) (Identity, error)
}
