package execute

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/brume-dev/brume/api/apigatewayapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/jsondoc"
	"github.com/brume-dev/brume/service/apigateway/guard"
	"github.com/brume-dev/brume/service/apigateway/usage"
)

// call is one request under way. It is used by one goroutine.
type call struct {
	plane    *Plane
	ctx      context.Context
	request  *http.Request
	visit    aws.Visit
	started  time.Time
	verb     string
	host     string
	path     string // below the stage, raw
	basePath string // with the stage

	stage     *stage
	program   *program
	variables map[string]string
	canary    bool
	method    *method
	setting   *setting
	params    []parameter

	header    http.Header
	queryText string
	query     url.Values // parsed when first asked for
	body      []byte
	document  any // body as JSON, parsed when first asked for
	parsed    bool

	id        aws.Identity // who calls, where the method wants to know
	known     bool
	verdict   *guard.Verdict // of the method's authorizer
	asked     time.Duration  // how long that took
	client    *usage.Client  // by an API key
	overrides *overrides
	failure   *failure
	reply     reply // of the integration
	out       answer
	log       *transcript
	traceID   string
	parent    string // segment id
	test      bool   // TestInvokeMethod
}

// answer is what the client gets.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// reply is what the integration answered.
type reply struct {
	status    int
	header    http.Header
	body      []byte
	errorText string // a function's errorMessage
	failed    bool   // the function failed
	began     time.Time
	latency   time.Duration
	requestID string
	document  any
	parsed    bool
	sent      bool
}

// serve does everything up to the answer.
func (c *call) serve(w http.ResponseWriter) {
	c.program, c.variables, c.canary = c.stage.pick(c.visit.Request.ID)
	if c.program == nil {
		c.program = c.stage.main
	}
	c.beginTrace()
	if c.program.disabled {
		c.fail(&failure{status: http.StatusForbidden, message: "Forbidden", errorType: "ForbiddenException"})
		return
	}
	n, params := c.program.root.find(c.path, c.verb)
	if n == nil {
		c.fail(&failure{kind: apigatewayapi.GatewayResponseTypeMissingAuthenticationToken, status: http.StatusForbidden,
			message: "Missing Authentication Token", errorType: "MissingAuthenticationTokenException"})
		return
	}
	if c.method = n.methods[c.verb]; c.method == nil {
		c.method = n.methods["ANY"]
	}
	c.params, c.setting = params, c.stage.settingOf(c.method)
	if c.setting.level != "OFF" && c.setting.level != "" {
		c.log = newTranscript(c.setting)
	}
	if f := c.read(w); f != nil {
		c.fail(f)
		return
	}
	c.run()
}

// run does a call whose method is known and whose body has been read.
func (c *call) run() {
	c.describe()
	f := c.admit()
	if f == nil {
		f = c.check()
	}
	if f == nil {
		f = c.integrate()
	}
	if f != nil {
		c.fail(f)
		return
	}
	c.note("INFO", false, "Successfully completed execution")
	c.note("INFO", false, "Method completed with status: %d", c.out.status)
}

// admit is whom the method lets in, and how many.
func (c *call) admit() *failure {
	if c.test {
		return nil
	}
	if f := c.authorize(); f != nil {
		return f
	}
	if f := c.checkKey(); f != nil {
		return f
	}
	if !c.allowed(c.stage.owner) {
		return &failure{kind: apigatewayapi.GatewayResponseTypeThrottled, status: http.StatusTooManyRequests, message: "Too Many Requests",
			errorType: "TooManyRequestsException"}
	}
	return nil
}

// read reads the body.
func (c *call) read(w http.ResponseWriter) *failure {
	r := c.request
	tooLong := &failure{kind: apigatewayapi.GatewayResponseTypeRequestTooLarge, status: http.StatusRequestEntityTooLarge, message: "Request Too Long",
		errorType: "RequestTooLargeException"}
	if r.ContentLength > maxPayload {
		return tooLong
	}
	if r.Body == nil || r.ContentLength == 0 {
		return nil
	}
	var buf bytes.Buffer
	if r.ContentLength > 0 {
		buf.Grow(int(r.ContentLength) + bytes.MinRead)
	}
	_, err := buf.ReadFrom(io.LimitReader(r.Body, maxPayload+1))
	c.body = buf.Bytes()
	if len(c.body) > maxPayload || errors.As(err, new(*http.MaxBytesError)) {
		return tooLong
	}
	if err != nil {
		return &failure{kind: apigatewayapi.GatewayResponseTypeDefault4xx, status: http.StatusBadRequest, message: "Bad Request", errorType: "BadRequestException"}
	}
	if c.header.Get("Content-Encoding") == "gzip" && c.program.compression >= 0 {
		return c.inflate(tooLong)
	}
	return nil
}

// inflate takes a compressed body's compression off, as APIs with a minimum compression size do.
func (c *call) inflate(tooLong *failure) *failure {
	z, err := gzip.NewReader(bytes.NewReader(c.body))
	if err == nil {
		c.body, err = io.ReadAll(io.LimitReader(z, maxPayload+1))
	}
	if err != nil {
		return &failure{kind: apigatewayapi.GatewayResponseTypeDefault4xx, status: http.StatusBadRequest, message: "Bad Request", errorType: "BadRequestException"}
	}
	if len(c.body) > maxPayload {
		return tooLong
	}
	return nil
}

// values are the parameters of the query string.
func (c *call) values() url.Values {
	if c.query == nil {
		c.query, _ = url.ParseQuery(c.queryText) // what is malformed is left out
	}
	return c.query
}

func (c *call) param(name string) (string, bool) {
	for _, p := range c.params {
		if p.name == name {
			return p.value, true
		}
	}
	return "", false
}

func (c *call) headerValue(name string) (string, bool) {
	if strings.EqualFold(name, "host") {
		return c.host, c.host != ""
	}
	v := c.header.Values(name)
	if len(v) == 0 {
		return "", false
	}
	return v[len(v)-1], true
}

// doc is the body as JSON; nil, false when it is none. An empty body is an empty object.
func (c *call) doc() (any, bool) {
	if !c.parsed {
		c.parsed = true
		c.document = parseBody(c.body)
	}
	return c.document, c.document != notJSON
}

type noDocument struct{}

// notJSON stands for a body that is no JSON document.
var notJSON any = noDocument{}

func parseBody(b []byte) any {
	if len(bytes.TrimSpace(b)) == 0 {
		return jsondoc.NewObject()
	}
	v, err := jsondoc.Parse(b)
	if err != nil {
		return notJSON
	}
	return v
}

// extendedID is the second id of a request, "JKJaXmPLvHcESHA=": another form of the first.
func (c *call) extendedID() string {
	b, err := hex.DecodeString(strings.ReplaceAll(c.visit.Request.ID, "-", ""))
	if err != nil || len(b) < 11 {
		b = []byte(fmt.Sprintf("%-11.11s", c.visit.Request.ID))
	}
	return base64.URLEncoding.EncodeToString(b[:11])
}

// finish puts the headers on the answer that every answer has.
func (c *call) finish() {
	h := c.out.header
	if h == nil {
		h = http.Header{}
		c.out.header = h
	}
	h["X-Amzn-Requestid"] = []string{c.visit.Request.ID}
	h["X-Amz-Apigw-Id"] = []string{c.extendedID()}
	if c.traceID != "" {
		h["X-Amzn-Trace-Id"] = []string{"Root=" + c.traceID}
	}
	if h.Get("Content-Type") == "" {
		h["Content-Type"] = []string{"application/json"}
	}
	c.compress()
}

// compress compresses the answer for clients that take it, from the API's least size on.
func (c *call) compress() {
	least := -1
	if c.program != nil {
		least = c.program.compression
	}
	if least < 0 || len(c.out.body) < least || c.out.header.Get("Content-Encoding") != "" || !strings.Contains(c.header.Get("Accept-Encoding"), "gzip") {
		return
	}
	var buf bytes.Buffer
	z := gzip.NewWriter(&buf)
	if _, err := z.Write(c.out.body); err == nil && z.Close() == nil {
		c.out.body = buf.Bytes()
		c.out.header.Set("Content-Encoding", "gzip")
	}
}

func (c *call) write(w http.ResponseWriter) {
	h := w.Header()
	for k, v := range c.out.header {
		h[k] = v
	}
	status := c.out.status
	if status < 200 || status > 599 {
		status = http.StatusInternalServerError
	}
	bodyless := status == http.StatusNoContent || status == http.StatusNotModified
	if !bodyless {
		h["Content-Length"] = []string{strconv.Itoa(len(c.out.body))}
	}
	w.WriteHeader(status)
	if !bodyless && c.verb != http.MethodHead {
		_, _ = w.Write(c.out.body) // the client has gone: nobody is left to tell
	}
}
