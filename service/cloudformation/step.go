package cloudformation

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/brume-dev/brume/api/cloudformationapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/deploy"
	"github.com/brume-dev/brume/deploy/resource"
	"github.com/brume-dev/brume/deploy/resource/outcome"
	"github.com/brume-dev/brume/jsondoc"
	"github.com/brume-dev/brume/service/cloudformation/answer"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
	"github.com/brume-dev/brume/timer"
)

// What a step does.
const (
	verbCreate  = "create"
	verbUpdate  = "update"
	verbReplace = "replace" // create anew; what was there is deleted when the stack is cleaned up
	verbDelete  = "delete"
)

// work is one step under way.
type work struct {
	*Service
	p      place
	st     *stackRecord
	rec    *resourceRecord
	plan   *deploy.Plan
	kind   *resource.Kind
	tags   map[string]string
	wanted *jsondoc.Object // the properties that the template says
	// retried says that the verb has been tried before.
	retried bool
}

// step does one thing to one resource and commits what came of it. The verb is committed before the first call, so that
// every attempt after a crash does the same.
func (s *Service) step(ctx context.Context, k *timer.Kept) error {
	var a answer.Step
	if err := record.Decode(k.Args, argsVersion, &a); err != nil {
		return err
	}
	w, err := s.open(ctx, a)
	if err != nil || w == nil {
		return err
	}
	if w.rec.Verb == "" {
		if over, err := w.decide(ctx, k); err != nil || over {
			return err
		}
	} else {
		w.retried = true
	}
	op, err := w.perform(ctx)
	var pending *resource.Pending
	if errors.As(err, &pending) {
		return w.later(ctx, k, op, pending)
	}
	if err != nil && ctx.Err() != nil {
		return err // the platform stops: this was no answer
	}
	return w.conclude(ctx, k, op, err)
}

// open reads what a step needs; nil when its operation is over.
func (s *Service) open(ctx context.Context, a answer.Step) (*work, error) {
	p := placeOf(a)
	st, plan, err := s.load(ctx, p, a.UUID)
	if err != nil || st == nil || st.Operation != a.Operation {
		return nil, err
	}
	w := &work{Service: s, p: p, st: st, plan: plan}
	err = s.shard(p).View(ctx, func(_ context.Context, r store.Reader) error {
		var err error
		if w.rec, err = readResource(r, p, a.UUID, a.Logical); err != nil || w.rec == nil {
			return err
		}
		v, err := readVersion(r, p, a.UUID, max(st.Target, 1))
		w.tags = v.Tags
		return err
	})
	if err != nil || w.rec == nil || w.rec.Operation != a.Operation || w.rec.State != running {
		return nil, err
	}
	kind, ok := s.kind(w.rec.Type)
	if !ok {
		return nil, fmt.Errorf("cloudformation: nobody knows %s any more", w.rec.Type)
	}
	w.kind = kind
	return w, nil
}

func parse(text string) *jsondoc.Object {
	v, err := jsondoc.Parse([]byte(text))
	if o, ok := v.(*jsondoc.Object); ok && err == nil {
		return o
	}
	return jsondoc.NewObject()
}

// decide works out what to do and commits it; over says that there is nothing to do.
func (w *work) decide(ctx context.Context, k *timer.Kept) (over bool, err error) {
	if w.st.Phase != applying {
		return w.commitVerb(ctx, k, verbDelete, nil)
	}
	if w.wanted, err = w.resolve(ctx); err != nil {
		return true, w.conclude(ctx, k, nil, err)
	}
	old := parse(w.rec.Properties)
	want := jsondoc.Text(w.wanted)
	switch {
	case w.restores(want):
		return true, w.restore(ctx, k, want)
	case w.rec.Physical == "":
		return w.commitVerb(ctx, k, verbCreate, &want)
	case want == w.rec.Properties || jsondoc.Equal(w.wanted, old):
		return true, w.settle(ctx, k)
	case w.kind.Replacement(old, w.wanted):
		if n := w.kind.Name; n != "" {
			a, named := w.wanted.Get(n)
			if b, _ := old.Get(n); named && jsondoc.Equal(a, b) {
				return true, w.conclude(ctx, k, nil, invalid("CloudFormation cannot update a stack when a custom-named resource requires replacing. "+
					"Rename %s and update the stack again.", scalarText(a)))
			}
		}
		return w.changeBy(ctx, k, verbReplace, want)
	}
	return w.changeBy(ctx, k, verbUpdate, want)
}

// changeBy is commitVerb for what the stack's policy must allow.
func (w *work) changeBy(ctx context.Context, k *timer.Kept, verb, want string) (bool, error) {
	if err := w.mayChange(ctx, verb); err != nil {
		return true, w.conclude(ctx, k, nil, err)
	}
	return w.commitVerb(ctx, k, verb, &want)
}

func scalarText(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return jsondoc.Text(v)
}

// resolve evaluates the resource's properties with what the resources that it needs have become.
func (w *work) resolve(ctx context.Context) (*jsondoc.Object, error) {
	id, err := w.stackIdentity(ctx, w.p, w.st)
	if err != nil {
		return nil, err
	}
	r := w.plan.Template.Lookup(w.rec.Logical)
	scope := w.plan.Scope
	scope.Dynamic = func(kind, reference string) (string, error) { return w.dynamic(ctx, id, kind, reference) }
	var out any
	err = w.shard(w.p).View(ctx, func(_ context.Context, rd store.Reader) error {
		all, err := allResources(rd, w.p, w.st.UUID)
		if err != nil {
			return err
		}
		var readErr error
		scope.Ref, scope.Attribute = refs(all), attributes(all)
		scope.Import = imports(rd, w.p, map[string]bool{}, &readErr)
		dynamic := scope.Dynamic
		scope.Dynamic = nil // no calls in here
		if out, err = scope.Resolve(r.Properties); err != nil {
			return err
		}
		scope.Dynamic = dynamic
		return readErr
	})
	if err != nil {
		return nil, err
	}
	out, err = scope.Resolve(out) // only dynamic references are left
	if err != nil {
		return nil, err
	}
	o, ok := out.(*jsondoc.Object)
	if !ok {
		o = jsondoc.NewObject()
	}
	return o, nil
}

// dynamic resolves {{resolve:…}}.
func (w *work) dynamic(ctx context.Context, id aws.Identity, kind, reference string) (string, error) {
	switch kind {
	case "ssm":
		return w.parameter(ctx, id, reference)
	case "ssm-secure": // the properties that AWS allows it in belong to types that are not here
		return "", invalid("SSM Secure reference is not supported in: [%s/Properties]", w.rec.Type)
	}
	return "", invalid("Brume has no dynamic references of the kind %s yet", kind)
}

// commitVerb writes down what will be done, tells it, and says that there is work.
func (w *work) commitVerb(ctx context.Context, k *timer.Kept, verb string, want *string) (bool, error) {
	_, err := w.shard(w.p).Update(ctx, func(_ context.Context, tx store.Tx) error {
		rec := w.fresh()
		rec.Verb, rec.Told = verb, false
		if verb == verbCreate {
			rec.Born = w.st.Target
		}
		if want != nil {
			rec.Wanted = *want
		}
		status, reason := inProgress(verb), ""
		if verb == verbReplace {
			reason = "Requested update requires the creation of a new physical resource; hence creating one."
		}
		if err := w.staleEvents(tx, w.st, rec, verb, status, ""); err != nil {
			return err
		}
		if verb != verbDelete || rec.Physical != "" && !w.stays(rec) {
			if err := resourceEvent(tx, w.p, w.st, rec, status, reason); err != nil {
				return err
			}
		}
		w.rec = rec
		return writeResource(tx, w.p, w.st.UUID, rec)
	})
	return false, err
}

// fresh is a copy of the record, for a closure that may run again.
func (w *work) fresh() *resourceRecord {
	rec := *w.rec
	rec.Attributes = maps.Clone(rec.Attributes)
	rec.Stale = append([]staleRecord(nil), rec.Stale...)
	return &rec
}

func inProgress(verb string) string {
	switch verb {
	case verbCreate:
		return string(cloudformationapi.ResourceStatusCreateInProgress)
	case verbDelete:
		return string(cloudformationapi.ResourceStatusDeleteInProgress)
	}
	return string(cloudformationapi.ResourceStatusUpdateInProgress)
}

// token is the same at every attempt.
func (w *work) token() string {
	return fmt.Sprintf("%s/%s/%d", w.st.UUID, w.rec.Logical, w.rec.Operation)
}

// op is the step as a room of package resource sees it.
func (w *work) op(ctx context.Context, id aws.Identity) *resource.Op {
	o := &resource.Op{Context: ctx, Caller: w.Caller, ID: id, Stack: w.st.Name, StackID: w.st.id(w.p), LogicalID: w.rec.Logical, Type: w.rec.Type,
		Token: w.token(), Retried: w.retried,
		Properties: parse(w.rec.Wanted), Old: parse(w.rec.Properties), Physical: w.rec.Physical, Ref: w.rec.Ref,
		Attributes: maps.Clone(w.rec.Attributes), StackTags: w.tags}
	switch w.rec.Verb {
	case verbCreate:
		o.Old = jsondoc.NewObject()
	case verbDelete:
		o.Properties = o.Old
	}
	return o
}

// perform makes the calls of the verb.
func (w *work) perform(ctx context.Context) (*resource.Op, error) {
	id, err := w.stackIdentity(ctx, w.p, w.st)
	if err != nil {
		return nil, err
	}
	o := w.op(ctx, id)
	switch w.rec.Verb {
	case verbCreate:
		return o, o.Run(w.kind, w.kind.Create)
	case verbReplace:
		if len(w.rec.Stale) == 0 || w.rec.Stale[len(w.rec.Stale)-1].Physical != o.Attributes[replacing] {
			o.Attributes = map[string]string{replacing: w.rec.Physical}
			o.Physical, o.Ref = "", ""
		}
		return o, o.Run(w.kind, w.kind.Create)
	case verbUpdate:
		return o, o.Run(w.kind, w.kind.Update)
	}
	return o, w.delete(ctx, id, o)
}

// replacing is the attribute under which a replacement under way keeps the physical id of what it replaces.
const replacing = "\x00replaces"

// delete deletes what is surplus of the resource: what it was before, and it itself when the template no longer has it.
func (w *work) delete(ctx context.Context, id aws.Identity, o *resource.Op) error {
	for _, old := range w.rec.Stale {
		if old.Keep {
			continue
		}
		kind, ok := w.Service.kind(old.Type)
		if !ok {
			continue
		}
		was := *o
		was.Type = old.Type
		was.Physical, was.Ref, was.Attributes, was.Properties = old.Physical, old.Ref, maps.Clone(old.Attributes), parse(old.Properties)
		if err := was.Run(kind, kind.Delete); err != nil {
			return err
		}
	}
	d := &driver{plan: w.plan}
	if d.wanted(w.rec.Logical) || o.Physical == "" || w.retains() {
		return nil
	}
	return o.Run(w.kind, w.kind.Delete)
}

// retains reports whether the resource outlives its stack.
func (w *work) retains() bool {
	for _, l := range w.st.Retain {
		if l == w.rec.Logical {
			return true
		}
	}
	if unwanted := w.st.Phase != deleting || w.st.Current == 0 || strings.Contains(w.st.Status, "ROLLBACK"); unwanted && w.rec.Born > w.st.Current {
		return w.rec.Deletion == "Retain" && !w.st.KeepNothing // the operation that made it has failed
	}
	return w.rec.Deletion == "Retain" || w.rec.Deletion == "RetainExceptOnCreate"
}

// later remembers how far the step has come and has it go on after a while.
func (w *work) later(ctx context.Context, k *timer.Kept, o *resource.Op, pending *resource.Pending) error {
	if st, err := w.view(ctx, w.p, w.st.id(w.p)); err != nil || st.Failing && w.rec.Verb != verbDelete {
		if err != nil {
			return err
		}
		what := map[bool]string{true: "creation", false: "update"}[w.rec.Verb == verbCreate]
		return w.conclude(ctx, k, o, &cancelled{what})
	}
	_, err := w.shard(w.p).Update(ctx, func(_ context.Context, tx store.Tx) error {
		if now, err := readResource(tx, w.p, w.st.UUID, w.rec.Logical); err != nil || now == nil ||
			now.Operation != w.rec.Operation || now.State != running || now.Verb != w.rec.Verb {
			return errors.Join(err, timer.ErrGone) // an answer that came at once has ended the step already
		}
		rec := w.fresh()
		w.keepStale(rec, o)
		rec.Physical, rec.Ref, rec.Attributes, rec.Later = o.Physical, o.Ref, maps.Clone(o.Attributes), true
		st, err := readStack(tx, w.p, w.st.UUID)
		if err != nil || st == nil {
			return err
		}
		if err := initiatedEvent(tx, w.p, st, rec); err != nil {
			return err
		}
		if st.Failing && rec.Verb != verbDelete { // it has failed since: nobody else would wake this step
			pending = &resource.Pending{}
		}
		return writeResource(tx, w.p, w.st.UUID, rec)
	})
	if err != nil {
		return err
	}
	return &timer.Retry{At: w.Clock.Now().Add(pending.After), Uncounted: true}
}

// cancelled ends a step that waits while another resource of the operation has failed.
type cancelled struct{ what string }

func (c *cancelled) Error() string { return "Resource " + c.what + " cancelled" }

// conclude commits the outcome of the step and has the stack looked at again.
func (w *work) conclude(ctx context.Context, k *timer.Kept, o *resource.Op, failure error) error {
	if failure != nil && !errors.As(failure, new(aws.Error)) && !errors.As(failure, new(*cancelled)) {
		w.Log.Error("cloudformation: step failed", "stack", w.st.Name, "resource", w.rec.Logical, "error", failure)
	}
	_, err := w.shard(w.p).Update(ctx, func(_ context.Context, tx store.Tx) error {
		st, err := readStack(tx, w.p, w.st.UUID)
		if err != nil || st == nil {
			return errors.Join(err, k.Done(tx))
		}
		rec := w.fresh()
		rec.Later = false
		owes := answer.Step{Account: w.p.account, Region: w.p.region}
		answer.Forget(tx, owes, w.rec.Attributes[answer.Awaits])
		if o != nil {
			answer.Forget(tx, owes, o.Attributes[answer.Awaits])
		}
		if o != nil && rec.Verb != verbDelete {
			w.keepStale(rec, o)
			if o.Physical != "" || rec.Verb == verbCreate {
				rec.Physical, rec.Ref, rec.Attributes = o.Physical, o.Ref, maps.Clone(o.Attributes)
			}
			if o.Physical != "" {
				if err := initiatedEvent(tx, w.p, st, rec); err != nil {
					return err
				}
			}
		}
		for _, underWay := range []string{replacing, answer.Awaits, begun, answer.Since} { // of this step, not of the resource
			delete(rec.Attributes, underWay)
		}
		switch {
		case failure != nil:
			err = w.failed(tx, st, rec, failure)
		case rec.Verb == verbDelete:
			err = w.deleted(tx, st, rec)
		default:
			rec.State, rec.Properties, rec.Fresh = done, rec.Wanted, rec.Verb == verbCreate
			err = resourceEvent(tx, w.p, st, rec, strings.Replace(inProgress(rec.Verb), "IN_PROGRESS", "COMPLETE", 1), "")
			rec.Wanted = ""
			err = errors.Join(err, writeResource(tx, w.p, st.UUID, rec))
		}
		return errors.Join(err, k.Done(tx), promiseDrive(tx, w.p, st.UUID, "", time.Time{}))
	})
	return err
}

func (w *work) failed(tx store.Tx, st *stackRecord, rec *resourceRecord, failure error) error {
	rec.State = failed
	if rec.Verb == "" {
		rec.Verb = map[bool]string{true: verbCreate, false: verbUpdate}[rec.Physical == ""]
	}
	if rec.Verb == verbCreate && rec.Properties == "" {
		rec.Properties = rec.Wanted // what there is of it is deleted with these
	}
	if rec.Verb != verbDelete {
		st.Failing = true
		writeStack(tx, w.p, st)
	}
	status := strings.Replace(inProgress(rec.Verb), "IN_PROGRESS", "FAILED", 1)
	reason := outcome.Describe(rec.Type, w.token(), failure)
	if c := (*cancelled)(nil); errors.As(failure, &c) {
		reason = c.Error()
	}
	if rec.Verb == verbDelete && w.stays(rec) {
		return errors.Join(w.staleEvents(tx, st, rec, rec.Verb, status, reason), writeResource(tx, w.p, st.UUID, rec))
	}
	if err := resourceEvent(tx, w.p, st, rec, status, reason); err != nil {
		return err
	}
	return writeResource(tx, w.p, st.UUID, rec)
}

// deleted forgets a resource, or what it was before.
func (w *work) deleted(tx store.Tx, st *stackRecord, rec *resourceRecord) error {
	if err := w.staleEvents(tx, st, rec, verbDelete, string(cloudformationapi.ResourceStatusDeleteComplete), ""); err != nil {
		return err
	}
	rec.Stale = nil
	if w.stays(rec) {
		rec.State = done
		return writeResource(tx, w.p, st.UUID, rec)
	}
	if rec.Physical != "" {
		status := cloudformationapi.ResourceStatusDeleteComplete
		if w.retains() {
			status = cloudformationapi.ResourceStatusDeleteSkipped
		}
		if err := resourceEvent(tx, w.p, st, rec, string(status), ""); err != nil {
			return err
		}
	}
	return store.DeleteLarge(tx, store.Key(w.p.resources(st.UUID).Text(rec.Logical)))
}

// settle is for a resource that is as it should be: no call, no event.
func (w *work) settle(ctx context.Context, k *timer.Kept) error {
	_, err := w.shard(w.p).Update(ctx, func(_ context.Context, tx store.Tx) error {
		rec := w.fresh()
		rec.State = done
		return errors.Join(writeResource(tx, w.p, w.st.UUID, rec), k.Done(tx), promiseDrive(tx, w.p, w.st.UUID, "", time.Time{}))
	})
	return err
}
