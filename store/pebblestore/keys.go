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
//	0xff "owner"    form(1) epoch(8) mode(1) clean(1)               who has the folder open, and how the last one left
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

// owner is the record of who has the folder.
type owner struct {
	epoch   uint64 // counts the opens
	relaxed bool   // commits were acknowledged without a sync
	clean   bool   // the store was closed
}

func (o owner) encode() []byte {
	b := binary.BigEndian.AppendUint64([]byte{form}, o.epoch)
	return append(b, flag(o.relaxed), flag(o.clean))
}

func flag(b bool) byte {
	if b {
		return 1
	}
	return 0
}

func decodeOwner(b []byte) (owner, error) {
	if len(b) != 11 || b[0] != form {
		return owner{}, fmt.Errorf("pebblestore: the folder has form %x, this program knows form %d", b[:min(len(b), 1)], form)
	}
	return owner{epoch: binary.BigEndian.Uint64(b[1:]), relaxed: b[9] == 1, clean: b[10] == 1}, nil
}
