package sigv4

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/brume-dev/brume/aws"
)

// The two examples of AWS's documentation upload 65 KiB of "a" in two chunks and an empty one:
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html and sigv4-streaming-trailers.html.
const (
	exampleSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"

	seedSigned  = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"
	seedTrailer = "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e"
)

func exampleSeed(t testing.TB, trailer bool) *Seed {
	headers := map[string]string{"X-Amz-Date": "20130524T000000Z", "X-Amz-Storage-Class": "REDUCED_REDUNDANCY",
		"Content-Encoding": "aws-chunked", "X-Amz-Decoded-Content-Length": "66560", "Content-Length": "66824",
		"X-Amz-Content-Sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"}
	names, sig := "content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class", seedSigned
	if trailer {
		headers["X-Amz-Content-Sha256"] += "-TRAILER"
		headers["X-Amz-Trailer"] = "x-amz-checksum-crc32c"
		names, sig = "content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class;x-amz-trailer", seedTrailer
	}
	headers["Authorization"] = "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=" + names + ",Signature=" + sig
	seed, err := check(t, received(t, "PUT", "https://s3.amazonaws.com/examplebucket/chunkObject.txt", headers, ""), exampleSecret, "", S3)
	if err != nil || seed == nil {
		t.Fatalf("seed %v, %v", seed, err)
	}
	return seed
}

func exampleBody(sigs [3]string, end string) string {
	line := func(size int, sig string) string { return fmt.Sprintf("%x;chunk-signature=%s\r\n", size, sig) }
	return line(65536, sigs[0]) + strings.Repeat("a", 65536) + "\r\n" + line(1024, sigs[1]) + strings.Repeat("a", 1024) + "\r\n" +
		line(0, sigs[2]) + end + "\r\n"
}

var signedChunks = [3]string{"ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
	"0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497", "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"}

var trailerChunks = [3]string{"b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
	"1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7", "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992"}

const exampleTrailer = "x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n"

func TestSignedChunks(t *testing.T) {
	whole := strings.Repeat("a", 66560)
	for _, c := range []struct {
		name     string
		trailer  bool
		body     string
		unknown  bool   // the secret is not known: nothing to verify with
		wantCode string // "" = the whole body
	}{
		{"signed", false, exampleBody(signedChunks, ""), false, ""},
		{"signed with trailer", true, exampleBody(trailerChunks, exampleTrailer), false, ""},
		{"a byte differs", false, strings.Replace(exampleBody(signedChunks, ""), "aaa", "aba", 1), false, "SignatureDoesNotMatch"},
		{"a byte differs, unknown key", false, strings.Replace(exampleBody(signedChunks, ""), "aaa", "aba", 1), true, ""},
		{"chunks swapped", false, exampleBody([3]string{signedChunks[1], signedChunks[0], signedChunks[2]}, ""), false, "SignatureDoesNotMatch"},
		{"last signature", false, exampleBody([3]string{signedChunks[0], signedChunks[1], signedChunks[0]}, ""), false, "SignatureDoesNotMatch"},
		{"trailer differs", true, exampleBody(trailerChunks, strings.Replace(exampleTrailer, "sOO8", "sOO9", 1)), false, "SignatureDoesNotMatch"},
		{"trailer unsigned", true, exampleBody(trailerChunks, "x-amz-checksum-crc32c:sOO8/Q==\r\n"), false, "SignatureDoesNotMatch"},
		{"trailer missing", true, exampleBody(trailerChunks, ""), false, "MalformedTrailerError"},
		{"trailer not announced", true, exampleBody(trailerChunks, "x-amz-meta-a:b\r\n"+exampleTrailer), false, "MalformedTrailerError"},
		{"cut short", false, exampleBody(signedChunks, "")[:66000], false, "IncompleteBody"},
		{"cut in the last line", false, exampleBody(signedChunks, "")[:66780], false, "IncompleteBody"},
		{"no signature", false, "5\r\nhello\r\n0\r\n\r\n", false, "IncompleteBody"},
	} {
		t.Run(c.name, func(t *testing.T) {
			seed := exampleSeed(t, c.trailer)
			if c.unknown {
				seed = nil
			}
			var names []string
			if c.trailer {
				names = []string{"x-amz-checksum-crc32c"}
			}
			ch := NewChunks(iotest.HalfReader(strings.NewReader(c.body)), Stream{Signed: true, Trailer: c.trailer}, seed, 66560, names)
			b, err := io.ReadAll(ch)
			if c.wantCode != "" {
				if aws.CodeOf(err) != c.wantCode {
					t.Fatalf("err %v, want %s", err, c.wantCode)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if !c.unknown && string(b) != whole {
				t.Errorf("%d bytes", len(b))
			}
			if c.trailer && ch.Trailer().Get("x-amz-checksum-crc32c") != "sOO8/Q==" {
				t.Errorf("trailer %v", ch.Trailer())
			}
		})
	}
}

func TestUnsignedChunks(t *testing.T) {
	crc := []string{"x-amz-checksum-crc32"}
	for _, c := range []struct {
		name, body string
		size       int64
		names      []string
		want, code string
	}{
		{"one", "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n", 5, crc, "hello", ""},
		{"small ones", "1\r\nh\r\n4\r\nello\r\n0\r\nx-amz-checksum-crc32: NhCmhg== \r\n\r\n", 5, crc, "hello", ""},
		{"size unknown", "5\r\nhello\r\n0\r\n\r\n", -1, nil, "hello", ""},
		{"empty", "0\r\n\r\n", 0, nil, "", ""},
		{"too short", "5\r\nhello\r\n0\r\n\r\n", 6, nil, "", "IncompleteBody"},
		{"too long", "5\r\nhello\r\n0\r\n\r\n", 4, nil, "", "IncompleteBody"},
		{"no size", "hello", 5, nil, "", "IncompleteBody"},
		{"huge size", "ffffffffffffffff\r\n", 5, nil, "", "IncompleteBody"},
		{"endless line", strings.Repeat("0", 5000), 5, nil, "", "IncompleteBody"},
		{"no CRLF", "5\r\nhelloXX0\r\n\r\n", 5, nil, "", "IncompleteBody"},
		{"no colon", "0\r\nnonsense\r\n\r\n", 0, nil, "", "MalformedTrailerError"},
		{"no end", "0\r\nx-amz-checksum-crc32:NhCmhg==\r\n", 0, crc, "", "IncompleteBody"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ch := NewChunks(strings.NewReader(c.body), Stream{Trailer: true}, nil, c.size, c.names)
			b, err := io.ReadAll(ch)
			if c.code != "" {
				if aws.CodeOf(err) != c.code {
					t.Errorf("err %v, want %s", err, c.code)
				}
				return
			}
			if err != nil || string(b) != c.want || len(ch.Trailer()) != len(c.names) {
				t.Errorf("%q, %v, trailer %v", b, err, ch.Trailer())
			}
		})
	}
}

func FuzzChunks(f *testing.F) {
	f.Add([]byte("5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n"), true)
	f.Add([]byte("5;chunk-signature=ab\r\nhello\r\n0;chunk-signature=cd\r\n\r\n"), false)
	f.Fuzz(func(t *testing.T, body []byte, trailer bool) {
		ch := NewChunks(bytes.NewReader(body), Stream{Trailer: trailer}, nil, -1, []string{"x-amz-checksum-crc32"})
		b, err := io.ReadAll(ch)
		if len(b) > len(body) {
			t.Fatalf("%d bytes out of %d", len(b), len(body))
		}
		if err == nil && !bytes.Contains(body, []byte("0")) {
			t.Fatal("ended without a last chunk")
		}
	})
}

func BenchmarkChunks(b *testing.B) {
	var body bytes.Buffer
	chunk := bytes.Repeat([]byte("a"), 64<<10)
	for range 16 {
		fmt.Fprintf(&body, "%x\r\n%s\r\n", len(chunk), chunk)
	}
	body.WriteString("0\r\n\r\n")
	b.SetBytes(16 << 16)
	for b.Loop() {
		h := crc32.NewIEEE()
		if _, err := io.Copy(h, NewChunks(bytes.NewReader(body.Bytes()), Stream{Trailer: true}, nil, 16<<16, nil)); err != nil {
			b.Fatal(err)
		}
	}
}
