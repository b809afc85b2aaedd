package policy

import (
	"time"

	"github.com/brume-dev/brume/aws"
)

// Request is one thing that somebody wants to do.
type Request struct {
	// Identity is who asks. It must not be nil and is not changed.
	Identity *aws.Identity
	// Action is the IAM action, "s3:GetObject".
	Action string
	// Resource is the ARN that the action is on, or "*".
	Resource string
	// Also is another ARN that the resource goes by, or "".
	Also string
	// ResourceAccount owns the resource; "" means the caller's account.
	ResourceAccount string
	// Context holds the values of the condition keys that the request has beyond those that Identity and Now tell.
	// Names do not distinguish case.
	Context map[string][]string
	// Late gives values that are costly to collect, when a condition asks for a key that is nowhere else; or nil.
	Late func() map[string][]string
	// Simulated says that Context comes before what Identity and Now tell, as in a simulation.
	Simulated bool
	// Now is aws:CurrentTime.
	Now time.Time
	// Canonical is the S3 canonical user id of the caller's account, or "".
	Canonical string
}

func (r *Request) resourceAccount() string {
	if r.ResourceAccount != "" {
		return r.ResourceAccount
	}
	return r.Identity.Account
}

// Policies are the documents that bear on a request.
type Policies struct {
	// Identity are those of the user, the user's groups, or the role.
	Identity []*Document
	// Boundary is the permissions boundary of the user or role, or nil.
	Boundary *Document
	// Session are the session policies; what one of them allows, the session may do. Limited says that there are
	// any: a session that was given no policy is limited by none.
	Session []*Document
	Limited bool
	// Resource is the policy of the resource, or nil.
	Resource *Document
	// Decisive says that the resource's policy must itself allow the request, as KMS key policies and trust policies
	// must, also within one account.
	Decisive bool
	// Service are service control policies, one list for each level of the organization; each level must allow.
	Service [][]*Document
}

// Source is the kind of policy that decided.
type Source uint8

const (
	// IdentityBased means the policies of the user, group or role.
	IdentityBased Source = iota
	// ResourceBased means the resource's policy.
	ResourceBased
	// Boundary means the permissions boundary.
	Boundary
	// SessionBased means the session policies.
	SessionBased
	// ServiceControl means an organization's service control policies.
	ServiceControl
)

// Decision is the outcome of Evaluate. Source says of a denial which kind of policy denied, and Explicit whether by a
// Deny statement or for want of an Allow.
type Decision struct {
	Allowed  bool
	Explicit bool
	Source   Source
}

// evaluation is the state of one Evaluate.
type evaluation struct {
	r          *Request
	arn        [arnParts]string
	isARN      bool
	unresolved bool                // a policy variable had no value
	late       map[string][]string // what Request.Late gave
	one        [1]string
	scratch    []token
}

// Evaluate decides whether p allows r.
func Evaluate(p *Policies, r *Request) Decision {
	e := evaluation{r: r}
	e.arn, e.isARN = splitARN(r.Resource)
	if src, denied := e.explicit(p); denied {
		return Decision{Explicit: true, Source: src}
	}
	for _, level := range p.Service {
		if !e.allows(level) {
			return Decision{Source: ServiceControl}
		}
	}
	g := e.granted(p.Resource)
	id := r.Identity
	switch id.Kind {
	case aws.Anonymous, aws.ServicePrincipal:
		return decide(g != grantNone, ResourceBased)
	case aws.Root:
		return decide(g != grantNone || !p.Decisive && r.resourceAccount() == id.Account, ResourceBased)
	}
	if r.resourceAccount() != id.Account {
		if d := e.limits(p, true); !d.Allowed {
			return d
		}
		return decide(g != grantNone, ResourceBased)
	}
	switch {
	case g == grantDirect:
		return Decision{Allowed: true}
	case g == grantNone && p.Decisive:
		return Decision{Source: ResourceBased}
	}
	return e.limits(p, g != grantRole)
}

func decide(allowed bool, src Source) Decision {
	if allowed {
		return Decision{Allowed: true}
	}
	return Decision{Source: src}
}

// limits asks the policies on the caller's side: with identity, whether one of its own allows the request, and then
// whether the boundary and the session policies leave it standing.
func (e *evaluation) limits(p *Policies, identity bool) Decision {
	switch {
	case identity && !e.allows(p.Identity):
		return Decision{Source: IdentityBased}
	case p.Boundary != nil && !e.allowsOne(p.Boundary):
		return Decision{Source: Boundary}
	case p.Limited && !e.allows(p.Session):
		return Decision{Source: SessionBased}
	case e.r.Identity.Kind == aws.FederatedUser && !p.Limited:
		return Decision{Source: SessionBased} // without a session policy a federated user may do nothing
	}
	return Decision{Allowed: true}
}

// explicit looks for a Deny statement that applies, in any policy.
func (e *evaluation) explicit(p *Policies) (Source, bool) {
	for _, level := range p.Service {
		if e.denies(level) {
			return ServiceControl, true
		}
	}
	switch {
	case p.Resource != nil && e.deniesOne(p.Resource, true):
		return ResourceBased, true
	case e.denies(p.Identity):
		return IdentityBased, true
	case p.Boundary != nil && e.deniesOne(p.Boundary, false):
		return Boundary, true
	case e.denies(p.Session):
		return SessionBased, true
	}
	return 0, false
}

func (e *evaluation) denies(docs []*Document) bool {
	for _, d := range docs {
		if e.deniesOne(d, false) {
			return true
		}
	}
	return false
}

func (e *evaluation) deniesOne(d *Document, resourceBased bool) bool {
	for i := range d.statements {
		if s := &d.statements[i]; s.deny {
			if _, ok := s.applies(e, resourceBased); ok {
				return true
			}
		}
	}
	return false
}

func (e *evaluation) allows(docs []*Document) bool {
	for _, d := range docs {
		if e.allowsOne(d) {
			return true
		}
	}
	return false
}

func (e *evaluation) allowsOne(d *Document) bool {
	for i := range d.statements {
		if s := &d.statements[i]; !s.deny {
			if _, ok := s.applies(e, false); ok {
				return true
			}
		}
	}
	return false
}

// granted returns the strongest grant of a resource-based policy's Allow statements.
func (e *evaluation) granted(d *Document) grant {
	best := grantNone
	if d == nil {
		return best
	}
	for i := range d.statements {
		if s := &d.statements[i]; !s.deny {
			if g, ok := s.applies(e, true); ok {
				best = max(best, g)
			}
		}
	}
	return best
}
