// Package policy is the policy language of IAM: it parses and checks policy documents, and decides by AWS's
// evaluation logic whether a request is allowed. It is pure: it knows no store, no service and no clock.
//
// A Document is parsed once (Parse) and is immutable; evaluation compiles nothing, so that decisions over cached
// documents cost a few hundred nanoseconds. Evaluate follows
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html and its Decision carries
// the reason, from which Decision.Message makes the text that AWS shows.
package policy
