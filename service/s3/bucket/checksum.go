package bucket

import (
	"reflect"
	"strings"

	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/checksum"
	"github.com/brume-dev/brume/service/s3/fault"
)

// Sum is the checksum of an object: https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
type Sum struct {
	Algorithm string `cbor:"1,keyasint,omitempty"`
	Value     string `cbor:"2,keyasint,omitempty"` // base64, of parts with "-N"
	Type      string `cbor:"3,keyasint,omitempty"` // COMPOSITE or FULL_OBJECT
}

// The types of checksums of objects that were uploaded in parts.
const (
	Composite  = "COMPOSITE"   // of the checksums of the parts
	FullObject = "FULL_OBJECT" // of all bytes
)

// SumPrefix begins the names of the members that hold checksums.
const SumPrefix = "Checksum"

// CheckAlgorithm refuses the algorithms that are not there.
func CheckAlgorithm(name string) error {
	if name == "" || checksum.New(name) != nil {
		return nil
	}
	for _, known := range s3api.ChecksumAlgorithm("").EnumValues() {
		if known == name {
			return fault.NotImplemented("Brume has the checksum algorithms " + strings.Join(checksum.Algorithms(), ", ") + ", not " + name)
		}
	}
	return fault.InvalidRequest("%s", "Checksum algorithm provided is unsupported. Please try again with any of the valid types: ["+strings.Join(checksum.Algorithms(), ", ")+"]")
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
			return s, fault.InvalidRequest("Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
		}
		if err := CheckAlgorithm(name); err != nil {
			return s, err
		}
		s.Algorithm, s.Value = name, *p
	}
	return s, nil
}
