package sigv4

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Scheme is the way in which a request is signed.
type Scheme uint8

const (
	Unsigned    Scheme = iota
	Header             // Authorization: AWS4-HMAC-SHA256 …
	Presigned          // ?X-Amz-Algorithm=AWS4-HMAC-SHA256&…
	HeaderV2           // Authorization: AWS key:signature; S3 only
	PresignedV2        // ?AWSAccessKeyId=…&Signature=…&Expires=…; S3 only
	FormV4             // the fields of a form: x-amz-signature and those beside it; S3 only
	FormV2             // the fields of a form: AWSAccessKeyId, signature; S3 only
)

// Claim is what a request says of its sender: nothing in it is verified.
type Claim struct {
	Scheme    Scheme
	AccessKey string
	// Date, Region and Service are the credential scope; empty in Version 2.
	Date, Region, Service string
	// Token is the session token of temporary credentials, or "".
	Token string
	// Signed lists the signed headers, "host;x-amz-date".
	Signed    string
	Signature string
	// Time is when the request was signed; zero for PresignedV2, which has only an end.
	Time time.Time
	// Expires is the end of a presigned request's life; zero for the others.
	Expires time.Time

	stamp string // Time as it stands in the string to sign
	life  string // X-Amz-Expires as sent
}

// isoBasic is the one form of X-Amz-Date.
const isoBasic = "20060102T150405Z"

// Scope is the credential scope, "20150830/us-east-1/iam/aws4_request".
func (c *Claim) Scope() string {
	return c.Date + "/" + c.Region + "/" + c.Service + "/" + terminator
}

// Parse reads what m says of its sender. A request without any signature gives a Claim of Scheme Unsigned and no
// error; a *Failure says what is malformed.
func Parse(m *Message) (*Claim, error) {
	auth := m.get("Authorization")
	query := strings.Contains(m.Query, "X-Amz-Algorithm=") || strings.Contains(m.Query, "X-Amz-Credential=")
	v2query := strings.Contains(m.Query, "AWSAccessKeyId=") && strings.Contains(m.Query, "Signature=")
	var f *Failure
	c := new(Claim)
	switch {
	case auth != "" && (query || v2query):
		f = twoMechanisms(auth)
	case strings.HasPrefix(auth, algorithm):
		c.Scheme = Header
		f = c.parseHeader(m, auth)
	case strings.HasPrefix(auth, "AWS "):
		c.Scheme = HeaderV2
		f = c.parseHeaderV2(m, auth)
	case auth != "":
		f = unsupportedType(auth)
	case query:
		c.Scheme = Presigned
		f = c.parseQuery(m)
	case v2query:
		c.Scheme = PresignedV2
		f = c.parseQueryV2(m)
	}
	if f != nil {
		return nil, f
	}
	return c, nil
}

// parseHeader reads "AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…".
func (c *Claim) parseHeader(m *Message, auth string) *Failure {
	var credential string
	for part := range strings.SplitSeq(strings.TrimSpace(auth[len(algorithm):]), ",") {
		name, value, ok := strings.Cut(strings.TrimSpace(part), "=")
		if !ok {
			return notKeyValue(auth, part)
		}
		switch name {
		case "Credential":
			credential = value
		case "SignedHeaders":
			c.Signed = value
		case "Signature":
			c.Signature = value
		}
	}
	date := m.get("X-Amz-Date")
	if date == "" {
		date = m.get("Date")
	}
	if f := missingParameters(auth, credential, c.Signature, c.Signed, date); f != nil {
		return f
	}
	if f := c.parseCredential(credential, false); f != nil {
		return f
	}
	if f := c.parseTime(date, false); f != nil {
		return f
	}
	c.Token = m.get("X-Amz-Security-Token")
	return c.checkSigned()
}

// parseQuery reads the parameters of a presigned request.
func (c *Claim) parseQuery(m *Message) *Failure {
	q, err := url.ParseQuery(m.Query)
	if err != nil {
		return missingQuery(q)
	}
	for _, name := range []string{"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature", "X-Amz-Date", "X-Amz-SignedHeaders"} {
		if q.Get(name) == "" {
			return missingQuery(q)
		}
	}
	if a := q.Get("X-Amz-Algorithm"); a != algorithm {
		return wrongAlgorithm(a)
	}
	c.Signed, c.Signature, c.Token = q.Get("X-Amz-SignedHeaders"), q.Get("X-Amz-Signature"), q.Get("X-Amz-Security-Token")
	if c.Token == "" {
		c.Token = m.get("X-Amz-Security-Token")
	}
	if f := c.parseCredential(q.Get("X-Amz-Credential"), true); f != nil {
		return f
	}
	if f := c.parseTime(q.Get("X-Amz-Date"), true); f != nil {
		return f
	}
	c.life = q.Get("X-Amz-Expires")
	if c.life == "" {
		if c.Service == "s3" {
			return missingQuery(q)
		}
		c.Expires = c.Time.Add(MaxSkewS3) // the other services give such URLs a quarter of an hour
		return c.checkSigned()
	}
	n, err := strconv.ParseInt(c.life, 10, 64)
	switch {
	case err != nil:
		return badExpires("X-Amz-Expires should be a number")
	case n < 0:
		return badExpires("X-Amz-Expires must be non-negative")
	case n > int64(MaxExpires/time.Second):
		return badExpires("X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds")
	}
	c.Expires = c.Time.Add(time.Duration(n) * time.Second)
	return c.checkSigned()
}

// elements splits a credential at its slashes; n counts the elements, those beyond the fifth included.
func elements(s string) (parts [5]string, n int) {
	for part := range strings.SplitSeq(s, "/") {
		if n < len(parts) {
			parts[n] = part
		}
		n++
	}
	return parts, n
}

// parseCredential reads "AKID/date/region/service/aws4_request", exactly five elements.
func (c *Claim) parseCredential(s string, query bool) *Failure {
	parts, n := elements(s)
	if n != len(parts) || parts[0] == "" {
		return badCredential(s, query)
	}
	c.AccessKey, c.Date, c.Region, c.Service = parts[0], parts[1], parts[2], parts[3]
	if parts[4] != terminator {
		return badTerminator(parts[4])
	}
	return nil
}

// parseTime reads the time of the signature and compares its day with the scope's.
func (c *Claim) parseTime(date string, query bool) *Failure {
	t, ok := parseBasic(date)
	c.stamp = date
	if !ok && !query {
		var err error
		t, err = http.ParseTime(date)
		ok, c.stamp = err == nil, t.UTC().Format(isoBasic)
	}
	if !ok {
		return badDate(date, query)
	}
	c.Time = t.UTC()
	if day := c.stamp[:8]; day != c.Date {
		return otherDay(c.Date, day, date)
	}
	return nil
}

// parseBasic is time.Parse(isoBasic, s) at a tenth of its cost, for every request.
func parseBasic(s string) (time.Time, bool) {
	if len(s) != len(isoBasic) || s[8] != 'T' || s[15] != 'Z' {
		return time.Time{}, false
	}
	number := func(from, to int) int {
		n := 0
		for i := from; i < to; i++ {
			if s[i] < '0' || s[i] > '9' {
				return -1
			}
			n = n*10 + int(s[i]-'0')
		}
		return n
	}
	year, month, day := number(0, 4), number(4, 6), number(6, 8)
	hour, minute, second := number(9, 11), number(11, 13), number(13, 15)
	t := time.Date(year, time.Month(month), day, hour, minute, second, 0, time.UTC)
	ok := year >= 0 && month >= 1 && month <= 12 && day >= 1 && t.Day() == day && hour >= 0 && hour < 24 &&
		minute >= 0 && minute < 60 && second >= 0 && second < 60
	return t, ok
}

func (c *Claim) checkSigned() *Failure {
	if strings.Count(c.Signed, ";") >= maxSignedHeaders {
		return incomplete("Too many headers in 'SignedHeaders'.", "AuthorizationHeaderMalformed", malformedPrefix+"too many signed headers.")
	}
	for name := range strings.SplitSeq(c.Signed, ";") {
		if name == "host" || name == ":authority" {
			return nil
		}
	}
	return hostNotSigned()
}

// hashed is how AWS names a header's value that it will not repeat in an error.
func hashed(s string) string {
	sum := sha256.Sum256([]byte(s))
	return base64.StdEncoding.EncodeToString(sum[:])
}
