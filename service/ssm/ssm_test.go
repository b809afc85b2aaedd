package ssm_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/brume-dev/brume/api/kmsapi"
	"github.com/brume-dev/brume/api/ssmapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/dispatch"
	"github.com/brume-dev/brume/dispatch/script"
	"github.com/brume-dev/brume/service/ssm"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/memstore"
	"github.com/brume-dev/brume/store/storetest"
	"github.com/brume-dev/brume/timer"
)

// vault is a KMS whose ciphertexts say what they are. It knows every key but alias/none, and denies alias/secret to bob.
type vault struct{ kmsapi.Handler }

type box struct {
	Key     string
	Context map[string]string
	Plain   []byte
}

func (vault) check(id aws.Identity, key string) error {
	switch {
	case id.ViaService != "ssm.amazonaws.com":
		return aws.Errorf("AccessDeniedException", http.StatusBadRequest, "only through Parameter Store")
	case key == "alias/none":
		return &kmsapi.NotFoundException{Message: "Alias arn:aws:kms:us-east-1:000000000000:alias/none is not found."}
	case key == "alias/secret" && strings.HasSuffix(id.ARN, "bob"):
		return aws.Errorf("AccessDeniedException", http.StatusBadRequest, "bob may not use the key")
	}
	return nil
}

func (v vault) Encrypt(_ context.Context, id aws.Identity, in *kmsapi.EncryptRequest) (*kmsapi.EncryptResponse, error) {
	if err := v.check(id, in.KeyId); err != nil {
		return nil, err
	}
	b, err := json.Marshal(box{in.KeyId, in.EncryptionContext, in.Plaintext})
	return &kmsapi.EncryptResponse{CiphertextBlob: b}, err
}

func (v vault) GenerateDataKey(_ context.Context, id aws.Identity, in *kmsapi.GenerateDataKeyRequest) (*kmsapi.GenerateDataKeyResponse, error) {
	if err := v.check(id, in.KeyId); err != nil {
		return nil, err
	}
	key := sha256.Sum256([]byte(in.KeyId))
	b, err := json.Marshal(box{in.KeyId, in.EncryptionContext, key[:]})
	return &kmsapi.GenerateDataKeyResponse{CiphertextBlob: b, Plaintext: key[:]}, err
}

func (v vault) Decrypt(_ context.Context, id aws.Identity, in *kmsapi.DecryptRequest) (*kmsapi.DecryptResponse, error) {
	var b box
	if err := json.Unmarshal(in.CiphertextBlob, &b); err != nil {
		return nil, err
	}
	if err := v.check(id, b.Key); err != nil {
		return nil, err
	}
	if b.Context["PARAMETER_ARN"] != in.EncryptionContext["PARAMETER_ARN"] {
		return nil, &kmsapi.InvalidCiphertextException{}
	}
	return &kmsapi.DecryptResponse{Plaintext: b.Plain}, nil
}

var begin = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// platform is the service on a table with vault, on a store of its own.
func platform(t *testing.T, wrap func(store.Store) store.Store) (*dispatch.Table, *ssm.Service, *clock.Virtual) {
	t.Helper()
	c := clock.Frozen(begin)
	s := wrap(memstore.New(c))
	runner := timer.New(timer.Config{Store: s, Clock: c})
	table := dispatch.New(dispatch.Config{})
	service, err := ssm.New(ssm.Config{Store: s, Caller: table, Timer: runner})
	if err != nil {
		t.Fatal(err)
	}
	table.Register(ssmapi.Service, service)
	table.Register(kmsapi.Service, vault{})
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- runner.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		<-done
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	c.Settle(runner.Settle)
	return table, service, c
}

func plain(s store.Store) store.Store { return s }

func user(name string) aws.Identity {
	return aws.Identity{Kind: aws.User, Account: "000000000000", Region: "us-east-1", Name: name, ARN: "arn:aws:iam::000000000000:user/" + name}
}

func TestScripts(t *testing.T) {
	for name, wrap := range map[string]func(store.Store) store.Store{
		"memstore": plain,
		"shaken":   func(s store.Store) store.Store { return storetest.Shaken(s, 1) },
	} {
		t.Run(name, func(t *testing.T) {
			script.Run(t, "testdata/*.txt", func(t *testing.T) script.Options {
				table, _, c := platform(t, wrap)
				return script.Options{Caller: table, Service: "ssm",
					Identities: map[string]aws.Identity{"": user("alice"), "bob": user("bob"), "alice": user("alice")},
					Advance: func(ctx context.Context, d time.Duration) error {
						_, err := c.Advance(ctx, d)
						return err
					}}
			})
		})
	}
}

func put(t *testing.T, c ssmapi.Client, in ssmapi.PutParameterRequest) *ssmapi.PutParameterResult {
	t.Helper()
	out, err := c.PutParameter(t.Context(), user("alice"), &in)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func yes() *bool { b := true; return &b }

func TestVersionsAreKeptToAHundred(t *testing.T) {
	table, _, _ := platform(t, plain)
	c := ssmapi.NewClient(table)
	overwrite := ssmapi.PutParameterRequest{Name: "p", Type: ssmapi.ParameterTypeString, Value: "v", Overwrite: yes()}
	for range 101 {
		put(t, c, overwrite)
	}
	var numbers []int64
	in := &ssmapi.GetParameterHistoryRequest{Name: "p"}
	for pages := 1; ; pages++ {
		h, err := c.GetParameterHistory(t.Context(), user("alice"), in)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range h.Parameters {
			numbers = append(numbers, *v.Version)
		}
		if h.NextToken == nil {
			if pages != 2 {
				t.Errorf("%d pages", pages)
			}
			break
		}
		in.NextToken = h.NextToken
	}
	if len(numbers) != 100 || numbers[0] != 2 || numbers[99] != 101 {
		t.Errorf("kept %v", numbers)
	}
	two := int64(2)
	if _, err := c.LabelParameterVersion(t.Context(), user("alice"), &ssmapi.LabelParameterVersionRequest{Name: "p", ParameterVersion: &two,
		Labels: []string{"keep"}}); err != nil {
		t.Fatal(err)
	}
	_, err := c.PutParameter(t.Context(), user("alice"), &overwrite)
	if aws.CodeOf(err) != "ParameterMaxVersionLimitExceeded" || !strings.Contains(err.Error(), "Version 2, the oldest version") {
		t.Errorf("the labelled version went: %v", err)
	}
}

func TestAdvancedSecretsAreTooLargeForTheKeyItself(t *testing.T) {
	table, _, _ := platform(t, plain)
	c := ssmapi.NewClient(table)
	secret := strings.Repeat("s", 8192)
	put(t, c, ssmapi.PutParameterRequest{Name: "/big", Type: ssmapi.ParameterTypeSecureString, Value: secret,
		Tier: ssmapi.ParameterTierIntelligentTiering})
	for _, clear := range []bool{true, false} {
		out, err := c.GetParameter(t.Context(), user("alice"), &ssmapi.GetParameterRequest{Name: "/big", WithDecryption: &clear})
		if err != nil {
			t.Fatal(err)
		}
		if (*out.Parameter.Value == secret) != clear || strings.Contains(*out.Parameter.Value, "ssss") != clear {
			t.Errorf("decrypted %v: %.40s…", clear, *out.Parameter.Value)
		}
	}
}

// TestListingsDoNotScanWhatTheySkip puts a deep level in front of a shallow one: a page of one level must get past it.
func TestListingsDoNotScanWhatTheySkip(t *testing.T) {
	table, _, _ := platform(t, plain)
	c := ssmapi.NewClient(table)
	for i := range 1200 {
		put(t, c, ssmapi.PutParameterRequest{Name: "/a/deep/" + string(rune('a'+i%26)) + strings.Repeat("x", i/26), Type: ssmapi.ParameterTypeString, Value: "v"})
	}
	put(t, c, ssmapi.PutParameterRequest{Name: "/a/z", Type: ssmapi.ParameterTypeString, Value: "v"})
	out, err := c.GetParametersByPath(t.Context(), user("alice"), &ssmapi.GetParametersByPathRequest{Path: "/a"})
	if err != nil || len(out.Parameters) != 1 || *out.Parameters[0].Name != "/a/z" || out.NextToken != nil {
		t.Errorf("got %+v, %v", out, err)
	}
	// A filter that nothing matches ends a page early, with a token, rather than looking at everything.
	filter := []ssmapi.ParameterStringFilter{{Key: "DataType", Values: []string{"aws:ec2:image"}}}
	pages := 0
	var next *string
	for ok := true; ok; ok = next != nil {
		d, err := c.DescribeParameters(t.Context(), user("alice"), &ssmapi.DescribeParametersRequest{ParameterFilters: filter, NextToken: next})
		if err != nil || len(d.Parameters) != 0 {
			t.Fatal(d, err)
		}
		next = d.NextToken
		pages++
	}
	if pages != 2 {
		t.Errorf("%d pages over 1201 parameters", pages)
	}
}

func TestConcurrentSecrets(t *testing.T) {
	table, _, _ := platform(t, plain)
	c := ssmapi.NewClient(table)
	const writers = 8
	errs := make(chan error, writers)
	for i := range writers {
		go func() {
			_, err := c.PutParameter(context.Background(), user("alice"), &ssmapi.PutParameterRequest{Name: "/s", Type: ssmapi.ParameterTypeSecureString,
				Value: strings.Repeat("v", i+1), Overwrite: yes()})
			errs <- err
		}()
	}
	for range writers {
		if err := <-errs; err != nil && aws.CodeOf(err) != "TooManyUpdates" {
			t.Error(err)
		}
	}
	h, err := c.GetParameterHistory(t.Context(), user("alice"), &ssmapi.GetParameterHistoryRequest{Name: "/s", WithDecryption: yes()})
	if err != nil || len(h.Parameters) == 0 {
		t.Fatal(h, err)
	}
	for i, v := range h.Parameters {
		if *v.Version != int64(i+1) || strings.Trim(*v.Value, "v") != "" {
			t.Errorf("version %d is number %d, %q", i+1, *v.Version, *v.Value)
		}
	}
}

func TestAccess(t *testing.T) {
	table, service, _ := platform(t, plain)
	c := ssmapi.NewClient(table)
	put(t, c, ssmapi.PutParameterRequest{Name: "/t/x", Type: ssmapi.ParameterTypeString, Value: "v", Tags: []ssmapi.Tag{{Key: "team", Value: "red"}}})
	arn := "arn:aws:ssm:us-east-1:000000000000:parameter/"
	for _, x := range []struct {
		op   string
		in   any
		want string
	}{
		{"GetParameter", &ssmapi.GetParameterRequest{Name: "/t/x:3"}, "ssm:GetParameter " + arn + "t/x map[aws:ResourceTag/team:[red]]"},
		{"GetParameter", &ssmapi.GetParameterRequest{Name: arn + "t/x"}, "ssm:GetParameter " + arn + "t/x map[aws:ResourceTag/team:[red]]"},
		{"GetParameter", &ssmapi.GetParameterRequest{Name: "arn:aws:ssm:us-east-1:1:parameter/o"}, "ssm:GetParameter arn:aws:ssm:us-east-1:1:parameter/o map[]"},
		{"GetParameters", &ssmapi.GetParametersRequest{Names: []string{"a", "/b"}}, "ssm:GetParameters " + arn + "a map[], ssm:GetParameters " + arn + "b map[]"},
		{"GetParametersByPath", &ssmapi.GetParametersByPathRequest{Path: "/t/", Recursive: yes()}, "ssm:GetParametersByPath " + arn + "t map[ssm:Recursive:[true]]"},
		{"DescribeParameters", &ssmapi.DescribeParametersRequest{}, "ssm:DescribeParameters * map[]"},
		{"PutParameter", &ssmapi.PutParameterRequest{Name: "/n", Tags: []ssmapi.Tag{{Key: "k", Value: "v"}}},
			"ssm:PutParameter " + arn + "n map[aws:RequestTag/k:[v] aws:TagKeys:[k] ssm:Overwrite:[false]], " +
				"ssm:AddTagsToResource " + arn + "n map[aws:RequestTag/k:[v] aws:TagKeys:[k] ssm:Overwrite:[false]]"},
		{"RemoveTagsFromResource", &ssmapi.RemoveTagsFromResourceRequest{ResourceId: "/t/x", TagKeys: []string{"team"}},
			"ssm:RemoveTagsFromResource " + arn + "t/x map[aws:ResourceTag/team:[red] aws:TagKeys:[team]]"},
		{"GetParameter", &ssmapi.GetParameterRequest{Name: "bad name"}, "ssm:GetParameter " + arn + "bad name map[]"},
	} {
		access, err := service.Access(t.Context(), user("alice"), x.op, x.in)
		if err != nil {
			t.Errorf("%s: %v", x.op, err)
		}
		var got bytes.Buffer
		for i, a := range access {
			if i > 0 {
				got.WriteString(", ")
			}
			got.WriteString(a.Action + " " + a.Resource + " " + sprint(a.Context))
		}
		if got.String() != x.want {
			t.Errorf("%s: got  %s\nwant %s", x.op, got.String(), x.want)
		}
	}
}

func sprint(m map[string][]string) string { return fmt.Sprint(m) }
