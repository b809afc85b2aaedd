package cloudformation

import (
	"github.com/brume-dev/brume/store"
)

// The keys of CloudFormation all lie in the home shard of their account and region. A stack is named by the UUID at the
// end of its id.
//
//	home(account, region) "cloudformation" "name" name            uuid of the stack that has the name
//	… "stack" uuid                                                stackRecord
//	… "made" time uuid                                            nothing: the stacks in order of their creation
//	… "version" uuid number                                       versionRecord (large): a template with its parameters
//	… "resource" uuid logical id                                  resourceRecord (large)
//	… "event" uuid number                                         eventRecord
//	… "events" uuid                                               counter of events
//	… "change" uuid change set name                               changeRecord (large)
//	… "export" name                                               exportRecord
//	… "import" name uuid                                          nothing: the stacks that import a value
//	… "policy" uuid                                               JSON: the stack policy
//
// Package answer keeps what it waits for below "callback" and "signal".
const service = "cloudformation"

// place is where the stacks of an account and region lie.
type place struct{ account, region string }

func (p place) resource() store.Tuple { return store.Home(p.account, p.region) }
func (p place) root() store.Tuple     { return p.resource().Text(service) }

func (p place) name(name string) store.Tuple       { return p.root().Text("name").Text(name) }
func (p place) stack(uuid string) store.Tuple      { return p.root().Text("stack").Text(uuid) }
func (p place) made() store.Tuple                  { return p.root().Text("made") }
func (p place) version(uuid string) store.Tuple    { return p.root().Text("version").Text(uuid) }
func (p place) resources(uuid string) store.Tuple  { return p.root().Text("resource").Text(uuid) }
func (p place) events(uuid string) store.Tuple     { return p.root().Text("event").Text(uuid) }
func (p place) eventCount(uuid string) store.Tuple { return p.root().Text("events").Text(uuid) }
func (p place) changes(uuid string) store.Tuple    { return p.root().Text("change").Text(uuid) }
func (p place) exports() store.Tuple               { return p.root().Text("export") }
func (p place) imports(name string) store.Tuple    { return p.root().Text("import").Text(name) }
func (p place) policy(uuid string) store.Key       { return store.Key(p.root().Text("policy").Text(uuid)) }
