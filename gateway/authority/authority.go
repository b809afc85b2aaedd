// Package authority is Brume's own certificate authority: one key, made once and kept in the data folder, and a leaf
// certificate for each name that a client asks for. Its certificates are good for this machine's names and for AWS's,
// and for nothing else: a machine that trusts it gives away no other site.
package authority

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

const (
	certFile = "ca.pem"
	keyFile  = "ca.key"
	// life of the authority; a leaf lives for as long as browsers accept one, 398 days.
	life     = 10 * 365 * 24 * time.Hour
	leafLife = 398 * 24 * time.Hour
	// maxLeaves bounds the certificates that are kept; further names get theirs made anew each time.
	maxLeaves = 256
)

// names are the domains for which the authority may vouch. Wildcards below them are made as they are asked for.
func names() []string {
	return []string{"localhost", "localhost.localstack.cloud", "host.docker.internal", "amazonaws.com", "aws"}
}

// Authority signs leaf certificates. It is safe for concurrent use.
type Authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
	now  func() time.Time

	mu     sync.Mutex
	leaves map[string]*tls.Certificate
}

// Open reads the authority kept in folder dir, or makes one. now is the machine's clock.
func Open(dir string, now func() time.Time) (*Authority, error) {
	a, err := read(dir, now)
	if errors.Is(err, fs.ErrNotExist) {
		return create(dir, now)
	}
	if err != nil {
		return nil, fmt.Errorf("authority: read %s: %w", dir, err)
	}
	return a, nil
}

func read(dir string, now func() time.Time) (*Authority, error) {
	certPEM, err := os.ReadFile(filepath.Join(dir, certFile))
	if err != nil {
		return nil, err
	}
	keyPEM, err := os.ReadFile(filepath.Join(dir, keyFile))
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return nil, err
	}
	key, ok := pair.PrivateKey.(*ecdsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("%s holds a %T", keyFile, pair.PrivateKey)
	}
	if now().After(pair.Leaf.NotAfter.Add(-leafLife)) { // too old to vouch for a new leaf
		return nil, fs.ErrNotExist
	}
	return &Authority{cert: pair.Leaf, key: key, pem: certPEM, now: now, leaves: map[string]*tls.Certificate{}}, nil
}

func create(dir string, now func() time.Time) (*Authority, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("authority: %w", err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("authority: %w", err)
	}
	loopback4 := &net.IPNet{IP: net.IPv4(127, 0, 0, 0).To4(), Mask: net.CIDRMask(8, 32)}
	loopback6 := &net.IPNet{IP: net.IPv6loopback, Mask: net.CIDRMask(128, 128)}
	template := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: "Brume local authority", Organization: []string{"Brume"}},
		NotBefore: now().Add(-time.Hour), NotAfter: now().Add(life),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		PermittedDNSDomainsCritical: true, PermittedDNSDomains: names(), PermittedIPRanges: []*net.IPNet{loopback4, loopback6},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, fmt.Errorf("authority: %w", err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("authority: %w", err)
	}
	// The key first: a certificate without a key would be refused for ever, a key without a certificate is replaced.
	for _, f := range []struct {
		name, kind string
		der        []byte
		mode       fs.FileMode
	}{{keyFile, "PRIVATE KEY", keyDER, 0o600}, {certFile, "CERTIFICATE", der, 0o644}} {
		if err := replace(filepath.Join(dir, f.name), pem.EncodeToMemory(&pem.Block{Type: f.kind, Bytes: f.der}), f.mode); err != nil {
			return nil, fmt.Errorf("authority: %w", err)
		}
	}
	return read(dir, now)
}

// replace writes a file whole or not at all.
func replace(path string, b []byte, mode fs.FileMode) error {
	if err := os.WriteFile(path+".new", b, mode); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

func serial() *big.Int {
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		panic(err) // the system has no randomness
	}
	return n
}

// PEM is the authority's certificate, for those who are to trust it.
func (a *Authority) PEM() []byte { return a.pem }

// TLS is the configuration of a server that answers under every name that the authority vouches for, in HTTP/2 and 1.1.
func (a *Authority) TLS() *tls.Config {
	return &tls.Config{GetCertificate: a.leaf, NextProtos: []string{"h2", "http/1.1"}, MinVersion: tls.VersionTLS12}
}

// leaf returns the certificate for the name that a client asked for. One that asked for none, or for a name that is not
// ours to vouch for, is shown the certificate of localhost, and will say itself what it thinks of it.
func (a *Authority) leaf(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	name := strings.TrimSuffix(strings.ToLower(hello.ServerName), ".")
	if !permitted(name) {
		name = ""
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if c := a.leaves[name]; c != nil && a.now().Before(c.Leaf.NotAfter.Add(-24*time.Hour)) {
		return c, nil
	}
	c, err := a.issue(name)
	if err == nil && len(a.leaves) < maxLeaves {
		a.leaves[name] = c
	}
	return c, err
}

func permitted(name string) bool {
	for _, n := range names() {
		if name == n || strings.HasSuffix(name, "."+n) {
			return true
		}
	}
	return false
}

func (a *Authority) issue(name string) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("authority: %w", err)
	}
	hosts := []string{"localhost", "*.localhost", "localhost.localstack.cloud", "*.localhost.localstack.cloud"}
	if name != "" {
		hosts = append([]string{name}, hosts...)
	}
	template := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: hosts[0]}, DNSNames: hosts,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
		NotBefore:   a.now().Add(-time.Hour), NotAfter: a.now().Add(leafLife),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		return nil, fmt.Errorf("authority: %w", err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("authority: %w", err)
	}
	return &tls.Certificate{Certificate: [][]byte{der, a.cert.Raw}, PrivateKey: key, Leaf: leaf}, nil
}
