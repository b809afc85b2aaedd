package asl

import (
	"iter"
	"strconv"
	"strings"

	"github.com/brume-dev/brume/asl/choice"
	"github.com/brume-dev/brume/asl/definition"
	"github.com/brume-dev/brume/asl/path"
	"github.com/brume-dev/brume/asl/template"
)

// compiler reads what stands in one state. It is the place where the two query languages part: what a field of one is
// called and what it may hold.
type compiler struct {
	definition.Node
	r     *reading
	state *State
}

// of is a compiler of an object within the state.
func (c compiler) of(n definition.Node) compiler { return compiler{n, c.r, c.state} }

// flow is how data goes through a state.
type flow struct {
	// JSONPath: nil paths mean the whole ("$"), discards that the field is null.
	inputPath, outputPath, resultPath          *path.Path
	discardInput, discardOutput, discardResult bool
	selector                                   field // ResultSelector

	// arguments is Parameters or Arguments, nil when absent.
	arguments field
	// output is JSONata's Output, nil when absent.
	output field
	assign *assignment
}

// assignment is a compiled Assign: an object whose members are the variables. Nil assigns nothing.
type assignment struct {
	names  []string
	values field
}

func (c compiler) flow() {
	f := &c.state.flow
	if c.state.JSONata {
		f.arguments = c.value("Arguments")
		f.output = c.value("Output")
	} else {
		f.inputPath, f.discardInput = c.optionalPath("InputPath", path.Compile)
		f.outputPath, f.discardOutput = c.optionalPath("OutputPath", path.Compile)
		f.resultPath, f.discardResult = c.optionalPath("ResultPath", path.CompileTarget)
		f.selector = c.value("ResultSelector")
		if c.state.Type != Map {
			f.arguments = c.value("Parameters")
		}
	}
	f.assign = c.assign()
}

// optionalPath is a path that may be null, which discards.
func (c compiler) optionalPath(key string, compile func(string) (*path.Path, error)) (p *path.Path, discard bool) {
	v, ok := c.Object.Get(key)
	if !ok || v == "$" {
		return nil, false
	}
	if v == nil {
		return nil, true
	}
	text, ok := v.(string)
	if !ok {
		c.Fail(key, "Value is not a Path or null")
		return nil, false
	}
	p, err := compile(text)
	if err != nil {
		c.Fail(key, "%v", err)
	}
	return p, false
}

// value is a member that is a payload template (JSONPath) or a JSON value with expressions in it (JSONata); nil when absent.
func (c compiler) value(key string) field {
	v, ok := c.Object.Get(key)
	if !ok {
		return nil
	}
	f, err := compileValue(v, key, c.state.JSONata)
	if err != nil {
		c.Fail(key, "%v", err)
	}
	return f
}

// path is a member whose value is a path, "SecondsPath"; nil when absent.
func (c compiler) path(key string) field {
	if !c.Has(key) {
		return nil
	}
	compile := reference
	if c.state.Type == FailType {
		compile = template.CompileText
	}
	f, err := compilePath(c.Text(key), key, compile)
	if err != nil {
		c.Fail(key, "%v", err)
		return nil
	}
	return f
}

// scalar is a member that JSONPath gives as a constant under key or as a path under key+"Path", and JSONata as a constant or an
// expression under key. Nil when absent.
func (c compiler) scalar(key string) field {
	if !c.state.JSONata {
		if p := c.path(key + "Path"); p != nil {
			if c.Has(key) {
				c.Wrong("Only one of '%s' and '%sPath' may be given", key, key)
			}
			return p
		}
		if v, ok := c.Object.Get(key); ok {
			return constant{v}
		}
		return nil
	}
	return c.value(key)
}

func (c compiler) assign() *assignment {
	n, ok := c.Inner("Assign")
	if !ok {
		return nil
	}
	out := &assignment{values: c.value("Assign")}
	for key := range n.Object.All() {
		name := key
		if !c.state.JSONata {
			name = strings.TrimSuffix(key, template.Suffix)
		}
		if !path.IsVariableName(name) || name == "states" {
			n.Fail(key, "Variable name '%s' is not valid", name)
		}
		out.names = append(out.names, name)
	}
	return out
}

// assigns yields the names of the variables that a state can assign.
func (s *State) assigns() iter.Seq[string] {
	return func(yield func(string) bool) {
		lists := []*assignment{s.flow.assign}
		for i := range s.rules {
			lists = append(lists, s.rules[i].assign)
		}
		for i := range s.catchers {
			lists = append(lists, s.catchers[i].assign)
		}
		for _, l := range lists {
			if l == nil {
				continue
			}
			for _, name := range l.names {
				if !yield(name) {
					return
				}
			}
		}
	}
}

func (c compiler) pass() {
	if v, ok := c.Object.Get("Result"); ok && !c.state.JSONata {
		c.state.result = constant{v}
	}
}

func (c compiler) wait() {
	w := &waitFields{seconds: c.scalar("Seconds"), timestamp: c.scalar("Timestamp")}
	if (w.seconds == nil) == (w.timestamp == nil) {
		c.Wrong("Exactly one of the fields 'Seconds', 'SecondsPath', 'Timestamp' and 'TimestampPath' must be given")
	}
	if k, ok := w.seconds.(constant); ok {
		if i, whole := wholeNumber(k.v); !whole || i < 0 || i > MaxSeconds {
			c.Fail("Seconds", "Expected value between 0 and %d", MaxSeconds)
		}
	}
	if k, ok := w.timestamp.(constant); ok {
		if _, ok := timestampOf(k.v); !ok {
			c.Fail("Timestamp", "Value is not a valid ISO-8601 extended offset date-time format string")
		}
	}
	c.state.wait = w
}

func (c compiler) failure() {
	c.state.failed = &failFields{name: c.failureText("Error"), cause: c.failureText("Cause")}
}

// failureText is Error or Cause of a Fail state: a constant, an expression, a path or an intrinsic function.
func (c compiler) failureText(key string) field {
	if v, ok := c.Object.Get(key); ok {
		if c.Has(key + "Path") {
			c.Wrong("Only one of '%s' and '%sPath' may be given", key, key)
		}
		if _, ok := v.(string); !ok {
			c.Fail(key, "Expected value of type String")
		}
	}
	return c.scalar(key)
}

func (c compiler) parallel() {
	c.Required("Branches")
	c.NotEmpty("Branches")
	for _, b := range c.Items("Branches") {
		c.state.Blocks = append(c.state.Blocks, c.r.block(b, c.state, false))
	}
	c.handlers()
}

func (c compiler) task() {
	s := c.state
	c.Required("Resource")
	text := c.Text("Resource")
	resource, ok := ParseResource(text)
	if !ok {
		c.Fail("Resource", "The resource provided %s is not recognized. The value is not a valid resource ARN, or the resource is not available in this region.", text)
	}
	s.Resource = resource
	t := &taskFields{timeout: c.scalar("TimeoutSeconds"), heartbeat: c.scalar("HeartbeatSeconds")}
	for key, f := range map[string]field{"TimeoutSeconds": t.timeout, "HeartbeatSeconds": t.heartbeat} {
		if k, ok := f.(constant); ok {
			if i, whole := wholeNumber(k.v); !whole || i < 1 || i > MaxSeconds {
				c.Fail(key, "Expected value between 1 and %d", MaxSeconds)
			}
		}
	}
	if creds, ok := c.Inner("Credentials"); ok {
		t.credentials = c.value("Credentials")
		if !creds.Has("RoleArn") && !creds.Has("RoleArn"+template.Suffix) {
			c.Fail("Credentials", "Missing field 'RoleArn'")
		}
	}
	s.task = t
	c.handlers()
}

func (c compiler) choice() {
	s := c.state
	s.Default = c.Text("Default")
	c.Required("Choices")
	c.NotEmpty("Choices")
	for i, n := range c.Items("Choices") {
		n.Required("Next")
		one := c.of(n)
		rule := rule{next: n.Text("Next"), assign: one.assign()}
		where := "Choices[" + strconv.Itoa(i) + "]/"
		var err error
		if s.JSONata {
			rule.output = one.value("Output")
			n.Required("Condition")
			v, _ := n.Object.Get("Condition")
			rule.condition, err = compileValue(v, where+"Condition", true)
		} else {
			rule.comparison, err = choice.Compile(n.Object)
		}
		if err != nil {
			n.Wrong("%v", err)
		}
		s.rules = append(s.rules, rule)
		s.Choices = append(s.Choices, rule.next)
	}
}
