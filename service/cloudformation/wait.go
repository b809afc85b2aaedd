package cloudformation

import (
	"context"
	"maps"
	"time"

	"github.com/brume-dev/brume/api/cloudformationapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/deploy/resource"
	"github.com/brume-dev/brume/jsondoc"
	"github.com/brume-dev/brume/service/cloudformation/answer"
	"github.com/brume-dev/brume/store"
)

// The types that have no room in package resource.
const (
	customType   = "AWS::CloudFormation::CustomResource" // Custom::… are others of its names
	metadataType = "AWS::CDK::Metadata"                  // what the CDK says of itself
)

// ownKinds are the resource types that need this service.
func (s *Service) ownKinds() map[string]*resource.Kind {
	nothing := func(o *resource.Op) error { o.Physical = o.Stack + "-" + o.LogicalID; return nil }
	kinds := map[string]*resource.Kind{
		customType:   {Create: s.desk.Custom("Create"), Update: s.desk.Custom("Update"), Delete: s.desk.Custom("Delete"), Replaces: []string{"ServiceToken"}},
		stackType:    {Create: s.createChild, Update: s.updateChild, Delete: s.deleteChild, Tags: true},
		metadataType: {Create: nothing, Update: nothing, Delete: nothing},
	}
	maps.Copy(kinds, s.desk.Kinds())
	return kinds
}

func placeOf(a answer.Step) place { return place{a.Account, a.Region} }

// waitingSteps is the service as the desk of answers sees it.
type waitingSteps struct{ *Service }

// Remember is part of answer.Stacks.
func (s waitingSteps) Remember(tx store.Tx, a answer.Step, name, value string) error {
	rec, err := readResource(tx, placeOf(a), a.UUID, a.Logical)
	if err != nil || rec == nil || rec.Operation != a.Operation {
		return err
	}
	if rec.Attributes == nil {
		rec.Attributes = map[string]string{}
	}
	rec.Attributes[name] = value
	return writeResource(tx, placeOf(a), a.UUID, rec)
}

// Wake is part of answer.Stacks.
func (s waitingSteps) Wake(tx store.Tx, a answer.Step) error {
	return promiseStep(tx, placeOf(a), &stackRecord{UUID: a.UUID, Operation: a.Operation}, a.Logical, time.Time{})
}

// TypeOf is part of answer.Stacks.
func (s waitingSteps) TypeOf(r store.Reader, a answer.Step) (string, error) {
	rec, err := readResource(r, placeOf(a), a.UUID, a.Logical)
	if err != nil || rec == nil {
		return "", err
	}
	return rec.Type, nil
}

// CreationPolicy is part of answer.Stacks.
func (s waitingSteps) CreationPolicy(ctx context.Context, a answer.Step) (any, error) {
	_, plan, err := s.load(ctx, placeOf(a), a.UUID)
	if err != nil || plan == nil {
		return nil, err
	}
	policy, ok := plan.Template.Lookup(a.Logical).CreationPolicy.(*jsondoc.Object)
	if !ok {
		return nil, nil
	}
	return plan.Scope.Resolve(policy)
}

// SignalResource sends a signal to a resource that waits by its CreationPolicy.
func (s *Service) SignalResource(ctx context.Context, id aws.Identity, in *cloudformationapi.SignalResourceInput) (*cloudformationapi.SignalResourceOutput, error) {
	p := at(id)
	_, err := s.shard(p).Update(ctx, func(_ context.Context, tx store.Tx) error {
		st, err := findStack(tx, p, in.StackName)
		if err != nil {
			return err
		}
		if !st.is(cloudformationapi.StackStatusCreateInProgress) && !st.is(cloudformationapi.StackStatusUpdateInProgress) {
			return invalid("Stack:%s is in %s state and can not be signaled.", st.id(p), st.Status)
		}
		rec, err := readResource(tx, p, st.UUID, in.LogicalResourceId)
		if err != nil {
			return err
		}
		if rec == nil {
			return invalid("Resource %s does not exist for stack %s", in.LogicalResourceId, st.Name)
		}
		return s.desk.Signal(tx, answer.Step{Account: p.account, Region: p.region, UUID: st.UUID, Logical: rec.Logical}, in.UniqueId, string(in.Status))
	})
	return &cloudformationapi.SignalResourceOutput{}, err
}
