package apigateway_test

import (
	"strings"
	"testing"
	"time"

	"github.com/brume-dev/brume/api/apigatewayapi"
	"github.com/brume-dev/brume/service/apigateway"
)

// keyed is an API whose GET / wants a key.
func keyed(t *testing.T, s *apigateway.Service) (api string) {
	t.Helper()
	api, root := newAPI(t, s)
	mock(t, s, api, root, "GET", `"$context.identity.apiKeyId"`)
	must[*apigatewayapi.Method](t)(s.UpdateMethod(t.Context(), me, &apigatewayapi.UpdateMethodRequest{RestApiId: api, ResourceId: root, HttpMethod: "GET",
		PatchOperations: []apigatewayapi.PatchOperation{{Op: "replace", Path: p("/apiKeyRequired"), Value: p("true")}}}))
	deploy(t, s, api, nil)
	return api
}

func newKey(t *testing.T, s *apigateway.Service) (id, value string) {
	t.Helper()
	k := must[*apigatewayapi.ApiKey](t)(s.CreateApiKey(t.Context(), me, &apigatewayapi.CreateApiKeyRequest{Name: p("k"), Enabled: p(true)}))
	return *k.Id, *k.Value
}

func join(t *testing.T, s *apigateway.Service, plan, key string) {
	t.Helper()
	must[*apigatewayapi.UsagePlanKey](t)(s.CreateUsagePlanKey(t.Context(), me, &apigatewayapi.CreateUsagePlanKeyRequest{UsagePlanId: plan, KeyId: key, KeyType: "API_KEY"}))
}

func TestKeysOpenTheStagesOfTheirPlans(t *testing.T) {
	s, _, _ := open(t)
	ctx := t.Context()
	api := keyed(t, s)
	id, value := newKey(t, s)
	const closed = `403 application/json {"message":"Forbidden"}`
	opened := `200 application/json "` + id + `"`
	want := func(what, key, want string) {
		t.Helper()
		if got, _ := ask(s, api, "GET", "/", "", "X-Api-Key", key); got != want {
			t.Errorf("%s: %s", what, got)
		}
	}
	want("no key", "", closed)
	want("no plan", value, closed)
	plan := *must[*apigatewayapi.UsagePlan](t)(s.CreateUsagePlan(ctx, me, &apigatewayapi.CreateUsagePlanRequest{Name: "p"})).Id
	join(t, s, plan, id)
	want("a plan without the stage", value, closed)
	change := func(ops ...apigatewayapi.PatchOperation) *apigatewayapi.UsagePlan {
		t.Helper()
		return must[*apigatewayapi.UsagePlan](t)(s.UpdateUsagePlan(ctx, me, &apigatewayapi.UpdateUsagePlanRequest{UsagePlanId: plan, PatchOperations: ops}))
	}
	stage := p(api + ":dev")
	change(apigatewayapi.PatchOperation{Op: "add", Path: p("/apiStages"), Value: stage})
	want("a plan with the stage", value, opened)
	want("another key", strings.Repeat("x", 40), closed)
	must[*apigatewayapi.ApiKey](t)(s.UpdateApiKey(ctx, me, &apigatewayapi.UpdateApiKeyRequest{ApiKey: id, PatchOperations: []apigatewayapi.PatchOperation{{Op: "replace", Path: p("/enabled"), Value: p("false")}}}))
	want("a disabled key", value, closed)
	must[*apigatewayapi.ApiKey](t)(s.UpdateApiKey(ctx, me, &apigatewayapi.UpdateApiKeyRequest{ApiKey: id, PatchOperations: []apigatewayapi.PatchOperation{{Op: "replace", Path: p("/enabled"), Value: p("true")}}}))
	other := *must[*apigatewayapi.UsagePlan](t)(s.CreateUsagePlan(ctx, me, &apigatewayapi.CreateUsagePlanRequest{Name: "q", ApiStages: []apigatewayapi.ApiStage{{ApiId: &api, Stage: p("dev")}}})).Id
	_, err := s.CreateUsagePlanKey(ctx, me, &apigatewayapi.CreateUsagePlanKeyRequest{UsagePlanId: other, KeyId: id, KeyType: "API_KEY"})
	wantError(t, "ConflictException", "", err)
	change(apigatewayapi.PatchOperation{Op: "remove", Path: p("/apiStages"), Value: stage})
	want("the stage was taken away", value, closed)
	_, err = s.CreateUsagePlan(ctx, me, &apigatewayapi.CreateUsagePlanRequest{Name: "r", ApiStages: []apigatewayapi.ApiStage{{ApiId: &api, Stage: p("nope")}}})
	wantError(t, "NotFoundException", "API Stage not found: "+api+":nope", err)
	// Listings, and the value, which is told only to who asks for it.
	if k := must[*apigatewayapi.ApiKey](t)(s.GetApiKey(ctx, me, &apigatewayapi.GetApiKeyRequest{ApiKey: id})); k.Value != nil {
		t.Error("the value is shown")
	}
	if l := must[*apigatewayapi.ApiKeys](t)(s.GetApiKeys(ctx, me, &apigatewayapi.GetApiKeysRequest{NameQuery: p("k"), IncludeValues: p(true)})); len(l.Items) != 1 || *l.Items[0].Value != value {
		t.Errorf("%+v", l.Items)
	}
	if l := must[*apigatewayapi.UsagePlans](t)(s.GetUsagePlans(ctx, me, &apigatewayapi.GetUsagePlansRequest{KeyId: &id})); len(l.Items) != 1 || *l.Items[0].Id != plan {
		t.Errorf("%+v", l.Items)
	}
	_, err = s.CreateApiKey(ctx, me, &apigatewayapi.CreateApiKeyRequest{Value: &value})
	wantError(t, "ConflictException", "API Key already exists", err)
	_, err = s.CreateApiKey(ctx, me, &apigatewayapi.CreateApiKeyRequest{Value: p("short")})
	wantError(t, "BadRequestException", "at least 20 characters", err)
	must[*apigatewayapi.DeleteApiKeyOutput](t)(s.DeleteApiKey(ctx, me, &apigatewayapi.DeleteApiKeyRequest{ApiKey: id}))
	if l := must[*apigatewayapi.UsagePlanKeys](t)(s.GetUsagePlanKeys(ctx, me, &apigatewayapi.GetUsagePlanKeysRequest{UsagePlanId: plan})); len(l.Items) != 0 {
		t.Errorf("%+v", l.Items)
	}
}

func TestQuotaAndThrottle(t *testing.T) {
	s, _, c := open(t)
	ctx := t.Context()
	api := keyed(t, s)
	id, value := newKey(t, s)
	plan := *must[*apigatewayapi.UsagePlan](t)(s.CreateUsagePlan(ctx, me, &apigatewayapi.CreateUsagePlanRequest{Name: "p", ApiStages: []apigatewayapi.ApiStage{{ApiId: &api, Stage: p("dev")}},
		Throttle: &apigatewayapi.ThrottleSettings{RateLimit: p(1.0), BurstLimit: p(int32(2))}, Quota: &apigatewayapi.QuotaSettings{Limit: p(int32(3)), Period: "DAY"}})).Id
	join(t, s, plan, id)
	get := func() string {
		got, _ := ask(s, api, "GET", "/", "", "X-Api-Key", value)
		return got[:3] + got[strings.Index(got, "json")+4:]
	}
	opened := `200 "` + id + `"`
	for _, want := range []string{opened, opened, `429 {"message":"Too Many Requests"}`} {
		if got := get(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	wait := func(d time.Duration) { must[time.Time](t)(c.Advance(ctx, d)) }
	wait(10 * time.Second)
	for _, want := range []string{opened, `429 {"message":"Limit Exceeded"}`} {
		if got := get(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	day := c.Now().Format(time.DateOnly)
	u := must[*apigatewayapi.Usage](t)(s.GetUsage(ctx, me, &apigatewayapi.GetUsageRequest{UsagePlanId: plan, StartDate: day, EndDate: day}))
	if d := u.Items[id]; len(d) != 1 || d[0][0] != 3 || d[0][1] != 0 {
		t.Errorf("%v", u.Items)
	}
	wait(24 * time.Hour)
	if got := get(); got != opened {
		t.Errorf("on the next day: %s", got)
	}
	_, err := s.GetUsage(ctx, me, &apigatewayapi.GetUsageRequest{UsagePlanId: plan, StartDate: day, EndDate: "2020-01-01"})
	wantError(t, "BadRequestException", "", err)
}
