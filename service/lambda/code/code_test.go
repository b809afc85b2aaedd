package code

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/brume-dev/brume/blob"
	"github.com/brume-dev/brume/blob/memblob"
	"github.com/brume-dev/brume/clock"
)

type entry struct {
	name, text string
	mode       fs.FileMode
}

func archive(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, e := range entries {
		h := &zip.FileHeader{Name: e.name, Method: zip.Deflate}
		h.SetMode(e.mode)
		f, err := w.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(f, e.text); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestUnpack(t *testing.T) {
	dir := t.TempDir()
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("untouched"), 0o644); err != nil {
		t.Fatal(err)
	}
	b := archive(t,
		entry{"app.py", "x = 1", 0o600}, entry{"bootstrap", "#!", 0o755}, entry{"pkg/", "", fs.ModeDir | 0o700},
		entry{"pkg/mod.py", "y", 0}, entry{"../out", "no", 0o644}, entry{"/abs", "no", 0o644}, entry{`win\dir\f`, "w", 0o644},
		entry{"link", "app.py", fs.ModeSymlink | 0o777},
		// An archive that first puts a link and then writes through it.
		entry{"evil", secret, fs.ModeSymlink | 0o777}, entry{"evildir", filepath.Dir(secret), fs.ModeSymlink | 0o777},
		entry{"evildir/secret", "overwritten", 0o644}, entry{"evil", "overwritten", 0o644}, entry{"twice", "1", 0o644}, entry{"twice", "2", 0o644})
	if err := Unpack(bytes.NewReader(b), int64(len(b)), dir); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{"app.py": "x = 1", "pkg/mod.py": "y", "win/dir/f": "w", "link": "x = 1",
		"evil": "overwritten", "twice": "2"} {
		if got, err := os.ReadFile(filepath.Join(dir, path)); err != nil || string(got) != want {
			t.Errorf("%s: %q %v", path, got, err)
		}
	}
	if got, _ := os.ReadFile(secret); string(got) != "untouched" {
		t.Errorf("a file outside was written: %s", got)
	}
	for path, want := range map[string]fs.FileMode{"app.py": 0o644, "bootstrap": 0o755, "pkg/mod.py": 0o444, "pkg": 0o755} {
		if info, err := os.Stat(filepath.Join(dir, path)); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v %v, want %v", path, info.Mode(), err, want)
		}
	}
	for _, path := range []string{filepath.Join(dir, "../out"), "/abs", filepath.Join(dir, "abs")} {
		if _, err := os.Lstat(path); err == nil {
			t.Errorf("%s was written", path)
		}
	}
}

func TestCheck(t *testing.T) {
	ok, empty := archive(t, entry{"a", "b", 0o644}), archive(t)
	for name, c := range map[string]struct {
		b    []byte
		want error
	}{"ok": {ok, nil}, "nothing": {nil, ErrEmpty}, "no entries": {empty, ErrEmpty}, "garbage": {[]byte("PK garbage"), ErrNotZip},
		"cut": {ok[:len(ok)-5], ErrNotZip}} {
		if _, err := Check(bytes.NewReader(c.b), int64(len(c.b))); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	// A directory that promises more than the limit.
	big := bytes.Clone(ok)
	i := bytes.LastIndex(big, []byte("PK\x01\x02"))
	copy(big[i+24:], []byte{0xff, 0xff, 0xff, 0x7f})
	if _, err := Check(bytes.NewReader(big), int64(len(big))); !errors.Is(err, ErrTooBig) {
		t.Errorf("too big: %v", err)
	}
}

func TestCache(t *testing.T) {
	ctx, blobs := context.Background(), memblob.New(clock.Real())
	b := archive(t, entry{"f", "text", 0o644})
	info, err := blobs.Put(ctx, "lambda", bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	c := NewCache(root, blobs, "lambda")
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			dir, done, err := c.Get(ctx, info.ID, info.Size)
			if err != nil {
				t.Error(err)
				return
			}
			defer done()
			if got, err := os.ReadFile(filepath.Join(dir, "f")); string(got) != "text" {
				t.Error(string(got), err)
			}
		})
	}
	all.Wait()
	dir, done, err := c.Get(ctx, info.ID, info.Size)
	if err != nil {
		t.Fatal(err)
	}
	c.Forget(info.ID)
	if _, err := os.Stat(dir); err != nil {
		t.Errorf("a copy in use was removed: %v", err)
	}
	done()
	done()
	if _, err := os.Stat(dir); err == nil {
		t.Error("a forgotten copy is still there")
	}
	missing := blob.MakeID("lambda", [16]byte{1})
	if _, _, err := c.Get(ctx, missing, 10); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("a package that is not there: %v", err)
	}
	// After a restart: what is whole and still named is used again, the rest goes.
	if dir, done, err = c.Get(ctx, info.ID, info.Size); err != nil {
		t.Fatal(err)
	}
	done()
	for _, junk := range []string{"new-1", missing.Name()} {
		if err := os.MkdirAll(filepath.Join(root, junk), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	again := NewCache(root, blobs, "lambda")
	if _, done, err = again.Get(ctx, info.ID, info.Size); err != nil {
		t.Fatal(err)
	}
	done()
	entries, err := os.ReadDir(root)
	if err != nil || len(entries) != 1 || entries[0].Name() != info.ID.Name() {
		t.Errorf("after the sweep: %v %v", entries, err)
	}
	again.Forget(info.ID)
	if _, err := os.Stat(dir); err == nil {
		t.Error("a copy of an earlier process is still there")
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add(archive(f, entry{"a/b", "text", 0o644}, entry{"../x", "y", fs.ModeSymlink | 0o777}))
	f.Fuzz(func(t *testing.T, b []byte) {
		outer := t.TempDir()
		dir := filepath.Join(outer, "in")
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		_ = Unpack(bytes.NewReader(b), int64(len(b)), dir)
		entries, err := os.ReadDir(outer)
		if err != nil || len(entries) != 1 || strings.TrimSpace(entries[0].Name()) != "in" {
			t.Errorf("left beside the folder: %v %v", entries, err)
		}
	})
}
