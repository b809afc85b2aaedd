package message

import (
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"strings"
)

// BodyDigest is MD5OfMessageBody.
func BodyDigest(body string) string {
	sum := md5.Sum([]byte(body))
	return hex.EncodeToString(sum[:])
}

// The transport types in the digest of attributes.
const (
	textValue   = 1
	binaryValue = 2
)

// AttributesDigest is MD5OfMessageAttributes, of attributes in the order of their names; "" when there are none.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html
func AttributesDigest(attributes []Attribute) string {
	if len(attributes) == 0 {
		return ""
	}
	var b []byte
	for i := range attributes {
		a := &attributes[i]
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(a.Name))), a.Name...)
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(a.Type))), a.Type...)
		if a.IsBinary() {
			b = append(b, binaryValue)
		} else {
			b = append(b, textValue)
		}
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(a.Value))), a.Value...)
	}
	sum := md5.Sum(b)
	return hex.EncodeToString(sum[:])
}

// IsBinary reports whether the value is bytes rather than text: the type is Binary, with or without a custom label.
func (a *Attribute) IsBinary() bool {
	return a.Type == "Binary" || strings.HasPrefix(a.Type, "Binary.")
}
