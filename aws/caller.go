package aws

import (
	"context"
	"net/http"
)

// Caller makes calls through the table of operations, the only way from one service to another. Every call is
// authorized, validated, measured and traced exactly as one from the socket. Errors are those of the operation and
// implement Error.
//
// A Caller must not be used inside a store transaction: a closure may run more than once, and a transaction never
// leaves its room. The implementation panics when ctx carries the mark of InTx.
type Caller interface {
	// Call runs an operation on its typed input, a pointer to the generated request structure, and returns a
	// pointer to the generated response structure. Generated clients are the usual way to reach it.
	Call(ctx context.Context, id Identity, op Op, in any) (out any, err error)

	// Document runs an operation that is only known at run time. in and the result are JSON documents with the
	// member names of the API model, in awsJson form. Step Functions' SDK tasks, Scheduler's universal targets
	// and CloudFormation use it.
	Document(ctx context.Context, id Identity, op Op, in []byte) (out []byte, err error)
}

// Wire carries an AWS request in its own wire format into the platform without a socket: routed, decoded and
// encoded as if it had been received, but with id in place of a signature. API Gateway's AWS integrations use it.
type Wire interface {
	RoundTrip(id Identity, r *http.Request) (*http.Response, error)
}

// Roles turns a role into an identity. A service that acts with a role that a user named (Lambda's execution role,
// an integration's credentials) obtains it here; the trust policy of the role must allow the service's principal
// sts:AssumeRole.
type Roles interface {
	// Assume returns the identity and fresh credentials of a session named session of role, on behalf of
	// service, which must be of Kind ServicePrincipal. Identities are cached until shortly before they expire.
	// When the trust policy refuses, the error is STS's AccessDenied.
	Assume(ctx context.Context, service Identity, role, session string) (Identity, Credentials, error)
}

// Access is one thing that a call wants to do: an IAM action on a resource. A service states what its operations
// need by implementing Accessor; dispatch asks the policies.
type Access struct {
	// Action is the IAM action, "lambda:InvokeFunction", as the Service Authorization Reference names it.
	Action string
	// Resource is the ARN that the action is on, or "*" where the action has no resource type.
	Resource string
	// Also, when not empty, is another ARN under which policies may know the resource: that of an alias, of which Resource
	// names the whole.
	Also string
	// ResourcePolicy is the policy document attached to the resource, JSON, or "".
	ResourcePolicy string
	// Decisive says that ResourcePolicy must itself allow the action, also within one account: KMS keys.
	Decisive bool
	// ResourceAccount owns the resource; "" means the account of the caller.
	ResourceAccount string
	// Context holds the condition keys that this action adds to the global ones, "dynamodb:LeadingKeys".
	Context map[string][]string
	// Late gives more of them, when they are costly to collect: it is called, once, when a condition asks. nil: none.
	Late func() map[string][]string
}

// Accessor is implemented by a service whose operations need something else than the action
// "prefix:Operation" on the resource "*".
type Accessor interface {
	// Access returns what the operation needs; nil means that it needs no permission. in is the operation's typed
	// input, not yet validated: a name that is missing or malformed should give a wildcard resource rather
	// than an error. An error ends the call and is returned to the caller.
	Access(ctx context.Context, id Identity, op string, in any) ([]Access, error)
}

// Policies decide who may do what. The table of operations asks before each call. A service needs them only for what is no operation:
// a part of one, a request to a data plane.
type Policies interface {
	// Authorize returns nil when id may have all of access, and AWS's AccessDenied error naming the first
	// action that it may not.
	Authorize(ctx context.Context, id Identity, access []Access) error
}

type txMark struct{}

// MarkTx returns a context that says that a store transaction is running. Stores hand it to the closures of Update
// and View.
func MarkTx(ctx context.Context) context.Context { return context.WithValue(ctx, txMark{}, true) }

// InTx reports whether ctx was marked by MarkTx.
func InTx(ctx context.Context) bool { return ctx.Value(txMark{}) != nil }
