// Package acl has the access control lists of buckets and objects: reading them from requests, and saying in the policy
// language what they allow. It is pure. https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html
package acl

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/s3/fault"
)

// Grant gives a permission to one account or group.
type Grant struct {
	ID         string `cbor:"1,keyasint,omitempty"` // canonical user id of an account
	Group      string `cbor:"2,keyasint,omitempty"` // URI, when ID is ""
	Permission string `cbor:"3,keyasint"`
}

// The groups that AWS has.
const (
	Everybody     = "http://acs.amazonaws.com/groups/global/AllUsers"
	Authenticated = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"
	LogDelivery   = "http://acs.amazonaws.com/groups/s3/LogDelivery"
)

// maxGrants is how many grants a list holds.
const maxGrants = 100

// Given is what a request says of an access control list.
type Given struct {
	Canned string
	// Full, Read, ReadACP, Write and WriteACP are the x-amz-grant- headers.
	Full, Read, ReadACP, Write, WriteACP *string
	Policy                               *s3api.AccessControlPolicy // the body
}

func (g *Given) headers() []*string {
	return []*string{g.Full, g.Read, g.ReadACP, g.Write, g.WriteACP}
}

func (g *Given) granted() bool {
	return slices.ContainsFunc(g.headers(), func(h *string) bool { return h != nil })
}

// Empty reports whether the request says nothing.
func (g *Given) Empty() bool { return g.Canned == "" && !g.granted() && g.Policy == nil }

// Owners are whom canned lists speak of: the canonical user ids of the owners of the resource and, of an object, of its
// bucket.
type Owners struct{ Resource, Bucket string }

// Grants reads the list: the grants beside the owner's full control, in which every list begins.
func (g *Given) Grants(o Owners, object bool) ([]Grant, error) {
	switch {
	case g.Canned != "" && g.granted():
		return nil, fault.InvalidRequest("Specifying both Canned ACLs and Header Grants is not allowed")
	case g.Policy != nil && (g.Canned != "" || g.granted()):
		return nil, aws.Errorf("UnexpectedContent", http.StatusBadRequest, "This request does not support content")
	case g.Policy != nil:
		return fromPolicy(g.Policy, o)
	case g.granted():
		return g.fromHeaders()
	}
	return canned(g.Canned, o, object)
}

// canned reads the name of a list: https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#canned-acl
func canned(name string, o Owners, object bool) ([]Grant, error) {
	full := Grant{ID: o.Resource, Permission: string(s3api.PermissionFullControl)}
	read, write := string(s3api.PermissionRead), string(s3api.PermissionWrite)
	switch name {
	case "", "private":
		return []Grant{full}, nil
	case "public-read":
		return []Grant{full, {Group: Everybody, Permission: read}}, nil
	case "public-read-write":
		return []Grant{full, {Group: Everybody, Permission: read}, {Group: Everybody, Permission: write}}, nil
	case "authenticated-read":
		return []Grant{full, {Group: Authenticated, Permission: read}}, nil
	case "aws-exec-read":
		return []Grant{full}, nil // EC2's own access to machine images, of which there are none
	case "log-delivery-write":
		if !object {
			return []Grant{full, {Group: LogDelivery, Permission: write}, {Group: LogDelivery, Permission: string(s3api.PermissionReadAcp)}}, nil
		}
	case "bucket-owner-read":
		if o.Bucket == o.Resource || !object {
			return []Grant{full}, nil
		}
		return []Grant{full, {ID: o.Bucket, Permission: read}}, nil
	case "bucket-owner-full-control":
		if o.Bucket == o.Resource || !object {
			return []Grant{full}, nil
		}
		return []Grant{full, {ID: o.Bucket, Permission: string(s3api.PermissionFullControl)}}, nil
	}
	return nil, fault.InvalidArgument("", "x-amz-acl", name)
}

func (g *Given) fromHeaders() (out []Grant, err error) {
	permissions := []s3api.Permission{s3api.PermissionFullControl, s3api.PermissionRead, s3api.PermissionReadAcp, s3api.PermissionWrite, s3api.PermissionWriteAcp}
	for i, h := range g.headers() {
		if h == nil {
			continue
		}
		for one := range strings.SplitSeq(*h, ",") {
			kind, value, ok := strings.Cut(strings.TrimSpace(one), "=")
			value = strings.Trim(strings.TrimSpace(value), `"`)
			grant := Grant{Permission: string(permissions[i])}
			switch kind = strings.ToLower(strings.TrimSpace(kind)); {
			case !ok:
				return nil, fault.InvalidArgument("Argument format not recognized", headerOf(permissions[i]), *h)
			case kind == "id":
				grant.ID = value
			case kind == "uri":
				grant.Group = value
			case kind == "emailaddress":
				return nil, noEmail()
			default:
				return nil, fault.InvalidArgument("Argument format not recognized", headerOf(permissions[i]), *h)
			}
			if err := grant.check(); err != nil {
				return nil, err
			}
			out = append(out, grant)
		}
	}
	if len(out) > maxGrants {
		return nil, malformed()
	}
	return out, nil
}

func headerOf(p s3api.Permission) string {
	return "x-amz-grant-" + strings.ToLower(strings.ReplaceAll(string(p), "_", "-"))
}

// noEmail is the answer since October 2025: https://docs.aws.amazon.com/AmazonS3/latest/API/API_Grantee.html
func noEmail() error {
	return aws.Errorf("MethodNotAllowed", http.StatusMethodNotAllowed, "The specified method is not allowed against this resource.")
}

func malformed() error {
	return aws.Errorf("MalformedACLError", http.StatusBadRequest, "The XML you provided was not well-formed or did not validate against our published schema")
}

// check keeps ids to the form that canonical user ids have; whether there is such an account cannot be known.
func (g Grant) check() error {
	switch {
	case g.Group != "":
		if g.Group != Everybody && g.Group != Authenticated && g.Group != LogDelivery {
			return fault.InvalidArgument("Invalid group uri", "uri", g.Group)
		}
	case len(g.ID) != 64 || strings.Trim(g.ID, "0123456789abcdef") != "":
		return fault.InvalidArgument("Invalid id", "CanonicalUser/ID", g.ID)
	}
	return nil
}

func fromPolicy(p *s3api.AccessControlPolicy, o Owners) (out []Grant, err error) {
	if p.Owner == nil || aws.Or(p.Owner.ID, "") == "" || len(p.Grants) > maxGrants {
		return nil, malformed()
	}
	for _, g := range p.Grants {
		if g.Grantee == nil || !slices.Contains(g.Permission.EnumValues(), string(g.Permission)) {
			return nil, malformed()
		}
		grant := Grant{Permission: string(g.Permission)}
		switch g.Grantee.Type {
		case s3api.TypeCanonicalUser:
			if grant.ID = aws.Or(g.Grantee.ID, ""); grant.ID == "" {
				return nil, malformed()
			}
		case s3api.TypeGroup:
			if grant.Group = aws.Or(g.Grantee.URI, ""); grant.Group == "" {
				return nil, malformed()
			}
		case s3api.TypeAmazonCustomerByEmail:
			return nil, noEmail()
		default:
			return nil, malformed()
		}
		if err := grant.check(); err != nil {
			return nil, err
		}
		out = append(out, grant)
	}
	if *p.Owner.ID != o.Resource {
		return nil, aws.Errorf("AccessDenied", http.StatusForbidden, "Access Denied")
	}
	return out, nil
}

// Public reports whether a list lets everybody, or everybody who has an account, do anything.
func Public(grants []Grant) bool {
	return slices.ContainsFunc(grants, func(g Grant) bool { return g.Group == Everybody || g.Group == Authenticated })
}

// Beyond reports whether a list gives anything to others than an owner.
func Beyond(grants []Grant, owner string) bool {
	return slices.ContainsFunc(grants, func(g Grant) bool { return g.ID != owner })
}

// List is a list as answers have it. A resource without one has its owner's full control.
func List(grants []Grant, owner string) []s3api.Grant {
	if grants == nil {
		grants = []Grant{{ID: owner, Permission: string(s3api.PermissionFullControl)}}
	}
	out := make([]s3api.Grant, len(grants))
	for i, g := range grants {
		out[i] = s3api.Grant{Permission: s3api.Permission(g.Permission), Grantee: &s3api.Grantee{Type: s3api.TypeCanonicalUser, ID: &g.ID}}
		if g.Group != "" {
			out[i].Grantee = &s3api.Grantee{Type: s3api.TypeGroup, URI: &g.Group}
		}
	}
	return out
}

// statement is a statement of a policy that says what a grant allows.
type statement struct {
	Effect    string
	Principal any
	Action    []string
	Resource  string
	Condition map[string]map[string]string `json:",omitempty"`
}

// actions are what a permission allows:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#acl-access-policy-permission-mapping
func actions(permission string, object bool) []string {
	all := map[s3api.Permission][]string{
		s3api.PermissionRead:     {"s3:ListBucket", "s3:ListBucketVersions", "s3:ListBucketMultipartUploads"},
		s3api.PermissionWrite:    {"s3:PutObject"},
		s3api.PermissionReadAcp:  {"s3:GetBucketAcl"},
		s3api.PermissionWriteAcp: {"s3:PutBucketAcl"},
	}
	if object {
		all = map[s3api.Permission][]string{
			s3api.PermissionRead:     {"s3:GetObject", "s3:GetObjectVersion"},
			s3api.PermissionReadAcp:  {"s3:GetObjectAcl", "s3:GetObjectVersionAcl"},
			s3api.PermissionWriteAcp: {"s3:PutObjectAcl", "s3:PutObjectVersionAcl"},
		}
	}
	if permission != string(s3api.PermissionFullControl) {
		return all[s3api.Permission(permission)]
	}
	var out []string
	for _, list := range all {
		out = append(out, list...)
	}
	slices.Sort(out) // equal lists make equal documents
	return out
}

// Asker is whoever wants something: an account, by number and canonical user id.
type Asker struct{ Account, ID string }

// Policy adds what grants allow to a policy, which may be "". Of the grants to accounts only those to the asker's are
// there: nobody else's matter now. Public says whether grants to groups count.
func Policy(document string, grants []Grant, arn string, object, public bool, who Asker) (string, error) {
	var list []json.RawMessage
	for _, g := range grants {
		st := statement{Effect: "Allow", Action: actions(g.Permission, object), Resource: arn}
		if !object && g.Permission == string(s3api.PermissionWrite) || !object && g.Permission == string(s3api.PermissionFullControl) {
			st.Resource = arn + "*"
		}
		switch {
		case len(st.Action) == 0, g.Group != "" && !public:
			continue
		case g.Group == Everybody:
			st.Principal = "*"
		case g.Group == Authenticated:
			st.Principal = "*"
			st.Condition = map[string]map[string]string{"Null": {"aws:PrincipalAccount": "false"}}
		case g.Group == LogDelivery:
			st.Principal = map[string]string{"Service": "logging.s3.amazonaws.com"}
		case g.ID == who.ID:
			st.Principal = map[string]string{"AWS": who.Account}
		default:
			continue
		}
		b, err := json.Marshal(st)
		if err != nil {
			return "", err
		}
		list = append(list, b)
	}
	if len(list) == 0 {
		return document, nil
	}
	return join(document, list)
}

// join adds statements to a document.
func join(document string, list []json.RawMessage) (string, error) {
	whole := map[string]json.RawMessage{"Version": json.RawMessage(`"2012-10-17"`)}
	if document != "" {
		if err := json.Unmarshal([]byte(document), &whole); err != nil {
			return "", err
		}
		var have []json.RawMessage
		if json.Unmarshal(whole["Statement"], &have) != nil {
			have = []json.RawMessage{whole["Statement"]}
		}
		list = append(have, list...)
	}
	var err error
	if whole["Statement"], err = json.Marshal(list); err != nil {
		return "", err
	}
	out, err := json.Marshal(whole)
	return string(out), err
}
