package machine

import (
	"time"

	"github.com/brume-dev/brume/api/sfnapi"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
)

const version = 1 // of all records

// machineRecord is a state machine.
type machineRecord struct {
	ID        uint64            `cbor:"1,keyasint"`
	Created   time.Time         `cbor:"2,keyasint"`
	Express   bool              `cbor:"3,keyasint,omitempty"`
	Deleting  bool              `cbor:"4,keyasint,omitempty"`
	Revision  string            `cbor:"5,keyasint"`           // the current one
	Versions  int64             `cbor:"6,keyasint,omitempty"` // the last number that was given
	Published int64             `cbor:"7,keyasint,omitempty"` // the version that the current revision was published as
	Kept      int64             `cbor:"8,keyasint,omitempty"` // versions that are there
	Aliases   int64             `cbor:"9,keyasint,omitempty"`
	Tags      map[string]string `cbor:"10,keyasint,omitempty"`
	// First says that its creation published a version, FirstText with what description: by them, too, a repeated request
	// is known.
	First     bool   `cbor:"11,keyasint,omitempty"`
	FirstText string `cbor:"12,keyasint,omitempty"`
}

func (m *machineRecord) kind() sfnapi.StateMachineType {
	if m.Express {
		return sfnapi.StateMachineTypeExpress
	}
	return sfnapi.StateMachineTypeStandard
}

// revisionRecord is a definition with its settings. It never changes.
type revisionRecord struct {
	Definition string     `cbor:"1,keyasint"`
	Role       string     `cbor:"2,keyasint"`
	Logging    Logging    `cbor:"3,keyasint"`
	Tracing    bool       `cbor:"4,keyasint,omitempty"`
	Encryption encryption `cbor:"5,keyasint,omitzero"`
	Created    time.Time  `cbor:"6,keyasint"`
	Express    bool       `cbor:"7,keyasint,omitempty"`
	// Shown is the revision id that the API shows: none before the first update.
	Shown   string `cbor:"8,keyasint,omitempty"`
	DataKey []byte `cbor:"9,keyasint,omitempty"` // see Revision
}

// Logging says which events of an execution are logged, and where.
type Logging struct {
	Level string `cbor:"1,keyasint,omitempty"` // "ALL", "ERROR", "FATAL"; "" and "OFF": none
	Data  bool   `cbor:"2,keyasint,omitempty"` // input, output and the like are logged too
	Group string `cbor:"3,keyasint,omitempty"` // ARN of the log group, which ends in ":*"
	// 4 said that a configuration was given.
}

// encryption is the key that a machine was given.
type encryption struct {
	Type  string `cbor:"1,keyasint,omitempty"`
	Key   string `cbor:"2,keyasint,omitempty"`
	Reuse int32  `cbor:"3,keyasint,omitempty"` // seconds
}

// versionRecord is a version.
type versionRecord struct {
	Revision    string    `cbor:"1,keyasint"`
	Created     time.Time `cbor:"2,keyasint"`
	Description string    `cbor:"3,keyasint,omitempty"`
	Aliases     int64     `cbor:"4,keyasint,omitempty"` // that route to it
}

// aliasRecord is an alias.
type aliasRecord struct {
	Created     time.Time `cbor:"1,keyasint"`
	Updated     time.Time `cbor:"2,keyasint"`
	Description string    `cbor:"3,keyasint,omitempty"`
	Routes      []route   `cbor:"4,keyasint"`
}

// route is a share of an alias's executions.
type route struct {
	Version int64 `cbor:"1,keyasint"`
	Weight  int32 `cbor:"2,keyasint"` // in hundredths
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

func readCount(r store.Reader, k store.Key) (int64, error) {
	v, _, err := r.Get(k)
	return store.ReadCounter(v), err
}
