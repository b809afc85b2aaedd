package cloudformation

import (
	"context"
	"regexp"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/brume-dev/brume/api/cloudformationapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
)

// stackRecord is a stack and the operation that runs on it.
type stackRecord struct {
	Name        string            `cbor:"1,keyasint"`
	UUID        string            `cbor:"2,keyasint"`
	Created     time.Time         `cbor:"3,keyasint"`
	Updated     time.Time         `cbor:"4,keyasint,omitzero"`
	Deleted     time.Time         `cbor:"5,keyasint,omitzero"`
	Status      string            `cbor:"6,keyasint"`
	Reason      string            `cbor:"7,keyasint,omitempty"`
	Description string            `cbor:"8,keyasint,omitempty"`
	Tags        map[string]string `cbor:"9,keyasint,omitempty"`
	Capable     []string          `cbor:"10,keyasint,omitempty"` // capabilities
	Notify      []string          `cbor:"11,keyasint,omitempty"` // notification ARNs
	Role        string            `cbor:"12,keyasint,omitempty"`
	Protected   bool              `cbor:"13,keyasint,omitempty"`
	NoRollback  bool              `cbor:"14,keyasint,omitempty"`
	OnFailure   string            `cbor:"15,keyasint,omitempty"`
	Timeout     int32             `cbor:"16,keyasint,omitempty"` // minutes
	Parent      string            `cbor:"17,keyasint,omitempty"` // stack id
	Root        string            `cbor:"18,keyasint,omitempty"`
	ChangeSet   string            `cbor:"19,keyasint,omitempty"`
	Outputs     []outputRecord    `cbor:"20,keyasint,omitempty"`
	Token       string            `cbor:"21,keyasint,omitempty"` // ClientRequestToken of the operation

	// Current is the version that the stack last came to, 0 for none; Target is the one that it is brought to.
	Current uint64 `cbor:"22,keyasint,omitempty"`
	Target  uint64 `cbor:"23,keyasint,omitempty"`
	// Operation counts the ways that the stack has been sent on; Phase is what is done on this one.
	Operation   uint64       `cbor:"24,keyasint"`
	Phase       phase        `cbor:"25,keyasint,omitempty"`
	Began       time.Time    `cbor:"26,keyasint,omitzero"`
	As          aws.Identity `cbor:"27,keyasint"` // who asked for it
	Retain      []string     `cbor:"28,keyasint,omitempty"`
	Failing     bool         `cbor:"29,keyasint,omitempty"` // a resource of this operation has failed
	During      string       `cbor:"30,keyasint,omitempty"` // the stack policy of this update only
	KeepNothing bool         `cbor:"31,keyasint,omitempty"` // RetainExceptOnCreate: what a failed operation made goes, whatever its policy
	Turned      bool         `cbor:"32,keyasint,omitempty"` // the operation is to go back: CancelUpdateStack
	Cancelled   string       `cbor:"33,keyasint,omitempty"` // the token of that request
	Force       bool         `cbor:"34,keyasint,omitempty"` // DeletionMode: what cannot be deleted is left behind

	Rollback *cloudformationapi.RollbackConfiguration `cbor:"35,keyasint,omitempty"`
}

const stackVersion = 1

// phase is what is being done to a stack.
type phase string

const (
	resting  phase = ""
	applying phase = "apply" // resources are made and changed, those first that others need
	cleaning phase = "clean" // what the template no longer has is deleted, those first that nothing needs
	deleting phase = "delete"
)

// outputRecord is an output with its value.
type outputRecord struct {
	Key, Value, Description, Export string
}

func (s *stackRecord) id(p place) string {
	return aws.MakeARN(service, p.region, p.account, "stack/"+s.Name+"/"+s.UUID).String()
}

func (s *stackRecord) busy() bool { return s.Phase != resting }

// is reports whether the status has one of the ends: "_COMPLETE", "_FAILED".
func (s *stackRecord) is(status cloudformationapi.StackStatus) bool {
	return s.Status == string(status)
}

// versionRecord is a template with what was given for it.
type versionRecord struct {
	Original   string            `cbor:"1,keyasint"`           // as it was sent
	Processed  string            `cbor:"2,keyasint"`           // JSON, after the transforms
	Parameters map[string]string `cbor:"3,keyasint,omitempty"` // every parameter's value
	Resolved   map[string]string `cbor:"4,keyasint,omitempty"` // those that name parameters of Systems Manager
	Tags       map[string]string `cbor:"5,keyasint,omitempty"` // of the stack
}

const versionVersion = 1

// resourceRecord is a resource of a stack.
type resourceRecord struct {
	Logical    string            `cbor:"1,keyasint"`
	Type       string            `cbor:"2,keyasint"`
	Physical   string            `cbor:"3,keyasint,omitempty"`
	Ref        string            `cbor:"4,keyasint,omitempty"`
	Attributes map[string]string `cbor:"5,keyasint,omitempty"`
	Properties string            `cbor:"6,keyasint,omitempty"` // JSON, as they were last applied
	Status     string            `cbor:"7,keyasint"`
	Reason     string            `cbor:"8,keyasint,omitempty"`
	Updated    time.Time         `cbor:"9,keyasint"`
	Needs      []string          `cbor:"10,keyasint,omitempty"` // logical ids
	Deletion   string            `cbor:"11,keyasint,omitempty"` // DeletionPolicy
	Replace    string            `cbor:"12,keyasint,omitempty"` // UpdateReplacePolicy
	Metadata   string            `cbor:"13,keyasint,omitempty"` // JSON

	// Operation is the last one that has come to this resource, State how far it is.
	Operation uint64 `cbor:"14,keyasint,omitempty"`
	State     state  `cbor:"15,keyasint,omitempty"`
	// Verb is what is being done, "" until the first attempt has decided; Wanted are the properties it is done with.
	Verb   string `cbor:"16,keyasint,omitempty"`
	Wanted string `cbor:"17,keyasint,omitempty"`
	// Stale are what this resource was before it was replaced: deleted when the stack is cleaned up.
	Stale []staleRecord `cbor:"18,keyasint,omitempty"`
	// Fresh says that this operation made the resource.
	Fresh bool `cbor:"19,keyasint,omitempty"`
	// Since is when the step began.
	Since time.Time `cbor:"20,keyasint,omitzero"`
	// Later says that the step waits for something and will look again.
	Later bool `cbor:"21,keyasint,omitempty"`
	// Born is the version of the stack that the resource was made for.
	Born uint64 `cbor:"22,keyasint,omitempty"`
	// Told says that the event of the resource's making has been told.
	Told bool `cbor:"23,keyasint,omitempty"`
}

const resourceVersion = 1

// state is how far an operation is with a resource.
type state string

const (
	waiting state = ""
	running state = "running"
	done    state = "done"
	failed  state = "failed"
)

// staleRecord is a resource that has been replaced.
type staleRecord struct {
	Type       string            `cbor:"1,keyasint"`
	Physical   string            `cbor:"2,keyasint"`
	Ref        string            `cbor:"3,keyasint,omitempty"`
	Attributes map[string]string `cbor:"4,keyasint,omitempty"`
	Properties string            `cbor:"5,keyasint"`
	Keep       bool              `cbor:"6,keyasint,omitempty"` // its UpdateReplacePolicy
}

var stackName = regexp.MustCompile(`^[a-zA-Z][-a-zA-Z0-9]*$`)

func checkName(name string) error {
	if len(name) > maxNameLength {
		return invalid("1 validation error detected: Value '%s' at 'stackName' failed to satisfy constraint: Member must have length less than or equal to %d",
			name, maxNameLength)
	}
	if !stackName.MatchString(name) {
		return invalid("1 validation error detected: Value '%s' at 'stackName' failed to satisfy constraint: "+
			"Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*", name)
	}
	return nil
}

func missing(name string) error { return invalid("Stack with id %s does not exist", name) }

// inBrackets is how some operations say that there is no such stack; the CDK tells by it that one is deleted.
func inBrackets(name string, err error) error {
	if aws.CodeOf(err) != "ValidationError" {
		return err
	}
	return invalid("Stack [%s] does not exist", name)
}

// findStack reads a stack by its name or by its id. Only its id finds a stack that is deleted.
func findStack(r store.Reader, p place, named string) (*stackRecord, error) {
	id := ""
	if a, err := aws.ParseARN(named); err == nil {
		id = a.Resource[strings.LastIndexByte(a.Resource, '/')+1:]
	} else {
		v, ok, err := r.Get(p.name(named))
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, missing(named)
		}
		id = string(v)
	}
	s, err := readStack(r, p, id)
	if err == nil && s == nil {
		err = missing(named)
	}
	return s, err
}

// readStack reads a stack by its UUID; nil when there is none.
func readStack(r store.Reader, p place, uuid string) (*stackRecord, error) {
	v, ok, err := r.Get(p.stack(uuid))
	if err != nil || !ok {
		return nil, err
	}
	s := new(stackRecord)
	return s, record.Decode(v, stackVersion, s)
}

func writeStack(tx store.Tx, p place, s *stackRecord) {
	tx.Set(p.stack(s.UUID), record.Encode(stackVersion, s))
}

// view reads a stack outside any change.
func (s *Service) view(ctx context.Context, p place, named string) (*stackRecord, error) {
	return store.View(ctx, s.shard(p), func(_ context.Context, r store.Reader) (*stackRecord, error) {
		return findStack(r, p, named)
	})
}

func readVersion(r store.Reader, p place, uuid string, n uint64) (*versionRecord, error) {
	v, ok, err := store.GetLarge(r, store.Key(p.version(uuid).Uint(n)))
	if err != nil || !ok {
		return &versionRecord{Processed: "{}"}, err
	}
	out := new(versionRecord)
	return out, record.Decode(v, versionVersion, out)
}

func writeVersion(tx store.Tx, p place, uuid string, n uint64, v *versionRecord) error {
	return store.SetLarge(tx, store.Key(p.version(uuid).Uint(n)), record.Encode(versionVersion, v))
}

func readResource(r store.Reader, p place, uuid, logical string) (*resourceRecord, error) {
	v, ok, err := store.GetLarge(r, store.Key(p.resources(uuid).Text(logical)))
	if err != nil || !ok {
		return nil, err
	}
	out := new(resourceRecord)
	return out, record.Decode(v, resourceVersion, out)
}

func writeResource(tx store.Tx, p place, uuid string, rec *resourceRecord) error {
	return store.SetLarge(tx, store.Key(p.resources(uuid).Text(rec.Logical)), record.Encode(resourceVersion, rec))
}

// allResources reads all resources of a stack, by logical id. There are at most 500.
func allResources(r store.Reader, p place, uuid string) (map[string]*resourceRecord, error) {
	var names []string
	prefix := p.resources(uuid)
	pairs, end := r.Scan(prefix.Range(), store.ScanOpt{})
	for kv := range pairs {
		e := store.Decode(kv.Key, len(prefix))
		name := e.Text()
		if !e.More() { // a further piece of a large record extends its key
			names = append(names, name)
		}
	}
	if err := end(); err != nil {
		return nil, err
	}
	out := make(map[string]*resourceRecord, len(names))
	for _, n := range names {
		rec, err := readResource(r, p, uuid, n)
		if err != nil {
			return nil, err
		}
		out[n] = rec
	}
	return out, nil
}

func (s *Service) newUUID() (string, error) {
	u, err := uuid.NewRandomFromReader(s.Rand)
	return u.String(), err
}

// stackIdentity is who makes the calls of a stack: the role that it was given, else who asked for the operation.
func (s *Service) stackIdentity(ctx context.Context, p place, st *stackRecord) (aws.Identity, error) {
	id := st.As
	id.ViaService = "cloudformation.amazonaws.com"
	if st.Role == "" {
		return id, nil
	}
	as := aws.ForService("cloudformation.amazonaws.com", p.account, p.region, st.id(p), st.As.Request)
	id, _, err := s.Roles.Assume(ctx, as, st.Role, "AWSCloudFormation")
	return id, err
}

// refs gives what Ref of a resource gives.
func refs(all map[string]*resourceRecord) func(string) (any, bool) {
	return func(logical string) (any, bool) {
		rec := all[logical]
		if rec == nil {
			return nil, false
		}
		if rec.Ref != "" {
			return rec.Ref, true
		}
		return rec.Physical, true
	}
}

// attributes gives what Fn::GetAtt of a resource gives.
func attributes(all map[string]*resourceRecord) func(string, string) (any, bool) {
	return func(logical, name string) (any, bool) {
		rec := all[logical]
		if rec == nil {
			return nil, false
		}
		v, ok := rec.Attributes[name]
		return v, ok
	}
}
