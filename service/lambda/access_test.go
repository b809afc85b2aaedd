package lambda_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/blob"
	"github.com/brume-dev/brume/service/lambda"
)

// Every operation that is about a function asks for that function, with its tags.
func TestEveryOperationAsksForItsFunction(t *testing.T) {
	r := newRig(t, options{})
	r.create("f", func(in *lambdaapi.CreateFunctionRequest) { in.Tags = map[string]string{"team": "red"} })
	for _, op := range lambdaapi.Service.Ops {
		if !op.Implemented() || op.Name == "ListFunctions" || op.Name == "GetAccountSettings" || strings.Contains(op.Name, "EventSourceMapping") {
			continue
		}
		in := op.NewInput()
		v := reflect.ValueOf(in).Elem()
		switch name, resource := v.FieldByName("FunctionName"), v.FieldByName("Resource"); {
		case name.IsValid():
			name.SetString("f")
		case resource.IsValid():
			resource.SetString(functionARN("f"))
		default: // about layers and code signing configurations
			continue
		}
		access, err := r.service.Access(t.Context(), alice, op.Name, in)
		action := "lambda:" + op.Name
		if op.Name == "Invoke" || op.Name == "InvokeWithResponseStream" {
			action = "lambda:InvokeFunction"
		}
		if err != nil || len(access) == 0 || access[0].Resource != functionARN("f") || access[0].Action != action ||
			fmt.Sprint(access[0].Context["aws:ResourceTag/team"]) != "[red]" {
			t.Errorf("%s asks for %+v, %v", op.Name, access, err)
		}
	}
}

const layerARN = "arn:aws:lambda:us-east-1:000000000000:layer:l:1"

func TestAccess(t *testing.T) {
	r := newRig(t, options{})
	r.create("f", func(in *lambdaapi.CreateFunctionRequest) { yes := true; in.Publish = &yes })
	one := "1"
	if _, err := r.client.AddPermission(t.Context(), alice, &lambdaapi.AddPermissionRequest{FunctionName: "f", Qualifier: &one,
		StatementId: "s", Action: "lambda:InvokeFunction", Principal: "events.amazonaws.com"}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		op   string
		in   any
		want string
	}{
		{"Invoke", &lambdaapi.InvocationRequest{FunctionName: "f"}, "lambda:InvokeFunction f"},
		{"Invoke", &lambdaapi.InvocationRequest{FunctionName: "f", Qualifier: &one}, "lambda:InvokeFunction f:1 policy"},
		{"Invoke", &lambdaapi.InvocationRequest{FunctionName: "f:1"}, "lambda:InvokeFunction f:1 policy"},
		{"Invoke", &lambdaapi.InvocationRequest{FunctionName: "not a name"}, "lambda:InvokeFunction *"},
		{"ListAliases", &lambdaapi.ListAliasesRequest{FunctionName: "f:1"}, "lambda:ListAliases f"},
		{"CreateFunction", &lambdaapi.CreateFunctionRequest{FunctionName: "g", Role: role}, "lambda:CreateFunction g, iam:PassRole " + role},
		{"CreateFunction", &lambdaapi.CreateFunctionRequest{FunctionName: "g", Role: role, Layers: []string{layerARN}},
			"lambda:CreateFunction g, lambda:GetLayerVersion " + layerARN + ", iam:PassRole " + role},
		{"GetLayerVersionByArn", &lambdaapi.GetLayerVersionByArnRequest{Arn: layerARN}, "lambda:GetLayerVersion " + layerARN},
		{"PublishLayerVersion", &lambdaapi.PublishLayerVersionRequest{LayerName: "l"}, "lambda:PublishLayerVersion " + strings.TrimSuffix(layerARN, ":1")},
		{"ListLayers", &lambdaapi.ListLayersRequest{}, "lambda:ListLayers *"},
		{"GetCodeSigningConfig", &lambdaapi.GetCodeSigningConfigRequest{CodeSigningConfigArn: "arn:x"}, "lambda:GetCodeSigningConfig arn:x"},
	} {
		access, err := r.service.Access(t.Context(), alice, c.op, c.in)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, a := range access {
			s := a.Action + " " + strings.TrimPrefix(a.Resource, functionARN(""))
			if a.ResourcePolicy != "" {
				s += " policy"
			}
			got = append(got, s)
		}
		if strings.Join(got, ", ") != c.want {
			t.Errorf("%s: %s, want %s", c.op, strings.Join(got, ", "), c.want)
		}
	}
	access, err := r.service.Access(t.Context(), alice, "Invoke", &lambdaapi.InvocationRequest{FunctionName: "111111111111:function:f"})
	if err != nil || access[0].ResourceAccount != "111111111111" {
		t.Errorf("another account's function: %+v %v", access, err)
	}
}

// Packages are kept as long as a version uses them, and served by their links.
func TestPackages(t *testing.T) {
	r := newRig(t, options{})
	yes, ctx := true, context.Background()
	r.create("f", func(in *lambdaapi.CreateFunctionRequest) { in.Publish = &yes })
	blobs := func() (ids []blob.ID) {
		for e, err := range r.blobs.List(ctx, lambda.Space) {
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, e.ID)
		}
		return ids
	}
	first := blobs()
	code := archive(map[string]string{"app.py": "second"})
	if _, err := r.client.UpdateFunctionCode(ctx, alice, &lambdaapi.UpdateFunctionCodeRequest{FunctionName: "f", ZipFile: code}); err != nil {
		t.Fatal(err)
	}
	r.advance(0)
	orphan, err := r.blobs.Put(ctx, lambda.Space, bytes.NewReader(code))
	if err != nil {
		t.Fatal(err)
	}
	if live, err := r.service.Live(ctx, blobs()); err != nil || len(live) != 2 || len(first) != 1 {
		t.Errorf("live %v of %v, %v", live, blobs(), err)
	}
	one := "1"
	if _, err := r.client.DeleteFunction(ctx, alice, &lambdaapi.DeleteFunctionRequest{FunctionName: "f", Qualifier: &one}); err != nil {
		t.Fatal(err)
	}
	r.advance(0)
	if live, err := r.service.Live(ctx, first); err != nil || len(live) != 0 || len(blobs()) != 2 {
		t.Errorf("after the version has gone: live %v, left %v, %v", live, blobs(), err)
	}
	if _, err := r.client.DeleteFunction(ctx, alice, &lambdaapi.DeleteFunctionRequest{FunctionName: "f"}); err != nil {
		t.Fatal(err)
	}
	r.advance(0)
	if left := blobs(); len(left) != 1 || left[0] != orphan.ID {
		t.Errorf("after the function has gone: %v", left)
	}
}

func TestServeCode(t *testing.T) {
	var token string
	r := newRig(t, options{codeURL: func(s string) string { token = s; return "https://code/" + s }})
	code := archive(map[string]string{"app.py": "mine"})
	r.create("f", func(in *lambdaapi.CreateFunctionRequest) { in.Code.ZipFile = code })
	if _, err := r.client.GetFunction(t.Context(), alice, &lambdaapi.GetFunctionRequest{FunctionName: "f"}); err != nil {
		t.Fatal(err)
	}
	fetch := func(token string) (int, []byte) {
		w := httptest.NewRecorder()
		r.service.ServeCode(w, httptest.NewRequest(http.MethodGet, "/", nil), token)
		b, err := io.ReadAll(w.Body)
		if err != nil {
			t.Fatal(err)
		}
		return w.Code, b
	}
	if status, b := fetch(token); status != 200 || !bytes.Equal(b, code) {
		t.Errorf("%d, %d bytes", status, len(b))
	}
	forged := []byte(token)
	forged[len(forged)-1] ^= 1
	for _, bad := range []string{"", "zz", string(forged), token[:40]} {
		if status, _ := fetch(bad); status != 403 {
			t.Errorf("token %q: %d", bad, status)
		}
	}
	r.machine = time.Hour
	if status, _ := fetch(token); status != 403 {
		t.Errorf("an hour later: %d", status)
	}
	var none aws.Identity
	if _, err := r.client.GetFunction(t.Context(), none, &lambdaapi.GetFunctionRequest{FunctionName: "g"}); err == nil {
		t.Error("a function that is not there was found")
	}
}
