// Package blobtest is the suite that every blob.Store passes.
package blobtest

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/brume-dev/brume/blob"
)

// Run tests the stores that open makes, each of them new.
func Run(t *testing.T, open func(t *testing.T) blob.Store) {
	for _, c := range []struct {
		name string
		run  func(*testing.T, blob.Store)
	}{
		{"put and open", putAndOpen},
		{"ranges", ranges},
		{"a reader that fails leaves nothing", failingReader},
		{"a context that ends leaves nothing", endingContext},
		{"delete", deletes},
		{"list", lists},
		{"blobs being written are not listed", unfinished},
		{"names", names},
		{"concurrent", concurrent},
		{"zip", zipped},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, open(t)) })
	}
}

// Bytes are n bytes that look random and are the same for the same seed.
func Bytes(n int, seed uint64) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(n), byte(n >> 8)})
	r.Read(b)
	return b
}

// Read returns the whole of a blob.
func Read(ctx context.Context, s blob.Store, id blob.ID) ([]byte, error) {
	rc, err := s.Open(ctx, id, 0, -1)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(rc)
	return b, errors.Join(err, rc.Close())
}

func put(t *testing.T, s blob.Store, space string, b []byte) blob.Info {
	t.Helper()
	info, err := s.Put(t.Context(), space, bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return info
}

func putAndOpen(t *testing.T, s blob.Store) {
	seen := map[blob.ID]bool{}
	for i, n := range []int{0, 1, 1000, 256 << 10, 256<<10 + 1, 3 << 20} {
		want := Bytes(n, uint64(i))
		// One byte at a time where that is quick: short reads are not the end.
		var r io.Reader = bytes.NewReader(want)
		if n <= 1000 {
			r = iotest.OneByteReader(r)
		} else {
			r = iotest.DataErrReader(r)
		}
		info, err := s.Put(t.Context(), "a", r)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := blob.ParseID(string(info.ID)); err != nil || info.ID.Space() != "a" || seen[info.ID] {
			t.Errorf("id %q (%v)", info.ID, err)
		}
		seen[info.ID] = true
		if info.Size != int64(n) || info.SHA256 != sha256.Sum256(want) {
			t.Errorf("%d bytes: %d bytes with digest %x", n, info.Size, info.SHA256)
		}
		if got, err := Read(t.Context(), s, info.ID); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d bytes came back as %d (%v)", n, len(got), err)
		}
	}
	// The same bytes again are another blob.
	if a, b := put(t, s, "a", []byte("x")), put(t, s, "a", []byte("x")); a.ID == b.ID {
		t.Error("two blobs have one id")
	}
}

func ranges(t *testing.T, s blob.Store) {
	all := []byte("0123456789")
	id := put(t, s, "a", all).ID
	for _, c := range []struct {
		off, n int64
		want   string
	}{{0, -1, "0123456789"}, {3, 4, "3456"}, {3, -1, "3456789"}, {8, 100, "89"}, {10, 1, ""}, {100, -1, ""}, {100, 5, ""}, {2, 0, ""}} {
		rc, err := s.Open(t.Context(), id, c.off, c.n)
		if err != nil {
			t.Errorf("%d+%d: %v", c.off, c.n, err)
			continue
		}
		if got, err := io.ReadAll(rc); err != nil || string(got) != c.want {
			t.Errorf("%d+%d: %q (%v), want %q", c.off, c.n, got, err, c.want)
		}
		rc.Close()
	}
	if _, err := s.Open(t.Context(), id, -1, 1); err == nil {
		t.Error("a negative offset was taken")
	}
	if err := iotest.TestReader(io.NewSectionReader(blob.At(t.Context(), s, id), 0, 10), all); err != nil {
		t.Error(err)
	}
}

// failingReader covers io.ErrUnexpectedEOF too, which is what a request gives that breaks off.
func failingReader(t *testing.T, s blob.Store) {
	for _, n := range []int{0, 1, 256 << 10, 1 << 20} {
		for _, bad := range []error{errors.New("checksum"), io.ErrUnexpectedEOF} {
			r := io.MultiReader(bytes.NewReader(Bytes(n, 1)), iotest.ErrReader(bad))
			if _, err := s.Put(t.Context(), "a", r); err != bad {
				t.Errorf("after %d bytes: %v, want %v", n, err, bad)
			}
		}
	}
	wantList(t, s, "a")
}

func endingContext(t *testing.T, s blob.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	endless := readerFunc(func(p []byte) (int, error) { cancel(); return len(p), nil })
	limited := io.LimitReader(endless, 1<<20)
	if _, err := s.Put(ctx, "a", limited); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	wantList(t, s, "a")
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func deletes(t *testing.T, s blob.Store) {
	info, other := put(t, s, "a", Bytes(1<<20, 1)), put(t, s, "a", []byte("other"))
	rc, err := s.Open(t.Context(), info.ID, 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer rc.Close()
	for range 2 {
		if err := s.Delete(t.Context(), info.ID); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Open(t.Context(), info.ID, 0, -1); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("deleted: %v", err)
	}
	if got, err := io.ReadAll(rc); err != nil || !bytes.Equal(got, Bytes(1<<20, 1)) {
		t.Errorf("a reader from before the delete got %d bytes (%v)", len(got), err)
	}
	if got, err := Read(t.Context(), s, other.ID); err != nil || string(got) != "other" {
		t.Errorf("the other: %q (%v)", got, err)
	}
}

func list(t *testing.T, s blob.Store, space string) (ids []blob.ID) {
	t.Helper()
	for e, err := range s.List(t.Context(), space) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, e.ID)
	}
	return ids
}

func wantList(t *testing.T, s blob.Store, space string, want ...blob.ID) {
	t.Helper()
	want = slices.Sorted(slices.Values(want)) // a copy
	if got := list(t, s, space); !slices.Equal(got, want) {
		t.Errorf("listed %q, want %q", got, want)
	}
}

func lists(t *testing.T, s blob.Store) {
	wantList(t, s, "a")
	var a []blob.ID
	for i := range 40 {
		a = append(a, put(t, s, "a", Bytes(i, 0)).ID)
	}
	b := put(t, s, "a-b", []byte("b")).ID
	wantList(t, s, "a", a...)
	wantList(t, s, "a-b", b)
	for e, err := range s.List(t.Context(), "a") {
		if err != nil || e.Written.IsZero() || e.Size != int64(slices.Index(a, e.ID)) {
			t.Errorf("%+v (%v)", e, err)
		}
	}
	for range s.List(t.Context(), "a") {
		break // a consumer may stop
	}
}

func unfinished(t *testing.T, s blob.Store) {
	r, w := io.Pipe()
	done := make(chan blob.ID)
	go func() {
		info, err := s.Put(context.Background(), "a", r)
		if err != nil {
			t.Error(err)
		}
		done <- info.ID
	}()
	w.Write(Bytes(1<<20, 1))
	wantList(t, s, "a")
	w.Close()
	wantList(t, s, "a", <-done)
}

func names(t *testing.T, s blob.Store) {
	for _, space := range []string{"", "A", "a/b", "..", "a.b", "0123456789012345678901234567890123"} {
		if _, err := s.Put(t.Context(), space, bytes.NewReader(nil)); err == nil {
			t.Errorf("space %q was taken", space)
		}
	}
	missing := blob.MakeID("a", [16]byte{1})
	for _, id := range []blob.ID{missing, "", "a", "a/..", "../../etc/passwd"} {
		if _, err := s.Open(t.Context(), id, 0, -1); !errors.Is(err, blob.ErrNotFound) {
			t.Errorf("open %q: %v", id, err)
		}
	}
}

func concurrent(t *testing.T, s blob.Store) {
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := range 20 {
				want := Bytes(i*997, uint64(w))
				info, err := s.Put(context.Background(), fmt.Sprintf("s%d", w%2), bytes.NewReader(want))
				if err != nil {
					t.Error(err)
					return
				}
				if got, err := Read(context.Background(), s, info.ID); err != nil || !bytes.Equal(got, want) {
					t.Errorf("came back as %d bytes of %d (%v)", len(got), len(want), err)
				}
				if i%2 == 0 {
					if err := s.Delete(context.Background(), info.ID); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	if n := len(list(t, s, "s0")) + len(list(t, s, "s1")); n != 80 {
		t.Errorf("%d blobs are left, want 80", n)
	}
}

// zipped reads an archive in place, as Lambda does.
func zipped(t *testing.T, s blob.Store) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, _ := w.Create("index.py")
	f.Write([]byte("def handler(): pass"))
	w.Close()
	info := put(t, s, "a", b.Bytes())
	z, err := zip.NewReader(blob.At(t.Context(), s, info.ID), info.Size)
	if err != nil {
		t.Fatal(err)
	}
	if len(z.File) != 1 || z.File[0].Name != "index.py" {
		t.Errorf("%v", z.File)
	}
}
