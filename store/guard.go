package store

import (
	"context"
	"fmt"
	"runtime/debug"

	"github.com/brume-dev/brume/aws"
)

// PanicError is what Update returns when its closure panicked. Nothing was written and no other transaction was
// harmed: a bug in one service must not end the platform.
type PanicError struct {
	Value any
	Stack []byte
}

// Error gives the value that was panicked with; the stack is for the log.
func (e *PanicError) Error() string { return fmt.Sprintf("store: closure panicked: %v", e.Value) }

// Unwrap gives the error that was panicked with, if it was one.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// Guard runs fn and turns a panic into a *PanicError. Backends run closures under it.
func Guard(fn func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	return fn()
}

// Enter returns the context that a closure gets: ctx, marked so that a call to another service panics. It panics when
// ctx is marked already: a transaction inside a transaction would wait for itself.
func Enter(ctx context.Context) context.Context {
	if aws.InTx(ctx) {
		panic("store: transaction inside a transaction")
	}
	return aws.MarkTx(ctx)
}
