package sam

import (
	"fmt"
	"slices"
	"strings"

	"github.com/brume-dev/brume/jsondoc"
)

// machine is an AWS::Serverless::StateMachine in the making.
type machine struct {
	id          string
	from, props *jsondoc.Object
	target      string // the logical id that events start: the machine, or its alias
}

// stateMachine is AWS::Serverless::StateMachine.
// https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-resource-statemachine.html
func (t *transformer) stateMachine(id string, r, props *jsondoc.Object) error {
	m := &machine{id: id, from: r, props: props, target: id}
	out := jsondoc.NewObject()
	if err := m.define(out); err != nil {
		return err
	}
	marks := m.tags()
	switch role := get(props, "Role"); {
	case role != nil && get(props, "Policies") != nil:
		return badResource(id, "Specify either 'Role' or 'Policies' (but not both at the same time) or neither of them")
	case role != nil:
		out.Set("RoleArn", role)
	default:
		out.Set("RoleArn", att(id+"Role", "Arn"))
		if err := t.machineRole(m, marks); err != nil {
			return err
		}
	}
	pick(props, out, "Name=StateMachineName", "Type=StateMachineType", "Logging=LoggingConfiguration", "Tracing=TracingConfiguration")
	out.Set("Tags", marks)
	t.emit(id, "AWS::StepFunctions::StateMachine", out, r, false)
	if err := t.machineAlias(m); err != nil {
		return err
	}
	for name, v := range object(props, "Events").All() {
		e, ok := v.(*jsondoc.Object)
		if !ok {
			return badResource(id, "Event with id [%s] is invalid. It must be an object.", name)
		}
		if err := t.machineEvent(m, name, e); err != nil {
			return err
		}
	}
	return nil
}

// tags are those of the machine, with the one by which SAM marks what it made.
func (m *machine) tags() *jsondoc.Array {
	all := arr(obj("Key", "stateMachine:createdBy", "Value", "SAM"))
	if own, ok := tags(get(m.props, "Tags")).(*jsondoc.Array); ok {
		all.Items = append(all.Items, own.Items...)
	}
	return all
}

// define sets the definition.
func (m *machine) define(out *jsondoc.Object) error {
	given := object(m.props, "DefinitionSubstitutions")
	all := jsondoc.NewObject()
	for k, v := range given.All() {
		all.Set(k, v)
	}
	inline, uri := get(m.props, "Definition"), get(m.props, "DefinitionUri")
	switch {
	case inline != nil && uri != nil:
		return badResource(m.id, "Specify either 'Definition' or 'DefinitionUri' property and not both.")
	case inline != nil:
		taken := 0
		out.Set("DefinitionString", obj("Fn::Join", arr("\n", arr(lines(substitute(inline, all, &taken))...))))
	case uri != nil:
		content, err := contentOf(m.id, "DefinitionUri", uri)
		if err != nil {
			return err
		}
		if get(content, "S3Bucket") == nil || get(content, "S3Key") == nil {
			return badResource(m.id, "'DefinitionUri' requires Bucket and Key properties to be specified.")
		}
		where := jsondoc.NewObject()
		pick(content, where, "S3Bucket=Bucket", "S3Key=Key", "S3ObjectVersion=Version")
		out.Set("DefinitionS3Location", where)
	default:
		return badResource(m.id, "Either 'Definition' or 'DefinitionUri' property must be specified.")
	}
	if all.Len() > 0 {
		out.Set("DefinitionSubstitutions", all)
	}
	return nil
}

// substitute puts a placeholder where a definition has an intrinsic function or a dynamic reference, and notes what stands
// for it. Members are numbered in the order of their names.
func substitute(v any, all *jsondoc.Object, taken *int) any {
	switch v := v.(type) {
	case *jsondoc.Object:
		out := jsondoc.NewObject()
		for _, k := range slices.Sorted(slices.Values(v.Keys())) {
			out.Set(k, replaced(get(v, k), all, taken))
		}
		return out
	case *jsondoc.Array:
		out := arr()
		for _, item := range v.Items {
			out.Items = append(out.Items, replaced(item, all, taken))
		}
		return out
	}
	return v
}

func replaced(v any, all *jsondoc.Object, taken *int) any {
	s, isText := v.(string)
	if o, ok := v.(*jsondoc.Object); ok && intrinsic(o) || isText && strings.HasPrefix(s, "{{resolve:") {
		*taken++
		name := fmt.Sprintf("definition_substitution_%d", *taken)
		all.Set(name, v)
		return "${" + name + "}"
	}
	return substitute(v, all, taken)
}

// lines are a document as Python's json.dumps writes it with sorted keys and an indentation of four.
func lines(v any) (out []any) {
	var line []byte
	var write func(v any, indent int)
	end := func(indent int) {
		out = append(out, string(line))
		line = []byte(strings.Repeat(" ", 4*indent))
	}
	write = func(v any, indent int) {
		switch v := v.(type) {
		case *jsondoc.Object:
			if v.Len() == 0 {
				line = append(line, "{}"...)
				return
			}
			line = append(line, '{')
			for i, k := range slices.Sorted(slices.Values(v.Keys())) {
				if i > 0 {
					line = append(line, ',')
				}
				end(indent + 1)
				line = append(ascii(line, k), ": "...)
				write(get(v, k), indent+1)
			}
			end(indent)
			line = append(line, '}')
		case *jsondoc.Array:
			if len(v.Items) == 0 {
				line = append(line, "[]"...)
				return
			}
			line = append(line, '[')
			for i, item := range v.Items {
				if i > 0 {
					line = append(line, ',')
				}
				end(indent + 1)
				write(item, indent+1)
			}
			end(indent)
			line = append(line, ']')
		default:
			line = pythonJSON(line, v)
		}
	}
	write(v, 0)
	return append(out, string(line))
}

// machineRole makes the role of a machine that names none.
func (t *transformer) machineRole(m *machine, marks *jsondoc.Array) error {
	list, ok := get(m.props, "Policies").(*jsondoc.Array)
	if one := get(m.props, "Policies"); !ok && one != nil {
		list = arr(one)
	} else if !ok {
		list = arr()
	}
	managed, inline := arr(), arr()
	for i, p := range list.Items {
		if err := t.policy(m.id, i, p, managed, inline); err != nil {
			return err
		}
	}
	if v := t.value(get(object(m.props, "Tracing"), "Enabled")); v == true || v == "true" {
		if err := t.policy(m.id, len(list.Items), tracingWrite, managed, inline); err != nil {
			return err
		}
	}
	role := obj("AssumeRolePolicyDocument", trust("states.amazonaws.com"), "ManagedPolicyArns", managed)
	if len(inline.Items) > 0 {
		role.Set("Policies", inline)
	}
	pick(m.props, role, "PermissionsBoundary", "RolePath=Path")
	role.Set("Tags", marks)
	t.emit(m.id+"Role", "AWS::IAM::Role", role, m.from, true)
	return nil
}

// trust lets a service assume a role.
func trust(principal string) *jsondoc.Object {
	return obj("Version", "2012-10-17", "Statement", arr(obj("Action", arr("sts:AssumeRole"), "Effect", "Allow", "Principal", obj("Service", arr(principal)))))
}

// machineAlias publishes a version for each revision, and points the alias of AutoPublishAlias at it.
func (t *transformer) machineAlias(m *machine) error {
	name, _ := t.value(get(m.props, "AutoPublishAlias")).(string)
	preference, _ := get(m.props, "DeploymentPreference").(*jsondoc.Object)
	onAlias := t.value(get(m.props, "UseAliasAsEventTarget"))
	switch {
	case name == "" && onAlias == true:
		return badResource(m.id, "'UseAliasAsEventTarget' requires 'AutoPublishAlias' property to be specified.")
	case name == "" && preference != nil:
		return badResource(m.id, "'DeploymentPreference' requires 'AutoPublishAlias' property to be specified.")
	case name == "":
		return nil
	}
	version, alias := m.id+"Version", m.id+"Alias"+name
	t.emit(version, "AWS::StepFunctions::StateMachineVersion", obj("StateMachineArn", ref(m.id), "StateMachineRevisionId", att(m.id, "StateMachineRevisionId")), m.from, true)
	for _, policy := range []string{"DeletionPolicy", "UpdateReplacePolicy"} {
		if v := object(t.out, version); get(v, policy) == nil {
			v.Set(policy, "Retain")
		}
	}
	if preference == nil {
		preference = obj("Type", "ALL_AT_ONCE")
	}
	preference.Set("StateMachineVersionArn", ref(version))
	t.emit(alias, "AWS::StepFunctions::StateMachineAlias", obj("Name", name, "DeploymentPreference", preference), m.from, true)
	if onAlias == true {
		m.target = alias
	}
	return nil
}

// machineEvent is one of the Events of a machine.
func (t *transformer) machineEvent(m *machine, name string, e *jsondoc.Object) error {
	props := object(e, "Properties")
	id := m.id + name
	rule := jsondoc.NewObject()
	switch kind := text(e, "Type"); kind {
	case "Api":
		return t.machineRoute(m, name, props)
	case "EventBridgeRule", "CloudWatchEvent":
		pick(props, rule, "EventBusName", "Pattern=EventPattern", "RuleName=Name", "State")
	case "Schedule":
		pick(props, rule, "Schedule=ScheduleExpression", "Name", "Description", "State")
		if enabled := t.value(get(props, "Enabled")); enabled != nil {
			if get(props, "State") != nil {
				return badResource(m.id, "Event with id [%s] is invalid. State and Enabled Properties cannot both be specified.", name)
			}
			rule.Set("State", map[bool]any{true: "ENABLED", false: "DISABLED"}[enabled == true || enabled == "true"])
		}
	case "":
		return badResource(m.id, "Event with id [%s] is invalid. Event is missing the 'Type' property.", name)
	default:
		return badResource(m.id, "Event with id [%s] is invalid. Brume's transform does not have events of the type %s yet.", name, kind)
	}
	const suffix, longest = "StepFunctionsTarget", 64
	entry := obj("Arn", ref(m.target), "Id", id[:min(len(id), longest-len(suffix))]+suffix, "RoleArn", get(props, "RoleArn"))
	if get(props, "RoleArn") == nil {
		entry.Set("RoleArn", att(id+"Role", "Arn"))
		t.starter(m, id+"Role", "events.amazonaws.com")
	}
	if own := text(object(props, "Target"), "Id"); own != "" {
		entry.Set("Id", own)
	}
	pick(props, entry, "Input", "InputPath", "InputTransformer", "RetryPolicy")
	if dead := object(props, "DeadLetterConfig"); dead.Len() > 0 {
		arn, err := t.deadQueue(m, name, id, dead)
		if err != nil {
			return err
		}
		entry.Set("DeadLetterConfig", obj("Arn", arn))
	}
	rule.Set("Targets", arr(entry))
	t.emit(id, "AWS::Events::Rule", rule, m.from, true)
	return nil
}

// starter makes a role by which a service starts executions.
func (t *transformer) starter(m *machine, id, principal string) {
	role := obj("AssumeRolePolicyDocument", trust(principal), "Policies", arr(obj("PolicyName", id+"StartExecutionPolicy",
		"PolicyDocument", obj("Statement", arr(obj("Action", "states:StartExecution", "Effect", "Allow", "Resource", ref(m.target)))))))
	pick(m.props, role, "PermissionsBoundary")
	t.emit(id, "AWS::IAM::Role", role, m.from, true)
}

// deadQueue is the queue for events that could not be delivered: the one that is named, or one of the rule's own.
func (t *transformer) deadQueue(m *machine, name, id string, dead *jsondoc.Object) (any, error) {
	arn, kind := get(dead, "Arn"), text(dead, "Type")
	switch {
	case arn != nil && kind != "":
		return nil, badResource(m.id, "Event with id [%s] is invalid. You can either define 'Arn' or 'Type' property of DeadLetterConfig.", name)
	case arn != nil:
		return arn, nil
	case kind != "SQS":
		return nil, badResource(m.id, "Event with id [%s] is invalid. The only valid value for 'Type' property of DeadLetterConfig is 'SQS'.", name)
	}
	queue := text(dead, "QueueLogicalId")
	if queue == "" {
		queue = id + "Queue"
	}
	t.emit(queue, "AWS::SQS::Queue", jsondoc.NewObject(), m.from, true)
	t.emit(id+"QueuePolicy", "AWS::SQS::QueuePolicy", obj("PolicyDocument", obj("Version", "2012-10-17", "Statement", arr(obj("Action", "sqs:SendMessage",
		"Effect", "Allow", "Principal", obj("Service", "events.amazonaws.com"), "Resource", att(queue, "Arn"),
		"Condition", obj("ArnEquals", obj("aws:SourceArn", att(id, "Arn")))))), "Queues", arr(ref(queue))), m.from, true)
	return att(queue, "Arn"), nil
}

// machineRoute adds a route to an API that starts executions with the bodies of requests.
func (t *transformer) machineRoute(m *machine, name string, props *jsondoc.Object) error {
	path, method := text(props, "Path"), strings.ToLower(text(props, "Method"))
	if path == "" || method == "" {
		return badResource(m.id, "Event with id [%s] is invalid. Event is missing 'Path' or 'Method'.", name)
	}
	if method == "any" {
		method = "x-amazon-apigateway-any-method"
	}
	a, err := t.apiOf(m.id, name, props)
	if err != nil {
		return err
	}
	role := m.id + name + "Role"
	t.starter(m, role, "apigateway.amazonaws.com")
	if a.plain || a.body != nil || a.at != nil {
		return nil
	}
	if a.defined(path, method) {
		return badResource(m.id, "Event with id [%s] is invalid. API method \"%s\" defined multiple times for path \"%s\".", name, method, path)
	}
	body := `{"input": "$util.escapeJavaScript($input.json('$'))", "stateMachineArn": "${` + m.target + `}"}`
	if t.value(get(props, "UnescapeMappingTemplate")) == true {
		body = `{"input": "$util.escapeJavaScript($input.json('$')).replaceAll("\\'","'")", "stateMachineArn": "${` + m.target + `}"}`
	}
	call := obj("type", "aws", "httpMethod", "POST", "uri", sub("arn:${AWS::Partition}:apigateway:${AWS::Region}:states:action/StartExecution"),
		"responses", obj("200", obj("statusCode", "200"), "400", obj("statusCode", "400")), "credentials", att(role, "Arn"),
		"requestTemplates", obj("application/json", sub(body)))
	operation := obj("x-amazon-apigateway-integration", call, "responses", obj("200", obj("description", "OK"), "400", obj("description", "Bad Request")))
	if err := a.authorize(m.id, name, operation, call, object(props, "Auth")); err != nil {
		return err
	}
	a.route(path, method, operation)
	return nil
}
