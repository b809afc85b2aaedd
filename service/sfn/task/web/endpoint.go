package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/brume-dev/brume/asl"
	"github.com/brume-dev/brume/asl/fault"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/event/connection"
	"github.com/brume-dev/brume/jsondoc"
)

// timeout is how long an HTTP task may take.
// https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html#service-limits-http-task
const timeout = 60 * time.Second

// Exchange is what went over the wire, as TestState shows it.
type Exchange struct {
	Protocol, Method, URL        string
	RequestHeader, RequestBody   string
	StatusCode, StatusMessage    string
	ResponseHeader, ResponseBody string
}

// call is an HTTP task's request, before the connection's part.
type call struct {
	method     string
	url        *url.URL
	header     http.Header
	body       []byte
	connection string
}

// Endpoint calls an HTTP endpoint with a connection. The Exchange is nil when nothing was sent; with secrets, it shows what
// the connection added.
func (c *Config) Endpoint(ctx context.Context, q *Request, secrets bool) (*jsondoc.Object, *Exchange, error) {
	a := &arguments{Object: q.Arguments}
	to := a.call(q.Region)
	if a.problems != nil {
		return nil, nil, a.problems
	}
	if err := c.permitted(ctx, q, to); err != nil {
		return nil, nil, fault.New(fault.Permissions, "%s", aws.InfoOf(err).Message)
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var x *Exchange
	for fresh := false; ; fresh = true {
		auth, err := c.Connections().Authorize(ctx, to.connection, fresh)
		if err != nil {
			return nil, nil, noConnection(ctx, err)
		}
		var status int
		var header http.Header
		var body []byte
		if x, status, header, body, err = c.send(ctx, to, auth, secrets); err != nil {
			return nil, x, socket(err)
		}
		if connection.Refused(status) && !fresh {
			continue
		}
		if len(body) > asl.MaxData {
			return nil, x, tooLarge()
		}
		if !succeeded(status) {
			return nil, x, fault.New("States.Http.StatusCode."+decimal(status), "%s", body)
		}
		low := http.Header{}
		for k, v := range header {
			low[strings.ToLower(k)] = v
		}
		return result(status, low, header.Get("Content-Type"), body), x, nil
	}
}

func decimal(n int) string { return strconv.Itoa(n) }

func tooLarge() error {
	return fault.New(fault.DataLimitExceeded, "The state/task returned a result with a size exceeding the maximum number of bytes service limit.")
}

// noConnection is the failure of a task whose connection cannot be had.
func noConnection(ctx context.Context, err error) error {
	info := aws.InfoOf(err)
	if ctx.Err() != nil || info.Status >= http.StatusInternalServerError {
		return err
	}
	return fault.New("Events."+info.Code, "%s", info.Message)
}

// socket is the failure of a task that got no answer.
func socket(err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return fault.New(fault.HTTPSocket, "The HTTP task timed out after %d seconds.", int(timeout.Seconds()))
	}
	if errors.Is(err, connection.ErrBody) {
		return fault.New(fault.Runtime, "The request body cannot be merged with the body parameters of the connection.")
	}
	return fault.New(fault.HTTPSocket, "%s", err.Error())
}

// call reads the arguments of an HTTP task.
func (a *arguments) call(region string) *call {
	to := &call{method: a.method(), header: a.headers()}
	endpoint := a.text("ApiEndpoint")
	var err error
	if to.url, err = url.Parse(endpoint); err != nil || to.url.Scheme != "https" && to.url.Scheme != "http" || to.url.Host == "" || to.url.User != nil {
		a.problem("The value for the field 'ApiEndpoint' must be a valid HTTPS URL")
		to.url = &url.URL{}
	}
	names, values := a.lists("QueryParameters", false)
	if len(names) > 0 {
		q := to.url.Query()
		for _, k := range names {
			q[k] = values[k]
		}
		to.url.RawQuery = q.Encode()
	}
	for _, field := range []string{"Authentication", "InvocationConfig"} {
		if v, _ := a.Get(field); v != nil {
			inner, ok := v.(*jsondoc.Object)
			if !ok {
				a.problem("The value for the field '" + field + "' must be an OBJECT")
				continue
			}
			arn, _ := inner.Get("ConnectionArn")
			to.connection, _ = arn.(string)
		}
	}
	if to.connection == "" {
		a.problem("The field 'Authentication' is required but was missing")
	}
	a.body(to)
	if to.body != nil && to.header.Get("Content-Type") == "" {
		to.header.Set("Content-Type", "application/json; charset=UTF-8")
	}
	to.header.Set("Range", "bytes=0-"+decimal(asl.MaxData))
	to.header.Set("User-Agent", "Amazon|StepFunctions|HttpInvoke|"+region)
	return to
}

// body is the request body: JSON text, a string as it is, or a form.
func (a *arguments) body(to *call) {
	v, there := a.Get("RequestBody")
	encoding, arrays := a.transform()
	switch text, isText := v.(string); {
	case !there || v == nil:
	case encoding:
		o, ok := v.(*jsondoc.Object)
		if !ok {
			a.problem("The value for the field 'RequestBody' must be an OBJECT")
			return
		}
		to.body = []byte(form(o, arrays))
		if to.header.Get("Content-Type") == "" {
			to.header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
	case isText:
		to.body = []byte(text)
	default:
		to.body = jsondoc.Append(nil, v)
	}
}

// transform says whether the body is to be a form, and how its arrays are written.
func (a *arguments) transform() (isForm bool, arrays string) {
	v, _ := a.Get("Transform")
	if v == nil {
		return false, ""
	}
	t, ok := v.(*jsondoc.Object)
	if !ok {
		a.problem("The value for the field 'Transform' must be an OBJECT")
		return false, ""
	}
	inner := &arguments{Object: t}
	switch encoding := inner.text("RequestBodyEncoding"); encoding {
	case "", "NONE":
	case "URL_ENCODED":
		isForm = true
	default:
		a.problem("The value for the field 'RequestBodyEncoding' must be one of NONE, URL_ENCODED")
	}
	if v, _ := t.Get("RequestEncodingOptions"); v != nil {
		if o, ok := v.(*jsondoc.Object); ok {
			f, _ := o.Get("ArrayFormat")
			arrays, _ = f.(string)
		}
		if !slices.Contains([]string{indices, repeat, commas, brackets, none}, arrays) {
			a.problem("The value for the field 'ArrayFormat' must be one of INDICES, REPEAT, COMMAS, BRACKETS, NONE")
		}
	}
	return isForm, arrays
}

// permitted asks whether the role may make the call and use the connection.
// https://docs.aws.amazon.com/step-functions/latest/dg/call-https-apis.html#connect-http-task-permissions
func (c *Config) permitted(ctx context.Context, q *Request, to *call) error {
	endpoint := *to.url
	endpoint.RawQuery = ""
	return c.Policies.Authorize(ctx, q.ID, []aws.Access{
		{Action: "states:InvokeHTTPEndpoint", Resource: q.Machine,
			Context: map[string][]string{"states:HTTPMethod": {to.method}, "states:HTTPEndpoint": {endpoint.String()}}},
		{Action: "events:RetrieveConnectionCredentials", Resource: to.connection},
	})
}

// send makes the call once.
func (c *Config) send(ctx context.Context, to *call, auth *connection.Authorization, secrets bool) (*Exchange, int, http.Header, []byte, error) {
	u, header := *to.url, to.header.Clone()
	auth.Apply(header, &u)
	body, err := auth.Merge(to.body, header.Get("Content-Type"))
	if err != nil {
		return nil, 0, nil, nil, err
	}
	if body != nil && header.Get("Content-Type") == "" {
		header.Set("Content-Type", "application/json; charset=UTF-8")
	}
	r, err := http.NewRequestWithContext(ctx, to.method, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, 0, nil, nil, err
	}
	r.Header = header
	x := &Exchange{Protocol: u.Scheme, Method: to.method, URL: to.url.String(), RequestHeader: shown(to.header), RequestBody: string(to.body)}
	if secrets {
		x.URL, x.RequestHeader, x.RequestBody = u.String(), shown(header), string(body)
	}
	res, err := c.HTTP.RoundTrip(r)
	if err != nil {
		return x, 0, nil, nil, err
	}
	defer res.Body.Close()
	got, err := io.ReadAll(io.LimitReader(res.Body, asl.MaxData+1))
	if err != nil {
		return x, 0, nil, nil, err
	}
	x.StatusCode, x.StatusMessage = decimal(res.StatusCode), http.StatusText(res.StatusCode)
	x.ResponseHeader, x.ResponseBody = shown(res.Header), string(got)
	return x, res.StatusCode, res.Header, got, nil
}

// shown is how TestState writes headers.
func shown(h http.Header) string {
	var parts []string
	for k, list := range h {
		for _, v := range list {
			parts = append(parts, fmt.Sprintf("%s: %s", k, v))
		}
	}
	slices.Sort(parts)
	return "[" + strings.Join(parts, ", ") + "]"
}
