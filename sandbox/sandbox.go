// Package sandbox runs function code. A Runner starts environments from a Spec; an Environment initialises the
// function's runtime once and is then handed one invocation after another through the Lambda Runtime API. Package
// process is the runner that uses the kernel's own isolation; sandboxtest is the suite that every runner passes.
//
// An environment belongs to one version of one function and is never shared between two.
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html describes the life that is kept here:
// init, invoke, freeze and thaw in between, shutdown.
package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// Runner starts environments. It is safe for concurrent use.
type Runner interface {
	// Name is what status pages call the runner: "process".
	Name() string
	// Describe says in one line how well environments are isolated here, for people.
	Describe() string
	// Runtime says what would run functions of the runtime id, "python3.12". The error tells a user what is missing.
	Runtime(ctx context.Context, id string) (Runtime, error)
	// Start begins an environment. It returns when the runtime's process is running, before the init phase has ended.
	// ctx bounds the start only.
	Start(ctx context.Context, spec *Spec) (Environment, error)
	// Close stops every environment and releases what the runner holds.
	Close() error
}

// Runtime names the program behind a runtime id.
type Runtime struct {
	ID      string // as asked for, "python3.12"
	Program string // path of the interpreter; "" when the function brings its own bootstrap
	Version string // of the interpreter, "3.12.1"; "" likewise
	Exact   bool   // whether the interpreter is of the version that the runtime id names
}

// Spec is what an environment is made from. It is not changed by the runner.
type Spec struct {
	// ID names the environment; unique among those of a runner, of lower-case letters, digits and '-'.
	ID string
	// Runtime is the runtime id, "python3.12", "provided.al2023".
	Runtime string
	// Code is the folder with the unpacked code; the function sees it as /var/task, read-only.
	Code string
	// Layers are unpacked layers in order; the function sees them merged as /opt, later ones over earlier ones. The
	// variables of the runtime (PATH, LD_LIBRARY_PATH, NODE_PATH, RUBYLIB, GEM_PATH, the class path, Python's sys.path)
	// name their folders as on Lambda; programs in extensions/ are started as external extensions.
	Layers []string
	// Env are the variables that the function is promised by Lambda and by its configuration. The runner adds those
	// that only it knows (addresses, paths), and never replaces one that is set here.
	Env map[string]string
	// MemoryMB is the memory limit; processor time is in proportion to it.
	MemoryMB int
	// TmpMB is the size of /tmp.
	TmpMB int
	// Account is the id of the function's account, for extensions that ask for it.
	Account string
	// Output receives what the function prints, from one goroutine at a time.
	Output func(Line)
	// Turn, when not nil, is called once, when nothing holds the start up any more and before anything runs. false: the
	// environment is not wanted any more, and Start returns ErrUnwanted.
	Turn func() bool
	// Datagram receives each X-Ray datagram that the function sends to its daemon address. nil: they are dropped.
	Datagram func([]byte)
}

// ErrUnwanted says that an environment was not started because nobody wanted it any more when its turn came.
var ErrUnwanted = errors.New("sandbox: not wanted any more")

// Line is a piece of output: a line of standard output or error without its end, or a whole message of a runtime that
// frames its messages.
type Line struct {
	Time time.Time
	Text []byte // valid only during the call
	// Extension says that an external extension printed it, not the function.
	Extension bool
}

// Environment is a started environment. Methods may be called from any goroutine, but only one Invoke at a time.
type Environment interface {
	// Init waits until the init phase has ended and says how. It may be called again and answers the same.
	// The error is an *ExitError or ctx's.
	Init(ctx context.Context) (Init, error)
	// Invoke hands the function an invocation and waits for its answer. When ctx ends first, ctx's error is returned
	// and the environment must be stopped, as it must after an *ExitError.
	Invoke(ctx context.Context, in *Invocation) (*Result, error)
	// Freeze stops the environment's processes until Thaw. Both are idempotent.
	Freeze() error
	Thaw() error
	// Usage reads what the environment has used so far.
	Usage() Usage
	// Flush hands everything that the function has printed up to now to Output before it returns.
	Flush()
	// Settle waits until the extensions have done what they do after an answer: only then may the environment be frozen
	// or invoked again. Without extensions it returns at once. The error is an *ExitError or ctx's.
	Settle(ctx context.Context) error
	// Tell passes a platform event on to those who subscribed to telemetry: its kind, "platform.report", and its record,
	// which is asked for only if there are any.
	Tell(kind string, record func() map[string]any)
	// Shutdown ends the environment in order, with notice to the extensions and the time that Lambda gives them, and
	// then as Stop does. Without extensions it is Stop.
	// https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html#runtimes-lifecycle-shutdown
	Shutdown(why Reason)
	// Stop ends the environment's processes and removes what it leaves. It returns when that is done.
	Stop()
	// Gone is closed when the runtime's process has ended, for whatever reason.
	Gone() <-chan struct{}
}

// Reason is why an environment is shut down, as extensions are told.
type Reason string

// Reasons.
const (
	Spindown Reason = "spindown" // it is not needed any more
	Timeout  Reason = "timeout"  // an invocation took too long
	Failure  Reason = "failure"  // the runtime or an extension ended
)

// Init is how an init phase went.
type Init struct {
	// Duration is the time from the start of the runtime's process to its first request for an invocation, or to its
	// report of an error.
	Duration time.Duration
	// Error is the error document that the runtime reported, nil when initialisation succeeded.
	Error *Result
}

// Invocation is one event for a function.
type Invocation struct {
	ID              string // request id
	Payload         []byte
	Deadline        time.Time // by the machine's clock
	FunctionARN     string    // as it was invoked, with its qualifier
	TraceID         string    // X-Amzn-Trace-Id form; "" when nothing is traced
	ClientContext   string    // JSON; "" = none
	CognitoIdentity string    // JSON; "" = none
	// Stream, when set, takes a streamed answer: it is called at most once, when the runtime begins one, with the
	// answer's content type, and returns where the answer is written as it comes; what it cannot write is dropped, and
	// the function runs on. Writes come one after another; the last one has ended when Invoke returns a Result, and may
	// still be under way when it returns an error. When Stream is nil a streamed answer is gathered and given as if it
	// had not been streamed.
	// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html#runtimes-custom-response-streaming
	Stream func(contentType string) io.Writer
}

// Result is a function's answer.
type Result struct {
	Payload []byte
	// ContentType is what the runtime said of Payload; "" when it said nothing.
	ContentType string
	// Streamed says that the answer went to Invocation.Stream: Payload is nil, or, when the answer broke off with an
	// error, the error document.
	Streamed bool
	// Failed says that the runtime reported an error: Payload is the error document and ErrorType its type.
	Failed    bool
	ErrorType string // "Runtime.ImportModuleError", "ValueError"
	// Cause is the runtime's Lambda-Runtime-Function-XRay-Error-Cause, JSON; "" when it gave none.
	Cause string
}

// Usage is what an environment has used.
type Usage struct {
	MaxMemory int64 // the largest amount of memory in bytes so far
}

// ExitError says that the runtime's process ended when it should not have.
type ExitError struct {
	// Reason is the end of AWS's text: "exit status 1", "signal: killed"; "" for an exit with status 0.
	Reason string
	// OutOfMemory says that the memory limit ended it.
	OutOfMemory bool
	// Type is the error's type where it is not the runtime that ended: "Extension.Crash", "Extension.InitError",
	// "Extension.ExitError", "Extension.LaunchError"; "" = Runtime.ExitError.
	Type string
}

// Kind is the type of the error, as clients see it.
func (e *ExitError) Kind() string {
	if e.Type != "" {
		return e.Type
	}
	return "Runtime.ExitError"
}

// Error is AWS's text of the error, without the request id.
func (e *ExitError) Error() string {
	if e.Type != "" {
		return e.Reason
	}
	if e.Reason == "" {
		return "Runtime exited without providing a reason"
	}
	return fmt.Sprintf("Runtime exited with error: %s", e.Reason)
}

// EntrypointError says that the runtime's process could not be started because of what the function is: it has no
// bootstrap, or one that cannot be executed. AWS reports it as Runtime.InvalidEntrypoint.
type EntrypointError struct {
	Message string // "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"
}

func (e *EntrypointError) Error() string { return e.Message }
