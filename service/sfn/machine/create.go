package machine

import (
	"context"
	"time"
	"unicode"

	"github.com/brume-dev/brume/api/sfnapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
)

// CheckName checks the name of a state machine, an activity or an execution.
// https://docs.aws.amazon.com/step-functions/latest/apireference/API_CreateStateMachine.html
func CheckName(name string) error {
	for _, c := range name {
		switch {
		case c <= 0x1f, c >= 0x7f && c <= 0x9f, c == 0xfffe, c == 0xffff, c == unicode.MaxRune, c == unicode.ReplacementChar:
		case unicode.IsSpace(c):
		default:
			if !isSpecial(c) {
				continue
			}
		}
		return &sfnapi.InvalidName{Message: "Invalid Name: '" + name + "'"}
	}
	return nil
}

func isSpecial(c rune) bool {
	for _, s := range "<>{}[]?*\"#%\\^|~`$&,;:/" {
		if c == s {
			return true
		}
	}
	return false
}

// CreateStateMachine makes a state machine, or finds the one there is when it is the same but for role and tags.
func (m *Machines) CreateStateMachine(ctx context.Context, id aws.Identity, in *sfnapi.CreateStateMachineInput) (*sfnapi.CreateStateMachineOutput, error) {
	ref := Ref{Here(id), in.Name}
	rec := machineRecord{Express: in.Type == sfnapi.StateMachineTypeExpress, First: aws.Or(in.Publish, false), FirstText: aws.Or(in.VersionDescription, "")}
	if err := CheckName(in.Name); err != nil {
		return nil, err
	}
	if rec.FirstText != "" && !rec.First {
		return nil, invalid("Version description can only be set when publish is true")
	}
	rev := &Revision{Spot: Spot{Ref: ref}, Express: rec.Express, Definition: in.Definition, Role: in.RoleArn, Tracing: tracing(in.TracingConfiguration)}
	var err error
	if rec.Tags, err = AddTags(nil, in.Tags, ref.ARN()); err != nil {
		return nil, err
	}
	if err := m.configure(rev, in.LoggingConfiguration, in.EncryptionConfiguration); err != nil {
		return nil, err
	}
	if err := m.Check(in.Definition, rec.Express); err != nil {
		return nil, err
	}
	for checked := false; ; {
		out, there, err := m.repeated(ctx, ref, &rec, rev)
		if err != nil || there {
			return out, err
		}
		if !checked {
			if err := m.reach(ctx, id, rev, nil); err != nil {
				return nil, err
			}
			checked = true
		}
		if out, err := m.create(ctx, rec, rev); err != nil || out != nil {
			return out, err
		}
	}
}

// repeated answers a request for a machine that is there.
func (m *Machines) repeated(ctx context.Context, ref Ref, rec *machineRecord, rev *Revision) (*sfnapi.CreateStateMachineOutput, bool, error) {
	e, err := m.find(ctx, Name{Ref: ref})
	if err != nil || e.rec.ID == 0 {
		return nil, false, err
	}
	if e.rec.Deleting {
		return nil, true, Deleting(ref.ARN())
	}
	old, err := m.Revision(ctx, Spot{ref, e.rec.ID}, e.rec.Revision)
	if err != nil {
		return nil, true, err
	}
	same := *rev
	same.Role = old.Role
	if !same.equal(old) || rec.Express != e.rec.Express || rec.First != e.rec.First || rec.FirstText != e.rec.FirstText {
		return nil, true, &sfnapi.StateMachineAlreadyExists{Message: "State Machine Already Exists: '" + ref.ARN() + "'"}
	}
	return created(ref, &e.rec), true, nil
}

func created(ref Ref, rec *machineRecord) *sfnapi.CreateStateMachineOutput {
	out := &sfnapi.CreateStateMachineOutput{StateMachineArn: ref.ARN(), CreationDate: rec.Created}
	if rec.First {
		out.StateMachineVersionArn = new(ref.version(1))
	}
	return out
}

// create makes the machine: its number, then what lies in its own shard, then its name. It returns nil when the name was
// given to another meanwhile.
func (m *Machines) create(ctx context.Context, rec machineRecord, rev *Revision) (*sfnapi.CreateStateMachineOutput, error) {
	home := m.home(rev.Place)
	number, err := store.Update(ctx, home, func(_ context.Context, tx store.Tx) (uint64, error) {
		n, err := readCount(tx, rev.count())
		if err != nil {
			return 0, err
		}
		if n >= maxMachines {
			return 0, &sfnapi.StateMachineLimitExceeded{Message: "State Machine Limit Exceeded: the maximum number of state machines has been reached"}
		}
		return store.NextID(tx, rev.ids())
	})
	if err != nil {
		return nil, err
	}
	mine := *rev
	mine.ID, rec.ID = number, number
	if err := m.keep(ctx, &mine); err != nil {
		return nil, err
	}
	rec.Revision = mine.Key
	return store.Update(ctx, home, func(_ context.Context, tx store.Tx) (*sfnapi.CreateStateMachineOutput, error) {
		_, there, err := tx.Get(mine.Ref.key())
		if err != nil || there {
			return nil, err
		}
		made := rec
		made.Created = tx.Now().Truncate(time.Millisecond)
		if made.First {
			if _, err := publish(tx, mine.Spot, &made, made.FirstText); err != nil {
				return nil, err
			}
		}
		tx.Add(mine.count(), 1)
		mine.change(tx, &made)
		return created(mine.Ref, &made), nil
	})
}

// keep stores a new revision, which nothing names yet, in the machine's own shard.
func (m *Machines) keep(ctx context.Context, rev *Revision) error {
	key, err := m.newID()
	if err != nil {
		return err
	}
	rev.Key = key
	if rev.ID != 0 && rev.Shown != "" {
		rev.Shown = key
	}
	rev.Updated, err = store.Update(ctx, m.Store.Shard(store.Key(rev.Resource())), func(_ context.Context, tx store.Tx) (time.Time, error) {
		rec := rev.record()
		rec.Created = tx.Now().Truncate(time.Millisecond)
		return rec.Created, store.SetLarge(tx, rev.revision(key), record.Encode(version, rec))
	})
	return err
}

// change stores what became of a machine.
func (r Ref) change(tx store.Tx, rec *machineRecord) {
	write(tx, r.key(), *rec)
	tx.Add(r.gen(), 1)
}

// equal reports whether two revisions say the same.
func (v *Revision) equal(o *Revision) bool {
	return v.Definition == o.Definition && v.Role == o.Role && v.Logging.whole() == o.Logging.whole() && v.Tracing == o.Tracing && v.encryption == o.encryption
}
