package lint

import (
	"slices"
	"strings"

	"github.com/brume-dev/brume/asl"
	"github.com/brume-dev/brume/asl/choice"
	"github.com/brume-dev/brume/asl/definition"
	"github.com/brume-dev/brume/asl/fault"
	"github.com/brume-dev/brume/asl/path"
	"github.com/brume-dev/brume/asl/template"
	"github.com/brume-dev/brume/jsondoc"
)

// state looks at one state of a block.
func (n node) state(b *block, name string) {
	n.JSONata = n.Language()
	n.Required("Type")
	n.Text("Comment")
	kind := n.OneOf("Type", "Choice", "Fail", "Map", "Parallel", "Pass", "Succeed", "Task", "Wait")
	fields := stateFields(kind)
	if fields == "" {
		return
	}
	n.known(anywhere + " " + fields)
	if has(fields, "Next") {
		n.next(b, name)
	}
	n.flow(kind)
	switch kind {
	case "Task":
		n.task()
	case "Pass":
		if v, ok := n.Object.Get("Result"); ok && !n.JSONata {
			n.l.static(n.Within("Result"), v)
		}
	case "Choice":
		n.choices(b, name)
	case "Wait":
		n.wait()
	case "Succeed":
		b.ends = true
	case "Fail":
		b.ends = true
		n.failure()
	case "Parallel":
		n.parallel(b)
	case "Map":
		n.mapping(b)
	}
	if has(fields, "Catch") {
		n.handlers(b, name)
	}
}

func (n node) next(b *block, name string) {
	end := n.Bool("End")
	switch {
	case n.Has("Next") && end:
		n.Wrong("There should only be one of the following fields: [Next, End]")
	case !n.Has("Next") && !end:
		n.Wrong("This object should have only one of the following fields: [Next, End]")
	}
	n.Filled("Next")
	b.ends = b.ends || end
	b.leads(name, n, "Next")
}

// flow looks at the fields that say how data goes through a state.
func (n node) flow(kind string) {
	if kind == "Fail" {
		return
	}
	if n.JSONata {
		n.data("Arguments")
		n.data("Output")
	} else {
		n.path("InputPath", true)
		n.path("OutputPath", true)
		n.reference("ResultPath", true, path.CompileTarget)
		n.data("Parameters")
		n.data("ResultSelector")
	}
	n.assign()
}

func (n node) wait() {
	if n.JSONata {
		n.ExactlyOne("Seconds", "Timestamp")
	} else {
		n.ExactlyOne("SecondsPath", "Seconds", "TimestampPath", "Timestamp")
		n.reference("SecondsPath", false, path.CompileReference)
		n.reference("TimestampPath", false, path.CompileReference)
	}
	n.integer("Seconds", 0, asl.MaxSeconds)
	if v, ok := n.Object.Get("Timestamp"); ok && !(n.JSONata && n.expression("Timestamp", v)) {
		if s, isText := v.(string); !isText {
			n.Fail("Timestamp", "Expected value of type String")
		} else if _, ok := choice.Timestamp(s); !ok {
			n.Fail("Timestamp", "String does not match RFC3339 timestamp")
		}
	}
}

func (n node) failure() {
	for _, key := range []string{"Error", "Cause"} {
		n.AtMostOne(key, key+"Path")
		text := n.Text(key)
		if n.JSONata {
			n.expression(key, text)
			continue
		}
		if looksDynamic(text) {
			n.l.report(NoPath, n.Within(key), "Field value looks like a path, but field name does not end with 'Path'")
		}
		if v, ok := n.Object.Get(key + "Path"); ok {
			s, isText := v.(string)
			if _, err := template.CompileText(s); !isText || err != nil {
				n.Fail(key+"Path", "Value must be a valid JSONPath.")
			}
		}
	}
}

func (n node) task() {
	n.Required("Resource")
	res := n.resource()
	for _, key := range []string{"TimeoutSeconds", "HeartbeatSeconds"} {
		n.AtMostOne(key, key+"Path")
		n.reference(key+"Path", false, path.CompileReference)
	}
	timeout, ok1 := n.integer("TimeoutSeconds", 1, asl.MaxSeconds)
	heartbeat, ok2 := n.integer("HeartbeatSeconds", 1, asl.MaxSeconds)
	if ok1 && ok2 && heartbeat >= timeout {
		n.Fail("HeartbeatSeconds", "The value of 'HeartbeatSeconds' must be smaller than the value of 'TimeoutSeconds'")
	}
	n.credentials(res)
	if res != nil && n.l.Tasks != nil {
		n.arguments(res)
	}
}

func (n node) credentials(res *asl.Resource) {
	in, ok := n.inner("Credentials")
	if !ok {
		return
	}
	if res != nil && res.Style == asl.Activity {
		n.Fail("Credentials", "The field 'Credentials' is not supported for activities")
	}
	if !in.Has("RoleArn") && (n.JSONata || !in.Has("RoleArn.$")) {
		n.Fail("Credentials", "The field 'RoleArn' is required but was missing")
	}
	n.data("Credentials")
}

// arguments looks at the names of the fields that a task gives to its resource.
func (n node) arguments(res *asl.Resource) {
	key := "Parameters"
	if n.JSONata {
		key = "Arguments"
	}
	v, given := n.Object.Get(key)
	o, isObject := v.(*jsondoc.Object)
	if given && !isObject {
		return // an expression gives them
	}
	var fields []string
	if isObject {
		for name := range o.All() {
			if !n.JSONata {
				name = strings.TrimSuffix(name, template.Suffix)
			}
			fields = append(fields, name)
		}
	}
	if !given && res.Style != asl.Integration {
		return
	}
	at := n.Within(key)
	if !given {
		at = n.At
	}
	for _, problem := range n.l.Tasks.CheckFields(res, fields, given) {
		n.l.schema(at, "%s", problem)
	}
}

// handlers looks at Retry and Catch.
func (n node) handlers(b *block, name string) {
	retriers := n.items("Retry", true)
	for i, r := range retriers {
		r.known(retrierFields)
		r.errorEquals(i == len(retriers)-1)
		r.Number("IntervalSeconds", "Integer", 0, asl.MaxSeconds)
		r.Number("MaxAttempts", "Integer", 0, asl.MaxSeconds)
		r.Number("MaxDelaySeconds", "Integer", 1, asl.MaxRetryDelay)
		r.Number("BackoffRate", "Float", 1, definition.Unbounded)
		r.OneOf("JitterStrategy", "NONE", "FULL")
	}
	catchers := n.items("Catch", true)
	for i, c := range catchers {
		c.known(catcherFields)
		c.errorEquals(i == len(catchers)-1)
		c.Required("Next")
		c.Filled("Next")
		b.leads(name, c, "Next")
		if !c.JSONata {
			c.reference("ResultPath", true, path.CompileTarget)
		} else {
			c.data("Output")
		}
		c.assign()
	}
}

func (n node) errorEquals(last bool) {
	n.Required("ErrorEquals")
	n.NotEmpty("ErrorEquals")
	names := n.Texts("ErrorEquals")
	if slices.Contains(names, fault.All) && (!last || len(names) > 1) {
		n.Fail("ErrorEquals", "States.ALL must appear alone and at end of list")
	}
}
