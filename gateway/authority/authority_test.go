package authority

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestAuthorityIsKept(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "tls")
	a, err := Open(dir, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	b, err := Open(dir, time.Now)
	if err != nil || !bytes.Equal(a.PEM(), b.PEM()) {
		t.Errorf("another certificate at the second opening: %v", err)
	}
	if info, err := os.Stat(filepath.Join(dir, keyFile)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("key file %v, %v", info, err)
	}
	old, err := Open(dir, func() time.Time { return time.Now().Add(life - leafLife/2) })
	if err != nil || bytes.Equal(old.PEM(), b.PEM()) {
		t.Errorf("an authority that cannot outlive a leaf is not replaced: %v", err)
	}
}

func TestHalfWrittenAuthorityIsReplaced(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(dir, time.Now); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, certFile)); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, time.Now); err != nil {
		t.Error(err)
	}
}

// A client that trusts the authority believes the leaf for the names that are ours, and for no others.
func TestLeaves(t *testing.T) {
	a, err := Open(t.TempDir(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(a.PEM()) {
		t.Fatal("the PEM is none")
	}
	for _, c := range []struct {
		sni, verify string
		ok          bool
	}{
		{"localhost", "localhost", true},
		{"", "127.0.0.1", true},
		{"", "::1", true},
		{"b.s3.us-east-1.amazonaws.com", "b.s3.us-east-1.amazonaws.com", true},
		{"B.S3.amazonaws.com.", "b.s3.amazonaws.com", true},
		{"abc.execute-api.localhost", "abc.execute-api.localhost", true},
		{"api.localhost.localstack.cloud", "api.localhost.localstack.cloud", true},
		{"example.org", "example.org", false},
		{"notamazonaws.com", "notamazonaws.com", false},
	} {
		cert, err := a.leaf(&tls.ClientHelloInfo{ServerName: c.sni})
		if err != nil {
			t.Fatal(err)
		}
		_, err = cert.Leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: c.verify})
		if (err == nil) != c.ok {
			t.Errorf("%q as %q: %v", c.sni, c.verify, err)
		}
	}
	again, _ := a.leaf(&tls.ClientHelloInfo{ServerName: "localhost"})
	first, _ := a.leaf(&tls.ClientHelloInfo{ServerName: "localhost"})
	if again != first {
		t.Error("a leaf is made anew although it is kept")
	}
}

// Were the key stolen, what it signs for another site would not be believed.
func TestConstraints(t *testing.T) {
	a, err := Open(t.TempDir(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := a.issue("example.org")
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(a.cert)
	if _, err := cert.Leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: "example.org"}); err == nil {
		t.Error("a certificate for example.org is believed")
	}
}
