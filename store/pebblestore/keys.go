package pebblestore

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/brume-dev/brume/store"
)

// The keys of the backend's own records begin with store.Reserved, where no key of a service can be:
//
//	0xff "head"     incarnation(2) version(8) unix nanoseconds(8)   the last commit; written with every group
//	0xff "owner"    form(1) epoch(8)                                counts those who have had the folder
//	0xff "restore"                                                  present while a restore is not finished
//
// Integers are big endian. All keys of services lie in [nil, 0xff).
const (
	headKey    = "\xffhead"
	ownerKey   = "\xffowner"
	restoreKey = "\xffrestore"
)

// form is the version of this layout; a folder of another form is refused.
const form = 1

// limit is the end of the keys of services.
var limit = store.Key{store.Reserved}

func encodeHead(h store.Head) []byte {
	b := binary.BigEndian.AppendUint16(make([]byte, 0, 18), h.Incarnation)
	b = binary.BigEndian.AppendUint64(b, uint64(h.Version))
	return binary.BigEndian.AppendUint64(b, uint64(h.Time.UnixNano()))
}

func decodeHead(b []byte) (store.Head, error) {
	if len(b) != 18 {
		return store.Head{}, fmt.Errorf("pebblestore: head record of %d bytes", len(b))
	}
	return store.Head{
		Incarnation: binary.BigEndian.Uint16(b),
		Version:     store.Version(binary.BigEndian.Uint64(b[2:])),
		Time:        time.Unix(0, int64(binary.BigEndian.Uint64(b[10:]))).UTC(),
	}, nil
}

func encodeOwner(epoch uint64) []byte { return binary.BigEndian.AppendUint64([]byte{form}, epoch) }

func decodeOwner(b []byte) (epoch uint64, err error) {
	if len(b) != 9 || b[0] != form {
		return 0, fmt.Errorf("pebblestore: the folder has form %x, this program knows form %d", b[:min(len(b), 1)], form)
	}
	return binary.BigEndian.Uint64(b[1:]), nil
}
