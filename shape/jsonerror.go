package shape

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/shape/jsontext"
)

// SerializationError is the error of an input that does not have the form that its model demands. AWS gives no message
// for text that is not JSON at all.
func SerializationError(format string, args ...any) error {
	return &aws.CodedError{Info: aws.ErrorInfo{Code: "SerializationException", Status: http.StatusBadRequest,
		Message: fmt.Sprintf(format, args...)}}
}

// serialization turns what a scanner or a JSONCodec reports into what a client sees.
func serialization(err error) error {
	if err == nil {
		return nil
	}
	var known aws.Error
	switch {
	case errors.As(err, &known):
		return err
	case errors.Is(err, jsontext.ErrSyntax):
		return SerializationError("")
	}
	return SerializationError("%v", err)
}

// mismatch is the error of a value that is not of the kind of s.
func (d *jsonDecoder) mismatch(s *Shape) error {
	c := d.Peek()
	switch {
	case c == '{':
		return SerializationError("Start of structure or map found where not expected.")
	case c == '[' && d.DynamoDB:
		return SerializationError("Unrecognized collection type class %s", javaClass(s))
	case c == '[':
		return SerializationError("Start of list found where not expected")
	}
	token := ""
	switch c {
	case '"':
		token = "STRING_VALUE"
	case '0':
		token = "NUMBER_VALUE"
	case 't':
		token = "TRUE_VALUE"
	case 'f':
		token = "FALSE_VALUE"
	}
	if err := d.Skip(); err != nil {
		return err
	}
	return d.inconvertible(token, s)
}

// inconvertible is the error of a scalar token in the place of s.
func (d *jsonDecoder) inconvertible(token string, s *Shape) error {
	if !d.DynamoDB {
		return NotConvertible(token, s)
	}
	switch s.Kind {
	case Structure, List, Map:
		return SerializationError("Unexpected field type")
	}
	return SerializationError("%s cannot be converted to %s", token, kindName(s))
}

// NotConvertible is the error of a scalar that is not of the kind of s; token says what it is: STRING_VALUE.
func NotConvertible(token string, s *Shape) error {
	switch s.Kind {
	case Structure:
		return SerializationError("Expected null")
	case List:
		return SerializationError("Expected list or null")
	case Map:
		return SerializationError("Expected map or null")
	case Timestamp:
		return SerializationError("%s can not be converted to milliseconds since epoch", token)
	case Integer:
		return SerializationError("%s can not be converted to an Integer", token)
	}
	return SerializationError("%s can not be converted to a %s", token, kindName(s))
}

func kindName(s *Shape) string {
	switch s.Kind {
	case Boolean:
		return "Boolean"
	case Integer:
		return "Integer"
	case Long:
		return "Long"
	case Float:
		return "Float"
	case Double:
		return "Double"
	case Blob, Stream:
		return "Blob"
	case Timestamp:
		return "Date"
	}
	return "String"
}

func javaClass(s *Shape) string {
	switch s.Kind {
	case Structure:
		return "com.amazonaws.dynamodb.v20120810." + s.Name
	case Map:
		return "java.util.Map"
	case Blob:
		return "java.nio.ByteBuffer"
	case Timestamp:
		return "java.util.Date"
	}
	return "java.lang." + kindName(s)
}
