package aws

import "testing"

func TestAccessKeyID(t *testing.T) {
	for _, account := range []string{"000000000000", "000000000001", "123456789012", "999999999999"} {
		for _, serial := range []uint64{0, 1, 0x5555555555, MaxAccessKeySerial - 1} {
			serial %= MaxAccessKeySerial
			id, err := AccessKeyID("AKIA", account, serial)
			if err != nil || len(id) != 20 {
				t.Fatalf("%s %d: %q %v", account, serial, id, err)
			}
			kind, a, s, ok := ParseAccessKeyID(id)
			if !ok || kind != "AKIA" || a != account || s != serial {
				t.Errorf("%s: %s %s %d %v, want %s %d", id, kind, a, s, ok, account, serial)
			}
		}
	}
	// An id whose account is publicly documented.
	if _, account, _, ok := ParseAccessKeyID("ASIAQNZGKIQY56JQ7WML"); !ok || account != "029608264753" {
		t.Errorf("account %q", account)
	}
	for _, id := range []string{"", "test", "AKIAIOSFODNN7EXAMPLE", "AKIA!!!!!!!!!!!!!!!!", "000000000000"} {
		if _, a, _, ok := ParseAccessKeyID(id); ok {
			t.Errorf("%s names account %s", id, a)
		}
	}
	if _, err := AccessKeyID("AKIA", "12", 0); err == nil {
		t.Error("an account of two digits")
	}
}

func FuzzParseAccessKeyID(f *testing.F) {
	f.Add("ASIAQNZGKIQY56JQ7WML")
	f.Fuzz(func(t *testing.T, id string) {
		kind, account, serial, ok := ParseAccessKeyID(id)
		if !ok {
			return
		}
		if back, err := AccessKeyID(kind, account, serial); err != nil || back != id {
			t.Errorf("%q came back as %q, %v", id, back, err)
		}
	})
}
