package cloudformation

import (
	"cmp"
	"context"
	"strings"
	"time"

	"github.com/brume-dev/brume/api/cloudformationapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/deploy/intrinsic"
	"github.com/brume-dev/brume/deploy/template"
	"github.com/brume-dev/brume/jsondoc"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
)

// changeRecord is a change set: a version that a stack may be brought to, and what that would change.
type changeRecord struct {
	Name        string        `cbor:"1,keyasint"`
	UUID        string        `cbor:"2,keyasint"`
	Created     time.Time     `cbor:"3,keyasint"`
	Status      string        `cbor:"4,keyasint"`
	Execution   string        `cbor:"5,keyasint"`
	Reason      string        `cbor:"6,keyasint,omitempty"`
	Description string        `cbor:"7,keyasint,omitempty"`
	Version     versionRecord `cbor:"8,keyasint"`
	Changes     []changeOf    `cbor:"9,keyasint,omitempty"`
	Capable     []string      `cbor:"10,keyasint,omitempty"`
	Notify      []string      `cbor:"11,keyasint,omitempty"`
	Role        string        `cbor:"12,keyasint,omitempty"`
	OnFailure   string        `cbor:"13,keyasint,omitempty"`
	New         bool          `cbor:"14,keyasint,omitempty"` // it makes the stack
	Token       string        `cbor:"15,keyasint,omitempty"`
	Nested      bool          `cbor:"16,keyasint,omitempty"`

	Rollback *cloudformationapi.RollbackConfiguration `cbor:"17,keyasint,omitempty"`
}

// changeOf is what would change of one resource.
type changeOf struct {
	Action      string   `cbor:"1,keyasint"`
	Logical     string   `cbor:"2,keyasint"`
	Physical    string   `cbor:"3,keyasint,omitempty"`
	Type        string   `cbor:"4,keyasint"`
	Replacement string   `cbor:"5,keyasint,omitempty"`
	Properties  []string `cbor:"6,keyasint,omitempty"` // names of those that change
	Recreate    []string `cbor:"7,keyasint,omitempty"` // those of them that need a new resource
}

const changeVersion = 1

func (c *changeRecord) id(p place) string {
	return aws.MakeARN(service, p.region, p.account, "changeSet/"+c.Name+"/"+c.UUID).String()
}

// findChange finds a change set by its name and stack, or by its ARN.
func findChange(r store.Reader, p place, stack *string, named string) (*stackRecord, *changeRecord, error) {
	name := named
	if a, err := aws.ParseARN(named); err == nil {
		parts := strings.Split(a.Resource, "/")
		if len(parts) != 3 {
			return nil, nil, changeMissing(named)
		}
		name = parts[1]
		if stack == nil {
			return findChangeAnywhere(r, p, name, parts[2])
		}
	}
	if stack == nil {
		return nil, nil, invalid("StackName must be specified if ChangeSetName is not specified as an ARN.")
	}
	st, err := findStack(r, p, *stack)
	if err != nil {
		return nil, nil, err
	}
	c, err := readChange(r, p, st.UUID, name)
	if err == nil && c == nil {
		err = changeMissing(named)
	}
	return st, c, err
}

func changeMissing(named string) error {
	return &cloudformationapi.ChangeSetNotFoundException{Message: "ChangeSet [" + named + "] does not exist"}
}

// findChangeAnywhere looks through the stacks for a change set that only its ARN names.
func findChangeAnywhere(r store.Reader, p place, name, uuid string) (*stackRecord, *changeRecord, error) {
	prefix := p.made()
	pairs, end := r.Scan(prefix.Range(), store.ScanOpt{Reverse: true})
	for kv := range pairs {
		e := store.Decode(kv.Key, len(prefix))
		e.Int()
		id := e.Text()
		c, err := readChange(r, p, id, name)
		if err != nil {
			return nil, nil, err
		}
		if c != nil && c.UUID == uuid {
			st, err := readStack(r, p, id)
			return st, c, err
		}
	}
	if err := end(); err != nil {
		return nil, nil, err
	}
	return nil, nil, changeMissing(name)
}

func readChange(r store.Reader, p place, uuid, name string) (*changeRecord, error) {
	v, ok, err := store.GetLarge(r, store.Key(p.changes(uuid).Text(name)))
	if err != nil || !ok {
		return nil, err
	}
	c := new(changeRecord)
	return c, record.Decode(v, changeVersion, c)
}

func writeChange(tx store.Tx, p place, uuid string, c *changeRecord) error {
	return store.SetLarge(tx, store.Key(p.changes(uuid).Text(c.Name)), record.Encode(changeVersion, c))
}

// CreateChangeSet works out what a template would change, for a stack that is there or one to be made.
func (s *Service) CreateChangeSet(ctx context.Context, id aws.Identity, in *cloudformationapi.CreateChangeSetInput) (*cloudformationapi.CreateChangeSetOutput, error) {
	p := at(id)
	if in.ChangeSetType == cloudformationapi.ChangeSetTypeImport || len(in.ResourcesToImport) > 0 {
		return nil, invalid("Brume does not import resources into stacks yet: ChangeSetType must be CREATE or UPDATE.")
	}
	if is(in.ImportExistingResources) {
		return nil, invalid("Brume does not import resources into stacks yet: ImportExistingResources must be false.")
	}
	st, fresh, err := s.stackForChange(ctx, p, in)
	if err != nil {
		return nil, err
	}
	r := request{name: st.Name, body: in.TemplateBody, url: in.TemplateURL, previous: is(in.UsePreviousTemplate), parameters: in.Parameters,
		capabilities: in.Capabilities, tags: in.Tags, types: in.ResourceTypes}
	if !fresh {
		if r.before, err = s.current(ctx, p, st); err != nil {
			return nil, err
		}
	}
	bp, err := s.read(ctx, id, p, st, r)
	if err != nil {
		return nil, err
	}
	if in.Tags == nil && r.before != nil {
		bp.version.Tags = r.before.Tags
	}
	c := &changeRecord{Name: in.ChangeSetName, Description: textOr(in.Description), Version: *bp.version, Capable: texts(in.Capabilities),
		Notify: in.NotificationARNs, Role: textOr(in.RoleARN), OnFailure: string(in.OnStackFailure), New: fresh, Token: textOr(in.ClientToken),
		Nested: is(in.IncludeNestedStacks), Rollback: in.RollbackConfiguration}
	if c.UUID, err = s.newUUID(); err != nil {
		return nil, err
	}
	return s.keepChange(ctx, p, st, c, bp, r.before)
}

// stackForChange finds the stack of a change set, or prepares a new one.
func (s *Service) stackForChange(ctx context.Context, p place, in *cloudformationapi.CreateChangeSetInput) (st *stackRecord, fresh bool, err error) {
	st, err = s.view(ctx, p, in.StackName)
	there := err == nil
	if err != nil && aws.CodeOf(err) != "ValidationError" {
		return nil, false, err
	}
	review := there && st.is(cloudformationapi.StackStatusReviewInProgress)
	if in.ChangeSetType == cloudformationapi.ChangeSetTypeCreate {
		if there && !review {
			return nil, false, invalid("Stack [%s] already exists and cannot be created again with the changeSet [%s].", st.Name, in.ChangeSetName)
		}
		if review {
			return st, true, nil
		}
		if err := checkName(in.StackName); err != nil {
			return nil, false, err
		}
		st = &stackRecord{Name: in.StackName, Tags: tagMap(in.Tags), Status: string(cloudformationapi.StackStatusReviewInProgress)}
		st.UUID, err = s.newUUID()
		return st, true, err
	}
	if !there {
		return nil, false, invalid("Stack [%s] does not exist", in.StackName)
	}
	return st, false, mayUpdate(p, st)
}

// keepChange writes a change set with what it would change.
func (s *Service) keepChange(ctx context.Context, p place, st *stackRecord, c *changeRecord, bp *blueprint, before *versionRecord) (*cloudformationapi.CreateChangeSetOutput, error) {
	return store.Update(ctx, s.shard(p), func(_ context.Context, tx store.Tx) (*cloudformationapi.CreateChangeSetOutput, error) {
		st, c := clone(st), *c
		old, err := readStack(tx, p, st.UUID)
		if err != nil {
			return nil, err
		}
		if old == nil {
			st.Created = tx.Now()
			tx.Set(p.name(st.Name), []byte(st.UUID))
			tx.Set(p.made().Int(st.Created.UnixNano()).Text(st.UUID), nil)
			if err := s.move(tx, p, st, cloudformationapi.StackStatusReviewInProgress, "User Initiated"); err != nil {
				return nil, err
			}
		}
		if there, err := readChange(tx, p, st.UUID, c.Name); err != nil || there != nil {
			if there != nil && there.Token != "" && there.Token == c.Token {
				arn, stack := there.id(p), st.id(p)
				return &cloudformationapi.CreateChangeSetOutput{Id: &arn, StackId: &stack}, nil
			}
			if err == nil {
				err = &cloudformationapi.AlreadyExistsException{Message: "ChangeSet " + c.id(p) + " already exists"}
			}
			return nil, err
		}
		all, err := allResources(tx, p, st.UUID)
		if err != nil {
			return nil, err
		}
		c.Created = tx.Now()
		c.Changes = s.changes(bp, all)
		c.Status, c.Execution = string(cloudformationapi.ChangeSetStatusCreateComplete), string(cloudformationapi.ExecutionStatusAvailable)
		if before != nil && same(before, bp.version) {
			c.Status, c.Execution = string(cloudformationapi.ChangeSetStatusFailed), string(cloudformationapi.ExecutionStatusUnavailable)
			c.Reason = "The submitted information didn't contain changes. Submit different information to create a change set."
		}
		arn, stack := c.id(p), st.id(p)
		return &cloudformationapi.CreateChangeSetOutput{Id: &arn, StackId: &stack}, writeChange(tx, p, st.UUID, &c)
	})
}

// changes compares a template with the resources that are there. A property that refers to what will change counts as
// changed.
func (s *Service) changes(bp *blueprint, all map[string]*resourceRecord) (out []changeOf) {
	scope := bp.plan.Scope
	scope.Ref, scope.Attribute = unknownUntil(refs(all), all), unknownAttribute(attributes(all), all)
	for _, r := range bp.plan.Active {
		rec := all[r.ID]
		if rec == nil || rec.Physical == "" {
			out = append(out, changeOf{Action: "Add", Logical: r.ID, Type: r.Type})
			continue
		}
		if c, changed := s.modified(scope, r, rec); changed {
			out = append(out, c)
		}
	}
	d := &driver{plan: bp.plan}
	for _, rec := range all {
		if !d.wanted(rec.Logical) && rec.Physical != "" {
			out = append(out, changeOf{Action: "Remove", Logical: rec.Logical, Physical: rec.Physical, Type: rec.Type})
		}
	}
	return out
}

func unknownUntil(f func(string) (any, bool), all map[string]*resourceRecord) func(string) (any, bool) {
	return func(logical string) (any, bool) {
		if v, ok := f(logical); ok {
			return v, true
		}
		return "(known after the change)", true
	}
}

func unknownAttribute(f func(string, string) (any, bool), all map[string]*resourceRecord) func(string, string) (any, bool) {
	return func(logical, name string) (any, bool) {
		if v, ok := f(logical, name); ok {
			return v, true
		}
		return "(known after the change)", true
	}
}

func (s *Service) modified(scope intrinsic.Scope, r *template.Resource, rec *resourceRecord) (changeOf, bool) {
	c := changeOf{Action: "Modify", Logical: r.ID, Physical: rec.Physical, Type: r.Type, Replacement: "False"}
	v, err := scope.Resolve(r.Properties)
	now, ok := v.(*jsondoc.Object)
	if err != nil || !ok {
		c.Replacement = "Conditional"
		return c, true
	}
	old := parse(rec.Properties)
	kind, known := s.kind(r.Type)
	names := map[string]bool{}
	for _, doc := range []*jsondoc.Object{now, old} {
		for k := range doc.All() {
			a, _ := old.Get(k)
			b, _ := now.Get(k)
			if names[k] || jsondoc.Equal(a, b) {
				continue
			}
			names[k] = true
			c.Properties = append(c.Properties, k)
			one := jsondoc.NewObject()
			one.Set(k, b)
			if known && kind.Update == nil || known && kind.Replacement(only(old, k), one) {
				c.Recreate = append(c.Recreate, k)
				c.Replacement = "True"
			}
		}
	}
	return c, len(c.Properties) > 0
}

func only(doc *jsondoc.Object, name string) *jsondoc.Object {
	out := jsondoc.NewObject()
	if v, ok := doc.Get(name); ok {
		out.Set(name, v)
	}
	return out
}

// DescribeChangeSet tells a change set.
func (s *Service) DescribeChangeSet(ctx context.Context, id aws.Identity, in *cloudformationapi.DescribeChangeSetInput) (*cloudformationapi.DescribeChangeSetOutput, error) {
	p := at(id)
	return store.View(ctx, s.shard(p), func(_ context.Context, r store.Reader) (*cloudformationapi.DescribeChangeSetOutput, error) {
		st, c, err := findChange(r, p, in.StackName, in.ChangeSetName)
		if err != nil {
			return nil, err
		}
		arn, stack := c.id(p), st.id(p)
		out := &cloudformationapi.DescribeChangeSetOutput{ChangeSetName: &c.Name, ChangeSetId: &arn, StackId: &stack, StackName: &st.Name,
			Description: aws.Some(c.Description), Parameters: parameters(&c.Version), CreationTime: &c.Created, Status: cloudformationapi.ChangeSetStatus(c.Status),
			ExecutionStatus: cloudformationapi.ExecutionStatus(c.Execution), StatusReason: aws.Some(c.Reason), NotificationARNs: c.Notify, Tags: tagList(c.Version.Tags),
			RollbackConfiguration: cmp.Or(c.Rollback, &cloudformationapi.RollbackConfiguration{}), IncludeNestedStacks: &c.Nested, OnStackFailure: cloudformationapi.OnStackFailure(c.OnFailure),
			Changes: []cloudformationapi.Change{}}
		for _, name := range c.Capable {
			out.Capabilities = append(out.Capabilities, cloudformationapi.Capability(name))
		}
		for _, change := range c.Changes {
			out.Changes = append(out.Changes, describeChange(change))
		}
		return out, nil
	})
}

func describeChange(c changeOf) cloudformationapi.Change {
	rc := &cloudformationapi.ResourceChange{Action: cloudformationapi.ChangeAction(c.Action), LogicalResourceId: &c.Logical, PhysicalResourceId: aws.Some(c.Physical),
		ResourceType: &c.Type, Replacement: cloudformationapi.Replacement(c.Replacement), Details: []cloudformationapi.ResourceChangeDetail{},
		Scope: []cloudformationapi.ResourceAttribute{}}
	if len(c.Properties) > 0 {
		rc.Scope = append(rc.Scope, cloudformationapi.ResourceAttributeProperties)
	}
	for _, name := range c.Properties {
		recreation := cloudformationapi.RequiresRecreationNever
		for _, r := range c.Recreate {
			if r == name {
				recreation = cloudformationapi.RequiresRecreationAlways
			}
		}
		rc.Details = append(rc.Details, cloudformationapi.ResourceChangeDetail{Evaluation: cloudformationapi.EvaluationTypeStatic,
			ChangeSource: cloudformationapi.ChangeSourceDirectModification,
			Target: &cloudformationapi.ResourceTargetDefinition{Attribute: cloudformationapi.ResourceAttributeProperties, Name: &name,
				RequiresRecreation: recreation}})
	}
	return cloudformationapi.Change{Type: cloudformationapi.ChangeTypeResource, ResourceChange: rc}
}

// ExecuteChangeSet makes the changes.
func (s *Service) ExecuteChangeSet(ctx context.Context, id aws.Identity, in *cloudformationapi.ExecuteChangeSetInput) (*cloudformationapi.ExecuteChangeSetOutput, error) {
	p := at(id)
	_, err := s.shard(p).Update(ctx, func(_ context.Context, tx store.Tx) error {
		st, c, err := findChange(tx, p, in.StackName, in.ChangeSetName)
		if err != nil {
			return err
		}
		if c.Execution != string(cloudformationapi.ExecutionStatusAvailable) {
			in := "status of [" + c.Status + "]"
			if c.Status == string(cloudformationapi.ChangeSetStatusCreateComplete) {
				in = "execution status of [" + c.Execution + "]"
			}
			return &cloudformationapi.InvalidChangeSetStatusException{Message: "ChangeSet [" + c.id(p) + "] cannot be executed in its current " + in}
		}
		status := cloudformationapi.StackStatusUpdateInProgress
		if c.New {
			status = cloudformationapi.StackStatusCreateInProgress
			st.OnFailure = c.OnFailure
		} else if err := mayUpdate(p, st); err != nil {
			return err
		} else {
			st.Updated = tx.Now()
		}
		st.Capable, st.Tags, st.ChangeSet, st.NoRollback = c.Capable, c.Version.Tags, c.id(p), is(in.DisableRollback)
		st.During, st.KeepNothing = "", is(in.RetainExceptOnCreate)
		if c.Role != "" {
			st.Role = c.Role
		}
		if c.Notify != nil {
			st.Notify = c.Notify
		}
		st.Rollback = cmp.Or(c.Rollback, st.Rollback)
		if t, err := readAgain(&c.Version); err == nil {
			st.Description = t.Description
		}
		st.Token = textOr(in.ClientRequestToken)
		tx.DeleteRange(p.changes(st.UUID).Range()) // the others were made for what the stack was
		c.Execution = string(cloudformationapi.ExecutionStatusExecuteComplete)
		if err := writeChange(tx, p, st.UUID, c); err != nil {
			return err
		}
		return s.begin(tx, p, st, id, &c.Version, status)
	})
	return &cloudformationapi.ExecuteChangeSetOutput{}, err
}

// DeleteChangeSet deletes a change set; the stack in review that it was to make stays.
func (s *Service) DeleteChangeSet(ctx context.Context, id aws.Identity, in *cloudformationapi.DeleteChangeSetInput) (*cloudformationapi.DeleteChangeSetOutput, error) {
	p := at(id)
	_, err := s.shard(p).Update(ctx, func(_ context.Context, tx store.Tx) error {
		st, c, err := findChange(tx, p, in.StackName, in.ChangeSetName)
		if aws.CodeOf(err) == "ChangeSetNotFound" {
			return nil
		}
		if err != nil {
			return err
		}
		return store.DeleteLarge(tx, store.Key(p.changes(st.UUID).Text(c.Name)))
	})
	return &cloudformationapi.DeleteChangeSetOutput{}, err
}

// ListChangeSets lists the change sets of a stack that are there.
func (s *Service) ListChangeSets(ctx context.Context, id aws.Identity, in *cloudformationapi.ListChangeSetsInput) (*cloudformationapi.ListChangeSetsOutput, error) {
	p := at(id)
	return store.View(ctx, s.shard(p), func(_ context.Context, r store.Reader) (*cloudformationapi.ListChangeSetsOutput, error) {
		st, err := findStack(r, p, in.StackName)
		if err != nil {
			return nil, err
		}
		out := &cloudformationapi.ListChangeSetsOutput{Summaries: []cloudformationapi.ChangeSetSummary{}}
		prefix := p.changes(st.UUID)
		pairs, end := r.Scan(prefix.Range(), store.ScanOpt{})
		for kv := range pairs {
			e := store.Decode(kv.Key, len(prefix))
			name := e.Text()
			if e.More() {
				continue
			}
			c, err := readChange(r, p, st.UUID, name)
			if err != nil {
				return nil, err
			}
			arn, stack := c.id(p), st.id(p)
			out.Summaries = append(out.Summaries, cloudformationapi.ChangeSetSummary{StackId: &stack, StackName: &st.Name, ChangeSetId: &arn, ChangeSetName: &c.Name,
				ExecutionStatus: cloudformationapi.ExecutionStatus(c.Execution), Status: cloudformationapi.ChangeSetStatus(c.Status), StatusReason: aws.Some(c.Reason),
				CreationTime: &c.Created, Description: aws.Some(c.Description)})
		}
		return out, end()
	})
}
