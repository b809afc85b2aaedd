package lambda

import (
	"strconv"
	"time"

	"github.com/brume-dev/brume/service/lambda/code"
	"github.com/brume-dev/brume/service/lambda/keys"
	"github.com/brume-dev/brume/service/lambda/layer"
)

// The records of functions; package keys says where they lie.

type (
	space = keys.Space
	place = keys.Place
)

// function is what the versions of a function share.
type function struct {
	ID       string `cbor:"1,keyasint"` // of this function for ever; another of the same name has another
	Latest   config `cbor:"2,keyasint"`
	Newest   int64  `cbor:"3,keyasint,omitempty"` // number of the version published last; 0: none
	Reserved *int32 `cbor:"4,keyasint,omitempty"` // reserved concurrency
	Signing  string `cbor:"5,keyasint,omitempty"` // ARN of the code signing configuration
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
	Layers      []layer.Ref       `cbor:"28,keyasint,omitempty"`
	SourceKey   string            `cbor:"29,keyasint,omitempty"` // of the package, which is kept and has no effect

	Package code.Pack `cbor:"21,keyasint"`

	State        string `cbor:"22,keyasint"`
	StateReason  string `cbor:"23,keyasint,omitempty"`
	StateCode    string `cbor:"24,keyasint,omitempty"`
	Update       string `cbor:"25,keyasint"`
	UpdateReason string `cbor:"26,keyasint,omitempty"`
	UpdateCode   string `cbor:"27,keyasint,omitempty"`
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

// version is how AWS writes the number of a version.
func (c *config) version() string { return versionText(c.Number) }

func versionText(n int64) string {
	if n == 0 {
		return keys.Latest
	}
	return strconv.FormatInt(n, 10)
}
