// Package eventstream writes application/vnd.amazon.eventstream, the framing in which AWS sends several messages in one
// HTTP answer: https://smithy.io/2.0/aws/amazon-eventstream.html
//
//	total length   4 bytes
//	headers length 4
//	checksum       4   CRC-32 of the eight bytes before it
//	headers        name length 1, name, type 1 (7: string), value length 2, value
//	payload
//	checksum       4   CRC-32 of everything before it
//
// Integers are big-endian; lengths count the whole message.
package eventstream

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// ContentType is that of a body made of messages.
const ContentType = "application/vnd.amazon.eventstream"

// The limits of the format: https://smithy.io/2.0/aws/amazon-eventstream.html
const (
	MaxHeaders = 128 << 10
	MaxPayload = 24 << 20
)

// Header is a header with a string value, the only kind that AWS's services send.
type Header struct{ Name, Value string }

// Message is one message.
type Message struct {
	Headers []Header
	Payload []byte
}

// Event is a message that carries an event: a member of the stream's union, by name.
func Event(name, contentType string, payload []byte) Message {
	return Message{Payload: payload, Headers: []Header{
		{":message-type", "event"}, {":event-type", name}, {":content-type", contentType},
	}}
}

// Append appends m to dst. It fails when m exceeds the limits of the format.
func Append(dst []byte, m Message) ([]byte, error) {
	const frame = 16 // prelude and both checksums
	headers := 0
	for _, h := range m.Headers {
		if h.Name == "" || len(h.Name) > 255 || len(h.Value) > 1<<15-1 {
			return nil, fmt.Errorf("eventstream: header %.40q has no room", h.Name)
		}
		headers += 1 + len(h.Name) + 3 + len(h.Value)
	}
	if headers > MaxHeaders || len(m.Payload) > MaxPayload {
		return nil, fmt.Errorf("eventstream: a message of %d bytes of headers and %d of payload is too large", headers, len(m.Payload))
	}
	start := len(dst)
	dst = binary.BigEndian.AppendUint32(dst, uint32(frame+headers+len(m.Payload)))
	dst = binary.BigEndian.AppendUint32(dst, uint32(headers))
	dst = binary.BigEndian.AppendUint32(dst, crc32.ChecksumIEEE(dst[start:]))
	for _, h := range m.Headers {
		dst = append(append(dst, byte(len(h.Name))), h.Name...)
		dst = binary.BigEndian.AppendUint16(append(dst, 7), uint16(len(h.Value)))
		dst = append(dst, h.Value...)
	}
	dst = append(dst, m.Payload...)
	return binary.BigEndian.AppendUint32(dst, crc32.ChecksumIEEE(dst[start:])), nil
}
