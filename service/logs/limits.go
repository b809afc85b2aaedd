package logs

import "time"

// Limits of CloudWatch Logs,
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html and the documentation of
// PutLogEvents.
const (
	maxBatchBytes = 1_048_576     // of one PutLogEvents call, messages and overheads together
	eventOverhead = 26            // bytes that each event counts beside its message
	maxFuture     = 2 * time.Hour // how far ahead of the clock an event may be
	maxPast       = 14 * 24 * time.Hour
	maxBatchSpan  = 24 * time.Hour // between the first and the last event of a batch
	maxPolicies   = 10             // resource policies of an account and region
	maxTags       = 50
	describeLimit = 50    // default and most of DescribeLogGroups and DescribeLogStreams
	listLimit     = 1000  // most of ListLogGroups
	eventLimit    = 10000 // most of GetLogEvents and FilterLogEvents
	answerBytes   = 1 << 20
	filterScan    = 10000     // events that one FilterLogEvents call looks at before it answers with a token
	sweepInterval = time.Hour // between looks for expired events of a group
	sweepBatch    = 1000      // events deleted by one transaction
	sweepBytes    = 8 << 20   // of the events that one transaction deletes, before the last
)

// retentionDays are the values that PutRetentionPolicy takes.
var retentionDays = []int32{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}
