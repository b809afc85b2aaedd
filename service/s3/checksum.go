package s3

import (
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"net/http"
	"reflect"
	"strings"

	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/checksum"
	"github.com/brume-dev/brume/service/s3/bucket"
	"github.com/brume-dev/brume/service/s3/fault"
)

// expect reads Content-MD5 and the checksum members of a request.
func expect(in any, contentMD5 *string, algorithm s3api.ChecksumAlgorithm) (e bucket.Expectation, err error) {
	if contentMD5 != nil {
		if e.Md5, err = base64.StdEncoding.DecodeString(*contentMD5); err != nil || len(e.Md5) != md5.Size {
			return e, aws.Errorf("InvalidDigest", http.StatusBadRequest, "The Content-MD5 you specified was invalid.")
		}
	}
	algorithm = s3api.ChecksumAlgorithm(strings.ToUpper(string(algorithm)))
	if err := bucket.CheckAlgorithm(string(algorithm)); err != nil {
		return e, err
	}
	e.Algorithm = string(algorithm)
	given, err := bucket.SumOf(in)
	if err != nil || given.Algorithm == "" {
		return e, err
	}
	if e.Algorithm != "" && e.Algorithm != given.Algorithm {
		return e, fault.InvalidRequest("Value for x-amz-sdk-checksum-algorithm header is invalid.")
	}
	e.Algorithm, e.Value = given.Algorithm, given.Value
	return e, checkValue(e.Algorithm, e.Value)
}

func checkValue(algorithm, value string) error {
	b, err := base64.StdEncoding.DecodeString(value)
	if err != nil || len(b) != checksum.New(algorithm).Size() {
		return fault.InvalidRequest("Value for %s%s header is invalid.", checksum.Header, strings.ToLower(algorithm))
	}
	return nil
}

// setSum writes a checksum into the Checksum… members of an answer.
func setSum(out any, s bucket.Sum) {
	if s.Algorithm == "" {
		return
	}
	v := reflect.ValueOf(out).Elem()
	if f := v.FieldByName(bucket.SumPrefix + s.Algorithm); f.IsValid() {
		f.Set(reflect.ValueOf(new(s.Value)))
	}
	if f := v.FieldByName("ChecksumType"); f.IsValid() && s.Type != "" {
		f.SetString(s.Type)
	}
}

// digest hashes a body as it is read.
type digest struct {
	md5  hash.Hash
	sums map[string]hash.Hash
}

// newDigest computes what e expects; CRC64NVME when it says nothing, which is what S3 then keeps.
func newDigest(e bucket.Expectation) *digest {
	d := &digest{md5.New(), map[string]hash.Hash{}}
	switch {
	case e.Algorithm != "":
		d.sums[e.Algorithm] = checksum.New(e.Algorithm)
	case e.Keep == "":
		d.sums[checksum.CRC64NVME] = checksum.New(checksum.CRC64NVME)
	}
	if e.Keep != "" && d.sums[e.Keep] == nil {
		d.sums[e.Keep] = checksum.New(e.Keep)
	}
	return d
}

// Write implements io.Writer.
func (d *digest) Write(p []byte) (int, error) {
	d.md5.Write(p)
	for _, h := range d.sums {
		h.Write(p)
	}
	return len(p), nil
}

func (d *digest) etag() string { return hex.EncodeToString(d.md5.Sum(nil)) }

// check compares the body with what the client said, once it has been read, and returns the checksum to keep.
func (d *digest) check(e bucket.Expectation, trailer http.Header) (bucket.Sum, error) {
	if e.Md5 != nil && string(e.Md5) != string(d.md5.Sum(nil)) {
		return bucket.Sum{}, aws.Errorf("BadDigest", http.StatusBadRequest, "The Content-MD5 you specified did not match what we received.")
	}
	if e.Value == "" {
		for _, a := range checksum.Algorithms() {
			v := trailer.Get(checksum.Header + a)
			if v == "" {
				continue
			}
			if e.Algorithm != "" && e.Algorithm != a {
				return bucket.Sum{}, fault.InvalidRequest("Value for x-amz-trailer header is invalid.")
			}
			if checkValue(a, v) != nil {
				return bucket.Sum{}, fault.InvalidRequest("Value for %s%s trailing header is invalid.", checksum.Header, strings.ToLower(a))
			}
			e.Algorithm, e.Value = a, v
		}
	}
	if e.Algorithm == "" {
		e.Algorithm = checksum.CRC64NVME
	}
	if e.Value != "" && e.Value != checksum.Encode(d.sums[e.Algorithm].Sum(nil)) {
		return bucket.Sum{}, aws.Errorf("BadDigest", http.StatusBadRequest, "The %s you specified did not match the calculated checksum.", e.Algorithm)
	}
	if e.Keep == "" {
		e.Keep = e.Algorithm
	}
	return bucket.Sum{Algorithm: e.Keep, Value: checksum.Encode(d.sums[e.Keep].Sum(nil)), Type: bucket.FullObject}, nil
}
