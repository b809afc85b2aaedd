package policy

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/brume-dev/brume/aws"
)

// key is a compiled condition key. The global keys whose values the request itself tells are numbered; any other is
// looked up by name in Request.Context.
type key struct {
	id   keyID
	name string // as written
	tag  string // what follows "aws:PrincipalTag/"
}

type keyID uint8

const (
	keyOther keyID = iota
	keyPrincipalARN
	keyPrincipalAccount
	keyPrincipalType
	keyPrincipalTag
	keyPrincipalIsService
	keyPrincipalServiceName
	keyPrincipalServiceNames
	keyUserName
	keyUserID
	keySourceIP
	keyUserAgent
	keyReferer
	keySecureTransport
	keyCurrentTime
	keyEpochTime
	keyTokenIssueTime
	keyRequestedRegion
	keySourceARN
	keySourceAccount
	keySourceIdentity
	keyViaService
	keyCalledVia
	keyCalledViaFirst
	keyCalledViaLast
	keyMFAPresent
	keyResourceAccount
	keyNames
)

// globalKeys are the names of
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html, in lower case: key names do
// not distinguish case. aws:PrincipalTag/… is found by its prefix.
var globalKeys = [keyNames]string{
	keyPrincipalARN:          "aws:principalarn",
	keyPrincipalAccount:      "aws:principalaccount",
	keyPrincipalType:         "aws:principaltype",
	keyPrincipalIsService:    "aws:principalisawsservice",
	keyPrincipalServiceName:  "aws:principalservicename",
	keyPrincipalServiceNames: "aws:principalservicenameslist",
	keyUserName:              "aws:username",
	keyUserID:                "aws:userid",
	keySourceIP:              "aws:sourceip",
	keyUserAgent:             "aws:useragent",
	keyReferer:               "aws:referer",
	keySecureTransport:       "aws:securetransport",
	keyCurrentTime:           "aws:currenttime",
	keyEpochTime:             "aws:epochtime",
	keyTokenIssueTime:        "aws:tokenissuetime",
	keyRequestedRegion:       "aws:requestedregion",
	keySourceARN:             "aws:sourcearn",
	keySourceAccount:         "aws:sourceaccount",
	keySourceIdentity:        "aws:sourceidentity",
	keyViaService:            "aws:viaawsservice",
	keyCalledVia:             "aws:calledvia",
	keyCalledViaFirst:        "aws:calledviafirst",
	keyCalledViaLast:         "aws:calledvialast",
	keyMFAPresent:            "aws:multifactorauthpresent",
	keyResourceAccount:       "aws:resourceaccount",
}

const principalTagPrefix = "aws:principaltag/"

func compileKey(name string) key {
	l := lowerASCII(name)
	if strings.HasPrefix(l, principalTagPrefix) {
		return key{id: keyPrincipalTag, name: name, tag: name[len(principalTagPrefix):]}
	}
	if i := slices.Index(globalKeys[:], l); i > 0 {
		return key{id: keyID(i), name: name}
	}
	return key{name: name}
}

// values returns the values of k in the request; ok is false when the request does not have the key. What the request
// itself tells comes before Request.Context. The slice is valid until the next call.
func (e *evaluation) values(k *key) ([]string, bool) {
	if e.r.Simulated {
		if v, ok := e.given(k); ok {
			return v, ok
		}
	}
	if k.id != keyOther {
		if v, ok := e.global(k); ok {
			e.one[0] = v
			return e.one[:], true
		}
	}
	return e.given(k)
}

// Has reports whether the request has a value for a condition key.
func (r *Request) Has(name string) bool {
	e, k := evaluation{r: r}, compileKey(name)
	_, ok := e.values(&k)
	return ok
}

func (e *evaluation) given(k *key) ([]string, bool) {
	v, ok := named(e.r.Context, k.name)
	if !ok && e.r.Late != nil {
		if e.late == nil {
			e.late = e.r.Late()
		}
		v, ok = named(e.late, k.name)
	}
	return v, ok && len(v) > 0
}

func named(context map[string][]string, key string) ([]string, bool) {
	v, ok := context[key]
	if !ok {
		for name, vals := range context {
			if strings.EqualFold(name, key) {
				return vals, true
			}
		}
	}
	return v, ok
}

// time is values for the keys that are points in time, without the detour over text.
func (e *evaluation) time(k *key) (time.Time, bool) {
	if e.r.Simulated {
		return time.Time{}, false
	}
	switch k.id {
	case keyCurrentTime, keyEpochTime:
		return e.r.Now, true
	case keyTokenIssueTime:
		return e.r.Identity.TokenIssued, !e.r.Identity.TokenIssued.IsZero()
	}
	return time.Time{}, false
}

func (e *evaluation) global(k *key) (string, bool) {
	id := e.r.Identity
	switch k.id {
	case keyCurrentTime:
		return e.r.Now.UTC().Format(time.RFC3339), true
	case keyEpochTime:
		return strconv.FormatInt(e.r.Now.Unix(), 10), true
	case keyTokenIssueTime:
		return id.TokenIssued.UTC().Format(time.RFC3339), !id.TokenIssued.IsZero()
	case keyRequestedRegion:
		return known(id.Region)
	case keyResourceAccount:
		return known(e.r.resourceAccount())
	case keyViaService:
		return strconv.FormatBool(id.ViaService != ""), true
	case keyCalledVia, keyCalledViaFirst, keyCalledViaLast:
		return known(id.ViaService)
	case keySourceARN:
		return known(id.SourceARN)
	case keySourceAccount:
		return known(id.SourceAccount)
	case keySecureTransport:
		return strconv.FormatBool(id.Request.TLS), true
	case keyUserAgent:
		return known(id.Request.UserAgent)
	case keyReferer:
		return known(id.Request.Referer)
	case keySourceIP:
		// A service that acts for itself or for a caller does not show the caller's address.
		if id.Kind == aws.ServicePrincipal || id.ViaService != "" {
			return "", false
		}
		return known(id.Request.SourceIP)
	}
	return e.principal(k)
}

// principal gives the keys that say who is calling:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#principaltable
func (e *evaluation) principal(k *key) (string, bool) {
	id := e.r.Identity
	service := id.Kind == aws.ServicePrincipal
	switch k.id {
	case keyPrincipalIsService:
		return strconv.FormatBool(service), true
	case keyPrincipalServiceName, keyPrincipalServiceNames:
		return id.Service, service
	case keyPrincipalAccount:
		return id.Account, !service && id.Kind != aws.Anonymous
	case keyPrincipalARN:
		if id.Kind == aws.AssumedRole {
			return known(id.RoleARN) // the role, not the session
		}
		return known(id.ARN)
	case keyPrincipalType:
		t := principalTypes[id.Kind]
		return t, t != ""
	case keyPrincipalTag:
		return tagValue(id.Tags, k.tag)
	case keyUserName:
		return id.Name, id.Kind == aws.User
	case keyUserID:
		if id.Kind == aws.Anonymous {
			return "anonymous", true
		}
		return known(id.PrincipalID)
	case keySourceIdentity:
		return known(id.SourceIdentity)
	case keyMFAPresent:
		// Only temporary credentials carry the key.
		return strconv.FormatBool(id.MFA), !id.TokenIssued.IsZero()
	}
	return "", false
}

var principalTypes = map[aws.Kind]string{
	aws.Anonymous:     "Anonymous",
	aws.Root:          "Account",
	aws.User:          "User",
	aws.AssumedRole:   "AssumedRole",
	aws.FederatedUser: "FederatedUser",
}

func tagValue(tags map[string]string, name string) (string, bool) {
	if v, ok := tags[name]; ok {
		return v, true
	}
	for k, v := range tags {
		if strings.EqualFold(k, name) {
			return v, true
		}
	}
	return "", false
}

func known(s string) (string, bool) { return s, s != "" }
