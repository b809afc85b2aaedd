package worklist

import "time"

// Limits of GetActivityTask.
// https://docs.aws.amazon.com/step-functions/latest/apireference/API_GetActivityTask.html,
// https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
const (
	PollTime = 60 * time.Second // for which a worker waits for a task
	maxPolls = 1000             // workers that poll an activity at once
)

// Our own.
const (
	inline = 64 << 10 // bytes of an Input up to which it lies in the task's own record
	looks  = 64       // tasks that one look goes through
)
