// Package cbor is rpcv2Cbor: one POST to /service/S/operation/O whose body is the input in CBOR.
// https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html
package cbor

import (
	"errors"
	"net/http"
	"strings"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/protocol"
	"github.com/brume-dev/brume/shape"
)

// Codec is rpcv2Cbor.
type Codec struct{}

var _ protocol.Codec = Codec{}

// UnknownOperation is the answer to a path that names no operation of the service.
func UnknownOperation() error {
	return &aws.CodedError{Info: aws.ErrorInfo{Code: "UnknownOperationException", Status: http.StatusNotFound}}
}

// Decode fills in from the body of r. An empty body is an empty input.
func (Codec) Decode(op *aws.Operation, r *protocol.Request, in any) error {
	body, err := protocol.ReadBody(r)
	if err != nil {
		return err
	}
	v := shape.ValueOf(in)
	if len(body) == 0 {
		shape.Seen(0).Finish(v.Shape, &r.Notes)
		return nil
	}
	return decode(body, v, &r.Notes)
}

func decode(body []byte, v shape.Value, notes *shape.Notes) error {
	d := decoder{b: body, notes: notes}
	err := d.value(v)
	if err == nil && len(d.b) > 0 {
		err = errSyntax
	}
	switch {
	case errors.Is(err, errSyntax):
		return shape.SerializationError("")
	case errors.Is(err, errDepth):
		return shape.SerializationError("%v", err)
	}
	return err
}

// Encode renders out as the body.
func (Codec) Encode(op *aws.Operation, r *protocol.Request, out any) (*protocol.Response, error) {
	b, err := appendValue(make([]byte, 0, firstAnswer), shape.ValueOf(out))
	if err != nil {
		return nil, err
	}
	return answer(http.StatusOK, r, b), nil
}

// firstAnswer is the size that most answers stay below.
const firstAnswer = 512

func answer(status int, r *protocol.Request, body []byte) *protocol.Response {
	return &protocol.Response{Status: status, Body: body, Header: http.Header{
		"Content-Type":     {"application/cbor"},
		"Smithy-Protocol":  {"rpc-v2-cbor"},
		"X-Amzn-Requestid": {r.ID},
	}}
}

// Error renders err as a map with __type, message and the members that the model gives it.
func (Codec) Error(svc *aws.Service, op *aws.Operation, r *protocol.Request, err error) *protocol.Response {
	info := aws.InfoOf(err)
	first := [][2]string{{"__type", info.Code}}
	v, modelled := protocol.ErrorValue(err)
	if !modelled {
		v = shape.ValueOf(&struct{}{})
	}
	if (!modelled || !protocol.HasMessage(v.Shape)) && info.Message != "" {
		first = append(first, [2]string{"message", info.Message})
	}
	b, failed := appendStructure(make([]byte, 0, firstAnswer), v, first)
	if failed != nil { // a member without a form in CBOR: the code must reach the client nevertheless
		b, _ = appendStructure(nil, shape.ValueOf(&struct{}{}), [][2]string{first[0], {"message", info.Message}})
	}
	w := answer(protocol.Status(info), r, b)
	if svc != nil && svc.QueryCompatible && strings.EqualFold(r.Header.Get("X-Amzn-Query-Mode"), "true") {
		w.Header["X-Amzn-Query-Error"] = []string{protocol.QueryError(info)}
	}
	return w
}
