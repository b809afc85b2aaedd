// Package record is the one encoding of stored values: a version byte, then the structure in deterministic CBOR (RFC
// 8949, section 4.2). Fields carry `cbor:"1,keyasint,omitempty"` tags: the number is the field's name for ever.
// A field may be added under a new number; anything else is a new version, and an unknown version is an error.
package record

import (
	"fmt"

	"github.com/fxamacker/cbor/v2"
)

var encoding, decoding = modes()

func modes() (cbor.EncMode, cbor.DecMode) {
	eo := cbor.CoreDetEncOptions()
	eo.Time = cbor.TimeRFC3339Nano
	em, err := eo.EncMode()
	if err != nil {
		panic(err)
	}
	dm, err := cbor.DecOptions{MaxArrayElements: 1 << 24, MaxMapPairs: 1 << 24, MaxNestedLevels: 128}.DecMode()
	if err != nil {
		panic(err)
	}
	return em, dm
}

// Encode returns version followed by v. It panics when v cannot be encoded, which is our own bug.
func Encode(version byte, v any) []byte {
	b, err := encoding.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("record: encode %T: %v", v, err))
	}
	out := make([]byte, 0, len(b)+1)
	return append(append(out, version), b...)
}

// Decode fills v, a pointer, from b, which Encode made with the same version.
func Decode(b []byte, version byte, v any) error {
	if len(b) == 0 || b[0] != version {
		return fmt.Errorf("record: %T: want version %d, have %x", v, version, b[:min(len(b), 1)])
	}
	if err := decoding.Unmarshal(b[1:], v); err != nil {
		return fmt.Errorf("record: decode %T: %w", v, err)
	}
	return nil
}
