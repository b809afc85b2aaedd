package aws

import "net/http"

// Trailers is the further ability of a streaming request body (the io.Reader of a streaming member) that was sent with
// trailers, as aws-chunked bodies with a checksum at their end are. An operation that was announced a checksum in the
// X-Amz-Trailer header asserts it on the body once Read has returned io.EOF.
type Trailers interface {
	// Announced returns the names that X-Amz-Trailer gave, as they were sent.
	Announced() []string
	// Trailer returns the headers that followed the body, with canonical keys. It is whole after io.EOF.
	Trailer() http.Header
}
