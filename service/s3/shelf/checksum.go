package shelf

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"hash/crc32"
	"reflect"
	"strings"

	"github.com/minio/crc64nvme"

	"github.com/brume-dev/brume/api/s3api"
)

// Sum is the checksum of an object: https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
type Sum struct {
	Algorithm string `cbor:"1,keyasint,omitempty"`
	Value     string `cbor:"2,keyasint,omitempty"` // base64, of parts with "-N"
	Type      string `cbor:"3,keyasint,omitempty"` // COMPOSITE or FULL_OBJECT
}

// The algorithms that there are, by their names in ChecksumAlgorithm.
const (
	crc32IEEE   = "CRC32"
	crc32C      = "CRC32C"
	Crc64NVME   = "CRC64NVME"
	sumSHA1     = "SHA1"
	sumSHA256   = "SHA256"
	Composite   = "COMPOSITE"
	FullObject  = "FULL_OBJECT"
	SumPrefix   = "Checksum"
	HeaderStart = "x-amz-checksum-"
)

// Algorithms are the names of all of them.
func Algorithms() []string { return []string{crc32IEEE, crc32C, Crc64NVME, sumSHA1, sumSHA256} }

// NewHash returns the hash of an algorithm, or nil.
func NewHash(algorithm string) hash.Hash {
	switch algorithm {
	case crc32IEEE:
		return crc32.NewIEEE()
	case crc32C:
		return crc32.New(crc32.MakeTable(crc32.Castagnoli))
	case Crc64NVME:
		return crc64nvme.New()
	case sumSHA1:
		return sha1.New()
	case sumSHA256:
		return sha256.New()
	}
	return nil
}

// EncodeSum writes a checksum as S3 does: base64.
func EncodeSum(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

// CheckAlgorithm refuses the algorithms that are not there.
func CheckAlgorithm(name string) error {
	if name == "" || NewHash(name) != nil {
		return nil
	}
	for _, known := range s3api.ChecksumAlgorithm("").EnumValues() {
		if known == name {
			return NotImplemented("Brume has the checksum algorithms " + strings.Join(Algorithms(), ", ") + ", not " + name)
		}
	}
	return InvalidRequest("Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]")
}

// Expectation is what a client says that its body is.
type Expectation struct {
	Md5       []byte // nil: not said
	Algorithm string // whose value is wanted, "" when not said
	Value     string // base64; "" when it comes in the trailer
	Keep      string // the algorithm whose value is kept, "" for the client's
}

// SumOf reads the one Checksum… member of a structure that is set.
func SumOf(in any) (s Sum, err error) {
	v := reflect.ValueOf(in).Elem()
	t := v.Type()
	for i := range t.NumField() {
		name, ok := strings.CutPrefix(t.Field(i).Name, SumPrefix)
		p, isText := v.Field(i).Interface().(*string)
		if !ok || !isText || p == nil {
			continue
		}
		if s.Algorithm != "" {
			return s, InvalidRequest("Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
		}
		if err := CheckAlgorithm(name); err != nil {
			return s, err
		}
		s.Algorithm, s.Value = name, *p
	}
	return s, nil
}
