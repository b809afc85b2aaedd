package checksum

import (
	"math/rand"
	"testing"
)

// TestJoin compares the CRCs of wholes with those made of their parts.
func TestJoin(t *testing.T) {
	rnd := rand.New(rand.NewSource(1))
	for _, a := range []string{CRC32, CRC32C, CRC64NVME} {
		whole := New(a)
		var parts []Part
		for _, n := range []int{5, 0, 1, 4096, 100_001} {
			b := make([]byte, n)
			rnd.Read(b)
			whole.Write(b)
			one := New(a)
			one.Write(b)
			parts = append(parts, Part{Size: int64(n), Sum: Encode(one.Sum(nil))})
		}
		if got, ok := Join(a, parts); !ok || got != Encode(whole.Sum(nil)) {
			t.Errorf("%s: %s, want %s", a, got, Encode(whole.Sum(nil)))
		}
	}
	if _, ok := Join(SHA1, nil); ok {
		t.Error("SHA1 joined")
	}
}
