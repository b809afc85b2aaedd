package target

import "time"

// Limits of EventBridge's retry policy, which Lambda's destinations, S3's notifications and SNS use too.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-retry-policy.html
const (
	MinAge     = 60 * time.Second
	MaxAge     = 86_400 * time.Second // also the default
	MaxRetries = 185                  // also the default
)

// Our own.
const (
	// AWS documents exponential back-off with jitter and no figures. With these, 185 retries last for about a day.
	shortestWait = time.Second
	longestWait  = 10 * time.Minute

	parallel = 64               // deliveries to one target at a time
	timeout  = 60 * time.Second // of one attempt

	maxErrorMessage = 1024 // bytes of ERROR_MESSAGE
)
