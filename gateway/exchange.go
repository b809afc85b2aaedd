package gateway

import (
	"bytes"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/gateway/route"
	"github.com/brume-dev/brume/gateway/sigv4"
	"github.com/brume-dev/brume/protocol"
)

// exchange is one request under way: the same bytes as routing, signatures and protocols look at them.
type exchange struct {
	look   route.Request    // for routing
	signed *sigv4.Message   // for the signature
	wire   protocol.Request // for the codec
	info   aws.Request      // for policies and logs
	from   *http.Request    // for what only browsers send
	given  *aws.Identity    // who sends it, when that is known without a signature

	body  io.Reader // what is left to read
	whole []byte    // the body, once it has been read
	read  bool      // whole is set
	limit int64
}

// accept reads the head of r.
func (g *Gateway) accept(r *http.Request) *exchange {
	m := sigv4.FromRequest(r)
	x := &exchange{from: r, signed: m, body: r.Body, limit: route.MaxForm}
	if r.Body == nil {
		x.body = http.NoBody
	}
	x.info = aws.Request{ID: newUUID(), SourceIP: sourceIP(r.RemoteAddr), TLS: r.TLS != nil || neverLeaves(r.RemoteAddr),
		UserAgent: r.Header.Get("User-Agent"), Referer: r.Header.Get("Referer"), Trace: r.Header.Get("X-Amzn-Trace-Id"), Endpoint: endpoint(r)}
	x.wire = protocol.Request{Method: m.Method, Path: m.Path, Query: m.Query, Header: m.Header, Host: m.Host,
		Length: m.Length, Resource: m.Path, ID: x.info.ID}
	x.look = route.Request{Method: m.Method, Path: m.Path, Query: m.Query, Host: m.Host, Header: m.Header, Length: m.Length,
		Form: x.form}
	return x
}

// form reads as much of the body as routing may see, and puts it back.
func (x *exchange) form() ([]byte, bool) {
	b, err := io.ReadAll(io.LimitReader(x.body, route.MaxForm))
	if err != nil || int64(len(b)) == route.MaxForm {
		x.body = io.MultiReader(bytes.NewReader(b), x.body)
		return b, false
	}
	x.whole, x.read = b, true
	return b, true
}

// address tells the parts of x where it goes.
func (x *exchange) address(to route.Route) {
	x.wire.Path, x.wire.Labels = to.Path, to.Labels
	x.signed.Bucket = to.Bucket
	if to.Service != nil && to.Service.Name == "s3" {
		x.wire.ID, x.wire.HostID = newS3ID(), newHostID()
		x.info.ID = x.wire.ID
	}
	x.wire.Body = x
}

// Read gives what is left of the body.
func (x *exchange) Read(p []byte) (int, error) {
	if x.read {
		if len(x.whole) == 0 {
			return 0, io.EOF
		}
		n := copy(p, x.whole)
		x.whole = x.whole[n:]
		return n, nil
	}
	return x.body.Read(p)
}

// Whole implements protocol.Whole.
func (x *exchange) Whole() ([]byte, bool) { return x.whole, x.read }

func sourceIP(remote string) string {
	if ip, _, err := net.SplitHostPort(remote); err == nil {
		ip, _, _ = strings.Cut(ip, "%")
		return ip
	}
	return remote
}

// endpoint is the beginning of a URL by which the client reaches the platform again.
func endpoint(r *http.Request) string {
	switch {
	case r.Host == "":
		return ""
	case r.TLS != nil:
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// neverLeaves reports whether a request comes over the loopback interface. It counts as secure transport, with or without TLS:
// nobody can listen on the way, and bucket policies that demand aws:SecureTransport (that of "cdk bootstrap" is one)
// must let the clients in that use the address Brume prints.
func neverLeaves(remote string) bool {
	a, err := netip.ParseAddrPort(remote)
	return err == nil && a.Addr().Unmap().IsLoopback()
}

// newUUID returns a random UUID (RFC 9562, version 4). Request ids are names, not secrets.
func newUUID() string {
	const hex = "0123456789abcdef"
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:8], rand.Uint64())
	binary.LittleEndian.PutUint64(b[8:], rand.Uint64())
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	var out [36]byte
	j := 0
	for i, c := range b {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			out[j] = '-'
			j++
		}
		out[j], out[j+1] = hex[c>>4], hex[c&15]
		j += 2
	}
	return string(out[:])
}

// newS3ID is a request id as S3 writes them, "TX234S0F24A06C7Q".
func newS3ID() string {
	var b [10]byte
	binary.LittleEndian.PutUint64(b[:8], rand.Uint64())
	binary.LittleEndian.PutUint16(b[8:], uint16(rand.Uint32()))
	return base32.HexEncoding.EncodeToString(b[:])
}

// newHostID is S3's second id, 56 bytes in base64.
func newHostID() string {
	var b [56]byte
	for i := 0; i < len(b); i += 8 {
		binary.LittleEndian.PutUint64(b[i:], rand.Uint64())
	}
	return base64.StdEncoding.EncodeToString(b[:])
}
