package egress

import "time"

// Quotas, https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html
const (
	maxConnections  = 3000
	maxDestinations = 3000
	maxSecret       = 65_536 // bytes of a secret, as which AWS keeps a connection's parameters
	defaultRate     = 300    // invocations a second
	callTimeout     = 5 * time.Second
	listLimit       = 100
)

// Our own.
const (
	tokenTimeout = 30 * time.Second
	tokenLife    = time.Hour        // of a token that does not say
	tokenRenew   = 60 * time.Second // before it ends
	maxKept      = 10_000           // tokens and paces in memory
	maxAnswer    = 1 << 20          // bytes of an endpoint's answer that are looked at
	longestWait  = 50 * time.Second // that a call waits for its turn
)
