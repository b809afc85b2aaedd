package sts

import (
	"testing"

	"github.com/brume-dev/brume/aws"
)

func FuzzOpen(f *testing.F) {
	x, err := newSealer(make([]byte, 32))
	if err != nil {
		f.Fatal(err)
	}
	key, err := x.accessKey("000000000000", 5)
	if err != nil {
		f.Fatal(err)
	}
	token, err := x.close(&session{Key: key, Kind: aws.User, Account: "000000000000"}, make([]byte, nonceSize))
	if err != nil {
		f.Fatal(err)
	}
	if x.open(key, token) == nil || token[:len(tokenPrefix)] != tokenPrefix {
		f.Fatal("our own token does not open")
	}
	f.Add(key, token)
	f.Add("ASIA", "BRUM")
	f.Fuzz(func(t *testing.T, k, tok string) {
		if v := x.open(k, tok); v != nil && (k != key || v.Key != key) {
			t.Errorf("%q opened with %q", tok, k)
		}
	})
}

// TestIssued: ids of ours are recognised, and hardly any other.
func TestIssued(t *testing.T) {
	x, err := newSealer(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	strangers := 0
	for n := range uint64(2000) {
		id, err := x.accessKey("123456789012", n*7919)
		if err != nil || !x.issued(id) {
			t.Fatalf("%s is not recognised, %v", id, err)
		}
		other, err := aws.AccessKeyID("ASIA", "123456789012", n*104729)
		if err != nil {
			t.Fatal(err)
		}
		if x.issued(other) {
			strangers++
		}
	}
	if strangers > 40 {
		t.Errorf("%d of 2000 other ids are taken for ours", strangers)
	}
}
