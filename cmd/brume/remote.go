package main

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/cmd/brume/platform"
	"github.com/brume-dev/brume/gateway/sigv4"
)

// remote is a platform that is called as any AWS client calls it: signed requests in the wire formats of the services.
type remote struct {
	endpoint string
	region   string
	creds    aws.Credentials
}

// remote is the platform of the flag, with the credentials of the environment or those that every Brume knows.
func (e *endpoint) remote() *remote {
	r := &remote{endpoint: strings.TrimSuffix(e.Endpoint, "/"), region: os.Getenv("AWS_REGION"),
		creds: aws.Credentials{AccessKeyID: os.Getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"),
			SessionToken: os.Getenv("AWS_SESSION_TOKEN")}}
	if r.region == "" {
		r.region = os.Getenv("AWS_DEFAULT_REGION")
	}
	if r.region == "" {
		r.region = e.region
	}
	if r.region == "" {
		r.region = "us-east-1"
	}
	if r.creds.AccessKeyID == "" || r.creds.SecretAccessKey == "" {
		r.creds = aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}
	}
	return r
}

// here is remote in the region that the platform itself takes for requests that name none.
func (e *endpoint) here(w *world) *remote {
	var st platform.Status
	if e.region == "" && e.ask(w, "/_brume/status", nil, &st) == nil { // what does not answer will say so when it is called
		e.region = st.Region
	}
	return e.remote()
}

// as is the same platform with other credentials.
func (r *remote) as(c aws.Credentials) *remote {
	out := *r
	out.creds = c
	return &out
}

// refusal is an error that a service answered with.
type refusal struct {
	status        int
	code, message string
}

func (e *refusal) Error() string { return e.code + ": " + e.message }

// isCode reports whether err is a refusal with the code.
func isCode(err error, code string) bool {
	var r *refusal
	return errors.As(err, &r) && r.code == code
}

// do sends a signed request and reads the whole answer.
func (r *remote) do(ctx context.Context, service, method, path string, header map[string]string, body []byte) (*http.Response, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, r.endpoint+path, bytes.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	for k, v := range header {
		req.Header.Set(k, v)
	}
	sigv4.Sign(req, r.creds, r.region, service, body, time.Now())
	res, err := http.DefaultClient.Do(req)
	if ctx.Err() != nil {
		return nil, nil, ctx.Err()
	}
	if err != nil {
		return nil, nil, fmt.Errorf("nothing answers at %s: is brume serve running? (%w)", r.endpoint, err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	return res, b, err
}

// json calls a service that speaks JSON of a version, "1.1"; target is "Logs_20140328.FilterLogEvents".
func (r *remote) json(ctx context.Context, service, version, target string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	res, b, err := r.do(ctx, service, http.MethodPost, "/", map[string]string{"Content-Type": "application/x-amz-json-" + version, "X-Amz-Target": target}, body)
	if err != nil {
		return err
	}
	return finish(res, b, out)
}

// rest calls a service that speaks REST-JSON.
func (r *remote) rest(ctx context.Context, service, method, path string, in, out any) error {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return err
		}
	}
	res, b, err := r.do(ctx, service, method, path, map[string]string{"Content-Type": "application/json"}, body)
	if err != nil {
		return err
	}
	return finish(res, b, out)
}

// finish reads a JSON answer, or the error in it.
func finish(res *http.Response, b []byte, out any) error {
	if res.StatusCode/100 == 2 {
		if out == nil || len(b) == 0 {
			return nil
		}
		return json.Unmarshal(b, out)
	}
	var e struct {
		Type         string `json:"__type"`
		Message      string `json:"message"`
		OtherMessage string `json:"Message"`
	}
	_ = json.Unmarshal(b, &e) // an answer that is no JSON has no more to say than its status
	code := e.Type[strings.LastIndexByte(e.Type, '#')+1:]
	if code == "" {
		code, _, _ = strings.Cut(res.Header.Get("X-Amzn-Errortype"), ":")
	}
	if e.Message == "" {
		e.Message = e.OtherMessage
	}
	if code == "" {
		code, e.Message = res.Status, string(b)
	}
	return &refusal{res.StatusCode, code, e.Message}
}

// query calls a service that speaks the Query protocol. out is what the element <Action>Result holds.
func (r *remote) query(ctx context.Context, service, version, action string, form url.Values, out any) error {
	form.Set("Action", action)
	form.Set("Version", version)
	res, b, err := r.do(ctx, service, http.MethodPost, "/", map[string]string{"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}, []byte(form.Encode()))
	if err != nil {
		return err
	}
	if res.StatusCode/100 != 2 {
		var e struct {
			Code    string `xml:"Error>Code"`
			Message string `xml:"Error>Message"`
		}
		if err := xml.Unmarshal(b, &e); err != nil || e.Code == "" {
			return &refusal{res.StatusCode, res.Status, string(b)}
		}
		return &refusal{res.StatusCode, e.Code, e.Message}
	}
	if out == nil {
		return nil
	}
	return xml.Unmarshal(b, out)
}
