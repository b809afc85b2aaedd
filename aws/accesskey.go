package aws

import (
	"encoding/base32"
	"fmt"
	"strconv"
)

// An access key id names its account, as AWS's do: four letters for the kind, then 80 bits in base 32:
//
//	1 bit set | 40 bits account number | 39 bits that make it unique
//
// so that a key can be looked up in its own account's shard, and sts:GetAccessKeyInfo needs no look-up at all.
const (
	accessKeyLength  = 20
	accessKeySerial  = 39
	accessKeyPadding = uint64(1) << 40
)

// MaxAccessKeySerial is one more than the largest serial of an access key id.
const MaxAccessKeySerial = uint64(1) << accessKeySerial

// AccessKeyID returns the access key id of an account (12 digits) with the given kind ("AKIA" for a user's own, "ASIA"
// for temporary credentials) and serial, which must be below MaxAccessKeySerial and is the caller's to choose.
func AccessKeyID(kind, account string, serial uint64) (string, error) {
	n, err := strconv.ParseUint(account, 10, 64)
	if err != nil || len(account) != 12 || len(kind) != 4 || serial >= MaxAccessKeySerial {
		return "", fmt.Errorf("access key id: kind %q, account %q, serial %d", kind, account, serial)
	}
	high := accessKeyPadding | n // 41 bits
	var b [10]byte
	// 80 bits: high (41) then serial (39).
	b[0], b[1], b[2], b[3], b[4] = byte(high>>33), byte(high>>25), byte(high>>17), byte(high>>9), byte(high>>1)
	low := high<<accessKeySerial | serial // its low 40 bits are what is left
	b[5], b[6], b[7], b[8], b[9] = byte(low>>32), byte(low>>24), byte(low>>16), byte(low>>8), byte(low)
	return kind + base32.StdEncoding.EncodeToString(b[:]), nil
}

// ParseAccessKeyID is the inverse of AccessKeyID; ok is false for an id that is not of that form.
func ParseAccessKeyID(id string) (kind, account string, serial uint64, ok bool) {
	if len(id) != accessKeyLength {
		return "", "", 0, false
	}
	var b [10]byte
	var src [accessKeyLength - 4]byte
	copy(src[:], id[4:])
	if n, err := base32.StdEncoding.Decode(b[:], src[:]); err != nil || n != len(b) {
		return "", "", 0, false
	}
	high := uint64(b[0])<<33 | uint64(b[1])<<25 | uint64(b[2])<<17 | uint64(b[3])<<9 | uint64(b[4])<<1 | uint64(b[5])>>7
	low := uint64(b[5])<<32 | uint64(b[6])<<24 | uint64(b[7])<<16 | uint64(b[8])<<8 | uint64(b[9])
	n := high &^ accessKeyPadding
	if high&accessKeyPadding == 0 || n >= 1e12 {
		return "", "", 0, false
	}
	var digits [12]byte
	for i := range digits {
		digits[len(digits)-1-i] = byte('0' + n%10)
		n /= 10
	}
	return id[:4], string(digits[:]), low & (MaxAccessKeySerial - 1), true
}
