package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/brume-dev/brume/gateway/sigv4"
)

// rig is what a case makes at the target before it measures, and takes away after.
type rig struct {
	*Bench
	name  string // of everything that is made
	undos []func(context.Context) error
	role  string  // of functions, once it is made
	own   *server // the platform, when it was started for this case
}

// undo calls what takes away what was made, the last first.
func (r *rig) undo() {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for i := len(r.undos) - 1; i >= 0; i-- {
		if err := r.undos[i](ctx); err != nil {
			fmt.Fprintf(r.Out, "left behind: %v\n", err)
		}
	}
}

func (r *rig) later(f func(context.Context) error) { r.undos = append(r.undos, f) }

// call sends one request and reads the answer; a status that is not 2xx is a *refused.
func (r *rig) call(ctx context.Context, q *request) ([]byte, error) {
	h, err := http.NewRequestWithContext(ctx, q.method, r.Target.Endpoint+q.path, bytes.NewReader(q.body))
	if err != nil {
		return nil, err
	}
	for k, v := range q.header {
		h.Header.Set(k, v)
	}
	sigv4.Sign(h, r.Target.Credentials, r.Target.Region, q.service, q.body, time.Now())
	res, err := http.DefaultClient.Do(h)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err == nil && res.StatusCode/100 != 2 {
		err = fmt.Errorf("%s %s: %w", q.service, q.header["X-Amz-Target"]+q.path, &refused{res.StatusCode, string(b)})
	}
	return b, err
}

// document is a JSON object to send.
type document = map[string]any

// json calls an operation of a service that speaks AWS JSON.
func (r *rig) json(ctx context.Context, q *request, out any) error {
	b, err := r.call(ctx, q)
	if err != nil || out == nil || len(b) == 0 {
		return err
	}
	return json.Unmarshal(b, out)
}

// awsJSON is a request of a service that speaks AWS JSON 1.0 or 1.1.
func awsJSON(service, version, target string, in document) *request {
	return &request{service: service, method: http.MethodPost, path: "/", body: text(in),
		header: map[string]string{"Content-Type": "application/x-amz-json-" + version, "X-Amz-Target": target}}
}

// rest is a request of a service that speaks REST-JSON.
func rest(service, method, path string, in document) *request {
	q := &request{service: service, method: method, path: path, header: map[string]string{"Content-Type": "application/json"}}
	if in != nil {
		q.body = text(in)
	}
	return q
}

func text(in document) []byte {
	b, err := json.Marshal(in)
	if err != nil {
		panic(err) // documents are written by hand, of strings and numbers
	}
	return b
}

// query calls an operation of IAM.
func (r *rig) query(ctx context.Context, action string, form url.Values, out any) error {
	form.Set("Action", action)
	form.Set("Version", "2010-05-08")
	b, err := r.call(ctx, &request{service: "iam", method: http.MethodPost, path: "/", body: []byte(form.Encode()),
		header: map[string]string{"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}})
	if err != nil || out == nil {
		return err
	}
	return xml.Unmarshal(b, out)
}

const (
	trustLambda = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":"lambda.amazonaws.com"}}]}`
	writesLogs  = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
)

// functionRole makes the role that functions run in: they may write logs, and do.
func (r *rig) functionRole(ctx context.Context) error {
	if r.role != "" {
		return nil
	}
	var out struct {
		ARN string `xml:"CreateRoleResult>Role>Arn"`
	}
	name := url.Values{"RoleName": {r.name}}
	if err := r.query(ctx, "CreateRole", url.Values{"RoleName": {r.name}, "AssumeRolePolicyDocument": {trustLambda}}, &out); err != nil {
		return err
	}
	r.later(func(ctx context.Context) error { return r.query(ctx, "DeleteRole", name, nil) })
	policy := url.Values{"RoleName": {r.name}, "PolicyArn": {writesLogs}}
	if err := r.query(ctx, "AttachRolePolicy", policy, nil); err != nil {
		return err
	}
	r.later(func(ctx context.Context) error { return r.query(ctx, "DetachRolePolicy", policy, nil) })
	r.role = out.ARN
	return nil
}

// until looks again and again until done says so.
func until(ctx context.Context, done func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		if ok, err := done(); ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("it is not ready after %v: %w", patience, ctx.Err())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// syncs is how often the target has synced its log, if it says.
func (r *rig) syncs(ctx context.Context) (n int64, told bool) {
	var status struct{ Store struct{ Syncs *int64 } }
	q := &request{service: "brume", method: http.MethodGet, path: "/_brume/status"}
	if err := r.json(ctx, q, &status); err != nil || status.Store.Syncs == nil {
		return 0, false
	}
	return *status.Store.Syncs, true
}
