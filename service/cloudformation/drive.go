package cloudformation

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/brume-dev/brume/api/cloudformationapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/deploy"
	"github.com/brume-dev/brume/deploy/template"
	"github.com/brume-dev/brume/jsondoc"
	"github.com/brume-dev/brume/service/cloudformation/answer"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
	"github.com/brume-dev/brume/timer"
)

// The kinds of promises of this service.
const (
	kindDrive = "cloudformation.drive" // look at a stack; ID: the stack's UUID
	kindStep  = "cloudformation.step"  // do one thing to one resource; ID: UUID and logical id
)

const argsVersion = 1

// deadline marks the promise to look at a stack when its time is up.
const deadline = "/deadline"

func promiseDrive(tx store.Tx, p place, uuid, mark string, due time.Time) error {
	return timer.Set(tx, timer.Promise{Kind: kindDrive, ID: uuid + mark, Due: due,
		Args: record.Encode(argsVersion, answer.Step{Account: p.account, Region: p.region, UUID: uuid})})
}

func promiseStep(tx store.Tx, p place, st *stackRecord, logical string, due time.Time) error {
	return timer.Set(tx, timer.Promise{Kind: kindStep, ID: st.UUID + "/" + logical, Dest: st.UUID, Due: due,
		Args: record.Encode(argsVersion, answer.Step{Account: p.account, Region: p.region, UUID: st.UUID, Logical: logical, Operation: st.Operation})})
}

// drive looks at a stack and begins whatever can be begun; when nothing is left to do it takes the stack to its next phase.
func (s *Service) drive(ctx context.Context, k *timer.Kept) error {
	var a answer.Step
	if err := record.Decode(k.Args, argsVersion, &a); err != nil {
		return err
	}
	p := placeOf(a)
	st, plan, err := s.load(ctx, p, a.UUID)
	if err != nil || st == nil {
		return err
	}
	_, err = s.shard(p).Update(ctx, func(_ context.Context, tx store.Tx) error {
		now, err := readStack(tx, p, a.UUID)
		if err != nil || now == nil || now.Operation != st.Operation || now.Phase != st.Phase {
			return err // it has moved on: another promise drives it
		}
		all, err := allResources(tx, p, a.UUID)
		if err != nil {
			return err
		}
		d := &driver{Service: s, tx: tx, p: p, st: now, plan: plan, all: all}
		if err := k.Done(tx); err != nil {
			return err
		}
		return d.run()
	})
	return err
}

// load reads a stack and lays out the version that it is brought to, outside any transaction.
func (s *Service) load(ctx context.Context, p place, uuid string) (*stackRecord, *deploy.Plan, error) {
	var v *versionRecord
	st, err := store.View(ctx, s.shard(p), func(_ context.Context, r store.Reader) (*stackRecord, error) {
		st, err := readStack(r, p, uuid)
		if err != nil || st == nil || st.Phase == resting {
			return nil, err
		}
		if st.Phase != deleting {
			v, err = readVersion(r, p, uuid, st.Target)
		}
		return st, err
	})
	if err != nil || st == nil || v == nil {
		return st, nil, err
	}
	plan, err := lay(p, st, v)
	return st, plan, err
}

// driver is one look at a stack.
type driver struct {
	*Service
	tx   store.Tx
	p    place
	st   *stackRecord
	plan *deploy.Plan // nil when the stack is deleted
	all  map[string]*resourceRecord
}

func (d *driver) run() error {
	switch d.st.Phase {
	case applying:
		return d.apply()
	case cleaning, deleting:
		return d.sweep()
	}
	return nil
}

// stateOf is how far this operation is with a resource.
func (d *driver) stateOf(logical string) state {
	rec := d.all[logical]
	if rec == nil || rec.Operation != d.st.Operation {
		return waiting
	}
	return rec.State
}

func (d *driver) apply() error {
	counts := map[state]int{}
	for _, r := range d.plan.Active {
		counts[d.stateOf(r.ID)]++
	}
	late := d.st.Timeout > 0 && !d.tx.Now().Before(d.st.Began.Add(time.Duration(d.st.Timeout)*time.Minute))
	switch {
	case counts[done] == len(d.plan.Active):
		return d.applied()
	case (counts[failed] > 0 || late || d.st.Turned) && counts[running] > 0:
		d.st.Failing = true
		writeStack(d.tx, d.p, d.st)
		return d.cancel() // those that run come to their end first
	case d.st.Turned:
		return d.back("Update cancelled by user request. ")
	case counts[failed] > 0:
		return d.back(d.failures())
	case late:
		return d.back("Stack creation time exceeded the specified timeout. ")
	case counts[waiting] == len(d.plan.Active) && !d.st.is(cloudformationapi.StackStatusUpdateRollbackInProgress):
		if missing, err := d.missingImport(); err != nil || missing != "" {
			if err != nil {
				return err
			}
			return d.back(missing + " ")
		}
	}
	for _, r := range d.plan.Active {
		needs := d.plan.Needs(r.ID)
		if d.stateOf(r.ID) != waiting || slices.ContainsFunc(needs, func(n string) bool { return d.stateOf(n) != done }) {
			continue
		}
		if err := d.start(r, needs); err != nil {
			return err
		}
	}
	return nil
}

// missingImport tells which export is not there that a resource or an output imports: nothing is begun without.
func (d *driver) missingImport() (string, error) {
	var failed error
	scope := d.plan.Scope
	scope.Import = imports(d.tx, d.p, map[string]bool{}, &failed)
	values := []any{}
	for _, r := range d.plan.Active {
		values = append(values, r.Properties)
	}
	for _, o := range d.plan.Outputs() {
		values = append(values, o.Value)
	}
	for _, v := range values {
		if err := scope.Imports(v); err != nil && failed == nil {
			return aws.InfoOf(err).Message, nil
		}
	}
	return "", failed
}

// start has a resource worked on.
func (d *driver) start(r *template.Resource, needs []string) error {
	rec := d.all[r.ID]
	if rec == nil {
		rec = &resourceRecord{Logical: r.ID, Type: r.Type}
	}
	if rec.Type != r.Type {
		rec.becomes(r.Type)
	}
	rec.Needs = needs
	rec.Deletion, rec.Replace = policyText(r.DeletionPolicy), policyText(r.UpdateReplacePolicy)
	if r.Metadata != nil {
		rec.Metadata = jsondoc.Text(r.Metadata)
	}
	return d.begin(rec)
}

// becomes puts aside what the resource was: the template has another type under its logical id.
func (rec *resourceRecord) becomes(kind string) {
	if rec.Physical != "" {
		rec.Stale = append(rec.Stale, staleRecord{Type: rec.Type, Physical: rec.Physical, Ref: rec.Ref, Attributes: rec.Attributes,
			Properties: rec.Properties, Keep: rec.Replace == "Retain"})
	}
	rec.Type, rec.Physical, rec.Ref, rec.Attributes, rec.Properties = kind, "", "", nil, ""
}

// cancel wakes the steps that wait for something, which then see that the operation fails.
func (d *driver) cancel() error {
	for _, rec := range d.all {
		if rec.Operation != d.st.Operation || rec.State != running || !rec.Later {
			continue
		}
		rec.Later = false
		if err := writeResource(d.tx, d.p, d.st.UUID, rec); err != nil {
			return err
		}
		if err := promiseStep(d.tx, d.p, d.st, rec.Logical, time.Time{}); err != nil {
			return err
		}
	}
	return nil
}

func policyText(v any) string {
	s, _ := v.(string)
	return s
}

func (d *driver) begin(rec *resourceRecord) error {
	rec.Operation, rec.State, rec.Verb, rec.Wanted, rec.Fresh, rec.Since = d.st.Operation, running, "", "", false, d.tx.Now()
	if err := writeResource(d.tx, d.p, d.st.UUID, rec); err != nil {
		return err
	}
	return promiseStep(d.tx, d.p, d.st, rec.Logical, time.Time{})
}

// failures tells which resources have failed.
func (d *driver) failures() string {
	var created, updated []string
	for _, r := range d.plan.Active {
		switch {
		case d.stateOf(r.ID) != failed:
		case d.all[r.ID].Verb == verbCreate:
			created = append(created, r.ID)
		default:
			updated = append(updated, r.ID)
		}
	}
	return failedTo("create", created) + failedTo("update", updated)
}

func failedTo(what string, names []string) string {
	if len(names) == 0 {
		return ""
	}
	return "The following resource(s) failed to " + what + ": [" + strings.Join(names, ", ") + "]. "
}

// back ends an operation that cannot come to its goal: the stack goes back, or stays where it is when that was asked for.
func (d *driver) back(why string) error {
	st := d.st
	switch {
	case st.is(cloudformationapi.StackStatusUpdateRollbackInProgress):
		st.Phase = resting
		return d.move(d.tx, d.p, st, cloudformationapi.StackStatusUpdateRollbackFailed, why)
	case st.Current == 0 && (st.NoRollback || st.OnFailure == string(cloudformationapi.OnFailureDoNothing)):
		st.Phase = resting
		return d.move(d.tx, d.p, st, cloudformationapi.StackStatusCreateFailed, why)
	case st.NoRollback:
		st.Phase = resting
		return d.move(d.tx, d.p, st, cloudformationapi.StackStatusUpdateFailed, why)
	}
	st.Operation++
	st.Began, st.Failing, st.Turned = d.tx.Now(), false, false
	if st.Current == 0 {
		st.Phase = deleting
		if st.OnFailure == string(cloudformationapi.OnFailureDelete) {
			return d.move(d.tx, d.p, st, cloudformationapi.StackStatusDeleteInProgress, why+"Delete requested by user.")
		}
		return d.move(d.tx, d.p, st, cloudformationapi.StackStatusRollbackInProgress, why+"Rollback requested by user.")
	}
	st.Phase, st.Target = applying, st.Current
	return d.move(d.tx, d.p, st, cloudformationapi.StackStatusUpdateRollbackInProgress, why)
}

// applied takes a stack whose resources are all there to its outputs, and then to what must be cleaned up.
func (d *driver) applied() error {
	st, before := d.st, d.st.Outputs
	outputs, used, err := d.outputs()
	if err == nil {
		err = d.mayDelete()
	}
	if err == nil {
		st.Outputs = outputs
		err = publish(d.tx, d.p, st, before)
	}
	if err == nil {
		err = d.noteImports(used)
	}
	if err != nil {
		if aws.CodeOf(err) != "ValidationError" {
			return err
		}
		st.Outputs = before
		return d.back(aws.InfoOf(err).Message + " ")
	}
	first, rollingBack := st.Current == 0, st.is(cloudformationapi.StackStatusUpdateRollbackInProgress)
	st.Current, st.Phase = st.Target, cleaning
	switch {
	case first:
		return d.finish(cloudformationapi.StackStatusCreateComplete)
	case rollingBack:
		return d.move(d.tx, d.p, st, cloudformationapi.StackStatusUpdateRollbackCompleteCleanupInProgress, "")
	}
	return d.move(d.tx, d.p, st, cloudformationapi.StackStatusUpdateCompleteCleanupInProgress, "")
}

// finish ends the operation.
func (d *driver) finish(status cloudformationapi.StackStatus) error {
	d.st.Phase = resting
	return d.move(d.tx, d.p, d.st, status, "")
}

// outputs evaluates the outputs of the template, and says which exports of others it has used.
func (d *driver) outputs() (out []outputRecord, used map[string]bool, err error) {
	used = map[string]bool{}
	var readErr error
	scope := d.plan.Scope
	scope.Ref, scope.Attribute = refs(d.all), attributes(d.all)
	scope.Import = imports(d.tx, d.p, used, &readErr)
	for _, o := range d.plan.Outputs() {
		v, err := scope.Resolve(o.Value)
		if err != nil {
			return nil, nil, err
		}
		rec := outputRecord{Key: o.ID, Description: o.Description}
		text, ok := template.Text(v)
		if !ok || len(text) > maxOutputLength {
			return nil, nil, invalid("Template format error: Output %s is malformed. The Value field of every Outputs member must evaluate to a String.", o.ID)
		}
		rec.Value = text
		if o.ExportName != nil {
			name, err := scope.Resolve(o.ExportName)
			if err != nil {
				return nil, nil, err
			}
			rec.Export, _ = template.Text(name)
		}
		out = append(out, rec)
	}
	for _, r := range d.plan.Active { // what the resources import counts too
		if _, err := scope.Resolve(r.Properties); err != nil {
			return nil, nil, err
		}
	}
	return out, used, readErr
}

// noteImports remembers which exports this stack uses, so that they stay.
func (d *driver) noteImports(used map[string]bool) error {
	prefix := d.p.exports()
	pairs, end := d.tx.Scan(prefix.Range(), store.ScanOpt{})
	for kv := range pairs {
		name := store.Decode(kv.Key, len(prefix)).Text()
		key := d.p.imports(name).Text(d.st.UUID)
		if used[name] {
			d.tx.Set(key, nil)
		} else {
			d.tx.Delete(key)
		}
	}
	return end()
}

// wanted reports whether the target template has a resource.
func (d *driver) wanted(logical string) bool {
	return d.plan != nil && slices.ContainsFunc(d.plan.Active, func(r *template.Resource) bool { return r.ID == logical })
}

// surplus is what a sweep must delete of a resource: all of it, or what it was before.
func (d *driver) surplus(rec *resourceRecord) bool {
	return (!d.wanted(rec.Logical) || len(rec.Stale) > 0) && !d.givenUp(rec)
}

// givenUp reports whether a resource that could not be deleted is to be left behind.
func (d *driver) givenUp(rec *resourceRecord) bool {
	return d.st.Force && d.stateOf(rec.Logical) == failed && rec.Verb == verbDelete
}

// leave forgets what was given up.
func (d *driver) leave() error {
	for _, rec := range d.all {
		if !d.givenUp(rec) {
			continue
		}
		if err := resourceEvent(d.tx, d.p, d.st, rec, string(cloudformationapi.ResourceStatusDeleteSkipped), rec.Reason); err != nil {
			return err
		}
		if err := store.DeleteLarge(d.tx, store.Key(d.p.resources(d.st.UUID).Text(rec.Logical))); err != nil {
			return err
		}
	}
	return nil
}

// sweep deletes what is surplus: a resource once nothing that needs it is left to delete.
func (d *driver) sweep() error {
	var failures []string
	busy := 0
	for _, rec := range d.all {
		if !d.surplus(rec) {
			continue
		}
		switch st := d.stateOf(rec.Logical); {
		case st == failed && rec.Verb == verbDelete:
			failures = append(failures, rec.Logical)
		case st == running:
			busy++
		case !d.neededStill(rec):
			busy++
			if err := d.begin(rec); err != nil {
				return err
			}
		}
	}
	if busy > 0 {
		return nil
	}
	return d.swept(failures) // what those that failed need stays too
}

// neededStill reports whether something that is still to be deleted needs rec.
func (d *driver) neededStill(rec *resourceRecord) bool {
	for _, other := range d.all {
		if other != rec && d.surplus(other) && slices.Contains(other.Needs, rec.Logical) {
			return true
		}
	}
	return false
}

// swept ends a sweep.
func (d *driver) swept(failures []string) error {
	st := d.st
	slices.Sort(failures)
	why := ""
	if len(failures) > 0 {
		why = "The following resource(s) failed to delete: [" + strings.Join(failures, ", ") + "]. "
	}
	switch {
	case st.Phase == cleaning && strings.HasPrefix(st.Status, "UPDATE_ROLLBACK"):
		return d.finish(cloudformationapi.StackStatusUpdateRollbackComplete)
	case st.Phase == cleaning:
		return d.finish(cloudformationapi.StackStatusUpdateComplete) // what could not be deleted stays behind, as on AWS
	case st.is(cloudformationapi.StackStatusRollbackInProgress) && why == "":
		return d.finish(cloudformationapi.StackStatusRollbackComplete)
	case st.is(cloudformationapi.StackStatusRollbackInProgress):
		st.Phase = resting
		return d.move(d.tx, d.p, st, cloudformationapi.StackStatusRollbackFailed, why)
	case why != "":
		st.Phase = resting
		return d.move(d.tx, d.p, st, cloudformationapi.StackStatusDeleteFailed, why)
	}
	if err := d.leave(); err != nil {
		return err
	}
	st.Deleted = d.tx.Now()
	d.tx.Delete(d.p.name(st.Name))
	before := st.Outputs
	st.Outputs = nil
	if err := publish(d.tx, d.p, st, before); err != nil {
		return err
	}
	st.Outputs = before
	if err := d.noteImports(nil); err != nil {
		return err
	}
	d.tx.DeleteRange(d.p.changes(st.UUID).Range())
	d.tx.Delete(d.p.policy(st.UUID))
	return d.finish(cloudformationapi.StackStatusDeleteComplete)
}
