package execution

import (
	"context"
	"errors"
	"strings"

	"github.com/brume-dev/brume/service/sfn/machine"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
	"github.com/brume-dev/brume/timer"
)

// keepSweep forgets the executions of a machine that were closed long ago; their names may be used again. The promise is
// kept again every day, as long as the machine has executions.
func (e *Engine) keepSweep(ctx context.Context, k *timer.Kept) error {
	var w where
	if err := record.Decode(k.Args, version, &w); err != nil {
		return err
	}
	spot := w.spot()
	for {
		old, any, err := e.old(ctx, spot)
		if err != nil {
			return err
		}
		if !any {
			if over, err := e.sweepNoMore(ctx, spot, k); err != nil || over {
				return err
			}
		}
		if len(old) == 0 {
			return timer.Later(e.Clock.Now().Add(sweepEvery), nil)
		}
		if _, err := e.shard(Ref{Spot: spot}).Update(ctx, func(_ context.Context, tx store.Tx) error {
			for _, o := range old {
				tx.Delete(o.line)
				o.erase(tx)
				if e.Maps == nil || strings.Contains(o.Name, "/") {
					continue
				}
				if err := e.Maps.Forget(tx, o.Ref); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return err
		}
	}
}

// sweepNoMore gives the promise up when there is still no execution. What starts after this transaction promises anew.
func (e *Engine) sweepNoMore(ctx context.Context, spot machine.Spot, k *timer.Kept) (over bool, err error) {
	return store.Update(ctx, e.shard(Ref{Spot: spot}), func(_ context.Context, tx store.Tx) (bool, error) {
		lists := Ref{Spot: spot}.Resource().Text("l")
		if _, there, err := first(tx, lists, lists.Range()); err != nil || there {
			return false, err
		}
		e.swept.Delete(string(spot.Resource()))
		return true, k.Done(tx)
	})
}

// forgotten is an execution that is to be forgotten, with its line in the list.
type forgotten struct {
	Ref
	line store.Key
}

// old finds executions that were closed long ago, among those that began long ago: one that ended will not change again, for
// none of that age can be redriven. any says whether the machine has executions at all.
func (e *Engine) old(ctx context.Context, spot machine.Spot) (out []forgotten, any bool, err error) {
	before := e.Clock.Now().Add(-Retention).UnixMicro()
	err = e.shard(Ref{Spot: spot}).View(ctx, func(_ context.Context, r store.Reader) error {
		out, any = nil, false
		lists := Ref{Spot: spot}.Resource().Text("l")
		for within := lists.Range(); len(out) < sweepChunk; {
			scope, there, err := first(r, lists, within)
			if err != nil || !there {
				return err
			}
			any = true
			for s := Succeeded; s <= PendingRedrive; s++ {
				if err := aged(r, spot, scope, s, before, &out); err != nil {
					return err
				}
			}
			within = lists.Text(scope).After(lists.Range())
		}
		return nil
	})
	return out, any, err
}

// first is the scope of the first line in a range.
func first(r store.Reader, lists store.Tuple, within store.Range) (scope string, there bool, err error) {
	pairs, done := r.Scan(within, store.ScanOpt{Limit: 1})
	for kv := range pairs {
		scope, there = store.Decode(kv.Key, len(lists)).Text(), true
	}
	return scope, there, done()
}

// aged adds what was closed before a time.
func aged(r store.Reader, spot machine.Spot, scope string, s Status, before int64, out *[]forgotten) error {
	root := Ref{Spot: spot}.list(scope, s)
	pairs, done := r.Scan(store.Range{Begin: root.Range().Begin, End: store.Key(root.Uint(uint64(before)))}, store.ScanOpt{})
	for kv := range pairs {
		key := store.Decode(kv.Key, len(root))
		key.Uint()
		ref := of(spot, key.Text())
		var line summary
		if err := errors.Join(key.Err(), record.Decode(kv.Value, version, &line)); err != nil {
			return err
		}
		if line.Stop >= before {
			continue
		}
		*out = append(*out, forgotten{ref, append(store.Key(nil), kv.Key...)})
		if len(*out) >= sweepChunk {
			break
		}
	}
	return done()
}

// erase deletes all of an execution but its line in the list.
func (r Ref) erase(tx store.Tx) {
	tx.Delete(r.head())
	tx.DeleteRange(r.documents())
	tx.DeleteRange(r.history().Range())
	tx.DeleteRange(r.threads().Range())
	tx.DeleteRange(r.watchers().Range())
}
