package cloudformation

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/brume-dev/brume/api/cloudformationapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/page"
)

// DescribeStacks describes one stack, or all that are not deleted.
func (s *Service) DescribeStacks(ctx context.Context, id aws.Identity, in *cloudformationapi.DescribeStacksInput) (*cloudformationapi.DescribeStacksOutput, error) {
	p := at(id)
	return store.View(ctx, s.shard(p), func(_ context.Context, r store.Reader) (*cloudformationapi.DescribeStacksOutput, error) {
		out := &cloudformationapi.DescribeStacksOutput{Stacks: []cloudformationapi.Stack{}}
		if in.StackName != nil {
			st, err := findStack(r, p, *in.StackName)
			if err != nil {
				return nil, err
			}
			d, err := describeStack(r, p, st)
			out.Stacks = append(out.Stacks, d)
			return out, err
		}
		stacks, next, err := listStacks(r, p, in.NextToken, func(st *stackRecord) bool {
			return !st.is(cloudformationapi.StackStatusDeleteComplete)
		})
		if err != nil {
			return nil, err
		}
		out.NextToken = next
		for _, st := range stacks {
			d, err := describeStack(r, p, st)
			if err != nil {
				return nil, err
			}
			out.Stacks = append(out.Stacks, d)
		}
		return out, nil
	})
}

// newPage is a page of a listing.
func newPage(token *string) (*page.Page, error) {
	pg, err := page.New(pageSize, token)
	if err != nil {
		return nil, invalid("Invalid NextToken")
	}
	return pg, nil
}

// listStacks lists stacks, the newest first.
func listStacks(r store.Reader, p place, token *string, take func(*stackRecord) bool) (out []*stackRecord, next *string, err error) {
	pg, err := newPage(token)
	if err != nil {
		return nil, nil, err
	}
	pg.Reverse = true
	err = pg.Keys(r, p.made(), func(key *store.Elements, _ store.Value) (bool, error) {
		key.Int() // when
		st, err := readStack(r, p, key.Text())
		if err != nil || st == nil || !take(st) {
			return false, err
		}
		out = append(out, st)
		return true, nil
	})
	return out, pg.Token(), err
}

func describeStack(r store.Reader, p place, st *stackRecord) (cloudformationapi.Stack, error) {
	id := st.id(p)
	n := st.Target
	if n == 0 {
		n = 1
	}
	v, err := readVersion(r, p, st.UUID, n)
	out := cloudformationapi.Stack{StackId: &id, StackName: st.Name, CreationTime: st.Created, StackStatus: cloudformationapi.StackStatus(st.Status),
		StackStatusReason: aws.Some(st.Reason), Description: aws.Some(st.Description), DisableRollback: &st.NoRollback,
		NotificationARNs: st.Notify, RoleARN: aws.Some(st.Role), Tags: tagList(st.Tags), EnableTerminationProtection: &st.Protected,
		ParentId: aws.Some(st.Parent), RootId: aws.Some(st.Root), ChangeSetId: aws.Some(st.ChangeSet), Parameters: parameters(v),
		RollbackConfiguration: cmp.Or(st.Rollback, &cloudformationapi.RollbackConfiguration{}), Outputs: []cloudformationapi.Output{},
		DriftInformation: &cloudformationapi.StackDriftInformation{StackDriftStatus: cloudformationapi.StackDriftStatusNotChecked}}
	for _, c := range st.Capable {
		out.Capabilities = append(out.Capabilities, cloudformationapi.Capability(c))
	}
	if !st.Updated.IsZero() {
		out.LastUpdatedTime = &st.Updated
	}
	if !st.Deleted.IsZero() {
		out.DeletionTime = &st.Deleted
	}
	if st.Timeout > 0 {
		out.TimeoutInMinutes = &st.Timeout
	}
	for _, o := range st.Outputs {
		out.Outputs = append(out.Outputs, cloudformationapi.Output{OutputKey: &o.Key, OutputValue: &o.Value, Description: aws.Some(o.Description),
			ExportName: aws.Some(o.Export)})
	}
	return out, err
}

func tagList(tags map[string]string) []cloudformationapi.Tag {
	out := []cloudformationapi.Tag{}
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		out = append(out, cloudformationapi.Tag{Key: k, Value: tags[k]})
	}
	return out
}

// hidden is what the value of a parameter with NoEcho is shown as.
const hidden = "****"

func parameters(v *versionRecord) []cloudformationapi.Parameter {
	out := []cloudformationapi.Parameter{}
	t, err := readAgain(v)
	if err != nil {
		return out
	}
	for i := range t.Parameters {
		p := &t.Parameters[i]
		value := v.Parameters[p.ID]
		if p.NoEcho {
			value = hidden
		}
		entry := cloudformationapi.Parameter{ParameterKey: &p.ID, ParameterValue: &value}
		if resolved, ok := v.Resolved[p.ID]; ok {
			entry.ResolvedValue = &resolved
		}
		out = append(out, entry)
	}
	return out
}

// ListStacks lists stacks by their status, those too that were deleted in the last 90 days.
func (s *Service) ListStacks(ctx context.Context, id aws.Identity, in *cloudformationapi.ListStacksInput) (*cloudformationapi.ListStacksOutput, error) {
	p := at(id)
	since := s.Clock.Now().Add(-deletedFor)
	return store.View(ctx, s.shard(p), func(_ context.Context, r store.Reader) (*cloudformationapi.ListStacksOutput, error) {
		stacks, next, err := listStacks(r, p, in.NextToken, func(st *stackRecord) bool {
			wanted := len(in.StackStatusFilter) == 0 || slices.Contains(in.StackStatusFilter, cloudformationapi.StackStatus(st.Status))
			return wanted && (st.Deleted.IsZero() || st.Deleted.After(since))
		})
		if err != nil {
			return nil, err
		}
		out := &cloudformationapi.ListStacksOutput{StackSummaries: []cloudformationapi.StackSummary{}, NextToken: next}
		for _, st := range stacks {
			sid := st.id(p)
			sum := cloudformationapi.StackSummary{StackId: &sid, StackName: st.Name, CreationTime: st.Created, StackStatus: cloudformationapi.StackStatus(st.Status),
				StackStatusReason: aws.Some(st.Reason), TemplateDescription: aws.Some(st.Description), ParentId: aws.Some(st.Parent), RootId: aws.Some(st.Root),
				DriftInformation: &cloudformationapi.StackDriftInformationSummary{StackDriftStatus: cloudformationapi.StackDriftStatusNotChecked}}
			if !st.Updated.IsZero() {
				sum.LastUpdatedTime = &st.Updated
			}
			if !st.Deleted.IsZero() {
				sum.DeletionTime = &st.Deleted
			}
			out.StackSummaries = append(out.StackSummaries, sum)
		}
		return out, nil
	})
}

// resourcesOf reads the resources of a stack in the order of their names.
func (s *Service) resourcesOf(ctx context.Context, p place, name string) (st *stackRecord, out []*resourceRecord, err error) {
	err = s.shard(p).View(ctx, func(_ context.Context, r store.Reader) error {
		if st, err = findStack(r, p, name); err != nil {
			return err
		}
		all, err := allResources(r, p, st.UUID)
		for _, n := range slices.Sorted(maps.Keys(all)) {
			if all[n].Status != "" {
				out = append(out, all[n])
			}
		}
		return err
	})
	return st, out, err
}

// DescribeStackResource describes one resource.
func (s *Service) DescribeStackResource(ctx context.Context, id aws.Identity, in *cloudformationapi.DescribeStackResourceInput) (*cloudformationapi.DescribeStackResourceOutput, error) {
	p := at(id)
	st, all, err := s.resourcesOf(ctx, p, in.StackName)
	if err != nil {
		return nil, err
	}
	for _, rec := range all {
		if rec.Logical != in.LogicalResourceId {
			continue
		}
		sid := st.id(p)
		return &cloudformationapi.DescribeStackResourceOutput{StackResourceDetail: &cloudformationapi.StackResourceDetail{StackName: &st.Name, StackId: &sid,
			LogicalResourceId: rec.Logical, PhysicalResourceId: aws.Some(rec.Physical), ResourceType: rec.Type, LastUpdatedTimestamp: rec.Updated,
			ResourceStatus: cloudformationapi.ResourceStatus(rec.Status), ResourceStatusReason: aws.Some(rec.Reason), Metadata: aws.Some(rec.Metadata),
			DriftInformation: &cloudformationapi.StackResourceDriftInformation{StackResourceDriftStatus: cloudformationapi.StackResourceDriftStatusNotChecked}}}, nil
	}
	return nil, invalid("Resource %s does not exist for stack %s", in.LogicalResourceId, st.Name)
}

// DescribeStackResources describes the resources of a stack, which may be named by one of them.
func (s *Service) DescribeStackResources(ctx context.Context, id aws.Identity, in *cloudformationapi.DescribeStackResourcesInput) (*cloudformationapi.DescribeStackResourcesOutput, error) {
	if (in.StackName == nil) == (in.PhysicalResourceId == nil) {
		return nil, invalid("StackName or PhysicalResourceId must be specified, but not both.")
	}
	p := at(id)
	name := textOr(in.StackName)
	if in.StackName == nil {
		var err error
		if name, err = s.holding(ctx, p, *in.PhysicalResourceId); err != nil {
			return nil, err
		}
	}
	st, all, err := s.resourcesOf(ctx, p, name)
	if err != nil {
		return nil, err
	}
	sid := st.id(p)
	out := &cloudformationapi.DescribeStackResourcesOutput{StackResources: []cloudformationapi.StackResource{}}
	for _, rec := range all {
		if in.LogicalResourceId != nil && *in.LogicalResourceId != rec.Logical {
			continue
		}
		out.StackResources = append(out.StackResources, cloudformationapi.StackResource{StackName: &st.Name, StackId: &sid, LogicalResourceId: rec.Logical,
			PhysicalResourceId: aws.Some(rec.Physical), ResourceType: rec.Type, Timestamp: rec.Updated, ResourceStatus: cloudformationapi.ResourceStatus(rec.Status),
			ResourceStatusReason: aws.Some(rec.Reason),
			DriftInformation:     &cloudformationapi.StackResourceDriftInformation{StackResourceDriftStatus: cloudformationapi.StackResourceDriftStatusNotChecked}})
	}
	return out, nil
}

// holding finds the stack that has a resource of a physical id: the newest one of the account and region. It reads the
// resources of every stack there, of which there are at most maxStacks.
func (s *Service) holding(ctx context.Context, p place, physical string) (string, error) {
	return store.View(ctx, s.shard(p), func(_ context.Context, r store.Reader) (string, error) {
		prefix := p.made()
		pairs, end := r.Scan(prefix.Range(), store.ScanOpt{Reverse: true})
		for kv := range pairs {
			e := store.Decode(kv.Key, len(prefix))
			e.Int()
			uuid := e.Text()
			all, err := allResources(r, p, uuid)
			if err != nil {
				return "", err
			}
			for _, rec := range all {
				if rec.Physical != physical {
					continue
				}
				st, err := readStack(r, p, uuid)
				if err != nil || st == nil {
					return "", err
				}
				return st.id(p), nil
			}
		}
		if err := end(); err != nil {
			return "", err
		}
		return "", invalid("Stack for %s does not exist", physical)
	})
}

// ListStackResources lists the resources of a stack.
func (s *Service) ListStackResources(ctx context.Context, id aws.Identity, in *cloudformationapi.ListStackResourcesInput) (*cloudformationapi.ListStackResourcesOutput, error) {
	_, all, err := s.resourcesOf(ctx, at(id), in.StackName)
	if err != nil {
		return nil, err
	}
	pg, err := newPage(in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &cloudformationapi.ListStackResourcesOutput{StackResourceSummaries: []cloudformationapi.StackResourceSummary{}}
	for _, rec := range page.Slice(pg, all, func(rec *resourceRecord) string { return rec.Logical }) {
		out.StackResourceSummaries = append(out.StackResourceSummaries, cloudformationapi.StackResourceSummary{LogicalResourceId: rec.Logical,
			PhysicalResourceId: aws.Some(rec.Physical), ResourceType: rec.Type, LastUpdatedTimestamp: rec.Updated,
			ResourceStatus: cloudformationapi.ResourceStatus(rec.Status), ResourceStatusReason: aws.Some(rec.Reason),
			DriftInformation: &cloudformationapi.StackResourceDriftInformationSummary{StackResourceDriftStatus: cloudformationapi.StackResourceDriftStatusNotChecked}})
	}
	out.NextToken = pg.Token()
	return out, nil
}
