package shape

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/shape/jsontext"
)

// JSON reads and writes structures as JSON. The zero JSON is awsJson: all members by their names.
type JSON struct {
	// Bound leaves out the members of the outermost structure that HTTP bindings put elsewhere: the bodies of
	// restJson.
	Bound bool
	// Lenient also takes timestamps as ISO 8601 strings, blobs and streams as they come, and a capital where the
	// name of a member begins with a small letter: documents that people write by hand.
	Lenient bool
	// Seen are the members of the outermost structure that were found elsewhere already; only Decode looks.
	Seen Seen
}

// DecodeJSON fills v, a pointer to a structure, from a JSON document in awsJson form with the member names of the API
// model. An empty document counts as {}. Unknown members are skipped and nulls are absent. The notes are for Validate.
// Errors are aws.Errors with the code SerializationException.
func DecodeJSON(doc []byte, v any) (Notes, error) {
	var n Notes
	err := JSON{Lenient: true}.Decode(doc, ValueOf(v), &n)
	return n, err
}

// AppendJSON appends v, a pointer to a structure, to dst as DecodeJSON reads it. It fails only when v holds a stream
// that cannot be read.
func AppendJSON(dst []byte, v any) ([]byte, error) {
	return JSON{Lenient: true}.Append(dst, ValueOf(v))
}

// AppendString appends s to dst as a JSON string.
func AppendString(dst []byte, s string) []byte { return jsontext.AppendString(dst, s) }

// SerializationError is the error of an input that does not have the form that its model demands. AWS gives no message
// for text that is not JSON at all.
func SerializationError(format string, args ...any) error {
	return &aws.CodedError{Info: aws.ErrorInfo{Code: "SerializationException", Status: http.StatusBadRequest,
		Message: fmt.Sprintf(format, args...)}}
}

// serialization turns what a scanner or a JSONCodec reports into what a client sees.
func serialization(err error) error {
	var known aws.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known):
		return err
	case errors.Is(err, jsontext.ErrSyntax):
		return SerializationError("")
	}
	return SerializationError("%v", err)
}
