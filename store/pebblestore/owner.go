package pebblestore

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"syscall"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/brume-dev/brume/store"
)

// checkEvery is how often the owner of a folder looks whether it is still its own.
const checkEvery = time.Second

// hold is the possession of a folder. The lock keeps other processes out on every file system that has locks. The file
// OWNER, which each new owner replaces, tells an owner that it is not the owner any more: where locks do not hold (network
// file systems), and when somebody has deleted the folder under a running process, whose commits would go nowhere.
type hold struct {
	fs    vfs.FS
	dir   string
	lock  *pebble.Lock
	epoch uint64
	text  string // of the file OWNER
}

// take takes the folder, which it makes if need be.
func take(files vfs.FS, dir string) (*hold, error) {
	if err := files.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("pebblestore: make folder: %w", err)
	}
	lock, err := pebble.LockDirectory(dir, files)
	switch {
	case err == nil:
		return &hold{fs: files, dir: dir, lock: lock}, nil
	case errors.Is(err, syscall.EAGAIN), errors.Is(err, syscall.EACCES) && !errors.Is(err, fs.ErrPermission),
		strings.Contains(err.Error(), "held by current process"):
		return nil, fmt.Errorf("pebblestore: folder is taken: %s is open in another process: %w", dir, store.ErrFenced)
	default:
		return nil, fmt.Errorf("pebblestore: lock folder %s: %w", dir, err)
	}
}

func (h *hold) file() string { return h.fs.PathJoin(h.dir, "OWNER") }

// mark writes the file OWNER.
func (h *hold) mark(epoch uint64) error {
	h.epoch, h.text = epoch, fmt.Sprintf("epoch %d token %s\n", epoch, rand.Text())
	f, err := h.fs.Create(h.file()+".new", vfs.WriteCategoryUnspecified)
	if err != nil {
		return fmt.Errorf("pebblestore: mark folder: %w", err)
	}
	_, err = f.Write([]byte(h.text))
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("pebblestore: mark folder: %w", err)
	}
	if err := h.fs.Rename(h.file()+".new", h.file()); err != nil {
		return fmt.Errorf("pebblestore: mark folder: %w", err)
	}
	return nil
}

// check returns an error that wraps store.ErrFenced when the folder is another's, or gone.
func (h *hold) check() error {
	f, err := h.fs.Open(h.file())
	if err != nil {
		return fmt.Errorf("folder is gone: %w (%w)", store.ErrFenced, err)
	}
	defer f.Close()
	text, err := io.ReadAll(f)
	if err != nil {
		return fmt.Errorf("read OWNER: %w", err)
	}
	if string(text) != h.text {
		return fmt.Errorf("folder was taken over: %w", store.ErrFenced)
	}
	return nil
}

// give gives the folder up.
func (h *hold) give() error { return h.lock.Close() }
