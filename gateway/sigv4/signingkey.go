package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"sync"
)

// signingKey is the key of one secret for one day, region and service:
// HMAC(HMAC(HMAC(HMAC("AWS4"+secret, date), region), service), "aws4_request").
type signingKey [sha256.Size]byte

func deriveKey(secret, date, region, service string) signingKey {
	k := []byte("AWS4" + secret)
	for _, s := range [...]string{date, region, service, terminator} {
		h := hmac.New(sha256.New, k)
		h.Write([]byte(s))
		k = h.Sum(nil)
	}
	return signingKey(k)
}

// sign is HMAC-SHA256 (RFC 2104) over a message that lies in memory: crypto/hmac spends more on its two hash objects
// than on the hashing, and this is on the path of every request.
func (k *signingKey) sign(message []byte) [sha256.Size]byte {
	const block = 64
	var stack [512]byte
	inner := append(stack[:0], pad(k, 0x36)...)
	inner = append(inner, message...)
	sum := sha256.Sum256(inner)
	outer := append(stack[:0], pad(k, 0x5c)...)
	return sha256.Sum256(append(outer[:block], sum[:]...))
}

func pad(k *signingKey, c byte) []byte {
	var b [64]byte
	for i := range b {
		b[i] = c
	}
	for i, x := range k {
		b[i] ^= x
	}
	return b[:]
}

// keyCache keeps derived keys: four HMACs are more work than all the rest of a verification. It is keyed by the secret
// and not by the access key id, so that a key that is rotated needs no invalidation.
type keyCache struct {
	mu   sync.RWMutex
	keys map[keyName]signingKey
}

type keyName struct{ secret, date, region, service string }

func (c *keyCache) get(secret, date, region, service string) signingKey {
	name := keyName{secret, date, region, service}
	c.mu.RLock()
	k, ok := c.keys[name]
	c.mu.RUnlock()
	if ok {
		return k
	}
	k = deriveKey(secret, date, region, service)
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.keys) >= maxKeys { // a new day, mostly: drop any half, what is in use comes back
		for old := range c.keys {
			if delete(c.keys, old); len(c.keys) <= maxKeys/2 {
				break
			}
		}
	}
	c.keys[name] = k
	return k
}
