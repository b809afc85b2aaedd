package sam

import (
	"slices"
	"strings"

	"github.com/brume-dev/brume/jsondoc"
)

// keyScheme is the security scheme of API keys.
const keyScheme = "api_key"

// The names of the plan, the key and their tie that APIs share.
const (
	sharedPlan    = "ServerlessUsagePlan"
	sharedKey     = "ServerlessApiKey"
	sharedPlanKey = "ServerlessUsagePlanKey"
)

// usagePlan makes the plan of an API with a key for it, or adds the API to the plan that several share.
// https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-api-apiusageplan.html
func (t *transformer) usagePlan(a *api) error {
	v := get(object(a.props, "Auth"), "UsagePlan")
	if v == nil {
		return nil
	}
	props, ok := v.(*jsondoc.Object)
	if !ok {
		return badResource(a.id, "'UsagePlan' must be a dictionary")
	}
	for k := range props.All() {
		if !slices.Contains([]string{"CreateUsagePlan", "Description", "Quota", "Tags", "Throttle", "UsagePlanName"}, k) {
			return badResource(a.id, "Invalid property for 'UsagePlan'")
		}
	}
	plan, key, tie, from := a.id+"UsagePlan", a.id+"ApiKey", a.id+"UsagePlanKey", a.from
	switch get(props, "CreateUsagePlan") {
	case nil:
		return badResource(a.id, "'CreateUsagePlan' is a required field for UsagePlan.")
	case "NONE":
		return nil
	case "PER_API":
	case "SHARED":
		plan, key, tie = sharedPlan, sharedKey, sharedPlanKey
		if get(a.from, "Condition") != nil {
			return badResource(a.id, "Brume's transform shares usage plans among APIs without conditions only.")
		}
		from = jsondoc.NewObject()
	default:
		return badResource(a.id, "'CreateUsagePlan' accepts one of ['SHARED', 'PER_API', 'NONE'].")
	}
	if get(t.out, plan) == nil {
		t.emit(plan, "AWS::ApiGateway::UsagePlan", obj("ApiStages", arr()), from, true)
		object(t.out, plan).Set("DependsOn", arr())
		t.emit(key, "AWS::ApiGateway::ApiKey", obj("Enabled", true, "StageKeys", arr()), from, true)
		object(t.out, key).Set("DependsOn", arr(plan))
		t.emit(tie, "AWS::ApiGateway::UsagePlanKey", obj("KeyId", ref(key), "KeyType", "API_KEY", "UsagePlanId", ref(plan)), from, true)
		object(t.out, tie).Set("DependsOn", arr(key))
	}
	stage := ref(stageID(a.id, a.stage))
	extend(object(t.out, plan), "DependsOn", a.id)
	properties := object(object(t.out, plan), "Properties")
	extend(properties, "ApiStages", obj("ApiId", ref(a.id), "Stage", stage))
	extend(object(object(t.out, key), "Properties"), "StageKeys", obj("RestApiId", ref(a.id), "StageName", stage))
	pick(props, properties, "UsagePlanName", "Description", "Quota", "Tags", "Throttle")
	return nil
}

// keyRequired adds to the security of a route that it takes an API key, or that it takes none though the others do.
func (a *api) keyRequired(out, auth *jsondoc.Object) {
	usual := get(object(a.props, "Auth"), "ApiKeyRequired") == true
	own := get(auth, "ApiKeyRequired")
	security, has := get(out, "security").(*jsondoc.Array)
	if !has {
		security = arr()
	}
	switch {
	case own == true, usual && own != false:
		security.Items = append(security.Items, obj(keyScheme, arr()))
		out.Set("security", security)
	case usual:
		out.Set("security", security)
	}
}

// keyed reports whether a definition has routes that take API keys.
func keyed(routes *jsondoc.Object) bool {
	return strings.Contains(jsondoc.Text(routes), `{"`+keyScheme+`":[]}`)
}
