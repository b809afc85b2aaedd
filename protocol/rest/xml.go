package rest

import (
	"errors"
	"net/http"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/protocol"
	"github.com/brume-dev/brume/protocol/xml"
	"github.com/brume-dev/brume/shape"
)

// XML is restXml, in S3's dialect for S3: https://smithy.io/2.0/aws/protocols/aws-restxml-protocol.html
type XML struct{}

var _ protocol.Codec = XML{}

const declaration = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"

// Decode fills in from the whole message.
func (XML) Decode(op *aws.Operation, r *protocol.Request, in any) error {
	b := binder{op: op, r: r, v: shape.ValueOf(in), invalid: invalidArgument, malformedQuery: invalidURI}
	if err := b.bind(); err != nil {
		return err
	}
	if p := b.v.Shape.Payload; p != nil {
		if err := b.xmlPayload(p, isS3(op.Service)); err != nil {
			return err
		}
		b.seen.Finish(b.v.Shape, &r.Notes)
		return nil
	}
	if !hasBody(b.v.Shape) {
		b.seen.Finish(b.v.Shape, &r.Notes)
		return nil
	}
	n, err := readXML(r)
	if err != nil {
		return err
	}
	if n == nil {
		n = new(xml.Node)
	}
	return xmlError(xml.DecodeSeen(n, b.v, b.seen, &r.Notes))
}

func isS3(svc *aws.Service) bool { return svc != nil && svc.Name == "s3" }

// readXML parses the body; it is nil when there is none.
func readXML(r *protocol.Request) (*xml.Node, error) {
	body, err := protocol.ReadBody(r)
	if err != nil || len(body) == 0 {
		return nil, err
	}
	n, err := xml.Parse(body)
	return n, xmlError(err)
}

// xmlError is what S3 answers to XML that it cannot use:
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
func xmlError(err error) error {
	var value *xml.ValueError
	if errors.Is(err, xml.ErrSyntax) || errors.As(err, &value) {
		return aws.Errorf("MalformedXML", http.StatusBadRequest,
			"The XML you provided was not well-formed or did not validate against our published schema")
	}
	return err
}

func (b *binder) xmlPayload(m *shape.Member, s3 bool) error {
	if done, err := b.payload(m); done || err != nil {
		return err
	}
	n, err := readXML(b.r)
	if err != nil {
		return err
	}
	if n == nil {
		if m.Required && s3 {
			return aws.Errorf("MissingRequestBodyError", http.StatusBadRequest, "Request Body is empty")
		}
		return nil
	}
	var notes shape.Notes
	v := b.v.Place(m)
	if err := xml.Decode(n, v, false, &notes); err != nil {
		return xmlError(err)
	}
	if s3 && !validS3(n, m, v, notes) {
		if m.Name == "AccessControlPolicy" {
			return aws.Errorf("MalformedACLError", http.StatusBadRequest, "The XML you provided was not well-formed or did not validate against our published schema")
		}
		return xmlError(xml.ErrSyntax)
	}
	mark := len(b.r.Notes)
	b.r.Notes = append(b.r.Notes, notes...)
	b.r.Notes.Under(mark, m.Path)
	return nil
}

// Encode renders out.
func (XML) Encode(op *aws.Operation, r *protocol.Request, out any) (*protocol.Response, error) {
	e := encoderOf(op.Service)
	w := encode(op, out, "application/xml", func(v shape.Value, payload *shape.Member) []byte {
		name, ns, bound := v.Shape.Root, v.Shape.NS, payload == nil
		if payload != nil {
			name = payload.XML
			if payload.NS.URI != "" {
				ns = payload.NS
			}
		} else if !hasBody(v.Shape) {
			return nil
		}
		if name == "" {
			name = v.Shape.Name
		}
		if ns.URI == "" {
			ns.URI = op.Service.Namespace
		}
		b := append(make([]byte, 0, firstAnswer), declaration...)
		if text, ok := unwrapped(op, v); ok {
			b = append(xml.AppendStart(b, name, ns), text...)
			return xml.AppendEnd(b, name)
		}
		return e.AppendElement(b, name, ns, v, bound)
	})
	partial(op, w)
	xmlHeaders(w.Header, op.Service, r)
	return w, nil
}

func encoderOf(svc *aws.Service) xml.Encoder {
	if isS3(svc) {
		return xml.Encoder{Time: shape.ISO8601Millis}
	}
	return xml.Encoder{}
}

func xmlHeaders(h http.Header, svc *aws.Service, r *protocol.Request) {
	if !isS3(svc) {
		h["X-Amzn-Requestid"] = []string{r.ID}
		return
	}
	h["X-Amz-Request-Id"] = []string{r.ID}
	h["X-Amz-Id-2"] = []string{r.HostID}
	h["Server"] = []string{"AmazonS3"}
}

// Error renders err as <Error>, which other services than S3 wrap in <ErrorResponse>.
func (XML) Error(svc *aws.Service, op *aws.Operation, r *protocol.Request, err error) *protocol.Response {
	info := aws.InfoOf(err)
	w := &protocol.Response{Status: protocol.Status(info), Header: make(http.Header, 8)}
	v, modelled := protocol.ErrorValue(err)
	if modelled {
		errorHeaders(w, v)
	}
	xmlHeaders(w.Header, svc, r)
	if r.Method == http.MethodHead || w.Status == http.StatusNotModified {
		return w
	}
	w.Header["Content-Type"] = []string{"application/xml"}
	b := make([]byte, 0, firstAnswer)
	if isS3(svc) {
		b = append(append(b, declaration...), "<Error>"...)
		b = xml.AppendString(b, "Code", info.Code)
		b = xml.AppendReadable(b, "Message", info.Message)
		if modelled {
			b = appendDetails(b, svc, v)
		}
		b = appendS3Details(b, info.Code, r, v)
		b = xml.AppendString(b, "RequestId", r.ID)
		b = xml.AppendString(b, "HostId", r.HostID)
		w.Body = append(b, "</Error>"...)
		return w
	}
	ns := shape.Namespace{}
	if svc != nil {
		ns.URI = svc.Namespace
	}
	b = append(xml.AppendStart(b, "ErrorResponse", ns), "<Error>"...)
	b = xml.AppendString(b, "Type", protocol.FaultType(info))
	b = xml.AppendString(b, "Code", info.Code)
	b = xml.AppendReadable(b, "Message", info.Message)
	if modelled {
		b = appendDetails(b, svc, v)
	}
	b = append(b, "</Error>"...)
	b = xml.AppendString(b, "RequestId", r.ID)
	w.Body = xml.AppendEnd(b, "ErrorResponse")
	return w
}

func appendDetails(b []byte, svc *aws.Service, v shape.Value) []byte {
	return encoderOf(svc).AppendOther(b, v, func(m *shape.Member) bool {
		return m.In != shape.Body || protocol.IsMessage(m)
	})
}
