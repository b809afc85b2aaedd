package policy

import "time"

// Entity is an IAM user or role as those see it who decide about its requests: with all policies that bear on them.
// It is a snapshot and must not be changed.
type Entity struct {
	Account string
	ARN     string
	ID      string // AIDA…, AROA…
	Name    string
	Tags    map[string]string
	// Identity are the inline and attached policies, of a user's groups too.
	Identity []*Document
	// Boundary is the permissions boundary, or nil.
	Boundary *Document
	// Trust is a role's trust policy, JSON; MaxSession the longest session it may be assumed for.
	Trust      string
	MaxSession time.Duration
}
