package mapping

import (
	"context"
	"strings"

	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/event/source"
	"github.com/brume-dev/brume/service/lambda/fault"
	"github.com/brume-dev/brume/service/lambda/keys"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/timer"
)

// CreateEventSourceMapping has a function invoked with the messages of a queue, or the records of a stream.
// https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html
func (m *Mappings) CreateEventSourceMapping(ctx context.Context, id aws.Identity, in *lambdaapi.CreateEventSourceMappingRequest) (*lambdaapi.EventSourceMappingConfiguration, error) {
	a, err := sourceOf(id, in.EventSourceArn)
	if err != nil {
		return nil, err
	}
	changes := settingsOfCreate(in)
	if err := changes.check(a); err != nil {
		return nil, err
	}
	of, batch, err := streamOfCreate(a, in)
	if err != nil {
		return nil, err
	}
	if len(in.Tags) > maxTags {
		return nil, tooManyTags()
	}
	fn, err := m.function(ctx, id, in.FunctionName)
	if err != nil {
		return nil, err
	}
	made := mapping{Function: fn.ARN, Name: fn.Name, Source: a.String(), Batch: batch, Enabled: true, State: creating,
		Revision: m.NewID(), Tags: in.Tags, Stream: of}
	if err := changes.apply(&made); err != nil {
		return nil, err
	}
	if err := m.checkReach(ctx, id, fn, a, changes); err != nil {
		return nil, err
	}
	k := spaceOf(id.Account, id.Region)
	p := k.at(m.NewID())
	return store.Update(ctx, m.home(k), func(_ context.Context, tx store.Tx) (*lambdaapi.EventSourceMappingConfiguration, error) {
		rec := made
		if err := absent(tx, k, &rec); err != nil {
			return nil, err
		}
		rec.Modified = tx.Now()
		put(tx, p, &rec)
		return m.describe(p, &rec), setSettle(tx, p)
	})
}

// absent refuses a second mapping from the same source to the same function.
func absent(tx store.Tx, k space, rec *mapping) error {
	t := k.ofFunction(rec.Function)
	pairs, done := tx.Scan(t.Range(), store.ScanOpt{})
	for kv := range pairs {
		uuid := store.Decode(kv.Key, len(t)).Text()
		other, err := at(tx, k.at(uuid))
		if err != nil {
			return err
		}
		switch {
		case other == nil || other.Source != rec.Source:
		case rec.Stream != nil:
			return fault.Conflict("The event source arn (\" %s \") and function (\" %s \") provided mapping already exists. "+
				"Please update or delete the existing mapping with UUID %s", rec.Source, rec.Name, uuid)
		default:
			return fault.Conflict("An event source mapping with SQS arn (\" %s \") and function (\" %s \") already exists. "+
				"Please update or delete the existing mapping with UUID %s", rec.Source, rec.Name, uuid)
		}
	}
	return done()
}

// UpdateEventSourceMapping changes those settings that it names.
// https://docs.aws.amazon.com/lambda/latest/api/API_UpdateEventSourceMapping.html
func (m *Mappings) UpdateEventSourceMapping(ctx context.Context, id aws.Identity, in *lambdaapi.UpdateEventSourceMappingRequest) (*lambdaapi.EventSourceMappingConfiguration, error) {
	k := spaceOf(id.Account, id.Region)
	p := k.at(in.UUID)
	changes := settingsOfUpdate(in)
	before, err := store.View(ctx, m.home(k), func(_ context.Context, r store.Reader) (*mapping, error) { return idle(r, p, "update") })
	if err != nil {
		return nil, err
	}
	fn, err := m.checkUpdate(ctx, id, in, changes, *before)
	if err != nil {
		return nil, err
	}
	revision := m.NewID()
	return store.Update(ctx, m.home(k), func(_ context.Context, tx store.Tx) (*lambdaapi.EventSourceMappingConfiguration, error) {
		rec, err := idle(tx, p, "update")
		if err != nil {
			return nil, err
		}
		was := rec.Enabled
		remove(tx, p, rec)
		rec.Function, rec.Name, rec.Revision, rec.Modified = fn.ARN, fn.Name, revision, tx.Now()
		if err := changes.apply(rec); err != nil {
			return nil, err
		}
		if rec.Function != before.Function {
			if err := absent(tx, k, rec); err != nil {
				return nil, err
			}
		}
		switch {
		case was == rec.Enabled:
			rec.State = updating
		case rec.Enabled:
			rec.State = enabling
		default:
			rec.State = disabling
			setRead(tx, p, rec, false)
		}
		put(tx, p, rec)
		return m.describe(p, rec), setSettle(tx, p)
	})
}

// checkUpdate refuses changes that cannot be, and finds the function of the mapping after them. One that is not to read
// may have lost its function or its source.
func (m *Mappings) checkUpdate(ctx context.Context, id aws.Identity, in *lambdaapi.UpdateEventSourceMappingRequest, changes *settings, trial mapping) (fn Function, err error) {
	a, err := aws.ParseARN(trial.Source)
	if err != nil {
		return fn, err
	}
	if err := changes.check(a); err != nil {
		return fn, err
	}
	if trial.Stream != nil {
		was := *trial.Stream // what is kept stays as it is
		trial.Stream = &was
	}
	if err := changes.apply(&trial); err != nil {
		return fn, err
	}
	if !trial.Enabled && in.FunctionName == nil {
		return Function{ARN: trial.Function, Name: trial.Name}, nil
	}
	if fn, err = m.function(ctx, id, aws.Or(in.FunctionName, trial.Function)); err != nil {
		return fn, err
	}
	return fn, m.checkReach(ctx, id, fn, a, changes)
}

// checkReach refuses a source that the function's role may not read, and a destination that it may not write to.
func (m *Mappings) checkReach(ctx context.Context, id aws.Identity, fn Function, a aws.ARN, changes *settings) error {
	check := m.checkQueue
	if a.Service == "dynamodb" {
		check = m.checkStream
	}
	if err := check(ctx, fn, a); err != nil {
		return err
	}
	if to := changes.destination(); to != "" {
		return m.Functions.CheckDestination(ctx, id, fn, to)
	}
	return nil
}

// function finds a function of the caller's own account: a mapping reads and invokes with the permissions of its
// function.
func (m *Mappings) function(ctx context.Context, id aws.Identity, name string) (Function, error) {
	fn, err := m.Functions.Function(ctx, id, name)
	if err == nil && fn.Account != id.Account {
		return Function{}, fault.NotFound("Function not found: %s", fn.ARN)
	}
	return fn, err
}

// DeleteEventSourceMapping deletes a mapping, which is Deleting until the batches under way have ended.
// https://docs.aws.amazon.com/lambda/latest/api/API_DeleteEventSourceMapping.html
func (m *Mappings) DeleteEventSourceMapping(ctx context.Context, id aws.Identity, in *lambdaapi.DeleteEventSourceMappingRequest) (*lambdaapi.EventSourceMappingConfiguration, error) {
	k := spaceOf(id.Account, id.Region)
	p := k.at(in.UUID)
	return store.Update(ctx, m.home(k), func(_ context.Context, tx store.Tx) (*lambdaapi.EventSourceMappingConfiguration, error) {
		rec, err := idle(tx, p, "delete")
		if err != nil {
			return nil, err
		}
		rec.State, rec.Modified = deleting, tx.Now()
		setRead(tx, p, rec, false)
		put(tx, p, rec)
		return m.describe(p, rec), setSettle(tx, p)
	})
}

// idle returns a mapping that may be changed now.
func idle(r store.Reader, p place, verb string) (*mapping, error) {
	rec, err := mustAt(r, p)
	if err == nil && rec.State != enabled && rec.State != disabled {
		err = &lambdaapi.ResourceInUseException{Type: fault.User(), Message: "Cannot " + verb + " the event source mapping because it is in use."}
	}
	return rec, err
}

// mustAt returns a mapping that is there.
func mustAt(r store.Reader, p place) (*mapping, error) {
	rec, err := at(r, p)
	if err == nil && rec == nil {
		err = fault.NotFound("The resource you requested does not exist.")
	}
	return rec, err
}

func setSettle(tx store.Tx, p place) error {
	return timer.Set(tx, timer.Promise{Kind: kindSettle, ID: p.UUID, Args: keys.Encode(p), Dest: p.UUID})
}

// settle ends a change: it has the source read as is wanted now, and waits for what was read before where that ends.
func (m *Mappings) settle(ctx context.Context, k *timer.Kept) error {
	var p place
	if err := keys.Decode(k.Args, &p); err != nil {
		return err
	}
	rec, err := store.View(ctx, k.Shard, func(_ context.Context, r store.Reader) (*mapping, error) { return at(r, p) })
	if err != nil || rec == nil {
		return err
	}
	if rec.State == disabling || rec.State == deleting {
		if err := m.stopped(ctx, p.UUID); err != nil {
			return &timer.Retry{Err: err, Uncounted: true}
		}
	}
	var first map[string]source.Position
	if rec.State != deleting && rec.latest() {
		if first, err = m.latest(ctx, p, rec); err != nil {
			return err
		}
	}
	_, err = k.Shard.Update(ctx, func(_ context.Context, tx store.Tx) error {
		if err := k.Done(tx); err != nil {
			return err
		}
		rec, err := at(tx, p)
		if err != nil || rec == nil {
			return err
		}
		if rec.State == deleting {
			remove(tx, p, rec)
			forget(tx, p)
			return nil
		}
		if rec.latest() && first != nil {
			rec.Stream.Begun = true
			for shard, pos := range first {
				tx.Set(p.space().done(p.UUID).Text(shard), keys.Encode(pos))
			}
		}
		if rec.State = disabled; rec.Enabled {
			rec.State = enabled
		}
		rec.Modified = tx.Now()
		setRead(tx, p, rec, rec.Enabled)
		put(tx, p, rec)
		return nil
	})
	if err == nil {
		err = m.sync(ctx)
	}
	return err
}

func tooManyTags() error {
	return fault.Invalid("The number of tags exceeds the limit of %d.", maxTags)
}

// fromARN finds the mapping that an ARN names; ok is false when it names something else.
func fromARN(id aws.Identity, arn string) (p place, ok bool) {
	a, err := aws.ParseARN(arn)
	if err != nil || a.Service != "lambda" || a.Region != id.Region || a.Account != id.Account {
		return p, false
	}
	uuid, ok := strings.CutPrefix(a.Resource, "event-source-mapping:")
	if !ok {
		return p, false
	}
	return place{a.Account, a.Region, uuid}, true
}
