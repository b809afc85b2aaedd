package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Verifier verifies signatures. It is safe for concurrent use.
type Verifier struct {
	keys    keyCache
	buffers sync.Pool // of *[]byte
}

// NewVerifier returns a Verifier with an empty cache of signing keys.
func NewVerifier() *Verifier {
	return &Verifier{keys: keyCache{keys: map[keyName]signingKey{}},
		buffers: sync.Pool{New: func() any { b := make([]byte, 0, 2048); return &b }}}
}

// CheckTime verifies everything about c that is a matter of time: the age of a signature (5 minutes either way, S3 15)
// and the end of a presigned request. now is the machine's time, not the platform's: clients sign by theirs.
func CheckTime(c *Claim, now time.Time, style Style) error {
	skew := MaxSkew
	if style == S3 {
		skew = MaxSkewS3
	}
	now = now.UTC()
	switch c.Scheme {
	case Header, HeaderV2:
		if d := now.Sub(c.Time); d > skew || d < -skew {
			return tooFar(c.Time, now, skew)
		}
	case Presigned, PresignedV2:
		if !c.Time.IsZero() && c.Time.Sub(now) > skew {
			return notYet()
		}
		if now.After(c.Expires) {
			return lapsed(c, now)
		}
	}
	return nil
}

// CheckService verifies that the credential scope names the service that the request is for.
func CheckService(c *Claim, signing string) error {
	if c.Scheme == HeaderV2 || c.Scheme == PresignedV2 || c.Scheme == FormV2 || c.Service == signing {
		return nil
	}
	return otherService(c.Service, signing)
}

// Verify recomputes the signature of m with secret and compares. payload is the hash that stands in the canonical
// request: see PayloadHash. A signed streaming body gives
// the Seed that its chunks continue, any other nil.
func (v *Verifier) Verify(m *Message, c *Claim, secret, payload string, style Style) (*Seed, error) {
	switch c.Scheme {
	case HeaderV2, PresignedV2:
		return nil, verifyV2(m, c, secret)
	case Header:
		if err := allSigned(m, c); err != nil {
			return nil, err
		}
	}
	key := v.keys.get(secret, c.Date, c.Region, c.Service)
	skip := ""
	if c.Scheme == Presigned {
		skip = "X-Amz-Signature"
	}
	bp := v.buffers.Get().(*[]byte)
	defer v.buffers.Put(bp)
	b := appendCanonical((*bp)[:0], m, c.Signed, payload, skip, c.Service == "s3")
	canonical := len(b)
	sum := sha256.Sum256(b)
	b = appendStringToSign(b, c.stamp, c, sum[:])
	*bp = b[:0]
	mac := key.sign(b[canonical:])
	if !equalHex(c.Signature, mac[:]) {
		return nil, wrongSignature(c, string(b[:canonical]), string(b[canonical:]))
	}
	if stream, _ := StreamOf(payload); !stream.Signed {
		return nil, nil
	}
	return &Seed{key: key, stamp: c.stamp, scope: c.Scope(), signature: c.Signature}, nil
}

func appendStringToSign(b []byte, stamp string, c *Claim, sum []byte) []byte {
	b = append(b, algorithm+"\n"...)
	b = append(b, stamp...)
	b = append(b, '\n')
	b = append(b, c.Date...)
	b = append(b, '/')
	b = append(b, c.Region...)
	b = append(b, '/')
	b = append(b, c.Service...)
	b = append(b, "/"+terminator+"\n"...)
	return hex.AppendEncode(b, sum)
}

func equalHex(sent string, mac []byte) bool {
	var want [2 * sha256.Size]byte
	return hmac.Equal([]byte(sent), hex.AppendEncode(want[:0], mac))
}

// allSigned refuses x-amz- headers that the signature does not cover: somebody on the way could have added them.
// S3 says so in as many words; other services answer that the header must be a SignedHeader. In requests to an API of
// the user's own such headers are the API's.
func allSigned(m *Message, c *Claim) error {
	if c.Service == "execute-api" {
		return nil
	}
	for key := range m.Header {
		if len(key) < 6 || key[:6] != "X-Amz-" || unsignedByDesign(key) {
			continue
		}
		if !signs(c.Signed, key) {
			return notSigned(strings.ToLower(key))
		}
	}
	return nil
}

// unsignedByDesign lists the x-amz- headers that SDKs leave out of the signature because they are made or changed
// after it: the content hash itself is in the canonical request anyway.
func unsignedByDesign(key string) bool {
	switch key {
	case "X-Amz-Content-Sha256", "X-Amz-Security-Token", "X-Amz-User-Agent":
		return true
	}
	return false
}

// signs reports whether the list of lower-case names holds the canonical header key.
func signs(list, key string) bool {
	for name := range strings.SplitSeq(list, ";") {
		if len(name) == len(key) && strings.EqualFold(name, key) {
			return true
		}
	}
	return false
}

// PayloadHash returns what stands for the body in the canonical request. body is what was read of it; S3 alone does not
// read it first, since there the header x-amz-content-sha256 says what the hash is, or that there is none.
func PayloadHash(m *Message, c *Claim, body []byte, style Style) (string, error) {
	if c.Scheme == HeaderV2 || c.Scheme == PresignedV2 {
		return "", nil
	}
	if style != S3 {
		if len(body) == 0 {
			return EmptyHash, nil
		}
		sum := sha256.Sum256(body)
		var text [2 * sha256.Size]byte
		return string(hex.AppendEncode(text[:0], sum[:])), nil
	}
	header := m.get("X-Amz-Content-Sha256")
	if header == "" && c.Scheme == Presigned {
		if header = queryValue(m.Query, "X-Amz-Content-Sha256"); header == "" {
			return UnsignedPayload, nil
		}
	}
	if _, streaming := StreamOf(header); header == UnsignedPayload || streaming || len(header) == 2*sha256.Size && isHex(header) {
		return header, nil
	}
	return "", badPayloadHash(header)
}

func isHex(s string) bool {
	for i := range len(s) {
		if _, ok := nibble(s[i]); !ok {
			return false
		}
	}
	return true
}

func queryValue(raw, name string) string {
	for p := range strings.SplitSeq(raw, "&") {
		if k, v, _ := strings.Cut(p, "="); k == name {
			return v
		}
	}
	return ""
}

// Credential returns access key, date, region and service that a request names, without judging anything else of it:
// routing goes by the service. It is "" throughout for a request that names none. AWS4-ECDSA-P256-SHA256, which has no
// region, is read too.
func Credential(h http.Header, query string) (accessKey, date, region, service string) {
	s := ""
	if auth := h["Authorization"]; len(auth) > 0 && strings.HasPrefix(auth[0], "AWS4-") {
		if _, rest, ok := strings.Cut(auth[0], "Credential="); ok {
			s, _, _ = strings.Cut(rest, ",")
		}
	} else if query != "" && strings.Contains(query, "X-Amz-Credential=") {
		s = strings.NewReplacer("%2F", "/", "%2f", "/").Replace(queryValue(query, "X-Amz-Credential"))
	}
	parts, n := elements(strings.TrimSpace(s))
	switch {
	case n == 4 && parts[3] == terminator:
		return parts[0], parts[1], "", parts[2]
	case n >= len(parts):
		return parts[0], parts[1], parts[2], parts[3]
	}
	return "", "", "", ""
}
