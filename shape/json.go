package shape

import "github.com/brume-dev/brume/shape/jsontext"

// JSON reads and writes structures as JSON. The zero JSON is awsJson: all members by their names.
type JSON struct {
	// Bound leaves out the members of the outermost structure that HTTP bindings put elsewhere: the bodies of
	// restJson.
	Bound bool
	// Lenient also takes timestamps as ISO 8601 strings, and members by their names in Go, which are those of the
	// model with a capital: documents that people write by hand.
	Lenient bool
	// DynamoDB has its own wordings of SerializationExceptions.
	DynamoDB bool
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
