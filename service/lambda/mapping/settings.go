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
	foreign   []foreign // of other kinds of sources
}

// foreign is a member that is for other kinds of sources than queues.
type foreign struct {
	name  string
	there bool
}

func settingsOfCreate(in *lambdaapi.CreateEventSourceMappingRequest) *settings {
	return &settings{enabled: in.Enabled, batch: in.BatchSize, window: in.MaximumBatchingWindowInSeconds, filter: in.FilterCriteria,
		key: in.KMSKeyArn, metrics: in.MetricsConfig, scaling: in.ScalingConfig, responses: in.FunctionResponseTypes,
		pollers: in.ProvisionedPollerConfig, foreign: []foreign{
			{"StartingPosition", in.StartingPosition != ""}, {"StartingPositionTimestamp", in.StartingPositionTimestamp != nil},
			{"ParallelizationFactor", in.ParallelizationFactor != nil}, {"DestinationConfig", sends(in.DestinationConfig)},
			{"MaximumRecordAgeInSeconds", in.MaximumRecordAgeInSeconds != nil},
			{"BisectBatchOnFunctionError", in.BisectBatchOnFunctionError != nil}, {"MaximumRetryAttempts", in.MaximumRetryAttempts != nil},
			{"TumblingWindowInSeconds", in.TumblingWindowInSeconds != nil}, {"Topics", len(in.Topics) > 0}, {"Queues", len(in.Queues) > 0},
			{"SourceAccessConfigurations", len(in.SourceAccessConfigurations) > 0}, {"LoggingConfig", in.LoggingConfig != nil},
			{"SelfManagedEventSource", in.SelfManagedEventSource != nil},
			{"AmazonManagedKafkaEventSourceConfig", in.AmazonManagedKafkaEventSourceConfig != nil},
			{"SelfManagedKafkaEventSourceConfig", in.SelfManagedKafkaEventSourceConfig != nil},
			{"DocumentDBEventSourceConfig", in.DocumentDBEventSourceConfig != nil}}}
}

func settingsOfUpdate(in *lambdaapi.UpdateEventSourceMappingRequest) *settings {
	return &settings{enabled: in.Enabled, batch: in.BatchSize, window: in.MaximumBatchingWindowInSeconds, filter: in.FilterCriteria,
		key: in.KMSKeyArn, metrics: in.MetricsConfig, scaling: in.ScalingConfig, responses: in.FunctionResponseTypes,
		pollers: in.ProvisionedPollerConfig, foreign: []foreign{
			{"ParallelizationFactor", in.ParallelizationFactor != nil}, {"DestinationConfig", sends(in.DestinationConfig)},
			{"MaximumRecordAgeInSeconds", in.MaximumRecordAgeInSeconds != nil},
			{"BisectBatchOnFunctionError", in.BisectBatchOnFunctionError != nil}, {"MaximumRetryAttempts", in.MaximumRetryAttempts != nil},
			{"TumblingWindowInSeconds", in.TumblingWindowInSeconds != nil},
			{"SourceAccessConfigurations", len(in.SourceAccessConfigurations) > 0}, {"LoggingConfig", in.LoggingConfig != nil},
			{"AmazonManagedKafkaEventSourceConfig", in.AmazonManagedKafkaEventSourceConfig != nil},
			{"SelfManagedKafkaEventSourceConfig", in.SelfManagedKafkaEventSourceConfig != nil},
			{"DocumentDBEventSourceConfig", in.DocumentDBEventSourceConfig != nil}}}
}

// sends reports whether a DestinationConfig names a destination.
func sends(d *lambdaapi.DestinationConfig) bool {
	return d != nil && (d.OnFailure != nil && d.OnFailure.Destination != nil || d.OnSuccess != nil && d.OnSuccess.Destination != nil)
}

// check refuses what does not go with a queue.
func (in *settings) check() error {
	for _, f := range in.foreign {
		if f.there {
			return fault.Invalid("%s is not valid for SQS event sources.", f.name)
		}
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

// queue is the queue that an ARN names, if it is one that can be read.
func queue(id aws.Identity, arn *string) (aws.ARN, error) {
	if arn == nil {
		return aws.ARN{}, fault.Invalid("Unrecognized event source.")
	}
	a, err := aws.ParseARN(*arn)
	switch {
	case err != nil:
		return a, fault.Invalid("Unrecognized event source.")
	case a.Service != "sqs":
		return a, fault.Invalid("Unrecognized event source, must be sqs: Brume does not read sources of the service %s yet; "+
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
