package pebblestore

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/cockroachdb/pebble/v2/record"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/wal"
)

// relaxed is a file system on which syncs of the log are not waited for. Pebble writes the log to the operating system
// before it asks for the sync, so that what is acknowledged survives the process. A log is synced when it is closed, which
// it is before the next one is begun: so a power cut takes from the end of the history, never from its middle.
type relaxed struct{ vfs.FS }

func isLog(name string) bool { return strings.HasSuffix(name, ".log") }

// Create is part of vfs.FS.
func (r relaxed) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return relax(name)(r.FS.Create(name, c))
}

// ReuseForWrite is part of vfs.FS.
func (r relaxed) ReuseForWrite(from, to string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return relax(to)(r.FS.ReuseForWrite(from, to, c))
}

func relax(name string) func(vfs.File, error) (vfs.File, error) {
	return func(f vfs.File, err error) (vfs.File, error) {
		if err != nil || !isLog(name) {
			return f, err
		}
		return relaxedLog{f}, nil
	}
}

type relaxedLog struct{ vfs.File }

func (relaxedLog) Sync() error                { return nil }
func (relaxedLog) SyncData() error            { return nil }
func (relaxedLog) SyncTo(int64) (bool, error) { return false, nil }

func (f relaxedLog) Close() error {
	if err := f.File.SyncData(); err != nil {
		return err
	}
	return f.File.Close()
}

// relaxedMark is a file that lies in the folder while a relaxed store is open. Who finds it follows one that was not
// closed, and of which a power cut may have taken acknowledged commits back.
const relaxedMark = "RELAXED"

// markRelaxed writes the mark to disk.
func markRelaxed(files vfs.FS, dir string) error {
	f, err := files.Create(files.PathJoin(dir, relaxedMark), vfs.WriteCategoryUnspecified)
	if err == nil {
		err = errors.Join(f.Sync(), f.Close(), syncDir(files, dir))
	}
	if err != nil {
		return fmt.Errorf("pebblestore: mark folder: %w", err)
	}
	return nil
}

// wasRelaxed reports whether the mark is there.
func wasRelaxed(files vfs.FS, dir string) (bool, error) {
	_, err := files.Stat(files.PathJoin(dir, relaxedMark))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

func removeMark(files vfs.FS, dir string) error {
	err := files.Remove(files.PathJoin(dir, relaxedMark))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func syncDir(files vfs.FS, dir string) error {
	d, err := files.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// cutLog ends the last log where it is whole. Pebble notes in the log how far it was synced, and takes a hole before
// that place for corruption; after a relaxed store and a power cut it is only the end of what has reached the disk.
func cutLog(files vfs.FS, dir string) error {
	names, err := files.List(dir)
	if err != nil {
		return err
	}
	logs := slices.DeleteFunc(names, func(n string) bool { return !isLog(n) })
	if len(logs) == 0 {
		return nil
	}
	number := func(name string) wal.NumWAL {
		n, _, _ := wal.ParseLogFilename(name)
		return n
	}
	last := slices.MaxFunc(logs, func(a, b string) int { return cmp.Compare(number(a), number(b)) })
	path := files.PathJoin(dir, last)
	size, err := wholeSize(files, path, uint64(number(last)))
	if err != nil {
		return err
	}
	return replace(files, path, size)
}

// wholeSize is the size of the whole records at the beginning of a log.
func wholeSize(files vfs.FS, path string, number uint64) (size int64, err error) {
	f, err := files.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	r := newReader(record.NewReader, f, number)
	for {
		rec, err := r.Next()
		if err != nil {
			return size, nil // the end, whole or not
		}
		if _, err := io.Copy(io.Discard, rec); err != nil {
			return size, nil
		}
		size = r.Offset()
	}
}

// newReader calls fn with a number of a type that Pebble does not export.
func newReader[N ~uint64](fn func(io.Reader, N) *record.Reader, f io.Reader, number uint64) *record.Reader {
	return fn(f, N(number))
}

// replace replaces a file by its first bytes.
func replace(files vfs.FS, path string, size int64) error {
	from, err := files.Open(path)
	if err != nil {
		return err
	}
	to, err := files.Create(path+".cut", vfs.WriteCategoryUnspecified)
	if err != nil {
		return errors.Join(err, from.Close())
	}
	_, err = io.Copy(to, io.LimitReader(from, size))
	if err := errors.Join(err, to.Sync(), to.Close(), from.Close()); err != nil {
		return err
	}
	return errors.Join(files.Rename(path+".cut", path), syncDir(files, files.PathDir(path)))
}
