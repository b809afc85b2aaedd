package maprun

import (
	"bytes"
	"time"

	"github.com/brume-dev/brume/asl"
	"github.com/brume-dev/brume/asl/fault"
	"github.com/brume-dev/brume/service/sfn/execution"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
)

const version = 1 // of all records

// run is what a map run is. Times are microseconds since 1970.
type run struct {
	ARN       string `cbor:"1,keyasint"`
	Execution string `cbor:"2,keyasint"` // name of the parent
	Path      []int  `cbor:"3,keyasint,omitempty"`
	Gen       int64  `cbor:"4,keyasint,omitempty"`
	Seq       int64  `cbor:"5,keyasint,omitempty"`
	Revision  string `cbor:"6,keyasint"`
	Trace     string `cbor:"7,keyasint,omitempty"`
	Label     string `cbor:"8,keyasint"`
	State     string `cbor:"9,keyasint"`
	Block     int    `cbor:"10,keyasint"`
	Express   bool   `cbor:"11,keyasint,omitempty"`
	Selects   bool   `cbor:"12,keyasint,omitempty"`

	Reader  *reader  `cbor:"13,keyasint,omitempty"`
	Batcher *batcher `cbor:"14,keyasint,omitempty"`
	Writer  *writer  `cbor:"15,keyasint,omitempty"`

	Start    int64  `cbor:"16,keyasint"`
	Stop     int64  `cbor:"17,keyasint,omitempty"`
	Status   string `cbor:"18,keyasint"`
	Redrives int    `cbor:"19,keyasint,omitempty"`
	Redriven int64  `cbor:"20,keyasint,omitempty"`
}

type reader struct {
	Resource  string `cbor:"1,keyasint"`
	Arguments []byte `cbor:"2,keyasint,omitempty"`
	Config    []byte `cbor:"3,keyasint,omitempty"`
}

type batcher struct {
	Items int64  `cbor:"1,keyasint,omitempty"`
	Bytes int64  `cbor:"2,keyasint,omitempty"`
	Input []byte `cbor:"3,keyasint,omitempty"`
}

type writer struct {
	Resource       string `cbor:"1,keyasint,omitempty"`
	Arguments      []byte `cbor:"2,keyasint,omitempty"`
	Transformation string `cbor:"3,keyasint,omitempty"`
	OutputType     string `cbor:"4,keyasint,omitempty"`
}

func newRun(m *execution.MapStart, now time.Time) *run {
	r := &run{ARN: m.Run.ARN, Execution: m.At.Name, Path: m.At.Path, Gen: m.Gen, Seq: m.Seq, Revision: m.Revision.Key, Trace: m.Trace,
		Label: m.Run.Label, State: m.Run.State, Block: m.Run.Block, Express: m.Run.Express, Selects: m.Run.Selects,
		Start: now.UnixMicro(), Status: "RUNNING"}
	if in := m.Run.Reader; in != nil {
		r.Reader = &reader{in.Resource, in.Arguments, in.Config}
	}
	if in := m.Run.Batcher; in != nil {
		r.Batcher = &batcher{in.MaxItems, in.MaxBytes, in.Input}
	}
	if in := m.Run.Writer; in != nil {
		r.Writer = &writer{in.Resource, in.Arguments, in.Transformation, in.OutputType}
	}
	return r
}

func (r *run) reader() *asl.Reader {
	if r.Reader == nil {
		return nil
	}
	return &asl.Reader{Resource: r.Reader.Resource, Arguments: r.Reader.Arguments, Config: r.Reader.Config}
}

func (r *run) batcher() *asl.Batcher {
	if r.Batcher == nil {
		return nil
	}
	return &asl.Batcher{MaxItems: r.Batcher.Items, MaxBytes: r.Batcher.Bytes, Input: r.Batcher.Input}
}

// batches are how many children that many items take, as far as the number of items in a batch says.
func (r *run) batches(items int64) int64 {
	if r.Batcher == nil {
		return items
	}
	size := r.Batcher.Items
	if size == 0 {
		size = max(1, items)
	}
	return (items + size - 1) / size
}

// exports reports whether the results go to a bucket.
func (r *run) exports() bool { return r.Writer != nil && r.Writer.Resource != "" }

// phase is what is being done. The numbers are stored.
type phase uint8

const (
	going    phase = iota + 1
	failing        // the run has failed; what runs is being stopped
	aborting       // the parent does not wait any more
	over
)

// counts are by execution.Status.
type counts [7]int64

func (c *counts) ended() (n int64) {
	for _, v := range c[execution.Succeeded:] {
		n += v
	}
	return n
}

// unwell are the items or executions that count against what is tolerated.
func (c *counts) unwell() int64 {
	return c[execution.Failed] + c[execution.TimedOut] + c[execution.Aborted]
}

// progress is how far a map run is. It is small: every child writes it twice.
type progress struct {
	Phase     phase  `cbor:"1,keyasint"`
	Read      int64  `cbor:"2,keyasint,omitempty"` // items that are in a child
	EOF       bool   `cbor:"3,keyasint,omitempty"`
	Created   int64  `cbor:"4,keyasint,omitempty"` // children
	Open      int64  `cbor:"5,keyasint,omitempty"` // of them that have not ended
	OpenItems int64  `cbor:"6,keyasint,omitempty"`
	Children  counts `cbor:"7,keyasint"` // that have ended
	Items     counts `cbor:"8,keyasint"`

	Max     int     `cbor:"9,keyasint,omitempty"`
	Count   int64   `cbor:"10,keyasint,omitempty"` // -1: the definition does not say
	Percent float64 `cbor:"11,keyasint,omitempty"` // -1: the definition does not say

	Feeding   bool         `cbor:"12,keyasint,omitempty"` // there is a promise to read on
	Finishing bool         `cbor:"13,keyasint,omitempty"` // there is a promise to finish
	Error     *fault.Error `cbor:"14,keyasint,omitempty"`
	// Again, in a redrive, is the number behind the last child that has been looked at; Redriving says that there are more.
	Again     int64 `cbor:"15,keyasint,omitempty"`
	Redriving bool  `cbor:"16,keyasint,omitempty"`

	Written      int64 `cbor:"17,keyasint,omitempty"` // results in files
	WrittenItems int64 `cbor:"18,keyasint,omitempty"`

	Total int64 `cbor:"19,keyasint,omitempty"` // items that there are; 0: that is known when all have been read
}

// waiting are the items that are known to be there and are in no child yet.
func (p *progress) waiting() int64 {
	if p.Phase != going {
		return 0
	}
	return max(0, p.Total-p.Read)
}

// room is how many more children may begin.
func (p *progress) room() int {
	most := p.Max
	if most <= 0 || most > maxOpen {
		most = maxOpen
	}
	return most - int(p.Open)
}

// worth reports whether there is enough room to read on.
func (p *progress) worth() bool {
	most := p.room() + int(p.Open)
	return p.room() >= max(1, most/4)
}

// exceeded reports whether more items have failed than is tolerated. A share is of all items: it counts when it is known how many
// these are.
func (p *progress) exceeded() bool {
	of := asl.MapRun{ToleratedCount: p.Count, ToleratedPercentage: p.Percent}
	if !p.EOF && p.Total == 0 && p.Percent > 0 {
		if p.Count < 0 {
			return false
		}
		of.ToleratedPercentage = -1
	}
	return of.Exceeded(p.Items.unwell(), max(p.Read, p.Total))
}

// outcome is how a child ended.
type outcome struct {
	Name     string           `cbor:"1,keyasint"`
	Status   execution.Status `cbor:"2,keyasint"`
	Items    int64            `cbor:"3,keyasint"`
	Start    int64            `cbor:"4,keyasint"`
	Stop     int64            `cbor:"5,keyasint"`
	Redrives int              `cbor:"6,keyasint,omitempty"`
	Input    []byte           `cbor:"7,keyasint,omitempty"`
	Output   []byte           `cbor:"8,keyasint,omitempty"`
	Error    *fault.Error     `cbor:"9,keyasint,omitempty"`
}

func get[T any](r store.Reader, k store.Key) (*T, error) {
	b, there, err := r.Get(k)
	if err != nil || !there {
		return nil, err
	}
	v := new(T)
	return v, record.Decode(b, version, v)
}

func getLarge[T any](r store.Reader, k store.Key) (*T, error) {
	b, there, err := store.GetLarge(r, k)
	if err != nil || !there {
		return nil, err
	}
	v := new(T)
	return v, record.Decode(bytes.Clone(b), version, v)
}

func put(tx store.Tx, k store.Key, v any) { tx.Set(k, record.Encode(version, v)) }

func putLarge(tx store.Tx, k store.Key, v any) error {
	return store.SetLarge(tx, k, record.Encode(version, v))
}

func moment(us int64) time.Time { return time.UnixMicro(us).UTC() }
