package logs

import (
	"context"
	"strings"

	"github.com/brume-dev/brume/api/logsapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/page"
	"github.com/brume-dev/brume/store/record"
)

// selection is what a listing of groups asks for.
type selection struct {
	prefix  string
	pattern []string // any of these in the name, in the same case; ^ at the beginning of one anchors it; none = all
	class   logsapi.LogGroupClass
	token   *string
	limit   int
	accepts func(groupRecord) bool
}

type namedGroup struct {
	name string
	groupRecord
}

// newPage is a page of a listing.
func newPage(limit int, token *string) (*page.Page, error) {
	pg, err := page.New(limit, token)
	if err != nil {
		return nil, badParameter("The specified nextToken is invalid.")
	}
	return pg, nil
}

// groups lists groups in the order of their names; next is nil at the end.
func (s *Service) groups(ctx context.Context, id aws.Identity, sel selection) (out []namedGroup, next *string, err error) {
	pg, err := newPage(sel.limit, sel.token)
	if err != nil {
		return nil, nil, err
	}
	pg.Prefix = sel.prefix
	err = s.home(id).View(ctx, func(_ context.Context, r store.Reader) error {
		return pg.Each(r, groupPrefix(id.Account, id.Region), func(name string, v store.Value) (bool, error) {
			g := namedGroup{name: name}
			if err := record.Decode(v, groupVersion, &g.groupRecord); err != nil || !sel.takes(name, g.groupRecord) {
				return false, err
			}
			out = append(out, g)
			return true, nil
		})
	})
	return out, pg.Token(), err
}

func (sel selection) takes(name string, g groupRecord) bool {
	if sel.class != "" && g.Class != string(sel.class) || sel.accepts != nil && !sel.accepts(g) {
		return false
	}
	for _, p := range sel.pattern {
		if start, ok := strings.CutPrefix(p, "^"); ok && strings.HasPrefix(name, start) || !ok && strings.Contains(name, p) {
			return true
		}
	}
	return len(sel.pattern) == 0
}

// DescribeLogGroups lists groups with their attributes.
func (s *Service) DescribeLogGroups(ctx context.Context, id aws.Identity, in *logsapi.DescribeLogGroupsRequest) (*logsapi.DescribeLogGroupsResponse, error) {
	if in.LogGroupNamePrefix != nil && in.LogGroupNamePattern != nil {
		return nil, badParameter("LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.")
	}
	if len(in.LogGroupIdentifiers) > 0 && (in.LogGroupNamePrefix != nil || in.LogGroupNamePattern != nil || in.LogGroupClass != "") {
		return nil, badParameter("When logGroupIdentifiers is given, no other filter may be given.")
	}
	sel := selection{class: in.LogGroupClass, limit: describeLimit, token: in.NextToken}
	if in.LogGroupNamePrefix != nil {
		sel.prefix = *in.LogGroupNamePrefix
	}
	if in.LogGroupNamePattern != nil && *in.LogGroupNamePattern != "" {
		sel.pattern = []string{*in.LogGroupNamePattern}
	}
	if in.Limit != nil {
		sel.limit = int(*in.Limit)
	}
	var found []namedGroup
	var next *string
	var err error
	if len(in.LogGroupIdentifiers) > 0 {
		found, err = s.identifiedGroups(ctx, id, in.LogGroupIdentifiers)
	} else {
		found, next, err = s.groups(ctx, id, sel)
	}
	if err != nil {
		return nil, err
	}
	out := &logsapi.DescribeLogGroupsResponse{LogGroups: make([]logsapi.LogGroup, len(found))}
	for i, g := range found {
		if out.LogGroups[i], err = s.describeGroup(ctx, id, g); err != nil {
			return nil, err
		}
	}
	out.NextToken = next
	return out, nil
}

func (s *Service) identifiedGroups(ctx context.Context, id aws.Identity, identifiers []string) (out []namedGroup, err error) {
	for _, identifier := range identifiers {
		name := identified(id, nil, &identifier)
		g, _, err := s.find(ctx, id, name)
		if aws.CodeOf(err) == "ResourceNotFoundException" {
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, namedGroup{name: name, groupRecord: g})
	}
	return out, nil
}

func (s *Service) describeGroup(ctx context.Context, id aws.Identity, g namedGroup) (logsapi.LogGroup, error) {
	p := placeOf(id.Account, id.Region, g.ID)
	bytes, err := store.View(ctx, s.shard(p), func(_ context.Context, r store.Reader) (int64, error) {
		v, _, err := r.Get(p.bytes())
		return store.ReadCounter(v), err
	})
	arn := groupARN(id, g.name)
	star := arn + ":*"
	var filters int32
	out := logsapi.LogGroup{LogGroupName: &g.name, CreationTime: &g.Created, Arn: &star, LogGroupArn: &arn, StoredBytes: &bytes,
		LogGroupClass: logsapi.LogGroupClass(g.Class), MetricFilterCount: &filters, DeletionProtectionEnabled: &g.Protected}
	if g.Retention != 0 {
		out.RetentionInDays = &g.Retention
	}
	if g.Key != "" {
		out.KmsKeyId = &g.Key
	}
	return out, err
}

// ListLogGroups lists groups by name.
func (s *Service) ListLogGroups(ctx context.Context, id aws.Identity, in *logsapi.ListLogGroupsRequest) (*logsapi.ListLogGroupsResponse, error) {
	if len(in.DataSources) > 0 || len(in.FieldIndexNames) > 0 {
		return nil, badParameter("Brume keeps no data sources and no field indexes of log groups: leave dataSources and fieldIndexNames out.")
	}
	sel := selection{class: in.LogGroupClass, limit: describeLimit, token: in.NextToken}
	if in.LogGroupNamePattern != nil {
		sel.pattern = strings.Split(*in.LogGroupNamePattern, "|")
	}
	if in.Limit != nil {
		sel.limit = min(int(*in.Limit), listLimit)
	}
	sel.accepts = func(g groupRecord) bool { return hasTags(g.Tags, in.LogGroupTags) }
	found, next, err := s.groups(ctx, id, sel)
	if err != nil {
		return nil, err
	}
	out := &logsapi.ListLogGroupsResponse{LogGroups: make([]logsapi.LogGroupSummary, len(found))}
	for i, g := range found {
		arn := groupARN(id, g.name)
		out.LogGroups[i] = logsapi.LogGroupSummary{LogGroupName: &g.name, LogGroupArn: &arn, LogGroupClass: logsapi.LogGroupClass(g.Class)}
	}
	out.NextToken = next
	return out, nil
}

// hasTags holds the tags against filters, all of which must fit: a value may begin with ! and begin or end with *.
func hasTags(tags map[string]string, filters []logsapi.TagFilter) bool {
	for _, f := range filters {
		v, ok := tags[f.Key]
		fits := ok && len(f.Values) == 0
		for _, want := range f.Values {
			want, not := strings.CutPrefix(want, "!")
			fits = fits || ok && wildcard(want, v) != not
		}
		if !fits {
			return false
		}
	}
	return true
}

func wildcard(pattern, v string) bool {
	inner := strings.Trim(pattern, "*")
	before, after := strings.HasPrefix(pattern, "*"), strings.HasSuffix(pattern, "*")
	switch {
	case before && after:
		return strings.Contains(v, inner)
	case before:
		return strings.HasSuffix(v, inner)
	case after:
		return strings.HasPrefix(v, inner)
	}
	return v == pattern
}
