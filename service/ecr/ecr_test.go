package ecr_test

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/brume-dev/brume/api/ecrapi"
	"github.com/brume-dev/brume/api/kmsapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/dispatch"
	"github.com/brume-dev/brume/dispatch/script"
	"github.com/brume-dev/brume/service/ecr"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/memstore"
	"github.com/brume-dev/brume/store/storetest"
)

// keys is a KMS that knows two keys.
type keys struct{ kmsapi.Handler }

func (keys) DescribeKey(_ context.Context, _ aws.Identity, in *kmsapi.DescribeKeyRequest) (*kmsapi.DescribeKeyResponse, error) {
	arn, enabled := "arn:aws:kms:us-east-1:000000000000:key/1", in.KeyId != "alias/off"
	switch in.KeyId {
	case "alias/aws/ecr", "alias/off":
		return &kmsapi.DescribeKeyResponse{KeyMetadata: &kmsapi.KeyMetadata{KeyId: "1", Arn: &arn, Enabled: &enabled}}, nil
	}
	return nil, &kmsapi.NotFoundException{Message: "Alias " + in.KeyId + " is not found."}
}

// registry is the service on a table with keys, on a store of its own.
func registry(t *testing.T, wrap func(store.Store) store.Store) (*dispatch.Table, *ecr.Service) {
	t.Helper()
	s := wrap(memstore.New(clock.Frozen(time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC))))
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	table := dispatch.New(dispatch.Config{})
	service, err := ecr.New(ecr.Config{Store: s, Caller: table})
	if err != nil {
		t.Fatal(err)
	}
	table.Register(ecrapi.Service, service)
	table.Register(kmsapi.Service, keys{})
	return table, service
}

func plain(s store.Store) store.Store { return s }

var alice = aws.Identity{Kind: aws.User, Account: "000000000000", Region: "us-east-1", Name: "alice", ARN: "arn:aws:iam::000000000000:user/alice"}

func TestScripts(t *testing.T) {
	for name, wrap := range map[string]func(store.Store) store.Store{
		"memstore": plain,
		"shaken":   func(s store.Store) store.Store { return storetest.Shaken(s, 1) },
	} {
		t.Run(name, func(t *testing.T) {
			script.Run(t, "testdata/*.txt", func(t *testing.T) script.Options {
				table, _ := registry(t, wrap)
				return script.Options{Caller: table, Service: "ecr", Identities: map[string]aws.Identity{"": alice}}
			})
		})
	}
}

func TestAccess(t *testing.T) {
	table, service := registry(t, plain)
	c := ecrapi.NewClient(table)
	if _, err := c.CreateRepository(t.Context(), alice, &ecrapi.CreateRepositoryRequest{RepositoryName: "app", Tags: []ecrapi.Tag{{Key: "team", Value: "red"}}}); err != nil {
		t.Fatal(err)
	}
	doc := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"ecr:*"}]}`
	if _, err := c.SetRepositoryPolicy(t.Context(), alice, &ecrapi.SetRepositoryPolicyRequest{RepositoryName: "app", PolicyText: doc}); err != nil {
		t.Fatal(err)
	}
	arn := "arn:aws:ecr:us-east-1:000000000000:repository/"
	own := "map[aws:ResourceTag/team:[red] ecr:ResourceTag/team:[red]] policy"
	for _, x := range []struct {
		op   string
		in   any
		want string
	}{
		{"ListImages", &ecrapi.ListImagesRequest{RepositoryName: "app"}, "ecr:ListImages " + arn + "app " + own},
		{"ListTagsForResource", &ecrapi.ListTagsForResourceRequest{ResourceArn: arn + "app"}, "ecr:ListTagsForResource " + arn + "app " + own},
		{"ListTagsForResource", &ecrapi.ListTagsForResourceRequest{ResourceArn: "junk"}, "ecr:ListTagsForResource junk map[]"},
		{"DescribeRepositories", &ecrapi.DescribeRepositoriesRequest{}, "ecr:DescribeRepositories " + arn + "* map[]"},
		{"DescribeRepositories", &ecrapi.DescribeRepositoriesRequest{RepositoryNames: []string{"a", "b"}},
			"ecr:DescribeRepositories " + arn + "a map[], ecr:DescribeRepositories " + arn + "b map[]"},
		{"CreateRepository", &ecrapi.CreateRepositoryRequest{RepositoryName: "new", Tags: []ecrapi.Tag{{Key: "k", Value: "v"}}},
			"ecr:CreateRepository " + arn + "new map[aws:RequestTag/k:[v] aws:TagKeys:[k]]"},
	} {
		access, err := service.Access(t.Context(), alice, x.op, x.in)
		if err != nil {
			t.Errorf("%s: %v", x.op, err)
		}
		var got []string
		for _, a := range access {
			s := fmt.Sprint(a.Action, " ", a.Resource, " ", a.Context)
			if a.ResourcePolicy == doc {
				s += " policy"
			}
			got = append(got, s)
		}
		if strings.Join(got, ", ") != x.want {
			t.Errorf("%s: got %s\nwant %s", x.op, strings.Join(got, ", "), x.want)
		}
	}
}

// TestEveryOperationAsksForItsRepository finds an operation that target forgets.
func TestEveryOperationAsksForItsRepository(t *testing.T) {
	table, service := registry(t, plain)
	c := ecrapi.NewClient(table)
	if _, err := c.CreateRepository(t.Context(), alice, &ecrapi.CreateRepositoryRequest{RepositoryName: "app"}); err != nil {
		t.Fatal(err)
	}
	arn := "arn:aws:ecr:us-east-1:000000000000:repository/app"
	for _, op := range ecrapi.Service.Ops {
		if !op.Implemented() {
			continue
		}
		in := op.NewInput()
		fill(in, "app", arn)
		access, err := service.Access(t.Context(), alice, op.Name, in)
		if err != nil || len(access) != 1 || access[0].Resource != arn || access[0].Action != "ecr:"+op.Name {
			t.Errorf("%s asks for %+v, %v", op.Name, access, err)
		}
	}
}

// fill sets the members that say which repository an input is about.
func fill(in any, name, arn string) {
	v := reflect.ValueOf(in).Elem()
	if f := v.FieldByName("RepositoryName"); f.IsValid() {
		f.SetString(name)
	}
	if f := v.FieldByName("RepositoryNames"); f.IsValid() {
		f.Set(reflect.ValueOf([]string{name}))
	}
	if f := v.FieldByName("ResourceArn"); f.IsValid() {
		f.SetString(arn)
	}
}
