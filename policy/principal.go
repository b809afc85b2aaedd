package policy

import (
	"slices"
	"strings"

	"github.com/brume-dev/brume/aws"
)

// principal is one compiled entry of Principal or NotPrincipal:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
type principal struct {
	kind  principalKind
	value string
}

type principalKind uint8

const (
	principalAny       principalKind = iota // "*" and {"AWS": "*"}
	principalAccount                        // an account, which delegates to its own identity policies
	principalARN                            // a user, role, role session or federated user
	principalUnique                         // AIDA… or AROA…: what is left of an ARN whose entity was deleted
	principalService                        // lambda.amazonaws.com
	principalFederated                      // an identity provider
	principalCanonical                      // a canonical user id of S3
)

// grant says to whom exactly a resource-based policy allowed something, which decides what else limits it.
type grant uint8

const (
	grantNone    grant = iota
	grantAccount       // to the account: identity policies must allow it too
	grantRole          // to the role (or the federating user): boundary and session policies limit it
	grantDirect        // to the user or the session itself: in one account nothing else limits it
)

// level returns how the caller is named by p.
func (p *principal) level(id *aws.Identity, canonical string) grant {
	switch p.kind {
	case principalAny:
		return grantDirect
	case principalService:
		if id.Kind == aws.ServicePrincipal && sameService(p.value, id.Service, id.Region) {
			return grantDirect
		}
	case principalFederated:
		if id.Kind == aws.FederatedUser && id.ARN == p.value {
			return grantDirect
		}
	case principalCanonical:
		if canonical != "" && canonical == p.value {
			return grantAccount
		}
	case principalAccount:
		if id.Account == p.value && id.Kind != aws.ServicePrincipal && id.Kind != aws.Anonymous {
			if id.Kind == aws.Root {
				return grantDirect
			}
			return grantAccount
		}
	case principalARN:
		switch p.value {
		case id.ARN:
			return grantDirect
		case id.RoleARN:
			return grantRole
		}
	case principalUnique:
		own, _, session := strings.Cut(id.PrincipalID, ":")
		if own == p.value {
			if session {
				return grantRole
			}
			return grantDirect
		}
	}
	return grantNone
}

// sameService compares service principals; the regional form "logs.eu-west-1.amazonaws.com" names the same service
// as "logs.amazonaws.com" to a caller in that region.
func sameService(a, b, region string) bool {
	if a == b {
		return true
	}
	return region != "" && withoutRegion(a, region) == withoutRegion(b, region)
}

func withoutRegion(s, region string) string {
	name, rest, _ := strings.Cut(s, ".")
	if r, tail, ok := strings.Cut(rest, "."); ok && r == region {
		return name + "." + tail
	}
	return s
}

// granted returns the strongest way in which ps names the caller.
func granted(ps []principal, r *Request) grant {
	best := grantNone
	for i := range ps {
		best = max(best, ps[i].level(r.Identity, r.Canonical))
	}
	return best
}

// excepts reports whether NotPrincipal spares the caller from a Deny: each of the forms under which the caller is
// known, its account too, must be listed.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html
func excepts(ps []principal, r *Request) bool {
	id := r.Identity
	if slices.ContainsFunc(ps, func(p principal) bool { return p.kind == principalAny }) {
		return true
	}
	if id.Kind == aws.ServicePrincipal || id.Kind == aws.Anonymous {
		return granted(ps, r) != grantNone
	}
	has := func(kind principalKind, value string) bool {
		return value == "" || slices.Contains(ps, principal{kind, value})
	}
	if !has(principalAccount, id.Account) {
		return false
	}
	return id.Kind == aws.Root || has(principalARN, id.ARN) && has(principalARN, id.RoleARN)
}

// compilePrincipals compiles the map or the "*" of a Principal element; ok is false when it is not of that grammar.
func compilePrincipals(n node) (ps []principal, ok bool) {
	if n.kind == nodeString {
		return []principal{{kind: principalAny}}, n.text == "*"
	}
	if n.kind != nodeObject || len(n.fields) == 0 {
		return nil, false
	}
	for _, f := range n.fields {
		vals, ok := f.value.strings()
		if !ok {
			return nil, false
		}
		for _, v := range vals {
			p, ok := compilePrincipal(f.name, v)
			if !ok {
				return nil, false
			}
			ps = append(ps, p)
		}
	}
	return ps, true
}

func compilePrincipal(kind, v string) (principal, bool) {
	switch kind {
	case "Service":
		return principal{principalService, v}, true
	case "Federated":
		return principal{principalFederated, v}, true
	case "CanonicalUser":
		return principal{principalCanonical, v}, true
	case "AWS":
		return compileAWSPrincipal(v), true
	}
	return principal{}, false
}

func compileAWSPrincipal(v string) principal {
	if v == "*" {
		return principal{kind: principalAny}
	}
	if isAccount(v) {
		return principal{principalAccount, v}
	}
	if parts, ok := splitARN(v); ok {
		if parts[2] == "iam" && parts[5] == "root" {
			return principal{principalAccount, parts[4]}
		}
		return principal{principalARN, v}
	}
	return principal{principalUnique, v}
}

func isAccount(s string) bool {
	if len(s) != 12 {
		return false
	}
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}
