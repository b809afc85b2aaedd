package mapping

import (
	"github.com/brume-dev/brume/api/lambdaapi"
)

// describe renders a mapping as the API shows it.
func (m *Mappings) describe(p place, rec *mapping) *lambdaapi.EventSourceMappingConfiguration {
	arn, reason := arnOf(p.Account, p.Region, p.UUID), "USER_INITIATED"
	out := &lambdaapi.EventSourceMappingConfiguration{UUID: &p.UUID, EventSourceMappingArn: &arn, EventSourceArn: &rec.Source,
		FunctionArn: &rec.Function, BatchSize: &rec.Batch, MaximumBatchingWindowInSeconds: &rec.Window, State: &rec.State,
		StateTransitionReason: &reason, LastModified: &rec.Modified, FunctionResponseTypes: []lambdaapi.FunctionResponseType{}}
	if rec.Stream != nil {
		rec.Stream.describe(out)
	}
	if rec.Report {
		out.FunctionResponseTypes = append(out.FunctionResponseTypes, lambdaapi.FunctionResponseTypeReportBatchItemFailures)
	}
	if len(rec.Filters) > 0 {
		out.FilterCriteria = &lambdaapi.FilterCriteria{}
		for _, f := range rec.Filters {
			out.FilterCriteria.Filters = append(out.FilterCriteria.Filters, lambdaapi.Filter{Pattern: &f})
		}
	}
	if rec.Key != "" {
		out.KMSKeyArn = &rec.Key
	}
	if rec.Most != nil {
		out.ScalingConfig = &lambdaapi.ScalingConfig{MaximumConcurrency: rec.Most}
	}
	if rec.HasMetrics {
		out.MetricsConfig = &lambdaapi.EventSourceMappingMetricsConfig{}
		for _, name := range rec.Metrics {
			out.MetricsConfig.Metrics = append(out.MetricsConfig.Metrics, lambdaapi.EventSourceMappingMetric(name))
		}
	}
	if rec.Pollers != nil {
		out.ProvisionedPollerConfig = &lambdaapi.ProvisionedPollerConfig{MinimumPollers: rec.Pollers.Min, MaximumPollers: rec.Pollers.Max}
	}
	if result := m.result(p.UUID); result != "" {
		out.LastProcessingResult = &result
	}
	return out
}

// result is the LastProcessingResult of a mapping that this process has read for, or "".
func (m *Mappings) result(uuid string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.results[uuid]
}
