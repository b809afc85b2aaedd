package checksum

import (
	"encoding/base64"
	"encoding/binary"
)

// The CRC of a whole follows from those of its parts and their lengths: shifting a CRC over n zero bytes is a linear map
// on its bits, of which squaring gives the map for 2n. Polynomials are reversed, as the hashes have them.
const (
	polyIEEE = 0xedb88320
	polyC    = 0x82f63b78
	poly64   = 0x9a6c9329ac4bc9b5
)

// matrix is a linear map on the bits of a CRC: entry i is the image of bit i.
type matrix [64]uint64

func (m *matrix) apply(v uint64) (out uint64) {
	for i := 0; v != 0; i, v = i+1, v>>1 {
		if v&1 != 0 {
			out ^= m[i]
		}
	}
	return out
}

func (m *matrix) square(width int) (out matrix) {
	for i := range width {
		out[i] = m.apply(m[i])
	}
	return out
}

// combine returns the CRC of a body from those of its first part and of a second part of n bytes.
func combine(poly uint64, width int, first, second uint64, n int64) uint64 {
	var m matrix // shifts by one bit
	m[0] = poly
	for i := 1; i < width; i++ {
		m[i] = 1 << (i - 1)
	}
	for range 3 { // by one byte
		m = m.square(width)
	}
	for ; n > 0; n >>= 1 {
		if n&1 != 0 {
			first = m.apply(first)
		}
		m = m.square(width)
	}
	return first ^ second
}

// Part is a part of a whole: its checksum in base64 and its length.
type Part struct {
	Sum  string
	Size int64
}

// Join returns the checksum of a whole from those of its parts, in their order; ok is false for algorithms that have none.
func Join(algorithm string, parts []Part) (sum string, ok bool) {
	poly, width := uint64(0), 32
	switch algorithm {
	case CRC32:
		poly = polyIEEE
	case CRC32C:
		poly = polyC
	case CRC64NVME:
		poly, width = poly64, 64
	default:
		return "", false
	}
	crc := uint64(0)
	for i, p := range parts {
		b, err := base64.StdEncoding.DecodeString(p.Sum)
		if err != nil || len(b) != width/8 {
			return "", false
		}
		v := binary.BigEndian.Uint64(append(make([]byte, 8-len(b)), b...))
		if i == 0 {
			crc = v
			continue
		}
		crc = combine(poly, width, crc, v, p.Size)
	}
	return Encode(binary.BigEndian.AppendUint64(nil, crc)[8-width/8:]), true
}
