package signature_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"testing"
	"time"

	"github.com/brume-dev/brume/service/sns/signature"
)

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func newKey(t testing.TB) *signature.Key {
	t.Helper()
	k, err := signature.Generate(rand.Reader, now)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// The standard library's verifier, which knows nothing of four primes, accepts what the key signs, before and after the
// key has been in the store.
func TestSignaturesVerify(t *testing.T) {
	k := newKey(t)
	again, err := signature.Decode(k.Encode())
	if err != nil {
		t.Fatal(err)
	}
	if again.Name() != k.Name() || !bytes.Equal(again.PEM(), k.PEM()) {
		t.Error("the certificate changed in the store")
	}
	block, _ := pem.Decode(k.PEM())
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if err := cert.CheckSignature(cert.SignatureAlgorithm, cert.RawTBSCertificate, cert.Signature); err != nil {
		t.Errorf("the certificate: %v", err)
	}
	public := cert.PublicKey.(*rsa.PublicKey)
	for _, k := range []*signature.Key{k, again} {
		for _, text := range []string{"", "Message\nhello\n", string(make([]byte, 5000))} {
			one, two := sha1.Sum([]byte(text)), sha256.Sum256([]byte(text))
			for _, c := range []struct {
				version string
				hash    crypto.Hash
				digest  []byte
			}{{"1", crypto.SHA1, one[:]}, {"2", crypto.SHA256, two[:]}} {
				signed, err := k.Text(c.version, text)
				if err != nil {
					t.Fatal(err)
				}
				raw, _ := base64.StdEncoding.DecodeString(signed)
				if err := rsa.VerifyPKCS1v15(public, c.hash, c.digest, raw); err != nil {
					t.Errorf("version %s of %d bytes: %v", c.version, len(text), err)
				}
			}
		}
	}
	if _, err := k.Sign(nil, []byte("short"), crypto.SHA256); err == nil {
		t.Error("signed what is no digest")
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte{1, 0xa0})
	f.Fuzz(func(t *testing.T, b []byte) {
		if k, err := signature.Decode(b); err == nil && k.Public().(*rsa.PublicKey).N.BitLen() != 2048 {
			t.Error("a key of another size")
		}
	})
}

func BenchmarkText(b *testing.B) {
	k := newKey(b)
	for b.Loop() {
		if _, err := k.Text("1", "Message\nhello\n"); err != nil {
			b.Fatal(err)
		}
	}
}
