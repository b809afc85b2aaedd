package machine

import (
	"context"
	"time"

	"github.com/brume-dev/brume/api/sfnapi"
	"github.com/brume-dev/brume/asl/definition"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
)

// DescribeStateMachine tells what a machine is, or one of its versions; an alias is described by the first version that it
// routes to.
func (m *Machines) DescribeStateMachine(ctx context.Context, id aws.Identity, in *sfnapi.DescribeStateMachineInput) (*sfnapi.DescribeStateMachineOutput, error) {
	n, err := ParseARN(in.StateMachineArn)
	if err != nil {
		return nil, err
	}
	if n.Label != "" {
		return nil, Labelled(in.StateMachineArn)
	}
	e, err := m.find(ctx, n)
	if err != nil {
		return nil, err
	}
	if e.rec.ID == 0 || e.routes != nil && len(e.routes) == 0 {
		return nil, NotFound(in.StateMachineArn)
	}
	at, key, created, description := Spot{n.Ref, e.rec.ID}, e.rec.Revision, e.rec.Created, ""
	if e.routes != nil {
		if created, description, err = m.versionFacts(ctx, at, e.routes[0].Version); err != nil {
			return nil, err
		}
		key = e.routes[0].revision
	}
	rev, err := m.Revision(ctx, at, key)
	if err != nil {
		return nil, err
	}
	out := &sfnapi.DescribeStateMachineOutput{StateMachineArn: in.StateMachineArn, Name: n.Name, Status: sfnapi.StateMachineStatusActive,
		Definition: rev.Definition, RoleArn: rev.Role, Type: e.rec.kind(), CreationDate: created, Description: aws.Some(description),
		LoggingConfiguration: rev.Logging.shown(), TracingConfiguration: rev.tracing(), EncryptionConfiguration: rev.encryption.shown(),
		RevisionId: aws.Some(rev.Shown)}
	if e.rec.Deleting {
		out.Status = sfnapi.StateMachineStatusDeleting
	}
	if in.IncludedData == sfnapi.IncludedDataMetadataOnly {
		out.Definition = NoDefinition
		return out, nil
	}
	out.VariableReferences = rev.variables()
	return out, m.MayRead(ctx, id, rev)
}

func (v *Revision) tracing() *sfnapi.TracingConfiguration {
	return &sfnapi.TracingConfiguration{Enabled: &v.Tracing}
}

// NoDefinition is the definition of those who ask for metadata only.
const NoDefinition = "{}"

// variables are those that the states refer to.
func (v *Revision) variables() map[string][]string {
	return definition.References([]byte(v.Definition))
}

// Describe fills in what DescribeStateMachineForExecution tells of a revision.
func (v *Revision) Describe() *sfnapi.DescribeStateMachineForExecutionOutput {
	return &sfnapi.DescribeStateMachineForExecutionOutput{StateMachineArn: v.ARN(), Name: v.Name, Definition: v.Definition, RoleArn: v.Role,
		UpdateDate: v.Updated, LoggingConfiguration: v.Logging.shown(), TracingConfiguration: v.tracing(),
		EncryptionConfiguration: v.encryption.shown(), RevisionId: aws.Some(v.Shown),
		VariableReferences: v.variables()}
}

func (m *Machines) versionFacts(ctx context.Context, at Spot, n int64) (created time.Time, description string, err error) {
	v, err := store.View(ctx, m.home(at.Place), func(_ context.Context, r store.Reader) (versionRecord, error) {
		v, _, err := read[versionRecord](r, at.versionKey(n))
		return v, err
	})
	return v.Created, v.Description, err
}

// ListStateMachines lists the machines of the account.
func (m *Machines) ListStateMachines(ctx context.Context, id aws.Identity, in *sfnapi.ListStateMachinesInput) (*sfnapi.ListStateMachinesOutput, error) {
	here := Here(id)
	p, err := pageOf(in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	return store.View(ctx, m.home(here), func(_ context.Context, r store.Reader) (*sfnapi.ListStateMachinesOutput, error) {
		p := *p
		out := &sfnapi.ListStateMachinesOutput{StateMachines: []sfnapi.StateMachineListItem{}}
		err := p.Each(r, here.machines(), func(name string, b store.Value) (bool, error) {
			var rec machineRecord
			if err := record.Decode(b, version, &rec); err != nil {
				return false, err
			}
			out.StateMachines = append(out.StateMachines, sfnapi.StateMachineListItem{StateMachineArn: Ref{here, name}.ARN(), Name: name, Type: rec.kind(), CreationDate: rec.Created})
			return true, nil
		})
		out.NextToken = p.Token()
		return out, err
	})
}
