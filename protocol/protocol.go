// Package protocol turns bytes into the generated structures and back, for every AWS wire protocol, and does nothing
// else: it knows no service, no socket and no store. Its subfolders hold one wire format each.
package protocol

import (
	"io"
	"net/http"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/shape"
)

// Request is a request as it came off the wire, after routing.
type Request struct {
	Method   string
	Path     string            // raw, still percent-encoded
	Query    string            // raw query, without '?'
	Header   http.Header       // canonical keys
	Host     string            // as sent
	Labels   map[string]string // URI labels of the operation's path, decoded: "Bucket", "Key+" as "Key"
	Body     io.Reader         // never nil; bounded by the gateway
	Length   int64             // Content-Length, -1 when unknown
	ID       string            // request id; of S3 in S3's form, "TX234S0F24A06C7"
	HostID   string            // S3's second id, for x-amz-id-2 and HostId; "" for other services
	Resource string            // the path as the client meant it, for error bodies that name it (S3)

	// Answer, when it is not nil, is where a codec may put the headers of an answer that it has finished, which then has
	// no Header of its own. Room is empty and may be appended to for the answer's body, which ends with the exchange.
	Answer http.Header
	Room   []byte

	// Notes is filled in by Decode: what the request lacked that the decoded input cannot say. The validator needs
	// it (shape.Validate); nil for nearly every request.
	Notes shape.Notes
}

// Head is where the headers of w go, the answer to r.
func (r *Request) Head(w *Response) http.Header {
	if r.Answer != nil {
		return r.Answer
	}
	if w.Header == nil {
		w.Header = make(http.Header, 3)
	}
	return w.Header
}

// Response is what goes back. When Stream is not nil it follows Body and is closed by whoever writes the response.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
	Stream io.ReadCloser
	Length int64 // of Stream; -1 when unknown
}

// Codec reads requests and writes responses in one wire protocol. Implementations are stateless.
type Codec interface {
	// Decode fills in, a pointer to op's input structure. Its errors are aws.Errors with the protocol's own codes
	// and texts (SerializationException, MalformedXML, …). It does not check constraints: package shape does.
	Decode(op *aws.Operation, r *Request, in any) error
	// Encode renders a successful output, a pointer to op's output structure.
	Encode(op *aws.Operation, r *Request, out any) (*Response, error)
	// Error renders err. op is nil when no operation was found.
	Error(svc *aws.Service, op *aws.Operation, r *Request, err error) *Response
}
