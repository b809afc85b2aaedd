package functionurl

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/lambda/keys"
	"github.com/brume-dev/brume/store"
)

// maxRequest is the largest event, with the body in it.
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const maxRequest = 6_291_456

// forbidden is what those read who may not invoke a URL.
const forbidden = "Forbidden. For troubleshooting Function URL authorization issues, see: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"

// visit is one request to a URL.
type visit struct {
	*URLs
	w      http.ResponseWriter
	r      *http.Request
	v      aws.Visit
	p      keys.Place
	record *record
	policy string
}

// ServeData implements aws.DataPlane: it answers a request to the URL that v names.
func (u *URLs) ServeData(w http.ResponseWriter, r *http.Request, v aws.Visit) {
	x := &visit{URLs: u, w: w, r: r, v: v}
	w.Header().Set("X-Amzn-RequestId", v.Request.ID)
	found, err := x.find(r.Context())
	switch {
	case err != nil:
		x.fail(err)
	case !found:
		x.refuse(http.StatusForbidden, "AccessDeniedException", map[string]string{"Message": "Forbidden"})
	case x.record.Cors.preflight(r):
		x.record.Cors.answerPreflight(r, w.Header())
		w.WriteHeader(http.StatusOK)
	default:
		x.serve()
	}
}

// find reads what is behind the host name.
func (x *visit) find(ctx context.Context) (found bool, err error) {
	a, err := store.View(ctx, x.Store.Shard(store.Global()), func(_ context.Context, r store.Reader) (*address, error) {
		return keys.Get[address](r, keys.Address(x.v.Resource))
	})
	if err != nil || a == nil || x.v.Region != "" && x.v.Region != a.Region {
		return false, err
	}
	x.p = a.place()
	err = x.p.Shard(x.Store).View(ctx, func(_ context.Context, r store.Reader) error {
		var err error
		if x.record, err = keys.Get[record](r, x.p.URL(x.p.Name, x.p.Wanted())); err != nil {
			return err
		}
		x.policy, err = x.functions.Policy(r, x.p)
		return err
	})
	return x.record != nil && x.record.ID == x.v.Resource, err
}

// serve invokes the function.
func (x *visit) serve() {
	body, err := io.ReadAll(io.LimitReader(x.r.Body, maxRequest+1))
	if err != nil {
		return // the client has gone
	}
	id, err := x.authorize(body)
	if err != nil {
		x.fail(err)
		return
	}
	event, err := eventOf(x.r, &x.v, body, id, x.Clock.Now())
	if err == nil && len(event) > maxRequest {
		err = &lambdaapi.RequestTooLargeException{Message: fmt.Sprintf("Request must be smaller than %d bytes for the InvokeFunction operation", maxRequest)}
	}
	if err != nil {
		x.fail(err)
		return
	}
	reply, err := x.functions.Run(x.r.Context(), x.p, Call{ID: x.v.Request.ID, Payload: event, Trace: x.v.Request.Trace,
		Stream: x.record.Mode == string(lambdaapi.InvokeModeResponseStream)})
	if err != nil {
		x.fail(err)
		return
	}
	defer reply.Close()
	x.w.Header().Set("X-Amzn-Trace-Id", x.v.Request.Trace)
	if x.v.Request.Trace == "" {
		x.w.Header().Del("X-Amzn-Trace-Id")
	}
	x.answer(reply)
}

// authorize finds out who asks, where the URL wants to know, and whether they may. Both permissions are needed:
// https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
func (x *visit) authorize(body []byte) (*aws.Identity, error) {
	id := aws.Identity{Kind: aws.Anonymous, Account: x.p.Account, Region: x.p.Region, Request: x.v.Request}
	if signed := x.record.Auth == string(lambdaapi.FunctionUrlAuthTypeAwsIam); signed {
		who, err := x.v.Who(body)
		if err != nil {
			return nil, err
		}
		id = who
	}
	access := aws.Access{Resource: x.p.ARN(), ResourceAccount: x.p.Account, ResourcePolicy: x.policy,
		Context: map[string][]string{"lambda:FunctionUrlAuthType": {x.record.Auth}, "lambda:InvokedViaFunctionUrl": {"true"}}}
	url, invoke := access, access
	url.Action, invoke.Action = "lambda:InvokeFunctionUrl", "lambda:InvokeFunction"
	err := x.Policies.Authorize(x.r.Context(), id, []aws.Access{url, invoke})
	if id.Kind == aws.Anonymous {
		return nil, err
	}
	return &id, err
}

// answer passes on what the function answered.
func (x *visit) answer(reply *Reply) {
	switch {
	case reply.Failed:
		x.broken()
	case reply.Body != nil:
		x.stream(reply)
	case x.record.Mode == string(lambdaapi.InvokeModeResponseStream):
		a, _, _ := begin("application/json", nil) // which has no prelude that could be wrong
		x.head(a)
		x.body(reply.Payload)
	default:
		a, err := interpret(reply.Payload)
		if err != nil {
			x.Log.Debug("lambda: a function URL's answer", "function", x.p.ARN(), "request", x.v.Request.ID, "problem", err)
			x.broken()
			return
		}
		x.w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
		x.head(a)
		x.body(a.body)
	}
}

func (x *visit) head(a *answer) {
	a.write(x.w)
	x.record.Cors.share(x.r, x.w.Header())
	x.w.WriteHeader(a.status)
}

func (x *visit) body(b []byte) {
	if x.r.Method != http.MethodHead {
		_, _ = x.w.Write(b) // the client has gone: nobody is left to tell
	}
}

// stream passes a streamed answer on as it comes. One that breaks off ends the connection: the client must not take a part
// for the whole.
func (x *visit) stream(reply *Reply) {
	a, body, err := begin(reply.ContentType, reply.Body)
	if err != nil {
		x.broken()
		return
	}
	x.head(a)
	flush := http.NewResponseController(x.w)
	buf := make([]byte, 32<<10)
	for err == nil {
		if err = flush.Flush(); errors.Is(err, http.ErrNotSupported) {
			err = nil
		}
		n, failed := body.Read(buf)
		if n > 0 && err == nil {
			_, err = x.w.Write(buf[:n])
		}
		if failed == io.EOF {
			return
		}
		err = errors.Join(err, failed)
	}
	panic(http.ErrAbortHandler)
}

// broken is the answer when the function has failed.
func (x *visit) broken() {
	x.record.Cors.share(x.r, x.w.Header())
	x.w.Header().Set("Content-Type", "application/json")
	x.w.WriteHeader(http.StatusBadGateway)
	x.body([]byte("Internal Server Error"))
}

// fail answers with one of Lambda's errors.
func (x *visit) fail(err error) {
	info := aws.InfoOf(err)
	body := map[string]string{"message": info.Message}
	switch {
	case info.Fault:
		x.Log.Error("lambda: function URL", "url", x.v.Resource, "request", x.v.Request.ID, "problem", err)
	case info.Code == "AccessDenied" || info.Code == "AccessDeniedException" || info.Code == "MissingAuthenticationTokenException":
		info.Code, info.Status, body = "AccessDeniedException", http.StatusForbidden, map[string]string{"Message": forbidden}
	}
	if throttled, ok := errors.AsType[*lambdaapi.TooManyRequestsException](err); ok {
		body = map[string]string{"Reason": string(throttled.Reason), "Type": "User", "message": throttled.Message}
	}
	if x.record != nil {
		x.record.Cors.share(x.r, x.w.Header())
	}
	x.refuse(info.Status, info.Code, body)
}

func (x *visit) refuse(status int, code string, body map[string]string) {
	b, _ := json.Marshal(body) // texts: cannot fail
	h := x.w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("X-Amzn-ErrorType", code)
	h.Set("Content-Length", strconv.Itoa(len(b)))
	x.w.WriteHeader(status)
	x.body(b)
}
