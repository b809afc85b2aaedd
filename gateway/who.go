package gateway

import (
	"context"
	"crypto/subtle"
	"errors"
	"net/http"
	"net/url"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/gateway/route"
	"github.com/brume-dev/brume/gateway/sigv4"
)

// who returns the identity that sent x, and leaves x.wire.Body such that reading it verifies what the signature covers.
func (g *Gateway) who(ctx context.Context, x *exchange, to route.Route) (aws.Identity, error) {
	style := styleOf(to)
	if x.given != nil {
		if style == sigv4.S3 {
			return *x.given, x.stream(nil)
		}
		return *x.given, nil
	}
	claim, err := sigv4.Parse(x.signed)
	if err != nil {
		return aws.Identity{}, tell(err, style)
	}
	if claim.Scheme == sigv4.Unsigned {
		return g.unsigned(x, to, style)
	}
	id, seed, err := g.verify(ctx, x, claim, to.Service.Signing, style, g.Open)
	if err != nil {
		return aws.Identity{}, tell(err, style)
	}
	if style == sigv4.S3 {
		if claim.Scheme == sigv4.Presigned || claim.Scheme == sigv4.PresignedV2 {
			x.hoist()
		}
		if err := x.stream(seed); err != nil {
			return aws.Identity{}, err
		}
	}
	return g.complete(id, x, to.Region, claim.AccessKey), nil
}

// unsigned is S3's public access, and the few operations that take no signature.
func (g *Gateway) unsigned(x *exchange, to route.Route, style sigv4.Style) (aws.Identity, error) {
	if style != sigv4.S3 && !to.Op.Anonymous {
		return aws.Identity{}, sigv4.Missing().For(style)
	}
	if style == sigv4.S3 {
		if err := x.stream(nil); err != nil {
			return aws.Identity{}, err
		}
	}
	return g.complete(aws.Identity{Kind: aws.Anonymous, Account: g.Account}, x, to.Region, ""), nil
}

// complete adds to id what the request says and the key does not.
func (g *Gateway) complete(id aws.Identity, x *exchange, region, accessKey string) aws.Identity {
	if region == "" {
		region = g.Region
	}
	id.Region, id.AccessKey, id.Request = region, accessKey, x.info
	return id
}

// verify proves claim: key, token, scope, age, signature, in this order. open says whether a key that nobody issued is
// believed.
func (g *Gateway) verify(ctx context.Context, x *exchange, claim *sigv4.Claim, signing string, style sigv4.Style, open bool) (aws.Identity, *sigv4.Seed, error) {
	creds, id, known, err := g.Keys.Key(ctx, claim.AccessKey, claim.Token)
	if err != nil {
		return id, nil, err
	}
	if !known {
		if !open {
			return id, nil, sigv4.UnknownKey(claim.AccessKey)
		}
		if foreign(x.from) {
			return id, nil, sigv4.Foreign()
		}
		return g.stranger(claim.AccessKey), nil, sigv4.CheckTime(claim, g.Now(), style)
	}
	if subtle.ConstantTimeCompare([]byte(claim.Token), []byte(creds.SessionToken)) == 0 {
		return id, nil, sigv4.WrongToken(claim.Token)
	}
	if !creds.Expires.IsZero() && !g.Clock.Now().Before(creds.Expires) {
		return id, nil, sigv4.ExpiredToken(claim.Token)
	}
	if err := sigv4.CheckService(claim, signing); err != nil {
		return id, nil, err
	}
	if err := sigv4.CheckTime(claim, g.Now(), style); err != nil {
		return id, nil, err
	}
	var body []byte
	if style != sigv4.S3 {
		if body, err = x.bytes(); err != nil {
			return id, nil, err
		}
	}
	payload, err := sigv4.PayloadHash(x.signed, claim, body, style)
	if err != nil {
		return id, nil, err
	}
	seed, err := g.verifier.Verify(x.signed, claim, creds.SecretAccessKey, payload, style)
	return id, seed, err
}

// stranger is who an unknown key stands for where the platform is open: the account itself.
func (g *Gateway) stranger(accessKey string) aws.Identity {
	account := g.Account
	if len(accessKey) == 12 && digits(accessKey) {
		account = accessKey
	}
	return aws.Identity{Kind: aws.Root, Account: account, PrincipalID: account,
		ARN: aws.MakeARN("iam", "", account, "root").String()}
}

// visit hands a request to its data plane, which decides whether it wants to know who sent it.
func (g *Gateway) visit(w http.ResponseWriter, r *http.Request, x *exchange, to route.Route) {
	plane := g.Planes[to.Plane]
	if plane == nil {
		http.Error(w, "nothing is served here: Brume has no "+to.Plane, http.StatusNotFound)
		return
	}
	v := to.Visit
	v.Request = x.info
	signing := "execute-api"
	if to.Plane == "lambda-url" {
		signing = "lambda"
	}
	v.Who = func(body []byte) (aws.Identity, error) {
		claim, err := sigv4.Parse(x.signed)
		if err == nil && claim.Scheme == sigv4.Unsigned {
			err = sigv4.Missing()
		}
		if err != nil {
			return aws.Identity{}, tell(err, sigv4.REST)
		}
		x.whole, x.read = body, true
		id, _, err := g.verify(r.Context(), x, claim, signing, sigv4.REST, false)
		if err != nil {
			return aws.Identity{}, tell(err, sigv4.REST)
		}
		return g.complete(id, x, claim.Region, claim.AccessKey), nil
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxPlane+1) // the plane itself refuses what is above its limit
	plane.ServeData(w, r, v)
}

// styleOf returns in whose words a service tells that it does not believe a request.
func styleOf(to route.Route) sigv4.Style {
	switch {
	case to.Service.Name == "s3":
		return sigv4.S3
	case to.Protocol.Has(aws.RestJSON):
		return sigv4.REST
	case to.Protocol.Has(aws.JSON10 | aws.JSON11 | aws.CBOR):
		return sigv4.JSON
	}
	return sigv4.Query
}

// tell turns a Failure into the error of a service of that style; other errors pass.
func tell(err error, style sigv4.Style) error {
	if f, ok := errors.AsType[*sigv4.Failure](err); ok {
		return f.For(style)
	}
	return err
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

func unescape(s string) string {
	if u, err := url.QueryUnescape(s); err == nil {
		return u
	}
	return s
}
