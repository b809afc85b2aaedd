package aws

import (
	"context"
	"fmt"
	"reflect"
)

// Op names an operation: the service by the name of its generated package without "api" ("sqs", "dynamodb"), the
// operation by its name in the API model ("SendMessage").
type Op struct {
	Service string
	Name    string
}

func (o Op) String() string { return o.Service + ":" + o.Name }

// Protocol is a set of wire protocols.
type Protocol uint16

const (
	JSON10 Protocol = 1 << iota
	JSON11
	Query
	EC2Query
	RestJSON
	RestXML
	CBOR
)

// Has reports whether p contains q.
func (p Protocol) Has(q Protocol) bool { return p&q != 0 }

// Meta is what an API model says of the service as a whole.
type Meta struct {
	Name      string // our name, "sqs": the generated package is sqsapi
	ID        string // the model's serviceId, "SQS"
	Shape     string // the Smithy service shape, as rpcv2Cbor paths name it: "GraniteServiceVersion20100801"
	Signing   string // the service in the credential scope, "sqs"
	Prefix    string // the IAM action prefix, "sqs"
	Target    string // X-Amz-Target prefix, "AmazonSQS"; "" where the protocol has none
	Version   string // apiVersion, "2012-11-05"
	Namespace string // XML namespace of the answers, or ""
	Endpoint  string // endpoint prefix, the first label of AWS's host name

	Protocols       Protocol
	QueryCompatible bool // answers x-amzn-query-error to clients that send x-amzn-query-mode
}

// Service describes one AWS API: what the gateway routes by and dispatch calls. It is built once by Describe and never
// changes.
type Service struct {
	Meta
	Ops   []*Operation // every operation of the model, in its order, those that Brume lacks too
	names map[string]*Operation
	check func(handler any) error
}

// Operation describes one operation of a Service.
type Operation struct {
	Op
	Service *Service
	Method  string // HTTP method
	Path    string // URI template with its literal query, "/{Bucket}/{Key+}?uploads"
	Status  int    // HTTP status of success
	// Anonymous says that the model lets the operation be called unsigned (authtype none).
	Anonymous bool
	// In and Out are the generated structures; nil for an operation that Brume lacks (Missing).
	In, Out reflect.Type

	// NeedsQuery and NeedsHeader name the required members in query and headers of an operation that Brume lacks and
	// that shares its path: routing must know it from those that are there. Others tell by In.
	NeedsQuery, NeedsHeader []string

	// OutputWrapper is the element that the Query protocol wraps results in, "SendMessageResult"; "" = none.
	OutputWrapper string

	call func(ctx context.Context, handler any, id Identity, in any) (any, error)
}

// Implemented reports whether Brume has the operation.
func (o *Operation) Implemented() bool { return o.call != nil }

// NewInput returns a pointer to a new, empty input structure.
func (o *Operation) NewInput() any { return reflect.New(o.In).Interface() }

// Call runs the operation on handler, which must implement the generated Handler interface of the service.
func (o *Operation) Call(ctx context.Context, handler any, id Identity, in any) (any, error) {
	return o.call(ctx, handler, id, in)
}

// Lookup returns the operation called name, or nil.
func (s *Service) Lookup(name string) *Operation { return s.names[name] }

// Check reports whether handler can serve the implemented operations of s.
func (s *Service) Check(handler any) error { return s.check(handler) }

// Describe builds the description of a service whose generated interface is H.
func Describe[H any](m Meta, ops ...*Operation) *Service {
	s := &Service{Meta: m, Ops: ops, names: make(map[string]*Operation, len(ops))}
	for _, o := range ops {
		o.Op.Service, o.Service = m.Name, s
		s.names[o.Name] = o
	}
	s.check = func(handler any) error {
		if _, ok := handler.(H); !ok {
			return fmt.Errorf("%s: %T does not implement %v", m.Name, handler, reflect.TypeFor[H]())
		}
		return nil
	}
	return s
}

// Has describes an operation that Brume has; f is a method expression of the generated Handler.
func Has[H, I, O any](name, method, path string, status int,
	f func(H, context.Context, Identity, *I) (*O, error), opts ...OpOption) *Operation {
	o := &Operation{Op: Op{Name: name}, Method: method, Path: path, Status: status,
		In: reflect.TypeFor[I](), Out: reflect.TypeFor[O](),
		call: func(ctx context.Context, h any, id Identity, in any) (any, error) {
			out, err := f(h.(H), ctx, id, in.(*I))
			if err != nil {
				return nil, err // never a typed nil
			}
			return out, nil
		}}
	for _, opt := range opts {
		opt(o)
	}
	return o
}

// Lacks describes an operation of the model that Brume does not have: it is routed, and answered with
// NotImplemented in the service's protocol.
func Lacks(name, method, path string, opts ...OpOption) *Operation {
	o := &Operation{Op: Op{Name: name}, Method: method, Path: path}
	for _, opt := range opts {
		opt(o)
	}
	return o
}

// OpOption sets a rarely used field of an Operation.
type OpOption func(*Operation)

// Unsigned marks an operation that needs no signature.
func Unsigned() OpOption { return func(o *Operation) { o.Anonymous = true } }

// NeedsQuery names the required query parameters of an operation that Brume lacks.
func NeedsQuery(names ...string) OpOption { return func(o *Operation) { o.NeedsQuery = names } }

// NeedsHeader names the required headers of an operation that Brume lacks.
func NeedsHeader(names ...string) OpOption { return func(o *Operation) { o.NeedsHeader = names } }

// Wrapped names the Query protocol's result element.
func Wrapped(element string) OpOption { return func(o *Operation) { o.OutputWrapper = element } }

// Invoke is what generated clients call: it runs op through c and converts the output.
func Invoke[O any](ctx context.Context, c Caller, id Identity, op Op, in any) (*O, error) {
	out, err := c.Call(ctx, id, op, in)
	if err != nil {
		return nil, err
	}
	return out.(*O), nil
}

// Document is free-form JSON, as it stands in the request or answer.
type Document []byte
