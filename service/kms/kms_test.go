package kms_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/brume-dev/brume/api/kmsapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/service/kms"
	"github.com/brume-dev/brume/store/storetest"
	"github.com/brume-dev/brume/timer"
)

var (
	start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	me    = aws.Identity{Kind: aws.Root, Account: "111122223333", Region: "eu-west-1", ARN: "arn:aws:iam::111122223333:root"}
)

func open(t *testing.T) (*kms.Service, *clock.Virtual) {
	t.Helper()
	c := clock.Frozen(start)
	st := storetest.Split(c, 3)
	run := timer.New(timer.Config{Store: st, Clock: c})
	s, err := kms.New(kms.Config{Store: st, Timer: run, Rand: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- run.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	if err := run.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	return s, c
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func wantCode(t *testing.T, code string, err error) {
	t.Helper()
	if err == nil || aws.CodeOf(err) != code {
		t.Errorf("error %v, want %s", err, code)
	}
}

func p[T any](v T) *T { return &v }

func newKey(t *testing.T, s *kms.Service) string {
	t.Helper()
	return must[*kmsapi.CreateKeyResponse](t)(s.CreateKey(t.Context(), me, &kmsapi.CreateKeyRequest{Description: p("d")})).KeyMetadata.KeyId
}

func TestEncryptDecrypt(t *testing.T) {
	s, _ := open(t)
	ctx := t.Context()
	id := newKey(t, s)
	must[*kmsapi.CreateAliasOutput](t)(s.CreateAlias(ctx, me, &kmsapi.CreateAliasRequest{AliasName: "alias/a", TargetKeyId: id}))
	arn := "arn:aws:kms:eu-west-1:111122223333:key/" + id
	with := map[string]string{"k": "v", "l": "w"}
	for _, named := range []string{id, arn, "alias/a", "arn:aws:kms:eu-west-1:111122223333:alias/a"} {
		e := must[*kmsapi.EncryptResponse](t)(s.Encrypt(ctx, me, &kmsapi.EncryptRequest{KeyId: named, Plaintext: []byte("secret"), EncryptionContext: with}))
		if *e.KeyId != arn || bytes.Contains(e.CiphertextBlob, []byte("secret")) {
			t.Errorf("%s: encrypted with %s", named, *e.KeyId)
		}
		d := must[*kmsapi.DecryptResponse](t)(s.Decrypt(ctx, me, &kmsapi.DecryptRequest{CiphertextBlob: e.CiphertextBlob, EncryptionContext: with}))
		if string(d.Plaintext) != "secret" {
			t.Errorf("%q", d.Plaintext)
		}
		_, err := s.Decrypt(ctx, me, &kmsapi.DecryptRequest{CiphertextBlob: e.CiphertextBlob, EncryptionContext: map[string]string{"k": "v"}})
		wantCode(t, "InvalidCiphertextException", err)
		for i := range e.CiphertextBlob {
			changed := bytes.Clone(e.CiphertextBlob)
			changed[i] ^= 1
			if _, err := s.Decrypt(ctx, me, &kmsapi.DecryptRequest{CiphertextBlob: changed, EncryptionContext: with}); err == nil {
				t.Fatalf("a ciphertext changed at %d was decrypted", i)
			}
		}
	}
	_, err := s.Encrypt(ctx, me, &kmsapi.EncryptRequest{KeyId: id, Plaintext: []byte("x"), DryRun: p(true)})
	wantCode(t, "DryRunOperationException", err)
	other := newKey(t, s)
	e := must[*kmsapi.EncryptResponse](t)(s.Encrypt(ctx, me, &kmsapi.EncryptRequest{KeyId: id, Plaintext: []byte("x")}))
	_, err = s.Decrypt(ctx, me, &kmsapi.DecryptRequest{CiphertextBlob: e.CiphertextBlob, KeyId: &other})
	wantCode(t, "IncorrectKeyException", err)
	r := must[*kmsapi.ReEncryptResponse](t)(s.ReEncrypt(ctx, me, &kmsapi.ReEncryptRequest{CiphertextBlob: e.CiphertextBlob, DestinationKeyId: other}))
	d := must[*kmsapi.DecryptResponse](t)(s.Decrypt(ctx, me, &kmsapi.DecryptRequest{CiphertextBlob: r.CiphertextBlob, KeyId: &other}))
	if string(d.Plaintext) != "x" {
		t.Errorf("%q", d.Plaintext)
	}
}

func TestDataKeys(t *testing.T) {
	s, _ := open(t)
	id := newKey(t, s)
	for _, c := range []struct {
		in   kmsapi.GenerateDataKeyRequest
		want int
	}{
		{kmsapi.GenerateDataKeyRequest{KeySpec: kmsapi.DataKeySpecAes256}, 32},
		{kmsapi.GenerateDataKeyRequest{KeySpec: kmsapi.DataKeySpecAes128}, 16},
		{kmsapi.GenerateDataKeyRequest{NumberOfBytes: p(int32(7))}, 7},
	} {
		c.in.KeyId = id
		k := must[*kmsapi.GenerateDataKeyResponse](t)(s.GenerateDataKey(t.Context(), me, &c.in))
		d := must[*kmsapi.DecryptResponse](t)(s.Decrypt(t.Context(), me, &kmsapi.DecryptRequest{CiphertextBlob: k.CiphertextBlob}))
		if len(k.Plaintext) != c.want || !bytes.Equal(k.Plaintext, d.Plaintext) {
			t.Errorf("%d bytes, want %d", len(k.Plaintext), c.want)
		}
	}
	_, err := s.GenerateDataKey(t.Context(), me, &kmsapi.GenerateDataKeyRequest{KeyId: id})
	wantCode(t, "ValidationException", err)
}

func TestStates(t *testing.T) {
	s, c := open(t)
	ctx := t.Context()
	id := newKey(t, s)
	encrypt := func() error {
		_, err := s.Encrypt(ctx, me, &kmsapi.EncryptRequest{KeyId: id, Plaintext: []byte("x")})
		return err
	}
	must[*kmsapi.DisableKeyOutput](t)(s.DisableKey(ctx, me, &kmsapi.DisableKeyRequest{KeyId: id}))
	wantCode(t, "DisabledException", encrypt())
	must[*kmsapi.EnableKeyOutput](t)(s.EnableKey(ctx, me, &kmsapi.EnableKeyRequest{KeyId: id}))
	if err := encrypt(); err != nil {
		t.Error(err)
	}
	_, err := s.ScheduleKeyDeletion(ctx, me, &kmsapi.ScheduleKeyDeletionRequest{KeyId: id, PendingWindowInDays: p(int32(6))})
	wantCode(t, "ValidationException", err)
	must[*kmsapi.ScheduleKeyDeletionResponse](t)(s.ScheduleKeyDeletion(ctx, me, &kmsapi.ScheduleKeyDeletionRequest{KeyId: id}))
	wantCode(t, "KMSInvalidStateException", encrypt())
	must[time.Time](t)(c.Advance(ctx, 29*24*time.Hour))
	must[*kmsapi.CancelKeyDeletionResponse](t)(s.CancelKeyDeletion(ctx, me, &kmsapi.CancelKeyDeletionRequest{KeyId: id}))
	must[time.Time](t)(c.Advance(ctx, 5*24*time.Hour))
	wantCode(t, "DisabledException", encrypt())
	must[*kmsapi.CreateAliasOutput](t)(s.CreateAlias(ctx, me, &kmsapi.CreateAliasRequest{AliasName: "alias/gone", TargetKeyId: id}))
	must[*kmsapi.ScheduleKeyDeletionResponse](t)(s.ScheduleKeyDeletion(ctx, me, &kmsapi.ScheduleKeyDeletionRequest{KeyId: id, PendingWindowInDays: p(int32(7))}))
	must[time.Time](t)(c.Advance(ctx, 8*24*time.Hour))
	wantCode(t, "NotFoundException", encrypt())
	if l := must[*kmsapi.ListAliasesResponse](t)(s.ListAliases(ctx, me, &kmsapi.ListAliasesRequest{})); len(l.Aliases) != 0 {
		t.Errorf("%d aliases are left", len(l.Aliases))
	}
}

func TestRotationKeepsOldCiphertextsReadable(t *testing.T) {
	s, c := open(t)
	ctx := t.Context()
	id := newKey(t, s)
	must[*kmsapi.EnableKeyRotationOutput](t)(s.EnableKeyRotation(ctx, me, &kmsapi.EnableKeyRotationRequest{KeyId: id, RotationPeriodInDays: p(int32(90))}))
	before := must[*kmsapi.EncryptResponse](t)(s.Encrypt(ctx, me, &kmsapi.EncryptRequest{KeyId: id, Plaintext: []byte("old")}))
	m1 := *must[*kmsapi.DescribeKeyResponse](t)(s.DescribeKey(ctx, me, &kmsapi.DescribeKeyRequest{KeyId: id})).KeyMetadata.CurrentKeyMaterialId
	must[time.Time](t)(c.Advance(ctx, 91*24*time.Hour))
	m2 := *must[*kmsapi.DescribeKeyResponse](t)(s.DescribeKey(ctx, me, &kmsapi.DescribeKeyRequest{KeyId: id})).KeyMetadata.CurrentKeyMaterialId
	if m1 == m2 {
		t.Error("the key was not rotated")
	}
	d := must[*kmsapi.DecryptResponse](t)(s.Decrypt(ctx, me, &kmsapi.DecryptRequest{CiphertextBlob: before.CiphertextBlob}))
	if string(d.Plaintext) != "old" || *d.KeyMaterialId != m1 {
		t.Errorf("%q with %s", d.Plaintext, *d.KeyMaterialId)
	}
	st := must[*kmsapi.GetKeyRotationStatusResponse](t)(s.GetKeyRotationStatus(ctx, me, &kmsapi.GetKeyRotationStatusRequest{KeyId: id}))
	if !*st.KeyRotationEnabled || !st.NextRotationDate.Equal(start.AddDate(0, 0, 180)) {
		t.Errorf("%v", st.NextRotationDate)
	}
}

func TestAliases(t *testing.T) {
	s, _ := open(t)
	ctx := t.Context()
	a, b := newKey(t, s), newKey(t, s)
	for _, n := range []string{"alias/x", "alias/y", "alias/z"} {
		must[*kmsapi.CreateAliasOutput](t)(s.CreateAlias(ctx, me, &kmsapi.CreateAliasRequest{AliasName: n, TargetKeyId: a}))
	}
	_, err := s.CreateAlias(ctx, me, &kmsapi.CreateAliasRequest{AliasName: "alias/x", TargetKeyId: b})
	wantCode(t, "AlreadyExistsException", err)
	_, err = s.CreateAlias(ctx, me, &kmsapi.CreateAliasRequest{AliasName: "alias/aws/x", TargetKeyId: b})
	wantCode(t, "InvalidAliasNameException", err)
	_, err = s.CreateAlias(ctx, me, &kmsapi.CreateAliasRequest{AliasName: "x", TargetKeyId: b})
	wantCode(t, "ValidationException", err)
	must[*kmsapi.UpdateAliasOutput](t)(s.UpdateAlias(ctx, me, &kmsapi.UpdateAliasRequest{AliasName: "alias/x", TargetKeyId: b}))
	must[*kmsapi.DeleteAliasOutput](t)(s.DeleteAlias(ctx, me, &kmsapi.DeleteAliasRequest{AliasName: "alias/y"}))
	var names []string
	in := &kmsapi.ListAliasesRequest{Limit: p(int32(1))}
	for {
		out := must[*kmsapi.ListAliasesResponse](t)(s.ListAliases(ctx, me, in))
		for _, e := range out.Aliases {
			names = append(names, *e.AliasName+"="+map[string]string{a: "a", b: "b"}[*e.TargetKeyId])
		}
		if in.Marker = out.NextMarker; !*out.Truncated {
			break
		}
	}
	if got := strings.Join(names, " "); got != "alias/x=b alias/z=a" {
		t.Error(got)
	}
	_, err = s.DescribeKey(ctx, me, &kmsapi.DescribeKeyRequest{KeyId: "alias/none"})
	wantCode(t, "NotFoundException", err)
	m := must[*kmsapi.DescribeKeyResponse](t)(s.DescribeKey(ctx, me, &kmsapi.DescribeKeyRequest{KeyId: "alias/aws/ssm"})).KeyMetadata
	if m.KeyManager != kmsapi.KeyManagerTypeAws {
		t.Errorf("managed by %s", m.KeyManager)
	}
	_, err = s.DisableKey(ctx, me, &kmsapi.DisableKeyRequest{KeyId: m.KeyId})
	wantCode(t, "AccessDeniedException", err)
}

func TestPolicyMustNotLockOut(t *testing.T) {
	s, _ := open(t)
	const locked = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::999999999999:root"},"Action":"kms:*","Resource":"*"}]}`
	_, err := s.CreateKey(t.Context(), me, &kmsapi.CreateKeyRequest{Policy: p(locked)})
	wantCode(t, "MalformedPolicyDocumentException", err)
	_, err = s.CreateKey(t.Context(), me, &kmsapi.CreateKeyRequest{Policy: p("{")})
	wantCode(t, "MalformedPolicyDocumentException", err)
	must[*kmsapi.CreateKeyResponse](t)(s.CreateKey(t.Context(), me, &kmsapi.CreateKeyRequest{Policy: p(locked), BypassPolicyLockoutSafetyCheck: p(true)}))
	_, err = s.CreateKey(t.Context(), me, &kmsapi.CreateKeyRequest{KeySpec: kmsapi.KeySpecRsa2048})
	wantCode(t, "UnsupportedOperationException", err)
}

func FuzzDecrypt(f *testing.F) {
	f.Add([]byte{1, 0, 3, 'a', 'r', 'n', 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13})
	c := clock.Frozen(start)
	st := storetest.Split(c, 1)
	s, err := kms.New(kms.Config{Store: st, Timer: timer.New(timer.Config{Store: st, Clock: c}), Rand: rand.Reader})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if out, err := s.Decrypt(t.Context(), me, &kmsapi.DecryptRequest{CiphertextBlob: b}); err == nil {
			t.Fatalf("%x became %x", b, out.Plaintext)
		}
	})
}

// The caller's account is that of who calls, not that of the key; operations on aliases need both the alias and the key.
func TestAccess(t *testing.T) {
	s, _ := open(t)
	k, err := s.CreateKey(t.Context(), me, &kmsapi.CreateKeyRequest{})
	if err != nil {
		t.Fatal(err)
	}
	stranger := aws.Identity{Kind: aws.Root, Account: "999999999999", Region: me.Region}
	access, err := s.Access(t.Context(), stranger, "Encrypt", &kmsapi.EncryptRequest{KeyId: *k.KeyMetadata.Arn})
	if err != nil || len(access) != 1 || access[0].ResourceAccount != me.Account || access[0].Context["kms:CallerAccount"][0] != stranger.Account {
		t.Errorf("%+v %v", access, err)
	}
	access, err = s.Access(t.Context(), me, "CreateAlias", &kmsapi.CreateAliasRequest{AliasName: "alias/a", TargetKeyId: k.KeyMetadata.KeyId})
	if err != nil || len(access) != 2 || access[0].Resource != *k.KeyMetadata.Arn || !strings.HasSuffix(access[1].Resource, ":alias/a") {
		t.Errorf("%+v %v", access, err)
	}
	if _, err := s.CreateAlias(t.Context(), stranger, &kmsapi.CreateAliasRequest{AliasName: "alias/a", TargetKeyId: *k.KeyMetadata.Arn}); aws.CodeOf(err) != "AccessDeniedException" {
		t.Errorf("an alias for a key of another account: %v", err)
	}
}
