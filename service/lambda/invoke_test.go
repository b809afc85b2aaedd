package lambda_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/sandbox"
)

// echo answers what it gets.
func echo(_ context.Context, in *sandbox.Invocation, e *performer) (any, error) {
	e.print("working")
	return json.RawMessage(in.Payload), nil
}

func TestInvoke(t *testing.T) {
	r := newRig(t, options{})
	r.stage.on("f", echo)
	r.create("f", nil)
	out, err := r.invoke("f", `{"a":1}`, func(in *lambdaapi.InvocationRequest) { in.LogType = lambdaapi.LogTypeTail })
	if err != nil {
		t.Fatal(err)
	}
	if *out.StatusCode != 200 || string(out.Payload) != `{"a":1}` || *out.ExecutedVersion != "$LATEST" || out.FunctionError != nil {
		t.Errorf("answer %+v %s", out, out.Payload)
	}
	tail, err := base64.StdEncoding.DecodeString(*out.LogResult)
	if err != nil {
		t.Fatal(err)
	}
	want := regexp.MustCompile(`^INIT_START Runtime Version: python:3\.12\.1\tRuntime Version ARN: arn:aws:lambda:us-east-1::runtime:[0-9a-f]{64}
START RequestId: [0-9a-f-]{36} Version: \$LATEST
working
END RequestId: [0-9a-f-]{36}
REPORT RequestId: [0-9a-f-]{36}\tDuration: \d+\.\d\d ms\tBilled Duration: \d+ ms\tMemory Size: 128 MB\tMax Memory Used: 30 MB\tInit Duration: 20\.00 ms\t
$`)
	if !want.Match(tail) {
		t.Errorf("log:\n%s", tail)
	}
	if got := r.must("f", "", nil); got != "{}" {
		t.Errorf("without a payload: %s", got)
	}
	if started, _ := r.stage.counts(); started != 1 {
		t.Errorf("%d environments for two invocations one after the other", started)
	}
	out, err = r.invoke("f", "{}", func(in *lambdaapi.InvocationRequest) { in.InvocationType = lambdaapi.InvocationTypeDryRun })
	if err != nil || *out.StatusCode != 204 {
		t.Errorf("dry run: %+v %v", out, err)
	}
}

// The environment has what Lambda promises.
func TestEnvironmentVariables(t *testing.T) {
	r := newRig(t, options{})
	r.stage.on("f", echo)
	r.create("f", func(in *lambdaapi.CreateFunctionRequest) {
		in.Environment = &lambdaapi.Environment{Variables: map[string]string{"MINE": "x", "PATH": "/mine"}}
	})
	r.must("f", "1", nil)
	env := r.stage.envs[0]
	stream := env["AWS_LAMBDA_LOG_STREAM_NAME"]
	if !regexp.MustCompile(`^2026/11/01/\[\$LATEST\][0-9a-f]{32}$`).MatchString(stream) {
		t.Errorf("stream %s", stream)
	}
	for name, want := range map[string]string{"_HANDLER": "f", "AWS_REGION": region, "AWS_DEFAULT_REGION": region,
		"AWS_LAMBDA_FUNCTION_NAME": "f", "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
		"AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand", "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/f",
		"AWS_EXECUTION_ENV": "AWS_Lambda_python3.12", "MINE": "x", "PATH": "/mine", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": "t"} {
		if env[name] != want {
			t.Errorf("%s is %q, want %q", name, env[name], want)
		}
	}
	if !strings.HasPrefix(env["AWS_ACCESS_KEY_ID"], "ASIA") {
		t.Errorf("key %s", env["AWS_ACCESS_KEY_ID"])
	}
}

func TestFunctionErrors(t *testing.T) {
	r := newRig(t, options{})
	id := "" // of the request
	const pattern = `RequestId: [0-9a-f-]{36} Error: `
	r.stage.on("raises", func(context.Context, *sandbox.Invocation, *performer) (any, error) { return nil, errors.New("bad") })
	r.stage.on("exits", func(context.Context, *sandbox.Invocation, *performer) (any, error) { return nil, errExit })
	r.stage.on("sleeps", func(ctx context.Context, _ *sandbox.Invocation, _ *performer) (any, error) {
		<-ctx.Done()
		return nil, nil
	})
	report := &sandbox.Result{Failed: true, ErrorType: "Runtime.ImportModuleError", Payload: []byte(`{"errorType":"Runtime.ImportModuleError"}`)}
	r.stage.inits["import"] = func() (*sandbox.Result, error) { return report, nil }
	r.stage.inits["dies"] = func() (*sandbox.Result, error) { return nil, &sandbox.ExitError{Reason: "exit status 3"} }
	r.stage.inits["slow"] = func() (*sandbox.Result, error) { return nil, context.DeadlineExceeded }
	for _, c := range []struct{ name, answer, log string }{
		{"raises", `Unhandled {"errorMessage":"bad","errorType":"Error"}`, `REPORT RequestId: .*Max Memory Used: 30 MB\t.*`},
		{"exits", `Unhandled {"errorType":"Runtime.ExitError","errorMessage":"` + pattern + `Runtime exited with error: exit status 1"}`,
			pattern + "Runtime exited with error: exit status 1\nRuntime.ExitError\n.*END RequestId: .*\n.*REPORT .*Status: error\tError Type: Runtime.ExitError"},
		{"sleeps", `Unhandled {"errorType":"Sandbox.Timedout","errorMessage":"` + pattern + `Task timed out after 1.00 seconds"}`,
			`2026-11-01T12:00:00.000Z [0-9a-f-]{36} Task timed out after 1.00 seconds\n\n.*END RequestId: .*\n.*REPORT .*Duration: 1\d\d\d.\d\d ms.*Status: timeout`},
		{"import", `Unhandled {"errorType":"Runtime.ImportModuleError"}`,
			"INIT_REPORT Init Duration: .* ms\tPhase: init\tStatus: error\tError Type: Runtime.ImportModuleError\n.*INIT_START.*\n.*INIT_REPORT .*Phase: invoke.*\n.*START .*\n.*END .*\n.*REPORT .*Status: error\tError Type: Runtime.ImportModuleError"},
		{"dies", `Unhandled {"errorType":"Runtime.ExitError","errorMessage":"` + pattern + `Runtime exited with error: exit status 3"}`, "Phase: invoke"},
		{"nothing", `Unhandled {"errorType":"Runtime.InvalidEntrypoint","errorMessage":"` + pattern + `Couldn't find valid bootstrap\(s\): \[/var/task/bootstrap /opt/bootstrap\]"}`,
			"Error Type: Runtime.InvalidEntrypoint"},
	} {
		t.Run(c.name, func(t *testing.T) {
			one := int32(1)
			r.create(c.name, func(in *lambdaapi.CreateFunctionRequest) { in.Timeout = &one })
			out, err := r.invoke(c.name, "{}", func(in *lambdaapi.InvocationRequest) { in.LogType = lambdaapi.LogTypeTail })
			if err != nil {
				t.Fatal(err)
			}
			answer := *out.FunctionError + " " + string(out.Payload)
			if !regexp.MustCompile("^"+strings.NewReplacer("{", `\{`, "[0-9a-f-]{36}", "[0-9a-f-]{36}").Replace(c.answer)+"$").MatchString(answer) && *out.StatusCode == 200 {
				if !regexp.MustCompile("^" + strings.Replace(c.answer, `Unhandled {`, `Unhandled \{`, 1) + "$").MatchString(answer) {
					t.Errorf("answer %s", answer)
				}
			}
			tail, _ := base64.StdEncoding.DecodeString(*out.LogResult)
			if !regexp.MustCompile(`(?s)` + c.log).Match(tail) {
				t.Errorf("log:\n%s\nwant %s", tail, c.log)
			}
			_ = id
		})
	}
}

// A function that cannot be initialised in ten seconds gets its own timeout once more.
func TestRefusedInvocations(t *testing.T) {
	r := newRig(t, options{})
	r.stage.on("f", echo)
	r.create("f", nil)
	async := func(in *lambdaapi.InvocationRequest) { in.InvocationType = lambdaapi.InvocationTypeEvent }
	large := func(n int) string { return `"` + strings.Repeat("x", n-2) + `"` }
	for _, c := range []struct {
		name, payload string
		change        func(*lambdaapi.InvocationRequest)
		want          string
	}{
		{"g", "{}", nil, "ResourceNotFoundException: Function not found: " + functionARN("g")},
		{"f:9", "{}", nil, "ResourceNotFoundException: Function not found: " + functionARN("f:9")},
		{"f:live", "{}", async, "ResourceNotFoundException: Function not found: " + functionARN("f:live")},
		{"f", "{", nil, "InvalidRequestContentException: Could not parse request body into json: Could not parse payload into json: Unexpected end-of-input"},
		{"f", "hello", nil, "InvalidRequestContentException: Could not parse request body into json: Could not parse payload into json: " +
			"Unrecognized token 'hello': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')"},
		{"f", large(6_291_457), nil, "RequestTooLargeException: Request must be smaller than 6291456 bytes for the InvokeFunction operation"},
		{"f", large(1_048_577), async, "RequestTooLargeException: 1048577 byte payload is too large for the Event invocation type (limit 1048576 bytes)"},
		{"arn:aws:lambda:eu-west-1:000000000000:function:f", "{}", nil,
			"ResourceNotFoundException: Functions from 'eu-west-1' are not reachable in this region ('us-east-1')"},
		{"f", "{}", func(in *lambdaapi.InvocationRequest) { c := "!"; in.ClientContext = &c },
			"InvalidRequestContentException: Client context must be a valid Base64-encoded JSON object."},
	} {
		_, err := r.invoke(c.name, c.payload, c.change)
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: %.200v\nwant %s", c.name, err, c.want)
		}
	}
	if got := r.must("f", large(6_291_456), nil); len(got) != 6_291_456 {
		t.Errorf("the largest payload came back as %d bytes", len(got))
	}
}

// Reserved concurrency is a bound, and zero of it is none.
// A request that waits for its own cold start has the environment that comes first; its own is for the next.
func TestFirstEnvironment(t *testing.T) {
	r := newRig(t, options{})
	inside, leave, starting := make(chan struct{}), make(chan struct{}), make(chan struct{})
	starts, inits := []chan struct{}{make(chan struct{}), make(chan struct{})}, 0
	r.stage.inits["f"] = func() (*sandbox.Result, error) {
		if inits++; inits > 1 { // one after another, as the test goes on
			start := starts[inits-2]
			starting <- struct{}{}
			<-start
		}
		return nil, nil
	}
	r.stage.on("f", func(context.Context, *sandbox.Invocation, *performer) (any, error) {
		inside <- struct{}{}
		<-leave
		return nil, nil
	})
	r.create("f", nil)
	var all sync.WaitGroup
	invoke := func() { all.Go(func() { r.must("f", "{}", nil) }) }
	invoke()
	<-inside
	invoke()
	<-starting
	leave <- struct{}{} // the first is done, and the second goes on in its environment
	<-inside
	invoke()
	<-starting
	close(starts[0]) // what was started for the second is for the third
	<-inside
	close(leave)
	all.Wait()
	close(starts[1])
	if started, _ := r.stage.counts(); started != 3 {
		t.Errorf("%d environments, want 3", started)
	}
}

func TestReservedConcurrency(t *testing.T) {
	r := newRig(t, options{})
	inside, leave := make(chan struct{}), make(chan struct{})
	r.stage.on("f", func(context.Context, *sandbox.Invocation, *performer) (any, error) {
		inside <- struct{}{}
		<-leave
		return nil, nil
	})
	r.create("f", nil)
	reserve := func(n int32) {
		t.Helper()
		_, err := r.client.PutFunctionConcurrency(t.Context(), alice,
			&lambdaapi.PutFunctionConcurrencyRequest{FunctionName: "f", ReservedConcurrentExecutions: n})
		if err != nil {
			t.Fatal(err)
		}
	}
	reserve(2)
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() { r.must("f", "{}", nil) })
		<-inside
	}
	_, err := r.invoke("f", "{}", nil)
	var throttled *lambdaapi.TooManyRequestsException
	if !errors.As(err, &throttled) || throttled.Message != "Rate Exceeded." || *throttled.Type != "User" ||
		throttled.Reason != lambdaapi.ThrottleReasonReservedFunctionConcurrentInvocationLimitExceeded {
		t.Errorf("the third: %+v", err)
	}
	close(leave)
	both.Wait()
	reserve(0)
	if _, err := r.invoke("f", "{}", nil); !errors.As(err, &throttled) {
		t.Errorf("with a reserve of none: %v", err)
	}
	if started, _ := r.stage.counts(); started != 2 {
		t.Errorf("%d environments, want 2", started)
	}
}

// An alias of two versions leads to each as often as its weight says.
func TestWeightedAlias(t *testing.T) {
	r := newRig(t, options{})
	r.stage.on("f", func(_ context.Context, in *sandbox.Invocation, e *performer) (any, error) {
		return []string{e.spec.Env["AWS_LAMBDA_FUNCTION_VERSION"], in.FunctionARN}, nil
	})
	r.create("f", func(in *lambdaapi.CreateFunctionRequest) { in.Publish = new(bool); *in.Publish = true })
	memory := int32(256)
	if _, err := r.client.UpdateFunctionConfiguration(t.Context(), alice, &lambdaapi.UpdateFunctionConfigurationRequest{FunctionName: "f", MemorySize: &memory}); err != nil {
		t.Fatal(err)
	}
	if v, err := r.client.PublishVersion(t.Context(), alice, &lambdaapi.PublishVersionRequest{FunctionName: "f"}); err != nil || *v.Version != "2" {
		t.Fatal(v, err)
	}
	if _, err := r.client.CreateAlias(t.Context(), alice, &lambdaapi.CreateAliasRequest{FunctionName: "f", Name: "live", FunctionVersion: "1",
		RoutingConfig: &lambdaapi.AliasRoutingConfiguration{AdditionalVersionWeights: map[string]float64{"2": 0.25}}}); err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for range 400 {
		out, err := r.invoke("f", "{}", func(in *lambdaapi.InvocationRequest) { q := "live"; in.Qualifier = &q })
		if err != nil {
			t.Fatal(err)
		}
		var answer []string
		if err := json.Unmarshal(out.Payload, &answer); err != nil || answer[0] != *out.ExecutedVersion || answer[1] != functionARN("f:live") {
			t.Fatalf("%s %v %s", out.Payload, err, *out.ExecutedVersion)
		}
		counts[answer[0]]++
	}
	if counts["2"] < 60 || counts["2"] > 140 {
		t.Errorf("versions %v, want about a quarter of 2", counts)
	}
}

// Environments of old code are not used any more, and credentials never run out.
func TestEnvironmentsAreRenewed(t *testing.T) {
	r := newRig(t, options{})
	r.outside.clock = r.clock
	r.stage.on("f", func(_ context.Context, _ *sandbox.Invocation, e *performer) (any, error) {
		return []any{e.calls, e.spec.Env["VAR"], e.spec.Env["AWS_ACCESS_KEY_ID"]}, nil
	})
	r.create("f", nil)
	if got := r.must("f", "{}", nil) + r.must("f", "{}", nil); got != `[1,"","ASIA2"][2,"","ASIA2"]` {
		t.Errorf("two invocations: %s", got)
	}
	if _, err := r.client.UpdateFunctionConfiguration(t.Context(), alice, &lambdaapi.UpdateFunctionConfigurationRequest{FunctionName: "f",
		Environment: &lambdaapi.Environment{Variables: map[string]string{"VAR": "new"}}}); err != nil {
		t.Fatal(err)
	}
	if got := r.must("f", "{}", nil); !strings.HasPrefix(got, `[1,"new",`) {
		t.Errorf("after a change: %s", got)
	}
	r.advance(0)
	before := r.must("f", "{}", nil)
	r.advance(21 * 24 * time.Hour)
	after := r.must("f", "{}", nil)
	if !strings.HasPrefix(after, `[1,"new","ASIA`) || before[len(before)-5:] == after[len(after)-5:] {
		t.Errorf("before the time moved %s, after it %s", before, after)
	}
	if _, err := r.client.DeleteFunction(t.Context(), alice, &lambdaapi.DeleteFunctionRequest{FunctionName: "f"}); err != nil {
		t.Fatal(err)
	}
	r.stop()
	if started, stopped := r.stage.counts(); started != stopped {
		t.Errorf("%d started, %d stopped", started, stopped)
	}
}

func TestLogs(t *testing.T) {
	r := newRig(t, options{})
	r.stage.on("f", echo)
	group := "/mine"
	r.create("f", func(in *lambdaapi.CreateFunctionRequest) {
		in.LoggingConfig = &lambdaapi.LoggingConfig{LogFormat: lambdaapi.LogFormatJson, LogGroup: &group}
	})
	r.must("f", "{}", nil)
	r.stop() // what waits is written
	log := r.log()
	for _, want := range []string{`/mine {"time":"2026-11-01T12:00:00.000Z","type":"platform.initStart","record":{"functionName":"f"`,
		`"type":"platform.start","record":{"requestId":"`, "/mine working", `"type":"platform.report","record":{"metrics":{"billedDurationMs":`,
		`"initDurationMs":20`, `"maxMemoryUsedMB":30`, `"status":"success"`} {
		if !strings.Contains(log, want) {
			t.Errorf("log lacks %s:\n%s", want, log)
		}
	}
	if strings.Contains(log, "runtimeDone") {
		t.Error("runtimeDone is for DEBUG")
	}
	if r.stage.envs[0]["AWS_LAMBDA_LOG_FORMAT"] != "JSON" || r.stage.envs[0]["AWS_LAMBDA_LOG_LEVEL"] != "INFO" {
		t.Errorf("environment %v", r.stage.envs[0])
	}
}

func TestTraces(t *testing.T) {
	r := newRig(t, options{})
	header := make(chan string, 1)
	r.stage.on("f", func(_ context.Context, in *sandbox.Invocation, e *performer) (any, error) {
		header <- in.TraceID
		e.spec.Datagram([]byte("{\"format\": \"json\", \"version\": 1}\n{\"name\":\"own\"}"))
		e.spec.Datagram([]byte("no segment"))
		return nil, nil
	})
	r.create("f", func(in *lambdaapi.CreateFunctionRequest) {
		in.TracingConfig = &lambdaapi.TracingConfig{Mode: lambdaapi.TracingModeActive}
	})
	traced := alice
	traced.Request.Trace = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
	for _, c := range []struct {
		id   aws.Identity
		want string
	}{{alice, `^Root=1-6ae729c0-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=1;Lineage=[0-9a-f]{8}:0$`}, // the first of its second
		{traced, `^Root=1-5759e988-bd862e3fe1be46a994272793;Parent=[0-9a-f]{16};Sampled=1;Lineage=[0-9a-f]{8}:0$`}} {
		if _, err := r.client.Invoke(t.Context(), c.id, &lambdaapi.InvocationRequest{FunctionName: "f"}); err != nil {
			t.Fatal(err)
		}
		if got := <-header; !regexp.MustCompile(c.want).MatchString(got) {
			t.Errorf("header %s, want %s", got, c.want)
		}
	}
	deadline := time.Now().Add(2 * time.Minute)
	for {
		r.mu.Lock()
		all := strings.Join(r.traces, "\n")
		r.mu.Unlock()
		if strings.Count(all, "\n") == 5 {
			for _, want := range []string{`"trace_id":"1-5759e988-bd862e3fe1be46a994272793","parent_id":"53995c3f42cd8ad8","name":"f","origin":"AWS::Lambda"`,
				`"origin":"AWS::Lambda::Function"`, `"name":"Initialization"`, `"name":"Invocation"`, `{"name":"own"}`} {
				if !strings.Contains(all, want) {
					t.Errorf("segments lack %s:\n%s", want, all)
				}
			}
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("segments:\n%s", all)
		}
		time.Sleep(time.Millisecond)
	}
}

// Invocations at the same time have environments of their own, which are used again.
func TestParallel(t *testing.T) {
	r := newRig(t, options{})
	var all sync.WaitGroup
	const n = 20
	inside := make(chan struct{}, n)
	leave := make(chan struct{})
	r.stage.on("f", func(context.Context, *sandbox.Invocation, *performer) (any, error) {
		inside <- struct{}{}
		<-leave
		return nil, nil
	})
	r.create("f", nil)
	for range n {
		all.Go(func() { r.must("f", "{}", nil) })
	}
	for range n {
		<-inside
	}
	close(leave)
	all.Wait()
	for i := range 50 {
		all.Go(func() { r.must("f", fmt.Sprint(i), nil) })
		<-inside
	}
	all.Wait()
	if started, _ := r.stage.counts(); started > n+50 || started < n {
		t.Errorf("%d environments", started)
	}
}

// While a function is made ready it is not changed, and an invocation waits for it.
func TestPending(t *testing.T) {
	r := newRig(t, options{idle: true})
	r.stage.on("f", echo)
	r.create("f", nil)
	timeout := int32(9)
	change := &lambdaapi.UpdateFunctionConfigurationRequest{FunctionName: "f", Timeout: &timeout}
	_, err := r.client.UpdateFunctionConfiguration(t.Context(), alice, change)
	if err == nil || !strings.HasSuffix(err.Error(), "The function is currently in the following state: Pending") {
		t.Errorf("a change while pending: %v", err)
	}
	answered := make(chan string)
	go func() { answered <- r.must("f", "1", nil) }()
	r.run()
	if got := <-answered; got != "1" {
		t.Errorf("answer %s", got)
	}
	r.stop()
	r = newRig(t, options{keep: r, idle: true})
	if _, err := r.client.UpdateFunctionConfiguration(t.Context(), alice, change); err != nil {
		t.Fatal(err)
	}
	_, err = r.client.UpdateFunctionConfiguration(t.Context(), alice, change)
	if err == nil || !strings.HasSuffix(err.Error(), "An update is in progress for resource: "+functionARN("f")) {
		t.Errorf("a change during a change: %v", err)
	}
	if got := r.must("f", "2", nil); got != "2" {
		t.Errorf("invoked during a change: %s", got)
	}
	r.run()
	r.advance(0)
	if c, err := r.client.GetFunctionConfiguration(t.Context(), alice, &lambdaapi.GetFunctionConfigurationRequest{FunctionName: "f"}); err != nil ||
		c.LastUpdateStatus != lambdaapi.LastUpdateStatusSuccessful || *c.Timeout != 9 {
		t.Errorf("after the change: %+v %v", c, err)
	}
}
