package code

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"github.com/brume-dev/brume/blob"
)

// Cache keeps the unpacked copies of packages below a folder. A copy is used by any number of environments and removed
// when it is forgotten and the last of them has let go.
type Cache struct {
	dir   string
	blobs blob.Store
	space string

	swept  sync.Once
	mu     sync.Mutex
	copies map[blob.ID]*unpacked
}

// unpacked is a copy: ready is closed when it is there, or when err says why not.
type unpacked struct {
	ready     chan struct{}
	err       error
	users     int
	forgotten bool
}

// NewCache returns a cache in dir of the packages in a space of blobs. Copies that an earlier process left are used again.
func NewCache(dir string, blobs blob.Store, space string) *Cache {
	return &Cache{dir: dir, blobs: blobs, space: space, copies: map[blob.ID]*unpacked{}}
}

// Get returns the folder with the unpacked package, whose archive has size bytes, and a function by which the caller
// lets go of it.
func (c *Cache) Get(ctx context.Context, id blob.ID, size int64) (dir string, done func(), err error) {
	c.swept.Do(func() { c.sweep(context.WithoutCancel(ctx)) })
	c.mu.Lock()
	u := c.copies[id]
	mine := u == nil
	if mine {
		u = &unpacked{ready: make(chan struct{})}
		c.copies[id] = u
	}
	u.users++
	c.mu.Unlock()
	var once sync.Once
	done = func() { once.Do(func() { c.release(id, u) }) }
	if mine {
		u.err = c.unpack(context.WithoutCancel(ctx), id, size)
		close(u.ready)
	}
	select {
	case <-u.ready:
	case <-ctx.Done():
		done()
		return "", nil, ctx.Err()
	}
	if u.err != nil {
		done()
		return "", nil, u.err
	}
	return c.path(id), done, nil
}

func (c *Cache) path(id blob.ID) string { return filepath.Join(c.dir, id.Name()) }

// unpack makes the copy, unless it is there from an earlier process: a copy gets its name only when it is whole.
func (c *Cache) unpack(ctx context.Context, id blob.ID, size int64) error {
	if _, err := os.Stat(c.path(id)); err == nil {
		return nil
	}
	if err := os.MkdirAll(c.dir, 0o755); err != nil {
		return fmt.Errorf("code: %w", err)
	}
	tmp, err := os.MkdirTemp(c.dir, "new-")
	if err != nil {
		return fmt.Errorf("code: %w", err)
	}
	err = os.Chmod(tmp, 0o755)
	if err == nil {
		err = Unpack(blob.At(ctx, c.blobs, id), size, tmp)
	}
	if err == nil {
		err = os.Rename(tmp, c.path(id))
	}
	if err != nil {
		return errors.Join(err, os.RemoveAll(tmp))
	}
	return nil
}

// release lets go of a copy. One that could not be made is tried again by the next Get.
func (c *Cache) release(id blob.ID, u *unpacked) {
	c.mu.Lock()
	u.users--
	last := u.users == 0 && (u.forgotten || u.err != nil)
	if last && c.copies[id] == u {
		delete(c.copies, id)
	}
	c.mu.Unlock()
	if last && u.err == nil {
		_ = os.RemoveAll(c.path(id)) // what is left is removed at the next start
	}
}

// Forget removes the copy of a package, at once or when it is used no more.
func (c *Cache) Forget(id blob.ID) {
	c.mu.Lock()
	u := c.copies[id]
	used := u != nil && u.users > 0
	if used {
		u.forgotten = true
	} else {
		delete(c.copies, id)
	}
	c.mu.Unlock()
	if !used {
		_ = os.RemoveAll(c.path(id))
	}
}

// sweep removes what an earlier process left of packages that are no more, before the first copy is made. What cannot be
// removed only takes room.
func (c *Cache) sweep(ctx context.Context) {
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		id, err := blob.ParseID(c.space + "/" + e.Name())
		if err == nil {
			var r io.Closer
			if r, err = c.blobs.Open(ctx, id, 0, 0); err == nil {
				_ = r.Close()
				continue
			}
			if !errors.Is(err, blob.ErrNotFound) {
				continue
			}
		}
		_ = os.RemoveAll(filepath.Join(c.dir, e.Name()))
	}
}
