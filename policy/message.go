package policy

import (
	"strconv"
	"strings"

	"github.com/brume-dev/brume/aws"
)

var (
	implicitly = [...]string{
		IdentityBased:  "identity-based policy",
		ResourceBased:  "resource-based policy",
		Boundary:       "permissions boundary",
		SessionBased:   "session policy",
		ServiceControl: "service control policy",
	}
	explicitly = [...]string{
		IdentityBased:  "an identity-based policy",
		ResourceBased:  "a resource-based policy",
		Boundary:       "a permissions boundary",
		SessionBased:   "a session policy",
		ServiceControl: "a service control policy",
	}
)

// Message is AWS's text for a denial:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
func (d Decision) Message(r *Request) string {
	resource := r.Resource
	if strings.HasPrefix(r.Action, "s3:") {
		if r.Identity.Kind == aws.Anonymous {
			return "Access Denied" // S3 tells strangers no more
		}
		resource = strconv.Quote(resource)
	}
	s := "User: " + caller(r.Identity) + " is not authorized to perform: " + r.Action + " on resource: " + resource
	switch {
	case d.Explicit:
		return s + " with an explicit deny in " + explicitly[d.Source]
	case r.Action == "sts:AssumeRole":
		return s // STS does not tell why
	}
	return s + " because no " + implicitly[d.Source] + " allows the " + r.Action + " action"
}

func caller(id *aws.Identity) string {
	switch {
	case id.ARN != "":
		return id.ARN
	case id.Service != "":
		return id.Service
	}
	return "anonymous"
}
