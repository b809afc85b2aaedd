package sigv4

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/brume-dev/brume/aws"
)

// Sign signs r for a service (its signing name) in a region, as a client does. body is what r's Body will give. now is
// the machine's time. The host, the content type and every x-amz- header are signed; set them before.
func Sign(r *http.Request, creds aws.Credentials, region, service string, body []byte, now time.Time) {
	payload := EmptyHash
	if len(body) > 0 {
		sum := sha256.Sum256(body)
		payload = hex.EncodeToString(sum[:])
	}
	signHeader(r, creds, region, service, payload, service == "s3", now)
}

// SignStream is Sign with a marker in the place of the body's hash: UnsignedPayload, or one of the STREAMING- ones.
func SignStream(r *http.Request, creds aws.Credentials, region, service, marker string, now time.Time) {
	signHeader(r, creds, region, service, marker, true, now)
}

func signHeader(r *http.Request, creds aws.Credentials, region, service, payload string, tell bool, now time.Time) {
	c := claim(creds, region, service, now)
	r.Header.Set("X-Amz-Date", c.stamp)
	if creds.SessionToken != "" {
		r.Header.Set("X-Amz-Security-Token", creds.SessionToken)
	}
	if tell {
		r.Header.Set("X-Amz-Content-Sha256", payload)
	}
	names := []string{"host"}
	for key := range r.Header {
		if name := strings.ToLower(key); strings.HasPrefix(name, "x-amz-") || name == "content-type" || name == "content-md5" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	c.Signed = strings.Join(names, ";")
	r.Header.Set("Authorization", algorithm+" Credential="+creds.AccessKeyID+"/"+c.Scope()+
		", SignedHeaders="+c.Signed+", Signature="+c.sign(FromRequest(r), creds.SecretAccessKey, payload, ""))
}

// Presign adds to the query of r a signature that is good for life, at most MaxExpires. Only the host is signed beside
// method, path and query; the body of an S3 request is not.
func Presign(r *http.Request, creds aws.Credentials, region, service string, life time.Duration, now time.Time) {
	c := claim(creds, region, service, now)
	c.Signed = "host"
	q := r.URL.Query()
	q.Set("X-Amz-Algorithm", algorithm)
	q.Set("X-Amz-Credential", creds.AccessKeyID+"/"+c.Scope())
	q.Set("X-Amz-Date", c.stamp)
	q.Set("X-Amz-Expires", strconv.FormatInt(int64(life/time.Second), 10))
	q.Set("X-Amz-SignedHeaders", c.Signed)
	if creds.SessionToken != "" {
		q.Set("X-Amz-Security-Token", creds.SessionToken)
	}
	r.URL.RawQuery = strings.ReplaceAll(q.Encode(), "+", "%20")
	payload := EmptyHash
	if service == "s3" {
		payload = UnsignedPayload
	}
	m := FromRequest(r)
	r.URL.RawQuery += "&X-Amz-Signature=" + url.QueryEscape(c.sign(m, creds.SecretAccessKey, payload, ""))
}

func claim(creds aws.Credentials, region, service string, now time.Time) *Claim {
	stamp := now.UTC().Format(isoBasic)
	return &Claim{AccessKey: creds.AccessKeyID, Date: stamp[:8], Region: region, Service: service, stamp: stamp}
}

func (c *Claim) sign(m *Message, secret, payload, skip string) string {
	b := appendCanonical(nil, m, c.Signed, payload, skip, c.Service == "s3")
	sum := sha256.Sum256(b)
	key := deriveKey(secret, c.Date, c.Region, c.Service)
	mac := key.sign(appendStringToSign(nil, c.stamp, c, sum[:]))
	return hex.EncodeToString(mac[:])
}
