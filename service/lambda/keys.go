package lambda

import (
	"strconv"
	"time"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
)

// Functions lie in the home shard of their account and region. Keys, after store.Home(account, region):
//
//	"lambda" "f" name               function: what its versions share, and $LATEST
//	"lambda" "v" name number        a published version
//	"lambda" "a" name alias         alias
//	"lambda" "p" name qualifier     resource policy; qualifier "" is the function itself, else a version or an alias
//	"lambda" "e" name qualifier     settings of asynchronous invocation; qualifier "$LATEST", a version or an alias
//	"lambda" "t" name               tags
//	"lambda" "u" blob name number   a use of a package, by $LATEST (number 0) or a version
//	"lambda" "n"                    counter: functions
//	"lambda" "b"                    counter: bytes of packages
//	"lambda" "r"                    counter: reserved concurrency
//
// The global shard says whose a package is, so that the sweeper of blobs can ask:
//
//	"lambda" "o" blob               owner
//
// Events that wait for an asynchronous invocation are promises in the shard of their function, store.Tuple "lambda"
// account region name, which has nothing else.

const recordVersion = 1

// function is what the versions of a function share.
type function struct {
	ID       string `cbor:"1,keyasint"` // of this function for ever; another of the same name has another
	Latest   config `cbor:"2,keyasint"`
	Newest   int64  `cbor:"3,keyasint,omitempty"` // number of the version published last; 0: none
	Reserved *int32 `cbor:"4,keyasint,omitempty"` // reserved concurrency
}

// config is a version: the code and how it runs.
type config struct {
	Number   int64     `cbor:"1,keyasint,omitempty"` // 0: $LATEST
	Revision string    `cbor:"2,keyasint"`
	Epoch    string    `cbor:"3,keyasint"` // changes with whatever environments are made from
	Modified time.Time `cbor:"4,keyasint"`

	Runtime     string            `cbor:"5,keyasint"`
	Handler     string            `cbor:"6,keyasint,omitempty"`
	Role        string            `cbor:"7,keyasint"`
	Description string            `cbor:"8,keyasint,omitempty"`
	Timeout     int32             `cbor:"9,keyasint"`
	MemoryMB    int32             `cbor:"10,keyasint"`
	TmpMB       int32             `cbor:"11,keyasint"`
	Env         map[string]string `cbor:"12,keyasint,omitempty"`
	HasEnv      bool              `cbor:"13,keyasint,omitempty"`
	DeadLetter  string            `cbor:"14,keyasint,omitempty"`
	Tracing     string            `cbor:"15,keyasint"`
	Key         string            `cbor:"16,keyasint,omitempty"`
	Arch        string            `cbor:"17,keyasint"`
	Logging     logging           `cbor:"18,keyasint"`
	Network     *network          `cbor:"19,keyasint,omitempty"`
	SnapStart   string            `cbor:"20,keyasint,omitempty"`

	Package pack `cbor:"21,keyasint"`

	State        string `cbor:"22,keyasint"`
	StateReason  string `cbor:"23,keyasint,omitempty"`
	StateCode    string `cbor:"24,keyasint,omitempty"`
	Update       string `cbor:"25,keyasint"`
	UpdateReason string `cbor:"26,keyasint,omitempty"`
	UpdateCode   string `cbor:"27,keyasint,omitempty"`
}

// pack is a deployment package.
type pack struct {
	Blob   string `cbor:"1,keyasint"`
	Size   int64  `cbor:"2,keyasint"`
	SHA256 string `cbor:"3,keyasint"` // in base64
}

// logging is the LoggingConfig.
type logging struct {
	Format      string `cbor:"1,keyasint"`
	Application string `cbor:"2,keyasint,omitempty"`
	System      string `cbor:"3,keyasint,omitempty"`
	Group       string `cbor:"4,keyasint"`
}

// network is the VpcConfig, which is kept and has no effect.
type network struct {
	Subnets []string `cbor:"1,keyasint,omitempty"`
	Groups  []string `cbor:"2,keyasint,omitempty"`
	IPv6    bool     `cbor:"3,keyasint,omitempty"`
}

// alias is a name for a version, or for two by weight.
type alias struct {
	Version     string             `cbor:"1,keyasint"`
	Description string             `cbor:"2,keyasint,omitempty"`
	Revision    string             `cbor:"3,keyasint"`
	Weights     map[string]float64 `cbor:"4,keyasint,omitempty"`
}

// asyncConfig is the FunctionEventInvokeConfig.
type asyncConfig struct {
	Modified  time.Time `cbor:"1,keyasint"`
	Retries   *int32    `cbor:"2,keyasint,omitempty"`
	MaxAge    *int32    `cbor:"3,keyasint,omitempty"` // seconds
	OnSuccess string    `cbor:"4,keyasint,omitempty"`
	OnFailure string    `cbor:"5,keyasint,omitempty"`
}

// resourcePolicy is the policy of a function, version or alias.
type resourcePolicy struct {
	Revision   string      `cbor:"1,keyasint"`
	Statements []statement `cbor:"2,keyasint,omitempty"`
}

type statement struct {
	ID   string `cbor:"1,keyasint"`
	Text string `cbor:"2,keyasint"` // JSON
}

// owner says whose a package is.
type owner struct {
	Account string `cbor:"1,keyasint"`
	Region  string `cbor:"2,keyasint"`
}

// space is the keys of an account and region.
type space struct {
	root            store.Tuple
	account, region string
}

func spaceOf(account, region string) space {
	return space{root: store.Home(account, region).Text("lambda"), account: account, region: region}
}

func (k space) functions() store.Tuple                 { return k.root.Text("f") }
func (k space) function(name string) store.Key         { return k.functions().Text(name) }
func (k space) versions(name string) store.Tuple       { return k.root.Text("v").Text(name) }
func (k space) version(name string, n int64) store.Key { return k.versions(name).Int(n) }
func (k space) aliases(name string) store.Tuple        { return k.root.Text("a").Text(name) }
func (k space) alias(name, a string) store.Key         { return k.aliases(name).Text(a) }
func (k space) policies(name string) store.Tuple       { return k.root.Text("p").Text(name) }
func (k space) policy(name, q string) store.Key        { return k.policies(name).Text(q) }
func (k space) asyncs(name string) store.Tuple         { return k.root.Text("e").Text(name) }
func (k space) async(name, q string) store.Key         { return k.asyncs(name).Text(q) }
func (k space) tags(name string) store.Key             { return k.root.Text("t").Text(name) }
func (k space) uses(blob string) store.Tuple           { return k.root.Text("u").Text(blob) }
func (k space) use(blob, name string, n int64) store.Key {
	return k.uses(blob).Text(name).Int(n)
}
func (k space) count() store.Key    { return k.root.Text("n") }
func (k space) bytes() store.Key    { return k.root.Text("b") }
func (k space) reserved() store.Key { return k.root.Text("r") }

func ownerKey(blob string) store.Key {
	return store.Global().Text("lambda").Text("o").Text(blob)
}

// arn is the ARN of a function, version or alias; an empty qualifier gives that of the function.
func (k space) arn(name, qualifier string) string {
	if qualifier != "" {
		name += ":" + qualifier
	}
	return aws.MakeARN("lambda", k.region, k.account, "function:"+name).String()
}

// home names the account and region in maps.
func (k space) home() string { return k.account + " " + k.region }

// home is the shard of the names and settings of functions.
func (s *Service) home(k space) store.Shard { return s.Store.Shard(store.Home(k.account, k.region)) }

// queue is the shard of the events that wait for a function.
func (s *Service) queue(k space, name string) store.Shard {
	return s.Store.Shard(store.Tuple(nil).Text("lambda").Text(k.account).Text(k.region).Text(name))
}

// version is how AWS writes the number of a version.
func (c *config) version() string { return versionText(c.Number) }

func versionText(n int64) string {
	if n == 0 {
		return latest
	}
	return strconv.FormatInt(n, 10)
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
