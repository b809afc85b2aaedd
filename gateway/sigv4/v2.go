package sigv4

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// parseHeaderV2 reads "AWS key:signature" (https://docs.aws.amazon.com/AmazonS3/latest/userguide/RESTAuthentication.html).
func (c *Claim) parseHeaderV2(m *Message, auth string) *Failure {
	var ok bool
	c.AccessKey, c.Signature, ok = strings.Cut(strings.TrimSpace(auth[len("AWS "):]), ":")
	if !ok || c.AccessKey == "" || c.Signature == "" {
		e := s3Error("InvalidArgument", 400, "AWS authorization header is invalid.  Expected AwsAccessKeyId:signature")
		e.ArgumentName, e.ArgumentValue = new("Authorization"), new(auth)
		return &Failure{reason: malformed, text: e.Message, s3: e}
	}
	c.Token = m.get("X-Amz-Security-Token")
	date := m.get("X-Amz-Date")
	if date == "" {
		date = m.get("Date")
	}
	t, err := http.ParseTime(date)
	if err != nil {
		if t, err = time.Parse(time.RFC1123Z, date); err != nil {
			return badDate(date, false)
		}
	}
	c.Time = t.UTC()
	return nil
}

// parseQueryV2 reads ?AWSAccessKeyId=…&Signature=…&Expires=…
func (c *Claim) parseQueryV2(m *Message) *Failure {
	q, err := url.ParseQuery(m.Query)
	if err != nil || q.Get("AWSAccessKeyId") == "" || q.Get("Signature") == "" || q.Get("Expires") == "" {
		return &Failure{reason: malformed, text: "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters",
			s3: s3Error("AccessDenied", 403, "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters")}
	}
	c.AccessKey, c.Signature, c.Token = q.Get("AWSAccessKeyId"), q.Get("Signature"), q.Get("x-amz-security-token")
	n, err := strconv.ParseInt(q.Get("Expires"), 10, 64)
	if err != nil || n < 0 {
		text := "Invalid date (should be seconds since epoch): " + q.Get("Expires")
		return &Failure{reason: malformed, text: text, s3: s3Error("AccessDenied", 403, text)}
	}
	c.stamp, c.Expires = q.Get("Expires"), time.Unix(n, 0).UTC()
	return nil
}

// signedSubresources are the query parameters that Version 2 signs, in order.
func signedSubresources() []string {
	return []string{"accelerate", "acl", "analytics", "cors", "defaultObjectAcl", "delete", "inventory", "lifecycle",
		"location", "logging", "metrics", "notification", "object-lock", "partNumber", "policy", "replication", "requestPayment",
		"response-cache-control", "response-content-disposition", "response-content-encoding", "response-content-language",
		"response-content-type", "response-expires", "restore", "select", "select-type", "storageClass", "tagging", "torrent",
		"uploadId", "uploads", "versionId", "versioning", "versions", "website"}
}

func verifyV2(m *Message, c *Claim, secret string) error {
	s := stringToSignV2(m, c)
	if !hmac.Equal([]byte(signV2(secret, s)), []byte(c.Signature)) {
		return wrongSignature(c, "", s)
	}
	return nil
}

func signV2(secret, s string) string {
	h := hmac.New(sha1.New, []byte(secret))
	h.Write([]byte(s))
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// stringToSignV2 is Method, Content-MD5, Content-Type, Date (or Expires), the x-amz- headers and the resource. In a
// presigned URL all of them may stand in the query instead.
func stringToSignV2(m *Message, c *Claim) string {
	var b strings.Builder
	var inQuery url.Values
	date := m.get("Date")
	if m.get("X-Amz-Date") != "" {
		date = ""
	}
	if c.Scheme == PresignedV2 {
		date = c.stamp
		inQuery, _ = url.ParseQuery(m.Query) // Parse has seen that it is well formed
	}
	for _, s := range []string{m.Method, cmp.Or(m.get("Content-Md5"), inQuery.Get("content-md5")),
		cmp.Or(m.get("Content-Type"), inQuery.Get("content-type")), date} {
		b.WriteString(s)
		b.WriteByte('\n')
	}
	b.WriteString(amzHeadersV2(m, inQuery))
	if m.Bucket != "" {
		b.WriteString("/" + m.Bucket)
	}
	b.WriteString(m.Path)
	sep := "?"
	for _, name := range signedSubresources() {
		for p := range strings.SplitSeq(m.Query, "&") {
			k, v, has := strings.Cut(p, "=")
			if k != name {
				continue
			}
			b.WriteString(sep + name)
			if u, err := url.PathUnescape(v); has && err == nil {
				b.WriteString("=" + u)
			}
			sep = "&"
		}
	}
	return b.String()
}

func amzHeadersV2(m *Message, inQuery url.Values) string {
	var lines []string
	for key, values := range m.Header {
		if strings.HasPrefix(key, "X-Amz-") {
			lines = append(lines, strings.ToLower(key)+":"+strings.Join(values, ",")+"\n")
		}
	}
	for key, values := range inQuery {
		if strings.HasPrefix(key, "x-amz-") && m.get(http.CanonicalHeaderKey(key)) == "" {
			lines = append(lines, key+":"+strings.Join(values, ",")+"\n")
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}
