package protocol_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/protocol"
	"github.com/brume-dev/brume/protocol/xml"
	"github.com/brume-dev/brume/shape"
)

// What a client does, in the form that the tests need it: it writes the requests that the codecs read, and reads the
// answers that they write.

func newRequest(method string, header http.Header, body []byte) *protocol.Request {
	if header == nil {
		header = http.Header{}
	}
	return &protocol.Request{Method: method, Path: "/", Header: header, ID: "id", Labels: map[string]string{},
		Body: bytes.NewReader(body), Length: int64(len(body))}
}

// queryRequest writes in as a form.
func queryRequest(op *aws.Operation, in any, ec2 bool) *protocol.Request {
	f := formWriter{url.Values{"Action": {op.Name}, "Version": {op.Service.Version}}, ec2}
	f.members("", shape.ValueOf(in))
	r := newRequest("POST", nil, []byte(f.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

type formWriter struct {
	url.Values
	ec2 bool
}

func (f formWriter) members(prefix string, v shape.Value) {
	for i := range v.Shape.Members {
		m := &v.Shape.Members[i]
		name := m.XML
		if f.ec2 {
			name = m.EC2
		}
		if x, ok := v.Member(m); ok {
			f.value(prefix+name, x, m, m)
		}
	}
}

func (f formWriter) value(key string, v shape.Value, m, names *shape.Member) {
	switch v.Shape.Kind {
	case shape.Structure:
		f.members(key+".", v)
	case shape.List:
		if v.Len() == 0 {
			f.Set(key, "")
		}
		if !f.ec2 && names == nil {
			key += ".member"
		} else if !f.ec2 && !names.Flat {
			key += "." + names.Item
		}
		for i := range v.Len() {
			x, _ := v.Index(i)
			f.value(key+"."+strconv.Itoa(i+1), x, m, nil)
		}
	case shape.Map:
		k, val := "key", "value"
		if names != nil {
			k, val = names.Key, names.Value
		}
		if v.Len() == 0 {
			f.Set(key, "")
		}
		if names == nil || !names.Flat {
			key += ".entry"
		}
		i := 0
		v.Range(func(name string, x shape.Value) error {
			i++
			f.Set(key+"."+strconv.Itoa(i)+"."+k, name)
			f.value(key+"."+strconv.Itoa(i)+"."+val, x, m, nil)
			return nil
		})
	default:
		f.Set(key, string(v.AppendText(nil, m, shape.ISO8601)))
	}
}

// restRequest writes in by its HTTP bindings, with the body in JSON or XML.
func restRequest(op *aws.Operation, in any) *protocol.Request {
	v := shape.ValueOf(in)
	q := url.Values{}
	r := newRequest(op.Method, nil, nil)
	hasBody := false
	for i := range v.Shape.Members {
		m := &v.Shape.Members[i]
		x, ok := v.Member(m)
		if !ok {
			continue
		}
		switch m.In {
		case shape.Body:
			hasBody = true
		case shape.Label:
			r.Labels[m.Wire] = string(x.AppendText(nil, m, shape.ISO8601))
		case shape.Query:
			each(x, func(e shape.Value) { q.Add(m.Wire, string(e.AppendText(nil, m, shape.ISO8601))) })
		case shape.QueryMap:
			x.Range(func(k string, e shape.Value) error {
				each(e, func(e shape.Value) { q.Add(k, e.String()) })
				return nil
			})
		case shape.Header:
			each(x, func(e shape.Value) { addHeader(r.Header, m, e) })
		case shape.HeaderMap:
			x.Range(func(k string, e shape.Value) error {
				r.Header.Set(m.Wire+k, e.String())
				return nil
			})
		}
	}
	r.Query = q.Encode()
	var body []byte
	if p := v.Shape.Payload; p != nil {
		if x, ok := v.Member(p); ok {
			body = payload(op, x, p)
		}
	} else if hasBody {
		body = document1(op, v)
	}
	r.Body, r.Length = bytes.NewReader(body), int64(len(body))
	return r
}

func each(v shape.Value, f func(shape.Value)) {
	if v.Shape.Kind != shape.List {
		f(v)
		return
	}
	for i := range v.Len() {
		x, _ := v.Index(i)
		f(x)
	}
}

func addHeader(h http.Header, m *shape.Member, e shape.Value) {
	s := string(e.AppendText(nil, m, shape.HTTPTime))
	if m.Shape.Kind == shape.List && strings.ContainsAny(s, `",\`) && e.Shape.Kind == shape.String {
		s = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
	}
	h.Add(m.Wire, s)
}

func isXML(op *aws.Operation) bool { return op.Service.Protocols.Has(aws.RestXML) }

// payload writes the member that is the whole body.
func payload(op *aws.Operation, x shape.Value, m *shape.Member) []byte {
	switch x.Shape.Kind {
	case shape.Stream:
		b, _ := io.ReadAll(x.Stream())
		return b
	case shape.Blob:
		return x.Bytes()
	case shape.String:
		return []byte(x.String())
	}
	if isXML(op) {
		return xml.Encoder{}.AppendElement(nil, m.XML, m.NS, x, false)
	}
	b, err := shape.JSON{}.Append(nil, x)
	if err != nil {
		panic(err)
	}
	return b
}

// document1 writes the members that are bound to the body.
func document1(op *aws.Operation, v shape.Value) []byte {
	if isXML(op) {
		return xml.Encoder{}.AppendElement(nil, "Request", shape.Namespace{}, v, true)
	}
	b, err := shape.JSON{Bound: true}.Append(nil, v)
	if err != nil {
		panic(err)
	}
	return b
}

// readAnswer fills out from an answer in the form of a REST protocol.
func readAnswer(op *aws.Operation, w *protocol.Response, out any) error {
	v := shape.ValueOf(out)
	var notes shape.Notes
	for i := range v.Shape.Members {
		m := &v.Shape.Members[i]
		if err := readHeader(w, v, m); err != nil {
			return err
		}
	}
	body := w.Body
	if w.Stream != nil {
		var err error
		if body, err = io.ReadAll(w.Stream); err != nil {
			return err
		}
	}
	if p := v.Shape.Payload; p != nil {
		return readPayload(op, body, v, p)
	}
	if len(body) == 0 {
		return nil
	}
	if !isXML(op) {
		return shape.JSON{Bound: true}.Decode(body, v, &notes)
	}
	n, err := xml.Parse(body)
	if err != nil {
		return err
	}
	if op.Name == "GetBucketLocation" {
		n = &xml.Node{Kids: []*xml.Node{n}}
	}
	return xml.Decode(n, v, true, &notes)
}

func readPayload(op *aws.Operation, body []byte, v shape.Value, p *shape.Member) error {
	var notes shape.Notes
	if len(body) == 0 && p.Shape.Kind != shape.Stream {
		return nil
	}
	place := v.Place(p)
	switch p.Shape.Kind {
	case shape.Stream:
		place.SetStream(bytes.NewReader(body))
	case shape.Blob:
		place.SetBytes(body)
	case shape.String:
		place.SetString(string(body))
	default:
		if !isXML(op) {
			return shape.JSON{}.Decode(body, place, &notes)
		}
		n, err := xml.Parse(body)
		if err != nil {
			return err
		}
		if n.Name != p.XML {
			return fmt.Errorf("root element %s, want %s", n.Name, p.XML)
		}
		return xml.Decode(n, place, false, &notes)
	}
	return nil
}

func readHeader(w *protocol.Response, v shape.Value, m *shape.Member) error {
	switch m.In {
	case shape.Status:
		v.Place(m).SetInt(int64(w.Status))
	case shape.HeaderMap:
		var entries shape.Entries
		made := false
		for k, vs := range w.Header {
			if name, ok := strings.CutPrefix(strings.ToLower(k), strings.ToLower(m.Wire)); ok {
				if !made {
					v.Place(m).MakeMap()
					entries, made = v.Place(m).Entries(), true
				}
				e := entries.Next()
				e.SetString(vs[0])
				entries.Put(name, e)
			}
		}
	case shape.Header:
		s := w.Header.Get(m.Wire)
		if s == "" {
			return nil
		}
		place := v.Place(m)
		if m.Shape.Kind == shape.Document {
			b, err := base64.StdEncoding.DecodeString(s)
			place.SetBytes(b)
			return err
		}
		if m.Shape.Kind != shape.List {
			if !place.SetText(s, m, shape.HTTPTime) {
				return fmt.Errorf("header %s: %q", m.Wire, s)
			}
			return nil
		}
		place.MakeList()
		for _, e := range strings.Split(s, ", ") {
			if !place.Append().SetText(strings.Trim(e, `"`), m, shape.HTTPTime) {
				return fmt.Errorf("header %s: %q", m.Wire, s)
			}
		}
	}
	return nil
}

// readQueryAnswer fills out from an answer of Query.
func readQueryAnswer(op *aws.Operation, w *protocol.Response, out any) error {
	n, err := xml.Parse(w.Body)
	if err != nil {
		return err
	}
	if n.Name != op.Name+"Response" || n.Kid("ResponseMetadata").Kid("RequestId").Text != "id" {
		return fmt.Errorf("not an answer to %s: %s", op.Name, w.Body)
	}
	if op.OutputWrapper == "" {
		return nil
	}
	var notes shape.Notes
	return xml.Decode(n.Kid(op.OutputWrapper), shape.ValueOf(out), false, &notes)
}
