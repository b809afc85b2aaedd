package sigv4

import (
	"net/http"
	"strconv"
	"strings"
)

// Message is the part of an HTTP request that a signature covers, as it came off the wire.
type Message struct {
	Method string
	Path   string // raw, still percent-encoded
	Query  string // raw, without '?'
	Host   string // as sent, with its port
	Header http.Header
	Length int64 // Content-Length, -1 when there is none
	// Transfer is Transfer-Encoding, which net/http takes out of Header.
	Transfer []string
	// Bucket is the bucket that the host name gives. Only Version 2 signs it.
	Bucket string
}

// FromRequest returns what a signature covers of r, which a server received or a client is about to send.
func FromRequest(r *http.Request) *Message {
	path, query := RawTarget(r)
	m := &Message{Method: r.Method, Path: path, Query: query, Host: r.Host, Header: r.Header,
		Length: r.ContentLength, Transfer: r.TransferEncoding}
	if m.Host == "" {
		m.Host = r.URL.Host
	}
	return m
}

// RawTarget returns path and query of r exactly as they stood on the request line: S3 keys may hold empty and dot
// segments and encoded slashes, which a cleaned path has lost.
func RawTarget(r *http.Request) (path, query string) {
	path = r.RequestURI
	if path == "" || path[0] != '/' { // a client's request, or the absolute form that proxies send
		path = r.URL.EscapedPath()
	} else if i := strings.IndexByte(path, '?'); i >= 0 {
		path = path[:i]
	}
	if path == "" {
		path = "/"
	}
	return path, r.URL.RawQuery
}

// values returns the values of a header given its lower-case name, with those that net/http keeps elsewhere.
func (m *Message) values(name string) []string {
	switch name {
	case ":authority": // what HTTP/2 calls the host
		return []string{m.Host}
	case "content-length":
		if v := m.Header["Content-Length"]; len(v) > 0 || m.Length < 0 {
			return v
		}
		return []string{strconv.FormatInt(m.Length, 10)}
	case "transfer-encoding":
		return m.Transfer
	}
	var buf [64]byte
	if len(name) > len(buf) {
		return m.Header[http.CanonicalHeaderKey(name)]
	}
	return m.Header[string(canonicalKey(buf[:0], name))] // no allocation: this is in the path of every request
}

// canonicalKey is textproto.CanonicalMIMEHeaderKey on a lower-case name, into b.
func canonicalKey(b []byte, name string) []byte {
	upper := true
	for i := 0; i < len(name); i++ {
		c := name[i]
		if upper && 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		b = append(b, c)
		upper = c == '-'
	}
	return b
}

// get returns the only or first value of a header given its canonical name.
func (m *Message) get(key string) string {
	if v := m.Header[key]; len(v) > 0 {
		return v[0]
	}
	return ""
}
