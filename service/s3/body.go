package s3

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/blob"
	"github.com/brume-dev/brume/checksum"
	"github.com/brume-dev/brume/service/s3/bucket"
)

// receive reads a body to its end, checks it and keeps it. Whoever does not name the blob in a transaction must discard
// it. Bodies of up to limit bytes stay in memory.
func (s *Service) receive(ctx context.Context, body io.Reader, e bucket.Expectation, limit int) (got bucket.Received, err error) {
	if body == nil {
		body = http.NoBody
	}
	trailers, _ := body.(aws.Trailers)
	if e.Algorithm == "" && trailers != nil {
		e.Algorithm = announced(trailers)
	}
	d := newDigest(e)
	in := &checked{r: io.TeeReader(body, d), done: func() (err error) {
		var t http.Header
		if trailers != nil {
			t = trailers.Trailer()
		}
		got.Sum, err = d.check(e, t)
		return err
	}}
	head := new(bytes.Buffer)
	n, err := io.CopyN(head, in, int64(limit)+1)
	switch {
	case errors.Is(err, io.EOF):
		got.Small, got.Size = head.Bytes(), n
	case err != nil:
		return got, err
	default:
		info, err := s.Blobs.Put(ctx, bucket.Space, io.MultiReader(head, in))
		if err != nil {
			return got, err
		}
		got.Blob, got.Size = bucket.Piece{Blob: info.ID, Size: info.Size}, info.Size
	}
	got.Etag = d.etag()
	return got, nil
}

// announced is the algorithm of the checksum that follows a body, or "".
func announced(t aws.Trailers) string {
	for _, name := range t.Announced() {
		a, ok := strings.CutPrefix(strings.ToUpper(name), strings.ToUpper(checksum.Header))
		if ok && checksum.New(a) != nil {
			return a
		}
	}
	return ""
}

// checked calls done at the end of what it reads, and fails when that does.
type checked struct {
	r     io.Reader
	done  func() error
	ended bool
}

func (c *checked) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if err == io.EOF && !c.ended {
		c.ended = true
		if bad := c.done(); bad != nil {
			return n, bad
		}
	}
	return n, err
}

// discard deletes blobs that nobody names. What it does not come to, the sweeper does.
func (s *Service) discard(ctx context.Context, g bucket.Garbage) {
	ctx = context.WithoutCancel(ctx)
	for _, id := range g {
		if err := s.Blobs.Delete(ctx, id); err != nil {
			s.Log.WarnContext(ctx, "s3: blob stays for the sweeper", "blob", id, "err", err)
		}
	}
}

// abandon discards a body whose transaction failed.
func (s *Service) abandon(ctx context.Context, got bucket.Received) {
	if got.Blob.Blob != "" {
		s.discard(ctx, bucket.Garbage{got.Blob.Blob})
	}
}

// pieces lists the blobs of n bytes of an object from off on.
func pieces(all []bucket.Piece, off, n int64) (out []bucket.Piece) {
	for _, p := range all {
		if n == 0 {
			break
		}
		if off >= p.Size {
			off -= p.Size
			continue
		}
		take := min(p.Size-off, n)
		out = append(out, bucket.Piece{Blob: p.Blob, Off: p.Off + off, Size: take})
		off, n = 0, n-take
	}
	return out
}

// open reads n bytes of c from off on. The first blob is opened at once: one that is gone was replaced meanwhile, and
// the caller may look again. Only blobs of single pieces go so soon.
func (s *Service) open(ctx context.Context, c bucket.Content, off, n int64) (io.ReadCloser, error) {
	if c.Pieces == nil {
		small := c.Small
		return io.NopCloser(bytes.NewReader(small[min(off, int64(len(small))):min(off+n, int64(len(small)))])), nil
	}
	r := &reader{ctx: ctx, blobs: s.Blobs, left: pieces(c.Pieces, off, n)}
	if len(r.left) == 0 {
		return r, nil
	}
	return r, r.next()
}

// reader reads pieces of blobs one after the other.
type reader struct {
	ctx   context.Context
	blobs blob.Store
	left  []bucket.Piece
	open  io.ReadCloser
}

func (r *reader) next() (err error) {
	p := r.left[0]
	if r.open, err = r.blobs.Open(r.ctx, p.Blob, p.Off, p.Size); err == nil {
		r.left = r.left[1:]
	}
	return err
}

// Read implements io.Reader.
func (r *reader) Read(p []byte) (int, error) {
	for {
		if r.open == nil {
			if len(r.left) == 0 {
				return 0, io.EOF
			}
			if err := r.next(); err != nil {
				return 0, err
			}
		}
		n, err := r.open.Read(p)
		if err == io.EOF {
			err = r.open.Close()
			r.open = nil
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

// Close implements io.Closer.
func (r *reader) Close() error {
	if r.open == nil {
		return nil
	}
	return r.open.Close()
}
