package maprun

import (
	"context"
	"net/http"

	"github.com/brume-dev/brume/asl/fault"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/timer"
)

// permitted asks whether the machine's role may begin children, and redrive them. The error is States.Permissions.
// https://docs.aws.amazon.com/step-functions/latest/dg/iam-policies-eg-dist-map.html
func (r *Runs) permitted(ctx context.Context, l *loaded, kept *timer.Kept) error {
	id, err := (&bucket{runs: r, l: l, key: kept.Key}).identity(ctx)
	if err != nil {
		return err
	}
	var access []aws.Access
	if l.rec.Express || !l.p.EOF { // express children are redriven by another start
		access = append(access, aws.Access{Action: "states:StartExecution", Resource: l.key.spot().ARN()})
	}
	if l.p.Redriving && l.p.Created > 0 && !l.rec.Express {
		access = append(access, aws.Access{Action: "states:RedriveExecution", Resource: l.ref("*").ARN()})
	}
	err = r.Policies.Authorize(ctx, id, access)
	if err == nil || ctx.Err() != nil || aws.InfoOf(err).Status >= http.StatusInternalServerError {
		return err
	}
	return fault.New(fault.Permissions, "%s", aws.InfoOf(err).Message)
}
