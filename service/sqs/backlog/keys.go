package backlog

import (
	"encoding/binary"

	"github.com/brume-dev/brume/service/sqs/message"
	"github.com/brume-dev/brume/store"
)

// The keys of a queue's own data, below the resource that is the queue. ref is Sent, ID; times are microseconds.
//
//	"alive"                    nothing: there until the queue is deleted
//	"sequence"                 counter: the last sequence number of a FIFO queue
//	"dedup" scope id           dedupRecord: a message that was sent in the last five minutes; scope is a group or ""
//	"forget" time scope id     nothing: when that may be forgotten
//	"try" attempt              tryRecord: a receive that had a ReceiveRequestAttemptId
//	"tried" time attempt       nothing: when that may be forgotten
//	"in" …                     all that belongs to messages, which a purge deletes as one range:
//	  "count" kind             counter: visible, in flight or delayed, as of the mark
//	  "mark"                   the time until which "time" is in those counters
//	  "message" ref            message.Message, without its body when that is large
//	  "body" ref               a large body
//	  "state" ref              state: there once the message has been received
//	  "ready" ref              flags: standard, without a group, may be received since it was sent
//	  "time" time ref          kind, flags, group: when a delayed message or one in flight may be received
//	  "group" group            groupRecord
//	  "turn" rank time group   nothing: groups that have messages, in the order in which they are served
//	  "line" group place       lineRecord: the messages of a group in their order. In a FIFO queue all of them, by sequence
//	                           number; in a standard queue those that may be received now, by ref
type families struct {
	root, alive, sequence, dedup, forget, try, tried                store.Tuple
	in, counts, mark, messages, bodies, states, ready, times, lines store.Tuple
	grouped, groups, turns                                          store.Tuple
}

func familiesOf(root store.Tuple) families {
	in := root.Text("in")
	return families{root: root, alive: root.Text("alive"), sequence: root.Text("sequence"), dedup: root.Text("dedup"), forget: root.Text("forget"),
		try: root.Text("try"), tried: root.Text("tried"),
		in: in, counts: in.Text("count"), mark: in.Text("mark"), messages: in.Text("message"), bodies: in.Text("body"), states: in.Text("state"),
		ready: in.Text("ready"), times: in.Text("time"), lines: in.Text("line"), grouped: in.Text("grouped"), groups: in.Text("group"), turns: in.Text("turn")}
}

func in(t store.Tuple, r message.Ref) store.Tuple { return t.Uint(uint64(r.Sent)).Bytes(r.ID[:]) }

func (f *families) time(at int64, r message.Ref) store.Tuple { return in(f.times.Uint(uint64(at)), r) }

func (f *families) turn(rank byte, at int64, group string) store.Tuple {
	return f.turns.Uint(uint64(rank)).Uint(uint64(at)).Text(group)
}

// until is the range of the keys in t whose first element, a time, is at or before at.
func until(t store.Tuple, at int64) store.Range {
	return store.Range{Begin: t.Range().Begin, End: t.Uint(uint64(at) + 1)}
}

// between is the range of those whose first element is after begin, and at or before end.
func between(t store.Tuple, begin, end int64) store.Range {
	return store.Range{Begin: t.Uint(uint64(begin) + 1), End: t.Uint(uint64(end) + 1)}
}

func readRef(e *store.Elements) (r message.Ref) {
	r.Sent = int64(e.Uint())
	copy(r.ID[:], e.Bytes())
	return r
}

// Flags of a message in the indexes.
const large = 1 // its body lies apart

// state is what becomes of a message once it is received:
//
//	version(1)  varints: At Count First Began Sequence Visible  flags(1)  Group to the end
type state struct {
	At       int64  // when it is visible again, or has been since; 0: it waits in the line of its group
	Count    uint32 // how often it was received in this queue
	First    int64  // when that was first
	Began    int64  // when it was received last
	Sequence uint64 // FIFO
	Flags    byte
	Group    string
}

// lineRecord is a message in the line of its group: version(1) Ref(varint, 16) Visible(varint) flags(1) received(1).
type lineRecord struct {
	message.Ref
	Visible  int64 // FIFO: when a delay ends
	Flags    byte
	Received bool // there is a state
}

// groupRecord is a group that has messages in its line or, in a standard queue, in flight:
//
//	version(1)  rank(1)  varints: At Flying, and in a FIFO queue for each message in flight its sequence number and time
type groupRecord struct {
	Rank   byte
	At     int64 // of its turn; -1: its line is empty, it has no turn
	Flying uint64
	Times  []flight
}

type flight struct {
	sequence uint64
	at       int64
}

const recordVersion = 1

func (s *state) encode() []byte {
	b := make([]byte, 1, 48+len(s.Group))
	b[0] = recordVersion
	b = binary.AppendVarint(b, s.At)
	b = binary.AppendUvarint(b, uint64(s.Count))
	b = binary.AppendVarint(b, s.First)
	b = binary.AppendVarint(b, s.Began)
	b = binary.AppendUvarint(b, s.Sequence)
	return append(append(b, s.Flags), s.Group...)
}

func decodeState(b []byte) (s state, err error) {
	d := open(b)
	s = state{At: d.int(), Count: uint32(d.uint()), First: d.int(), Began: d.int(), Sequence: d.uint(), Flags: d.byte()}
	s.Group = d.rest()
	return s, d.err
}

func (l *lineRecord) encode() []byte {
	b := make([]byte, 1, 40)
	b[0] = recordVersion
	b = binary.AppendUvarint(b, uint64(l.Sent))
	b = append(b, l.ID[:]...)
	b = binary.AppendVarint(b, l.Visible)
	received := byte(0)
	if l.Received {
		received = 1
	}
	return append(b, l.Flags, received)
}

func decodeLine(b []byte) (l lineRecord, err error) {
	d := open(b)
	l.Sent = int64(d.uint())
	for i := range l.ID {
		l.ID[i] = d.byte()
	}
	l.Visible, l.Flags, l.Received = d.int(), d.byte(), d.byte() == 1
	return l, d.err
}

func (g *groupRecord) encode() []byte {
	b := append(make([]byte, 0, 24+12*len(g.Times)), recordVersion, g.Rank)
	b = binary.AppendVarint(b, g.At)
	b = binary.AppendUvarint(b, g.Flying)
	for _, f := range g.Times {
		b = binary.AppendUvarint(b, f.sequence)
		b = binary.AppendVarint(b, f.at)
	}
	return b
}

func decodeGroup(b []byte) (g groupRecord, err error) {
	d := open(b)
	g = groupRecord{Rank: d.byte(), At: d.int(), Flying: d.uint()}
	for d.err == nil && len(d.b) > 0 {
		g.Times = append(g.Times, flight{d.uint(), d.int()})
	}
	return g, d.err
}
