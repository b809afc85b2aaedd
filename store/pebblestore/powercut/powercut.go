// Package powercut keeps a pebblestore on a disk that can lose power, for tests that ask what is left: the store's own,
// and those of the platform above it.
//
//	d := powercut.NewDisk()
//	s, err := d.Open(options)   // work on it, from many goroutines
//	known := ...                // remember what has been acknowledged
//	d = d.Cut(rnd)              // the disk as a power cut at this moment may leave it
//	s.Close()                   // the old store runs on as a ghost: nothing that it does is on the new disk
//	s, err = d.Open(options)    // all that was known must be there
package powercut

import (
	"log/slog"
	"math/rand/v2"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/brume-dev/brume/store/pebblestore"
)

// Disk is a disk in memory that knows what was synced.
type Disk struct{ fs *vfs.MemFS }

// NewDisk returns an empty disk.
func NewDisk() *Disk { return &Disk{vfs.NewCrashableMem()} }

// Open opens the store on the disk; Dir and FS of the options are the disk's.
func (d *Disk) Open(o pebblestore.Options) (*pebblestore.Store, error) {
	o.Dir, o.FS = "data", d.fs
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return pebblestore.Open(o)
}

// Cut returns the disk as a power cut now may leave it: everything that was synced, and of the rest, file names too, a
// share that rnd chooses, which may be none or all.
func (d *Disk) Cut(rnd *rand.Rand) *Disk {
	return &Disk{d.fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rnd.IntN(3) * 50, RNG: rnd})}
}

// FS is the disk as a file system, for what lies beside the store.
func (d *Disk) FS() vfs.FS { return d.fs }
