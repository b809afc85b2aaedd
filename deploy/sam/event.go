package sam

import (
	"cmp"
	"slices"

	"github.com/brume-dev/brume/jsondoc"
)

// event is one of the Events of a function.
func (t *transformer) event(id, alias, name string, r, e *jsondoc.Object) error {
	props := object(e, "Properties")
	target := any(ref(id))
	arn := att(id, "Arn")
	if alias != "" {
		target, arn = ref(alias), ref(alias)
	}
	switch kind := text(e, "Type"); kind {
	case "Api":
		return t.apiEvent(id, alias, name, r, props)
	case "EventBridgeRule", "CloudWatchEvent":
		rule := obj("EventPattern", get(props, "Pattern"), "EventBusName", get(props, "EventBusName"), "Name", get(props, "RuleName"))
		return t.rule(id, name, r, rule, target, arn, props)
	case "Schedule":
		rule := obj("ScheduleExpression", get(props, "Schedule"), "Name", get(props, "Name"), "Description", get(props, "Description"))
		return t.rule(id, name, r, rule, target, arn, props)
	case "SQS":
		return t.queueEvent(id, name, r, props, target)
	case "DynamoDB":
		return t.streamEvent(id, name, r, props, target)
	case "S3":
		return t.uploadEvent(id, name, r, props, target, arn)
	case "SNS":
		return t.topicEvent(id, name, r, props, target, arn)
	case "":
		return badResource(id, "Event with id [%s] is invalid. Event is missing the 'Type' property.", name)
	default:
		return badResource(id, "Event with id [%s] is invalid. Brume's transform does not have events of the type %s yet.", name, kind)
	}
}

// eventOrder is in which order the translator looks at the events of a function: by their paths, or else their names.
func eventOrder(events *jsondoc.Object) (names []string) {
	by := map[string]string{}
	for name := range events.All() {
		by[name] = cmp.Or(text(object(object(events, name), "Properties"), "Path"), name)
		names = append(names, name)
	}
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(by[a], by[b]) })
	return names
}

// rule makes a rule that invokes the function, and the permission for it.
func (t *transformer) rule(id, name string, r, rule *jsondoc.Object, function, arn any, props *jsondoc.Object) error {
	ruleID := id + name
	enabled, says := t.value(get(props, "Enabled")), get(props, "State")
	switch {
	case enabled != nil && says != nil:
		return badResource(id, "Event with id [%s] is invalid. State and Enabled Properties cannot both be specified.", name)
	case enabled == true || enabled == "true":
		says = "ENABLED"
	case enabled != nil:
		says = "DISABLED"
	}
	if says != nil {
		rule.Set("State", says)
	}
	const suffix, longest = "LambdaTarget", 64
	entry := obj("Arn", arn, "Id", ruleID[:min(len(ruleID), longest-len(suffix))]+suffix, "Input", get(props, "Input"), "InputPath", get(props, "InputPath"),
		"InputTransformer", get(props, "InputTransformer"), "RetryPolicy", get(props, "RetryPolicy"))
	if d := object(props, "DeadLetterConfig"); d.Len() > 0 {
		entry.Set("DeadLetterConfig", obj("Arn", get(d, "Arn")))
	}
	if target := object(props, "Target"); text(target, "Id") != "" {
		entry.Set("Id", text(target, "Id"))
	}
	rule.Set("Targets", arr(entry))
	t.emit(ruleID, "AWS::Events::Rule", rule, r, true)
	t.permission(ruleID+"Permission", r, function, "events.amazonaws.com", att(ruleID, "Arn"))
	return nil
}

func (t *transformer) permission(id string, r *jsondoc.Object, function any, principal string, source any) {
	t.emit(id, "AWS::Lambda::Permission", obj("Action", "lambda:InvokeFunction", "FunctionName", function, "Principal", principal, "SourceArn", source), r, true)
}

// table is AWS::Serverless::SimpleTable.
func (t *transformer) table(id string, r, props *jsondoc.Object) error {
	name, kind := "id", "S"
	if key := object(props, "PrimaryKey"); key.Len() > 0 {
		name = text(key, "Name")
		kind = map[string]string{"String": "S", "Number": "N", "Binary": "B"}[text(key, "Type")]
		if name == "" || kind == "" {
			return badResource(id, "'PrimaryKey' must have a Name, and a Type of String, Number or Binary.")
		}
	}
	out := obj("AttributeDefinitions", arr(obj("AttributeName", name, "AttributeType", kind)), "KeySchema", arr(obj("AttributeName", name, "KeyType", "HASH")))
	if p := get(props, "ProvisionedThroughput"); p != nil {
		out.Set("ProvisionedThroughput", p)
	} else {
		out.Set("BillingMode", "PAY_PER_REQUEST")
	}
	pick(props, out, "TableName", "SSESpecification", "PointInTimeRecoverySpecification")
	if all := tags(get(props, "Tags")); all != nil {
		out.Set("Tags", all)
	}
	t.emit(id, "AWS::DynamoDB::Table", out, r, false)
	return nil
}
