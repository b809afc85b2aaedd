package store

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"iter"
	"time"
)

// Head describes the state that an archive holds.
type Head struct {
	Incarnation uint16
	Version     Version
	Time        time.Time // of the last commit: tx.Now() after a restore is not before it
}

// ErrArchive says that what Restore was given is not a whole backup.
var ErrArchive = errors.New("store: not a whole backup")

const archiveMagic = "brume backup 1\n"

// WriteArchive writes the form that Backup of every backend produces and ReadArchive reads:
//
//	"brume backup 1\n"  incarnation(2)  version(8)  unix nanoseconds(8)
//	{ uvarint len, key, uvarint len, value }  in order of keys
//	0x00  SHA-256 of all of the above
//
// Integers are big endian. A key is never empty, so a zero length ends the pairs.
func WriteArchive(w io.Writer, h Head, pairs iter.Seq2[KV, error]) error {
	sum := sha256.New()
	bw := bufio.NewWriterSize(io.MultiWriter(w, sum), 1<<16)
	b := append([]byte(nil), archiveMagic...)
	b = binary.BigEndian.AppendUint16(b, h.Incarnation)
	b = binary.BigEndian.AppendUint64(b, uint64(h.Version))
	b = binary.BigEndian.AppendUint64(b, uint64(h.Time.UnixNano()))
	bw.Write(b) // errors of a bufio.Writer stick until Flush
	for kv, err := range pairs {
		if err != nil {
			return fmt.Errorf("backup: read: %w", err)
		}
		bw.Write(binary.AppendUvarint(b[:0], uint64(len(kv.Key))))
		bw.Write(kv.Key)
		bw.Write(binary.AppendUvarint(b[:0], uint64(len(kv.Value))))
		if _, err := bw.Write(kv.Value); err != nil {
			return fmt.Errorf("backup: write: %w", err)
		}
	}
	bw.WriteByte(0)
	if err := bw.Flush(); err != nil {
		return fmt.Errorf("backup: write: %w", err)
	}
	if _, err := w.Write(sum.Sum(nil)); err != nil {
		return fmt.Errorf("backup: write: %w", err)
	}
	return nil
}

// ReadArchive calls each for every pair of an archive; the pair is valid during the call. Only when the error is nil
// was the archive whole: until then the pairs must not be taken for the state.
func ReadArchive(r io.Reader, each func(KV) error) (Head, error) {
	in := &summed{r: bufio.NewReaderSize(r, 1<<16), sum: sha256.New()}
	var fixed [len(archiveMagic) + 18]byte
	if _, err := io.ReadFull(in, fixed[:]); err != nil || string(fixed[:len(archiveMagic)]) != archiveMagic {
		return Head{}, fmt.Errorf("%w: no header", ErrArchive)
	}
	b := fixed[len(archiveMagic):]
	h := Head{
		Incarnation: binary.BigEndian.Uint16(b),
		Version:     Version(binary.BigEndian.Uint64(b[2:])),
		Time:        time.Unix(0, int64(binary.BigEndian.Uint64(b[10:]))).UTC(),
	}
	var key, value []byte
	for {
		var err error
		if key, err = in.field(key, MaxKey); err != nil {
			return Head{}, err
		}
		if len(key) == 0 {
			break
		}
		if value, err = in.field(value, MaxValue); err != nil {
			return Head{}, err
		}
		if err := CheckKey(key); err != nil {
			return Head{}, fmt.Errorf("%w: %w", ErrArchive, err)
		}
		if err := each(KV{Key: key, Value: value}); err != nil {
			return Head{}, err
		}
	}
	want := in.sum.Sum(nil)
	got := make([]byte, len(want))
	if _, err := io.ReadFull(in.r, got); err != nil || string(got) != string(want) {
		return Head{}, fmt.Errorf("%w: the checksum differs", ErrArchive)
	}
	return h, nil
}

// summed reads and hashes what was read.
type summed struct {
	r   *bufio.Reader
	sum hash.Hash
}

func (s *summed) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.sum.Write(p[:n])
	return n, err
}

func (s *summed) ReadByte() (byte, error) {
	var b [1]byte
	_, err := io.ReadFull(s, b[:])
	return b[0], err
}

// field reads a length of at most limit and as many bytes, into buf where they fit.
func (s *summed) field(buf []byte, limit uint64) ([]byte, error) {
	n, err := binary.ReadUvarint(s)
	if err != nil {
		return nil, fmt.Errorf("%w: it ends early", ErrArchive)
	}
	if n > limit {
		return nil, fmt.Errorf("%w: a field of %d bytes", ErrArchive, n)
	}
	if uint64(cap(buf)) < n {
		buf = make([]byte, n, 2*n)
	}
	buf = buf[:n]
	if _, err := io.ReadFull(s, buf); err != nil {
		return nil, fmt.Errorf("%w: it ends early", ErrArchive)
	}
	return buf, nil
}
