package gateway

import (
	"context"
	"crypto/subtle"
	"net/http"
	"net/url"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/gateway/form"
	"github.com/brume-dev/brume/gateway/route"
	"github.com/brume-dev/brume/gateway/sigv4"
	"github.com/brume-dev/brume/protocol"
)

// post answers a browser's upload: a form is a PutObject whose headers are fields. The signature covers the form's policy,
// and the policy says what the fields may be.
func (g *Gateway) post(ctx context.Context, x *exchange, to route.Route, codec protocol.Codec) (*protocol.Response, error) {
	if err := x.bound(to); err != nil {
		return nil, err
	}
	contentType := x.wire.Header.Get("Content-Type")
	if !form.Is(contentType) {
		return nil, &notForm{"Bucket POST must be of the enclosure-type multipart/form-data"}
	}
	f, err := form.Read(contentType, x)
	if err != nil {
		return nil, err
	}
	x.info.Form = true
	id, err := g.author(ctx, x, to, f)
	if err != nil {
		return nil, err
	}
	file := f.File
	if text := f.Get("policy"); text != "" {
		p, err := form.ParsePolicy(text)
		if err == nil {
			err = p.Judge(f, to.Labels["Bucket"], g.Now())
		}
		if err != nil {
			return nil, err
		}
		file = p.Bound(file)
	}
	if x.wire.Header, err = f.Header(); err != nil {
		return nil, err
	}
	to.Labels["Key"] = f.Key()
	x.wire.Body, x.wire.Length, x.wire.Query = file, -1, ""
	in := to.Op.NewInput()
	if err := codec.Decode(to.Op, &x.wire, in); err != nil {
		return nil, err
	}
	out, err := g.Call(ctx, id, to.Op, in, &x.wire)
	if err != nil {
		return nil, err
	}
	answer, err := codec.Encode(to.Op, &x.wire, out)
	if err == nil {
		x.posted(f, to, answer)
	}
	return answer, err
}

// posted makes of the answer to a PutObject that to a form.
func (x *exchange) posted(f *form.Form, to route.Route, answer *protocol.Response) {
	scheme := "http://"
	if x.from.TLS != nil {
		scheme = "https://"
	}
	a := form.Answer{Bucket: to.Labels["Bucket"], Key: to.Labels["Key"], ETag: answer.Header.Get("ETag")}
	path := (&url.URL{Path: "/" + a.Key}).EscapedPath()
	if to.Bucket == "" {
		path = "/" + a.Bucket + path
	}
	a.Location = scheme + x.wire.Host + path
	status, location, body := f.Succeed(a)
	answer.Status, answer.Body = status, body
	answer.Header["Location"] = []string{location}
	if body != nil {
		answer.Header["Content-Type"] = []string{"application/xml"}
	}
}

// author returns the identity that signed a form's policy; without a signature it is anybody.
func (g *Gateway) author(ctx context.Context, x *exchange, to route.Route, f *form.Form) (aws.Identity, error) {
	claim, err := sigv4.ParseForm(f.Get)
	if err != nil {
		return aws.Identity{}, tell(err, sigv4.S3)
	}
	if claim.Scheme == sigv4.Unsigned {
		return g.complete(aws.Identity{Kind: aws.Anonymous, Account: g.Account}, x, to.Region, ""), nil
	}
	region := claim.Region
	if region == "" {
		region = to.Region
	}
	creds, id, known, err := g.Keys.Key(ctx, claim.AccessKey, claim.Token)
	switch {
	case err != nil:
	case !known && !g.Open:
		err = sigv4.UnknownKey(claim.AccessKey)
	case !known && foreign(x.from):
		err = sigv4.Foreign()
	case !known:
		id = g.stranger(claim.AccessKey)
	case subtle.ConstantTimeCompare([]byte(claim.Token), []byte(creds.SessionToken)) == 0:
		err = sigv4.WrongToken(claim.Token)
	case !creds.Expires.IsZero() && !g.Clock.Now().Before(creds.Expires):
		err = sigv4.ExpiredToken(claim.Token)
	default:
		if err = sigv4.CheckService(claim, to.Service.Signing); err == nil {
			err = g.verifier.VerifyForm(claim, creds.SecretAccessKey, f.Get("policy"))
		}
	}
	if err != nil {
		return aws.Identity{}, tell(err, sigv4.S3)
	}
	return g.complete(id, x, region, claim.AccessKey), nil
}

// notForm is S3's answer to a POST to a bucket that is no form.
type notForm struct {
	Condition string `aws:"Condition"`
}

func (e *notForm) Error() string { return "PreconditionFailed" }

// ErrorInfo implements aws.Error.
func (e *notForm) ErrorInfo() aws.ErrorInfo {
	return aws.ErrorInfo{Code: "PreconditionFailed", Status: http.StatusPreconditionFailed,
		Message: "At least one of the pre-conditions you specified did not hold"}
}
