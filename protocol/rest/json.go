package rest

import (
	"net/http"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/protocol"
	"github.com/brume-dev/brume/shape"
	"github.com/brume-dev/brume/shape/jsontext"
)

// JSON is restJson: https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html
type JSON struct{}

var _ protocol.Codec = JSON{}

// UnknownPath is the answer to a method and path that no operation of a restJson service has.
func UnknownPath() error {
	return &aws.CodedError{Info: aws.ErrorInfo{Code: "UnknownOperationException", Status: http.StatusNotFound}}
}

// Decode fills in from the whole message.
func (JSON) Decode(op *aws.Operation, r *protocol.Request, in any) error {
	b := binder{op: op, r: r, v: shape.ValueOf(in), invalid: notConvertible,
		malformedQuery: func() error { return shape.SerializationError("The query string contains a syntax error.") }}
	if err := b.bind(); err != nil {
		return err
	}
	s := b.v.Shape
	if p := s.Payload; p != nil {
		if err := b.jsonPayload(p); err != nil {
			return err
		}
		b.seen.Finish(s, &r.Notes)
		return nil
	}
	var body []byte
	if hasBody(s) {
		var err error
		if body, err = protocol.ReadBody(r); err != nil {
			return err
		}
	}
	return shape.JSON{Bound: true, Seen: b.seen}.Decode(body, b.v, &r.Notes)
}

// jsonPayload reads the body into one member.
func (b *binder) jsonPayload(m *shape.Member) error {
	if done, err := b.payload(m); done || err != nil {
		return err
	}
	body, err := protocol.ReadBody(b.r)
	if err != nil || len(body) == 0 {
		return err
	}
	mark := len(b.r.Notes)
	b.seen.Add(m)
	if err := (shape.JSON{}).Decode(body, b.v.Place(m), &b.r.Notes); err != nil {
		return err
	}
	b.r.Notes.Under(mark, m.Path)
	return nil
}

// notConvertible is the error of a label, header or parameter that is not of the kind of its member.
func notConvertible(m *shape.Member, _ string) error {
	s := m.Shape
	if s.Kind == shape.List {
		s = s.Elem
	}
	return shape.NotConvertible("STRING_VALUE", s)
}

// Encode renders out.
func (JSON) Encode(op *aws.Operation, r *protocol.Request, out any) (*protocol.Response, error) {
	var failed error
	w := encode(op, out, "application/json", func(v shape.Value, payload *shape.Member) []byte {
		if payload == nil && !hasBody(v.Shape) && len(v.Shape.Members) > 0 {
			return nil
		}
		b, err := shape.JSON{Bound: payload == nil}.Append(make([]byte, 0, firstAnswer), v)
		failed = err
		return b
	})
	w.Header["X-Amzn-Requestid"] = []string{r.ID}
	return w, failed
}

// firstAnswer is the size that most answers stay below.
const firstAnswer = 1024

// Error renders err: its code in a header, its members in the body.
func (JSON) Error(svc *aws.Service, op *aws.Operation, r *protocol.Request, err error) *protocol.Response {
	info := aws.InfoOf(err)
	w := &protocol.Response{Status: protocol.Status(info), Header: http.Header{
		"Content-Type":     {"application/json"},
		"X-Amzn-Requestid": {r.ID},
		"X-Amzn-Errortype": {info.Code},
	}}
	b := append(make([]byte, 0, firstAnswer), '{')
	v, modelled := protocol.ErrorValue(err)
	if !modelled {
		if info.Message != "" {
			b = append(jsontext.AppendString(b, protocol.MessageKey(info.Code)), ':')
			b = jsontext.AppendString(b, info.Message)
		}
	} else {
		errorHeaders(w, v)
		if svc != nil && svc.Name == "lambda" {
			b = lambdaType(b, v, info)
		}
		// Errors hold no streams, so that appending them cannot fail.
		b, _ = shape.JSON{Bound: true}.AppendMembers(b, v, nil)
	}
	if w.Body = append(b, '}'); r.Method == http.MethodHead {
		w.Body = nil
	}
	return w
}

// errorHeaders sets the headers that an error's members are bound to.
func errorHeaders(w *protocol.Response, v shape.Value) {
	for i := range v.Shape.Members {
		m := &v.Shape.Members[i]
		if m.In == shape.Header || m.In == shape.HeaderMap {
			if f, ok := v.Member(m); ok {
				setHeader(w, m, f)
			}
		}
	}
}

// lambdaType says whose fault an error is, as Lambda does in a member that its model calls Type.
func lambdaType(b []byte, v shape.Value, info aws.ErrorInfo) []byte {
	m := v.Shape.Member("Type")
	if m == nil {
		return b
	}
	if _, ok := v.Member(m); ok {
		return b
	}
	if protocol.FaultType(info) == "Receiver" {
		return append(b, `"Type":"Service"`...)
	}
	return append(b, `"Type":"User"`...)
}
