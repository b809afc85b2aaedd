package policy

import (
	"slices"
	"strings"
)

const textVendorPrefix = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."

// check refuses what the grammar allows and AWS does not, in the order in which IAM finds it.
func (p *parser) check(d *Document) error {
	if p.kind == Managed && d.version != Version2012 {
		return malformed("Policy document must be version 2012-10-17 or greater.")
	}
	for i := range d.statements {
		s := &d.statements[i]
		for _, f := range []func(*statement) error{p.checkPrincipal, p.checkActions, p.checkResources, p.checkSid} {
			if err := f(s); err != nil {
				return err
			}
		}
		same := func(o statement) bool { return s.sid != "" && o.sid == s.sid }
		if p.kind.identity() && slices.ContainsFunc(d.statements[:i], same) {
			return malformed("Statement IDs (SID) in a single policy must be unique.")
		}
	}
	return nil
}

func (p *parser) checkPrincipal(s *statement) error {
	if p.kind.identity() {
		return nil
	}
	if !s.hasPrincipal {
		return malformed("Missing required field Principal")
	}
	for _, v := range s.principals {
		switch {
		case v.kind == principalUnique && !isUniqueID(v.value):
			return malformed("Invalid principal in policy: \"AWS\":\"%s\"", v.value)
		case v.kind == principalARN && !isPrincipalARN(v.value):
			return malformed("Invalid principal in policy: \"AWS\":\"%s\"", v.value)
		case v.kind == principalService && !isServicePrincipal(v.value):
			return malformed("Invalid principal in policy: \"SERVICE\":\"%s\"", v.value)
		case v.kind == principalFederated && !isProvider(v.value):
			return malformed("Federated principals must be valid domain names or SAML metadata ARNs")
		}
	}
	return nil
}

// isUniqueID reports whether v has the form of a unique identifier of IAM, AIDAJQABLZS4A3QDU576Q.
func isUniqueID(v string) bool {
	if len(v) < 16 || !strings.HasPrefix(v, "A") {
		return false
	}
	for i := 0; i < len(v); i++ {
		if !('A' <= v[i] && v[i] <= 'Z' || '0' <= v[i] && v[i] <= '9') {
			return false
		}
	}
	return true
}

func isPrincipalARN(v string) bool {
	parts, ok := splitARN(v)
	// CloudFront's origin access identities are users of an account that has a name.
	if !ok || parts[3] != "" || !isAccount(parts[4]) && parts[4] != "cloudfront" || strings.ContainsAny(v, "*?") {
		return false
	}
	kind, name, found := strings.Cut(parts[5], "/")
	if !found || name == "" {
		return false
	}
	switch parts[2] {
	case "iam":
		return kind == "user" || kind == "role"
	case "sts":
		return kind == "assumed-role" || kind == "federated-user"
	}
	return false
}

func isServicePrincipal(v string) bool {
	name, ok := strings.CutSuffix(strings.TrimSuffix(v, ".cn"), ".amazonaws.com")
	if !ok || name == "" {
		return false
	}
	for i := 0; i < len(name); i++ {
		if c := lower(name[i]); !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '.') {
			return false
		}
	}
	return true
}

func isProvider(v string) bool {
	if parts, ok := splitARN(v); ok {
		return parts[2] == "iam" && (strings.HasPrefix(parts[5], "saml-provider/") || strings.HasPrefix(parts[5], "oidc-provider/"))
	}
	return strings.Contains(v, ".") && !strings.ContainsAny(v, " *:")
}

func (p *parser) checkActions(s *statement) error {
	if len(s.actions) == 0 {
		if p.kind.identity() {
			return malformed("Policy statement must contain actions.")
		}
		return malformed("Missing required field Action")
	}
	for _, a := range s.actionTexts {
		if p.kind == Trust {
			if !isTrustAction(a) {
				return malformed("AssumeRole policy may only specify STS AssumeRole actions.")
			}
			continue
		}
		if !p.kind.identity() || a == "*" {
			continue
		}
		vendor, name, found := strings.Cut(a, ":")
		switch {
		case !found:
			return malformed(textVendorPrefix)
		case strings.Contains(name, ":"):
			return malformed("Actions/Condition can contain only one colon.")
		case !isVendor(vendor):
			return malformed("Vendor %s is not valid", vendor)
		}
	}
	return nil
}

// trustActions are the actions that a trust policy may name.
var trustActions = []string{"sts:assumerole", "sts:assumerolewithsaml", "sts:assumerolewithwebidentity",
	"sts:tagsession", "sts:setsourceidentity", "sts:setcontext"}

func isTrustAction(a string) bool {
	act := compileAction(a)
	return strings.HasPrefix(act.lower, "sts:") && slices.ContainsFunc(trustActions, act.match)
}

func isVendor(v string) bool {
	for i := 0; i < len(v); i++ {
		if c := lower(v[i]); !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '.') {
			return false
		}
	}
	return v != ""
}

func (p *parser) checkResources(s *statement) error {
	if !p.kind.identity() {
		return nil // services name their own resources, and many leave the element out
	}
	if len(s.resources) == 0 {
		return malformed("Policy statement must contain resources.")
	}
	for _, r := range s.resourceTexts {
		if err := checkResource(r); err != nil {
			return err
		}
	}
	return nil
}

func checkResource(r string) error {
	if r == "*" {
		return nil
	}
	parts := splitPattern(r)
	if parts[0] != "arn" {
		return malformed("Resource %s must be in ARN format or \"*\".", r)
	}
	if len(parts) < 2 || parts[1] != "aws" && parts[1] != "*" {
		partition := ""
		if len(parts) > 1 {
			partition = parts[1]
		}
		return malformed("Partition \"%s\" is not valid for resource \"%s\".", partition, r)
	}
	if len(parts) == 2 {
		parts = append(parts, "")
	}
	for len(parts) < arnParts {
		parts = append(parts, "*") // AWS completes what is missing, the vendor excepted
	}
	vendor, region, resource := parts[2], parts[3], parts[5]
	switch {
	case vendor == "" || strings.ContainsAny(vendor, "*?"):
		return malformed("Resource vendor must be fully qualified and cannot contain regexes.")
	case vendor == "s3" && region != "" && region != "*" && !strings.HasPrefix(resource, "accesspoint") &&
		!strings.HasPrefix(resource, "job/") && !strings.HasPrefix(resource, "storage-lens"):
		return malformed("Resource %s can not contain region information.", r)
	case vendor == "iam" && region != "" && region != "*":
		return malformed("IAM resource %s cannot contain region information.", r)
	case vendor == "iam" && resource != "*" && !slices.ContainsFunc(iamPaths, func(p string) bool { return strings.HasPrefix(resource, p) }):
		return malformed("IAM resource path must either be \"*\" or start with %s.", strings.Join(iamPaths, ", "))
	}
	return nil
}

var iamPaths = []string{"user/", "federated-user/", "role/", "group/", "instance-profile/", "mfa/", "server-certificate/",
	"policy/", "sms-mfa/", "saml-provider/", "oidc-provider/", "report/", "access-report/"}

func (p *parser) checkSid(s *statement) error {
	if !p.kind.identity() {
		return nil
	}
	for i := 0; i < len(s.sid); i++ {
		if c := lower(s.sid[i]); !('a' <= c && c <= 'z' || '0' <= c && c <= '9') {
			return malformed("Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*")
		}
	}
	return nil
}
