package setting

import (
	"context"
	"slices"
	"strconv"
	"time"

	api "github.com/brume-dev/brume/api/dynamodbapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/dynamodb/definition"
	"github.com/brume-dev/brume/service/dynamodb/table"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/page"
)

// Contributor insights are kept: whether they are on, for which keys and since when. Nothing is counted, since there are no
// rules of CloudWatch to show it.

// watched finds the setting of a table (index "") or of one of its global indexes; nil when it was never set.
func watched(t *table.Table, index string) (*definition.Insight, error) {
	if index != "" && t.Global(index) == nil {
		return nil, &api.ResourceNotFoundException{Message: "Requested resource not found: Index: " + index + " not found"}
	}
	for i := range t.Insights {
		if t.Insights[i].Index == index {
			return &t.Insights[i], nil
		}
	}
	return nil, nil
}

func statusOf(x *definition.Insight) api.ContributorInsightsStatus {
	if x == nil || !x.On {
		return api.ContributorInsightsStatusDisabled
	}
	return api.ContributorInsightsStatusEnabled
}

func modeOf(x *definition.Insight) api.ContributorInsightsMode {
	if x == nil || !x.On {
		return ""
	}
	return api.ContributorInsightsMode(x.Mode)
}

// UpdateContributorInsights turns contributor insights on or off.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateContributorInsights.html
func (b *Book) UpdateContributorInsights(ctx context.Context, id aws.Identity, in *api.UpdateContributorInsightsInput) (*api.UpdateContributorInsightsOutput, error) {
	n, err := table.Resolve(id, in.TableName)
	if err != nil {
		return nil, err
	}
	x := definition.Insight{Index: aws.Or(in.IndexName, ""), On: in.ContributorInsightsAction == api.ContributorInsightsActionEnable, Mode: string(in.ContributorInsightsMode)}
	if x.Mode == "" {
		x.Mode = string(api.ContributorInsightsModeAccessedAndThrottledKeys)
	}
	return update(ctx, b, n, func(tx store.Tx) (*api.UpdateContributorInsightsOutput, error) {
		t, err := b.named(tx, n)
		if err != nil {
			return nil, err
		}
		if _, err := watched(t, x.Index); err != nil {
			return nil, err
		}
		x := x
		x.Changed = tx.Now().Truncate(time.Millisecond)
		rec := t.Record
		rec.Insights = append(slices.DeleteFunc(slices.Clone(rec.Insights), func(o definition.Insight) bool { return o.Index == x.Index }), x)
		b.Tables.Put(tx, n, &rec)
		out := &api.UpdateContributorInsightsOutput{TableName: &n.Name, IndexName: in.IndexName, ContributorInsightsStatus: api.ContributorInsightsStatusDisabling}
		if x.On {
			out.ContributorInsightsStatus, out.ContributorInsightsMode = api.ContributorInsightsStatusEnabling, modeOf(&x)
		}
		return out, nil
	})
}

// DescribeContributorInsights says whether contributor insights are on.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DescribeContributorInsights.html
func (b *Book) DescribeContributorInsights(ctx context.Context, id aws.Identity, in *api.DescribeContributorInsightsInput) (*api.DescribeContributorInsightsOutput, error) {
	t, err := b.tableNamed(ctx, id, in.TableName)
	if err != nil {
		return nil, err
	}
	x, err := watched(t, aws.Or(in.IndexName, ""))
	if err != nil {
		return nil, err
	}
	out := &api.DescribeContributorInsightsOutput{TableName: &t.Name.Name, IndexName: in.IndexName, ContributorInsightsStatus: statusOf(x), ContributorInsightsMode: modeOf(x)}
	if x != nil {
		out.LastUpdateDateTime = &x.Changed
	}
	if x != nil && x.On {
		out.ContributorInsightsRuleList = rules(t, x)
	}
	return out, nil
}

// rules are the names of the rules that AWS makes: those about the partition key and, when there is one, the sort key too; of
// what is accessed (C) and what is throttled (T).
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/contributorinsights_HowItWorks.html
func rules(t *table.Table, x *definition.Insight) []string {
	kinds := []string{"PKC", "PKT"}
	if x.Index == "" && t.Sort != "" || x.Index != "" && len(t.Global(x.Index).Sort) > 0 {
		kinds = []string{"PKC", "SKC", "PKT", "SKT"}
	}
	if x.Mode == string(api.ContributorInsightsModeThrottledKeys) {
		kinds = slices.DeleteFunc(kinds, func(k string) bool { return k[2] == 'C' })
	}
	name := t.Name.Name
	if x.Index != "" {
		name += "-" + x.Index
	}
	for i, k := range kinds {
		kinds[i] = contributorRule + k + "-" + name + "-" + strconv.FormatInt(x.Changed.UnixMilli(), 10)
	}
	return kinds
}

// ListContributorInsights lists a table and its global indexes, or those of all tables, for which contributor insights have been set.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ListContributorInsights.html
func (b *Book) ListContributorInsights(ctx context.Context, id aws.Identity, in *api.ListContributorInsightsInput) (*api.ListContributorInsightsOutput, error) {
	at := table.Name{Account: id.Account, Region: id.Region}
	limit := int(aws.Or(in.MaxResults, 0))
	if limit <= 0 || limit > listedInsights {
		limit = listedInsights
	}
	if in.TableName != nil {
		t, err := b.tableNamed(ctx, id, *in.TableName)
		if err != nil {
			return nil, err
		}
		return &api.ListContributorInsightsOutput{ContributorInsightsSummaries: summaries(t)}, nil
	}
	p, err := page.New(limit, in.NextToken)
	if err != nil {
		return nil, invalid("Invalid NextToken")
	}
	return view(ctx, b, at, func(r store.Reader) (*api.ListContributorInsightsOutput, error) {
		out := &api.ListContributorInsightsOutput{ContributorInsightsSummaries: []api.ContributorInsightsSummary{}}
		err := p.Each(r, table.Names(at.Account, at.Region), func(name string, _ store.Value) (bool, error) {
			t, err := b.Tables.Get(r, table.Name{Account: at.Account, Region: at.Region, Name: name})
			if err != nil || t == nil {
				return false, err
			}
			found := summaries(t)
			out.ContributorInsightsSummaries = append(out.ContributorInsightsSummaries, found...)
			return len(found) > 0, nil
		})
		out.NextToken = p.Token()
		return out, err
	})
}

func summaries(t *table.Table) []api.ContributorInsightsSummary {
	out := []api.ContributorInsightsSummary{}
	for i := range t.Insights {
		x := &t.Insights[i]
		out = append(out, api.ContributorInsightsSummary{TableName: &t.Name.Name, IndexName: aws.Some(x.Index), ContributorInsightsStatus: statusOf(x), ContributorInsightsMode: modeOf(x)})
	}
	return out
}
