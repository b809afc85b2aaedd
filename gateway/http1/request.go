package http1

import (
	"context"
	"net/http"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// request is the head of a plain request.
type request struct {
	method, target, host string
	url                  *url.URL
	header               http.Header
	length               int64
}

// methods are those of plain requests.
var methods = [...]string{http.MethodPost, http.MethodGet, http.MethodPut, http.MethodDelete, http.MethodHead, http.MethodPatch, http.MethodOptions}

// plausible reports whether b may be the beginning of a plain request: one that cannot need not be waited for.
func plausible(b []byte) bool {
	for _, m := range methods {
		if n := min(len(m), len(b)); string(b[:n]) == m[:n] {
			return len(b) <= len(m) || b[len(m)] == ' '
		}
	}
	return false
}

// parse reads a head, every line of which ends in CR LF. What is not plain, or not well formed, is errHandOver.
func parse(head []byte) (*request, error) {
	text := string(head) // the one copy: everything below is a part of it
	line, rest, _ := strings.Cut(text, "\r\n")
	r := &request{}
	if !r.line(line) {
		return nil, errHandOver
	}
	lines := strings.Count(rest, "\r\n")
	values := make([]string, lines)
	r.header = make(http.Header, lines)
	hosts, lengths := 0, 0
	for i := range values {
		line, rest, _ = strings.Cut(rest, "\r\n")
		name, value, ok := field(line)
		if !ok {
			return nil, errHandOver
		}
		switch name {
		case "Host":
			r.host = value
			hosts++
			continue
		case "Content-Length":
			n, err := strconv.ParseUint(value, 10, 63)
			if err != nil {
				return nil, errHandOver
			}
			r.length = int64(n)
			lengths++
		case "Connection":
			if !strings.EqualFold(value, "keep-alive") {
				return nil, errHandOver
			}
		case "Transfer-Encoding", "Expect", "Upgrade", "Trailer", "Te", "Proxy-Connection", "Http2-Settings", "Pragma":
			return nil, errHandOver
		}
		if earlier, found := r.header[name]; found {
			r.header[name] = append(earlier, value)
			continue
		}
		values[i] = value
		r.header[name] = values[i : i+1 : i+1]
	}
	if hosts != 1 || lengths > 1 || r.host == "" || !httpguts.ValidHostHeader(r.host) {
		return nil, errHandOver
	}
	return r, nil
}

// line reads the request line.
func (r *request) line(line string) bool {
	method, rest, _ := strings.Cut(line, " ")
	target, ok := strings.CutSuffix(rest, " HTTP/1.1")
	if !ok || target == "" || target[0] != '/' || len(method) == 0 {
		return false
	}
	for i := range len(target) {
		if c := target[i]; c <= ' ' || c >= 0x7f {
			return false
		}
	}
	for _, m := range methods {
		if m == method {
			r.method, r.target = m, target
			break
		}
	}
	if r.method == "" {
		return false
	}
	if target == "/" {
		r.url = &url.URL{Path: "/"}
		return true
	}
	var err error
	r.url, err = url.ParseRequestURI(target)
	return err == nil
}

// field reads a header line.
func field(line string) (name, value string, ok bool) {
	name, value, ok = strings.Cut(line, ":")
	if !ok || !httpguts.ValidHeaderFieldName(name) {
		return "", "", false
	}
	for i := range len(value) {
		if c := value[i]; c < ' ' && c != '\t' || c == 0x7f {
			return "", "", false
		}
	}
	return textproto.CanonicalMIMEHeaderKey(name), strings.Trim(value, " \t"), true
}

// http is r as handlers know it.
func (r *request) http(ctx *exchange, remote string) *http.Request {
	h := http.Request{Method: r.method, URL: r.url, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: r.header,
		Body: http.NoBody, ContentLength: r.length, Host: r.host, RemoteAddr: remote, RequestURI: r.target}
	if r.length > 0 {
		h.Body = ctx.body
	} else {
		ctx.read()
	}
	return h.WithContext(context.Context(ctx))
}
