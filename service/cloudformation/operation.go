package cloudformation

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/brume-dev/brume/api/cloudformationapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
)

func texts[T ~string](list []T) (out []string) {
	for _, t := range list {
		out = append(out, string(t))
	}
	return out
}

func is(b *bool) bool { return b != nil && *b }

func textOr(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// CreateStack makes a stack and sends it on its way.
func (s *Service) CreateStack(ctx context.Context, id aws.Identity, in *cloudformationapi.CreateStackInput) (*cloudformationapi.CreateStackOutput, error) {
	if err := checkName(in.StackName); err != nil {
		return nil, err
	}
	if in.OnFailure != "" && in.DisableRollback != nil {
		return nil, invalid("You cannot specify both OnFailure and DisableRollback")
	}
	policy, err := s.policyText(ctx, id, in.StackPolicyBody, in.StackPolicyURL)
	if err != nil {
		return nil, err
	}
	st := &stackRecord{Name: in.StackName, Tags: tagMap(in.Tags), Capable: texts(in.Capabilities), Notify: in.NotificationARNs,
		Role: textOr(in.RoleARN), Protected: is(in.EnableTerminationProtection), NoRollback: is(in.DisableRollback),
		OnFailure: string(in.OnFailure), Token: textOr(in.ClientRequestToken), KeepNothing: is(in.RetainExceptOnCreate), Rollback: in.RollbackConfiguration}
	if in.TimeoutInMinutes != nil {
		st.Timeout = *in.TimeoutInMinutes
	}
	return s.create(ctx, id, st, request{name: in.StackName, body: in.TemplateBody, url: in.TemplateURL, parameters: in.Parameters,
		capabilities: in.Capabilities, tags: in.Tags, direct: true, types: in.ResourceTypes, policy: policy})
}

// create starts a new stack.
func (s *Service) create(ctx context.Context, id aws.Identity, st *stackRecord, r request) (*cloudformationapi.CreateStackOutput, error) {
	p := at(id)
	var err error
	if st.UUID, err = s.newUUID(); err != nil {
		return nil, err
	}
	bp, err := s.read(ctx, id, p, st, r)
	if err != nil {
		return nil, err
	}
	arn, err := store.Update(ctx, s.shard(p), func(_ context.Context, tx store.Tx) (string, error) {
		st := clone(st)
		if old, err := findStack(tx, p, st.Name); err == nil {
			if st.Token != "" && old.Token == st.Token {
				return old.id(p), nil // the same request once more
			}
			return "", &cloudformationapi.AlreadyExistsException{Message: "Stack [" + st.Name + "] already exists"}
		} else if aws.CodeOf(err) != "ValidationError" {
			return "", err
		}
		st.Created = tx.Now()
		st.Description = bp.plan.Template.Description
		if st.Root == "" {
			st.Root = st.Parent
		}
		setPolicy(tx, p, st.UUID, r.policy)
		tx.Set(p.name(st.Name), []byte(st.UUID))
		tx.Set(p.made().Int(st.Created.UnixNano()).Text(st.UUID), nil)
		return st.id(p), s.begin(tx, p, st, id, bp.version, cloudformationapi.StackStatusCreateInProgress)
	})
	return &cloudformationapi.CreateStackOutput{StackId: &arn}, err
}

func clone(st *stackRecord) *stackRecord { c := *st; return &c }

// begin sends a stack on its way to a version.
func (s *Service) begin(tx store.Tx, p place, st *stackRecord, id aws.Identity, v *versionRecord, status cloudformationapi.StackStatus) error {
	st.Target = max(st.Current, st.Target) + 1
	if err := writeVersion(tx, p, st.UUID, st.Target, v); err != nil {
		return err
	}
	st.As, st.Began, st.Failing, st.Turned = id, tx.Now(), false, false
	st.Operation++
	st.Phase = applying
	if st.Timeout > 0 && st.Current == 0 {
		due := st.Began.Add(time.Duration(st.Timeout) * time.Minute)
		if err := promiseDrive(tx, p, st.UUID, deadline, due); err != nil {
			return err
		}
	}
	return s.move(tx, p, st, status, "User Initiated")
}

// move gives a stack a status, tells it in an event, and has it driven on.
func (s *Service) move(tx store.Tx, p place, st *stackRecord, status cloudformationapi.StackStatus, reason string) error {
	st.Status, st.Reason = string(status), reason
	writeStack(tx, p, st)
	if err := stackEvent(tx, p, st); err != nil {
		return err
	}
	if st.Phase == resting {
		return nil
	}
	return promiseDrive(tx, p, st.UUID, "", time.Time{})
}

// mayUpdate refuses an update in the wrong state.
func mayUpdate(p place, st *stackRecord) error {
	switch {
	case st.busy() || !strings.HasSuffix(st.Status, "_COMPLETE") && st.Status != "UPDATE_FAILED" && st.Status != "CREATE_FAILED",
		st.is(cloudformationapi.StackStatusRollbackComplete), st.is(cloudformationapi.StackStatusDeleteComplete):
		return invalid("Stack:%s is in %s state and can not be updated.", st.id(p), st.Status)
	}
	return nil
}

// UpdateStack brings a stack to another template or other parameters.
func (s *Service) UpdateStack(ctx context.Context, id aws.Identity, in *cloudformationapi.UpdateStackInput) (*cloudformationapi.UpdateStackOutput, error) {
	p := at(id)
	st, err := s.view(ctx, p, in.StackName)
	if err != nil {
		return nil, inBrackets(in.StackName, err)
	}
	if st.Token != "" && in.ClientRequestToken != nil && *in.ClientRequestToken == st.Token {
		arn := st.id(p)
		return &cloudformationapi.UpdateStackOutput{StackId: &arn}, nil
	}
	if err := mayUpdate(p, st); err != nil {
		return nil, err
	}
	before, err := s.current(ctx, p, st)
	if err != nil {
		return nil, err
	}
	policy, err := s.policyText(ctx, id, in.StackPolicyBody, in.StackPolicyURL)
	if err != nil {
		return nil, err
	}
	during, err := s.policyText(ctx, id, in.StackPolicyDuringUpdateBody, in.StackPolicyDuringUpdateURL)
	if err != nil {
		return nil, err
	}
	r := request{name: st.Name, body: in.TemplateBody, url: in.TemplateURL, previous: is(in.UsePreviousTemplate), parameters: in.Parameters,
		capabilities: in.Capabilities, tags: in.Tags, before: before, direct: true, types: in.ResourceTypes}
	bp, err := s.read(ctx, id, p, st, r)
	if err != nil {
		return nil, err
	}
	if in.Tags == nil {
		bp.version.Tags = before.Tags
	}
	if same(before, bp.version) && in.RoleARN == nil && in.NotificationARNs == nil && in.RollbackConfiguration == nil {
		return nil, invalid("No updates are to be performed.")
	}
	return s.update(ctx, id, p, st.UUID, bp, func(tx store.Tx, st *stackRecord) {
		setPolicy(tx, p, st.UUID, policy)
		st.During, st.KeepNothing = during, is(in.RetainExceptOnCreate)
		st.Capable, st.NoRollback, st.Token = texts(in.Capabilities), is(in.DisableRollback), textOr(in.ClientRequestToken)
		if in.RoleARN != nil {
			st.Role = *in.RoleARN
		}
		if in.NotificationARNs != nil {
			st.Notify = in.NotificationARNs
		}
		st.Rollback = cmp.Or(in.RollbackConfiguration, st.Rollback)
	})
}

// same reports whether two versions come to the same stack.
func same(a, b *versionRecord) bool {
	return a.Processed == b.Processed && maps.Equal(a.Parameters, b.Parameters) && maps.Equal(a.Resolved, b.Resolved) && maps.Equal(a.Tags, b.Tags)
}

// current is the version that a stack is at.
func (s *Service) current(ctx context.Context, p place, st *stackRecord) (*versionRecord, error) {
	return store.View(ctx, s.shard(p), func(_ context.Context, r store.Reader) (*versionRecord, error) {
		return readVersion(r, p, st.UUID, max(st.Current, 1))
	})
}

// update sends a stack on its way to a new version.
func (s *Service) update(ctx context.Context, id aws.Identity, p place, uuid string, bp *blueprint, set func(store.Tx, *stackRecord)) (*cloudformationapi.UpdateStackOutput, error) {
	arn, err := store.Update(ctx, s.shard(p), func(_ context.Context, tx store.Tx) (string, error) {
		st, err := readStack(tx, p, uuid)
		if err != nil || st == nil {
			return "", err
		}
		if err := mayUpdate(p, st); err != nil {
			return "", err
		}
		st.During, st.KeepNothing = "", false
		set(tx, st)
		st.Updated, st.Tags = tx.Now(), bp.version.Tags
		st.Description = bp.plan.Template.Description
		return st.id(p), s.begin(tx, p, st, id, bp.version, cloudformationapi.StackStatusUpdateInProgress)
	})
	return &cloudformationapi.UpdateStackOutput{StackId: &arn}, err
}

// DeleteStack deletes a stack and its resources. A stack that is not there is deleted already.
func (s *Service) DeleteStack(ctx context.Context, id aws.Identity, in *cloudformationapi.DeleteStackInput) (*cloudformationapi.DeleteStackOutput, error) {
	p := at(id)
	_, err := s.shard(p).Update(ctx, func(_ context.Context, tx store.Tx) error {
		st, err := findStack(tx, p, in.StackName)
		if err != nil {
			if aws.CodeOf(err) == "ValidationError" {
				return nil
			}
			return err
		}
		return s.beginDelete(tx, p, st, id, in)
	})
	return &cloudformationapi.DeleteStackOutput{}, err
}

func (s *Service) beginDelete(tx store.Tx, p place, st *stackRecord, id aws.Identity, in *cloudformationapi.DeleteStackInput) error {
	switch {
	case st.is(cloudformationapi.StackStatusDeleteComplete), st.is(cloudformationapi.StackStatusDeleteInProgress):
		return nil
	case st.Protected && st.Parent == "":
		return invalid("Stack [%s] cannot be deleted while TerminationProtection is enabled", st.Name)
	case len(in.RetainResources) > 0 && !st.is(cloudformationapi.StackStatusDeleteFailed):
		return invalid("Invalid operation on stack [%s]. RetainResources can only be specified for a stack in DELETE_FAILED", st.id(p))
	case in.DeletionMode == cloudformationapi.DeletionModeForceDeleteStack && !st.is(cloudformationapi.StackStatusDeleteFailed):
		return invalid("Invalid operation on stack [%s]. FORCE_DELETE_STACK can only be specified for a stack in DELETE_FAILED", st.id(p))
	case strings.Contains(st.Status, "UPDATE") && st.busy():
		return invalid("Stack [%s] cannot be deleted while in status %s", st.Name, st.Status)
	}
	if err := exportsInUse(tx, p, st); err != nil {
		return err
	}
	st.As, st.Began, st.Failing = id, tx.Now(), false
	if in.RoleARN != nil {
		st.Role = *in.RoleARN
	}
	if in.ClientRequestToken != nil {
		st.Token = *in.ClientRequestToken
	}
	st.Retain, st.Force = slices.Clone(in.RetainResources), in.DeletionMode == cloudformationapi.DeletionModeForceDeleteStack
	st.Operation++
	st.Phase = deleting
	return s.move(tx, p, st, cloudformationapi.StackStatusDeleteInProgress, "User Initiated")
}

// UpdateTerminationProtection sets whether DeleteStack is refused.
func (s *Service) UpdateTerminationProtection(ctx context.Context, id aws.Identity, in *cloudformationapi.UpdateTerminationProtectionInput) (*cloudformationapi.UpdateTerminationProtectionOutput, error) {
	p := at(id)
	arn, err := store.Update(ctx, s.shard(p), func(_ context.Context, tx store.Tx) (string, error) {
		st, err := findStack(tx, p, in.StackName)
		if err != nil {
			return "", err
		}
		if st.Parent != "" {
			return "", invalid("Cannot update termination protection on nested stack [%s]", st.Name)
		}
		st.Protected = in.EnableTerminationProtection
		writeStack(tx, p, st)
		return st.id(p), nil
	})
	return &cloudformationapi.UpdateTerminationProtectionOutput{StackId: &arn}, err
}
