package aws

import "time"

// Kind says what sort of principal an Identity is; it decides which policies bind it.
type Kind uint8

const (
	// Anonymous is a caller that presented no credentials. Only resource policies can allow it anything.
	Anonymous Kind = iota
	// Root is the account itself. No identity policy limits it. With --auth open, an access key that Brume does
	// not know acts as the Root of its account.
	Root
	// User is an IAM user.
	User
	// AssumedRole is a role session, with the role's policies and, when there is one, a session policy.
	AssumedRole
	// FederatedUser is a GetFederationToken session.
	FederatedUser
	// ServicePrincipal is an AWS service acting for itself, such as events.amazonaws.com delivering to a
	// function. Only resource policies and trust policies can allow it anything.
	ServicePrincipal
)

// Identity says who makes a call, and for which account and region. It travels by value with every call, from the
// socket and between services alike; nothing is ever read from a context.Context instead.
type Identity struct {
	Kind    Kind
	Account string // 12 digits: the account the call acts in
	Region  string // the region the call acts in, from the credential scope

	// ARN of the caller: arn:aws:iam::A:root, arn:aws:iam::A:user/N, arn:aws:sts::A:assumed-role/R/S. Empty for
	// Anonymous and ServicePrincipal.
	ARN string
	// RoleARN is the role behind an AssumedRole, arn:aws:iam::A:role/path/R; of a FederatedUser it is the user who
	// asked for the session.
	RoleARN string
	// PrincipalID is aws:userid: AIDA… for a user, AROA…:session for a role session, the account for root.
	PrincipalID string
	// Name is aws:username, of a User only.
	Name string
	// Service is the host-like name of a ServicePrincipal, "lambda.amazonaws.com".
	Service string
	// AccessKey is the access key id that signed the request; empty for calls made inside Brume.
	AccessKey string
	// SessionPolicies are the inline session policy documents (JSON) that further limit an AssumedRole or
	// FederatedUser.
	SessionPolicies []string
	// SessionPolicyARNs are the managed session policies that do so too.
	SessionPolicyARNs []string
	// Tags are the principal's tags, aws:PrincipalTag/K: those of the user or role, with the session's over them.
	Tags map[string]string
	// TransitiveTags are the names of those session tags that pass on to sessions assumed from this one.
	TransitiveTags []string
	// SourceIdentity is aws:SourceIdentity, which passes on likewise.
	SourceIdentity string
	// TokenIssued is when the temporary credentials were issued; zero for long-term keys.
	TokenIssued time.Time
	// MFA says that the session was made with a multi-factor code.
	MFA bool

	// SourceARN and SourceAccount name the resource for which a ServicePrincipal acts (aws:SourceArn,
	// aws:SourceAccount), for example the rule that delivers to a function.
	SourceARN     string
	SourceAccount string
	// ViaService is the service principal that makes the call on behalf of the caller (aws:CalledVia), if any.
	ViaService string

	// Request is what is known of the request that started the call.
	Request Request
}

// Request is the part of the outer request that policies, logs and traces name.
type Request struct {
	ID        string // request id, a UUID in lower case
	Form      bool   // it is an upload by a browser's form (S3)
	SourceIP  string // aws:SourceIp, without a port
	UserAgent string // aws:UserAgent
	Referer   string // aws:Referer
	TLS       bool   // aws:SecureTransport
	// Endpoint is how the client named the platform, "http://localhost:4566": answers that hold a URL begin with it. Empty
	// for calls made inside Brume.
	Endpoint string
	// Trace is the X-Amzn-Trace-Id header value: "Root=1-…;Parent=…;Sampled=1". Empty when nothing is traced.
	Trace string
}

// ForService returns the identity of an AWS service that acts in account and region for the resource source, whose
// ARN may be empty. The request's ID and trace are kept from r.
func ForService(principal, account, region, source string, r Request) Identity {
	return Identity{Kind: ServicePrincipal, Service: principal, Account: account, Region: region,
		SourceARN: source, SourceAccount: account, Request: r}
}

// Credentials are what a client signs requests with. Expires is zero for long-term keys.
type Credentials struct {
	AccessKeyID     string
	SecretAccessKey string
	SessionToken    string
	Expires         time.Time
}
