package gateway

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/gateway/route"
	"github.com/brume-dev/brume/gateway/sigv4"
	"github.com/brume-dev/brume/protocol"
)

// bound refuses a body that is larger than the operation takes, by its announced length before anything is read, else
// when it turns out to be.
func (x *exchange) bound(to route.Route) error {
	x.limit = bodyLimit(to.Service.Name, to.Op.Name)
	if x.look.Length > x.limit || int64(len(x.whole)) > x.limit {
		return x.tooLarge(to)
	}
	if x.look.Length < 0 && !x.read {
		x.body = &bounded{r: x.body, left: x.limit, err: x.tooLarge(to)}
	}
	return nil
}

// tooLarge is the words of AWS's front ends, and of S3.
func (x *exchange) tooLarge(to route.Route) error {
	if to.Service.Name == "s3" && x.limit == maxBody {
		return aws.Errorf("MaxMessageLengthExceeded", http.StatusBadRequest, "Your request was too big.")
	}
	if to.Service.Name == "s3" {
		return &entityTooLarge{Message: "Your proposed upload exceeds the maximum allowed size",
			ProposedSize: x.look.Length, MaxSizeAllowed: 5 << 30}
	}
	name := to.Op.Name
	if name == "Invoke" {
		name = "InvokeFunction" // as Lambda's own message calls it
	}
	return aws.Errorf("RequestEntityTooLargeException", http.StatusRequestEntityTooLarge,
		"Request must be smaller than %d bytes for the %s operation", x.limit, name)
}

// entityTooLarge is S3's error, with its members.
type entityTooLarge struct {
	Message        string `aws:"Message"`
	ProposedSize   int64  `aws:"ProposedSize"`
	MaxSizeAllowed int64  `aws:"MaxSizeAllowed"`
}

func (e *entityTooLarge) Error() string { return "EntityTooLarge: " + e.Message }

// ErrorInfo implements aws.Error.
func (e *entityTooLarge) ErrorInfo() aws.ErrorInfo {
	return aws.ErrorInfo{Code: "EntityTooLarge", Status: http.StatusBadRequest, Message: e.Message}
}

// headerNotImplemented is S3's answer to a body whose length it is not told: it takes chunks in its own encoding only.
type headerNotImplemented struct {
	Message string `aws:"Message"`
	Header  string `aws:"Header"`
}

func (e *headerNotImplemented) Error() string { return "NotImplemented: " + e.Header }

// ErrorInfo implements aws.Error.
func (e *headerNotImplemented) ErrorInfo() aws.ErrorInfo {
	return aws.ErrorInfo{Code: "NotImplemented", Status: http.StatusNotImplemented, Message: e.Message}
}

// bounded fails with err once more than left bytes have come.
type bounded struct {
	r    io.Reader
	left int64
	err  error
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, b.err
	}
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.r.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, b.err
	}
	return n, err
}

// bytes reads the whole body, for signatures that cover it. The bytes stay readable.
func (x *exchange) bytes() ([]byte, error) {
	if x.read {
		return x.whole, nil
	}
	b, err := protocol.ReadBody(&protocol.Request{Body: x.body, Length: x.look.Length})
	if err != nil {
		return nil, err
	}
	x.whole, x.read, x.wire.Length = b, true, int64(len(b))
	return b, nil
}

// stream makes the body of an S3 request what the client meant: chunks undone, and verified as it is read. seed is nil
// when the secret is not known; then signatures of chunks are not verified, but hashes still are.
func (x *exchange) stream(seed *sigv4.Seed) error {
	h := x.wire.Header
	sum := h.Get("X-Amz-Content-Sha256")
	kind, chunked := sigv4.StreamOf(sum)
	switch {
	case chunked:
		size, err := strconv.ParseInt(h.Get("X-Amz-Decoded-Content-Length"), 10, 64)
		if err != nil || size < 0 {
			return aws.Errorf("MissingContentLength", http.StatusLengthRequired, "You must provide the Content-Length HTTP header.")
		}
		x.wire.Length = size
		h.Set("Content-Length", strconv.FormatInt(size, 10))
		withoutChunked(h)
		x.wire.Body = sigv4.NewChunks(x, kind, seed, size, names(h.Get("X-Amz-Trailer")))
	case len(x.signed.Transfer) > 0:
		return &headerNotImplemented{Message: "A header you provided implies functionality that is not implemented", Header: "Transfer-Encoding"}
	case len(sum) == 64:
		x.wire.Body = sigv4.Payload(x, sum, x.wire.Length)
	}
	if x.wire.Length == 0 && len(sum) == 64 { // nobody reads an empty body to its end
		_, err := io.Copy(io.Discard, x.wire.Body)
		return err
	}
	return nil
}

// withoutChunked takes aws-chunked out of Content-Encoding: it is how the body travels, not what the object is.
func withoutChunked(h http.Header) {
	var left []string
	for _, e := range names(strings.Join(h.Values("Content-Encoding"), ",")) {
		if e != "aws-chunked" {
			left = append(left, e)
		}
	}
	if h.Del("Content-Encoding"); len(left) > 0 {
		h.Set("Content-Encoding", strings.Join(left, ","))
	}
}

// names splits a comma-separated header.
func names(list string) []string {
	var out []string
	for s := range strings.SplitSeq(list, ",") {
		if s = strings.TrimSpace(s); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// hoist makes headers of the x-amz- parameters of a presigned S3 request, where SDKs put them so that whoever uses the
// URL need not know them. S3 takes no notice of checksums there, which are those of the body that the SDK for JavaScript
// did not have when it signed (https://github.com/aws/aws-sdk-go-v2/issues/2610, https://github.com/aws/aws-sdk-js-v3/issues/4448).
func (x *exchange) hoist() {
	for p := range strings.SplitSeq(x.wire.Query, "&") {
		name, value, _ := strings.Cut(p, "=")
		key := http.CanonicalHeaderKey(name)
		if !strings.HasPrefix(key, "X-Amz-") || strings.HasPrefix(key, "X-Amz-Checksum-") || key == "X-Amz-Sdk-Checksum-Algorithm" || x.wire.Header.Get(key) != "" {
			continue
		}
		switch key {
		case "X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-Signature", "X-Amz-Signedheaders":
		default:
			x.wire.Header.Set(key, unescape(value))
		}
	}
}

// inflate undoes the compression of a request's body, which SDKs use for large PutMetricData requests
// (https://docs.aws.amazon.com/sdkref/latest/guide/feature-compression.html). S3 stores bodies as they come.
func (x *exchange) inflate(to route.Route) error {
	if to.Service.Name == "s3" || !strings.EqualFold(x.wire.Header.Get("Content-Encoding"), "gzip") {
		return nil
	}
	b, err := x.bytes()
	if err != nil {
		return err
	}
	zr, err := gzip.NewReader(bytes.NewReader(b))
	if err == nil {
		x.limit = maxInflated
		b, err = io.ReadAll(&bounded{r: zr, left: x.limit, err: x.tooLarge(to)})
	}
	if known, ok := errors.AsType[aws.Error](err); ok {
		return known
	}
	if err != nil {
		return aws.Errorf("SerializationException", http.StatusBadRequest, "The request body is not valid gzip: %v", err)
	}
	x.whole, x.wire.Length = b, int64(len(b))
	return nil
}
