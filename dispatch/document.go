package dispatch

import (
	"context"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/shape"
)

// Document implements aws.Caller: the call of an operation that is only known at run time. in is a JSON document with the
// member names of the API model; where those begin with a small letter (API Gateway's), a capital is taken too, as
// Step Functions and EventBridge Scheduler write all members so. Members that HTTP would carry in the path, the query or
// headers are members of the document like all others.
func (t *Table) Document(ctx context.Context, id aws.Identity, op aws.Op, in []byte) ([]byte, error) {
	e, err := t.find(op)
	if err != nil {
		return nil, err
	}
	input := e.op.NewInput()
	notes, err := shape.DecodeJSON(in, input)
	if err != nil {
		return nil, err
	}
	out, err := t.serve(ctx, id, e, input, notes)
	if err != nil {
		return nil, err
	}
	return shape.AppendJSON(nil, out)
}
