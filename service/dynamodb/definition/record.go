// Package definition is what a table of DynamoDB is: its keys, indexes, throughput and settings, how CreateTable and
// UpdateTable make and change them, and how DescribeTable shows them. It knows no store; a Record is what is stored.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateTable.html
package definition

import (
	"net/http"
	"time"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/dynamodb/expression"
)

// Version is the version of Record.
const Version = 1

// Record is what is stored of a table. It changes rarely; what changes with every item lies beside it. A Record that
// somebody may see does not change: Update works on a copy.
type Record struct {
	ID         uint64      `cbor:"1,keyasint"`
	UUID       string      `cbor:"2,keyasint"`
	Created    time.Time   `cbor:"3,keyasint"`
	Attributes []Attribute `cbor:"4,keyasint"`
	Hash       string      `cbor:"5,keyasint"`
	Sort       string      `cbor:"6,keyasint,omitempty"`

	Provisioned     bool      `cbor:"7,keyasint,omitempty"`
	Read            int64     `cbor:"8,keyasint,omitempty"` // provisioned units
	Write           int64     `cbor:"9,keyasint,omitempty"`
	Increased       time.Time `cbor:"10,keyasint,omitzero"`
	Decreased       time.Time `cbor:"11,keyasint,omitzero"`
	OnDemandSince   time.Time `cbor:"12,keyasint,omitzero"`
	MaxRead         int64     `cbor:"13,keyasint,omitempty"` // on-demand limits; 0: none
	MaxWrite        int64     `cbor:"14,keyasint,omitempty"`
	Protected       bool      `cbor:"15,keyasint,omitempty"`
	Class           string    `cbor:"16,keyasint,omitempty"`
	ClassChanged    time.Time `cbor:"17,keyasint,omitzero"`
	KMSKey          string    `cbor:"18,keyasint,omitempty"` // ARN; "": the key is AWS's
	WarmRead        int64     `cbor:"19,keyasint,omitempty"`
	WarmWrite       int64     `cbor:"20,keyasint,omitempty"`
	DecreasesToday  int64     `cbor:"21,keyasint,omitempty"`
	BillingReported bool      `cbor:"22,keyasint,omitempty"` // BillingModeSummary is shown
	HasPolicy       bool      `cbor:"23,keyasint,omitempty"` // there is a resource policy beside the record

	Locals    []Index `cbor:"24,keyasint,omitempty"`
	Globals   []Index `cbor:"25,keyasint,omitempty"`
	LastIndex uint64  `cbor:"26,keyasint,omitempty"` // the last id given to an index

	Stream     Stream   `cbor:"27,keyasint,omitzero"`
	Expiry     Expiry   `cbor:"28,keyasint,omitzero"`
	Restored   Restored `cbor:"30,keyasint,omitzero"`
	LastStream uint64   `cbor:"31,keyasint,omitempty"` // the last number given to a stream
	Recovery   Recovery `cbor:"33,keyasint,omitzero"`
	Copies     []Copy   `cbor:"34,keyasint,omitempty"` // that are being made

	Insights []Insight `cbor:"35,keyasint,omitempty"`
}

// Attribute is the definition of an attribute that is in a key.
type Attribute struct {
	Name string `cbor:"1,keyasint"`
	Type string `cbor:"2,keyasint"` // "S", "N", "B"
}

// Stream is the stream of a table's changes; Label is "" while none is enabled.
type Stream struct {
	Number  uint64 `cbor:"1,keyasint,omitempty"`
	Label   string `cbor:"2,keyasint,omitempty"` // the time of its creation, as in its ARN; also of one that has ended
	View    string `cbor:"3,keyasint,omitempty"`
	Enabled bool   `cbor:"4,keyasint,omitempty"`
}

// Expiry says which attribute holds the time at which an item expires; Attribute is "" while none does.
type Expiry struct {
	Attribute string    `cbor:"1,keyasint,omitempty"`
	Changed   time.Time `cbor:"2,keyasint,omitzero"`
	Filling   bool      `cbor:"3,keyasint,omitempty"` // the items of before are still being looked at
	Round     uint64    `cbor:"4,keyasint,omitempty"` // counts how often expiry was enabled
}

// Restored says from where a table was restored.
type Restored struct {
	Backup string    `cbor:"1,keyasint,omitempty"` // ARN
	Table  string    `cbor:"2,keyasint,omitempty"` // ARN
	Time   time.Time `cbor:"3,keyasint,omitzero"`

	Filling bool `cbor:"4,keyasint,omitempty"` // the items are still being put into it
}

// Insight is the setting of contributor insights of the table or of one of its global indexes.
type Insight struct {
	Index   string    `cbor:"1,keyasint,omitempty"` // "": the table
	On      bool      `cbor:"2,keyasint,omitempty"`
	Mode    string    `cbor:"3,keyasint,omitempty"`
	Changed time.Time `cbor:"4,keyasint"`
}

// Copy is a copy of the table that is being made.
type Copy struct {
	ID    uint64 `cbor:"1,keyasint"`
	Whole bool   `cbor:"2,keyasint,omitempty"` // nothing is missing in it any more
}

// Recovery is the setting of point-in-time recovery.
type Recovery struct {
	Enabled bool      `cbor:"1,keyasint,omitempty"`
	Days    int32     `cbor:"2,keyasint,omitempty"`
	Since   time.Time `cbor:"3,keyasint,omitzero"`
}

// Index is a secondary index. Local ones have the table's partition key and no throughput of their own.
type Index struct {
	ID         uint64     `cbor:"1,keyasint"`
	Name       string     `cbor:"2,keyasint"`
	Hash       []string   `cbor:"3,keyasint"`
	Sort       []string   `cbor:"4,keyasint,omitempty"`
	Projection string     `cbor:"5,keyasint"` // ALL, KEYS_ONLY, INCLUDE
	NonKey     []string   `cbor:"6,keyasint,omitempty"`
	Throughput Throughput `cbor:"7,keyasint,omitzero"`
	Status     Status     `cbor:"8,keyasint,omitempty"`
	Filling    bool       `cbor:"9,keyasint,omitempty"` // the items of before are being put into it
}

// Status is what becomes of an index.
type Status uint8

// The states of an index.
const (
	Active Status = iota
	Creating
	Deleting
)

// Throughput is what a table or a global index may do in a second. Zero limits are none.
type Throughput struct {
	Read           int64     `cbor:"1,keyasint,omitempty"` // provisioned
	Write          int64     `cbor:"2,keyasint,omitempty"`
	Increased      time.Time `cbor:"3,keyasint,omitzero"`
	Decreased      time.Time `cbor:"4,keyasint,omitzero"`
	DecreasesToday int64     `cbor:"5,keyasint,omitempty"`
	MaxRead        int64     `cbor:"6,keyasint,omitempty"` // on demand
	MaxWrite       int64     `cbor:"7,keyasint,omitempty"`
	WarmRead       int64     `cbor:"8,keyasint,omitempty"`
	WarmWrite      int64     `cbor:"9,keyasint,omitempty"`
}

// OwnThroughput is the throughput of the table itself.
func (rec *Record) OwnThroughput() Throughput {
	return Throughput{rec.Read, rec.Write, rec.Increased, rec.Decreased, rec.DecreasesToday, rec.MaxRead, rec.MaxWrite,
		rec.WarmRead, rec.WarmWrite}
}

func (rec *Record) setThroughput(t Throughput) {
	rec.Read, rec.Write, rec.Increased, rec.Decreased, rec.DecreasesToday = t.Read, t.Write, t.Increased, t.Decreased, t.DecreasesToday
	rec.MaxRead, rec.MaxWrite, rec.WarmRead, rec.WarmWrite = t.MaxRead, t.MaxWrite, t.WarmRead, t.WarmWrite
}

// Global returns the global index with the given name, nil when there is none.
func (rec *Record) Global(name string) *Index {
	for i := range rec.Globals {
		if rec.Globals[i].Name == name {
			return &rec.Globals[i]
		}
	}
	return nil
}

// Changing reports whether the table is UPDATING: an index is being made, before its back-fill, or deleted.
func (rec *Record) Changing() bool {
	for i := range rec.Globals {
		if x := &rec.Globals[i]; x.Status == Creating && !x.Filling || x.Status == Deleting {
			return true
		}
	}
	return false
}

// TypeOf returns the type of a key attribute.
func (rec *Record) TypeOf(name string) string {
	for _, a := range rec.Attributes {
		if a.Name == name {
			return a.Type
		}
	}
	return ""
}

// problem is what DynamoDB says of a definition that it does not take.
type problem = expression.Problem

const invalidValues = "One or more parameter values were invalid: "

func notYet(what string) error {
	return aws.Errorf("NotImplemented", http.StatusNotImplemented,
		"Brume does not implement %s of DynamoDB yet; docs/COMPATIBILITY.md lists what is there", what)
}
