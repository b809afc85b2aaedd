package rest

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/protocol"
	"github.com/brume-dev/brume/shape"
)

// encode renders what is the same in JSON and XML: status, headers, and payloads that are bytes. body renders the
// rest: the structure payload, or the members bound to the body when payload is nil; it returns nil for no body.
func encode(op *aws.Operation, out any, contentType string, body func(v shape.Value, payload *shape.Member) []byte) *protocol.Response {
	v := shape.ValueOf(out)
	w := &protocol.Response{Status: op.Status, Header: make(http.Header, 8)}
	if w.Status == 0 {
		w.Status = http.StatusOK
	}
	for i := range v.Shape.Members {
		m := &v.Shape.Members[i]
		if m.In == shape.Body || m.In == shape.Payload {
			continue
		}
		if f, ok := v.Member(m); ok {
			setHeader(w, m, f)
		}
	}
	switch p := v.Shape.Payload; {
	case p != nil:
		f, ok := v.Member(p)
		if !ok {
			break
		}
		if !rawPayload(w, f) {
			w.Body = body(f, p)
			defaultType(w, contentType)
		}
	case w.Status != http.StatusNoContent && w.Status != http.StatusNotModified:
		if w.Body = body(v, nil); w.Body != nil {
			defaultType(w, contentType)
		}
	}
	return w
}

func defaultType(w *protocol.Response, contentType string) {
	if _, ok := w.Header["Content-Type"]; !ok {
		w.Header["Content-Type"] = []string{contentType}
	}
}

func setHeader(w *protocol.Response, m *shape.Member, f shape.Value) {
	switch m.In {
	case shape.Status:
		w.Status = int(f.Int())
	case shape.HeaderMap:
		f.Range(func(k string, x shape.Value) error { //nolint:errcheck // the function never fails
			if m.Wire == "" {
				header(w.Header, k, x.String())
			} else { // in small letters: clients take what follows the prefix for the key as it is, and S3's have no others
				w.Header[strings.ToLower(m.Wire+k)] = []string{x.String()}
			}
			return nil
		})
	case shape.Header:
		if f.Shape.Kind == shape.List {
			if f.Len() > 0 {
				header(w.Header, m.Wire, joinHeader(f, m))
			}
			return
		}
		header(w.Header, m.Wire, string(f.AppendText(nil, m, shape.HTTPTime)))
	}
}

// joinHeader writes a list into one header; strings with commas or quotes are quoted.
func joinHeader(f shape.Value, m *shape.Member) string {
	var b []byte
	for i := range f.Len() {
		if i > 0 {
			b = append(b, ", "...)
		}
		x, _ := f.Index(i)
		if x.Shape.Kind == shape.String && strings.ContainsAny(x.String(), `",`) {
			b = append(b, '"')
			b = append(b, strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(x.String())...)
			b = append(b, '"')
			continue
		}
		b = x.AppendText(b, m, shape.HTTPTime)
	}
	return string(b)
}

// rawPayload sends payloads that are bytes as they are.
func rawPayload(w *protocol.Response, f shape.Value) bool {
	switch f.Shape.Kind {
	case shape.Stream:
		w.Stream, w.Length = stream(f.Stream()), streamLength(w, f.Stream())
		defaultType(w, "application/octet-stream")
	case shape.Blob:
		w.Body = f.Bytes()
		defaultType(w, "application/octet-stream")
	case shape.String:
		w.Body = []byte(f.String())
		defaultType(w, "text/plain")
	default:
		return false
	}
	return true
}

func stream(r io.Reader) io.ReadCloser {
	if c, ok := r.(io.ReadCloser); ok {
		return c
	}
	return io.NopCloser(r)
}

// streamLength is what the output says in its Content-Length member, or what the reader knows.
func streamLength(w *protocol.Response, r io.Reader) int64 {
	if n, err := strconv.ParseInt(w.Header.Get("Content-Length"), 10, 64); err == nil {
		return n
	}
	switch r := r.(type) {
	case *bytes.Reader:
		return int64(r.Len())
	case *strings.Reader:
		return int64(r.Len())
	case *bytes.Buffer:
		return int64(r.Len())
	}
	return -1
}
