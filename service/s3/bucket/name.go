package bucket

import (
	"encoding/base64"
	"net/http"
	"unicode/utf8"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/s3/fault"
)

// keyTooLong is the error of keys over 1,024 bytes.
type keyTooLong struct {
	Size           int64 `aws:"Size"`
	MaxSizeAllowed int64 `aws:"MaxSizeAllowed"`
}

func (e *keyTooLong) Error() string { return "KeyTooLongError" }

// ErrorInfo implements aws.Error.
func (e *keyTooLong) ErrorInfo() aws.ErrorInfo {
	return aws.ErrorInfo{Code: "KeyTooLongError", Status: http.StatusBadRequest, Message: "Your key is too long"}
}

// CheckKey checks the name of an object: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
func CheckKey(key string) error {
	switch {
	case len(key) > MaxKey:
		return &keyTooLong{int64(len(key)), MaxKey}
	case !utf8.ValidString(key):
		return aws.Errorf("InvalidURI", http.StatusBadRequest, "Couldn't parse the specified URI.")
	}
	return nil
}

// OpenToken reads a continuation token.
func OpenToken(token string) (string, error) {
	b, err := base64.StdEncoding.DecodeString(token)
	if err != nil || len(b) == 0 || b[0] != '1' {
		return "", fault.InvalidArgument("The continuation token provided is incorrect", "continuation-token", token)
	}
	return string(b[1:]), nil
}
