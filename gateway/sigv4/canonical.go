package sigv4

import (
	"bytes"
	"slices"
	"strings"
)

const (
	algorithm  = "AWS4-HMAC-SHA256"
	terminator = "aws4_request"
	// EmptyHash is the SHA-256 of no bytes, in hexadecimal.
	EmptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	// UnsignedPayload stands for the payload's hash where the body is not signed.
	UnsignedPayload = "UNSIGNED-PAYLOAD"
)

// appendCanonical appends the canonical request of m: method, path, query, headers, names of the headers, payload
// hash, a line each. skip is a query parameter to leave out (the signature itself), s3 chooses the path encoding.
func appendCanonical(b []byte, m *Message, signed, payload, skip string, s3 bool) []byte {
	b = append(b, m.Method...)
	b = append(b, '\n')
	if s3 {
		b = appendPathS3(b, m.Path)
	} else {
		b = appendPath(b, m.Path)
	}
	b = append(b, '\n')
	b = appendQuery(b, m.Query, skip)
	b = append(b, '\n')
	for name := range strings.SplitSeq(signed, ";") {
		b = append(b, name...)
		b = append(b, ':')
		if name == "host" {
			b = append(append(b, m.Host...), '\n')
			continue
		}
		for i, v := range m.values(name) {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendTrimmed(b, v)
		}
		b = append(b, '\n')
	}
	b = append(b, '\n')
	b = append(b, signed...)
	b = append(b, '\n')
	return append(b, payload...)
}

// appendTrimmed appends v without leading and trailing spaces and with each run of spaces made one.
func appendTrimmed(b []byte, v string) []byte {
	v = strings.Trim(v, " \t")
	if !strings.Contains(v, "  ") {
		return append(b, v...)
	}
	for i := 0; i < len(v); i++ {
		if v[i] == ' ' && v[i-1] == ' ' {
			continue
		}
		b = append(b, v[i])
	}
	return b
}

// appendPathS3 appends an S3 path: decoded, then encoded once, nothing else. Keys may hold "//" and "..".
func appendPathS3(b []byte, path string) []byte {
	for i := 0; i < len(path); i++ {
		c := path[i]
		if h, ok := unhex(path, i); ok {
			c = h
			i += 2
			if c == '/' { // an encoded slash stays apart from a separator
				b = append(b, "%2F"...)
				continue
			}
		}
		b = appendEncoded(b, c, true)
	}
	return b
}

// appendPath appends the path of any other service: dot segments resolved and empty segments dropped as RFC 3986
// section 5.2.4 does, then what is left, already encoded once, encoded again.
func appendPath(b []byte, path string) []byte {
	if path == "/" || path == "" {
		return append(b, '/')
	}
	start := len(b)
	for seg := range strings.SplitSeq(path, "/") {
		switch seg {
		case "", ".":
		case "..":
			if i := bytes.LastIndexByte(b[start:], '/'); i >= 0 {
				b = b[:start+i]
			}
		default:
			b = append(b, '/')
			for i := 0; i < len(seg); i++ {
				b = appendEncoded(b, seg[i], false)
			}
		}
	}
	if len(b) == start || path[len(path)-1] == '/' {
		b = append(b, '/')
	}
	return b
}

// appendQuery appends the parameters of a raw query, each name and value encoded anew, in the order of their encoded
// forms. The parameter called skip is left out.
func appendQuery(b []byte, raw, skip string) []byte {
	if raw == "" {
		return b
	}
	type pair struct{ name, value []byte }
	pairs := make([]pair, 0, 12)
	scratch := make([]byte, 0, len(raw)+len(raw)/2)
	for p := range strings.SplitSeq(raw, "&") {
		name, value, _ := strings.Cut(p, "=")
		if p == "" || skip != "" && name == skip {
			continue
		}
		from := len(scratch)
		scratch = appendParameter(scratch, name)
		mid := len(scratch)
		scratch = appendParameter(scratch, value)
		pairs = append(pairs, pair{scratch[from:mid:mid], scratch[mid:len(scratch):len(scratch)]})
	}
	slices.SortFunc(pairs, func(a, b pair) int {
		if c := bytes.Compare(a.name, b.name); c != 0 {
			return c
		}
		return bytes.Compare(a.value, b.value)
	})
	for i, p := range pairs {
		if i > 0 {
			b = append(b, '&')
		}
		b = append(b, p.name...)
		b = append(b, '=')
		b = append(b, p.value...)
	}
	return b
}

func appendParameter(b []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if h, ok := unhex(s, i); ok {
			c = h
			i += 2
		} else if c == '+' {
			c = ' '
		}
		b = appendEncoded(b, c, false)
	}
	return b
}

// appendEncoded appends c as AWS's UriEncode does: letters, digits and "-._~" as they are, the rest as %XX.
func appendEncoded(b []byte, c byte, slash bool) []byte {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9',
		c == '-', c == '_', c == '.', c == '~', slash && c == '/':
		return append(b, c)
	}
	const hex = "0123456789ABCDEF"
	return append(b, '%', hex[c>>4], hex[c&15])
}

// unhex returns the byte that the escape at s[i:] stands for.
func unhex(s string, i int) (byte, bool) {
	if s[i] != '%' || i+2 >= len(s) {
		return 0, false
	}
	hi, ok1 := nibble(s[i+1])
	lo, ok2 := nibble(s[i+2])
	return hi<<4 | lo, ok1 && ok2
}

func nibble(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}
