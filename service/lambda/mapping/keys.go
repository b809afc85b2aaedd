package mapping

import (
	"time"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/lambda/keys"
	"github.com/brume-dev/brume/store"
)

// Mappings lie in the home shard of their account and region. Keys, after store.Home(account, region):
//
//	"lambda" "em" uuid              mapping
//	"lambda" "ef" function uuid     mappings of a function, by its ARN with the qualifier
//	"lambda" "es" source uuid       mappings of a source, by its ARN
//	"lambda" "ec" uuid shard        how far a shard of a stream is processed (source.Position without its State)
//	"lambda" "ew" uuid shard        the state of its tumbling window (large)
//
// In the same shard, so that a process finds what it has to read:
//
//	"lambda.mappings" account region uuid   an enabled mapping → its revision

// mapping is an event source mapping.
type mapping struct {
	Function string `cbor:"1,keyasint"` // ARN with the qualifier that it was named by
	Name     string `cbor:"2,keyasint"` // of the function
	Source   string `cbor:"3,keyasint"`
	Batch    int32  `cbor:"4,keyasint"`
	Window   int32  `cbor:"5,keyasint,omitempty"` // seconds

	Filters    []string  `cbor:"6,keyasint,omitempty"`
	Key        string    `cbor:"7,keyasint,omitempty"`
	Metrics    []string  `cbor:"8,keyasint,omitempty"`
	HasMetrics bool      `cbor:"9,keyasint,omitempty"`
	Most       *int32    `cbor:"10,keyasint,omitempty"` // MaximumConcurrency
	Report     bool      `cbor:"11,keyasint,omitempty"` // ReportBatchItemFailures
	Pollers    *pollers  `cbor:"12,keyasint,omitempty"`
	Enabled    bool      `cbor:"13,keyasint,omitempty"` // as is wanted
	State      string    `cbor:"14,keyasint"`
	Modified   time.Time `cbor:"15,keyasint"`
	Revision   string    `cbor:"16,keyasint"` // changes with whatever a reader is made from

	Tags map[string]string `cbor:"17,keyasint,omitempty"`

	Stream *stream `cbor:"18,keyasint,omitempty"` // nil for queues
}

// stream is what only mappings from streams have.
type stream struct {
	Start     string `cbor:"1,keyasint"` // StartingPosition
	Begun     bool   `cbor:"2,keyasint,omitempty"`
	Lanes     int32  `cbor:"3,keyasint"` // ParallelizationFactor
	Bisect    bool   `cbor:"4,keyasint,omitempty"`
	MaxAge    int32  `cbor:"5,keyasint"`           // seconds, -1: any
	Retries   int32  `cbor:"6,keyasint"`           // -1: any number
	Tumbling  int32  `cbor:"7,keyasint,omitempty"` // seconds
	OnFailure string `cbor:"8,keyasint,omitempty"`
}

// pollers is the ProvisionedPollerConfig.
type pollers struct {
	Min *int32 `cbor:"1,keyasint,omitempty"`
	Max *int32 `cbor:"2,keyasint,omitempty"`
}

// The states of a mapping.
const (
	creating  = "Creating"
	enabling  = "Enabling"
	enabled   = "Enabled"
	disabling = "Disabling"
	disabled  = "Disabled"
	updating  = "Updating"
	deleting  = "Deleting"
)

// place is where a mapping is.
type place struct {
	Account string `cbor:"1,keyasint"`
	Region  string `cbor:"2,keyasint"`
	UUID    string `cbor:"3,keyasint"`
}

func (p place) space() space   { return spaceOf(p.Account, p.Region) }
func (p place) key() store.Key { return p.space().mapping(p.UUID) }
func (p place) read() store.Key {
	return toRead().Text(p.Account).Text(p.Region).Text(p.UUID)
}

// toRead are the mappings of a shard that are enabled.
func toRead() store.Tuple { return store.Tuple(nil).Text("lambda.mappings") }

// space is the keys of an account and region.
type space struct {
	root            store.Tuple
	account, region string
}

func spaceOf(account, region string) space {
	return space{store.Home(account, region).Text("lambda"), account, region}
}

func (k space) mappings() store.Tuple             { return k.root.Text("em") }
func (k space) mapping(uuid string) store.Key     { return k.mappings().Text(uuid) }
func (k space) ofFunction(arn string) store.Tuple { return k.root.Text("ef").Text(arn) }
func (k space) ofSource(arn string) store.Tuple   { return k.root.Text("es").Text(arn) }
func (k space) done(uuid string) store.Tuple      { return k.root.Text("ec").Text(uuid) }
func (k space) windows(uuid string) store.Tuple   { return k.root.Text("ew").Text(uuid) }
func (k space) at(uuid string) place              { return place{k.account, k.region, uuid} }

func arnOf(account, region, uuid string) string {
	return aws.MakeARN("lambda", region, account, "event-source-mapping:"+uuid).String()
}

// at returns the mapping at a place, nil when there is none.
func at(r store.Reader, p place) (*mapping, error) {
	b, ok, err := r.Get(p.key())
	if err != nil || !ok {
		return nil, err
	}
	m := new(mapping)
	return m, keys.Decode(b, m)
}

// put writes a mapping and its indexes.
func put(tx store.Tx, p place, m *mapping) {
	k := p.space()
	tx.Set(p.key(), keys.Encode(m))
	tx.Set(k.ofFunction(m.Function).Text(p.UUID), nil)
	tx.Set(k.ofSource(m.Source).Text(p.UUID), nil)
}

// remove deletes a mapping and its indexes.
func remove(tx store.Tx, p place, m *mapping) {
	k := p.space()
	tx.Delete(p.key())
	tx.Delete(k.ofFunction(m.Function).Text(p.UUID))
	tx.Delete(k.ofSource(m.Source).Text(p.UUID))
}

// setRead has the source of a mapping read, or not any more.
func setRead(tx store.Tx, p place, m *mapping, read bool) {
	if read {
		tx.Set(p.read(), store.Value(m.Revision))
	} else {
		tx.Delete(p.read())
	}
	tx.Signal(toRead())
}
