package eventbridge

import (
	"time"

	"github.com/brume-dev/brume/api/eventbridgeapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/event/target"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
)

const version = 1 // of all records

// busRecord is an event bus.
type busRecord struct {
	ID          uint64            `cbor:"1,keyasint"`
	Created     time.Time         `cbor:"2,keyasint"`
	Modified    time.Time         `cbor:"3,keyasint"`
	Description string            `cbor:"4,keyasint,omitempty"`
	Key         string            `cbor:"5,keyasint,omitempty"`
	DeadLetter  string            `cbor:"6,keyasint,omitempty"`
	LogLevel    string            `cbor:"7,keyasint,omitempty"`
	LogDetail   string            `cbor:"8,keyasint,omitempty"`
	Policy      string            `cbor:"9,keyasint,omitempty"`
	Tags        map[string]string `cbor:"10,keyasint,omitempty"`
}

// ruleRecord is a rule.
type ruleRecord struct {
	Created     time.Time         `cbor:"1,keyasint"`
	CreatedBy   string            `cbor:"2,keyasint"`
	Pattern     string            `cbor:"3,keyasint,omitempty"`
	Schedule    string            `cbor:"4,keyasint,omitempty"`
	Anchor      time.Time         `cbor:"5,keyasint,omitzero"` // rates count from here
	State       string            `cbor:"6,keyasint"`
	Description string            `cbor:"7,keyasint,omitempty"`
	Role        string            `cbor:"8,keyasint,omitempty"`
	Tags        map[string]string `cbor:"9,keyasint,omitempty"`
	Archive     string            `cbor:"10,keyasint,omitempty"` // the rule is that of this archive
}

func (r *ruleRecord) enabled() bool { return r.State != string(eventbridgeapi.RuleStateDisabled) }

// targetRecord is a target of a rule.
type targetRecord struct {
	ID         string            `cbor:"1,keyasint"`
	ARN        string            `cbor:"2,keyasint"`
	Role       string            `cbor:"3,keyasint,omitempty"`
	Input      *string           `cbor:"4,keyasint,omitempty"`
	Path       *string           `cbor:"5,keyasint,omitempty"`
	Template   *string           `cbor:"6,keyasint,omitempty"`
	Paths      map[string]string `cbor:"7,keyasint,omitempty"`
	Group      *string           `cbor:"8,keyasint,omitempty"`
	DeadLetter *string           `cbor:"9,keyasint,omitempty"` // "" when the configuration names no queue
	Retry      bool              `cbor:"10,keyasint,omitempty"`
	Retries    *int32            `cbor:"11,keyasint,omitempty"`
	Age        *int32            `cbor:"12,keyasint,omitempty"`
	HTTP       *target.HTTP      `cbor:"13,keyasint,omitempty"` // of an API destination
}

// archiveRecord is an archive.
type archiveRecord struct {
	ID          uint64    `cbor:"1,keyasint"`
	Bus         string    `cbor:"2,keyasint"` // its name
	BusID       uint64    `cbor:"3,keyasint"`
	Created     time.Time `cbor:"4,keyasint"`
	Description *string   `cbor:"5,keyasint,omitempty"`
	Pattern     *string   `cbor:"6,keyasint,omitempty"`
	Days        int32     `cbor:"7,keyasint,omitempty"` // 0: for ever
	Key         *string   `cbor:"8,keyasint,omitempty"`
}

func (a *archiveRecord) retention() time.Duration { return time.Duration(a.Days) * 24 * time.Hour }

// replayRecord is a replay.
type replayRecord struct {
	ID          uint64    `cbor:"1,keyasint"`
	Archive     string    `cbor:"2,keyasint"` // its name
	ArchiveID   uint64    `cbor:"3,keyasint"`
	Bus         string    `cbor:"4,keyasint"` // its name
	BusID       uint64    `cbor:"5,keyasint"`
	Rules       []string  `cbor:"6,keyasint,omitempty"` // ARNs; none: all rules
	Start       time.Time `cbor:"7,keyasint"`
	End         time.Time `cbor:"8,keyasint"`
	State       string    `cbor:"9,keyasint"`
	Reason      *string   `cbor:"10,keyasint,omitempty"`
	Description *string   `cbor:"11,keyasint,omitempty"`
	Began       time.Time `cbor:"12,keyasint"`
	Ended       time.Time `cbor:"13,keyasint,omitzero"`
	Last        time.Time `cbor:"14,keyasint,omitzero"` // the time of the event replayed last
}

// entryRecord is an archived event beside its body.
type entryRecord struct {
	Ingested time.Time `cbor:"1,keyasint"`
	Size     int64     `cbor:"2,keyasint"`
}

// cursorRecord says that a replay has replayed all events up to one.
type cursorRecord struct {
	Time  time.Time `cbor:"1,keyasint"`
	Event string    `cbor:"2,keyasint"`
	Done  bool      `cbor:"3,keyasint,omitempty"`
}

// read decodes the record at k.
func read[T any](r store.Reader, k store.Key) (v T, ok bool, err error) {
	b, ok, err := r.Get(k)
	if err != nil || !ok {
		return v, false, err
	}
	return v, true, record.Decode(b, version, &v)
}

func write(tx store.Tx, k store.Key, v any) { tx.Set(k, record.Encode(version, v)) }

// ref is a bus by its place and name.
type ref struct {
	place
	name string
}

const defaultBus = "default"

func (b ref) arn() string { return b.make("event-bus/" + b.name) }

func (p place) make(resource string) string {
	return aws.MakeARN(service, p.region, p.account, resource).String()
}

func (b ref) ruleARN(rule string) string {
	if b.name == defaultBus {
		return b.make("rule/" + rule)
	}
	return b.make("rule/" + b.name + "/" + rule)
}

func (p place) archiveARN(name string) string { return p.make("archive/" + name) }
func (p place) replayARN(name string) string  { return p.make("replay/" + name) }

func (b ref) key() store.Key { return b.buses().Text(b.name) }

// readBus reads a bus. The default bus is always there.
func readBus(r store.Reader, b ref) (rec busRecord, ok bool, err error) {
	rec, ok, err = read[busRecord](r, b.key())
	return rec, ok || b.name == defaultBus, err
}

// mustBus is readBus for those who need one that is there.
func mustBus(r store.Reader, b ref) (busRecord, error) {
	rec, ok, err := readBus(r, b)
	if err == nil && !ok {
		err = noBus(b.name)
	}
	return rec, err
}

// changed notes in tx that what events on the bus meet is not what it was.
func changed(tx store.Tx, b ref) { tx.Add(b.gen(b.name), 1) }

// placed names something of an account and region: the arguments of promises about rules, archives and replays.
type placed struct {
	Account string `cbor:"1,keyasint"`
	Region  string `cbor:"2,keyasint"`
	Name    string `cbor:"3,keyasint"`
}

func (p placed) at() place { return place{p.Account, p.Region} }

// promiseID is the ID of a promise about something of an account and region: several of them may share a shard.
func promiseID(p place, name string) string { return p.account + "/" + p.region + "/" + name }
