package sts

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"strings"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
)

// A session token is, in base 64:
//
//	"BRUM" in base 64   3 bytes   so that ours are told from AWS's
//	nonce              12 bytes
//	AES-256-GCM        of the session's record
const (
	tokenPrefix   = "BRUM"
	nonceSize     = 12
	sessionRecord = 1
)

// sealKey is where the key lies, in the global shard.
func sealKey() store.Tuple { return store.Global().Text("sts").Text("seal") }

// sealer seals and opens tokens.
type sealer struct {
	aead cipher.AEAD
	mac  []byte
}

func newSealer(key []byte) (*sealer, error) {
	derive := func(use string) []byte {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(use))
		return h.Sum(nil)
	}
	b, err := aes.NewCipher(derive("session tokens"))
	if err != nil {
		return nil, err
	}
	a, err := cipher.NewGCM(b)
	return &sealer{aead: a, mac: derive("access key ids")}, err
}

// sealer returns the store's sealer; the key is made when it is first asked for.
func (s *Service) sealer(ctx context.Context) (*sealer, error) {
	if x := s.seal.Load(); x != nil {
		return x, nil
	}
	fresh := make([]byte, 32)
	if _, err := io.ReadFull(s.random, fresh); err != nil {
		return nil, fmt.Errorf("sts: random: %w", err)
	}
	key, err := store.Update(ctx, s.store.Shard(store.Global()), func(_ context.Context, tx store.Tx) ([]byte, error) {
		v, ok, err := tx.Get(sealKey())
		if err != nil || ok {
			return append([]byte(nil), v...), err
		}
		tx.Set(sealKey(), fresh)
		return fresh, nil
	})
	if err != nil {
		return nil, err
	}
	x, err := newSealer(key)
	if err != nil {
		return nil, fmt.Errorf("sts: %w", err)
	}
	s.seal.Store(x)
	return x, nil
}

// close seals a session.
func (x *sealer) close(v *session, nonce []byte) (string, error) {
	marker, err := base64.StdEncoding.DecodeString(tokenPrefix)
	if err != nil {
		return "", err
	}
	b := append(marker, nonce...)
	b = x.aead.Seal(b, nonce, record.Encode(sessionRecord, v), []byte(v.Key))
	return base64.StdEncoding.EncodeToString(b), nil
}

// open opens a token that came with an access key id; nil when it is none of ours, or another key's.
func (x *sealer) open(accessKey, token string) *session {
	if !strings.HasPrefix(token, tokenPrefix) {
		return nil
	}
	b, err := base64.StdEncoding.DecodeString(token)
	if err != nil || len(b) < 3+nonceSize {
		return nil
	}
	plain, err := x.aead.Open(nil, b[3:3+nonceSize], b[3+nonceSize:], []byte(accessKey))
	if err != nil {
		return nil
	}
	v := &session{}
	if record.Decode(plain, sessionRecord, v) != nil || v.Key != accessKey {
		return nil
	}
	return v
}

// An access key id of ours is recognised without its token: the last 8 bits of its serial follow from the others. One
// that was issued is so never taken for a stranger's, though the request left the token out.
const serialCheck = 8

func (x *sealer) accessKey(account string, random uint64) (string, error) {
	n := random % (aws.MaxAccessKeySerial >> serialCheck)
	return aws.AccessKeyID("ASIA", account, n<<serialCheck|x.check(account, n))
}

func (x *sealer) check(account string, n uint64) uint64 {
	h := hmac.New(sha256.New, x.mac)
	h.Write([]byte(account))
	h.Write(binary.BigEndian.AppendUint64(nil, n))
	return uint64(h.Sum(nil)[0])
}

// issued reports whether an access key id is of the form that we give out.
func (x *sealer) issued(id string) bool {
	kind, account, serial, ok := aws.ParseAccessKeyID(id)
	return ok && kind == "ASIA" && serial&(1<<serialCheck-1) == x.check(account, serial>>serialCheck)
}
