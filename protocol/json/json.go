// Package json is awsJson 1.0 and 1.1: one POST to / whose X-Amz-Target header names the operation and whose body is the
// input, https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html.
package json

import (
	"hash/crc32"
	"net/http"
	"strconv"
	"strings"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/protocol"
	"github.com/brume-dev/brume/shape"
)

// Codec is awsJson in both versions: it answers with the content type of the request.
type Codec struct{}

var _ protocol.Codec = Codec{}

// Decode fills in from the body of r. An empty body is an empty input.
func (Codec) Decode(op *aws.Operation, r *protocol.Request, in any) error {
	body, err := protocol.ReadBody(r)
	if err != nil {
		return err
	}
	j := shape.JSON{DynamoDB: op.Op.Service == "dynamodb"}
	return j.Decode(body, shape.ValueOf(in), &r.Notes)
}

// Encode renders out as the body.
func (Codec) Encode(op *aws.Operation, r *protocol.Request, out any) (*protocol.Response, error) {
	room := r.Room
	if room == nil {
		room = make([]byte, 0, firstAnswer)
	}
	body, err := shape.JSON{}.Append(room, shape.ValueOf(out))
	if err != nil {
		return nil, err
	}
	return answer(op.Service, r, http.StatusOK, body), nil
}

// firstAnswer is the size that most answers stay below.
const firstAnswer = 512

func answer(svc *aws.Service, r *protocol.Request, status int, body []byte) *protocol.Response {
	w := &protocol.Response{Status: status, Body: body}
	h := r.Head(w)
	values := [3]string{contentType(svc, r), r.ID}
	h["Content-Type"], h["X-Amzn-Requestid"] = values[0:1:1], values[1:2:2]
	if svc != nil && svc.Name == "dynamodb" {
		// DynamoDB's clients check it: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.LowLevelAPI.html
		values[2] = strconv.FormatUint(uint64(crc32.ChecksumIEEE(body)), 10)
		h["X-Amz-Crc32"] = values[2:3:3]
	}
	return w
}

const prefix = "application/x-amz-json-"

// contentType echoes the version that the client speaks.
func contentType(svc *aws.Service, r *protocol.Request) string {
	ct, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	switch ct = strings.TrimSpace(ct); {
	case strings.EqualFold(ct, prefix+"1.0"):
		return prefix + "1.0"
	case strings.EqualFold(ct, prefix+"1.1"):
		return prefix + "1.1"
	case svc != nil && svc.Protocols.Has(aws.JSON10) && !svc.Protocols.Has(aws.JSON11):
		return prefix + "1.0"
	}
	return prefix + "1.1"
}
