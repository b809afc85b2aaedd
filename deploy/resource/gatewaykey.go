package resource

import "github.com/brume-dev/brume/jsondoc"

// API keys and usage plans.

func createKeyOfAPI(o *Op) error {
	out, err := o.call("apigateway", "CreateApiKey", o.properties("Name", o.name("Name", maxAPIName)))
	if err != nil {
		return err
	}
	o.Physical = textOf(out, "id")
	o.Attributes["APIKeyId"] = o.Physical
	return nil
}

func updateKeyOfAPI(o *Op) error {
	var p patches
	p.set(o, "Description", "/description", "")
	p.set(o, "CustomerId", "/customerId", "")
	p.set(o, "Enabled", "/enabled", "false")
	return p.send(o, "UpdateApiKey", "apiKey", o.Physical)
}

func deleteKeyOfAPI(o *Op) error {
	return ignoreGone(o.do("apigateway", "DeleteApiKey", "apiKey", o.Physical))
}

func createUsagePlan(o *Op) error {
	out, err := o.call("apigateway", "CreateUsagePlan", without(o.properties("Name", o.name("UsagePlanName", maxAPIName)), "UsagePlanName"))
	if err != nil {
		return err
	}
	o.Physical = textOf(out, "id")
	o.Attributes["Id"] = o.Physical
	return nil
}

// stageNames are the stages of a plan as patches name them.
func stageNames(doc *jsondoc.Object) (names []string) {
	for _, v := range list(doc, "ApiStages") {
		if st, ok := v.(*jsondoc.Object); ok {
			names = append(names, textOf(st, "ApiId")+":"+textOf(st, "Stage"))
		}
	}
	return names
}

func updateUsagePlan(o *Op) error {
	var p patches
	p.set(o, "UsagePlanName", "/name", o.Physical)
	p.set(o, "Description", "/description", "")
	added, removed := difference(stageNames(o.Old), stageNames(o.Properties))
	for _, name := range removed {
		p.ops.Items = append(p.ops.Items, input("op", "remove", "path", "/apiStages", "value", &name))
	}
	for _, name := range added {
		p.ops.Items = append(p.ops.Items, input("op", "add", "path", "/apiStages", "value", &name))
	}
	for _, group := range []struct {
		property, path string
		members        [][2]string
	}{
		{"Throttle", "/throttle", [][2]string{{"RateLimit", "/throttle/rateLimit"}, {"BurstLimit", "/throttle/burstLimit"}}},
		{"Quota", "/quota", [][2]string{{"Limit", "/quota/limit"}, {"Period", "/quota/period"}, {"Offset", "/quota/offset"}}},
	} {
		if !o.changed(group.property) {
			continue
		}
		now := inside(o.Properties, group.property)
		if now == nil {
			p.remove(group.path)
			continue
		}
		for _, m := range group.members {
			if has(now, m[0]) {
				p.replace(m[1], textOf(now, m[0]))
			}
		}
	}
	return p.send(o, "UpdateUsagePlan", "usagePlanId", o.Physical)
}

func deleteUsagePlan(o *Op) error {
	return ignoreGone(o.do("apigateway", "DeleteUsagePlan", "usagePlanId", o.Physical))
}

// createPlanKey takes a key into a plan; the resource's name is that of both.
func createPlanKey(o *Op) error {
	err := o.made(o.do("apigateway", "CreateUsagePlanKey", "usagePlanId", o.text("UsagePlanId"), "keyId", o.text("KeyId"), "keyType", o.text("KeyType")))
	o.Physical = o.text("KeyId") + ":" + o.text("UsagePlanId")
	o.Attributes["Id"] = o.Physical
	return err
}

func deletePlanKey(o *Op) error {
	return ignoreGone(o.do("apigateway", "DeleteUsagePlanKey", "usagePlanId", o.text("UsagePlanId"), "keyId", o.text("KeyId")))
}
