// Package diskblob keeps each blob in a file of its own:
//
//	DIR/SPACE/ab/ab0123…   ab are the first two digits of the blob's 32
//
// A file is created under its final name: nobody knows that name before Put returns, so there is nothing to rename, and
// what a crash leaves is an orphan. Put returns when the file's bytes and its directory entry are synced; those who
// write into the same directory at the same time share the sync of the directory.
package diskblob

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/brume-dev/brume/blob"
)

const (
	chunk        = 256 << 10 // bytes read and written at once
	bytesPerSync = 8 << 20   // bytes after which the machine is asked to begin writing a long file out
)

// Store is a blob.Store in a folder, of which it is the only user.
type Store struct {
	fs      vfs.FS
	dir     string
	buffers sync.Pool

	mu      sync.Mutex
	dirs    map[string]*directory
	writing map[blob.ID]bool
}

// Open returns the store in dir of fsys (vfs.Default is the machine's), which is created when it is not there.
func Open(fsys vfs.FS, dir string) (*Store, error) {
	if err := fsys.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("diskblob: open: %w", err)
	}
	return &Store{
		fs:      fsys,
		dir:     dir,
		buffers: sync.Pool{New: func() any { return new([chunk]byte) }},
		dirs:    map[string]*directory{},
		writing: map[blob.ID]bool{},
	}, nil
}

func (s *Store) folder(id blob.ID) string { return s.fs.PathJoin(s.dir, id.Space(), id.Name()[:2]) }
func (s *Store) path(id blob.ID) string   { return s.fs.PathJoin(s.folder(id), id.Name()) }

// Put is part of blob.Store.
func (s *Store) Put(ctx context.Context, space string, r io.Reader) (blob.Info, error) {
	if err := blob.CheckSpace(space); err != nil {
		return blob.Info{}, err
	}
	var random [16]byte
	rand.Read(random[:]) // never fails
	id := blob.MakeID(space, random)
	s.mark(id, true)
	defer s.mark(id, false)

	dir, err := s.directory(s.folder(id))
	if err != nil {
		return blob.Info{}, fmt.Errorf("diskblob: put: %w", err)
	}
	f, err := s.fs.Create(s.path(id), vfs.WriteCategoryUnspecified)
	if err != nil {
		return blob.Info{}, fmt.Errorf("diskblob: put: %w", err)
	}
	entry := make(chan error, 1)
	go func() { entry <- dir.sync() }() // beside the writing
	info, err := s.fill(ctx, f, r)
	info.ID = id
	if e := <-entry; err == nil && e != nil {
		err = fmt.Errorf("diskblob: put: sync the directory: %w", e)
	}
	if err == nil {
		return info, nil
	}
	if e := s.discard(id); e != nil {
		err = errors.Join(err, e)
	}
	return blob.Info{}, err
}

// fill copies r to f, syncs and closes it.
func (s *Store) fill(ctx context.Context, f vfs.File, r io.Reader) (info blob.Info, err error) {
	w := vfs.NewSyncingFile(f, vfs.SyncingFileOptions{BytesPerSync: bytesPerSync, NoSyncOnClose: true})
	defer func() {
		if e := w.Close(); err == nil && e != nil {
			err = fmt.Errorf("diskblob: close: %w", e)
		}
	}()
	buf := s.buffers.Get().(*[chunk]byte)
	defer s.buffers.Put(buf)
	for sum := sha256.New(); ; {
		if err := ctx.Err(); err != nil {
			return info, err
		}
		n, readErr := readFull(r, buf[:])
		if readErr != nil && readErr != io.EOF {
			return info, readErr
		}
		sum.Write(buf[:n])
		if _, err := w.Write(buf[:n]); err != nil {
			return info, fmt.Errorf("diskblob: write: %w", err)
		}
		info.Size += int64(n)
		if readErr == io.EOF {
			sum.Sum(info.SHA256[:0])
			break
		}
	}
	if err := w.Sync(); err != nil {
		return info, fmt.Errorf("diskblob: sync: %w", err)
	}
	return info, nil
}

// readFull fills buf unless r ends or fails first. Unlike io.ReadFull it tells the two apart: a request that breaks off
// fails with io.ErrUnexpectedEOF, and half a body is not a body.
func readFull(r io.Reader, buf []byte) (n int, err error) {
	for n < len(buf) && err == nil {
		var m int
		m, err = r.Read(buf[n:])
		n += m
	}
	return n, err
}

// discard removes what a failed Put wrote.
func (s *Store) discard(id blob.ID) error {
	if err := s.fs.Remove(s.path(id)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("diskblob: discard: %w", err)
	}
	return nil
}

func (s *Store) mark(id blob.ID, writing bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if writing {
		s.writing[id] = true
	} else {
		delete(s.writing, id)
	}
}

// Open is part of blob.Store.
func (s *Store) Open(ctx context.Context, id blob.ID, off, n int64) (io.ReadCloser, error) {
	if _, err := blob.ParseID(string(id)); err != nil || off < 0 {
		return nil, fmt.Errorf("diskblob: open %q at %d: %w", id, off, blob.ErrNotFound)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	f, err := s.fs.Open(s.path(id))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s", blob.ErrNotFound, id)
	}
	if err != nil {
		return nil, fmt.Errorf("diskblob: open: %w", err)
	}
	if n < 0 {
		info, err := f.Stat()
		if err != nil {
			return nil, errors.Join(fmt.Errorf("diskblob: open: %w", err), f.Close())
		}
		n = max(info.Size()-off, 0)
	}
	return &part{io.NewSectionReader(f, off, n), f}, nil
}

type part struct {
	*io.SectionReader
	file io.Closer
}

// Close releases the file.
func (p *part) Close() error { return p.file.Close() }

// Delete is part of blob.Store.
func (s *Store) Delete(ctx context.Context, id blob.ID) error {
	if _, err := blob.ParseID(string(id)); err != nil {
		return fmt.Errorf("diskblob: delete: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.discard(id)
}
