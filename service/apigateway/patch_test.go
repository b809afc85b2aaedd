package apigateway

import (
	"strings"
	"testing"

	"github.com/brume-dev/brume/api/apigatewayapi"
)

func FuzzPatch(f *testing.F) {
	for _, s := range []string{"/name", "/binaryMediaTypes/a~1b", "/*/*/logging/loglevel", "/~1a~1b/GET/throttling/rateLimit", "/variables/x", "", "//", "/a/b/GET/metrics/enabled", "/canarySettings"} {
		f.Add("replace", s, "5")
		f.Add("remove", s, "")
	}
	f.Fuzz(func(t *testing.T, op, path, value string) {
		ops := []apigatewayapi.PatchOperation{{Op: apigatewayapi.Op(op), Path: &path, Value: &value}}
		var api apigatewayapi.RestApi
		api.EndpointConfiguration = &apigatewayapi.EndpointConfiguration{}
		if err := patch(&api, apiRules(), ops); err == nil && op != "add" && op != "replace" && op != "remove" {
			t.Errorf("%q was taken", op)
		}
		var st apigatewayapi.Stage
		_ = (&draft{}).patchStage(&st, ops[0]) // must not panic
		if where, setting, ok := splitSetting(path); ok && !strings.Contains(path, where) {
			t.Errorf("%q has setting %q of %q", path, setting, where)
		}
		var m apigatewayapi.Method
		_ = patch(&m, methodRules(), ops)
		var i apigatewayapi.Integration
		_ = patch(&i, integrationRules(), ops)
	})
}

func TestSplitSetting(t *testing.T) {
	for _, c := range []struct{ path, where, setting string }{
		{"/*/*/logging/loglevel", "*/*", "logging/loglevel"},
		{"/~1pets~1{id}/GET/metrics/enabled", "~1pets~1{id}/GET", "metrics/enabled"},
		{"/pets/{id}/GET/throttling/burstLimit", "pets/{id}/GET", "throttling/burstLimit"},
		{"/*/*", "*/*", ""},
		{"/variables/x", "", ""},
		{"/*/*/nothing/known", "", ""},
	} {
		where, setting, ok := splitSetting(c.path)
		if where != c.where || setting != c.setting || ok != (c.where != "") {
			t.Errorf("%s: %q %q %v", c.path, where, setting, ok)
		}
	}
}
