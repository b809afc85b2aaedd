package lambda_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/sandbox"
)

// Environments that are provisioned are there before anybody invokes; what they cannot take spills over to others.
func TestProvisionedConcurrency(t *testing.T) {
	r := newRig(t, options{})
	entered, leave := make(chan string), make(chan struct{})
	r.stage.on("f", func(_ context.Context, _ *sandbox.Invocation, e *performer) (any, error) {
		entered <- e.spec.Env["AWS_LAMBDA_INITIALIZATION_TYPE"]
		<-leave
		return nil, nil
	})
	r.create("f", func(in *lambdaapi.CreateFunctionRequest) { in.Publish = new(true) })
	put := func(n int32) error {
		_, err := r.client.PutProvisionedConcurrencyConfig(t.Context(), alice, &lambdaapi.PutProvisionedConcurrencyConfigRequest{FunctionName: "f",
			Qualifier: "1", ProvisionedConcurrentExecutions: n})
		return err
	}
	status := func() string {
		out, err := r.client.GetProvisionedConcurrencyConfig(t.Context(), alice, &lambdaapi.GetProvisionedConcurrencyConfigRequest{FunctionName: "f", Qualifier: "1"})
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(out.Status, " ", *out.AllocatedProvisionedConcurrentExecutions, " of ", *out.RequestedProvisionedConcurrentExecutions,
			", free ", *out.AvailableProvisionedConcurrentExecutions)
	}
	if err := put(2); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); status() != "READY 2 of 2, free 2"; {
		if time.Now().After(deadline) {
			t.Fatal(status())
		}
		time.Sleep(time.Millisecond) // the fleet tells nobody else
	}
	if started, _ := r.stage.counts(); started != 2 {
		t.Errorf("%d environments were started", started)
	}
	got := map[string]int{}
	for range 3 {
		go func() { _, _ = r.invoke("f", "{}", func(in *lambdaapi.InvocationRequest) { in.Qualifier = new("1") }) }()
		got[<-entered]++
	}
	if got["provisioned-concurrency"] != 2 || got["on-demand"] != 1 {
		t.Errorf("%v", got)
	}
	if s := status(); s != "READY 2 of 2, free 0" {
		t.Errorf("while all work: %s", s)
	}
	close(leave)
	// It comes out of what the account has not reserved, or out of the function's own reserve.
	reserve := func(n int32) error {
		_, err := r.client.PutFunctionConcurrency(t.Context(), alice, &lambdaapi.PutFunctionConcurrencyRequest{FunctionName: "f", ReservedConcurrentExecutions: n})
		return err
	}
	free := func() int32 {
		out, err := r.client.GetAccountSettings(t.Context(), alice, &lambdaapi.GetAccountSettingsRequest{})
		if err != nil {
			t.Fatal(err)
		}
		return *out.AccountLimit.UnreservedConcurrentExecutions
	}
	if n := free(); n != 998 {
		t.Errorf("%d unreserved with 2 provisioned", n)
	}
	if err := reserve(1); aws.CodeOf(err) != "InvalidParameterValueException" {
		t.Errorf("a reserve below what is provisioned: %v", err)
	}
	if err := reserve(5); err != nil || free() != 995 {
		t.Errorf("%v, %d unreserved with 5 reserved", err, free())
	}
	if err := put(6); aws.CodeOf(err) != "InvalidParameterValueException" {
		t.Errorf("more than the reserve: %v", err)
	}
	if _, err := r.client.DeleteFunction(t.Context(), alice, &lambdaapi.DeleteFunctionRequest{FunctionName: "f"}); err != nil || free() != 1000 {
		t.Errorf("%v, %d unreserved when the function is gone", err, free())
	}
}

// A layer of another account is used with its owner's permission, and stays when the owner deletes it.
func TestForeignLayer(t *testing.T) {
	r := newRig(t, options{})
	other := aws.Identity{Kind: aws.User, Account: "111111111111", Region: region, Name: "bob"}
	out, err := r.client.PublishLayerVersion(t.Context(), other, &lambdaapi.PublishLayerVersionRequest{LayerName: "l",
		Content: &lambdaapi.LayerVersionContentInput{ZipFile: archive(map[string]string{"a": "b"})}})
	if err != nil {
		t.Fatal(err)
	}
	access, err := r.service.Access(t.Context(), alice, "CreateFunction", &lambdaapi.CreateFunctionRequest{FunctionName: "f", Layers: []string{*out.LayerVersionArn}})
	if err != nil || len(access) < 2 || access[1].ResourceAccount != other.Account || access[1].Resource != *out.LayerVersionArn {
		t.Errorf("asks for %+v, %v", access, err)
	}
	r.stage.on("f", func(_ context.Context, _ *sandbox.Invocation, e *performer) (any, error) {
		return len(e.spec.Layers), nil
	})
	r.create("f", func(in *lambdaapi.CreateFunctionRequest) { in.Layers = []string{*out.LayerVersionArn} })
	if _, err := r.client.DeleteLayerVersion(t.Context(), other, &lambdaapi.DeleteLayerVersionRequest{LayerName: "l", VersionNumber: 1}); err != nil {
		t.Fatal(err)
	}
	r.advance(0)
	if got := r.must("f", "{}", nil); got != "1" {
		t.Errorf("%s layers", got)
	}
}
