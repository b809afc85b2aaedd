package sigv4

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
)

// Seed is what the signatures of a streaming body's chunks continue: the request's own.
type Seed struct {
	key       signingKey
	stamp     string
	scope     string
	signature string
}

// Chunks decodes an aws-chunked body
// (https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html):
//
//	hex-size[;chunk-signature=sig] CRLF size bytes CRLF   … as often as wanted
//	0[;chunk-signature=sig] CRLF
//	[name:value CRLF]* [x-amz-trailer-signature:sig CRLF] CRLF
//
// Bytes are handed on as they come and each chunk's signature is compared at its end: a reader that acts before io.EOF
// acts on bytes that may turn out to be forged; the last bytes that the size allows come with the verdict. Errors are *S3Error.
type Chunks struct {
	r       *bufio.Reader
	stream  Stream
	seed    *Seed // nil: signatures are not verified, since the secret is not known
	size    int64 // that the request promised, -1 when it did not
	allowed []string

	left    int64 // of the current chunk
	read    int64
	small   bool // a chunk below MinChunk has been seen
	sum     hash.Hash
	sig     string // of the current chunk
	trailer http.Header
	err     error
}

// NewChunks returns a decoder of body. seed verifies the chunks' signatures; nil accepts any. size is
// x-amz-decoded-content-length, or -1. trailers are the names that x-amz-trailer announced.
func NewChunks(body io.Reader, stream Stream, seed *Seed, size int64, trailers []string) *Chunks {
	c := &Chunks{r: bufio.NewReaderSize(body, 16<<10), stream: stream, size: size, allowed: trailers, trailer: http.Header{}}
	if stream.Signed && seed != nil {
		own := *seed
		c.seed, c.sum = &own, sha256.New()
	}
	c.left = -1
	return c
}

// Announced implements aws.Trailers.
func (c *Chunks) Announced() []string { return c.allowed }

// Trailer returns the headers that followed the body. It is complete once Read has returned io.EOF.
func (c *Chunks) Trailer() http.Header { return c.trailer }

// Read implements io.Reader.
func (c *Chunks) Read(p []byte) (int, error) {
	for c.err == nil && c.left <= 0 {
		c.err = c.advance()
	}
	if c.err != nil {
		return 0, c.err
	}
	if int64(len(p)) > c.left {
		p = p[:c.left]
	}
	n, err := c.r.Read(p)
	c.left -= int64(n)
	c.read += int64(n)
	if c.sum != nil {
		c.sum.Write(p[:n])
	}
	if err != nil {
		c.err = cutShort(err)
	}
	if c.read == c.size { // a reader that stops here must not miss the end: it holds signatures and trailers
		for c.err == nil && c.left <= 0 {
			c.err = c.advance()
		}
		return n, c.err
	}
	if n > 0 {
		return n, nil
	}
	return 0, c.err
}

// advance ends the current chunk and begins the next one; after the last it returns io.EOF.
func (c *Chunks) advance() error {
	if c.left == 0 {
		if err := c.expectCRLF(); err != nil {
			return err
		}
		if err := c.verifyChunk(); err != nil {
			return err
		}
	}
	line, err := c.line(maxChunkHeader)
	if err != nil {
		return err
	}
	size, err := c.chunkHeader(line)
	if err != nil {
		return err
	}
	if c.small && size > 0 && c.stream.Signed {
		return s3Fail("InvalidChunkSizeError", 403, "Only the last chunk is allowed to have a size less than 8192 bytes")
	}
	c.small = size < MinChunk
	c.left = size
	if size > 0 {
		if c.size >= 0 && c.read+size > c.size {
			return incompleteBody()
		}
		return nil
	}
	if err := c.verifyChunk(); err != nil {
		return err
	}
	if err := c.trailers(); err != nil {
		return err
	}
	if c.size >= 0 && c.read != c.size {
		return incompleteBody()
	}
	c.left = -1
	return io.EOF
}

// chunkHeader reads "hex-size;chunk-signature=…".
func (c *Chunks) chunkHeader(line string) (int64, error) {
	digits, extension, _ := strings.Cut(line, ";")
	size, err := strconv.ParseUint(strings.TrimSpace(digits), 16, 63)
	if err != nil || size > maxChunk {
		return 0, incompleteBody()
	}
	c.sig = ""
	if _, sig, ok := strings.Cut(extension, "chunk-signature="); ok {
		c.sig = sig
	}
	if c.seed != nil && c.sig == "" {
		return 0, incompleteBody()
	}
	return int64(size), nil
}

// verifyChunk compares the signature of the chunk that has just ended.
func (c *Chunks) verifyChunk() error {
	if c.seed == nil {
		return nil
	}
	toSign := "AWS4-HMAC-SHA256-PAYLOAD\n" + c.seed.stamp + "\n" + c.seed.scope + "\n" + c.seed.signature + "\n" +
		EmptyHash + "\n" + hex.EncodeToString(c.sum.Sum(nil))
	c.sum.Reset()
	return c.verify(toSign, c.sig)
}

func (c *Chunks) verify(toSign, sig string) error {
	mac := c.seed.key.sign([]byte(toSign))
	if !equalHex(sig, mac[:]) {
		e := s3Error("SignatureDoesNotMatch", 403, mismatchTextS3)
		e.StringToSign, e.SignatureProvided, e.StringToSignBytes = new(toSign), new(sig), new(spaced(toSign))
		return &e
	}
	c.seed.signature = sig
	return nil
}

// trailers reads what follows the last chunk, up to the empty line.
func (c *Chunks) trailers() error {
	if _, err := c.r.Peek(1); err == io.EOF && !c.stream.Trailer {
		return nil // some clients end after the last chunk's line
	}
	var signed bytes.Buffer
	signature := ""
	for total := 0; ; {
		line, err := c.line(maxTrailers)
		if err != nil {
			return err
		}
		if line == "" {
			break
		}
		total += len(line)
		name, value, ok := strings.Cut(line, ":")
		name, value = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(value)
		if !ok || !c.stream.Trailer || total > maxTrailers {
			return malformedTrailer()
		}
		if name == "x-amz-trailer-signature" {
			signature = value
			continue
		}
		if !c.announced(name) {
			return malformedTrailer()
		}
		signed.WriteString(name + ":" + value + "\n")
		c.trailer.Add(textproto.CanonicalMIMEHeaderKey(name), value)
	}
	if len(c.trailer) < len(c.allowed) {
		return malformedTrailer()
	}
	if c.seed == nil || !c.stream.Trailer {
		return nil
	}
	sum := sha256.Sum256(signed.Bytes())
	return c.verify("AWS4-HMAC-SHA256-TRAILER\n"+c.seed.stamp+"\n"+c.seed.scope+"\n"+c.seed.signature+"\n"+
		hex.EncodeToString(sum[:]), signature)
}

func (c *Chunks) announced(name string) bool {
	for _, a := range c.allowed {
		if strings.EqualFold(a, name) {
			return true
		}
	}
	return false
}

func (c *Chunks) expectCRLF() error {
	line, err := c.line(2)
	if err == nil && line != "" {
		err = incompleteBody()
	}
	return err
}

// line reads up to LF and returns what stands before the CR LF.
func (c *Chunks) line(limit int) (string, error) {
	var b []byte
	for {
		part, err := c.r.ReadSlice('\n')
		b = append(b, part...)
		if len(b) > limit {
			return "", incompleteBody()
		}
		if err == nil {
			return string(bytes.TrimRight(b, "\r\n")), nil
		}
		if err != bufio.ErrBufferFull {
			return "", cutShort(err)
		}
	}
}

func cutShort(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return incompleteBody()
	}
	return err
}

func incompleteBody() error {
	return s3Fail("IncompleteBody", 400, "The request body terminated unexpectedly")
}

func malformedTrailer() error {
	return s3Fail("MalformedTrailerError", 400, "The request contained trailing data that was not well-formed or did not conform to our published schema.")
}

func s3Fail(code string, status int, text string) error {
	e := s3Error(code, status, text)
	return &e
}
