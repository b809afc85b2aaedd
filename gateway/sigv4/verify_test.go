package sigv4

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/brume-dev/brume/aws"
)

// received turns a client's request into what a server sees of it.
func received(t testing.TB, method, url string, headers map[string]string, body string) *Message {
	t.Helper()
	r := httptest.NewRequest(method, url, strings.NewReader(body))
	for k, v := range headers {
		r.Header.Set(k, v)
	}
	path := strings.TrimPrefix(strings.TrimPrefix(url, "https://"), "http://")
	if i := strings.IndexByte(path, '/'); i >= 0 {
		r.Host, r.RequestURI = path[:i], path[i:]
	}
	return FromRequest(r)
}

func check(t testing.TB, m *Message, secret, body string, style Style) (*Seed, error) {
	t.Helper()
	c, err := Parse(m)
	if err != nil {
		return nil, err
	}
	payload, err := PayloadHash(m, c, []byte(body), style)
	if err != nil {
		return nil, err
	}
	return NewVerifier().Verify(m, c, secret, payload, style)
}

// TestBotocore verifies what botocore signed (testdata/sign.py), and that any change breaks the signature.
func TestBotocore(t *testing.T) {
	var cases []struct {
		Name, Service, Method, URL, Secret, Token, Body string
		Headers                                         map[string]string
	}
	b, err := os.ReadFile("testdata/botocore.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			style := JSON
			if c.Service == "s3" {
				style = S3
			}
			m := received(t, c.Method, c.URL, c.Headers, c.Body)
			if _, err := check(t, m, c.Secret, c.Body, style); err != nil {
				t.Errorf("refused: %v", err)
			}
			claim, err := Parse(m)
			if err != nil || claim.Token != c.Token {
				t.Errorf("token %q, %v", claim.Token, err)
			}
			if err := CheckTime(claim, time.Date(2026, 11, 21, 12, 36, 30, 0, time.UTC), style); err != nil {
				t.Errorf("time: %v", err)
			}
			if _, err := check(t, m, c.Secret+"x", c.Body, style); err == nil {
				t.Error("accepted with another secret")
			}
			m.Path += "x"
			if _, err := check(t, m, c.Secret, c.Body, style); err == nil {
				t.Error("accepted with another path")
			}
		})
	}
}

// The examples of AWS's own documentation:
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html and sigv4-query-string-auth.html,
// and the ListUsers example of the Signature Version 4 test suite.
func TestDocumentedExamples(t *testing.T) {
	const s3Secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
	header := func(signed, sig string) string {
		return "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=" + signed + ",Signature=" + sig
	}
	for _, c := range []struct {
		name, secret, method, url string
		headers                   map[string]string
		style                     Style
	}{
		{"ListUsers", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "GET", "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08", map[string]string{
			"Content-Type": "application/x-www-form-urlencoded; charset=utf-8", "X-Amz-Date": "20150830T123600Z",
			"Authorization": "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"}, Query},
		{"GET Object", s3Secret, "GET", "http://examplebucket.s3.amazonaws.com/test.txt", map[string]string{
			"Range": "bytes=0-9", "X-Amz-Content-Sha256": EmptyHash, "X-Amz-Date": "20130524T000000Z",
			"Authorization": header("host;range;x-amz-content-sha256;x-amz-date", "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41")}, S3},
		{"PUT Object", s3Secret, "PUT", "http://examplebucket.s3.amazonaws.com/test%24file.text", map[string]string{
			"Date": "Fri, 24 May 2013 00:00:00 GMT", "X-Amz-Date": "20130524T000000Z", "X-Amz-Storage-Class": "REDUCED_REDUNDANCY",
			"X-Amz-Content-Sha256": "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
			"Authorization":        header("date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class", "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd")}, S3},
		{"GET Bucket Lifecycle", s3Secret, "GET", "http://examplebucket.s3.amazonaws.com/?lifecycle", map[string]string{
			"X-Amz-Content-Sha256": EmptyHash, "X-Amz-Date": "20130524T000000Z",
			"Authorization": header("host;x-amz-content-sha256;x-amz-date", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543")}, S3},
		{"List Objects", s3Secret, "GET", "http://examplebucket.s3.amazonaws.com/?max-keys=2&prefix=J", map[string]string{
			"X-Amz-Content-Sha256": EmptyHash, "X-Amz-Date": "20130524T000000Z",
			"Authorization": header("host;x-amz-content-sha256;x-amz-date", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7")}, S3},
		{"presigned GET", s3Secret, "GET", "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404", nil, S3},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := check(t, received(t, c.method, c.url, c.headers, ""), c.secret, "", c.style); err != nil {
				t.Errorf("refused: %v %+v", err, err)
			}
		})
	}
}

func TestSignAndPresignVerify(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 36, 0, 0, time.UTC)
	creds := aws.Credentials{AccessKeyID: "ASIA1", SecretAccessKey: "s/+", SessionToken: "t/+="}
	for _, c := range []struct {
		service, method, url string
		style                Style
	}{
		{"dynamodb", "POST", "http://127.0.0.1:4566/", JSON},
		{"execute-api", "GET", "http://127.0.0.1:4566/restapis/a/dev/_user_request_/jobs%2F1?x=a%20b&a=", REST},
		{"s3", "PUT", "http://127.0.0.1:4566/b/a%20b//c?partNumber=1", S3},
	} {
		r, err := http.NewRequest(c.method, c.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Amz-Target", "T")
		Sign(r, creds, "eu-west-1", c.service, []byte("body"), now)
		if _, err := check(t, FromRequest(r), creds.SecretAccessKey, "body", c.style); err != nil {
			t.Errorf("%s: signed request refused: %v", c.service, err)
		}
		r.Header = http.Header{}
		Presign(r, creds, "eu-west-1", c.service, time.Minute, now)
		if _, err := check(t, FromRequest(r), creds.SecretAccessKey, "", c.style); err != nil {
			t.Errorf("%s: presigned request refused: %v", c.service, err)
		}
	}
}

func TestFailures(t *testing.T) {
	const good = "AWS4-HMAC-SHA256 Credential=AK/20261121/us-east-1/sqs/aws4_request, SignedHeaders=host;x-amz-date, Signature=00"
	replace := func(old, new string) string { return strings.Replace(good, old, new, 1) }
	for _, c := range []struct {
		name, auth, date, url string
		json, query, s3       string // code of each style
		text                  string // part of the general text
	}{
		{"signature", good, "20261121T123600Z", "/", "InvalidSignatureException", "SignatureDoesNotMatch", "SignatureDoesNotMatch", "does not match"},
		{"no credential", replace("Credential=AK/20261121/us-east-1/sqs/aws4_request, ", ""), "20261121T123600Z", "/", "IncompleteSignatureException", "IncompleteSignature", "AuthorizationHeaderMalformed", "requires 'Credential' parameter."},
		{"no date", good, "", "/", "IncompleteSignatureException", "IncompleteSignature", "AccessDenied", "'X-Amz-Date' or a 'Date' header"},
		{"bad date", good, "yesterday", "/", "IncompleteSignatureException", "IncompleteSignature", "AccessDenied", "ISO-8601"},
		{"other day", good, "20261122T003600Z", "/", "InvalidSignatureException", "SignatureDoesNotMatch", "AuthorizationHeaderMalformed", "'20261121' != '20261122'"},
		{"no equal sign", replace("SignedHeaders=", "SignedHeaders"), "20261121T123600Z", "/", "IncompleteSignatureException", "IncompleteSignature", "AuthorizationHeaderMalformed", "missing equal-sign"},
		{"credential parts", replace("AK/", ""), "20261121T123600Z", "/", "IncompleteSignatureException", "IncompleteSignature", "AuthorizationHeaderMalformed", "exactly 5 slash-delimited"},
		{"terminator", replace("aws4_request", "aws4"), "20261121T123600Z", "/", "InvalidSignatureException", "SignatureDoesNotMatch", "AuthorizationHeaderMalformed", "valid terminator"},
		{"host unsigned", replace("host;", ""), "20261121T123600Z", "/", "InvalidSignatureException", "SignatureDoesNotMatch", "AccessDenied", "'Host' or ':authority'"},
		{"date unsigned", replace(";x-amz-date", ""), "20261121T123600Z", "/", "InvalidSignatureException", "SignatureDoesNotMatch", "AccessDenied", "'x-amz-date' must be"},
		{"bearer", "Bearer abc", "", "/", "IncompleteSignatureException", "IncompleteSignature", "InvalidArgument", "Hashed with SHA-256"},
		{"two mechanisms", good, "20261121T123600Z", "/?X-Amz-Algorithm=x", "IncompleteSignatureException", "IncompleteSignature", "InvalidArgument", "Only one"},
		{"presigned incomplete", "", "", "/?X-Amz-Algorithm=AWS4-HMAC-SHA256", "IncompleteSignatureException", "IncompleteSignature", "AuthorizationQueryParametersError", "'X-Amz-Credential'"},
		{"presigned too long", "", "", "/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AK/20261121/r/s3/aws4_request&X-Amz-Date=20261121T000000Z&X-Amz-Expires=604801&X-Amz-SignedHeaders=host&X-Amz-Signature=0", "IncompleteSignatureException", "IncompleteSignature", "AuthorizationQueryParametersError", "less than a week"},
	} {
		t.Run(c.name, func(t *testing.T) {
			headers := map[string]string{}
			if c.auth != "" {
				headers["Authorization"] = c.auth
			}
			if c.date != "" {
				headers["X-Amz-Date"] = c.date
			}
			headers["X-Amz-Content-Sha256"] = EmptyHash
			_, err := check(t, received(t, "GET", "http://localhost"+c.url, headers, ""), "secret", "", S3)
			var f *Failure
			if !errors.As(err, &f) {
				t.Fatalf("err %v", err)
			}
			for style, want := range map[Style]string{JSON: c.json, REST: c.json, Query: c.query, S3: c.s3} {
				if got := f.For(style).ErrorInfo(); got.Code != want || got.Status < 400 || got.Message == "" {
					t.Errorf("style %d: %+v, want %s", style, got, want)
				}
			}
			if got := f.For(JSON).ErrorInfo().Message; !strings.Contains(got, c.text) {
				t.Errorf("text %q lacks %q", got, c.text)
			}
		})
	}
}

func TestCheckTime(t *testing.T) {
	signed := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	at := func(scheme Scheme) *Claim {
		return &Claim{Scheme: scheme, Time: signed, Expires: signed.Add(time.Minute), life: "60"}
	}
	for _, c := range []struct {
		name  string
		claim *Claim
		after time.Duration
		style Style
		want  string // "" = fine, else the whole general text or S3's code
	}{
		{"exact", at(Header), 0, JSON, ""},
		{"5 minutes", at(Header), 5 * time.Minute, JSON, ""},
		{"old", at(Header), 5*time.Minute + time.Second, JSON,
			"Signature expired: 20261121T120000Z is now earlier than 20261121T120001Z (20261121T120501Z - 5 min.)"},
		{"early", at(Header), -6 * time.Minute, JSON,
			"Signature not yet current: 20261121T120000Z is still later than 20261121T115900Z (20261121T115400Z + 5 min.)"},
		{"S3 15 minutes", at(Header), 15 * time.Minute, S3, ""},
		{"S3 old", at(Header), 15*time.Minute + time.Second, S3, "RequestTimeTooSkewed"},
		{"S3 V2 old", at(HeaderV2), time.Hour, S3, "RequestTimeTooSkewed"},
		{"presigned", at(Presigned), time.Minute, S3, ""},
		{"presigned lapsed", at(Presigned), time.Minute + time.Second, S3, "AccessDenied"},
		{"presigned early", at(Presigned), -time.Hour, S3, "AccessDenied"},
		{"presigned V2 lapsed", &Claim{Scheme: PresignedV2, Expires: signed}, time.Second, S3, "AccessDenied"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := CheckTime(c.claim, signed.Add(c.after), c.style)
			got := ""
			if err != nil {
				info := err.(*Failure).For(c.style).ErrorInfo()
				if got = info.Message; c.style == S3 {
					got = info.Code
				}
			}
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestPayloadIsVerifiedAtItsEnd(t *testing.T) {
	const want = "2CF24DBA5FB0A30E26E83B2AC5B9E29E1B161E5C1FA7425E73043362938B9824" // hello, in capitals
	if b, err := io.ReadAll(Payload(strings.NewReader("hello"), want, -1)); err != nil || string(b) != "hello" {
		t.Errorf("%q, %v", b, err)
	}
	if _, err := io.ReadAll(Payload(strings.NewReader("hellO"), want, -1)); aws.CodeOf(err) != "XAmzContentSHA256Mismatch" {
		t.Errorf("err %v", err)
	}
	// A reader that knows the length stops before io.EOF, and must not take the last bytes for verified.
	if _, err := Payload(strings.NewReader("hellO"), want, 5).Read(make([]byte, 5)); aws.CodeOf(err) != "XAmzContentSHA256Mismatch" {
		t.Errorf("err %v", err)
	}
}

func TestCredential(t *testing.T) {
	for _, c := range []struct{ auth, query, region, service string }{
		{"AWS4-HMAC-SHA256 Credential=AK/20261121/us-east-1/sqs/aws4_request, SignedHeaders=host", "", "us-east-1", "sqs"},
		{"AWS4-ECDSA-P256-SHA256 Credential=AK/20261121/s3/aws4_request, SignedHeaders=host", "", "", "s3"},
		{"", "X-Amz-Credential=AK%2F20261121%2Feu-west-1%2Fs3%2Faws4_request", "eu-west-1", "s3"},
		{"Bearer x", "", "", ""},
		{"AWS4-HMAC-SHA256 Credential=AK", "", "", ""},
		{"", "", "", ""},
	} {
		h := http.Header{}
		if c.auth != "" {
			h.Set("Authorization", c.auth)
		}
		if _, _, region, service := Credential(h, c.query); region != c.region || service != c.service {
			t.Errorf("%q %q: %q %q", c.auth, c.query, region, service)
		}
	}
}

func TestKeyCacheIsBounded(t *testing.T) {
	c := keyCache{keys: map[keyName]signingKey{}}
	for i := range maxKeys + 10 {
		c.get("secret", "20261121", "r", strings.Repeat("x", i%7)+string(rune('a'+i%26))+time.Duration(i).String())
	}
	if len(c.keys) > maxKeys || len(c.keys) < maxKeys/2 {
		t.Errorf("%d keys", len(c.keys))
	}
	if c.get("secret", "d", "r", "s") != deriveKey("secret", "d", "r", "s") {
		t.Error("a cached key differs from a derived one")
	}
}

func FuzzParseBasic(f *testing.F) {
	f.Add("20261121T123600Z")
	f.Add("20240229T235959Z")
	f.Add("20230229T240060Z")
	f.Add("-2611121T1236-1Z")
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := parseBasic(s)
		want, err := time.Parse(isoBasic, s)
		if ok != (err == nil && len(s) == len(isoBasic)) || ok && !got.Equal(want) { // time.Parse also takes fractions of a second
			t.Fatalf("%q: %v %v, want %v %v", s, got, ok, want, err)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add("AWS4-HMAC-SHA256 Credential=AK/20261121/us-east-1/sqs/aws4_request, SignedHeaders=host, Signature=00", "X-Amz-Algorithm=AWS4-HMAC-SHA256", "20261121T000000Z")
	f.Add("AWS a:b", "AWSAccessKeyId=a&Signature=b&Expires=1", "Sat, 21 Nov 2026 12:36:00 GMT")
	f.Add("AWS4-HMAC-SHA256", "X-Amz-Credential=%2F", "")
	f.Fuzz(func(t *testing.T, auth, query, date string) {
		for _, h := range []http.Header{{"Authorization": {auth}, "X-Amz-Date": {date}}, {"Date": {date}}} {
			m := &Message{Method: "GET", Path: "/" + query, Query: query, Host: "h", Header: h}
			Credential(h, query)
			c, err := Parse(m)
			if err != nil {
				var failure *Failure
				if !errors.As(err, &failure) {
					t.Fatalf("%T is no Failure", err)
				}
				continue
			}
			if c.Scheme == Unsigned {
				continue
			}
			if _, err := NewVerifier().Verify(m, c, "secret", EmptyHash, S3); err == nil {
				t.Fatalf("%q %q verified", auth, query)
			}
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	body := bytes.Repeat([]byte("x"), 480)
	r, _ := http.NewRequest("POST", "http://127.0.0.1:4566/", nil)
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	r.Header.Set("X-Amz-Target", "DynamoDB_20120810.PutItem")
	r.Header.Set("User-Agent", "Boto3/1.43.11 md/Botocore#1.43.11 ua/2.0 os/linux#6.18 lang/python#3.11.7")
	Sign(r, aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, "us-east-1", "dynamodb", body, time.Now())
	v := NewVerifier()
	b.ReportAllocs()
	for b.Loop() {
		m := FromRequest(r)
		c, err := Parse(m)
		if err != nil {
			b.Fatal(err)
		}
		payload, _ := PayloadHash(m, c, body, JSON)
		if _, err := v.Verify(m, c, "test", payload, JSON); err != nil {
			b.Fatal(err)
		}
	}
}
