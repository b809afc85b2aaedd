package execution

import (
	"container/heap"
	"context"
	"encoding/base64"
	"errors"
	"time"

	"github.com/brume-dev/brume/api/sfnapi"
	"github.com/brume-dev/brume/asl"
	"github.com/brume-dev/brume/asl/fault"
	"github.com/brume-dev/brume/service/sfn/history"
	"github.com/brume-dev/brume/service/sfn/machine"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
)

// Description is what an execution is like.
type Description struct {
	Ref      Ref
	Status   Status
	Start    time.Time
	Stop     time.Time // zero while it runs
	Input    []byte
	Output   []byte
	Error    *fault.Error
	Trace    string
	Revision string // its key
	Version  int64
	Alias    string
	MapRun   string
	Redrives int
	Redriven time.Time // zero: never
	// Redrive and Reason say whether it can be redriven.
	Redrive, Reason string
	Events          int64
}

// Describe returns what an execution is like. Errors are ExecutionDoesNotExist.
func (e *Engine) Describe(ctx context.Context, ref Ref) (*Description, error) {
	now := e.Clock.Now()
	return store.View(ctx, e.shard(ref), func(_ context.Context, r store.Reader) (*Description, error) {
		h, err := get[head](r, ref.head())
		if err != nil {
			return nil, err
		}
		if h == nil {
			return nil, notFound(ref.ARN())
		}
		d := &Description{Ref: ref, Status: h.Status, Start: milli(moment(h.Start)), Error: h.Error, Trace: h.Trace, Revision: h.Revision,
			Version: h.Version, Alias: h.Alias, MapRun: h.MapRun, Redrives: h.Redrives, Events: h.Next - 1}
		if h.Stop != 0 {
			d.Stop = milli(moment(h.Stop))
		}
		if h.Redriven != 0 {
			d.Redriven = milli(moment(h.Redriven))
		}
		d.Redrive, d.Reason = redriveStatus(h, now)
		if d.Input, err = h.input(r, ref); err != nil {
			return nil, err
		}
		d.Output, err = h.output(r, ref)
		return d, err
	})
}

// Events calls take with the events of an execution from the one numbered from (0: the first, or the last in reverse), until it returns
// false. Errors are ExecutionDoesNotExist.
func (e *Engine) Events(ctx context.Context, ref Ref, from int64, reverse bool, take func(*asl.Event) bool) error {
	return e.shard(ref).View(ctx, func(_ context.Context, r store.Reader) error {
		h, err := get[head](r, ref.head())
		if err != nil {
			return err
		}
		if h == nil {
			return notFound(ref.ARN())
		}
		if from == 0 {
			if from = 1; reverse {
				from = h.Next - 1
			}
		}
		var failed error
		err = history.Read(r, ref.history(), from, reverse, func(ev *asl.Event) bool {
			switch ev.Type {
			case asl.ExecutionStarted:
				ev.Input, failed = h.input(r, ref)
			case asl.ExecutionSucceeded:
				ev.Output, failed = h.output(r, ref)
			}
			return failed == nil && take(ev)
		})
		return errors.Join(err, failed)
	})
}

// Filter chooses executions for a list.
type Filter struct {
	Spot    machine.Spot
	MapRun  string // ARN: its children, instead of the machine's own executions
	Status  Status // 0: any
	Version int64  // 0: any
	Alias   string // "": any
	// Redriven, when not nil, chooses those that have been redriven, or those that have not.
	Redriven *bool
}

// Listed is an execution in a list.
type Listed struct {
	Ref    Ref
	Status Status
	Start  time.Time
	more   summary
}

// Stopped is when it was closed, zero while it runs.
func (l *Listed) Stopped() time.Time { return l.more.date(l.more.Stop) }

// Redriven is when it was redriven last, zero if it was not.
func (l *Listed) Redriven() time.Time { return l.more.date(l.more.Redriven) }

// Redrives is how often it was redriven.
func (l *Listed) Redrives() int { return l.more.Redrives }

// Items is how many items a child has.
func (l *Listed) Items() int64 { return l.more.Items }

func (s *summary) date(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return milli(moment(us))
}

// VersionARN is that of the version that the execution was started by, or "".
func (l *Listed) VersionARN() string { return l.target().VersionARN() }

// AliasARN is that of the alias that the execution was started by, or "".
func (l *Listed) AliasARN() string { return l.target().AliasARN() }

func (l *Listed) target() machine.Target {
	return machine.Target{Revision: &machine.Revision{Spot: l.Ref.Spot}, Version: l.more.Version, Alias: l.more.Alias}
}

func (f *Filter) fits(s *summary) bool {
	return (f.Version == 0 || s.Version == f.Version) && (f.Alias == "" || s.Alias == f.Alias) &&
		(f.Redriven == nil || *f.Redriven == (s.Redrives > 0))
}

// position is how far a list has been read.
type position struct {
	Start int64  `cbor:"1,keyasint"`
	Name  string `cbor:"2,keyasint"`
}

// List returns executions, the newest first, and the token for what follows, "" when nothing does. Errors are InvalidToken.
func (e *Engine) List(ctx context.Context, f *Filter, limit int, after string) (out []Listed, next string, err error) {
	var from *position
	if after != "" {
		b, err := base64.RawURLEncoding.DecodeString(after)
		if from = new(position); err != nil || record.Decode(b, version, from) != nil {
			return nil, "", invalidPage()
		}
	}
	err = e.shard(Ref{Spot: f.Spot}).View(ctx, func(_ context.Context, r store.Reader) error {
		out, next = nil, ""
		all := &newest{}
		for s := Running; s <= PendingRedrive; s++ {
			if f.Status != 0 && f.Status != s {
				continue
			}
			if err := f.collect(r, s, from, limit, all); err != nil {
				return err
			}
		}
		for all.Len() > 0 {
			l := heap.Pop(all).(Listed)
			if len(out) == limit {
				last := out[limit-1]
				next = base64.RawURLEncoding.EncodeToString(record.Encode(version, position{last.Start.UnixMicro(), last.Ref.Name}))
				break
			}
			out = append(out, l)
		}
		return nil
	})
	return out, next, err
}

// collect adds the newest executions with a status, one more than fit on a page.
func (f *Filter) collect(r store.Reader, s Status, from *position, limit int, all *newest) error {
	scope := ""
	if f.MapRun != "" {
		scope = scopeOf(f.MapRun)
	}
	root := Ref{Spot: f.Spot}.list(scope, s)
	within := root.Range()
	if from != nil {
		within.End = store.Key(root.Uint(uint64(from.Start)).Text(from.Name))
	}
	taken := 0
	pairs, done := r.Scan(within, store.ScanOpt{Reverse: true})
	for kv := range pairs {
		l := Listed{Status: s}
		key := store.Decode(kv.Key, len(root))
		l.Start, l.Ref = moment(int64(key.Uint())), Ref{Spot: f.Spot, Name: key.Text()}
		if err := errors.Join(key.Err(), record.Decode(kv.Value, version, &l.more)); err != nil {
			return err
		}
		if !f.fits(&l.more) {
			continue
		}
		*all = append(*all, l)
		if taken++; taken > limit {
			break
		}
	}
	heap.Init(all)
	return done()
}

// newest has the latest start first.
type newest []Listed

func (n newest) Len() int { return len(n) }
func (n newest) Less(i, j int) bool {
	if !n[i].Start.Equal(n[j].Start) {
		return n[i].Start.After(n[j].Start)
	}
	return n[i].Ref.Name > n[j].Ref.Name
}
func (n newest) Swap(i, j int) { n[i], n[j] = n[j], n[i] }

// Push adds an execution.
func (n *newest) Push(x any) { *n = append(*n, x.(Listed)) }

// Pop takes the last one off.
func (n *newest) Pop() any {
	last := (*n)[len(*n)-1]
	*n = (*n)[:len(*n)-1]
	return last
}

func invalidPage() error {
	return &sfnapi.InvalidToken{Message: "Invalid Token: 'Invalid token'"}
}
