package gateway

import (
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"net/http"
	"strings"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/checksum"
	"github.com/brume-dev/brume/gateway/route"
	"github.com/brume-dev/brume/protocol"
	"github.com/brume-dev/brume/shape"
)

// digested are the operations of S3 whose documents must come with a digest, lest a part of one be taken for the whole.
// Content-MD5 is "required" in their pages; a checksum does as well.
var digested = map[string]bool{
	"DeleteObjects": true, "PutBucketCors": true, "PutBucketLifecycleConfiguration": true, "PutBucketTagging": true,
	"PutObjectLegalHold": true, "PutObjectLockConfiguration": true, "PutObjectRetention": true,
}

// badDigest is S3's answer to a body that is not what its digest says.
type badDigest struct {
	message          string
	ExpectedDigest   *string `aws:"ExpectedDigest"`
	CalculatedDigest *string `aws:"CalculatedDigest"`
}

func (e *badDigest) Error() string { return "BadDigest: " + e.message }

// ErrorInfo implements aws.Error.
func (e *badDigest) ErrorInfo() aws.ErrorInfo {
	return aws.ErrorInfo{Code: "BadDigest", Status: http.StatusBadRequest, Message: e.message}
}

// verify compares a document of S3 with the digests that came with it. Bodies of objects are not read here: S3 compares
// those as it stores them.
func (x *exchange) verify(to route.Route, in any) error {
	input := shape.ValueOf(in).Shape
	if to.Service.Name != "s3" || input.Payload == nil || input.Payload.Shape.Kind == shape.Stream {
		return nil
	}
	body, err := protocol.ReadBody(&x.wire)
	if err != nil || len(body) == 0 {
		return err
	}
	var trailer http.Header
	if t, ok := x.wire.Body.(aws.Trailers); ok {
		trailer = t.Trailer()
	}
	x.whole, x.read, x.wire.Body, x.wire.Length = body, true, x, int64(len(body))
	given := false
	if sent, ok := x.wire.Header["Content-Md5"]; ok {
		given = true
		if err := verifyMD5(sent[0], body); err != nil {
			return err
		}
	}
	if input.Member("ChecksumCRC32") == nil { // otherwise the headers are about an object
		one, err := verifySum(x.wire.Header, trailer, body)
		if err != nil {
			return err
		}
		given = given || one
	}
	if !given && digested[to.Op.Name] {
		return aws.Errorf("InvalidRequest", http.StatusBadRequest, "Missing required header for this request: Content-MD5 OR x-amz-checksum-*")
	}
	return nil
}

func verifyMD5(sent string, body []byte) error {
	want, err := base64.StdEncoding.DecodeString(sent)
	if err != nil || len(want) != md5.Size {
		return aws.Errorf("InvalidDigest", http.StatusBadRequest, "The Content-MD5 you specified was invalid.")
	}
	if got := md5.Sum(body); !bytes.Equal(want, got[:]) {
		return &badDigest{"The Content-MD5 you specified did not match what we received.", &sent, new(base64.StdEncoding.EncodeToString(got[:]))}
	}
	return nil
}

// verifySum looks for a checksum among headers and trailers.
func verifySum(header, trailer http.Header, body []byte) (given bool, err error) {
	for _, a := range checksum.Algorithms() {
		sent := header.Get(checksum.Header + a)
		if sent == "" {
			sent = trailer.Get(checksum.Header + a)
		}
		if sent == "" {
			continue
		}
		if given {
			return true, aws.Errorf("InvalidRequest", http.StatusBadRequest, "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
		}
		given = true
		h := checksum.New(a)
		if b, err := base64.StdEncoding.DecodeString(sent); err != nil || len(b) != h.Size() {
			return true, aws.Errorf("InvalidRequest", http.StatusBadRequest, "Value for %s%s header is invalid.", checksum.Header, strings.ToLower(a))
		}
		h.Write(body)
		if checksum.Encode(h.Sum(nil)) != sent {
			return true, &badDigest{message: "The " + a + " you specified did not match the calculated checksum."}
		}
	}
	if want := header.Get("X-Amz-Sdk-Checksum-Algorithm"); want != "" && !given && checksum.New(strings.ToUpper(want)) != nil {
		return false, aws.Errorf("InvalidRequest", http.StatusBadRequest, "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.")
	}
	return given, nil
}
