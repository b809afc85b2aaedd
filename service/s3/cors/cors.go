// Package cors judges which web pages may use a bucket, by its rules. It is pure.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/cors.html
package cors

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/s3/fault"
)

// maxRules is how many rules a bucket has: https://docs.aws.amazon.com/AmazonS3/latest/userguide/ManageCorsUsing.html
const (
	maxRules = 100
	maxID    = 255
)

func methods() []string { return []string{"GET", "PUT", "POST", "DELETE", "HEAD"} }

// Check judges rules.
func Check(rules []s3api.CORSRule) error {
	if len(rules) == 0 || len(rules) > maxRules {
		return fault.MalformedXML()
	}
	for i := range rules {
		if err := checkRule(&rules[i]); err != nil {
			return err
		}
	}
	return nil
}

func checkRule(r *s3api.CORSRule) error {
	if len(r.AllowedMethods) == 0 || len(r.AllowedOrigins) == 0 || len(aws.Or(r.ID, "")) > maxID {
		return fault.MalformedXML()
	}
	for _, m := range r.AllowedMethods {
		if !slices.Contains(methods(), m) {
			return fault.InvalidRequest("Found unsupported HTTP method in CORS config. Unsupported method is %s", m)
		}
	}
	for _, o := range r.AllowedOrigins {
		switch strings.Count(o, "*") {
		case 0, 1:
		default:
			return fault.InvalidRequest("AllowedOrigin %q can not have more than one wildcard.", o)
		}
	}
	for _, h := range r.AllowedHeaders {
		if strings.Count(h, "*") > 1 {
			return fault.InvalidRequest("AllowedHeader %q can not have more than one wildcard.", h)
		}
		if !headerName(strings.ReplaceAll(h, "*", "x")) {
			return fault.InvalidRequest("AllowedHeader %q contains invalid character.", h)
		}
	}
	for _, h := range r.ExposeHeaders {
		if strings.Contains(h, "*") {
			return fault.InvalidRequest("ExposeHeader %q contains wildcard. We currently do not support wildcard for ExposeHeader.", h)
		}
		if !headerName(h) {
			return fault.InvalidRequest("ExposeHeader %q contains invalid character.", h)
		}
	}
	return nil
}

// headerName reports whether s is a token of RFC 9110.
func headerName(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) >= 0 {
			return false
		}
	}
	return s != ""
}

// Question is what a browser asks, or sends: a page of an origin wants to use a method, with headers.
type Question struct {
	Origin, Method string
	Headers        []string
}

// Preflight reads the question of a preflight request.
func Preflight(h http.Header) (Question, error) {
	q := Question{Origin: h.Get("Origin"), Method: h.Get("Access-Control-Request-Method")}
	switch {
	case q.Origin == "":
		return q, badRequest("Insufficient information. Origin request header needed.")
	case q.Method == "":
		return q, badRequest("Invalid Access-Control-Request-Method: null")
	case !slices.Contains(methods(), q.Method):
		return q, badRequest("Invalid Access-Control-Request-Method: " + q.Method)
	}
	for name := range strings.SplitSeq(strings.Join(h.Values("Access-Control-Request-Headers"), ","), ",") {
		if name = strings.ToLower(strings.TrimSpace(name)); name == "" {
			continue
		}
		if !headerName(name) {
			return q, badRequest("Access-Control-Request-Headers " + strconv.Quote(name) + " contains invalid character.")
		}
		q.Headers = append(q.Headers, name)
	}
	return q, nil
}

func badRequest(text string) error {
	return aws.Errorf("BadRequest", http.StatusBadRequest, "%s", text)
}

// forbidden is the answer to a preflight request that no rule allows.
type forbidden struct {
	message      string
	Method       string `aws:"Method"`
	ResourceType string `aws:"ResourceType"`
}

func (e *forbidden) Error() string { return "AccessForbidden: " + e.message }

// ErrorInfo implements aws.Error.
func (e *forbidden) ErrorInfo() aws.ErrorInfo {
	return aws.ErrorInfo{Code: "AccessForbidden", Status: http.StatusForbidden, Message: e.message}
}

// Disabled is the answer of a bucket that has no rules; resource is BUCKET or OBJECT.
func Disabled(method, resource string) error {
	return &forbidden{"CORSResponse: CORS is not enabled for this bucket.", method, resource}
}

// Refused is the answer of a bucket none of whose rules fits.
func Refused(method, resource string) error {
	return &forbidden{"CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, request method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource's CORS spec.", method, resource}
}

// Allow looks for the first rule that allows what q asks, and writes what it says into the headers of the answer.
func Allow(rules []s3api.CORSRule, q Question, h http.Header) bool {
	for i := range rules {
		r := &rules[i]
		pattern, ok := originOf(r, q.Origin)
		if !ok || !slices.Contains(r.AllowedMethods, q.Method) || !headersFit(r, q.Headers) {
			continue
		}
		h.Set("Access-Control-Allow-Origin", q.Origin)
		if pattern == "*" {
			h.Set("Access-Control-Allow-Origin", "*")
		} else {
			h.Set("Access-Control-Allow-Credentials", "true")
		}
		h.Set("Access-Control-Allow-Methods", strings.Join(r.AllowedMethods, ", "))
		if len(q.Headers) > 0 {
			h.Set("Access-Control-Allow-Headers", strings.Join(q.Headers, ", "))
		}
		if len(r.ExposeHeaders) > 0 {
			h.Set("Access-Control-Expose-Headers", strings.Join(r.ExposeHeaders, ", "))
		}
		if r.MaxAgeSeconds != nil {
			h.Set("Access-Control-Max-Age", strconv.Itoa(int(*r.MaxAgeSeconds)))
		}
		h.Set("Vary", "Origin, Access-Control-Request-Headers, Access-Control-Request-Method")
		return true
	}
	return false
}

func originOf(r *s3api.CORSRule, origin string) (pattern string, ok bool) {
	for _, p := range r.AllowedOrigins {
		if fits(p, origin) {
			return p, true
		}
	}
	return "", false
}

func headersFit(r *s3api.CORSRule, asked []string) bool {
	return !slices.ContainsFunc(asked, func(name string) bool {
		return !slices.ContainsFunc(r.AllowedHeaders, func(p string) bool { return fits(strings.ToLower(p), name) })
	})
}

// fits matches a pattern with at most one wildcard.
func fits(pattern, s string) bool {
	before, after, wild := strings.Cut(pattern, "*")
	if !wild {
		return pattern == s
	}
	return len(s) >= len(before)+len(after) && strings.HasPrefix(s, before) && strings.HasSuffix(s, after)
}
