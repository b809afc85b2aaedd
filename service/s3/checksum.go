package s3

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"hash/crc32"
	"net/http"
	"reflect"
	"strings"

	"github.com/minio/crc64nvme"

	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/aws"
)

// sum is the checksum of an object: https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
type sum struct {
	Algorithm string `cbor:"1,keyasint,omitempty"`
	Value     string `cbor:"2,keyasint,omitempty"` // base64, of parts with "-N"
	Type      string `cbor:"3,keyasint,omitempty"` // COMPOSITE or FULL_OBJECT
}

// The algorithms that there are, by their names in ChecksumAlgorithm.
const (
	crc32IEEE   = "CRC32"
	crc32C      = "CRC32C"
	crc64NVME   = "CRC64NVME"
	sumSHA1     = "SHA1"
	sumSHA256   = "SHA256"
	composite   = "COMPOSITE"
	fullObject  = "FULL_OBJECT"
	sumPrefix   = "Checksum"
	headerStart = "x-amz-checksum-"
)

// algorithms are the names of all of them.
func algorithms() []string { return []string{crc32IEEE, crc32C, crc64NVME, sumSHA1, sumSHA256} }

// newHash returns the hash of an algorithm, or nil.
func newHash(algorithm string) hash.Hash {
	switch algorithm {
	case crc32IEEE:
		return crc32.NewIEEE()
	case crc32C:
		return crc32.New(crc32.MakeTable(crc32.Castagnoli))
	case crc64NVME:
		return crc64nvme.New()
	case sumSHA1:
		return sha1.New()
	case sumSHA256:
		return sha256.New()
	}
	return nil
}

func encodeSum(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

// checkAlgorithm refuses the algorithms that are not there.
func checkAlgorithm(name string) error {
	if name == "" || newHash(name) != nil {
		return nil
	}
	for _, known := range s3api.ChecksumAlgorithm("").EnumValues() {
		if known == name {
			return notImplemented("Brume has the checksum algorithms " + strings.Join(algorithms(), ", ") + ", not " + name)
		}
	}
	return invalidRequest("Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]")
}

// expectation is what a client says that its body is.
type expectation struct {
	md5       []byte // nil: not said
	algorithm string // whose value is wanted, "" when not said
	value     string // base64; "" when it comes in the trailer
	keep      string // the algorithm whose value is kept, "" for the client's
}

// expect reads Content-MD5 and the checksum members of a request.
func expect(in any, contentMD5 *string, algorithm s3api.ChecksumAlgorithm) (e expectation, err error) {
	if contentMD5 != nil {
		if e.md5, err = base64.StdEncoding.DecodeString(*contentMD5); err != nil || len(e.md5) != md5.Size {
			return e, aws.Errorf("InvalidDigest", http.StatusBadRequest, "The Content-MD5 you specified was invalid.")
		}
	}
	if err := checkAlgorithm(string(algorithm)); err != nil {
		return e, err
	}
	e.algorithm = string(algorithm)
	given, err := sumOf(in)
	if err != nil || given.Algorithm == "" {
		return e, err
	}
	if e.algorithm != "" && e.algorithm != given.Algorithm {
		return e, invalidRequest("Value for x-amz-sdk-checksum-algorithm header is invalid.")
	}
	e.algorithm, e.value = given.Algorithm, given.Value
	return e, checkValue(e.algorithm, e.value)
}

// sumOf reads the one Checksum… member of a structure that is set.
func sumOf(in any) (s sum, err error) {
	v := reflect.ValueOf(in).Elem()
	t := v.Type()
	for i := range t.NumField() {
		name, ok := strings.CutPrefix(t.Field(i).Name, sumPrefix)
		p, isText := v.Field(i).Interface().(*string)
		if !ok || !isText || p == nil {
			continue
		}
		if s.Algorithm != "" {
			return s, invalidRequest("Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
		}
		if err := checkAlgorithm(name); err != nil {
			return s, err
		}
		s.Algorithm, s.Value = name, *p
	}
	return s, nil
}

func checkValue(algorithm, value string) error {
	b, err := base64.StdEncoding.DecodeString(value)
	if err != nil || len(b) != newHash(algorithm).Size() {
		return invalidRequest("Value for %s%s header is invalid.", headerStart, strings.ToLower(algorithm))
	}
	return nil
}

// setSum writes a checksum into the Checksum… members of an answer.
func setSum(out any, s sum) {
	if s.Algorithm == "" {
		return
	}
	v := reflect.ValueOf(out).Elem()
	if f := v.FieldByName(sumPrefix + s.Algorithm); f.IsValid() {
		f.Set(reflect.ValueOf(ptr(s.Value)))
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

// newDigest computes what e expects; CRC64NVME when it says nothing, which is what S3 then keeps; all algorithms when the
// trailer alone will say which.
func newDigest(e expectation, trailers bool) *digest {
	d := &digest{md5.New(), map[string]hash.Hash{}}
	switch {
	case e.algorithm != "":
		d.sums[e.algorithm] = newHash(e.algorithm)
	case trailers:
		for _, a := range algorithms() {
			d.sums[a] = newHash(a)
		}
	case e.keep == "":
		d.sums[crc64NVME] = newHash(crc64NVME)
	}
	if e.keep != "" && d.sums[e.keep] == nil {
		d.sums[e.keep] = newHash(e.keep)
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
func (d *digest) check(e expectation, trailer http.Header) (sum, error) {
	if e.md5 != nil && string(e.md5) != string(d.md5.Sum(nil)) {
		return sum{}, aws.Errorf("BadDigest", http.StatusBadRequest, "The Content-MD5 you specified did not match what we received.")
	}
	if e.value == "" {
		for _, a := range algorithms() {
			v := trailer.Get(headerStart + a)
			if v == "" {
				continue
			}
			if e.algorithm != "" && e.algorithm != a {
				return sum{}, invalidRequest("Value for x-amz-trailer header is invalid.")
			}
			if err := checkValue(a, v); err != nil {
				return sum{}, err
			}
			e.algorithm, e.value = a, v
		}
	}
	if e.algorithm == "" {
		e.algorithm = crc64NVME
	}
	if e.value != "" && e.value != encodeSum(d.sums[e.algorithm].Sum(nil)) {
		return sum{}, aws.Errorf("BadDigest", http.StatusBadRequest, "The %s you specified did not match the calculated checksum.", e.algorithm)
	}
	if e.keep == "" {
		e.keep = e.algorithm
	}
	return sum{e.keep, encodeSum(d.sums[e.keep].Sum(nil)), fullObject}, nil
}
