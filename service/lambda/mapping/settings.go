package mapping

import (
	"slices"
	"strings"

	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/event/source"
	"github.com/brume-dev/brume/service/lambda/fault"
)

// settings are what CreateEventSourceMapping and UpdateEventSourceMapping share; nil ones stay as they are.
type settings struct {
	enabled   *bool
	batch     *int32
	window    *int32
	filter    *lambdaapi.FilterCriteria
	key       *string
	metrics   *lambdaapi.EventSourceMappingMetricsConfig
	scaling   *lambdaapi.ScalingConfig
	responses []lambdaapi.FunctionResponseType // nil: none given
	pollers   *lambdaapi.ProvisionedPollerConfig
	streamSettings
	foreign []foreign // of sources that are neither queues nor streams
}

// foreign is a member that is for other kinds of sources than the one that is meant.
type foreign struct {
	name  string
	there bool
}

func settingsOfCreate(in *lambdaapi.CreateEventSourceMappingRequest) *settings {
	return &settings{enabled: in.Enabled, batch: in.BatchSize, window: in.MaximumBatchingWindowInSeconds, filter: in.FilterCriteria,
		key: in.KMSKeyArn, metrics: in.MetricsConfig, scaling: in.ScalingConfig, responses: in.FunctionResponseTypes,
		pollers: in.ProvisionedPollerConfig, streamSettings: streamSettings{start: in.StartingPosition, lanes: in.ParallelizationFactor, to: in.DestinationConfig,
			age: in.MaximumRecordAgeInSeconds, bisect: in.BisectBatchOnFunctionError, retries: in.MaximumRetryAttempts, tumbling: in.TumblingWindowInSeconds},
		foreign: []foreign{
			{"StartingPositionTimestamp", in.StartingPositionTimestamp != nil}, {"Topics", len(in.Topics) > 0}, {"Queues", len(in.Queues) > 0},
			{"SourceAccessConfigurations", len(in.SourceAccessConfigurations) > 0}, {"LoggingConfig", in.LoggingConfig != nil},
			{"SelfManagedEventSource", in.SelfManagedEventSource != nil},
			{"AmazonManagedKafkaEventSourceConfig", in.AmazonManagedKafkaEventSourceConfig != nil},
			{"SelfManagedKafkaEventSourceConfig", in.SelfManagedKafkaEventSourceConfig != nil},
			{"DocumentDBEventSourceConfig", in.DocumentDBEventSourceConfig != nil}}}
}

func settingsOfUpdate(in *lambdaapi.UpdateEventSourceMappingRequest) *settings {
	return &settings{enabled: in.Enabled, batch: in.BatchSize, window: in.MaximumBatchingWindowInSeconds, filter: in.FilterCriteria,
		key: in.KMSKeyArn, metrics: in.MetricsConfig, scaling: in.ScalingConfig, responses: in.FunctionResponseTypes,
		pollers: in.ProvisionedPollerConfig, streamSettings: streamSettings{lanes: in.ParallelizationFactor, to: in.DestinationConfig,
			age: in.MaximumRecordAgeInSeconds, bisect: in.BisectBatchOnFunctionError, retries: in.MaximumRetryAttempts, tumbling: in.TumblingWindowInSeconds},
		foreign: []foreign{
			{"SourceAccessConfigurations", len(in.SourceAccessConfigurations) > 0}, {"LoggingConfig", in.LoggingConfig != nil},
			{"AmazonManagedKafkaEventSourceConfig", in.AmazonManagedKafkaEventSourceConfig != nil},
			{"SelfManagedKafkaEventSourceConfig", in.SelfManagedKafkaEventSourceConfig != nil},
			{"DocumentDBEventSourceConfig", in.DocumentDBEventSourceConfig != nil}}}
}

// check refuses what does not go with the source.
func (in *settings) check(a aws.ARN) error {
	kind, more := "SQS", in.streamSettings.named()
	if a.Service == "dynamodb" {
		kind, more = "DynamoDB", []foreign{{"ScalingConfig", in.scaling != nil && in.scaling.MaximumConcurrency != nil}, {"ProvisionedPollerConfig", in.pollers != nil}}
	}
	for _, f := range append(more, in.foreign...) {
		if f.there {
			return fault.Invalid("%s is not valid for %s event sources.", f.name, kind)
		}
	}
	if err := in.streamSettings.check(); err != nil {
		return err
	}
	if in.filter != nil {
		if len(in.filter.Filters) > maxFilters {
			return fault.Invalid("The number of filters exceeds the limit of %d.", maxFilters)
		}
		if _, err := source.NewFilter(patterns(in.filter)); err != nil {
			return fault.Invalid("Invalid filter pattern definition.")
		}
	}
	if p := in.pollers; p != nil {
		if p.PollerGroupName != nil && *p.PollerGroupName != "" {
			return fault.Invalid("PollerGroupName is not valid for SQS event sources.")
		}
		least, most := aws.Or(p.MinimumPollers, minPollers), aws.Or(p.MaximumPollers, defaultMaxPollers)
		if least < minPollers || most < minPollers || most > maxPollers || least > most {
			return fault.Invalid("MinimumPollers and MaximumPollers of SQS event sources must be between %d and %d, and MinimumPollers at most MaximumPollers.",
				minPollers, maxPollers)
		}
	}
	return nil
}

// apply writes the settings into rec and checks that they go together.
func (in *settings) apply(rec *mapping) error {
	set(&rec.Enabled, in.enabled)
	set(&rec.Batch, in.batch)
	set(&rec.Window, in.window)
	set(&rec.Key, in.key)
	if in.filter != nil {
		rec.Filters = patterns(in.filter)
	}
	if in.metrics != nil {
		rec.Metrics, rec.HasMetrics = nil, true
		for _, name := range in.metrics.Metrics {
			rec.Metrics = append(rec.Metrics, string(name))
		}
	}
	if in.scaling != nil {
		rec.Most = in.scaling.MaximumConcurrency
	}
	if in.responses != nil {
		rec.Report = slices.Contains(in.responses, lambdaapi.FunctionResponseTypeReportBatchItemFailures)
	}
	if p := in.pollers; p != nil {
		if rec.Pollers = nil; p.MinimumPollers != nil || p.MaximumPollers != nil {
			least, most := aws.Or(p.MinimumPollers, minPollers), aws.Or(p.MaximumPollers, defaultMaxPollers)
			rec.Pollers = &pollers{Min: &least, Max: &most}
		}
	}
	if rec.Stream != nil {
		in.streamSettings.apply(rec.Stream)
		return nil
	}
	switch {
	case strings.HasSuffix(rec.Source, ".fifo") && rec.Window > 0:
		return fault.Invalid("Batching window is not supported for FIFO queues")
	case rec.Batch > maxReceive && rec.Window == 0:
		return fault.Invalid("Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10")
	case rec.Most != nil && rec.Pollers != nil:
		return fault.Invalid("MaximumConcurrency and ProvisionedPollerConfig cannot be used together.")
	}
	return nil
}

func patterns(f *lambdaapi.FilterCriteria) (list []string) {
	for _, p := range f.Filters {
		if text := aws.Or(p.Pattern, ""); text != "" {
			list = append(list, text)
		}
	}
	return list
}

// sourceOf is the queue or stream that an ARN names, if it is one that can be read.
func sourceOf(id aws.Identity, arn *string) (aws.ARN, error) {
	if arn == nil {
		return aws.ARN{}, fault.Invalid("Unrecognized event source.")
	}
	a, err := aws.ParseARN(*arn)
	switch {
	case err != nil:
		return a, fault.Invalid("Unrecognized event source.")
	case a.Service == "dynamodb" && !strings.Contains(a.Resource, "/stream/"):
		return a, fault.Invalid("Unrecognized event source.")
	case a.Service != "sqs" && a.Service != "dynamodb":
		return a, fault.Invalid("Unrecognized event source, must be sqs or dynamodb: Brume does not read sources of the service %s yet; "+
			"docs/COMPATIBILITY.md lists what is there", a.Service)
	case a.Region != id.Region:
		return a, fault.Invalid("The event source %s is in another region than the function.", *arn)
	}
	return a, nil
}

func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}
