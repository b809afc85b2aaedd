// Package signature signs what SNS sends, as receivers verify it: with an RSA key of 2,048 bits, by SHA-1
// (SignatureVersion 1) or SHA-256 (SignatureVersion 2) in the padding of PKCS #1 v1.5, beside a certificate.
// https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
//
// Each message of a topic is signed once, which is most of what publishing it costs. The key therefore has four primes
// (RFC 8017 knows such keys; to a receiver it is a key like any other): the work of signing falls with the square of their number.
package signature

import (
	"crypto"
	"crypto/md5"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"time"

	"github.com/brume-dev/brume/store/record"
)

const (
	bits     = 2048
	primes   = 4
	exponent = 65537
	life     = 30 * 365 * 24 * time.Hour // of the certificate
	version  = 1
)

// Key is a signing key with its certificate. It may be used by many goroutines.
type Key struct {
	public  rsa.PublicKey
	factors []factor
	cert    []byte // DER
}

// factor is a prime of the modulus with what the Chinese remainder theorem needs of it.
type factor struct {
	prime    *big.Int
	exponent *big.Int // the private exponent, modulo prime-1
	before   *big.Int // the product of the primes before
	inverse  *big.Int // of before, modulo prime
}

// stored is a Key in the store.
type stored struct {
	Primes [][]byte `cbor:"1,keyasint"`
	Cert   []byte   `cbor:"2,keyasint"`
}

// Generate makes a key and its certificate.
func Generate(random io.Reader, now time.Time) (*Key, error) {
	for {
		ps := make([]*big.Int, primes)
		for i := range ps {
			p, err := rand.Prime(random, bits/primes)
			if err != nil {
				return nil, fmt.Errorf("signature: make a prime: %w", err)
			}
			ps[i] = p
		}
		k, ok := assemble(ps)
		if !ok {
			continue
		}
		return k, k.certify(random, now)
	}
}

// assemble makes the key of these primes; ok is false when they make none of the right size.
func assemble(ps []*big.Int) (_ *Key, ok bool) {
	k := &Key{public: rsa.PublicKey{N: big.NewInt(1), E: exponent}}
	one, e := big.NewInt(1), big.NewInt(exponent)
	for _, p := range ps {
		f := factor{prime: p, before: new(big.Int).Set(k.public.N)}
		f.exponent = new(big.Int).ModInverse(e, new(big.Int).Sub(p, one))
		f.inverse = new(big.Int).ModInverse(f.before, p)
		if f.exponent == nil || f.inverse == nil {
			return nil, false
		}
		k.factors = append(k.factors, f)
		k.public.N.Mul(k.public.N, p)
	}
	return k, k.public.N.BitLen() == bits
}

// certify makes the certificate, which the key signs itself.
func (k *Key) certify(random io.Reader, now time.Time) error {
	t := &x509.Certificate{SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: "sns.amazonaws.com", Organization: []string{"Brume"}},
		DNSNames: []string{"sns.amazonaws.com"}, NotBefore: now.Add(-24 * time.Hour), NotAfter: now.Add(life),
		KeyUsage: x509.KeyUsageDigitalSignature, SignatureAlgorithm: x509.SHA256WithRSA}
	der, err := x509.CreateCertificate(random, t, t, k.Public(), k)
	if err != nil {
		return fmt.Errorf("signature: make a certificate: %w", err)
	}
	k.cert = der
	return nil
}

// Encode is the key as it is kept in the store.
func (k *Key) Encode() []byte {
	s := stored{Cert: k.cert}
	for _, f := range k.factors {
		s.Primes = append(s.Primes, f.prime.Bytes())
	}
	return record.Encode(version, s)
}

// Decode is the inverse of Encode.
func Decode(b []byte) (*Key, error) {
	var s stored
	if err := record.Decode(b, version, &s); err != nil {
		return nil, err
	}
	var ps []*big.Int
	for _, p := range s.Primes {
		n := new(big.Int).SetBytes(p)
		if n.BitLen() < 2 || len(s.Primes) > 2*primes {
			return nil, errors.New("signature: not a key")
		}
		ps = append(ps, n)
	}
	k, ok := assemble(ps)
	if !ok {
		return nil, errors.New("signature: not a key")
	}
	k.cert = s.Cert
	return k, nil
}

// PEM is the certificate as SigningCertURL gives it.
func (k *Key) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: k.cert})
}

// Name is the last part of SigningCertURL: it names the certificate by a sum of it.
func (k *Key) Name() string {
	return fmt.Sprintf("SimpleNotificationService-%x.pem", md5.Sum(k.cert))
}

// Text signs a text for a SignatureVersion, "1" or "2".
func (k *Key) Text(signatureVersion, text string) (string, error) {
	h, digest := crypto.SHA1, []byte(nil)
	if signatureVersion == "2" {
		h = crypto.SHA256
		sum := sha256.Sum256([]byte(text))
		digest = sum[:]
	} else {
		sum := sha1.Sum([]byte(text))
		digest = sum[:]
	}
	b, err := k.Sign(nil, digest, h)
	return base64.StdEncoding.EncodeToString(b), err
}

// Public implements crypto.Signer.
func (k *Key) Public() crypto.PublicKey { return &k.public }

// Sign implements crypto.Signer: RSASSA-PKCS1-v1_5.
func (k *Key) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	prefix := prefixOf(opts.HashFunc())
	if prefix == nil || len(digest) != opts.HashFunc().Size() {
		return nil, fmt.Errorf("signature: no digest of %v", opts.HashFunc())
	}
	// 00 01 FF … FF 00 prefix digest
	em := make([]byte, bits/8)
	em[1] = 1
	text := len(em) - len(prefix) - len(digest)
	for i := 2; i < text-1; i++ {
		em[i] = 0xff
	}
	copy(em[text:], prefix)
	copy(em[text+len(prefix):], digest)
	return k.power(new(big.Int).SetBytes(em)).FillBytes(em), nil
}

// power is c to the private exponent, by Garner's form of the Chinese remainder theorem.
func (k *Key) power(c *big.Int) *big.Int {
	m, h := new(big.Int), new(big.Int)
	for _, f := range k.factors {
		mi := new(big.Int).Mod(c, f.prime)
		mi.Exp(mi, f.exponent, f.prime)
		h.Sub(mi, m)
		h.Mul(h, f.inverse)
		h.Mod(h, f.prime)
		m.Add(m, h.Mul(h, f.before))
	}
	return m
}

// prefixOf is the DER of DigestInfo before the digest (RFC 8017, section 9.2).
func prefixOf(h crypto.Hash) []byte {
	switch h {
	case crypto.SHA1:
		return []byte{0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00, 0x04, 0x14}
	case crypto.SHA256:
		return []byte{0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20}
	}
	return nil
}
