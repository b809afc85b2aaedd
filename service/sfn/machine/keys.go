package machine

import (
	"strconv"
	"strings"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
)

// The keys of state machines. Names, versions and aliases lie in the home shard of the account and region; definitions,
// and what is run by them, in a shard of the machine's own.
//
//	home(account, region) "sfn" "ids"                     counter of machine numbers
//	home(account, region) "sfn" "machines"                counter of machines
//	home(account, region) "sfn" "machine" name            machineRecord
//	home(account, region) "sfn" "gen" name                counts changes of a machine, its versions and aliases
//	home(account, region) "sfn" "version" number n        versionRecord
//	home(account, region) "sfn" "alias" number name       aliasRecord
//
//	"sfn" account region number …                         with the machine's number (Spot.Resource):
//	  "revision" id                                       revisionRecord, in pieces
//	  "deleting"                                          there when the machine is being deleted
//	  "running"                                           counter of executions that run, kept by the engine
//	  …                                                   what the engine keeps: see there
const service = "sfn"

// Place is an account and region.
type Place struct {
	Account string `cbor:"1,keyasint"`
	Region  string `cbor:"2,keyasint"`
}

// Here is the place that a call acts in.
func Here(id aws.Identity) Place { return Place{id.Account, id.Region} }

func (p Place) home() store.Tuple     { return store.Home(p.Account, p.Region).Text(service) }
func (p Place) ids() store.Key        { return p.home().Text("ids") }
func (p Place) count() store.Key      { return p.home().Text("machines") }
func (p Place) machines() store.Tuple { return p.home().Text("machine") }

// Ref is a state machine by its place and name.
type Ref struct {
	Place
	Name string
}

// ARN is the machine's ARN, without a qualifier.
func (r Ref) ARN() string {
	return aws.MakeARN("states", r.Region, r.Account, machineType+":"+r.Name).String()
}

// Qualified is the ARN of a version or alias of the machine.
func (r Ref) Qualified(qualifier string) string { return r.ARN() + ":" + qualifier }

// Execution is the ARN of an execution of the machine.
func (r Ref) Execution(name string) string {
	return aws.MakeARN("states", r.Region, r.Account, "execution:"+r.Name+":"+name).String()
}

func (r Ref) version(n int64) string { return r.Qualified(strconv.FormatInt(n, 10)) }
func (r Ref) key() store.Key         { return r.machines().Text(r.Name) }
func (r Ref) gen() store.Key         { return r.home().Text("gen").Text(r.Name) }

// Spot is a state machine with its number: what belongs to it goes by that, so that another machine of the same name does
// not get it.
type Spot struct {
	Ref
	ID uint64
}

// Resource is the resource of what belongs to the machine: the shard and the prefix of its keys.
func (s Spot) Resource() store.Tuple {
	return store.Tuple(nil).Text(service).Text(s.Account).Text(s.Region).Uint(s.ID)
}

// Deleting is the key, in the machine's own shard, that is there when the machine is being deleted: its executions end
// at their next transition, and none starts.
func (s Spot) Deleting() store.Key { return s.Resource().Text("deleting") }

// Running is the key, in the machine's own shard, of the counter of executions that run. Who runs them keeps it with Add;
// the machine is gone when it is 0.
func (s Spot) Running() store.Key { return s.Resource().Text("running") }

func (s Spot) revision(id string) store.Key { return s.Resource().Text("revision").Text(id) }
func (s Spot) versions() store.Tuple        { return s.home().Text("version").Uint(s.ID) }
func (s Spot) versionKey(n int64) store.Key { return s.versions().Uint(uint64(n)) }
func (s Spot) aliases() store.Tuple         { return s.home().Text("alias").Uint(s.ID) }
func (s Spot) alias(name string) store.Key  { return s.aliases().Text(name) }

const machineType = "stateMachine"

// Name is what an ARN names: a machine, one of its versions or aliases, or a distributed map in it.
type Name struct {
	Ref
	Qualifier string // version or alias, "" for the machine
	Label     string // of a Map state, "" for none
}

// ParseARN reads the ARN of a state machine, with or without a qualifier or label. Errors are InvalidArn.
func ParseARN(arn string) (Name, error) {
	kind, rest, place, err := splitARN(arn)
	if err != nil {
		return Name{}, err
	}
	if kind != machineType {
		return Name{}, InvalidARN("Resource type not valid in this context: " + kind)
	}
	name, qualifier, qualified := strings.Cut(rest, ":")
	n := Name{Ref: Ref{place, name}, Qualifier: qualifier}
	n.Name, n.Label, _ = strings.Cut(name, "/")
	if n.Name == "" || qualified && (qualifier == "" || strings.Contains(qualifier, ":")) {
		return Name{}, InvalidARN("Invalid ARN: " + arn)
	}
	return n, nil
}

// splitARN reads an ARN of Step Functions: the type of resource, and what follows it.
func splitARN(arn string) (kind, rest string, p Place, err error) {
	a, parseErr := aws.ParseARN(arn)
	if parseErr != nil || a.Partition != aws.Partition || a.Service != "states" || a.Region == "" || len(a.Account) != 12 {
		return "", "", p, InvalidARN("Invalid ARN prefix: " + arn)
	}
	kind, rest, _ = strings.Cut(a.Resource, ":")
	return kind, rest, Place{a.Account, a.Region}, nil
}

// IsVersion tells the qualifier of a version, a number, from that of an alias.
func IsVersion(qualifier string) (int64, bool) {
	n, err := strconv.ParseInt(qualifier, 10, 64)
	return n, err == nil && n > 0 && qualifier[0] != '0' && qualifier[0] != '+'
}
