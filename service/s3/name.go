package s3

import (
	"encoding/base64"
	"errors"
	"net/http"
	"net/netip"
	"strings"

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

// Continuation tokens are opaque to clients: "1" and the last name, in base64.

func sealToken(last string) string { return base64.StdEncoding.EncodeToString([]byte("1" + last)) }
