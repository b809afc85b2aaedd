package eventbridge

import (
	"time"

	"github.com/brume-dev/brume/store"
)

// What is listed and described lies in the home shard of its account and region:
//
//	home "events" "bus" name                 busRecord; the default bus has one once something about it was set
//	home "events" "next"                     counter behind the ids of buses, archives and replays
//	home "events" "gen" bus                  counter: changes of the bus, its rules, targets and archives
//	home "events" "rule" bus name            ruleRecord
//	home "events" "target" bus rule id       targetRecord
//	home "events" "of" arn bus rule id       nothing: the targets with an ARN
//	home "events" "archive" name             archiveRecord
//	home "events" "replay" name              replayRecord
//
// A bus is a resource of its own, by its id (the default bus has 0), where deliveries begin and archived events lie. Times
// are in microseconds.
//
//	bus "event" archive time id              entryRecord: an archived event by its own time
//	bus "age" archive ingested id            its time: the archived events in the order in which they came
//	bus "body" archive id                    the event (SetLarge)
//	bus "count" archive, bus "bytes" archive counters: archived events and their size
//	bus "gone" archive                       nothing: the archive is deleted
//	bus "cursor" replay                      cursorRecord: how far a replay has come
const service = "events"

func home(account, region string) store.Tuple { return store.Home(account, region).Text(service) }

// place is an account and region, whose names lie together.
type place struct{ account, region string }

func (p place) home() store.Tuple            { return home(p.account, p.region) }
func (p place) buses() store.Tuple           { return p.home().Text("bus") }
func (p place) next() store.Key              { return p.home().Text("next") }
func (p place) gen(bus string) store.Key     { return p.home().Text("gen").Text(bus) }
func (p place) rules(bus string) store.Tuple { return p.home().Text("rule").Text(bus) }
func (p place) archives() store.Tuple        { return p.home().Text("archive") }
func (p place) replays() store.Tuple         { return p.home().Text("replay") }

func (p place) busTargets(bus string) store.Tuple { return p.home().Text("target").Text(bus) }
func (p place) targets(bus, rule string) store.Tuple {
	return p.busTargets(bus).Text(rule)
}
func (p place) rulesOf(arn, bus string) store.Tuple {
	return p.home().Text("of").Text(arn).Text(bus)
}

// resource is the resource of a bus.
func (p place) resource(bus uint64) store.Tuple {
	return store.Tuple(nil).Text(service).Text(p.account).Text(p.region).Uint(bus)
}

// vault makes the keys of one archive in the shard of its bus.
type vault struct {
	bus store.Tuple
	id  uint64
}

func (v vault) events() store.Tuple         { return v.bus.Text("event").Uint(v.id) }
func (v vault) ages() store.Tuple           { return v.bus.Text("age").Uint(v.id) }
func (v vault) bodies() store.Tuple         { return v.bus.Text("body").Uint(v.id) }
func (v vault) count() store.Key            { return v.bus.Text("count").Uint(v.id) }
func (v vault) bytes() store.Key            { return v.bus.Text("bytes").Uint(v.id) }
func (v vault) gone() store.Key             { return v.bus.Text("gone").Uint(v.id) }
func (v vault) body(event string) store.Key { return v.bodies().Text(event) }
func (v vault) event(at time.Time, event string) store.Key {
	return v.events().Int(at.UnixMicro()).Text(event)
}
func (v vault) age(at time.Time, event string) store.Key {
	return v.ages().Int(at.UnixMicro()).Text(event)
}

func cursorKey(bus store.Tuple, replay uint64) store.Key { return bus.Text("cursor").Uint(replay) }
