package message

import (
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
)

// Receipt is what a receipt handle says: which message of which queue, and which of its receives.
type Receipt struct {
	Queue uint64
	Ref
	Count uint32 // how often the message has been received in this queue, this receive included
}

// The layout of a receipt handle, in base64:
//
//	1 1 1(3)  queue(8)  sent(8)  id(16)  count(4)  CRC-32C of all of it(4)
//
// The first three bytes make it begin with AQEB, as those of SQS do. The sum tells a handle that was cut or mistyped; it
// guards nothing: who may use a handle is what policies say.
const receiptSize = 3 + 8 + 8 + 16 + 4 + 4

// String is the receipt handle.
func (r Receipt) String() string {
	b := make([]byte, 0, receiptSize)
	b = append(b, 1, 1, 1)
	b = binary.BigEndian.AppendUint64(b, r.Queue)
	b = binary.BigEndian.AppendUint64(b, uint64(r.Sent))
	b = append(b, r.ID[:]...)
	b = binary.BigEndian.AppendUint32(b, r.Count)
	b = binary.BigEndian.AppendUint32(b, receiptSum(b))
	return base64.StdEncoding.EncodeToString(b)
}

func receiptSum(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }

// ParseReceipt is the inverse of String; ok is false for what is no receipt handle.
func ParseReceipt(s string) (r Receipt, ok bool) {
	if len(s) != base64.StdEncoding.EncodedLen(receiptSize) {
		return r, false
	}
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil || len(b) != receiptSize || b[0] != 1 || b[1] != 1 || b[2] != 1 {
		return r, false
	}
	body := b[:receiptSize-4]
	if receiptSum(body) != binary.BigEndian.Uint32(b[receiptSize-4:]) {
		return r, false
	}
	r.Queue = binary.BigEndian.Uint64(b[3:])
	r.Sent = int64(binary.BigEndian.Uint64(b[11:]))
	copy(r.ID[:], b[19:])
	r.Count = binary.BigEndian.Uint32(b[35:])
	return r, true
}
