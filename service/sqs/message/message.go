// Package message is a message of a queue as it is stored and as it is told: its record, the digests that clients
// check, and the receipt handles by which they name it.
package message

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"slices"
)

// ID is the 16 bytes of a message id, a UUID.
type ID [16]byte

// String is the id as clients see it.
func (id ID) String() string {
	var b [36]byte
	hex.Encode(b[:8], id[:4])
	hex.Encode(b[9:13], id[4:6])
	hex.Encode(b[14:18], id[6:8])
	hex.Encode(b[19:23], id[8:10])
	hex.Encode(b[24:], id[10:])
	b[8], b[13], b[18], b[23] = '-', '-', '-', '-'
	return string(b[:])
}

// Random makes 16 random bytes a UUID of version 4.
func (id *ID) Random() {
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
}

// Ref names a message within its queue. Refs order messages by the time at which they were sent.
type Ref struct {
	Sent int64 // microseconds since 1970
	ID   ID
}

// Attribute is a message attribute. Value holds the text of a String or Number, or the bytes of a Binary.
type Attribute struct {
	Name, Type string
	Value      []byte
}

// Message is what was sent, with what SQS adds to it. It is never changed once it is stored.
type Message struct {
	Ref
	Visible    int64 // microseconds: when it may be received first; Sent, or later when it is delayed
	Body       string
	Attributes []Attribute // ordered by name
	Sender     string      // SenderId
	Trace      string      // AWSTraceHeader
	Group      string      // MessageGroupId
	Dedup      string      // MessageDeduplicationId
	Sequence   uint64      // in its FIFO queue
	Source     string      // ARN of the queue that it came from, in a dead-letter queue
	Received   uint32      // how often it was received in that queue
	First      int64       // microseconds: when that happened first
}

// version is the first byte of a record. A field may be added at the end; anything else is a new version.
const version = 1

var errRecord = errors.New("message: record is not whole")

// Append appends the record of m to b:
//
//	version(1)  ID(16)  varints: Sent Visible-Sent Sequence Received First
//	length-prefixed: Sender Trace Group Dedup Source
//	count of attributes, each: Name Type Value length-prefixed
//	Body, to the end
//
// A body may be left out and kept elsewhere.
func (m *Message) Append(b []byte, body string) []byte {
	b = append(append(b, version), m.ID[:]...)
	b = binary.AppendUvarint(b, uint64(m.Sent))
	b = binary.AppendUvarint(b, uint64(m.Visible-m.Sent))
	b = binary.AppendUvarint(b, m.Sequence)
	b = binary.AppendUvarint(b, uint64(m.Received))
	b = binary.AppendUvarint(b, uint64(m.First))
	for _, s := range [...]string{m.Sender, m.Trace, m.Group, m.Dedup, m.Source} {
		b = append(binary.AppendUvarint(b, uint64(len(s))), s...)
	}
	b = binary.AppendUvarint(b, uint64(len(m.Attributes)))
	for i := range m.Attributes {
		a := &m.Attributes[i]
		b = append(binary.AppendUvarint(b, uint64(len(a.Name))), a.Name...)
		b = append(binary.AppendUvarint(b, uint64(len(a.Type))), a.Type...)
		b = append(binary.AppendUvarint(b, uint64(len(a.Value))), a.Value...)
	}
	return append(b, body...)
}

// Parse is the inverse of Append. It copies what it keeps.
func Parse(b []byte) (*Message, error) {
	d := decoder{b: b}
	if v := d.take(1); len(v) != 1 || v[0] != version {
		return nil, errRecord
	}
	m := new(Message)
	copy(m.ID[:], d.take(len(m.ID)))
	m.Sent = int64(d.uint())
	m.Visible = m.Sent + int64(d.uint())
	m.Sequence = d.uint()
	m.Received = uint32(d.uint())
	m.First = int64(d.uint())
	for _, s := range [...]*string{&m.Sender, &m.Trace, &m.Group, &m.Dedup, &m.Source} {
		*s = string(d.field())
	}
	n := d.uint()
	if n > uint64(len(d.b)) {
		return nil, errRecord
	}
	if n > 0 {
		m.Attributes = make([]Attribute, n)
	}
	for i := range m.Attributes {
		m.Attributes[i] = Attribute{Name: string(d.field()), Type: string(d.field()), Value: slices.Clone(d.field())}
	}
	m.Body = string(d.b)
	if d.failed {
		return nil, errRecord
	}
	return m, nil
}

// decoder reads what Append writes. After the first failure it gives nothing.
type decoder struct {
	b      []byte
	failed bool
}

func (d *decoder) take(n int) []byte {
	if n < 0 || n > len(d.b) {
		d.b, d.failed = nil, true
		return nil
	}
	out := d.b[:n]
	d.b = d.b[n:]
	return out
}

func (d *decoder) uint() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.b, d.failed = nil, true
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) field() []byte {
	n := d.uint()
	if n > uint64(len(d.b)) {
		d.b, d.failed = nil, true
		return nil
	}
	return d.take(int(n))
}

// Size is what counts towards the largest size of a message: the body, and the names, types and values of its
// attributes. https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html
func (m *Message) Size() int {
	n := len(m.Body)
	for i := range m.Attributes {
		a := &m.Attributes[i]
		n += len(a.Name) + len(a.Type) + len(a.Value)
	}
	return n
}
