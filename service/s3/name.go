package s3

import (
	"encoding/base64"
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"unicode/utf8"

	"github.com/brume-dev/brume/aws"
)

var errName = errors.New("s3: not a bucket's name")

// checkName keeps the rules of https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
func checkName(s string) error {
	if len(s) < 3 || len(s) > 63 || !alphanumeric(s[0]) || !alphanumeric(s[len(s)-1]) || strings.Contains(s, "..") {
		return errName
	}
	for i := range len(s) {
		if c := s[i]; !alphanumeric(c) && c != '.' && c != '-' {
			return errName
		}
	}
	if _, err := netip.ParseAddr(s); err == nil {
		return errName
	}
	for _, p := range []string{"xn--", "sthree-", "amzn-s3-demo-bucket-reserved-"} {
		if strings.HasPrefix(s, p) {
			return errName
		}
	}
	for _, p := range []string{"-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3", "-an"} {
		if strings.HasSuffix(s, p) {
			return errName
		}
	}
	return nil
}

func alphanumeric(c byte) bool { return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' }

func invalidName(string) error {
	return aws.Errorf("InvalidBucketName", http.StatusBadRequest, "The specified bucket is not valid.")
}

// keyTooLong is the error of keys over 1,024 bytes.
type keyTooLong struct {
	Size           int `aws:"Size"`
	MaxSizeAllowed int `aws:"MaxSizeAllowed"`
}

func (e *keyTooLong) Error() string { return "KeyTooLongError" }

// ErrorInfo implements aws.Error.
func (e *keyTooLong) ErrorInfo() aws.ErrorInfo {
	return aws.ErrorInfo{Code: "KeyTooLongError", Status: http.StatusBadRequest, Message: "Your key is too long"}
}

// checkKey checks the name of an object: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
func checkKey(key string) error {
	switch {
	case len(key) > maxKey:
		return &keyTooLong{len(key), maxKey}
	case !utf8.ValidString(key):
		return aws.Errorf("InvalidURI", http.StatusBadRequest, "Couldn't parse the specified URI.")
	}
	return nil
}

// Continuation tokens are opaque to clients: "1" and the last name, in base64.

func sealToken(last string) string { return base64.StdEncoding.EncodeToString([]byte("1" + last)) }

func openToken(token string) (string, error) {
	b, err := base64.StdEncoding.DecodeString(token)
	if err != nil || len(b) == 0 || b[0] != '1' {
		return "", invalidArgument("The continuation token provided is incorrect", "continuation-token", token)
	}
	return string(b[1:]), nil
}
