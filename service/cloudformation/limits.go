package cloudformation

import "time"

// Limits of CloudFormation,
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html and the documentation of
// the operations.
const (
	maxStacks       = 2000
	maxNameLength   = 128
	maxOutputLength = 4096 // characters of an output's value
	maxNotified     = 5
	pageSize        = 100 // stacks, resources, events, exports of one answer
	deletedFor      = 90 * 24 * time.Hour

	maxPolicyBytes = 16384 // of a stack policy

	childPoll = 100 * time.Millisecond
)
