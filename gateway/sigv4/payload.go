package sigv4

import (
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"strings"
)

// Payload returns a reader of body that fails instead of ending when the bytes do not hash to want, so that what is
// streamed is verified without being kept. The hash is S3's x-amz-content-sha256. length is that of the body, or -1:
// a reader that stops after so many bytes has seen them verified.
func Payload(body io.Reader, want string, length int64) io.Reader {
	return &payload{body: body, want: strings.ToLower(want), left: length, hash: sha256.New()}
}

type payload struct {
	body io.Reader
	want string
	left int64
	hash hash.Hash
	done bool
}

func (p *payload) Read(b []byte) (int, error) {
	if p.done {
		return 0, io.EOF
	}
	n, err := p.body.Read(b)
	p.hash.Write(b[:n])
	p.left -= int64(n)
	if err == io.EOF || p.left == 0 {
		if got := hex.EncodeToString(p.hash.Sum(nil)); got != p.want {
			return n, wrongPayload(p.want, got).s3error()
		}
		p.done, err = true, io.EOF
	}
	return n, err
}

func (f *Failure) s3error() error { e := f.s3; return &e }

// Stream is how the chunks of an aws-chunked body are protected.
type Stream struct {
	Signed  bool // each chunk carries a signature that continues the one before
	Trailer bool // headers follow the last chunk
}

// StreamOf reads an x-amz-content-sha256 header; ok is false when it announces no stream. The ECDSA forms have chunk
// signatures too, which only their own algorithm can verify.
func StreamOf(contentSHA256 string) (s Stream, ok bool) {
	switch contentSHA256 {
	case "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD":
		return Stream{Signed: true}, true
	case "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER":
		return Stream{Signed: true, Trailer: true}, true
	case "STREAMING-UNSIGNED-PAYLOAD-TRAILER":
		return Stream{Trailer: true}, true
	}
	return Stream{}, false
}
