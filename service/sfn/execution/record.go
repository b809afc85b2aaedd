package execution

import (
	"bytes"
	"time"

	"github.com/brume-dev/brume/asl"
	"github.com/brume-dev/brume/asl/fault"
	"github.com/brume-dev/brume/service/sfn/machine"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
)

const version = 1 // of all records

// Status is an execution's.
type Status uint8

// The statuses. Their numbers are stored.
const (
	Running Status = iota + 1
	Succeeded
	Failed
	TimedOut
	Aborted
	PendingRedrive // of the child of a map run
)

// String is the status as the API writes it.
func (s Status) String() string {
	return [...]string{"", "RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED", "PENDING_REDRIVE"}[s]
}

// StatusOf reads what String wrote, otherwise it is 0.
func StatusOf(text string) Status {
	for s := Running; s <= PendingRedrive; s++ {
		if s.String() == text {
			return s
		}
	}
	return 0
}

// head is an execution. It is written at every step, so what is large lies apart. Times are microseconds since 1970.
type head struct {
	Status   Status        `cbor:"1,keyasint"`
	Start    int64         `cbor:"2,keyasint"`
	Stop     int64         `cbor:"3,keyasint,omitempty"`
	Next     int64         `cbor:"4,keyasint"` // id of the next event
	Revision string        `cbor:"5,keyasint"`
	Version  int64         `cbor:"6,keyasint,omitempty"`
	Alias    string        `cbor:"7,keyasint,omitempty"`
	Trace    string        `cbor:"8,keyasint,omitempty"`
	Input    []byte        `cbor:"9,keyasint,omitempty"`  // nil: it lies apart
	Output   []byte        `cbor:"10,keyasint,omitempty"` // nil in one that SUCCEEDED: it lies apart
	Error    *fault.Error  `cbor:"11,keyasint,omitempty"` // of one that FAILED or was ABORTED
	Redrives int           `cbor:"12,keyasint,omitempty"`
	Redriven int64         `cbor:"13,keyasint,omitempty"`
	Tokens   []clientToken `cbor:"14,keyasint,omitempty"` // of redrives
	MapRun   string        `cbor:"15,keyasint,omitempty"` // ARN
	Block    int           `cbor:"16,keyasint,omitempty"` // of the machine, that a child runs
	Items    int64         `cbor:"17,keyasint,omitempty"` // of a child
	Deadline bool          `cbor:"18,keyasint,omitempty"` // there is a promise for its latest end
	Watched  bool          `cbor:"19,keyasint,omitempty"` // somebody waits for its end
	Request  string        `cbor:"20,keyasint,omitempty"` // of the task that has started it
}

// clientToken is one that a redrive was asked for with.
type clientToken struct {
	Token string `cbor:"1,keyasint"`
	Date  int64  `cbor:"2,keyasint"`
}

// summary is what lists show of an execution beside what their keys say.
type summary struct {
	Stop     int64  `cbor:"1,keyasint,omitempty"`
	Version  int64  `cbor:"2,keyasint,omitempty"`
	Alias    string `cbor:"3,keyasint,omitempty"`
	Redrives int    `cbor:"4,keyasint,omitempty"`
	Redriven int64  `cbor:"5,keyasint,omitempty"`
	Items    int64  `cbor:"6,keyasint,omitempty"`
}

func (h *head) summary() summary {
	return summary{h.Stop, h.Version, h.Alias, h.Redrives, h.Redriven, h.Items}
}

func (h *head) scope() string {
	if h.MapRun == "" {
		return ""
	}
	return scopeOf(h.MapRun)
}

func (h *head) listKey(r Ref) store.Key {
	return store.Key(r.list(h.scope(), h.Status).Uint(uint64(h.Start)).Text(r.Name))
}

func moment(us int64) time.Time { return time.UnixMicro(us).UTC() }

// milli is what AWS's times are exact to.
func milli(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

// thread is a thread as it is stored, with what the driver has to know.
type thread struct {
	T     asl.Thread `cbor:"1,keyasint"`
	Rev   int64      `cbor:"2,keyasint"`           // counts writes
	Gen   int64      `cbor:"3,keyasint,omitempty"` // of the fork that it came from: no two forks of an execution have the same
	Roles []byte     `cbor:"4,keyasint,omitempty"` // of promises that are there
	Apart int        `cbor:"5,keyasint,omitempty"` // documents that lie apart
	Beat  int64      `cbor:"6,keyasint,omitempty"` // seconds between heartbeats
	Job   *job       `cbor:"7,keyasint,omitempty"` // of a .sync task that has been submitted

	shallow bool // documents that lie apart have not been read
}

// job is what it takes to stop the job of a .sync task.
type job struct {
	State     string `cbor:"1,keyasint"`
	Resource  string `cbor:"2,keyasint"`
	Role      string `cbor:"3,keyasint,omitempty"`
	Submitted []byte `cbor:"4,keyasint,omitempty"`
}

// fork says how far the children of a thread are.
type fork struct {
	Count   int    `cbor:"1,keyasint"`
	Max     int    `cbor:"2,keyasint"`
	Next    int    `cbor:"3,keyasint"` // the first that has not begun
	Running int    `cbor:"4,keyasint"`
	Done    int    `cbor:"5,keyasint,omitempty"`
	Failed  int    `cbor:"6,keyasint,omitempty"` // the child that failed first, from 1
	Last    int64  `cbor:"7,keyasint,omitempty"` // event of the child that ended last
	Gen     int64  `cbor:"8,keyasint"`
	Mapped  bool   `cbor:"9,keyasint,omitempty"` // of a Map state: there are items
	Keyed   bool   `cbor:"10,keyasint,omitempty"`
	State   string `cbor:"11,keyasint"`
}

// item is one item of a Map state.
type item struct {
	Value []byte `cbor:"1,keyasint"`
	Key   string `cbor:"2,keyasint,omitempty"`
}

func get[T any](r store.Reader, k store.Key) (*T, error) {
	b, there, err := r.Get(k)
	if err != nil || !there {
		return nil, err
	}
	v := new(T)
	return v, record.Decode(b, version, v)
}

func put(tx store.Tx, k store.Key, v any) { tx.Set(k, record.Encode(version, v)) }

// input is the execution's.
func (h *head) input(r store.Reader, ref Ref) ([]byte, error) {
	if h.Input != nil {
		return h.Input, nil
	}
	b, _, err := store.GetLarge(r, ref.document("in"))
	return bytes.Clone(b), err
}

// output is that of an execution that SUCCEEDED.
func (h *head) output(r store.Reader, ref Ref) ([]byte, error) {
	if h.Output != nil || h.Status != Succeeded {
		return h.Output, nil
	}
	b, _, err := store.GetLarge(r, ref.document("out"))
	return bytes.Clone(b), err
}

// docs are the documents of a thread that may lie apart.
var docs = [...]struct {
	bit int
	key string
}{{docInput, "i"}, {docVariables, "v"}, {docOutput, "o"}, {docItem, "e"}}

// doc gives and takes a document of the thread as bytes.
func (t *thread) doc(bit int) []byte {
	switch bit {
	case docInput:
		return t.T.Input
	case docOutput:
		return t.T.Output
	case docItem:
		return t.T.Item
	}
	if len(t.T.Variables) == 0 {
		return nil
	}
	return record.Encode(version, t.T.Variables)
}

func (t *thread) setDoc(bit int, b []byte) (err error) {
	switch bit {
	case docInput:
		t.T.Input = b
	case docOutput:
		t.T.Output = b
	case docItem:
		t.T.Item = b
	default:
		t.T.Variables = nil
		if len(b) > 0 {
			err = record.Decode(b, version, &t.T.Variables)
		}
	}
	return err
}

// readThread reads a thread; a shallow one without the documents that lie apart.
func readThread(r store.Reader, at At, shallow bool) (*thread, error) {
	b, there, err := store.GetLarge(r, at.thread())
	if err != nil || !there {
		return nil, err
	}
	t := &thread{shallow: shallow}
	if err := record.Decode(b, version, t); err != nil || shallow {
		return t, err
	}
	for _, d := range docs {
		if t.Apart&d.bit == 0 {
			continue
		}
		b, _, err := store.GetLarge(r, at.doc(d.key))
		if err != nil {
			return nil, err
		}
		if err := t.setDoc(d.bit, bytes.Clone(b)); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// write writes the thread, where old is what lies there (nil: nothing). Documents that are the same are not written again.
func (t *thread) write(tx store.Tx, at At, old *thread) error {
	if old == nil {
		old = &thread{}
	}
	out := *t
	out.Rev, out.Apart = old.Rev+1, 0
	for _, d := range docs {
		was := old.Apart&d.bit != 0
		if was && old.shallow {
			out.Apart |= d.bit
			continue
		}
		b := t.doc(d.bit)
		if len(b) <= inline {
			if was {
				if err := store.DeleteLarge(tx, at.doc(d.key)); err != nil {
					return err
				}
			}
			continue
		}
		out.Apart |= d.bit
		if !was || !bytes.Equal(b, old.doc(d.bit)) {
			if err := store.SetLarge(tx, at.doc(d.key), b); err != nil {
				return err
			}
		}
		if err := out.setDoc(d.bit, nil); err != nil {
			return err
		}
	}
	return store.SetLarge(tx, at.thread(), record.Encode(version, &out))
}

// facts are those of the execution.
func facts(ref Ref, rev *machine.Revision, h *head, input []byte) *asl.Facts {
	to := machine.Target{Revision: rev, Version: h.Version, Alias: h.Alias}
	f := &asl.Facts{ExecutionID: ref.ARN(), ExecutionName: ref.Short(), Input: input, RoleARN: rev.Role, StartTime: milli(moment(h.Start)),
		RedriveCount: int64(h.Redrives), MachineID: rev.ARN(), MachineName: rev.Name, Region: rev.Region, AliasARN: to.AliasARN(),
		VersionARN: to.VersionARN()}
	if h.Redriven != 0 {
		f.RedriveTime = milli(moment(h.Redriven))
	}
	return f
}
