package sandboxtest

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/brume-dev/brume/sandbox"
)

// program is a function in a language and what the suite expects of it.
type program struct {
	name    string
	handler string
	files   map[string]string
	code    string // folder with the files, when there is one already
	env     map[string]string
	event   string
	// answer is the payload expected, as JSON; want lists texts that it must contain instead.
	answer string
	want   []string
	failed string // error type, when an error is expected
	init   string // error type of the init phase, when that fails
	output []string
}

// run runs programs for a runtime; the test is skipped where the machine has no interpreter at all.
func (b *bench) run(t *testing.T, runtime string, all []program) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	found, err := b.Runner.Runtime(ctx, runtime)
	if err != nil {
		t.Skipf("%v", err)
	}
	t.Logf("%s runs on %s %s", runtime, found.Program, found.Version)
	for _, p := range all {
		t.Run(p.name, func(t *testing.T) { b.program(t, runtime, p) })
	}
}

func (b *bench) program(t *testing.T, runtime string, p program) {
	e := b.start(t, func(s *sandbox.Spec) {
		s.Runtime, s.Code = runtime, p.code
		if p.code == "" {
			s.Code = write(t, p.files)
		}
		s.Env = map[string]string{"_HANDLER": p.handler, "AWS_EXECUTION_ENV": "AWS_Lambda_" + runtime,
			"AWS_LAMBDA_FUNCTION_NAME": "f", "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
			"AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/f", "AWS_LAMBDA_LOG_STREAM_NAME": "2026/01/01/[$LATEST]0"}
		for k, v := range p.env {
			s.Env[k] = v
		}
	})
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	in, err := e.Init(ctx)
	switch {
	case err != nil:
		t.Fatalf("init: %v\n%s", err, strings.Join(e.printed(), "\n"))
	case p.init == "" && in.Error != nil:
		t.Fatalf("init: %s %s", in.Error.ErrorType, in.Error.Payload)
	case p.init != "":
		if in.Error == nil || in.Error.ErrorType != p.init {
			t.Fatalf("init: %+v, want %s", in.Error, p.init)
		}
		<-e.Gone() // the runtime ends after such an error
		p.check(t, in.Error.Payload, e)
		return
	}
	event := p.event
	if event == "" {
		event = "{}"
	}
	for range 2 { // the second one is warm
		r := e.invoke([]byte(event))
		if r.Failed != (p.failed != "") || r.ErrorType != p.failed {
			t.Fatalf("failed %v with %q, want %q: %s\n%s", r.Failed, r.ErrorType, p.failed, r.Payload, strings.Join(e.printed(), "\n"))
		}
		p.check(t, r.Payload, e)
	}
}

func (p *program) check(t *testing.T, payload []byte, e *env) {
	t.Helper()
	if p.answer != "" && !sameJSON(payload, []byte(p.answer)) {
		t.Errorf("answer %s, want %s", payload, p.answer)
	}
	if !json.Valid(payload) {
		t.Errorf("answer is no JSON: %s", payload)
	}
	for _, w := range p.want {
		if !strings.Contains(string(payload), w) {
			t.Errorf("answer %s lacks %s", payload, w)
		}
	}
	printed := strings.Join(e.printed(), "\n")
	for _, w := range p.output {
		if !strings.Contains(printed, w) {
			t.Errorf("output %q lacks %q", printed, w)
		}
	}
}
