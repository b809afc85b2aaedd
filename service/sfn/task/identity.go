package task

import (
	"context"
	"crypto/sha256"
	"fmt"

	"github.com/brume-dev/brume/asl/fault"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/sfn/execution"
	"github.com/brume-dev/brume/service/sfn/machine"
)

// identity is who makes a request: the machine's role or, on top of it, that of the state's Credentials. The call acts in
// the role's account and the machine's region.
// https://docs.aws.amazon.com/step-functions/latest/dg/concepts-access-cross-acct-resources.html
func (r *Runner) identity(ctx context.Context, q *execution.Request) (aws.Identity, error) {
	arn := q.Revision.ARN()
	request := aws.Request{ID: q.Key, Trace: q.Trace}
	service := aws.ForService(machine.Principal, q.Revision.Account, q.Revision.Region, arn, request)
	id, _, err := r.Roles.Assume(ctx, service, q.Revision.Role, session(arn))
	if err != nil {
		return id, denied(ctx, err, "Neither the global service principal %s, nor the regional one is authorized to assume the provided role.", machine.Principal)
	}
	if role := q.Call.RoleARN; role != "" && role != q.Revision.Role {
		if id, _, err = r.Roles.Chain(ctx, id, role, session(arn)); err != nil {
			return id, denied(ctx, err, "The role %s is not authorized to assume the task state's role, %s.", q.Revision.Role, role)
		}
	}
	id.Request, id.Region = request, q.Revision.Region
	return id, nil
}

// denied is what a task fails with that could not assume its role; what is no refusal stays what it is.
func denied(ctx context.Context, err error, format string, args ...any) error {
	if ctx.Err() != nil || aws.InfoOf(err).Status >= 500 {
		return err
	}
	return fault.New(fault.Permissions, format, args...)
}

// session names the role session of a machine: always the same, so that its credentials can be cached.
func session(machine string) string {
	sum := sha256.Sum256([]byte(machine))
	return fmt.Sprintf("%x", sum[:16])
}
