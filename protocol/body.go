package protocol

import (
	"errors"
	"io"
	"net/http"

	"github.com/brume-dev/brume/aws"
)

// Whole is the further ability of a Request's Body: bytes that lie in memory already need not be copied.
type Whole interface {
	// Whole returns all that is left of the body, and whether it is in memory. The bytes are the caller's.
	Whole() ([]byte, bool)
}

// ReadBody reads the whole body of r. The gateway bounds it; a body that is larger than the bound, or ends early, gives
// the error of the protocols. The bytes are the caller's.
func ReadBody(r *Request) ([]byte, error) {
	if r.Length == 0 {
		return nil, nil
	}
	if w, ok := r.Body.(Whole); ok {
		if b, ok := w.Whole(); ok {
			return b, nil
		}
	}
	size := int64(firstRead)
	if r.Length > 0 {
		size = min(r.Length, trustedLength)
	}
	b := make([]byte, 0, size)
	for {
		n, err := r.Body.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		switch {
		case errors.Is(err, io.EOF):
			if int64(len(b)) < r.Length {
				return nil, bodyError(io.ErrUnexpectedEOF)
			}
			return b, nil
		case err != nil:
			return nil, bodyError(err)
		case int64(len(b)) == r.Length:
			return b, nil
		case len(b) == cap(b):
			b = append(b, 0)[:len(b)]
		}
	}
}

// bodyError keeps errors that are meant for the client and names the others.
func bodyError(err error) error {
	var known aws.Error
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &known):
		return err
	case errors.As(err, &large):
		return aws.Errorf("RequestEntityTooLargeException", http.StatusRequestEntityTooLarge,
			"Request must be smaller than %d bytes", large.Limit)
	}
	return &aws.CodedError{Err: err, Info: aws.ErrorInfo{Code: "SerializationException", Status: http.StatusBadRequest,
		Message: "The request body ended before it was complete"}}
}
