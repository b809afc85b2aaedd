package xray

import (
	"context"
	"time"

	"github.com/brume-dev/brume/api/xrayapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
)

// GetSamplingRules lists the rule that every account has: one request a second, and five percent of the others.
// https://docs.aws.amazon.com/xray/latest/api/API_GetSamplingRules.html
func (s *Service) GetSamplingRules(_ context.Context, id aws.Identity, in *xrayapi.GetSamplingRulesRequest) (*xrayapi.GetSamplingRulesResult, error) {
	if in.NextToken != nil {
		return nil, badRequest("Invalid NextToken")
	}
	name, arn := defaultName, aws.MakeARN(service, id.Region, id.Account, "sampling-rule/"+defaultName).String()
	made := time.Unix(0, 0).UTC()
	rule := &xrayapi.SamplingRule{RuleName: &name, RuleARN: &arn, ResourceARN: "*", Priority: defaultPriority, FixedRate: defaultRate,
		ReservoirSize: defaultReservoir, ServiceName: "*", ServiceType: "*", Host: "*", HTTPMethod: "*", URLPath: "*", Version: 1,
		Attributes: map[string]string{}}
	return &xrayapi.GetSamplingRulesResult{SamplingRuleRecords: []xrayapi.SamplingRuleRecord{{SamplingRule: rule, CreatedAt: &made, ModifiedAt: &made}}}, nil
}

// leaseRecord says which client may use the reservoir of a rule, and until when. The reservoir of the default rule is one
// request a second, which cannot be shared out: one client at a time has it.
type leaseRecord struct {
	Client string `cbor:"1,keyasint"`
	Until  int64  `cbor:"2,keyasint"`
}

const leaseVersion = 1

// GetSamplingTargets hands a rule's reservoir out among the clients that report.
// https://docs.aws.amazon.com/xray/latest/api/API_GetSamplingTargets.html
func (s *Service) GetSamplingTargets(ctx context.Context, id aws.Identity, in *xrayapi.GetSamplingTargetsRequest) (*xrayapi.GetSamplingTargetsResult, error) {
	made := time.Unix(0, 0).UTC()
	out := &xrayapi.GetSamplingTargetsResult{SamplingTargetDocuments: []xrayapi.SamplingTargetDocument{},
		LastRuleModification: &made, UnprocessedStatistics: []xrayapi.UnprocessedStatistics{}}
	p := placeOf(id.Account, id.Region)
	for _, doc := range in.SamplingStatisticsDocuments {
		if doc.RuleName != defaultName {
			out.UnprocessedStatistics = append(out.UnprocessedStatistics, unknownRule(doc.RuleName))
			continue
		}
		target, err := store.Update(ctx, s.shard(p), func(_ context.Context, tx store.Tx) (xrayapi.SamplingTargetDocument, error) {
			return lease(tx, p, doc.RuleName, doc.ClientID)
		})
		if err != nil {
			return nil, err
		}
		out.SamplingTargetDocuments = append(out.SamplingTargetDocuments, target)
	}
	for _, doc := range in.SamplingBoostStatisticsDocuments {
		if doc.RuleName != defaultName {
			out.UnprocessedBoostStatistics = append(out.UnprocessedBoostStatistics, unknownRule(doc.RuleName))
		}
	}
	return out, nil
}

func unknownRule(name string) xrayapi.UnprocessedStatistics {
	code, text := "RuleNotFound", "Sampling rule not found: "+name
	return xrayapi.UnprocessedStatistics{RuleName: &name, ErrorCode: &code, Message: &text}
}

// lease gives the reservoir to client unless another has it.
func lease(tx store.Tx, p place, rule, client string) (xrayapi.SamplingTargetDocument, error) {
	now := tx.Now()
	until := now.Add(reportInterval * time.Second)
	quota, interval, rate := int32(0), int32(reportInterval), defaultRate
	key := store.Key(p.lease(rule))
	var held leaseRecord
	v, there, err := tx.Get(key)
	if err == nil && there {
		err = record.Decode(v, leaseVersion, &held)
	}
	if err != nil {
		return xrayapi.SamplingTargetDocument{}, err
	}
	if !there || held.Client == client || held.Until <= now.UnixMicro() {
		quota = defaultReservoir
		tx.Set(key, record.Encode(leaseVersion, leaseRecord{client, until.UnixMicro()}))
	}
	return xrayapi.SamplingTargetDocument{RuleName: &rule, FixedRate: &rate, ReservoirQuota: &quota, ReservoirQuotaTTL: &until,
		Interval: &interval}, nil
}
