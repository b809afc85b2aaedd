package execution

import (
	"context"
	"errors"

	"github.com/brume-dev/brume/asl"
	"github.com/brume-dev/brume/service/sfn/machine"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
)

// Errors of a step that is not to be.
var (
	// errVoid: the thread no longer waits for what has happened.
	errVoid = errors.New("sfn: too late")
	// errStale: what the step stands on has changed meanwhile; it has to be made again.
	errStale = errors.New("sfn: changed meanwhile")
	// errDeleting: the machine is being deleted, so the execution ends.
	errDeleting = errors.New("sfn: the state machine is being deleted")
)

// state is what a step stands on.
type state struct {
	at    At
	rev   *machine.Revision
	head  *head
	facts *asl.Facts
	self  *thread
	fresh bool   // self is not in the store
	begun []byte // input of a branch that begins
	item  item   // of an iteration that begins
	outer []*asl.Thread
	forks []*fork // that self and its parents came from, the nearest first
	few   int     // bound of states, 0 for the usual one
	next  int64   // id of the next event, when it is known better than head.Next

	// Of a thread that waits for its children:
	outputs  [][]byte
	last     int64
	outsized bool
	failed   *thread
}

// load reads what a step of the thread stands on; errVoid when there is nothing to do any more.
func (e *Engine) load(ctx context.Context, w where, what asl.What) (*state, error) {
	at := w.at()
	st, err := store.View(ctx, e.shard(at.Ref), func(_ context.Context, r store.Reader) (*state, error) {
		st := &state{at: at}
		if err := st.read(r, w, what); err != nil {
			return nil, err
		}
		return st, nil
	})
	if err != nil {
		return nil, err
	}
	if st.rev, err = e.Revision(ctx, at.Spot, st.head.Revision); err != nil {
		return nil, err
	}
	st.facts = facts(at.Ref, st.rev, st.head, st.facts.Input)
	if st.fresh {
		st.bear(w)
	}
	return st, nil
}

func (st *state) read(r store.Reader, w where, what asl.What) (err error) {
	if st.head, err = get[head](r, st.at.head()); err != nil {
		return err
	}
	if st.head == nil || st.head.Status != Running {
		return errVoid
	}
	if _, deleting, err := r.Get(st.at.Deleting()); err != nil || deleting {
		return errors.Join(err, errDeleting)
	}
	input, err := st.head.input(r, st.at.Ref)
	if err != nil {
		return err
	}
	st.facts = &asl.Facts{Input: input}
	for at := st.at; len(at.Path) > 0; {
		at = at.parent()
		f, err := get[fork](r, at.fork())
		if err != nil {
			return err
		}
		t, err := readThread(r, at, false)
		if err != nil {
			return err
		}
		if f == nil || t == nil || f.Failed > 0 {
			return errVoid
		}
		st.outer, st.forks = append(st.outer, &t.T), append(st.forks, f)
	}
	if st.self, err = readThread(r, st.at, false); err != nil {
		return err
	}
	if st.self == nil {
		return st.unborn(r, w, what)
	}
	if st.self.Gen != w.Gen || st.self.T.Seq != w.Seq {
		return errVoid
	}
	switch {
	case st.self.T.Phase == asl.Mapping: // its map run has read the results
	case what == asl.Joined:
		return st.join(r)
	case what == asl.ChildFailed:
		return st.blame(r)
	}
	return nil
}

// unborn is a child that has not begun.
func (st *state) unborn(r store.Reader, w where, what asl.What) (err error) {
	if what != asl.Begun || len(st.forks) == 0 || st.forks[0].Gen != w.Gen {
		return errVoid
	}
	i := w.Path[len(w.Path)-1]
	st.fresh, st.self = true, &thread{Gen: w.Gen}
	if !st.forks[0].Mapped {
		b, _, err := store.GetLarge(r, st.at.parent().branchInput())
		st.begun = append([]byte(nil), b...)
		return err
	}
	st.item, err = readItem(r, st.at.parent(), i)
	return err
}

// bear makes the thread of a child that has not begun.
func (st *state) bear(w where) {
	i, f := w.Path[len(w.Path)-1], st.forks[0]
	born := &asl.Fork{State: f.State, Count: f.Count, MaxConcurrency: f.Max, Input: st.begun}
	if !f.Mapped {
		st.self.T = st.rev.Machine.Child(st.outer[0], born, i)
		return
	}
	born.Items = [][]byte{st.item.Value} // of all of them only this one has been read
	if f.Keyed {
		born.Keys = []string{st.item.Key}
	}
	st.self.T = st.rev.Machine.Child(st.outer[0], born, 0)
	st.self.T.Index = i
}

// join reads the outputs of the children.
func (st *state) join(r store.Reader) error {
	f, err := get[fork](r, st.at.fork())
	if err != nil {
		return err
	}
	if f == nil || f.Done < f.Count {
		return errVoid
	}
	st.last = f.Last
	size := 0
	for i := range f.Count {
		t, err := readThread(r, st.at.child(i), false)
		if err != nil {
			return err
		}
		if t == nil || t.T.Phase != asl.Done {
			return errVoid
		}
		if size += len(t.T.Output); size > maxJoin {
			st.outsized = true // more than any state may put out
			return nil
		}
		st.outputs = append(st.outputs, t.T.Output)
	}
	return nil
}

// blame reads the child that failed first.
func (st *state) blame(r store.Reader) error {
	f, err := get[fork](r, st.at.fork())
	if err != nil {
		return err
	}
	if f == nil || f.Failed == 0 {
		return errVoid
	}
	st.last = f.Last
	st.failed, err = readThread(r, st.at.child(f.Failed-1), true)
	if err == nil && st.failed == nil {
		return errVoid
	}
	return err
}

// writeItems keeps the items of a Map state.
func writeItems(tx store.Tx, at At, f *asl.Fork) error {
	var chunk []item
	first, size := 0, 0
	flush := func(next int) error {
		if len(chunk) == 0 {
			return nil
		}
		err := store.SetLarge(tx, store.Key(at.items().Uint(uint64(first))), record.Encode(version, chunk))
		chunk, first, size = chunk[:0], next, 0
		return err
	}
	for i, v := range f.Items {
		it := item{Value: v}
		if i < len(f.Keys) {
			it.Key = f.Keys[i]
		}
		chunk = append(chunk, it)
		if size += len(v) + len(it.Key); size >= chunkBytes || len(chunk) == chunkItems {
			if err := flush(i + 1); err != nil {
				return err
			}
		}
	}
	return flush(len(f.Items))
}

// readItem reads the item with this index.
func readItem(r store.Reader, at At, index int) (item, error) {
	root := at.items()
	first := uint64(0)
	pairs, done := r.Scan(store.Range{Begin: root.Range().Begin, End: store.Key(root.Uint(uint64(index) + 1))}, store.ScanOpt{Reverse: true, Limit: 1})
	for kv := range pairs {
		first = store.Decode(kv.Key, len(root)).Uint()
	}
	if err := done(); err != nil {
		return item{}, err
	}
	b, there, err := store.GetLarge(r, store.Key(root.Uint(first)))
	if err != nil {
		return item{}, err
	}
	var chunk []item
	if there {
		if err := record.Decode(b, version, &chunk); err != nil {
			return item{}, err
		}
	}
	if i := index - int(first); i >= 0 && i < len(chunk) {
		return chunk[i], nil
	}
	return item{}, errVoid
}
