// Package rest is restJson and restXml: members of inputs and outputs travel in the path, the query string, headers, the
// status and the body, as the model binds them. https://smithy.io/2.0/spec/http-bindings.html
package rest

import (
	"encoding/base64"
	"net/http"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/protocol"
	"github.com/brume-dev/brume/shape"
)

// binder reads the members of an input that are not in the body.
type binder struct {
	op    *aws.Operation
	r     *protocol.Request
	v     shape.Value
	seen  shape.Seen
	query url.Values // parsed when the first member asks

	// invalid is the error of a value that is not of the form that its member wants.
	invalid func(m *shape.Member, value string) error
	// malformedQuery is the error of a query string that cannot be unescaped.
	malformedQuery func() error
}

// bind fills all members but those of the body and the payload.
func (b *binder) bind() error {
	for i := range b.v.Shape.Members {
		m := &b.v.Shape.Members[i]
		var err error
		mark := len(b.r.Notes)
		switch m.In {
		case shape.Label:
			if s, ok := b.r.Labels[m.Wire]; ok {
				err = b.text(m, s, shape.ISO8601)
			}
		case shape.Query:
			err = b.fromQuery(m)
		case shape.QueryMap:
			err = b.queryMap(m)
		case shape.Header:
			err = b.header(m)
		case shape.HeaderMap:
			b.headerMap(m)
		}
		if err != nil {
			return err
		}
		b.r.Notes.Under(mark, m.Path)
	}
	return nil
}

func (b *binder) text(m *shape.Member, s string, format shape.TimeFormat) error {
	b.seen.Add(m)
	return b.set(m, b.v.Place(m), s, format)
}

func (b *binder) set(m *shape.Member, v shape.Value, s string, format shape.TimeFormat) error {
	if s == "" && v.Shape.Kind == shape.String && v.Shape.Enum != nil {
		b.r.Notes.Blank("")
	}
	if v.Shape.Kind == shape.Document { // JSON in a header travels in base64
		doc, err := base64.StdEncoding.DecodeString(s)
		if err != nil {
			return b.invalid(m, s)
		}
		v.SetBytes(doc)
		return nil
	}
	if !v.SetText(s, m, format) {
		return b.invalid(m, s)
	}
	return nil
}

func (b *binder) values() (url.Values, error) {
	if b.query == nil {
		b.query = url.Values{}
		for rest := b.r.Query; rest != ""; {
			var p string
			p, rest, _ = strings.Cut(rest, "&")
			if p == "" {
				continue
			}
			k, v, _ := strings.Cut(p, "=")
			k, err1 := url.QueryUnescape(k)
			v, err2 := url.QueryUnescape(v)
			if err1 != nil || err2 != nil {
				return nil, b.malformedQuery()
			}
			b.query[k] = append(b.query[k], v)
		}
	}
	return b.query, nil
}

func (b *binder) fromQuery(m *shape.Member) error {
	if b.r.Query == "" {
		return nil
	}
	q, err := b.values()
	if err != nil {
		return err
	}
	vs, ok := q[m.Wire]
	if !ok {
		return nil
	}
	if m.Shape.Kind == shape.List {
		return b.list(m, vs, shape.ISO8601)
	}
	return b.text(m, vs[0], shape.ISO8601)
}

func (b *binder) list(m *shape.Member, vs []string, format shape.TimeFormat) error {
	list := b.v.Place(m)
	list.MakeList()
	for i, s := range vs {
		mark := len(b.r.Notes)
		if err := b.set(m, list.Append(), s, format); err != nil {
			return err
		}
		b.r.Notes.UnderIndex(mark, i)
	}
	return nil
}

// queryMap takes all parameters that neither another member nor the operation's own URI binds.
func (b *binder) queryMap(m *shape.Member) error {
	q, err := b.values()
	if err != nil {
		return err
	}
	_, literal, _ := strings.Cut(b.op.Path, "?")
	bound, _ := url.ParseQuery(literal) // the model's, which is well-formed
	for i := range b.v.Shape.Members {
		if o := &b.v.Shape.Members[i]; o.In == shape.Query {
			bound[o.Wire] = nil
		}
	}
	var entries shape.Entries
	made := false
	for k, vs := range q {
		if _, ok := bound[k]; ok {
			continue
		}
		if !made {
			place := b.v.Place(m)
			place.MakeMap()
			entries, made = place.Entries(), true
		}
		e := entries.Next()
		if e.Shape.Kind == shape.List {
			e.MakeList()
			for _, s := range vs {
				e.Append().SetString(s)
			}
		} else {
			e.SetString(vs[0])
		}
		entries.Put(k, e)
	}
	return nil
}

func (b *binder) header(m *shape.Member) error {
	vs := b.r.Header[textproto.CanonicalMIMEHeaderKey(m.Wire)]
	if len(vs) == 0 {
		if strings.EqualFold(m.Wire, "Content-Length") && b.r.Length >= 0 {
			return b.text(m, strconv.FormatInt(b.r.Length, 10), shape.HTTPTime)
		}
		return nil
	}
	if m.Shape.Kind != shape.List {
		s := strings.TrimSpace(vs[0])
		if m.Shape.Kind == shape.Timestamp && ignoredDate(m.Wire, s) {
			return nil
		}
		return b.text(m, s, shape.HTTPTime)
	}
	dates := m.Shape.Elem.Kind == shape.Timestamp && (m.Time == shape.DefaultTime || m.Time == shape.HTTPTime)
	var all []string
	for _, v := range vs {
		parts, ok := splitHeader(v, dates)
		if !ok {
			return b.invalid(m, v)
		}
		all = append(all, parts...)
	}
	return b.list(m, all, shape.HTTPTime)
}

// ignoredDate reports whether a header holds no date although it should, and is one that HTTP says to ignore then:
// https://www.rfc-editor.org/rfc/rfc9110#section-13.1.3
func ignoredDate(name, value string) bool {
	if _, ok := shape.ParseTime(value, shape.HTTPTime); ok {
		return false
	}
	name = strings.TrimPrefix(strings.ToLower(name), "x-amz-copy-source-")
	return strings.HasPrefix(name, "if-") || name == "expires"
}

// splitHeader cuts a list of header values at its commas. Values may be quoted; HTTP dates have a comma of their own.
func splitHeader(s string, dates bool) (parts []string, ok bool) {
	for {
		s = strings.TrimLeft(s, " \t")
		var part string
		if strings.HasPrefix(s, `"`) {
			var b strings.Builder
			i := 1
			for ; i < len(s) && s[i] != '"'; i++ {
				if s[i] == '\\' && i+1 < len(s) {
					i++
				}
				b.WriteByte(s[i])
			}
			if i == len(s) {
				return nil, false
			}
			part, s = b.String(), strings.TrimLeft(s[i+1:], " \t")
			if s != "" && s[0] != ',' {
				return nil, false
			}
		} else {
			end := strings.IndexByte(s, ',')
			if dates && end >= 0 {
				if next := strings.IndexByte(s[end+1:], ','); next >= 0 {
					end += 1 + next
				} else {
					end = -1
				}
			}
			if end < 0 {
				end = len(s)
			}
			part, s = strings.TrimRight(s[:end], " \t"), s[end:]
		}
		parts = append(parts, part)
		if s == "" {
			return parts, true
		}
		s = s[1:]
	}
}

// headerMap takes the headers with a prefix. Their names come in lower case, as S3 keeps them: what the client wrote is
// lost on the way, and HTTP/2 knows no other.
func (b *binder) headerMap(m *shape.Member) {
	prefix := strings.ToLower(m.Wire)
	var entries shape.Entries
	made := false
	for k, vs := range b.r.Header {
		name, ok := strings.CutPrefix(strings.ToLower(k), prefix)
		if !ok || name == "" {
			continue
		}
		if !made {
			place := b.v.Place(m)
			place.MakeMap()
			entries, made = place.Entries(), true
		}
		e := entries.Next()
		e.SetString(strings.Join(vs, ","))
		entries.Put(name, e)
	}
}

// payload reads the payload of a kind that is the same in JSON and XML; done is false for the others. A body that is
// not there is no payload.
func (b *binder) payload(m *shape.Member) (done bool, err error) {
	switch m.Shape.Kind {
	case shape.Stream:
		b.v.Place(m).SetStream(b.r.Body)
		return true, nil
	case shape.Blob, shape.String:
		body, err := protocol.ReadBody(b.r)
		if err != nil || len(body) == 0 {
			return true, err
		}
		b.seen.Add(m)
		if m.Shape.Kind == shape.String {
			b.v.Place(m).SetString(string(body))
		} else {
			b.v.Place(m).SetBytes(body)
		}
		return true, nil
	}
	return false, nil
}

// hasBody reports whether some member of s is in the body.
func hasBody(s *shape.Shape) bool {
	for i := range s.Members {
		if s.Members[i].In == shape.Body {
			return true
		}
	}
	return false
}

func header(h http.Header, name, value string) {
	h[textproto.CanonicalMIMEHeaderKey(name)] = []string{value}
}
