package sts

import "time"

// Durations of sessions, in seconds:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_request.html#stsapi_comparison
const (
	defaultRole  = 3600
	maxChained   = 3600  // of a role assumed by a role's session
	defaultUser  = 43200 // GetSessionToken and GetFederationToken
	maxRoot      = 3600  // the same, called by the root user
	maxPolicies  = 10    // managed session policies
	maxPolicy    = 2048  // characters of an inline session policy together with the ARNs
	maxPacked    = 2048  // bytes of policies and tags, compressed: 100 % of PackedPolicySize
	maxTags      = 50
	maxOpened    = 10_000 // tokens that are kept opened
	maxAssumed   = 10_000 // sessions of services that are kept
	serviceLife  = 12 * time.Hour
	serviceRenew = time.Hour       // a service's session is renewed when so much is left of it
	chainRenew   = 5 * time.Minute // and one that is made for another role's session
)
