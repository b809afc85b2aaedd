package applicationautoscaling

import (
	"time"

	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
)

// Everything lies in the home shard of the account and region. Keys, after store.Home(account, region):
//
//	"scaling" "t" namespace dimension resource        target
//	"scaling" "p" namespace dimension resource name   policy
//	"scaling" "s" namespace dimension resource name   scheduled action
//	"scaling" "a" namespace age id                    activity, the newest first
//	"scaling" "i" id                                  target of an ARN
//	"scaling" "g" id                                  tags of a target

const recordVersion = 1

// space is the keys of an account and region.
type space struct {
	root            store.Tuple
	account, region string
}

func spaceOf(account, region string) space {
	return space{root: store.Home(account, region).Text("scaling"), account: account, region: region}
}

// place is a target: what is scaled.
type place struct {
	space
	Namespace string `cbor:"1,keyasint"`
	Dimension string `cbor:"2,keyasint"`
	Resource  string `cbor:"3,keyasint"`
}

func (p place) target() store.Key {
	return p.root.Text("t").Text(p.Namespace).Text(p.Dimension).Text(p.Resource)
}
func (p place) policies() store.Tuple {
	return p.root.Text("p").Text(p.Namespace).Text(p.Dimension).Text(p.Resource)
}
func (p place) scheduled() store.Tuple {
	return p.root.Text("s").Text(p.Namespace).Text(p.Dimension).Text(p.Resource)
}
func (p place) policy(n string) store.Key { return p.policies().Text(n) }
func (p place) action(n string) store.Key { return p.scheduled().Text(n) }

// name names the place, and what belongs to it, among promises.
func (p place) name(of string) string {
	return p.Namespace + " " + p.Dimension + " " + p.Resource + " " + of
}

func (k space) activities(namespace string) store.Tuple { return k.root.Text("a").Text(namespace) }
func (k space) owner(id string) store.Key               { return k.root.Text("i").Text(id) }
func (k space) tags(id string) store.Key                { return k.root.Text("g").Text(id) }

// target is a ScalableTarget.
type target struct {
	ID      string    `cbor:"1,keyasint"`
	Min     int32     `cbor:"2,keyasint"`
	Max     int32     `cbor:"3,keyasint"`
	Role    string    `cbor:"4,keyasint"`
	Created time.Time `cbor:"5,keyasint"`
	NoIn    bool      `cbor:"6,keyasint,omitempty"` // what is suspended
	NoOut   bool      `cbor:"7,keyasint,omitempty"`
	NoPlan  bool      `cbor:"8,keyasint,omitempty"`
}

// policy is a ScalingPolicy.
type policy struct {
	ARN     string    `cbor:"1,keyasint"`
	Type    string    `cbor:"2,keyasint"`
	Config  []byte    `cbor:"3,keyasint"` // JSON of the configuration of its type
	Created time.Time `cbor:"4,keyasint"`
	// What it has seen: how many looks in a row were above, or below, and when it last scaled.
	Above int       `cbor:"5,keyasint,omitempty"`
	Below int       `cbor:"6,keyasint,omitempty"`
	Out   time.Time `cbor:"7,keyasint"`
	In    time.Time `cbor:"8,keyasint"`
}

// action is a ScheduledAction.
type action struct {
	ARN      string     `cbor:"1,keyasint"`
	Schedule string     `cbor:"2,keyasint"`
	Zone     string     `cbor:"3,keyasint,omitempty"`
	Start    *time.Time `cbor:"4,keyasint,omitempty"`
	End      *time.Time `cbor:"5,keyasint,omitempty"`
	Min      *int32     `cbor:"6,keyasint,omitempty"`
	Max      *int32     `cbor:"7,keyasint,omitempty"`
	Created  time.Time  `cbor:"8,keyasint"`
}

// activity is a ScalingActivity.
type activity struct {
	Place       place     `cbor:"1,keyasint"`
	Description string    `cbor:"2,keyasint"`
	Cause       string    `cbor:"3,keyasint"`
	Begun       time.Time `cbor:"4,keyasint"`
	Status      string    `cbor:"5,keyasint"`
	Message     string    `cbor:"6,keyasint"`
}

func encode(v any) store.Value { return record.Encode(recordVersion, v) }

func decode(b store.Value, v any) error { return record.Decode(b, recordVersion, v) }

// get reads the record at key, nil when there is none.
func get[T any](r store.Reader, key store.Key) (*T, error) {
	b, ok, err := r.Get(key)
	if err != nil || !ok {
		return nil, err
	}
	v := new(T)
	return v, decode(b, v)
}
