package policy

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/brume-dev/brume/aws"
)

// outcomes are the words in which the archives under testdata state decisions.
var outcomes = map[string]Decision{
	"allow":     {Allowed: true},
	"identity":  {Source: IdentityBased},
	"resource":  {Source: ResourceBased},
	"boundary":  {Source: Boundary},
	"session":   {Source: SessionBased},
	"scp":       {Source: ServiceControl},
	"!identity": {Source: IdentityBased, Explicit: true},
	"!resource": {Source: ResourceBased, Explicit: true},
	"!boundary": {Source: Boundary, Explicit: true},
	"!session":  {Source: SessionBased, Explicit: true},
	"!scp":      {Source: ServiceControl, Explicit: true},
}

// who returns the callers that the archives name.
func who(t *testing.T, name string) *aws.Identity {
	const acct = "111122223333"
	kind, name, _ := strings.Cut(name, ":")
	name, account, ok := strings.Cut(name, "@")
	if !ok {
		account = acct
	}
	id := &aws.Identity{Account: account, Region: "us-east-1",
		Request: aws.Request{SourceIP: "203.0.113.9", UserAgent: "aws-cli/2"}}
	switch kind {
	case "user":
		id.Kind, id.Name, id.ARN, id.PrincipalID = aws.User, name, "arn:aws:iam::"+account+":user/"+name, "AIDAJQABLZS4A3QDU576Q"
	case "role":
		role, session, _ := strings.Cut(name, "/")
		id.Kind, id.RoleARN = aws.AssumedRole, "arn:aws:iam::"+account+":role/"+role
		id.ARN, id.PrincipalID = "arn:aws:sts::"+account+":assumed-role/"+role+"/"+session, "AROAJQABLZS4A3QDU576Q:"+session
		id.TokenIssued = time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)
	case "federated":
		id.Kind, id.ARN = aws.FederatedUser, "arn:aws:sts::"+account+":federated-user/"+name
		id.RoleARN, id.PrincipalID = "arn:aws:iam::"+account+":user/bob", account+":"+name
		id.TokenIssued = time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)
	case "root":
		id.Kind, id.ARN, id.PrincipalID = aws.Root, "arn:aws:iam::"+account+":root", account
	case "service":
		id.Kind, id.Service = aws.ServicePrincipal, name
	case "anonymous":
		id.Kind, id.Account = aws.Anonymous, ""
	default:
		t.Fatalf("no caller %q", name)
	}
	return id
}

func parseFile(t *testing.T, kind Kind, data []byte) *Document {
	t.Helper()
	d, err := Parse(kind, strings.TrimSpace(string(data)))
	if err != nil {
		t.Fatalf("%s\n%v", data, err)
	}
	return d
}

// TestDecisions runs the archives under testdata: policies, and requests with the decision they must get.
func TestDecisions(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no archives", err)
	}
	for _, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".txtar"), func(t *testing.T) {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			p := &Policies{}
			for _, f := range txtar.Parse(b).Files {
				switch f.Name {
				case "identity":
					p.Identity = append(p.Identity, parseFile(t, Inline, f.Data))
				case "boundary":
					p.Boundary = parseFile(t, Inline, f.Data)
				case "session":
					p.Session, p.Limited = append(p.Session, parseFile(t, Session, f.Data)), true
				case "resource":
					p.Resource = parseFile(t, Resource, f.Data)
				case "trust":
					p.Resource, p.Decisive = parseFile(t, Trust, f.Data), true
				case "key":
					p.Resource, p.Decisive = parseFile(t, Resource, f.Data), true
				case "scp":
					p.Service = append(p.Service, []*Document{parseFile(t, Inline, f.Data)})
				case "clear":
					p = &Policies{}
				case "requests":
					requests(t, p, string(f.Data))
				default:
					t.Fatalf("unknown file %q", f.Name)
				}
			}
		})
	}
}

// requests runs lines of the form
//
//	outcome  caller  action  resource  [key=value,value…] [principal-tag name=value as tag:name=value] [owner=account]
func requests(t *testing.T, p *Policies, lines string) {
	for _, line := range strings.Split(lines, "\n") {
		f := strings.Fields(line)
		if len(f) == 0 || strings.HasPrefix(f[0], "#") {
			continue
		}
		want, ok := outcomes[f[0]]
		if !ok {
			t.Fatalf("no outcome %q", f[0])
		}
		r := &Request{Identity: who(t, f[1]), Action: f[2], Resource: f[3], Context: map[string][]string{},
			Now: time.Date(2024, 6, 1, 12, 0, 0, 0, time.UTC)}
		for _, kv := range f[4:] {
			k, v, _ := strings.Cut(kv, "=")
			switch name, tag := strings.CutPrefix(k, "tag:"); {
			case tag:
				if r.Identity.Tags == nil {
					r.Identity.Tags = map[string]string{}
				}
				r.Identity.Tags[name] = v
			case k == "owner":
				r.ResourceAccount = v
			case k == "tls":
				r.Identity.Request.TLS = v == "true"
			case k == "source":
				r.Identity.SourceARN = v
			case k == "ip":
				r.Identity.Request.SourceIP = v
			default:
				r.Context[k] = strings.Split(v, ",")
			}
		}
		if got := Evaluate(p, r); got != want {
			t.Errorf("%s\n\tgot %+v, %s", line, got, got.Message(r))
		}
	}
}

func TestMessages(t *testing.T) {
	r := &Request{Identity: who(t, "user:bob"), Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k"}
	for _, c := range []struct {
		d    Decision
		want string
	}{
		{Decision{Source: IdentityBased}, "because no identity-based policy allows the s3:GetObject action"},
		{Decision{Source: ResourceBased}, "because no resource-based policy allows the s3:GetObject action"},
		{Decision{Source: Boundary}, "because no permissions boundary allows the s3:GetObject action"},
		{Decision{Source: SessionBased}, "because no session policy allows the s3:GetObject action"},
		{Decision{Source: ServiceControl}, "because no service control policy allows the s3:GetObject action"},
		{Decision{Source: IdentityBased, Explicit: true}, "with an explicit deny in an identity-based policy"},
		{Decision{Source: ResourceBased, Explicit: true}, "with an explicit deny in a resource-based policy"},
		{Decision{Source: Boundary, Explicit: true}, "with an explicit deny in a permissions boundary"},
		{Decision{Source: SessionBased, Explicit: true}, "with an explicit deny in a session policy"},
		{Decision{Source: ServiceControl, Explicit: true}, "with an explicit deny in a service control policy"},
	} {
		want := "User: arn:aws:iam::111122223333:user/bob is not authorized to perform: s3:GetObject on resource: \"arn:aws:s3:::b/k\" " + c.want
		if got := c.d.Message(r); got != want {
			t.Errorf("%+v\n got %s\nwant %s", c.d, got, want)
		}
	}
	r.Action, r.Resource = "sts:AssumeRole", "arn:aws:iam::111122223333:role/r"
	if got, want := (Decision{}).Message(r), "User: arn:aws:iam::111122223333:user/bob is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/r"; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}
