package kms_test

import (
	"strings"
	"testing"
	"time"

	"github.com/brume-dev/brume/api/kmsapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/policy"
	"github.com/brume-dev/brume/service/kms"
)

var (
	role = aws.Identity{Kind: aws.AssumedRole, Account: me.Account, Region: me.Region,
		ARN: "arn:aws:sts::111122223333:assumed-role/worker/s", RoleARN: "arn:aws:iam::111122223333:role/worker"}
	friend = aws.Identity{Kind: aws.User, Account: "444455556666", Region: me.Region, ARN: "arn:aws:iam::444455556666:user/f"}
)

// may reports whether the policies of the keys let id do something, when no other policy says anything.
func may(t *testing.T, s *kms.Service, id aws.Identity, op string, in any) bool {
	t.Helper()
	access, err := s.Access(t.Context(), id, op, in)
	if err != nil || len(access) == 0 {
		t.Fatalf("%s: %+v %v", op, access, err)
	}
	for _, a := range access {
		d, err := policy.Parse(policy.Resource, a.ResourcePolicy)
		if err != nil {
			t.Fatalf("%s: %q: %v", op, a.ResourcePolicy, err)
		}
		r := policy.Request{Identity: &id, Action: a.Action, Resource: a.Resource, ResourceAccount: id.Account, Context: a.Context}
		if !policy.Evaluate(&policy.Policies{Resource: d, Decisive: a.Decisive}, &r).Allowed {
			return false
		}
	}
	return true
}

func grantTo(t *testing.T, s *kms.Service, key string, who aws.Identity, c *kmsapi.GrantConstraints, ops ...kmsapi.GrantOperation) *kmsapi.CreateGrantResponse {
	t.Helper()
	arn := who.ARN
	if who.RoleARN != "" {
		arn = who.RoleARN
	}
	return must[*kmsapi.CreateGrantResponse](t)(s.CreateGrant(t.Context(), me, &kmsapi.CreateGrantRequest{KeyId: key, GranteePrincipal: &arn, Operations: ops, Constraints: c}))
}

func TestGrantsAllowWhatTheySay(t *testing.T) {
	s, _ := open(t)
	key := newKey(t, s)
	arn := "arn:aws:kms:eu-west-1:111122223333:key/" + key
	encrypt := func(context map[string]string) any {
		return &kmsapi.EncryptRequest{KeyId: arn, Plaintext: []byte("x"), EncryptionContext: context}
	}
	if may(t, s, role, "Encrypt", encrypt(nil)) {
		t.Fatal("without a grant")
	}
	with := map[string]string{"a": "1"}
	for _, c := range []struct {
		name        string
		constraints *kmsapi.GrantConstraints
		context     map[string]string
		source      string
		want        bool
	}{
		{"none", nil, with, "", true},
		{"subset", &kmsapi.GrantConstraints{EncryptionContextSubset: with}, map[string]string{"a": "1", "b": "2"}, "", true},
		{"subset, other value", &kmsapi.GrantConstraints{EncryptionContextSubset: with}, map[string]string{"a": "2"}, "", false},
		{"subset, other case", &kmsapi.GrantConstraints{EncryptionContextSubset: with}, map[string]string{"A": "1"}, "", false},
		{"equals", &kmsapi.GrantConstraints{EncryptionContextEquals: with}, with, "", true},
		{"equals, more", &kmsapi.GrantConstraints{EncryptionContextEquals: with}, map[string]string{"a": "1", "b": "2"}, "", false},
		{"equals, none", &kmsapi.GrantConstraints{EncryptionContextEquals: with}, nil, "", false},
		{"source", &kmsapi.GrantConstraints{SourceArn: p("arn:aws:sns:eu-west-1:111122223333:t")}, nil, "arn:aws:sns:eu-west-1:111122223333:t", true},
		{"other source", &kmsapi.GrantConstraints{SourceArn: p("arn:aws:sns:eu-west-1:111122223333:t")}, nil, "", false},
	} {
		for _, who := range []aws.Identity{role, friend} {
			g := grantTo(t, s, key, who, c.constraints, kmsapi.GrantOperationEncrypt, kmsapi.GrantOperationDescribeKey)
			who.SourceARN = c.source
			if got := may(t, s, who, "Encrypt", encrypt(c.context)); got != c.want {
				t.Errorf("%s: %s may: %v, want %v", c.name, who.ARN, got, c.want)
			}
			if may(t, s, who, "Decrypt", &kmsapi.DecryptRequest{KeyId: &arn, EncryptionContext: c.context}) {
				t.Errorf("%s: another operation", c.name)
			}
			must[*kmsapi.RevokeGrantOutput](t)(s.RevokeGrant(t.Context(), me, &kmsapi.RevokeGrantRequest{KeyId: key, GrantId: *g.GrantId}))
			if may(t, s, who, "Encrypt", encrypt(c.context)) {
				t.Errorf("%s: after it was revoked", c.name)
			}
		}
	}
}

// A grant may give the right to make others, which are as strict and give no more.
func TestGrantsMadeByGrants(t *testing.T) {
	s, _ := open(t)
	key := newKey(t, s)
	with, more := map[string]string{"a": "1"}, map[string]string{"a": "1", "b": "2"}
	grantTo(t, s, key, role, &kmsapi.GrantConstraints{EncryptionContextSubset: with}, kmsapi.GrantOperationCreateGrant, kmsapi.GrantOperationDecrypt)
	for _, c := range []struct {
		op          kmsapi.GrantOperation
		constraints *kmsapi.GrantConstraints
		want        bool
	}{
		{kmsapi.GrantOperationDecrypt, nil, false},
		{kmsapi.GrantOperationDecrypt, &kmsapi.GrantConstraints{EncryptionContextSubset: with}, true},
		{kmsapi.GrantOperationDecrypt, &kmsapi.GrantConstraints{EncryptionContextEquals: more}, true},
		{kmsapi.GrantOperationDecrypt, &kmsapi.GrantConstraints{EncryptionContextSubset: map[string]string{"b": "2"}}, false},
		{kmsapi.GrantOperationEncrypt, &kmsapi.GrantConstraints{EncryptionContextSubset: with}, false},
	} {
		in := &kmsapi.CreateGrantRequest{KeyId: key, GranteePrincipal: &friend.ARN, Operations: []kmsapi.GrantOperation{c.op}, Constraints: c.constraints}
		if got := may(t, s, role, "CreateGrant", in); got != c.want {
			t.Errorf("%s %+v: %v", c.op, c.constraints, got)
		}
	}
}

func TestRetireGrant(t *testing.T) {
	s, _ := open(t)
	ctx := t.Context()
	key := newKey(t, s)
	arn := "arn:aws:kms:eu-west-1:111122223333:key/" + key
	in := &kmsapi.CreateGrantRequest{KeyId: key, GranteePrincipal: &role.RoleARN, RetiringPrincipal: &friend.ARN, Name: p("n"),
		Operations: []kmsapi.GrantOperation{kmsapi.GrantOperationDecrypt}}
	a := must[*kmsapi.CreateGrantResponse](t)(s.CreateGrant(ctx, me, in))
	b := must[*kmsapi.CreateGrantResponse](t)(s.CreateGrant(ctx, me, in))
	if *a.GrantId != *b.GrantId || *a.GrantToken == *b.GrantToken {
		t.Errorf("%v and %v: the same grant has one id, and each answer a token", *a.GrantId, *b.GrantId)
	}
	in.Operations = append(in.Operations, kmsapi.GrantOperationRetireGrant)
	c := must[*kmsapi.CreateGrantResponse](t)(s.CreateGrant(ctx, me, in))
	list := func(id aws.Identity) *kmsapi.ListGrantsResponse {
		return must[*kmsapi.ListGrantsResponse](t)(s.ListRetirableGrants(ctx, id, &kmsapi.ListRetirableGrantsRequest{RetiringPrincipal: &friend.ARN}))
	}
	if l := list(friend); len(l.Grants) != 2 || *l.Grants[0].KeyId != arn || *l.Grants[0].IssuingAccount != "arn:aws:iam::111122223333:root" {
		t.Errorf("%+v", l.Grants)
	}
	_, err := s.ListRetirableGrants(ctx, me, &kmsapi.ListRetirableGrantsRequest{RetiringPrincipal: &friend.ARN})
	wantCode(t, "InvalidArnException", err)
	byToken, byID := &kmsapi.RetireGrantRequest{GrantToken: a.GrantToken}, &kmsapi.RetireGrantRequest{KeyId: &arn, GrantId: c.GrantId}
	stranger := aws.Identity{Kind: aws.Root, Account: "999999999999", Region: me.Region, ARN: "arn:aws:iam::999999999999:root"}
	for _, w := range []struct {
		who  aws.Identity
		in   *kmsapi.RetireGrantRequest
		want bool
	}{{friend, byToken, true}, {friend, byID, true}, {role, byToken, false}, {role, byID, true}, {me, byID, true}, {stranger, byID, false}} {
		if got := may(t, s, w.who, "RetireGrant", w.in); got != w.want {
			t.Errorf("%s may retire: %v", w.who.ARN, got)
		}
	}
	must[*kmsapi.RetireGrantOutput](t)(s.RetireGrant(ctx, friend, byToken))
	_, err = s.RetireGrant(ctx, friend, byToken)
	wantCode(t, "NotFoundException", err)
	if l := list(friend); len(l.Grants) != 1 || *l.Grants[0].GrantId != *c.GrantId {
		t.Errorf("%+v", l.Grants)
	}
	for _, bad := range []*kmsapi.RetireGrantRequest{{}, {GrantToken: a.GrantToken, KeyId: &arn}, {KeyId: &arn}} {
		_, err = s.RetireGrant(ctx, me, bad)
		wantCode(t, "ValidationException", err)
	}
	_, err = s.Encrypt(ctx, me, &kmsapi.EncryptRequest{KeyId: key, Plaintext: []byte("x"), GrantTokens: []string{"nonsense"}})
	wantCode(t, "InvalidGrantTokenException", err)
}

func TestListGrants(t *testing.T) {
	s, c := open(t)
	ctx := t.Context()
	key := newKey(t, s)
	for range 7 {
		grantTo(t, s, key, role, nil, kmsapi.GrantOperationDecrypt)
	}
	one := grantTo(t, s, key, friend, nil, kmsapi.GrantOperationDecrypt)
	n, in := 0, &kmsapi.ListGrantsRequest{KeyId: key, Limit: p(int32(3))}
	for {
		out := must[*kmsapi.ListGrantsResponse](t)(s.ListGrants(ctx, me, in))
		n += len(out.Grants)
		if in.Marker = out.NextMarker; !*out.Truncated {
			break
		}
	}
	if n != 8 {
		t.Errorf("%d grants", n)
	}
	for _, in := range []*kmsapi.ListGrantsRequest{{KeyId: key, GrantId: one.GrantId}, {KeyId: key, GranteePrincipal: &friend.ARN}} {
		if out := must[*kmsapi.ListGrantsResponse](t)(s.ListGrants(ctx, me, in)); len(out.Grants) != 1 || *out.Grants[0].GrantId != *one.GrantId {
			t.Errorf("%+v", out.Grants)
		}
	}
	_, err := s.ListGrants(ctx, me, &kmsapi.ListGrantsRequest{KeyId: key, Marker: p("!")})
	wantCode(t, "InvalidMarkerException", err)
	_, err = s.CreateGrant(ctx, me, &kmsapi.CreateGrantRequest{KeyId: key, GranteePrincipal: &role.RoleARN, Operations: []kmsapi.GrantOperation{kmsapi.GrantOperationSign}})
	wantCode(t, "ValidationException", err)
	_, err = s.CreateGrant(ctx, me, &kmsapi.CreateGrantRequest{KeyId: key, GranteePrincipal: p("nobody"), Operations: []kmsapi.GrantOperation{kmsapi.GrantOperationDecrypt}})
	wantCode(t, "InvalidArnException", err)
	// The grants go with their key.
	must[*kmsapi.ScheduleKeyDeletionResponse](t)(s.ScheduleKeyDeletion(ctx, me, &kmsapi.ScheduleKeyDeletionRequest{KeyId: key, PendingWindowInDays: p(int32(7))}))
	must[time.Time](t)(c.Advance(ctx, 8*24*time.Hour))
	_, err = s.ListGrants(ctx, me, &kmsapi.ListGrantsRequest{KeyId: key})
	wantCode(t, "NotFoundException", err)
}

// Keys of AWS services are used by way of their service only; everybody may look at them whom IAM lets.
func TestManagedKeysWantTheirService(t *testing.T) {
	s, _ := open(t)
	user := aws.Identity{Kind: aws.User, Account: me.Account, Region: me.Region, ARN: "arn:aws:iam::111122223333:user/u"}
	for range 2 { // before its first use, and after
		for _, c := range []struct {
			who  aws.Identity
			via  string
			want bool
		}{{user, "", false}, {me, "", false}, {user, "ssm.amazonaws.com", true}, {user, "ssm.eu-west-1.amazonaws.com", true}, {user, "s3.amazonaws.com", false}, {friend, "ssm.amazonaws.com", false}} {
			c.who.ViaService = c.via
			in := &kmsapi.EncryptRequest{KeyId: "arn:aws:kms:eu-west-1:111122223333:alias/aws/ssm", Plaintext: []byte("x")}
			if c.who.Account != me.Account {
				in.KeyId = "arn:aws:kms:eu-west-1:111122223333:alias/aws/ssm"
				if access, err := s.Access(t.Context(), c.who, "Encrypt", in); err == nil && len(access) == 1 && access[0].ResourcePolicy == "" {
					continue // not there yet: nothing says who may
				}
			}
			if got := may(t, s, c.who, "Encrypt", in); got != c.want {
				t.Errorf("%s via %q: %v", c.who.ARN, c.via, got)
			}
		}
		if !may(t, s, me, "DescribeKey", &kmsapi.DescribeKeyRequest{KeyId: "alias/aws/ssm"}) {
			t.Error("the account may not look at its key")
		}
		must[*kmsapi.DescribeKeyResponse](t)(s.DescribeKey(t.Context(), me, &kmsapi.DescribeKeyRequest{KeyId: "alias/aws/ssm"}))
	}
}

func TestRotationOnDemand(t *testing.T) {
	s, c := open(t)
	ctx := t.Context()
	key := newKey(t, s)
	must[*kmsapi.EnableKeyRotationOutput](t)(s.EnableKeyRotation(ctx, me, &kmsapi.EnableKeyRotationRequest{KeyId: key, RotationPeriodInDays: p(int32(90))}))
	for range 25 {
		must[*kmsapi.RotateKeyOnDemandResponse](t)(s.RotateKeyOnDemand(ctx, me, &kmsapi.RotateKeyOnDemandRequest{KeyId: key}))
	}
	_, err := s.RotateKeyOnDemand(ctx, me, &kmsapi.RotateKeyOnDemandRequest{KeyId: key})
	wantCode(t, "LimitExceededException", err)
	must[time.Time](t)(c.Advance(ctx, 91*24*time.Hour))
	var kinds []string
	in := &kmsapi.ListKeyRotationsRequest{KeyId: key, Limit: p(int32(10)), IncludeKeyMaterial: kmsapi.IncludeKeyMaterialAllKeyMaterial}
	for {
		out := must[*kmsapi.ListKeyRotationsResponse](t)(s.ListKeyRotations(ctx, me, in))
		for _, e := range out.Rotations {
			kinds = append(kinds, string(e.RotationType)+"/"+string(e.KeyMaterialState))
		}
		if in.Marker = out.NextMarker; !*out.Truncated {
			break
		}
	}
	want := "/NON_CURRENT" + strings.Repeat(" ON_DEMAND/NON_CURRENT", 25) + " AUTOMATIC/CURRENT"
	if got := strings.Join(kinds, " "); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	if out := must[*kmsapi.ListKeyRotationsResponse](t)(s.ListKeyRotations(ctx, me, &kmsapi.ListKeyRotationsRequest{KeyId: key})); len(out.Rotations) != 26 {
		t.Errorf("%d rotations", len(out.Rotations))
	}
}
