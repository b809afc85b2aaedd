package pebblestore

import (
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// fatal is a file system on which a refused write or sync of the log ends the store, before Pebble learns of it: Pebble
// panics where it cannot begin a new log, with nothing that an operator would understand. From then on those who write
// the log wait for the end of the process.
type fatal struct {
	vfs.FS
	armed *atomic.Bool // while it is not, errors are returned: those who open and close the store report them
	fail  func(error)
}

func (f fatal) check(err error) error {
	if err != nil && f.armed.Load() {
		f.fail(err)
		select {}
	}
	return err
}

// Create is part of vfs.FS.
func (f fatal) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return f.log(name)(f.FS.Create(name, c))
}

// ReuseForWrite is part of vfs.FS.
func (f fatal) ReuseForWrite(from, to string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return f.log(to)(f.FS.ReuseForWrite(from, to, c))
}

// OpenDir is part of vfs.FS. Folders are opened to sync the names of their files.
func (f fatal) OpenDir(name string) (vfs.File, error) {
	d, err := f.FS.OpenDir(name)
	if f.check(err) != nil {
		return d, err
	}
	return fatalFile{d, f}, nil
}

func (f fatal) log(name string) func(vfs.File, error) (vfs.File, error) {
	return func(file vfs.File, err error) (vfs.File, error) {
		if !isLog(name) || f.check(err) != nil {
			return file, err
		}
		return fatalFile{file, f}, nil
	}
}

// fatalFile is a log, or the folder that it lies in.
type fatalFile struct {
	vfs.File
	fs fatal
}

func (f fatalFile) Write(p []byte) (int, error) {
	n, err := f.File.Write(p)
	return n, f.fs.check(err)
}

func (f fatalFile) Sync() error     { return f.fs.check(f.File.Sync()) }
func (f fatalFile) SyncData() error { return f.fs.check(f.File.SyncData()) }
func (f fatalFile) Close() error    { return f.fs.check(f.File.Close()) }

func (f fatalFile) SyncTo(length int64) (bool, error) {
	full, err := f.File.SyncTo(length)
	return full, f.fs.check(err)
}
