package functionurl

import (
	"encoding/base64"
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/brume-dev/brume/aws"
)

// request is the event of payload format 2.0 that a function gets. What there is nothing to say of is left out.
// https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-request-payload
type request struct {
	Version         string            `json:"version"`
	RouteKey        string            `json:"routeKey"`
	RawPath         string            `json:"rawPath"`
	RawQueryString  string            `json:"rawQueryString"`
	Cookies         []string          `json:"cookies,omitempty"`
	Headers         map[string]string `json:"headers"`
	QueryParameters map[string]string `json:"queryStringParameters,omitempty"`
	RequestContext  requestContext    `json:"requestContext"`
	Body            *string           `json:"body,omitempty"`
	IsBase64Encoded bool              `json:"isBase64Encoded"`
}

type requestContext struct {
	AccountID    string      `json:"accountId"` // of the caller, "anonymous"
	APIID        string      `json:"apiId"`
	Authorizer   *authorizer `json:"authorizer,omitempty"`
	DomainName   string      `json:"domainName"`
	DomainPrefix string      `json:"domainPrefix"`
	HTTP         line        `json:"http"`
	RequestID    string      `json:"requestId"`
	RouteKey     string      `json:"routeKey"`
	Stage        string      `json:"stage"`
	Time         string      `json:"time"`
	TimeEpoch    int64       `json:"timeEpoch"` // milliseconds
}

type authorizer struct {
	IAM iam `json:"iam"`
}

type iam struct {
	AccessKey       string  `json:"accessKey"`
	AccountID       string  `json:"accountId"`
	CallerID        string  `json:"callerId"`
	CognitoIdentity *string `json:"cognitoIdentity"` // always null
	PrincipalOrgID  *string `json:"principalOrgId"`
	UserARN         string  `json:"userArn"`
	UserID          string  `json:"userId"`
}

type line struct {
	Method    string `json:"method"`
	Path      string `json:"path"`
	Protocol  string `json:"protocol"`
	SourceIP  string `json:"sourceIp"`
	UserAgent string `json:"userAgent"`
}

// defaultKey is the one route and the one stage of a URL.
const defaultKey = "$default"

// eventOf writes what came as an event. id is nil when nobody had to say who they are.
func eventOf(r *http.Request, v *aws.Visit, body []byte, id *aws.Identity, now time.Time) ([]byte, error) {
	host := strings.ToLower(r.Host)
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	e := request{Version: "2.0", RouteKey: defaultKey, RawPath: v.Path, RawQueryString: r.URL.RawQuery, Headers: headersOf(r, v),
		QueryParameters: parametersOf(r.URL.RawQuery), RequestContext: requestContext{AccountID: "anonymous", APIID: v.Resource, DomainName: host,
			DomainPrefix: v.Resource, RequestID: v.Request.ID, RouteKey: defaultKey, Stage: defaultKey,
			HTTP: line{Method: r.Method, Path: v.Path, Protocol: r.Proto, SourceIP: v.Request.SourceIP, UserAgent: v.Request.UserAgent},
			Time: now.UTC().Format("02/Jan/2006:15:04:05 -0700"), TimeEpoch: now.UnixMilli()}}
	for _, line := range r.Header["Cookie"] {
		for cookie := range strings.SplitSeq(line, ";") {
			if cookie = strings.TrimSpace(cookie); cookie != "" {
				e.Cookies = append(e.Cookies, cookie)
			}
		}
	}
	if id != nil {
		e.RequestContext.AccountID = id.Account
		e.RequestContext.Authorizer = &authorizer{IAM: iam{AccessKey: id.AccessKey, AccountID: id.Account, CallerID: id.PrincipalID,
			UserARN: id.ARN, UserID: id.PrincipalID}}
	}
	if len(body) > 0 {
		text := string(body)
		if e.IsBase64Encoded = !isText(r.Header, body); e.IsBase64Encoded {
			text = base64.StdEncoding.EncodeToString(body)
		}
		e.Body = &text
	}
	return json.Marshal(e)
}

// headersOf joins the headers by their names in small letters; cookies stand by themselves.
func headersOf(r *http.Request, v *aws.Visit) map[string]string {
	out := map[string]string{"host": r.Host, "x-forwarded-for": v.Request.SourceIP, "x-forwarded-proto": "http", "x-forwarded-port": "80"}
	if r.TLS != nil {
		out["x-forwarded-proto"], out["x-forwarded-port"] = "https", "443"
	}
	if _, port, err := net.SplitHostPort(r.Host); err == nil {
		out["x-forwarded-port"] = port
	}
	for name, values := range r.Header {
		if name == "Cookie" {
			continue
		}
		name, value := strings.ToLower(name), strings.Join(values, ",")
		if name == "x-forwarded-for" {
			value += ", " + v.Request.SourceIP
		}
		out[name] = value
	}
	return out
}

// parametersOf decodes a query string; the values of a name that comes more than once are joined.
func parametersOf(raw string) map[string]string {
	if raw == "" {
		return nil
	}
	out := map[string]string{}
	for pair := range strings.SplitSeq(raw, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		name, value = unescape(name), unescape(value)
		if before, again := out[name]; again {
			value = before + "," + value
		}
		out[name] = value
	}
	return out
}

func unescape(s string) string {
	if u, err := url.QueryUnescape(s); err == nil {
		return u
	}
	return s
}

// isText reports whether a body can be passed as it is: one of a textual type, or of none.
func isText(h http.Header, body []byte) bool {
	if h.Get("Content-Encoding") != "" || !utf8.Valid(body) {
		return false
	}
	kind, _, _ := strings.Cut(strings.ToLower(h.Get("Content-Type")), ";")
	switch kind = strings.TrimSpace(kind); kind {
	case "", "application/json", "application/javascript", "application/xml":
		return true
	}
	return strings.HasPrefix(kind, "text/") || strings.HasSuffix(kind, "+json") || strings.HasSuffix(kind, "+xml")
}
