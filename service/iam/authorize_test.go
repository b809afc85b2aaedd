package iam_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/brume-dev/brume/api/iamapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/service/iam"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/memstore"
)

func memory(c clock.Clock) store.Store { return memstore.New(c) }

const getAny = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}`

var getObject = []aws.Access{{Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k"}}

func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// newUser makes a user with an access key and returns its identity.
func (w *world) newUser(t testing.TB, name string) (aws.Identity, string) {
	t.Helper()
	must[*iamapi.CreateUserResponse](t)(w.iam.CreateUser(t.Context(), root(account), &iamapi.CreateUserRequest{UserName: name}))
	k := must[*iamapi.CreateAccessKeyResponse](t)(w.iam.CreateAccessKey(t.Context(), root(account), &iamapi.CreateAccessKeyRequest{UserName: &name}))
	id, ok := w.who(t, k.AccessKey.AccessKeyId, "")
	if !ok {
		t.Fatal("the new key is not known")
	}
	return id, k.AccessKey.AccessKeyId
}

func TestBootstrap(t *testing.T) {
	w := newWorld(t, shaken)
	id, ok := w.who(t, iam.AdminKey, "")
	if !ok || id.Name != iam.AdminUser || id.Account != account {
		t.Fatalf("%+v %v", id, ok)
	}
	if err := w.iam.Authorize(t.Context(), id, getObject); err != nil {
		t.Error(err)
	}
	// What is deleted stays deleted.
	must[*iamapi.DeleteAccessKeyOutput](t)(w.iam.DeleteAccessKey(t.Context(), id, &iamapi.DeleteAccessKeyRequest{AccessKeyId: iam.AdminKey}))
	if err := w.iam.Bootstrap(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, ok := w.who(t, iam.AdminKey, ""); ok {
		t.Error("the key is back")
	}
}

// TestDenied: the code, status and text of a denial are those of the service that is asked for.
func TestDenied(t *testing.T) {
	w := newWorld(t, shaken)
	id, _ := w.newUser(t, "bob")
	for action, want := range map[string]string{
		"s3:GetObject":     "AccessDenied 403",
		"dynamodb:GetItem": "AccessDeniedException 400",
		"lambda:Invoke":    "AccessDeniedException 403",
		"sns:Publish":      "AuthorizationError 403",
		"iam:GetUser":      "AccessDenied 403",
	} {
		err := w.iam.Authorize(t.Context(), id, []aws.Access{{Action: action, Resource: "arn:x"}})
		info := aws.InfoOf(err)
		if got := fmt.Sprintf("%s %d", info.Code, info.Status); got != want {
			t.Errorf("%s: %s, want %s", action, got, want)
		}
		resource := "arn:x"
		if strings.HasPrefix(action, "s3:") {
			resource = `"arn:x"` // as S3 writes it
		}
		if want := "User: arn:aws:iam::000000000000:user/bob is not authorized to perform: " + action +
			" on resource: " + resource + " because no identity-based policy allows the " + action + " action"; info.Message != want {
			t.Errorf("got  %s\nwant %s", info.Message, want)
		}
	}
}

// TestExact: a change that was acknowledged is in force, whatever was decided and cached at the same time.
func TestExact(t *testing.T) {
	w := newWorld(t, shaken)
	id, _ := w.newUser(t, "bob")
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					w.iam.Authorize(t.Context(), id, getObject)
				}
			}
		})
	}
	changes := []struct {
		name    string
		change  func() error
		allowed bool
	}{
		{"inline", func() error {
			_, err := w.iam.PutUserPolicy(t.Context(), id, &iamapi.PutUserPolicyRequest{UserName: "bob", PolicyName: "p", PolicyDocument: getAny})
			return err
		}, true},
		{"boundary", func() error {
			_, err := w.iam.PutUserPermissionsBoundary(t.Context(), id, &iamapi.PutUserPermissionsBoundaryRequest{UserName: "bob",
				PermissionsBoundary: "arn:aws:iam::aws:policy/AmazonSQSFullAccess"})
			return err
		}, false},
		{"no boundary", func() error {
			_, err := w.iam.DeleteUserPermissionsBoundary(t.Context(), id, &iamapi.DeleteUserPermissionsBoundaryRequest{UserName: "bob"})
			return err
		}, true},
		{"no inline", func() error {
			_, err := w.iam.DeleteUserPolicy(t.Context(), id, &iamapi.DeleteUserPolicyRequest{UserName: "bob", PolicyName: "p"})
			return err
		}, false},
		{"attached", func() error {
			_, err := w.iam.AttachUserPolicy(t.Context(), id, &iamapi.AttachUserPolicyRequest{UserName: "bob",
				PolicyArn: "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"})
			return err
		}, true},
		{"detached", func() error {
			_, err := w.iam.DetachUserPolicy(t.Context(), id, &iamapi.DetachUserPolicyRequest{UserName: "bob",
				PolicyArn: "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"})
			return err
		}, false},
	}
	for range 5 {
		for _, c := range changes {
			if err := c.change(); err != nil {
				t.Fatal(err)
			}
			if err := w.iam.Authorize(t.Context(), id, getObject); (err == nil) != c.allowed {
				t.Fatalf("after %s: %v", c.name, err)
			}
		}
	}
	close(stop)
	wg.Wait()
}

// TestGroupsAndVersions: what a group may, its users may; a new default version is in force at once.
func TestGroupsAndVersions(t *testing.T) {
	w := newWorld(t, shaken)
	id, _ := w.newUser(t, "bob")
	admin := root(account)
	must[*iamapi.CreateGroupResponse](t)(w.iam.CreateGroup(t.Context(), admin, &iamapi.CreateGroupRequest{GroupName: "g"}))
	p := must[*iamapi.CreatePolicyResponse](t)(w.iam.CreatePolicy(t.Context(), admin, &iamapi.CreatePolicyRequest{PolicyName: "p", PolicyDocument: getAny}))
	must[*iamapi.AttachGroupPolicyOutput](t)(w.iam.AttachGroupPolicy(t.Context(), admin, &iamapi.AttachGroupPolicyRequest{GroupName: "g", PolicyArn: *p.Policy.Arn}))
	allowed := func(want bool, when string) {
		t.Helper()
		if err := w.iam.Authorize(t.Context(), id, getObject); (err == nil) != want {
			t.Errorf("%s: %v", when, err)
		}
	}
	allowed(false, "outside of the group")
	must[*iamapi.AddUserToGroupOutput](t)(w.iam.AddUserToGroup(t.Context(), admin, &iamapi.AddUserToGroupRequest{GroupName: "g", UserName: "bob"}))
	allowed(true, "in the group")
	yes := true
	must[*iamapi.CreatePolicyVersionResponse](t)(w.iam.CreatePolicyVersion(t.Context(), admin, &iamapi.CreatePolicyVersionRequest{
		PolicyArn: *p.Policy.Arn, SetAsDefault: &yes, PolicyDocument: strings.ReplaceAll(getAny, "Allow", "Deny")}))
	allowed(false, "by the new version")
	must[*iamapi.SetDefaultPolicyVersionOutput](t)(w.iam.SetDefaultPolicyVersion(t.Context(), admin, &iamapi.SetDefaultPolicyVersionRequest{
		PolicyArn: *p.Policy.Arn, VersionId: "v1"}))
	allowed(true, "by the old version")
	// A user of the same name is somebody else.
	must[*iamapi.RemoveUserFromGroupOutput](t)(w.iam.RemoveUserFromGroup(t.Context(), admin, &iamapi.RemoveUserFromGroupRequest{GroupName: "g", UserName: "bob"}))
	must[*iamapi.DeleteAccessKeyOutput](t)(w.iam.DeleteAccessKey(t.Context(), id, &iamapi.DeleteAccessKeyRequest{AccessKeyId: id.AccessKey}))
	must[*iamapi.DeleteUserOutput](t)(w.iam.DeleteUser(t.Context(), admin, &iamapi.DeleteUserRequest{UserName: "bob"}))
	must[*iamapi.CreateUserResponse](t)(w.iam.CreateUser(t.Context(), admin, &iamapi.CreateUserRequest{UserName: "bob"}))
	must[*iamapi.AddUserToGroupOutput](t)(w.iam.AddUserToGroup(t.Context(), admin, &iamapi.AddUserToGroupRequest{GroupName: "g", UserName: "bob"}))
	allowed(false, "with the old user's identity")
}

func TestKeys(t *testing.T) {
	w := newWorld(t, shaken)
	id, key := w.newUser(t, "bob")
	name := "bob"
	status := func(s iamapi.StatusType) {
		must[*iamapi.UpdateAccessKeyOutput](t)(w.iam.UpdateAccessKey(t.Context(), id, &iamapi.UpdateAccessKeyRequest{UserName: &name, AccessKeyId: key, Status: s}))
	}
	status(iamapi.StatusTypeInactive)
	c, _, known, err := w.iam.Key(t.Context(), key, "")
	if err != nil || !known || c.SessionToken == "" {
		t.Errorf("an inactive key is to be refused, not to be unknown: %+v %v %v", c, known, err)
	}
	status(iamapi.StatusTypeActive)
	if _, ok := w.who(t, key, ""); !ok {
		t.Error("the key is not active again")
	}
	newName := "robert"
	must[*iamapi.UpdateUserOutput](t)(w.iam.UpdateUser(t.Context(), id, &iamapi.UpdateUserRequest{UserName: name, NewUserName: &newName}))
	if id, _ := w.who(t, key, ""); id.Name != newName || !strings.HasSuffix(id.ARN, "user/robert") {
		t.Errorf("the key proves %s", id.ARN)
	}
	for _, unknown := range []string{"AKIAQAAAAAAAMZT5PYVA", "nothing", ""} {
		if _, ok := w.who(t, unknown, ""); ok {
			t.Errorf("%q is known", unknown)
		}
	}
}

// TestLastUsed: Run writes down the first use; later ones are known at once.
func TestLastUsed(t *testing.T) {
	w := newWorld(t, shaken)
	id, key := w.newUser(t, "bob")
	must[*iamapi.AttachUserPolicyOutput](t)(w.iam.AttachUserPolicy(t.Context(), id, &iamapi.AttachUserPolicyRequest{UserName: "bob",
		PolicyArn: "arn:aws:iam::aws:policy/AdministratorAccess"}))
	if err := w.iam.Authorize(t.Context(), id, getObject); err != nil {
		t.Fatal(err)
	}
	used := func(s *iam.Service) *iamapi.AccessKeyLastUsed {
		return must[*iamapi.GetAccessKeyLastUsedResponse](t)(s.GetAccessKeyLastUsed(t.Context(), root(account),
			&iamapi.GetAccessKeyLastUsedRequest{AccessKeyId: key})).AccessKeyLastUsed
	}
	if u := used(w.iam); u.LastUsedDate == nil || u.ServiceName != "s3" || u.Region != "us-east-1" {
		t.Errorf("%+v", u)
	}
	again := must[*iam.Service](t)(iam.New(iam.Config{Store: w.store, Clock: w.clock, Account: account}))
	if u := used(again); u.LastUsedDate != nil {
		t.Errorf("written without Run: %+v", u)
	}
	go w.iam.Run(t.Context())
	for used(again).LastUsedDate == nil {
		if t.Context().Err() != nil {
			t.Fatal("never written")
		}
	}
}

// TestAccess: an IAM call needs its action on the ARN of what it is about.
func TestAccess(t *testing.T) {
	w := newWorld(t, shaken)
	id, _ := w.newUser(t, "bob")
	path := "/team/"
	must[*iamapi.CreateUserResponse](t)(w.iam.CreateUser(t.Context(), root(account), &iamapi.CreateUserRequest{UserName: "ann", Path: &path,
		Tags: []iamapi.Tag{{Key: "k", Value: "v"}}}))
	for _, c := range []struct {
		op   string
		in   any
		want string
	}{
		{"GetUser", &iamapi.GetUserRequest{}, "iam:GetUser arn:aws:iam::000000000000:user/bob"},
		{"GetUser", &iamapi.GetUserRequest{UserName: ptr("ann")}, "iam:GetUser arn:aws:iam::000000000000:user/team/ann"},
		{"CreateUser", &iamapi.CreateUserRequest{UserName: "x", Path: &path}, "iam:CreateUser arn:aws:iam::000000000000:user/team/x"},
		{"ListUsers", &iamapi.ListUsersRequest{PathPrefix: &path}, "iam:ListUsers arn:aws:iam::000000000000:user/team/"},
		{"AddUserToGroup", &iamapi.AddUserToGroupRequest{GroupName: "g", UserName: "ann"}, "iam:AddUserToGroup arn:aws:iam::000000000000:group/g"},
		{"GetPolicy", &iamapi.GetPolicyRequest{PolicyArn: "arn:aws:iam::aws:policy/X"}, "iam:GetPolicy arn:aws:iam::aws:policy/X"},
		{"GetAccountSummary", &iamapi.GetAccountSummaryInput{}, "iam:GetAccountSummary *"},
		{"AddRoleToInstanceProfile", &iamapi.AddRoleToInstanceProfileRequest{InstanceProfileName: "p", RoleName: "r"},
			"iam:AddRoleToInstanceProfile arn:aws:iam::000000000000:instance-profile/p iam:PassRole arn:aws:iam::000000000000:role/r"},
		{"CreateServiceLinkedRole", &iamapi.CreateServiceLinkedRoleRequest{AWSServiceName: "lambda.amazonaws.com"},
			"iam:CreateServiceLinkedRole arn:aws:iam::000000000000:role/aws-service-role/lambda.amazonaws.com/AWSServiceRoleForLambda"},
	} {
		access := must[[]aws.Access](t)(w.iam.Access(t.Context(), id, c.op, c.in))
		var got []string
		for _, a := range access {
			got = append(got, a.Action, a.Resource)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("got  %s\nwant %s", strings.Join(got, " "), c.want)
		}
	}
	a := must[[]aws.Access](t)(w.iam.Access(t.Context(), id, "AttachUserPolicy", &iamapi.AttachUserPolicyRequest{UserName: "ann", PolicyArn: "arn:aws:iam::aws:policy/X"}))[0]
	if a.Context["iam:PolicyARN"][0] != "arn:aws:iam::aws:policy/X" || a.Context["iam:ResourceTag/k"][0] != "v" || !strings.HasSuffix(a.Resource, "user/team/ann") {
		t.Errorf("%+v", a)
	}
}

func ptr[T any](v T) *T { return &v }

func TestQuotas(t *testing.T) {
	w := newWorld(t, memory)
	admin := root(account)
	must[*iamapi.CreateGroupResponse](t)(w.iam.CreateGroup(t.Context(), admin, &iamapi.CreateGroupRequest{GroupName: "g"}))
	check := func(err error, code, text string) {
		t.Helper()
		if info := aws.InfoOf(err); info.Code != code || info.Message != text {
			t.Errorf("got %s: %s", info.Code, info.Message)
		}
	}
	for i := range 11 {
		p := must[*iamapi.CreatePolicyResponse](t)(w.iam.CreatePolicy(t.Context(), admin, &iamapi.CreatePolicyRequest{PolicyName: fmt.Sprint("p", i), PolicyDocument: getAny}))
		_, err := w.iam.AttachGroupPolicy(t.Context(), admin, &iamapi.AttachGroupPolicyRequest{GroupName: "g", PolicyArn: *p.Policy.Arn})
		if i < 10 && err != nil {
			t.Fatal(err)
		}
		if i == 10 {
			check(err, "LimitExceeded", "Cannot exceed quota for PoliciesPerGroup: 10")
		}
	}
	large := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::` + strings.Repeat("x", 6200) + `"}]}`
	_, err := w.iam.CreatePolicy(t.Context(), admin, &iamapi.CreatePolicyRequest{PolicyName: "large", PolicyDocument: large})
	check(err, "LimitExceeded", "Cannot exceed quota for PolicySize: 6144")
	_, err = w.iam.PutGroupPolicy(t.Context(), admin, &iamapi.PutGroupPolicyRequest{GroupName: "g", PolicyName: "large", PolicyDocument: large})
	check(err, "LimitExceeded", "Maximum policy size of 5120 bytes exceeded for group g")
	// White space does not count, but is kept.
	wide := strings.ReplaceAll(getAny, " ", "") + strings.Repeat(" ", 100_000)
	must[*iamapi.PutGroupPolicyOutput](t)(w.iam.PutGroupPolicy(t.Context(), admin, &iamapi.PutGroupPolicyRequest{GroupName: "g", PolicyName: "wide", PolicyDocument: wide}))
	l := must[*iamapi.ListGroupPoliciesResponse](t)(w.iam.ListGroupPolicies(t.Context(), admin, &iamapi.ListGroupPoliciesRequest{GroupName: "g"}))
	if len(l.PolicyNames) != 1 {
		t.Errorf("%q", l.PolicyNames)
	}
}

func BenchmarkAuthorize(b *testing.B) {
	w := newWorld(b, memory)
	id, key := w.newUser(b, "bob")
	must[*iamapi.PutUserPolicyOutput](b)(w.iam.PutUserPolicy(b.Context(), id, &iamapi.PutUserPolicyRequest{UserName: "bob", PolicyName: "p", PolicyDocument: getAny}))
	b.Run("identity", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := w.iam.Authorize(b.Context(), id, getObject); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("resource", func(b *testing.B) {
		access := []aws.Access{{Action: "lambda:InvokeFunction", Resource: "arn:aws:lambda:us-east-1:000000000000:function:f",
			ResourcePolicy: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"lambda:InvokeFunction","Resource":"arn:aws:lambda:us-east-1:000000000000:function:f","Condition":{"ArnLike":{"AWS:SourceArn":"arn:aws:events:us-east-1:000000000000:rule/*"}}}]}`}}
		service := aws.ForService("events.amazonaws.com", account, "us-east-1", "arn:aws:events:us-east-1:000000000000:rule/r", aws.Request{})
		b.ReportAllocs()
		for b.Loop() {
			if err := w.iam.Authorize(b.Context(), service, access); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("key", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, _, ok, err := w.iam.Key(b.Context(), key, ""); !ok || err != nil {
				b.Fatal(err)
			}
		}
	})
}
