package pebblestore

import (
	"fmt"
	"log/slog"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
)

// Sizes of Pebble, chosen for a process that should idle under 50 MB: a memtable grows to its size as it is filled, and
// the cache as it is read. Pebble takes memtables, of which there are two while one is being written out, off the size of
// the cache: with one of 64 MB nothing was left, and every look at older data read its blocks from the file again.
const (
	memTableSize = 32 << 20
	cacheSize    = 2*memTableSize + 64<<20
	bloomBits    = 10 // per key: one in a hundred absent keys costs a read
)

// pebbleForm is the format of Pebble's files. A newer one is chosen by hand: a folder that has it cannot be opened by older
// programs any more.
const pebbleForm = pebble.FormatValueSeparation

func (s *Store) pebbleOptions() *pebble.Options {
	o := &pebble.Options{
		FS:                    s.o.FS,
		Lock:                  s.hold.lock,
		FormatMajorVersion:    pebbleForm,
		MemTableSize:          memTableSize,
		CacheSize:             cacheSize,
		L0StopWritesThreshold: 1000,
		Logger:                pebbleLog{s.o.Log, s.fail},
		EventListener: &pebble.EventListener{
			BackgroundError: func(err error) { s.o.Log.Error("store: background work failed, will be tried again", "err", err) },
			DataCorruption: func(i pebble.DataCorruptionInfo) {
				s.o.Log.Error("store: data on disk is corrupt; reads of it fail", "path", i.Path, "err", i.Details)
			},
			WriteStallBegin: func(i pebble.WriteStallBeginInfo) {
				s.o.Log.Warn("store: writes wait for the disk", "reason", i.Reason)
			},
		},
	}
	for i := range o.Levels {
		o.Levels[i].FilterPolicy = bloom.FilterPolicy(bloomBits)
	}
	if s.o.Relaxed {
		o.FS = relaxed{o.FS}
	}
	o.FS = fatal{o.FS, &s.armed, s.fail}
	return o
}

// pebbleLog keeps Pebble's progress reports to itself and takes its fatal errors for the store's.
type pebbleLog struct {
	log  *slog.Logger
	fail func(error)
}

func (pebbleLog) Infof(string, ...any) {}

func (l pebbleLog) Errorf(format string, args ...any) {
	l.log.Error("store: " + fmt.Sprintf(format, args...))
}

// Fatalf must not return, and does not even when the store's Fatal does.
func (l pebbleLog) Fatalf(format string, args ...any) {
	l.fail(fmt.Errorf(format, args...))
	select {}
}
