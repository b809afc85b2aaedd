package functionurl

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/service/lambda/fault"
)

// sharing is the Cors of a URL.
// https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html#urls-cors
type sharing struct {
	Credentials *bool    `cbor:"1,keyasint,omitempty"`
	Headers     []string `cbor:"2,keyasint,omitempty"`
	Methods     []string `cbor:"3,keyasint,omitempty"`
	Origins     []string `cbor:"4,keyasint,omitempty"`
	Expose      []string `cbor:"5,keyasint,omitempty"`
	MaxAge      *int32   `cbor:"6,keyasint,omitempty"` // seconds
}

// sharingOf reads a Cors; an empty one is none.
func sharingOf(in *lambdaapi.Cors) *sharing {
	if in == nil || in.AllowCredentials == nil && in.MaxAge == nil &&
		len(in.AllowHeaders)+len(in.AllowMethods)+len(in.AllowOrigins)+len(in.ExposeHeaders) == 0 {
		return nil
	}
	return &sharing{Credentials: in.AllowCredentials, Headers: in.AllowHeaders, Methods: in.AllowMethods, Origins: in.AllowOrigins,
		Expose: in.ExposeHeaders, MaxAge: in.MaxAge}
}

// checkCors refuses methods and origins that cannot be.
func checkCors(in *lambdaapi.Cors) error {
	if in == nil {
		return nil
	}
	for _, m := range in.AllowMethods {
		if !slices.Contains([]string{"GET", "PUT", "HEAD", "POST", "PATCH", "DELETE", "*"}, m) {
			return fault.Invalid("Invalid method %s in AllowMethods", m)
		}
	}
	return nil
}

func (s *sharing) describe() *lambdaapi.Cors {
	if s == nil {
		return nil
	}
	return &lambdaapi.Cors{AllowCredentials: s.Credentials, AllowHeaders: s.Headers, AllowMethods: s.Methods, AllowOrigins: s.Origins,
		ExposeHeaders: s.Expose, MaxAge: s.MaxAge}
}

// preflight reports whether r is a browser's question that the URL answers by itself: without settings it goes to the
// function like any other request.
func (s *sharing) preflight(r *http.Request) bool {
	return s != nil && r.Method == http.MethodOptions && r.Header.Get("Origin") != "" && r.Header.Get("Access-Control-Request-Method") != ""
}

// answerPreflight says in h what is allowed.
func (s *sharing) answerPreflight(r *http.Request, h http.Header) {
	asked := r.Header.Get("Access-Control-Request-Method")
	if !s.origin(r, h) || !slices.Contains(s.Methods, "*") && !slices.Contains(s.Methods, asked) {
		return
	}
	methods, headers := strings.Join(s.Methods, ","), strings.Join(s.Headers, ",")
	if methods == "*" {
		methods = asked
	}
	if names := r.Header.Get("Access-Control-Request-Headers"); headers == "*" && names != "" {
		headers = names
	}
	h.Set("Access-Control-Allow-Methods", methods)
	if headers != "" {
		h.Set("Access-Control-Allow-Headers", headers)
	}
	if s.MaxAge != nil {
		h.Set("Access-Control-Max-Age", strconv.Itoa(int(*s.MaxAge)))
	}
}

// share adds to the head of an answer what lets scripts of other origins read it. What is configured counts, not what the
// function says.
func (s *sharing) share(r *http.Request, h http.Header) {
	if s == nil || r.Header.Get("Origin") == "" {
		return
	}
	h.Del("Access-Control-Allow-Origin")
	h.Del("Access-Control-Allow-Credentials")
	if s.origin(r, h) && len(s.Expose) > 0 {
		h.Set("Access-Control-Expose-Headers", strings.Join(s.Expose, ","))
	}
}

// origin names the origin of r in h if it may ask.
func (s *sharing) origin(r *http.Request, h http.Header) bool {
	origin := r.Header.Get("Origin")
	with := s.Credentials != nil && *s.Credentials
	switch all := slices.Contains(s.Origins, "*"); {
	case all && !with:
		origin = "*"
	case all, slices.ContainsFunc(s.Origins, func(o string) bool { return matches(o, origin) }):
		h.Add("Vary", "Origin")
	default:
		return false
	}
	h.Set("Access-Control-Allow-Origin", origin)
	if with {
		h.Set("Access-Control-Allow-Credentials", "true")
	}
	return true
}

// matches reports whether an origin is the one that was configured, or one of "https://*.example.com".
func matches(configured, origin string) bool {
	head, tail, wild := strings.Cut(strings.ToLower(configured), "*")
	origin = strings.ToLower(origin)
	if !wild {
		return head == origin
	}
	return len(origin) > len(head)+len(tail) && strings.HasPrefix(origin, head) && strings.HasSuffix(origin, tail)
}
