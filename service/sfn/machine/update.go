package machine

import (
	"context"
	"time"

	"github.com/brume-dev/brume/api/sfnapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
)

// named is the machine that an ARN without qualifier and label names.
func named(arn string) (Ref, error) {
	n, err := ParseARN(arn)
	switch {
	case err != nil:
		return Ref{}, err
	case n.Label != "":
		return Ref{}, Labelled(arn)
	case n.Qualifier != "":
		return Ref{}, invalid("The operation takes the ARN of a state machine, not that of a version or alias: '" + arn + "'")
	}
	return n.Ref, nil
}

// alive reads a machine that has to be there and is to stay.
func (r Ref) alive(tx store.Reader) (machineRecord, error) {
	rec, there, err := read[machineRecord](tx, r.key())
	switch {
	case err != nil:
		return rec, err
	case !there:
		return rec, NotFound(r.ARN())
	case rec.Deleting:
		return rec, Deleting(r.ARN())
	}
	return rec, nil
}

// UpdateStateMachine gives a machine a new revision, unless nothing changes.
func (m *Machines) UpdateStateMachine(ctx context.Context, id aws.Identity, in *sfnapi.UpdateStateMachineInput) (*sfnapi.UpdateStateMachineOutput, error) {
	ref, err := named(in.StateMachineArn)
	if err != nil {
		return nil, err
	}
	if in.Definition == nil && in.RoleArn == nil && in.LoggingConfiguration == nil && in.TracingConfiguration == nil && in.EncryptionConfiguration == nil {
		return nil, &sfnapi.MissingRequiredParameter{Message: "Either the definition, the role ARN, the LoggingConfiguration, the TracingConfiguration, or the EncryptionConfiguration must be specified"}
	}
	if aws.Or(in.VersionDescription, "") != "" && !aws.Or(in.Publish, false) {
		return nil, invalid("Version description can only be set when publish is true")
	}
	for {
		rec, err := store.View(ctx, m.home(ref.Place), func(_ context.Context, r store.Reader) (machineRecord, error) { return ref.alive(r) })
		if err != nil {
			return nil, err
		}
		old, err := m.Revision(ctx, Spot{ref, rec.ID}, rec.Revision)
		if err != nil {
			return nil, err
		}
		rev, err := m.revise(ctx, id, old, in)
		if err != nil {
			return nil, err
		}
		if out, err := m.replace(ctx, old, rev, in); err != nil || out != nil {
			return out, err
		}
	}
}

// revise makes the next revision, and stores it when it differs.
func (m *Machines) revise(ctx context.Context, id aws.Identity, old *Revision, in *sfnapi.UpdateStateMachineInput) (*Revision, error) {
	rev := *old
	rev.Definition, rev.Role = aws.Or(in.Definition, old.Definition), aws.Or(in.RoleArn, old.Role)
	if in.TracingConfiguration != nil {
		rev.Tracing = tracing(in.TracingConfiguration)
	}
	if err := m.configure(&rev, in.LoggingConfiguration, in.EncryptionConfiguration); err != nil {
		return nil, err
	}
	if rev.equal(old) {
		return old, nil
	}
	if in.Definition != nil {
		if err := m.Check(rev.Definition, rev.Express); err != nil {
			return nil, err
		}
	}
	if err := m.reach(ctx, id, &rev, old); err != nil {
		return nil, err
	}
	rev.Shown = "new" // it gets one
	return &rev, m.keep(ctx, &rev)
}

// replace makes rev the current revision. It returns nil when that is not old any more.
func (m *Machines) replace(ctx context.Context, old, rev *Revision, in *sfnapi.UpdateStateMachineInput) (*sfnapi.UpdateStateMachineOutput, error) {
	return store.Update(ctx, m.home(old.Place), func(_ context.Context, tx store.Tx) (*sfnapi.UpdateStateMachineOutput, error) {
		rec, err := old.alive(tx)
		if err != nil || rec.ID != old.ID || rec.Revision != old.Key {
			return nil, err
		}
		if rec.Revision != rev.Key {
			rec.Revision, rec.Published = rev.Key, 0
		}
		out := &sfnapi.UpdateStateMachineOutput{UpdateDate: tx.Now().Truncate(time.Millisecond), RevisionId: aws.Some(rev.Shown)}
		if aws.Or(in.Publish, false) {
			n, err := publish(tx, old.Spot, &rec, aws.Or(in.VersionDescription, ""))
			if err != nil {
				return nil, err
			}
			out.StateMachineVersionArn = new(old.version(n))
		}
		old.change(tx, &rec)
		return out, nil
	})
}
