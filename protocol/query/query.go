// Package query is awsQuery and ec2Query: the input is a form with an Action, the answer XML.
// https://smithy.io/2.0/aws/protocols/aws-query-protocol.html
// https://smithy.io/2.0/aws/protocols/aws-ec2-query-protocol.html
package query

import (
	"net/http"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/protocol"
	"github.com/brume-dev/brume/protocol/xml"
	"github.com/brume-dev/brume/shape"
)

// Codec is awsQuery.
type Codec struct{}

// EC2 is ec2Query: lists are never wrapped, names begin with capitals, answers have no result element.
type EC2 struct{}

var (
	_ protocol.Codec = Codec{}
	_ protocol.Codec = EC2{}
)

// Decode fills in from the parameters of the URL and the form in the body.
func (Codec) Decode(op *aws.Operation, r *protocol.Request, in any) error {
	return decode(op, r, in, false)
}

// Decode fills in from the parameters of the URL and the form in the body.
func (EC2) Decode(op *aws.Operation, r *protocol.Request, in any) error {
	return decode(op, r, in, true)
}

func decode(op *aws.Operation, r *protocol.Request, in any, ec2 bool) error {
	ps, err := parse(r)
	if err != nil {
		return err
	}
	v := shape.ValueOf(in)
	if op.Op.Service == "sqs" {
		ps = queueURL(ps, r, v.Shape)
	}
	return decoder{ec2, &r.Notes}.structure(form(ps), v)
}

// Encode renders out in <XResponse><XResult>…</XResult><ResponseMetadata>….
func (Codec) Encode(op *aws.Operation, r *protocol.Request, out any) (*protocol.Response, error) {
	root := op.Name + "Response"
	b := xml.AppendStart(make([]byte, 0, firstAnswer), root, shape.Namespace{URI: op.Service.Namespace})
	if v := shape.ValueOf(out); op.OutputWrapper != "" {
		b = encoder(op.Service).AppendElement(b, op.OutputWrapper, shape.Namespace{}, v, false)
	} else {
		b = encoder(op.Service).AppendMembers(b, v, false)
	}
	b = append(b, "<ResponseMetadata>"...)
	b = xml.AppendString(b, "RequestId", r.ID)
	b = append(b, "</ResponseMetadata>"...)
	return answer(http.StatusOK, r, xml.AppendEnd(b, root)), nil
}

// Encode renders out in <XResponse>, after its requestId.
func (EC2) Encode(op *aws.Operation, r *protocol.Request, out any) (*protocol.Response, error) {
	root := op.Name + "Response"
	b := append(make([]byte, 0, firstAnswer), declaration...)
	b = xml.AppendStart(b, root, shape.Namespace{URI: op.Service.Namespace})
	b = xml.AppendString(b, "requestId", r.ID)
	b = encoder(op.Service).AppendMembers(b, shape.ValueOf(out), false)
	return answer(http.StatusOK, r, xml.AppendEnd(b, root)), nil
}

const (
	declaration = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"
	// firstAnswer is the size that most answers stay below.
	firstAnswer = 1024
)

// encoder says how a service writes its timestamps: CloudFormation always with milliseconds.
func encoder(svc *aws.Service) xml.Encoder {
	if svc.Name == "cloudformation" {
		return xml.Encoder{Time: shape.ISO8601Millis}
	}
	return xml.Encoder{}
}

func answer(status int, r *protocol.Request, body []byte) *protocol.Response {
	return &protocol.Response{Status: status, Body: body, Header: http.Header{
		"Content-Type":     {"text/xml"},
		"X-Amzn-Requestid": {r.ID},
	}}
}

// queueURL supplies the QueueUrl of a request that was sent to the queue's own URL, as SQS's Query clients did.
func queueURL(ps []pair, r *protocol.Request, s *shape.Shape) []pair {
	if m := s.Member("QueueUrl"); m == nil || len(r.Path) < 2 {
		return ps
	}
	for _, p := range ps {
		if p.key == "QueueUrl" {
			return ps
		}
	}
	return append(ps, pair{"QueueUrl", "http://" + r.Host + r.Path})
}
