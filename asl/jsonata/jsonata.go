// Package jsonata evaluates JSONata as Step Functions does: version 2.0.6 of the language without $eval, with $partition,
// $range, $hash, $random, $uuid and $parse. The engine is the official one, in JavaScript, on goja; expressions that only
// pick, compare, add up and put together are evaluated in Go, with the same outcome (plan.go).
//
// Values are documents of package jsondoc. Numbers are those of JavaScript: what is beyond 2^53 loses its last digits when an
// expression returns it, as on AWS.
//
// https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html, https://docs.jsonata.org
package jsonata

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/dop251/goja"

	"github.com/brume-dev/brume/asl/fault"
	"github.com/brume-dev/brume/jsondoc"
)

// Env is what an evaluation may know beside its variables.
type Env struct {
	// Now is what $now and $millis tell.
	Now time.Time
	// Seed makes $random, $shuffle and $uuid: the same seed gives the same values.
	Seed [2]uint64
}

// Expr is a compiled expression. It may be used by many at once.
type Expr struct {
	text string
	plan plan // nil when it takes the engine
}

// SyntaxError says why a text is no expression.
type SyntaxError struct {
	// Code is JSONata's, as "S0202". AWS leaves it out of its diagnostics.
	Code    string
	Message string
	// Position is where, in UTF-16 code units; -1 when unknown.
	Position int
}

// Error is the message.
func (e *SyntaxError) Error() string { return e.Message }

// EvalError says why an evaluation failed.
type EvalError struct {
	// Code is JSONata's, as "T2006"; empty when a bound was not kept or the error is not JSONata's.
	Code    string
	Message string
}

// Error is the code, when there is one, and the message.
func (e *EvalError) Error() string {
	if e.Code == "" {
		return e.Message
	}
	return e.Code + ": " + e.Message
}

var (
	errTime        = &EvalError{Message: "Expression evaluation timeout: Check for infinite loop"}
	errDepth       = &EvalError{Message: "Stack overflow error: Check for non-terminating recursive function. Consider rewriting as tail-recursive."}
	errUnsupported = errors.New("returned an unsupported result type")
)

// Is reports whether s is an expression, with its {% and %}.
func Is(s string) bool {
	return len(s) >= 4 && strings.HasPrefix(s, "{%") && strings.HasSuffix(s, "%}")
}

// Inner returns the text between {% and %}.
func Inner(s string) string { return strings.TrimSpace(s[2 : len(s)-2]) }

// Compile compiles a text, without {% and %}. The error is a *SyntaxError when the text is wrong.
func Compile(text string) (*Expr, error) {
	if len(text) > maxText {
		return nil, &SyntaxError{Message: "The expression is too long", Position: -1}
	}
	x := &Expr{text: text, plan: parsePlan(text)}
	if x.plan != nil {
		return x, nil
	}
	p, err := engines()
	if err != nil {
		return nil, err
	}
	return x, p.with(context.Background(), func(e *engine) error {
		_, err := e.script(text)
		return err
	})
}

// String is the text of the expression.
func (x *Expr) String() string { return x.text }

// Eval evaluates the expression with vars as $name ("states" is $states). Nothing defined is not an error here. The error is an
// *EvalError, or ctx's, or says that the result is nothing that JSON can hold.
func (x *Expr) Eval(ctx context.Context, vars map[string]any, env Env) (v any, defined bool, err error) {
	if x.plan != nil {
		if v, ok := x.plan.eval(vars); ok {
			if v == undefined {
				return nil, false, nil
			}
			if v, ok = normal(v); ok {
				return v, true, nil
			}
		}
	}
	return x.evalEngine(ctx, vars, env)
}

func (x *Expr) evalEngine(ctx context.Context, vars map[string]any, env Env) (v any, defined bool, err error) {
	p, err := engines()
	if err != nil {
		return nil, false, err
	}
	err = p.with(ctx, func(e *engine) error {
		v, defined, err = e.eval(ctx, x.text, vars, env)
		return err
	})
	if err != nil {
		return nil, false, err
	}
	return v, defined, nil
}

// EvalField evaluates the expression of a field of a state, such as "Output/total[0]". Errors are fault.Errors with AWS's
// words; a result that is undefined is one too.
func (x *Expr) EvalField(ctx context.Context, field string, vars map[string]any, env Env) (any, error) {
	v, defined, err := x.Eval(ctx, vars, env)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err == nil && defined {
		return v, nil
	}
	about := fmt.Sprintf("The JSONata expression '%s' specified for the field '%s' ", x.text, field)
	failed, ok := errors.AsType[*EvalError](err)
	switch {
	case err == nil:
		about += "returned nothing (undefined)."
	case errors.Is(err, errUnsupported):
		about += errUnsupported.Error() + "."
	case ok && failed.Code != "":
		about += "threw an error during evaluation. " + failed.Error()
	case ok:
		about += "threw an error during evaluation: " + failed.Message
	default:
		return nil, err
	}
	return nil, &fault.Error{Name: fault.QueryEvaluationError, Cause: about, Location: field}
}

// WrongType is the failure of a field whose expression gave a value of another type than the field takes: expected is
// "boolean", "number", "string", "array" or "object".
func WrongType(text, field, expected string, v any) *fault.Error {
	return &fault.Error{Name: fault.QueryEvaluationError, Location: field, Cause: fmt.Sprintf("The JSONata expression '%s' specified for the field '%s'"+
		" returned an unexpected result type. Expected '%s', but was '%s' for value: %s", text, field, expected, TypeOf(v), jsondoc.Text(v))}
}

// eval runs an expression in this engine.
func (e *engine) eval(ctx context.Context, text string, vars map[string]any, env Env) (any, bool, error) {
	return e.evalWith(ctx, text, goja.Undefined(), vars, env)
}

func (e *engine) evalWith(ctx context.Context, text string, input goja.Value, vars map[string]any, env Env) (any, bool, error) {
	s, err := e.script(text)
	if err != nil {
		return nil, false, err
	}
	e.seed(env)
	bindings, err := e.bindings(s, vars)
	if err != nil {
		return nil, false, err
	}
	var result goja.Value
	var failed *EvalError
	done := func(call goja.FunctionCall) goja.Value {
		result = call.Argument(0)
		return goja.Undefined()
	}
	fail := func(code, message string, _ int) { failed = &EvalError{Code: code, Message: message} }
	_, err = e.guard(ctx, func() (goja.Value, error) {
		return e.run(goja.Undefined(), s.value, input, bindings, e.vm.ToValue(done), e.vm.ToValue(fail))
	})
	if err != nil {
		return nil, false, e.evalError(err)
	}
	if failed != nil {
		return nil, false, failed
	}
	if result == nil {
		return nil, false, errors.New("jsonata: the evaluation did not end")
	}
	if goja.IsUndefined(result) {
		return nil, false, nil
	}
	v, err := e.document(result, 0)
	return v, err == nil, err
}

// evalError reads what ended an evaluation from outside.
func (e *engine) evalError(err error) error {
	if i, ok := errors.AsType[*goja.InterruptedError](err); ok {
		if cause, ok := i.Value().(error); ok {
			return cause
		}
	}
	if _, ok := errors.AsType[*goja.StackOverflowError](err); ok {
		return errDepth
	}
	return &EvalError{Message: err.Error()}
}

// syntaxError reads the error that jsonata throws for a text.
func (e *engine) syntaxError(err error) error {
	out := &SyntaxError{Message: err.Error(), Position: -1}
	thrown, ok := errors.AsType[*goja.Exception](err)
	if !ok {
		if _, ok := errors.AsType[*goja.StackOverflowError](err); ok {
			out.Message = errDepth.Message
		}
		return out
	}
	o, ok := thrown.Value().(*goja.Object)
	if !ok {
		return out
	}
	if v := o.Get("code"); v != nil && !goja.IsUndefined(v) {
		out.Code = v.String()
	}
	if v := o.Get("message"); v != nil && !goja.IsUndefined(v) {
		out.Message = v.String()
	}
	if v := o.Get("position"); v != nil && !goja.IsUndefined(v) {
		out.Position = int(v.ToInteger())
	}
	return out
}
