// Package code handles deployment packages: it checks zip archives as Lambda does and keeps unpacked copies of them on
// disk, from which environments are started. An unpacked copy can be made again at any time.
package code

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// Limits of deployment packages. https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const (
	MaxUnzipped = 262_144_000    // bytes of a function with its layers, unzipped
	MaxDirect   = 52_428_800     // bytes of a zip in a request
	MaxStored   = 80_530_636_800 // bytes of the packages of an account and region, 75 GB
	maxEntries  = 200_000        // files and folders, our own bound
)

// Errors of packages that Lambda refuses.
var (
	ErrEmpty  = errors.New("Uploaded file must be a non-empty zip")
	ErrNotZip = errors.New("Could not unzip uploaded file. Please check your file, then try to upload again.")
	ErrTooBig = fmt.Errorf("Unzipped size must be smaller than %d bytes", MaxUnzipped)
)

// Check reads the directory of the archive of size bytes and returns how large it is unzipped, or one of the errors above
// if Lambda would refuse it.
func Check(r io.ReaderAt, size int64) (unzipped int64, err error) {
	z, err := open(r, size)
	if err != nil {
		return 0, err
	}
	for _, f := range z.File {
		unzipped += int64(f.UncompressedSize64) // open has seen that the sum is small
	}
	return unzipped, nil
}

func open(r io.ReaderAt, size int64) (*zip.Reader, error) {
	if size == 0 {
		return nil, ErrEmpty
	}
	z, err := zip.NewReader(r, size)
	switch {
	case err == nil, errors.Is(err, zip.ErrInsecurePath):
	case errors.Is(err, zip.ErrFormat), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return nil, ErrNotZip
	default:
		return nil, fmt.Errorf("code: read the archive: %w", err)
	}
	if len(z.File) == 0 {
		return nil, ErrEmpty
	}
	if len(z.File) > maxEntries {
		return nil, ErrTooBig
	}
	var total uint64
	for _, f := range z.File {
		if total += f.UncompressedSize64; total > MaxUnzipped || f.UncompressedSize64 > MaxUnzipped {
			return nil, ErrTooBig
		}
	}
	return z, nil
}

// Unpack writes the archive into dir, which must be empty. Nothing is written outside of it, whatever names and links the
// archive has: such entries are left out. Everything can be read by everybody, because functions run as users of
// their own; what is executable stays so.
func Unpack(r io.ReaderAt, size int64, dir string) error {
	z, err := open(r, size)
	if err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("code: unpack: %w", err)
	}
	defer root.Close()
	left := int64(MaxUnzipped)
	for _, f := range z.File {
		name := path.Clean(strings.ReplaceAll(f.Name, `\`, "/"))
		if !filepath.IsLocal(name) || outside(root, name) {
			continue
		}
		n, err := extract(root, f, name, left)
		if err != nil {
			return fmt.Errorf("code: unpack %s: %w", f.Name, err)
		}
		left -= n
	}
	return nil
}

// outside reports whether the folder of name leads out of root over a link.
func outside(root *os.Root, name string) bool {
	_, err := root.Stat(path.Dir(name))
	return err != nil && !errors.Is(err, fs.ErrNotExist)
}

// extract writes one entry and returns its size, which is at most left whatever the archive's directory says.
func extract(root *os.Root, f *zip.File, to string, left int64) (int64, error) {
	mode := f.Mode()
	if mode.IsDir() || strings.HasSuffix(f.Name, "/") {
		return 0, root.MkdirAll(to, 0o755)
	}
	if err := root.MkdirAll(path.Dir(to), 0o755); err != nil {
		return 0, err
	}
	r, err := f.Open()
	if err != nil {
		return 0, ErrNotZip
	}
	defer r.Close()
	// What an earlier entry put there is replaced, never followed.
	if err := root.Remove(to); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, err
	}
	if mode&fs.ModeSymlink != 0 {
		target, err := io.ReadAll(io.LimitReader(r, maxLink))
		if err != nil {
			return 0, ErrNotZip
		}
		return 0, root.Symlink(string(target), to)
	}
	w, err := root.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode.Perm()&0o755|0o444)
	if err != nil {
		return 0, err
	}
	n, err := io.Copy(w, io.LimitReader(r, left+1))
	if err == nil && n > left {
		err = ErrTooBig
	}
	return n, errors.Join(err, w.Close())
}

// maxLink is the longest target of a symbolic link.
const maxLink = 4096
