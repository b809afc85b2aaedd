package protocol

import (
	"errors"
	"reflect"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/shape"
)

// ErrorValue returns the structure of a modelled error in err's chain, whose members the protocols render. ok is false
// for errors that are only a code and a message.
func ErrorValue(err error) (v shape.Value, ok bool) {
	var e aws.Error
	if !errors.As(err, &e) {
		return shape.Value{}, false
	}
	t := reflect.TypeOf(e)
	if t.Kind() != reflect.Pointer || t.Elem().Kind() != reflect.Struct || reflect.ValueOf(e).IsNil() {
		return shape.Value{}, false
	}
	for i := range t.Elem().NumField() {
		if _, ok := t.Elem().Field(i).Tag.Lookup("aws"); ok {
			return shape.ValueOf(e), true
		}
	}
	return shape.Value{}, false
}

// IsMessage reports whether m is the member of an error that holds its message: models write it in three ways.
func IsMessage(m *shape.Member) bool {
	return m.Go == "Message" || m.Name == "message" || m.Name == "Message"
}

// HasMessage reports whether an error has a member that holds its message.
func HasMessage(s *shape.Shape) bool {
	for i := range s.Members {
		if IsMessage(&s.Members[i]) {
			return true
		}
	}
	return false
}

// MessageKey is the JSON name of the message of an error that no model describes. AWS's framework does not spell it the
// same way everywhere.
func MessageKey(code string) string {
	switch code {
	case "SerializationException", "AccessDeniedException":
		return "Message"
	}
	return "message"
}

// QueryError is the value of x-amzn-query-error for services that once spoke Query: the old code, and whose fault it is.
func QueryError(i aws.ErrorInfo) string {
	code := i.Query
	if code == "" {
		code = i.Code
	}
	return code + ";" + FaultType(i)
}

// FaultType is the Type of an error in Query.
func FaultType(i aws.ErrorInfo) string {
	if i.Fault || i.Status >= 500 {
		return "Receiver"
	}
	return "Sender"
}

// Status is the HTTP status of an error, 400 or 500 when it does not say.
func Status(i aws.ErrorInfo) int {
	switch {
	case i.Status != 0:
		return i.Status
	case i.Fault:
		return 500
	}
	return 400
}
