package diskblob

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"slices"
	"strings"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/brume-dev/brume/blob"
)

// directory syncs one directory for all who have created a file in it.
type directory struct {
	fs   vfs.FS
	path string

	turn sync.Mutex // held while a sync runs

	mu   sync.Mutex
	next *round // those who wait for the sync that begins next
}

// round is one sync. Whoever joins it before it begins is covered by it.
type round struct {
	once sync.Once
	err  error
}

// directory returns the directory at path, which exists durably. The first caller of this process makes sure of that,
// for a directory that is there may still be only in the machine's memory.
func (s *Store) directory(path string) (*directory, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d := s.dirs[path]; d != nil {
		return d, nil
	}
	if err := s.fs.MkdirAll(path, 0o700); err != nil {
		return nil, err
	}
	space := s.fs.PathDir(path)
	for _, parent := range []string{space, s.dir, s.fs.PathDir(s.dir)} {
		if err := syncDir(s.fs, parent); err != nil {
			return nil, err
		}
	}
	d := &directory{fs: s.fs, path: path, next: new(round)}
	s.dirs[path] = d
	return d, nil
}

// sync returns once every entry that was made before the call is durable.
func (d *directory) sync() error {
	d.mu.Lock()
	r := d.next
	d.mu.Unlock()
	d.turn.Lock()
	defer d.turn.Unlock()
	r.once.Do(func() {
		d.mu.Lock()
		d.next = new(round)
		d.mu.Unlock()
		r.err = syncDir(d.fs, d.path)
	})
	return r.err
}

func syncDir(fsys vfs.FS, path string) error {
	d, err := fsys.OpenDir(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// List is part of blob.Store.
func (s *Store) List(ctx context.Context, space string) iter.Seq2[blob.Entry, error] {
	return func(yield func(blob.Entry, error) bool) {
		if err := blob.CheckSpace(space); err != nil {
			yield(blob.Entry{}, err)
			return
		}
		root := s.fs.PathJoin(s.dir, space)
		folders, err := s.names(root)
		if err != nil {
			yield(blob.Entry{}, err)
			return
		}
		for _, folder := range folders {
			names, err := s.names(s.fs.PathJoin(root, folder))
			if err != nil && !yield(blob.Entry{}, err) {
				return
			}
			for _, name := range names {
				e, ok, err := s.entry(space, folder, name)
				if err == nil {
					err = ctx.Err()
				}
				if (ok || err != nil) && !yield(e, err) {
					return
				}
			}
		}
	}
}

// names are the sorted names in a directory, none when it is not there.
func (s *Store) names(path string) ([]string, error) {
	names, err := s.fs.List(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("diskblob: list: %w", err)
	}
	slices.Sort(names)
	return names, nil
}

// entry is what List says of a file; ok is false for one that is no blob, or is gone, or is being written.
func (s *Store) entry(space, folder, name string) (e blob.Entry, ok bool, err error) {
	id, err := blob.ParseID(space + "/" + name)
	if err != nil || !strings.HasPrefix(name, folder) {
		return e, false, nil
	}
	s.mu.Lock()
	writing := s.writing[id]
	s.mu.Unlock()
	if writing {
		return e, false, nil
	}
	info, err := s.fs.Stat(s.path(id))
	if errors.Is(err, fs.ErrNotExist) {
		return e, false, nil
	}
	if err != nil {
		return e, false, fmt.Errorf("diskblob: list: %w", err)
	}
	return blob.Entry{ID: id, Size: info.Size(), Written: info.ModTime()}, true, nil
}
