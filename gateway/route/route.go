// Package route finds out what a request is for: which service and operation, in which protocol, or which data plane,
// by what stands on the request line, in the host and in a few headers. It reads bodies only where the Query protocol
// hides the operation in one, and judges no credentials.
package route

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/gateway/sigv4"
	"github.com/brume-dev/brume/protocol/cbor"
	"github.com/brume-dev/brume/protocol/json"
	"github.com/brume-dev/brume/protocol/query"
	"github.com/brume-dev/brume/protocol/rest"
)

// Request is what routing looks at.
type Request struct {
	Method string
	Path   string // raw
	Query  string // raw
	Host   string // as sent
	Header http.Header
	Length int64 // Content-Length, -1 when unknown
	// AnyType takes any content type for JSON: of requests that are made inside Brume.
	AnyType bool
	// Form returns the first MaxForm bytes of the body, and whether that is all of it. It is called at most once, and
	// only for a POST with a form's content type.
	Form func() (body []byte, whole bool)

	host          host
	scope, region string // of the credentials
}

// Kind is the sort of thing that a request is for.
type Kind uint8

const (
	// Nothing: no rule fits, or the operation does not exist; Err says which.
	Nothing Kind = iota
	// Operation is a call of an AWS operation.
	Operation
	// Own is one of Brume's own endpoints, "/_…".
	Own
	// Data is a request for a data plane.
	Data
	// Preflight is a browser's question before a request to another origin. Labels name the bucket that it may be about;
	// Protocol is set when it is about one for sure.
	Preflight
	// Form is a browser's upload to a bucket; Op is the PutObject that it is to become.
	Form
	// Welcome is a browser that opens the root.
	Welcome
)

// Route is where a request goes.
type Route struct {
	Kind Kind

	// Of an Operation; Service and Protocol may be set for Nothing too, so that the error can be told properly.
	Service  *aws.Service
	Op       *aws.Operation
	Protocol aws.Protocol
	Labels   map[string]string // URI labels, decoded
	Path     string            // raw path in path style: with the bucket that the host named before it
	Bucket   string            // the bucket that the host named, or ""
	Region   string            // from the credential scope, else the host, else ""
	Err      error             // why there is no operation; an aws.Error

	// Of Data.
	Plane string // "execute-api", "lambda-url"
	Visit aws.Visit
}

// Table holds the rules for a set of services. It never changes.
type Table struct {
	byTarget   map[string]*aws.Service // X-Amz-Target prefix
	byShape    map[string]*aws.Service // name in rpcv2Cbor paths
	byVersion  map[string]*aws.Service // Query API version
	byAction   map[string]*aws.Service // Query action; nil where two services share it
	bySigning  map[string][]*aws.Service
	byEndpoint map[string]*aws.Service
	trees      map[*aws.Service]*tree
	s3         *aws.Service
	rules      []func(*Table, *Request) (Route, bool)
}

// New returns the table for services. Their order does not matter.
func New(services []*aws.Service) *Table {
	t := &Table{byTarget: map[string]*aws.Service{}, byShape: map[string]*aws.Service{}, byVersion: map[string]*aws.Service{},
		byAction: map[string]*aws.Service{}, bySigning: map[string][]*aws.Service{}, byEndpoint: map[string]*aws.Service{},
		trees: map[*aws.Service]*tree{}, rules: rules()}
	for _, s := range services {
		t.add(s)
	}
	return t
}

func (t *Table) add(s *aws.Service) {
	if s.Target != "" {
		t.byTarget[s.Target] = s
	}
	if s.Shape != "" {
		t.byShape[s.Shape] = s
	}
	t.bySigning[s.Signing] = append(t.bySigning[s.Signing], s)
	if s.Endpoint != "" {
		t.byEndpoint[s.Endpoint] = s
	}
	if s.Protocols.Has(aws.Query | aws.EC2Query) {
		t.byVersion[s.Version] = s
		for _, op := range s.Ops {
			if _, shared := t.byAction[op.Name]; shared {
				t.byAction[op.Name] = nil
			} else {
				t.byAction[op.Name] = s
			}
		}
	}
	if s.Protocols.Has(aws.RestJSON | aws.RestXML) {
		t.trees[s] = newTree(s)
	}
	if s.Name == "s3" {
		t.s3 = s
	}
}

// rules are the questions in the order in which they are asked. The first that knows the answer gives it.
func rules() []func(*Table, *Request) (Route, bool) {
	return []func(*Table, *Request) (Route, bool){
		(*Table).ownEndpoint,
		(*Table).dataPlaneHost,
		(*Table).dataPlanePath,
		(*Table).preflight,
		(*Table).cborPath,
		(*Table).targetHeader,
		(*Table).queryAction,
		(*Table).credentialScope,
		(*Table).s3Shape,
		(*Table).serviceHost,
		(*Table).anonymousS3,
	}
}

// Find routes q.
func (t *Table) Find(q *Request) Route {
	q.host = parseHost(q.Host)
	_, _, q.region, q.scope = sigv4.Credential(q.Header, q.Query)
	for _, rule := range t.rules {
		if r, ok := rule(t, q); ok {
			if r.Path == "" {
				r.Path = q.Path
			}
			if r.Region == "" {
				r.Region = q.region
			}
			return r
		}
	}
	return Route{Err: rest.UnknownPath()}
}

func (q *Request) header(key string) string {
	if v := q.Header[key]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// ownEndpoint: a path that begins with "/_" is ours, since no bucket name begins so; but an API's test invoke URLs
// and a function's URL there belong to their data planes.
func (t *Table) ownEndpoint(q *Request) (Route, bool) {
	if !strings.HasPrefix(q.Path, "/_") {
		return Route{}, false
	}
	if rest, ok := strings.CutPrefix(q.Path, "/_aws/execute-api/"); ok {
		id, rest := cutSegment(rest)
		stage, rest := cutSegment(strings.TrimPrefix(rest, "/"))
		return data("execute-api", id, stage, rest, ""), true
	}
	if rest, ok := strings.CutPrefix(q.Path, "/_aws/lambda-url/"); ok {
		id, rest := cutSegment(rest)
		return data("lambda-url", id, "", rest, ""), true
	}
	return Route{Kind: Own}, true
}

// dataPlaneHost comes before any look at credentials: the Authorization header may be IAM's, a JWT or anything.
func (t *Table) dataPlaneHost(q *Request) (Route, bool) {
	id, plane, region := q.host.plane()
	if plane == "" || plane == "execute-api" && strings.Contains(q.Path, "/@connections/") {
		return Route{}, false
	}
	return data(plane, id, "", q.Path, region), true
}

// dataPlanePath: /restapis/{id}/{stage}/_user_request_/… is never a path of the control plane.
func (t *Table) dataPlanePath(q *Request) (Route, bool) {
	rest, ok := strings.CutPrefix(q.Path, "/restapis/")
	if !ok {
		return Route{}, false
	}
	id, rest := cutSegment(rest)
	stage, rest := cutSegment(strings.TrimPrefix(rest, "/"))
	mark, rest := cutSegment(strings.TrimPrefix(rest, "/"))
	if mark != "_user_request_" {
		return Route{}, false
	}
	return data("execute-api", id, stage, rest, ""), true
}

func data(plane, id, stage, path, region string) Route {
	if path == "" {
		path = "/"
	}
	return Route{Kind: Data, Plane: plane, Visit: aws.Visit{Resource: id, Stage: stage, Path: path, Region: region}}
}

func (t *Table) preflight(q *Request) (Route, bool) {
	if q.Method != http.MethodOptions {
		return Route{}, false
	}
	r := Route{Kind: Preflight, Service: t.s3}
	path, sure := q.Path, q.scope == "s3" || hasParameter(q.Query, "AWSAccessKeyId")
	if t.s3 != nil {
		if bucket, ok := q.host.bucket(t); ok {
			sure = true
			if bucket != "" {
				r.Bucket, path = bucket, "/"+bucket+q.Path
			}
		}
		bucket, key := cutSegment(strings.TrimPrefix(path, "/"))
		r.Labels = map[string]string{"Bucket": bucket, "Key": strings.TrimPrefix(key, "/")}
		if bucket != "" && (sure || !t.otherPath(path, cmp.Or(q.header("Access-Control-Request-Method"), anyMethod))) {
			r.Protocol = aws.RestXML
		}
	}
	return r, r.Protocol != 0 || q.header("Access-Control-Request-Method") != ""
}

// otherPath reports whether a path is one of another REST service than S3, or that of a queue.
func (t *Table) otherPath(path, method string) bool {
	if account, queue := cutSegment(strings.TrimPrefix(path, "/")); len(account) == 12 && isDigits(account) && len(queue) > 1 {
		return true
	}
	var room [maxLabels]string
	for s, tree := range t.trees {
		if s == t.s3 {
			continue
		}
		if n, _ := tree.root.match(path, method, room[:0]); n != nil {
			return true
		}
	}
	return false
}

// cborPath: /service/{shape}/operation/{Op}, announced by a header of its own.
func (t *Table) cborPath(q *Request) (Route, bool) {
	if q.header("Smithy-Protocol") != "rpc-v2-cbor" {
		return Route{}, false
	}
	parts := strings.Split(q.Path, "/")
	n := len(parts)
	if n < 5 || parts[n-4] != "service" || parts[n-2] != "operation" {
		return Route{Protocol: aws.CBOR, Err: cbor.UnknownOperation()}, true
	}
	s := t.byShape[parts[n-3]]
	return operation(s, parts[n-1], aws.CBOR, cbor.UnknownOperation), true
}

// targetHeader: X-Amz-Target "Prefix.Operation", of the JSON protocols, signed or not. Which of the two is in the
// content type; a service answers 404 to one that it does not speak.
func (t *Table) targetHeader(q *Request) (Route, bool) {
	target := q.header("X-Amz-Target")
	if target == "" {
		return Route{}, false
	}
	i := max(strings.LastIndexByte(target, '.'), 0)
	s := t.byTarget[target[:i]]
	p := jsonOf(q.header("Content-Type"))
	if q.AnyType && s != nil {
		p = s.Protocols & (aws.JSON10 | aws.JSON11)
	}
	if s != nil && !s.Protocols.Has(p) {
		return Route{Service: s, Protocol: anyOf(s.Protocols), Err: rest.UnknownPath()}, true
	}
	return operation(s, target[i+1:], p, json.UnknownOperation), true
}

// jsonOf returns the protocol that a content type stands for, or 0.
func jsonOf(contentType string) aws.Protocol {
	t, _, _ := strings.Cut(contentType, ";")
	switch t = strings.TrimSpace(t); {
	case strings.EqualFold(t, "application/x-amz-json-1.0"):
		return aws.JSON10
	case strings.EqualFold(t, "application/x-amz-json-1.1"):
		return aws.JSON11
	}
	return 0
}

func operation(s *aws.Service, name string, p aws.Protocol, unknown func() error) Route {
	r := Route{Kind: Operation, Service: s, Protocol: p}
	if s != nil {
		r.Op = s.Lookup(name)
	}
	if r.Op == nil {
		r.Kind, r.Err = Nothing, unknown()
	}
	return r
}

// credentialScope: the service that the signature is for.
func (t *Table) credentialScope(q *Request) (Route, bool) {
	if q.scope == "" || q.scope == "execute-api" {
		return Route{}, false
	}
	if q.scope == "s3express" || q.scope == "s3-object-lambda" {
		q.scope = "s3"
	}
	if s := t.signed(q); s != nil {
		return t.rest(q, s), true
	}
	return Route{Err: aws.Errorf("NotImplemented", http.StatusNotImplemented, "Brume has no service that signs as %q yet", q.scope)}, true
}

// signed returns the service of q's credential scope. Only apigateway and s3 name two, told apart by the path.
func (t *Table) signed(q *Request) *aws.Service {
	all := t.bySigning[q.scope]
	if len(all) == 1 {
		return all[0]
	}
	i := slices.IndexFunc(all, func(s *aws.Service) bool {
		switch s.Name {
		case "apigatewayv2":
			return strings.HasPrefix(q.Path, "/v2/")
		case "s3control":
			return strings.HasPrefix(q.Path, "/v20180820/")
		}
		return false
	})
	if i < 0 {
		i = slices.IndexFunc(all, func(s *aws.Service) bool { return s.Name != "apigatewayv2" && s.Name != "s3control" })
	}
	if i < 0 {
		return nil
	}
	return all[i]
}

// s3Shape: what only S3 looks like, whatever the host: its own signatures and its browser uploads; and the hosts that
// name a bucket.
func (t *Table) s3Shape(q *Request) (Route, bool) {
	if t.s3 == nil {
		return Route{}, false
	}
	bucket, host := q.host.bucket(t)
	switch {
	case host,
		strings.HasPrefix(q.header("Authorization"), "AWS "),
		hasParameter(q.Query, "AWSAccessKeyId") && hasParameter(q.Query, "Signature"),
		hasParameter(q.Query, "X-Amz-Algorithm") && q.scope == "",
		q.Method == http.MethodPost && strings.HasPrefix(q.header("Content-Type"), "multipart/form-data") && bucket != "":
		return t.rest(q, t.s3), true
	}
	return Route{}, false
}

// serviceHost: an unsigned request to lambda.us-east-1.amazonaws.com, or to lambda.localhost, is for that service, which
// will ask for a signature.
func (t *Table) serviceHost(q *Request) (Route, bool) {
	s, ok := t.named(q.host)
	if !ok {
		return Route{}, false
	}
	if t.trees[s] == nil {
		return Route{Service: s, Protocol: anyOf(s.Protocols), Err: json.UnknownOperation()}, true
	}
	return t.rest(q, s), true
}

// named returns the service whose endpoint prefix h begins with.
func (t *Table) named(h host) (*aws.Service, bool) {
	first, tail, _ := strings.Cut(string(h), ".")
	if s := t.byEndpoint[first]; s != nil {
		return s, tail != ""
	}
	second, tail, _ := strings.Cut(tail, ".") // "api.ecr"
	s := t.byEndpoint[first+"."+second]
	return s, s != nil && tail != ""
}

// anonymousS3: a path without any signature is a public object, or meant to be one.
func (t *Table) anonymousS3(q *Request) (Route, bool) {
	if q.Path == "/" && q.Method == http.MethodGet && strings.Contains(q.header("Accept"), "text/html") {
		return Route{Kind: Welcome}, true
	}
	if t.s3 == nil || q.Path == "/" && q.Method != http.MethodGet && q.Method != http.MethodHead {
		return Route{}, false
	}
	return t.rest(q, t.s3), true
}

// rest finds the operation of a REST service by method and path.
func (t *Table) rest(q *Request, s *aws.Service) Route {
	r := Route{Kind: Operation, Service: s, Path: q.Path, Protocol: anyOf(s.Protocols)}
	tree := t.trees[s]
	if tree == nil { // a JSON or Query service that was sent neither a target nor an action
		r.Kind, r.Err = Nothing, json.UnknownOperation()
		if r.Protocol.Has(aws.Query | aws.EC2Query) {
			r.Err = query.UnknownAction("", "")
		}
		return r
	}
	if s == t.s3 {
		if bucket, ok := q.host.bucket(t); ok && bucket != "" {
			r.Bucket, r.Path = bucket, "/"+bucket+q.Path
		}
		r.Region = q.host.region()
		if q.region != "" {
			r.Region = q.region
		}
	}
	if bucket, key := cutSegment(strings.TrimPrefix(r.Path, "/")); s == t.s3 && q.Method == http.MethodPost && bucket != "" && strings.Trim(key, "/") == "" && q.posts() {
		r.Kind, r.Op, r.Labels = Form, s.Lookup("PutObject"), map[string]string{"Bucket": bucket}
		return r
	}
	r.Op, r.Labels = tree.find(q, r.Path)
	if r.Op == nil {
		r.Kind, r.Err = Nothing, tree.notFound(q.Method, r.Path)
	}
	return r
}

// posts reports whether a POST to a bucket uploads a form: any does that asks for nothing else.
func (q *Request) posts() bool {
	return !hasParameter(q.Query, "delete") && !hasParameter(q.Query, "metadataTable") && !hasParameter(q.Query, "metadataConfiguration") && !hasParameter(q.Query, "session")
}

// anyOf picks the protocol of a service for which the request gave no choice.
func anyOf(p aws.Protocol) aws.Protocol {
	for _, one := range []aws.Protocol{aws.RestXML, aws.RestJSON, aws.JSON11, aws.JSON10, aws.EC2Query, aws.Query, aws.CBOR} {
		if p.Has(one) {
			return one
		}
	}
	return aws.JSON10
}

// cutSegment returns the part of a path before its first slash, and the rest with the slash.
func cutSegment(path string) (segment, rest string) {
	if i := strings.IndexByte(path, '/'); i >= 0 {
		return path[:i], path[i:]
	}
	return path, ""
}
