package sts_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/brume-dev/brume/api/iamapi"
	"github.com/brume-dev/brume/api/stsapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/dispatch"
	"github.com/brume-dev/brume/service/iam"
	"github.com/brume-dev/brume/service/sts"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/storetest"
)

const account = "000000000000"

type world struct {
	iam   *iam.Service
	sts   *sts.Service
	table *dispatch.Table
	clock *clock.Virtual
	store store.Store
	t     testing.TB
}

func newWorld(t testing.TB) *world {
	c := clock.Frozen(time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC))
	w := &world{clock: c, t: t, store: storetest.Shaken(storetest.Split(c, 3), 7)}
	w.start()
	return w
}

// start makes the services, as after a restart.
func (w *world) start() {
	w.t.Helper()
	random := rand.NewChaCha8([32]byte{byte(w.clock.Now().Unix())})
	var err error
	if w.iam, err = iam.New(iam.Config{Store: w.store, Clock: w.clock, Account: account, Random: random}); err != nil {
		w.t.Fatal(err)
	}
	if w.sts, err = sts.New(sts.Config{Store: w.store, Clock: w.clock, Entities: w.iam, Policies: w.iam, Random: random}); err != nil {
		w.t.Fatal(err)
	}
	if err := w.iam.Bootstrap(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	w.table = dispatch.New(dispatch.Config{Policies: w.iam})
	w.table.Register(iamapi.Service, w.iam)
	w.table.Register(stsapi.Service, w.sts)
}

func root(account string) aws.Identity {
	return aws.Identity{Kind: aws.Root, Account: account, Region: "us-east-1", PrincipalID: account, ARN: "arn:aws:iam::" + account + ":root"}
}

// who is what the gateway makes of a key and a token.
func (w *world) who(c *stsapi.Credentials) (aws.Identity, bool) {
	w.t.Helper()
	creds, id, ok, err := w.sts.Key(w.t.Context(), c.AccessKeyId, c.SessionToken)
	if err != nil {
		w.t.Fatal(err)
	}
	id.Region, id.AccessKey = "us-east-1", c.AccessKeyId
	return id, ok && creds.SessionToken == c.SessionToken && creds.SecretAccessKey == c.SecretAccessKey &&
		w.clock.Now().Before(creds.Expires)
}

func (w *world) admin() aws.Identity {
	w.t.Helper()
	_, id, ok, err := w.iam.Key(w.t.Context(), iam.AdminKey, "")
	if err != nil || !ok {
		w.t.Fatal("no admin", err)
	}
	id.Region = "us-east-1"
	return id
}

// call runs an operation through the table and returns the code and text of its error.
func call[O any](w *world, id aws.Identity, op string, in any) (*O, string) {
	w.t.Helper()
	svc, name, _ := strings.Cut(op, ":")
	out, err := w.table.Call(w.t.Context(), id, aws.Op{Service: svc, Name: name}, in)
	if err != nil {
		info := aws.InfoOf(err)
		return nil, info.Code + ": " + info.Message
	}
	return out.(*O), ""
}

func (w *world) role(acct, name, trust string, tags ...iamapi.Tag) string {
	w.t.Helper()
	max := int32(7200)
	out, msg := call[iamapi.CreateRoleResponse](w, root(acct), "iam:CreateRole", &iamapi.CreateRoleRequest{RoleName: name,
		AssumeRolePolicyDocument: `{"Version":"2012-10-17","Statement":[` + trust + `]}`, MaxSessionDuration: &max, Tags: tags})
	if msg != "" {
		w.t.Fatal(msg)
	}
	return out.Role.Arn
}

func (w *world) permit(role, actions string) {
	w.t.Helper()
	_, msg := call[iamapi.PutRolePolicyOutput](w, root(account), "iam:PutRolePolicy", &iamapi.PutRolePolicyRequest{RoleName: role, PolicyName: "p",
		PolicyDocument: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":` + actions + `,"Resource":"*"}]}`})
	if msg != "" {
		w.t.Fatal(msg)
	}
}

func (w *world) may(id aws.Identity, action string) bool {
	return w.iam.Authorize(w.t.Context(), id, []aws.Access{{Action: action, Resource: "*"}}) == nil
}

const trustAccount = `{"Effect":"Allow","Principal":{"AWS":"000000000000"},"Action":["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"]}`

func ptr[T any](v T) *T { return &v }

func TestAssumeRole(t *testing.T) {
	w := newWorld(t)
	arn := w.role(account, "r", trustAccount, iamapi.Tag{Key: "Team", Value: "red"})
	w.permit("r", `["s3:*","sqs:*"]`)
	out, msg := call[stsapi.AssumeRoleResponse](w, w.admin(), "sts:AssumeRole", &stsapi.AssumeRoleRequest{RoleArn: arn, RoleSessionName: "s1"})
	if msg != "" {
		t.Fatal(msg)
	}
	if want := "arn:aws:sts::000000000000:assumed-role/r/s1"; out.AssumedRoleUser.Arn != want || !strings.HasSuffix(out.AssumedRoleUser.AssumedRoleId, ":s1") {
		t.Errorf("%+v", out.AssumedRoleUser)
	}
	if c := out.Credentials; !strings.HasPrefix(c.AccessKeyId, "ASIA") || len(c.AccessKeyId) != 20 || len(c.SecretAccessKey) != 40 || out.PackedPolicySize != nil ||
		!c.Expiration.Equal(w.clock.Now().Add(time.Hour)) {
		t.Errorf("%+v", c)
	}
	id, ok := w.who(out.Credentials)
	if !ok || id.Kind != aws.AssumedRole || id.RoleARN != arn || id.Tags["Team"] != "red" {
		t.Fatalf("%+v %v", id, ok)
	}
	if !w.may(id, "s3:GetObject") || w.may(id, "sns:Publish") {
		t.Error("the session may not what its role may")
	}
	who, msg := call[stsapi.GetCallerIdentityResponse](w, id, "sts:GetCallerIdentity", &stsapi.GetCallerIdentityRequest{})
	if msg != "" || *who.Arn != out.AssumedRoleUser.Arn || *who.UserId != out.AssumedRoleUser.AssumedRoleId || *who.Account != account {
		t.Errorf("%+v %s", who, msg)
	}
	info, msg := call[stsapi.GetAccessKeyInfoResponse](w, w.admin(), "sts:GetAccessKeyInfo", &stsapi.GetAccessKeyInfoRequest{AccessKeyId: out.Credentials.AccessKeyId})
	if msg != "" || *info.Account != account {
		t.Errorf("%+v %s", info, msg)
	}
	// A change of the role's policy is in force for sessions that there are.
	w.permit("r", `"sns:*"`)
	if w.may(id, "s3:GetObject") || !w.may(id, "sns:Publish") {
		t.Error("the session keeps what its role lost")
	}
}

// TestTokens: a session outlives a restart, ends in time, and a token is good with its own key only.
func TestTokens(t *testing.T) {
	w := newWorld(t)
	arn := w.role(account, "r", trustAccount)
	assume := func() *stsapi.Credentials {
		out, msg := call[stsapi.AssumeRoleResponse](w, w.admin(), "sts:AssumeRole", &stsapi.AssumeRoleRequest{RoleArn: arn, RoleSessionName: "s1"})
		if msg != "" {
			t.Fatal(msg)
		}
		return out.Credentials
	}
	a, b := assume(), assume()
	w.start()
	for _, c := range []*stsapi.Credentials{a, b} {
		if _, ok := w.who(c); !ok {
			t.Error("forgotten at the restart")
		}
	}
	refused := func(what, key, token string) {
		t.Helper()
		creds, _, known, err := w.sts.Key(t.Context(), key, token)
		if err != nil || !known || creds.SessionToken == token {
			t.Errorf("%s: known %v, token %v, %v", what, known, creds.SessionToken == token, err)
		}
	}
	refused("another's token", a.AccessKeyId, b.SessionToken)
	refused("no token", a.AccessKeyId, "")
	refused("a changed token", a.AccessKeyId, a.SessionToken[:len(a.SessionToken)-4]+"AAAA")
	refused("a cut token", a.AccessKeyId, a.SessionToken[:40])
	for _, key := range []string{"AKIAQAAAAAAAMZT5PYVB", "ASIAIOSFODNN7EXAMPLE", "ASIA", "test"} {
		if _, _, known, err := w.sts.Key(t.Context(), key, "IQoJb3JpZ2luX2Vj"); known || err != nil {
			t.Errorf("%s is known, %v", key, err)
		}
	}
	if _, err := w.clock.Advance(t.Context(), time.Hour); err != nil {
		t.Fatal(err)
	}
	if _, ok := w.who(a); ok {
		t.Error("the session has not ended")
	}
	// A role of the same name is another role.
	c := assume()
	for range 2 {
		if _, msg := call[iamapi.DeleteRoleOutput](w, root(account), "iam:DeleteRole", &iamapi.DeleteRoleRequest{RoleName: "r"}); msg != "" {
			t.Fatal(msg)
		}
		refused("a session of a deleted role", c.AccessKeyId, c.SessionToken)
		w.role(account, "r", trustAccount)
		refused("a session of the role before", c.AccessKeyId, c.SessionToken)
	}
}

func TestTrust(t *testing.T) {
	w := newWorld(t)
	conditions := w.role(account, "conditions", `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::000000000000:user/admin"},"Action":"sts:AssumeRole",
		"Condition":{"StringEquals":{"sts:ExternalId":"secret"},"StringLike":{"sts:RoleSessionName":"ok-*"}}}`)
	foreign := w.role("111122223333", "foreign", `{"Effect":"Allow","Principal":{"AWS":"000000000000"},"Action":"sts:AssumeRole"}`)
	closed := w.role(account, "closed", `{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}`)
	w.role(account, "poor", trustAccount)
	poor := aws.Identity{}
	if out, msg := call[stsapi.AssumeRoleResponse](w, w.admin(), "sts:AssumeRole", &stsapi.AssumeRoleRequest{
		RoleArn: "arn:aws:iam::000000000000:role/poor", RoleSessionName: "s1"}); msg != "" {
		t.Fatal(msg)
	} else {
		poor, _ = w.who(out.Credentials)
	}
	refusal := func(who, role string) string {
		return "AccessDenied: User: " + who + " is not authorized to perform: sts:AssumeRole on resource: " + role
	}
	const admin, poorly = "arn:aws:iam::000000000000:user/admin", "arn:aws:sts::000000000000:assumed-role/poor/s1"
	for name, c := range map[string]struct {
		id   aws.Identity
		in   stsapi.AssumeRoleRequest
		want string
	}{
		"with the secret":     {w.admin(), stsapi.AssumeRoleRequest{RoleArn: conditions, RoleSessionName: "ok-1", ExternalId: ptr("secret")}, ""},
		"wrong secret":        {w.admin(), stsapi.AssumeRoleRequest{RoleArn: conditions, RoleSessionName: "ok-1", ExternalId: ptr("other")}, refusal(admin, conditions)},
		"no secret":           {w.admin(), stsapi.AssumeRoleRequest{RoleArn: conditions, RoleSessionName: "ok-1"}, refusal(admin, conditions)},
		"wrong session name":  {w.admin(), stsapi.AssumeRoleRequest{RoleArn: conditions, RoleSessionName: "bad", ExternalId: ptr("secret")}, refusal(admin, conditions)},
		"another account":     {w.admin(), stsapi.AssumeRoleRequest{RoleArn: foreign, RoleSessionName: "s1"}, ""},
		"not trusted":         {w.admin(), stsapi.AssumeRoleRequest{RoleArn: closed, RoleSessionName: "s1"}, refusal(admin, closed)},
		"not there":           {w.admin(), stsapi.AssumeRoleRequest{RoleArn: closed + "x", RoleSessionName: "s1"}, refusal(admin, closed+"x")},
		"not there, for root": {root(account), stsapi.AssumeRoleRequest{RoleArn: closed + "x", RoleSessionName: "s1"}, refusal("arn:aws:iam::000000000000:root", closed+"x")},
		"root, not trusted":   {root(account), stsapi.AssumeRoleRequest{RoleArn: closed, RoleSessionName: "s1"}, refusal("arn:aws:iam::000000000000:root", closed)},
		"account trusted, no identity policy": {poor, stsapi.AssumeRoleRequest{RoleArn: "arn:aws:iam::000000000000:role/poor", RoleSessionName: "s1"},
			refusal(poorly, "arn:aws:iam::000000000000:role/poor")},
		"no ARN":     {w.admin(), stsapi.AssumeRoleRequest{RoleArn: "twenty-characters-long", RoleSessionName: "s1"}, "ValidationError: twenty-characters-long is invalid"},
		"no session": {w.admin(), stsapi.AssumeRoleRequest{RoleArn: conditions, ExternalId: ptr("secret")}, refusal(admin, conditions)},
	} {
		if _, msg := call[stsapi.AssumeRoleResponse](w, c.id, "sts:AssumeRole", &c.in); msg != c.want {
			t.Errorf("%s\n got %s\nwant %s", name, msg, c.want)
		}
	}
}

func TestSessionPolicies(t *testing.T) {
	w := newWorld(t)
	arn := w.role(account, "r", trustAccount)
	w.permit("r", `["s3:*","sqs:*"]`)
	out, msg := call[stsapi.AssumeRoleResponse](w, w.admin(), "sts:AssumeRole", &stsapi.AssumeRoleRequest{RoleArn: arn, RoleSessionName: "s1",
		Policy:     ptr(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sqs:SendMessage","Resource":"*"}]}`),
		PolicyArns: []stsapi.PolicyDescriptorType{{Arn: ptr("arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")}}})
	if msg != "" || out.PackedPolicySize == nil {
		t.Fatal(msg, out)
	}
	id, _ := w.who(out.Credentials)
	for action, want := range map[string]bool{"s3:GetObject": true, "s3:PutObject": false, "sqs:SendMessage": true, "sqs:PurgeQueue": false, "sns:Publish": false} {
		if w.may(id, action) != want {
			t.Errorf("%s: %v", action, !want)
		}
	}
	for name, c := range map[string]struct {
		in   stsapi.AssumeRoleRequest
		want string
	}{
		"malformed": {stsapi.AssumeRoleRequest{Policy: ptr(`{`)}, "MalformedPolicyDocument: This policy contains invalid Json"},
		"no policy": {stsapi.AssumeRoleRequest{PolicyArns: []stsapi.PolicyDescriptorType{{Arn: ptr("arn:aws:iam::aws:policy/Nothing")}}}, "MalformedPolicyDocument: Policy arn:aws:iam::aws:policy/Nothing does not exist."},
		"too long": {stsapi.AssumeRoleRequest{Policy: ptr(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sqs:SendMessage","Resource":"*"}]}` + strings.Repeat(" ", 2048))},
			"ValidationError: 1 validation error detected: Value at 'policy' failed to satisfy constraint: Member must have length less than or equal to 2048"},
		"duration": {stsapi.AssumeRoleRequest{DurationSeconds: ptr(int32(7201))}, "ValidationError: The requested DurationSeconds exceeds the MaxSessionDuration set for this role."},
		"too short": {stsapi.AssumeRoleRequest{DurationSeconds: ptr(int32(60))},
			"ValidationError: 1 validation error detected: Value '60' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900"},
		"code": {stsapi.AssumeRoleRequest{SerialNumber: ptr("arn:aws:iam::000000000000:mfa/x"), TokenCode: ptr("123456")}, "AccessDenied: MultiFactorAuthentication failed with invalid MFA one time pass code. "},
	} {
		c.in.RoleArn, c.in.RoleSessionName = arn, "s1"
		if _, msg := call[stsapi.AssumeRoleResponse](w, w.admin(), "sts:AssumeRole", &c.in); msg != c.want {
			t.Errorf("%s\n got %s\nwant %s", name, msg, c.want)
		}
	}
}

// TestChain: transitive tags and the source identity pass on to further sessions, which last for an hour at most.
func TestChain(t *testing.T) {
	w := newWorld(t)
	first := w.role(account, "first", trustAccount, iamapi.Tag{Key: "team", Value: "blue"})
	second := w.role(account, "second", trustAccount)
	w.permit("first", `"sts:*"`)
	tags := []stsapi.Tag{{Key: "Team", Value: "red"}, {Key: "cost", Value: "7"}}
	assume := func(id aws.Identity, in stsapi.AssumeRoleRequest) (aws.Identity, string) {
		in.RoleSessionName = "s1"
		out, msg := call[stsapi.AssumeRoleResponse](w, id, "sts:AssumeRole", &in)
		if msg != "" {
			return aws.Identity{}, msg
		}
		got, _ := w.who(out.Credentials)
		return got, ""
	}
	id, msg := assume(w.admin(), stsapi.AssumeRoleRequest{RoleArn: first, Tags: tags, TransitiveTagKeys: []string{"Team"}, SourceIdentity: ptr("alice")})
	if msg != "" || id.Tags["Team"] != "red" || id.Tags["cost"] != "7" || len(id.Tags) != 2 || id.SourceIdentity != "alice" {
		t.Fatalf("%+v %s", id, msg)
	}
	next, msg := assume(id, stsapi.AssumeRoleRequest{RoleArn: second})
	if msg != "" || next.Tags["Team"] != "red" || len(next.Tags) != 1 || next.SourceIdentity != "alice" {
		t.Fatalf("%+v %s", next, msg)
	}
	for name, c := range map[string]struct {
		id   aws.Identity
		in   stsapi.AssumeRoleRequest
		want string
	}{
		"too long": {id, stsapi.AssumeRoleRequest{RoleArn: second, DurationSeconds: ptr(int32(3601))},
			"ValidationError: The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."},
		"tag again": {id, stsapi.AssumeRoleRequest{RoleArn: second, Tags: tags[:1]},
			"InvalidParameterValue: One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session."},
		"source again": {id, stsapi.AssumeRoleRequest{RoleArn: second, SourceIdentity: ptr("bob")},
			"AccessDenied: User: arn:aws:sts::000000000000:assumed-role/first/s1 is not authorized to perform: sts:AssumeRole on resource: " + second},
		"twice": {w.admin(), stsapi.AssumeRoleRequest{RoleArn: first, Tags: []stsapi.Tag{{Key: "a"}, {Key: "A"}}},
			"InvalidParameterValue: Duplicate tag keys found. Please note that Tag keys are case insensitive."},
		"not there": {w.admin(), stsapi.AssumeRoleRequest{RoleArn: first, TransitiveTagKeys: []string{"x"}},
			"InvalidParameterValue: The specified transitive tag key must be included in the requested tags."},
	} {
		if _, msg := assume(c.id, c.in); msg != c.want {
			t.Errorf("%s\n got %s\nwant %s", name, msg, c.want)
		}
	}
	// Tags need their own permission in the trust policy.
	plain := w.role(account, "plain", `{"Effect":"Allow","Principal":{"AWS":"000000000000"},"Action":"sts:AssumeRole"}`)
	if _, msg := assume(w.admin(), stsapi.AssumeRoleRequest{RoleArn: plain, Tags: tags}); !strings.Contains(msg, "is not authorized to perform: sts:TagSession on resource: "+plain) {
		t.Error(msg)
	}
}

func TestUserSessions(t *testing.T) {
	w := newWorld(t)
	out, msg := call[stsapi.GetSessionTokenResponse](w, w.admin(), "sts:GetSessionToken", &stsapi.GetSessionTokenRequest{})
	if msg != "" {
		t.Fatal(msg)
	}
	id, ok := w.who(out.Credentials)
	if !ok || id.Kind != aws.User || id.Name != "admin" || !out.Credentials.Expiration.Equal(w.clock.Now().Add(12*time.Hour)) || !w.may(id, "s3:GetObject") {
		t.Errorf("%+v %v", id, ok)
	}
	if _, msg := call[stsapi.GetSessionTokenResponse](w, id, "sts:GetSessionToken", &stsapi.GetSessionTokenRequest{}); msg != "AccessDenied: Cannot call GetSessionToken with session credentials" {
		t.Error(msg)
	}
	// The root user's are shorter.
	if out, msg := call[stsapi.GetSessionTokenResponse](w, root(account), "sts:GetSessionToken", &stsapi.GetSessionTokenRequest{}); msg != "" ||
		!out.Credentials.Expiration.Equal(w.clock.Now().Add(time.Hour)) {
		t.Error(out, msg)
	} else if id, ok := w.who(out.Credentials); !ok || id.Kind != aws.Root || !w.may(id, "s3:GetObject") {
		t.Errorf("%+v", id)
	}
	for _, caller := range []aws.Identity{w.admin(), root(account)} {
		limited, msg := call[stsapi.GetFederationTokenResponse](w, caller, "sts:GetFederationToken", &stsapi.GetFederationTokenRequest{Name: "fred",
			Policy: ptr(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}`)})
		if msg != "" || limited.FederatedUser.Arn != "arn:aws:sts::000000000000:federated-user/fred" || limited.FederatedUser.FederatedUserId != "000000000000:fred" {
			t.Fatal(limited, msg)
		}
		id, ok = w.who(limited.Credentials)
		if !ok || !w.may(id, "s3:GetObject") || w.may(id, "s3:PutObject") {
			t.Errorf("%+v %v", id, ok)
		}
		bare, msg := call[stsapi.GetFederationTokenResponse](w, caller, "sts:GetFederationToken", &stsapi.GetFederationTokenRequest{Name: "fred"})
		if msg != "" {
			t.Fatal(msg)
		}
		if id, _ = w.who(bare.Credentials); w.may(id, "s3:GetObject") {
			t.Error("a federated user without a policy may do something")
		}
	}
	// A user who is gone takes the sessions along.
	if _, err := w.iam.DeleteAccessKey(t.Context(), root(account), &iamapi.DeleteAccessKeyRequest{UserName: ptr("admin"), AccessKeyId: "test"}); err != nil {
		t.Fatal(err)
	}
	if _, msg := call[iamapi.DetachUserPolicyOutput](w, root(account), "iam:DetachUserPolicy", &iamapi.DetachUserPolicyRequest{UserName: "admin", PolicyArn: "arn:aws:iam::aws:policy/AdministratorAccess"}); msg != "" {
		t.Fatal(msg)
	}
	if _, msg := call[iamapi.DeleteUserOutput](w, root(account), "iam:DeleteUser", &iamapi.DeleteUserRequest{UserName: "admin"}); msg != "" {
		t.Fatal(msg)
	}
	if _, ok := w.who(out.Credentials); ok {
		t.Error("the session of a deleted user goes on")
	}
}

func TestRoles(t *testing.T) {
	w := newWorld(t)
	arn := w.role(account, "r", `{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}`)
	w.permit("r", `"s3:*"`)
	lambda := aws.ForService("lambda.amazonaws.com", account, "eu-west-1", "", aws.Request{ID: "1"})
	id, c, err := w.sts.Assume(t.Context(), lambda, arn, "f")
	if err != nil || id.ARN != "arn:aws:sts::000000000000:assumed-role/r/f" || id.Region != "eu-west-1" || id.Request.ID != "1" || !w.may(id, "s3:GetObject") {
		t.Fatalf("%+v %v", id, err)
	}
	lambda.Request.ID = "2"
	again, d, err := w.sts.Assume(t.Context(), lambda, arn, "f")
	if err != nil || d != c || again.Request.ID != "2" {
		t.Error("not kept", err)
	}
	if _, other, _ := w.sts.Assume(t.Context(), lambda, arn, "g"); other == c {
		t.Error("two sessions share their credentials")
	}
	if _, err := w.clock.Advance(t.Context(), 11*time.Hour); err != nil {
		t.Fatal(err)
	}
	if _, d, err := w.sts.Assume(t.Context(), lambda, arn, "f"); err != nil || d == c || d.Expires.Sub(w.clock.Now()) < 2*time.Hour {
		t.Error("not renewed", err)
	}
	events := aws.ForService("events.amazonaws.com", account, "eu-west-1", "", aws.Request{})
	_, _, err = w.sts.Assume(t.Context(), events, arn, "f")
	if info := aws.InfoOf(err); info.Code != "AccessDenied" || info.Message != "User: events.amazonaws.com is not authorized to perform: sts:AssumeRole on resource: "+arn {
		t.Errorf("%v", err)
	}
	// The trust policy in force decides, also where credentials are kept.
	if _, msg := call[iamapi.UpdateAssumeRolePolicyOutput](w, root(account), "iam:UpdateAssumeRolePolicy", &iamapi.UpdateAssumeRolePolicyRequest{RoleName: "r",
		PolicyDocument: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"sts:AssumeRole"}]}`}); msg != "" {
		t.Fatal(msg)
	}
	if _, _, err := w.sts.Assume(t.Context(), lambda, arn, "f"); aws.CodeOf(err) != "AccessDenied" {
		t.Error(err)
	}
	if _, _, err := w.sts.Assume(t.Context(), w.admin(), arn, "f"); err == nil {
		t.Error("a user is no service")
	}
}

func BenchmarkKey(b *testing.B) {
	w := newWorld(b)
	arn := w.role(account, "r", trustAccount)
	out, msg := call[stsapi.AssumeRoleResponse](w, w.admin(), "sts:AssumeRole", &stsapi.AssumeRoleRequest{RoleArn: arn, RoleSessionName: "s1"})
	if msg != "" {
		b.Fatal(msg)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, ok, err := w.sts.Key(b.Context(), out.Credentials.AccessKeyId, out.Credentials.SessionToken); !ok || err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAssume(b *testing.B) {
	w := newWorld(b)
	arn := w.role(account, "r", `{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}`)
	lambda := aws.ForService("lambda.amazonaws.com", account, "eu-west-1", "", aws.Request{})
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := w.sts.Assume(b.Context(), lambda, arn, "f"); err != nil {
			b.Fatal(err)
		}
	}
}
