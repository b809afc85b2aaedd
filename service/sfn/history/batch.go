// Package history keeps the events of executions: packed as one value for each commit, read back by pages, and shown as the
// API shows them.
//
// https://docs.aws.amazon.com/step-functions/latest/apireference/API_GetExecutionHistory.html
package history

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/brume-dev/brume/asl"
)

// A batch is the events of one commit:
//
//	version 1, uvarint count, uvarint id of the first, varint time of the first in microseconds
//	then each event: uvarint mask of the fields that it has, and these fields, in the order of the constants below
//
// Numbers are varints: Previous is how far it lies before the event's own id, Time the microseconds since the event before. A text
// is uvarint 0, its length and bytes, or the number of an equal one before it in the batch, from 1: the output of a state
// is the input of the next, and most names come more than once.
const version = 1

const (
	hasPrevious = 1 << iota
	hasTime
	hasName
	hasInput
	hasOutput
	hasError
	hasCause
	hasAssigned
	hasLocation
	hasResource
	hasResourceType
	hasRegion
	hasTimeout
	hasHeartbeat
	hasRole
	hasWorker
	hasLength
	hasIndex
	hasMapRun
	hasRedriveCount
	hasAlias
	hasVersion
)

// writer packs a batch.
type writer struct {
	b     []byte
	known map[string]uint64
}

func (w *writer) number(n uint64) { w.b = binary.AppendUvarint(w.b, n) }
func (w *writer) signed(n int64)  { w.b = binary.AppendVarint(w.b, n) }

func (w *writer) bytes(s []byte) {
	if n, ok := w.known[string(s)]; ok { // does not allocate
		w.number(n)
		return
	}
	w.text(string(s))
}

func (w *writer) text(s string) {
	if n, ok := w.known[s]; ok {
		w.number(n)
		return
	}
	w.known[s] = uint64(len(w.known) + 1)
	w.b = append(w.b, 0)
	w.number(uint64(len(s)))
	w.b = append(w.b, s...)
}

// Encode packs the events of a commit, of which there is at least one; their ids follow each other.
func Encode(events []asl.Event) []byte {
	size := 32
	for i := range events {
		size += 48 + len(events[i].Input) + len(events[i].Cause)
	}
	w := &writer{b: make([]byte, 0, size), known: make(map[string]uint64, 4*len(events))}
	w.b = append(w.b, version)
	w.number(uint64(len(events)))
	w.number(uint64(events[0].ID))
	last := events[0].Time.UnixMicro()
	w.signed(last)
	for i := range events {
		last = w.event(&events[i], last)
	}
	return w.b
}

func (w *writer) event(e *asl.Event, last int64) int64 {
	at := e.Time.UnixMicro()
	w.number(mask(e, at != last))
	w.text(string(e.Type))
	if e.Previous != 0 {
		w.signed(e.ID - e.Previous)
	}
	if at != last {
		w.signed(at - last)
	}
	w.optional(e.Name)
	if len(e.Input) > 0 {
		w.bytes(e.Input)
	}
	if len(e.Output) > 0 {
		w.bytes(e.Output)
	}
	w.optional(e.Error)
	w.optional(e.Cause)
	if len(e.Assigned) > 0 {
		w.number(uint64(len(e.Assigned)))
		for _, v := range e.Assigned {
			w.text(v.Name)
			w.bytes(v.Value)
		}
	}
	for _, s := range [...]string{e.Location, e.Resource, e.ResourceType, e.Region} {
		w.optional(s)
	}
	w.count(e.Timeout)
	w.count(e.Heartbeat)
	w.optional(e.RoleARN)
	w.optional(e.Worker)
	w.count(e.Length)
	w.count(e.Index)
	w.optional(e.MapRunARN)
	w.count(e.RedriveCount)
	w.optional(e.AliasARN)
	w.optional(e.VersionARN)
	return at
}

func (w *writer) optional(s string) {
	if s != "" {
		w.text(s)
	}
}

func (w *writer) count(n int64) {
	if n != 0 {
		w.signed(n)
	}
}

// mask says which fields an event has.
func mask(e *asl.Event, moved bool) (m uint64) {
	for i, has := range [...]bool{e.Previous != 0, moved, e.Name != "", len(e.Input) > 0, len(e.Output) > 0, e.Error != "", e.Cause != "",
		len(e.Assigned) > 0, e.Location != "", e.Resource != "", e.ResourceType != "", e.Region != "", e.Timeout != 0, e.Heartbeat != 0,
		e.RoleARN != "", e.Worker != "", e.Length != 0, e.Index != 0, e.MapRunARN != "", e.RedriveCount != 0, e.AliasARN != "",
		e.VersionARN != ""} {
		if has {
			m |= 1 << i
		}
	}
	return m
}

var errBatch = errors.New("history: not a batch of events")

// reader unpacks a batch. The first error sticks.
type reader struct {
	b     []byte
	texts [][]byte
	err   error
}

func (r *reader) fail() { r.b, r.err = nil, errBatch }

func (r *reader) number() uint64 {
	n, size := binary.Uvarint(r.b)
	if size <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[size:]
	return n
}

func (r *reader) signed() int64 {
	n, size := binary.Varint(r.b)
	if size <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[size:]
	return n
}

func (r *reader) bytes() []byte {
	n := r.number()
	if n > 0 {
		if n > uint64(len(r.texts)) {
			r.fail()
			return nil
		}
		return r.texts[n-1]
	}
	size := r.number()
	if size > uint64(len(r.b)) {
		r.fail()
		return nil
	}
	s := r.b[:size:size]
	r.b = r.b[size:]
	r.texts = append(r.texts, s)
	return s
}

// Decode unpacks what Encode packed. The events share b.
func Decode(b []byte) ([]asl.Event, error) {
	if len(b) == 0 || b[0] != version {
		return nil, fmt.Errorf("%w: version %x", errBatch, b[:min(len(b), 1)])
	}
	r := &reader{b: b[1:]}
	count := r.number()
	if count > uint64(len(r.b)) {
		return nil, errBatch
	}
	id, last := int64(r.number()), r.signed()
	out := make([]asl.Event, 0, count)
	for i := range count {
		if r.err != nil {
			return nil, r.err
		}
		var e asl.Event
		e.ID = id + int64(i)
		last = r.event(&e, last)
		out = append(out, e)
	}
	if r.err != nil || len(r.b) > 0 || id < 0 || id > math.MaxInt64-int64(count) {
		return nil, errBatch
	}
	return out, nil
}

func (r *reader) event(e *asl.Event, last int64) int64 {
	m := r.number()
	if m >= hasVersion<<1 {
		r.fail()
		return last
	}
	e.Type = asl.EventType(r.bytes())
	e.Previous = r.count(m, hasPrevious)
	if m&hasPrevious != 0 {
		e.Previous = e.ID - e.Previous
	}
	last += r.count(m, hasTime)
	e.Time = time.UnixMicro(last).UTC()
	e.Name = r.text(m, hasName)
	e.Input = r.document(m, hasInput)
	e.Output = r.document(m, hasOutput)
	e.Error = r.text(m, hasError)
	e.Cause = r.text(m, hasCause)
	if m&hasAssigned != 0 {
		for range min(r.number(), uint64(len(r.b))) {
			e.Assigned = append(e.Assigned, asl.Variable{Name: string(r.bytes()), Value: r.bytes()})
		}
	}
	e.Location = r.text(m, hasLocation)
	e.Resource = r.text(m, hasResource)
	e.ResourceType = r.text(m, hasResourceType)
	e.Region = r.text(m, hasRegion)
	e.Timeout = r.count(m, hasTimeout)
	e.Heartbeat = r.count(m, hasHeartbeat)
	e.RoleARN = r.text(m, hasRole)
	e.Worker = r.text(m, hasWorker)
	e.Length = r.count(m, hasLength)
	e.Index = r.count(m, hasIndex)
	e.MapRunARN = r.text(m, hasMapRun)
	e.RedriveCount = r.count(m, hasRedriveCount)
	e.AliasARN = r.text(m, hasAlias)
	e.VersionARN = r.text(m, hasVersion)
	return last
}

func (r *reader) text(m, bit uint64) string {
	if m&bit == 0 {
		return ""
	}
	return string(r.bytes())
}

func (r *reader) document(m, bit uint64) []byte {
	if m&bit == 0 {
		return nil
	}
	return r.bytes()
}

func (r *reader) count(m, bit uint64) int64 {
	if m&bit == 0 {
		return 0
	}
	return r.signed()
}
