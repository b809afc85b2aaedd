package store

import (
	"errors"
	"fmt"
	"time"
)

// Limits of the contract. They are FoundationDB's and PostgreSQL's, whichever is smaller, so that every backend can
// keep them.
const (
	MaxKey      = 2600            // bytes of an encoded key: PostgreSQL's index row limit
	MaxValue    = 90 << 10        // bytes of a value; SetLarge splits larger ones
	MaxTx       = 10_000_000      // bytes that a transaction writes
	MaxDuration = 2 * time.Second // of one closure
	MaxStamps   = 1<<16 - 1       // stamped writes of a transaction: the position has two bytes
	StampSize   = 12              // incarnation (2), commit version (8), position in the commit (2), big endian
)

// Reserved is the first byte of the keys that a backend keeps for itself. No Tuple begins with it.
const Reserved = 0xff

// ErrKey says that a key is empty or begins with Reserved.
var ErrKey = errors.New("store: not a key")

// Stamp orders commits: incarnation of the store, commit version, position of the call in its transaction.
type Stamp [StampSize]byte

// MakeStamp returns the stamp of the call number position in the commit v.
func MakeStamp(incarnation uint16, v Version, position int) (s Stamp) {
	s[0], s[1] = byte(incarnation>>8), byte(incarnation)
	for i := range 8 {
		s[2+i] = byte(v >> (56 - 8*i))
	}
	s[10], s[11] = byte(position>>8), byte(position)
	return s
}

// CheckKey returns an error unless k may be written. Backends call it; what it refuses changes nothing.
func CheckKey(k Key) error {
	switch {
	case len(k) == 0:
		return fmt.Errorf("%w: empty", ErrKey)
	case k[0] == Reserved:
		return fmt.Errorf("%w: begins with %#x", ErrKey, Reserved)
	case len(k) > MaxKey:
		return fmt.Errorf("%w: key of %d bytes, at most %d", ErrTooLarge, len(k), MaxKey)
	}
	return nil
}

// CheckPair returns an error unless k may be set to a value of size bytes.
func CheckPair(k Key, size int) error {
	if err := CheckKey(k); err != nil {
		return err
	}
	if size > MaxValue {
		return fmt.Errorf("%w: value of %d bytes, at most %d", ErrTooLarge, size, MaxValue)
	}
	return nil
}

// CheckTx returns an error when a transaction that writes size bytes is too large.
func CheckTx(size int) error {
	if size > MaxTx {
		return fmt.Errorf("%w: transaction of %d bytes, at most %d", ErrTooLarge, size, MaxTx)
	}
	return nil
}
