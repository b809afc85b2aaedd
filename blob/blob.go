// Package blob keeps large bytes beside the store: objects, function code. A blob is written whole and durable before
// the transaction that names it, never changes, and is deleted after the transaction that names it no more. What lies
// between — a crash after the one and before the other — leaves orphans, which a Sweeper removes. Bytes below a few
// tens of kilobytes are better kept in the store itself (store.SetLarge): they share its sync.
package blob

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"
)

// ErrNotFound is returned for an id that no blob has.
var ErrNotFound = errors.New("blob: not found")

// ID names a blob for ever: its space, a slash and 32 hexadecimal digits. It is not derived from the content: two blobs
// with the same bytes come and go on their own.
type ID string

// MakeID returns the ID that random makes in space.
func MakeID(space string, random [16]byte) ID { return ID(space + "/" + hex.EncodeToString(random[:])) }

// ParseID checks that s is an ID.
func ParseID(s string) (ID, error) {
	space, name, _ := strings.Cut(s, "/")
	if CheckSpace(space) != nil || len(name) != 32 || strings.Trim(name, "0123456789abcdef") != "" {
		return "", fmt.Errorf("blob: %q is not an id", s)
	}
	return ID(s), nil
}

// Space is the space in which the blob lies.
func (id ID) Space() string { space, _, _ := strings.Cut(string(id), "/"); return space }

// Name is what follows the space.
func (id ID) Name() string { _, name, _ := strings.Cut(string(id), "/"); return name }

// CheckSpace returns an error unless s may name a space: 1 to MaxSpace of a-z, 0-9 and '-'. A space belongs to one
// service, which alone knows which of its blobs live.
func CheckSpace(s string) error {
	if s == "" || len(s) > MaxSpace || strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		return fmt.Errorf("blob: %q is not the name of a space", s)
	}
	return nil
}

// MaxSpace is the length of the longest name of a space.
const MaxSpace = 32

// Info is what Put knows of a blob.
type Info struct {
	ID     ID
	Size   int64
	SHA256 [32]byte
}

// Entry is what List tells of a blob.
type Entry struct {
	ID      ID
	Size    int64
	Written time.Time // by the machine's clock
}

// Store keeps blobs.
type Store interface {
	// Put writes all that r has as a new blob and returns when it is durable. It reads as it goes, whatever the
	// size. When r fails, which is how a caller refuses a body whose checksum is wrong, or ctx ends, nothing is
	// left and the error is returned as it is.
	Put(ctx context.Context, space string, r io.Reader) (Info, error)

	// Open reads n bytes from off on, or to the end when n is negative. A range that goes past the end gives what
	// there is. The reader goes on reading a blob that is deleted meanwhile.
	Open(ctx context.Context, id ID, off, n int64) (io.ReadCloser, error)

	// Delete removes a blob; one that is not there is no error. It need not be durable: a blob that is back after a
	// crash is an orphan.
	Delete(ctx context.Context, id ID) error

	// List yields the blobs of a space in the order of their ids, what crashes left half-written included, but not
	// what is being written. Blobs that come or go meanwhile may be missed.
	List(ctx context.Context, space string) iter.Seq2[Entry, error]
}

// At reads a blob at any place, as archive/zip does. Each read opens the blob for its range.
func At(ctx context.Context, s Store, id ID) io.ReaderAt { return readerAt{ctx, s, id} }

type readerAt struct {
	ctx context.Context
	s   Store
	id  ID
}

func (r readerAt) ReadAt(p []byte, off int64) (int, error) {
	rc, err := r.s.Open(r.ctx, r.id, off, int64(len(p)))
	if err != nil {
		return 0, err
	}
	defer rc.Close()
	n, err := io.ReadFull(rc, p)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.EOF
	}
	return n, err
}
