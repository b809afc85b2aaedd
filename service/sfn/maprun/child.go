package maprun

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/brume-dev/brume/api/sfnapi"
	"github.com/brume-dev/brume/asl/fault"
	"github.com/brume-dev/brume/service/sfn/execution"
	"github.com/brume-dev/brume/service/sfn/express"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
	"github.com/brume-dev/brume/timer"
)

// keepChild runs an express child, at least once.
func (r *Runs) keepChild(ctx context.Context, kept *timer.Kept) error {
	var a childArgs
	if err := record.Decode(kept.Args, version, &a); err != nil {
		return err
	}
	l, err := r.read(ctx, a.Key)
	if err != nil || l == nil {
		return err
	}
	o := &outcome{Name: a.Key.child(a.Index), Items: a.Items, Start: r.Clock.Now().UnixMicro(), Redrives: a.Redrives}
	o.Input, err = store.View(ctx, r.shard(a.Key), func(_ context.Context, rd store.Reader) ([]byte, error) {
		b, _, err := store.GetLarge(rd, a.Key.input(a.Index))
		return bytes.Clone(b), err
	})
	if err != nil {
		return err
	}
	o.Status = execution.Aborted // one that has not begun when the run stops
	if l.p.Phase == going {
		b := l.child(a.Index, o.Input, a.Items)
		e := &express.Run{Target: b.Target, ARN: l.ref(o.Name).ARN(), Name: o.Name, Input: o.Input, Trace: b.Trace, Block: b.Block}
		ended, err := r.Express.Run(ctx, e)
		if err != nil {
			return err
		}
		o.Status, o.Output, o.Error = ended.Status, ended.Output, ended.Error
		o.Start = ended.Start.UnixMicro()
	}
	o.Stop = r.Clock.Now().UnixMicro()
	_, err = r.shard(a.Key).Update(ctx, func(_ context.Context, tx store.Tx) error {
		if err := kept.Done(tx); err != nil {
			return err
		}
		p, err := get[progress](tx, a.Key.progress())
		if err != nil || p == nil {
			return err
		}
		return r.ended(tx, a.Key, p, a.Index, o)
	})
	return gone(err)
}

// keepHalt stops the children that run.
func (r *Runs) keepHalt(ctx context.Context, kept *timer.Kept) error {
	l, err := r.load(ctx, kept)
	if err != nil || l == nil || l.p.Phase == going {
		return err
	}
	for {
		running, _, err := r.Engine.List(ctx, &execution.Filter{Spot: l.key.spot(), MapRun: l.rec.ARN, Status: execution.Running}, stopAtOnce, "")
		if err != nil || len(running) == 0 {
			return err
		}
		for i := range running {
			if _, err := r.Engine.Stop(ctx, running[i].Ref, &fault.Error{}); err != nil {
				if _, none := errors.AsType[*sfnapi.ExecutionDoesNotExist](err); !none {
					return err
				}
			}
		}
	}
}

// again redrives the children that did not succeed, as many as there is room for; more says that others remain.
func (r *Runs) again(ctx context.Context, l *loaded, kept *timer.Kept) (more bool, err error) {
	for {
		p, err := r.update(ctx, l.key, kept, func(tx store.Tx, p *progress) (bool, error) {
			if p.Phase != going || p.room() <= 0 {
				p.Feeding = false
				return true, nil
			}
			return false, r.againSome(tx, l, p)
		})
		if err != nil || p == nil {
			return true, err
		}
		l.p = p
		if !p.Feeding || !p.Redriving {
			return !p.Feeding, nil
		}
	}
}

func (r *Runs) againSome(tx store.Tx, l *loaded, p *progress) error {
	root := l.key.outcomes()
	within := store.Range{Begin: store.Key(root.Uint(uint64(p.Again))), End: root.Range().End}
	type found struct {
		i int64
		o *outcome
	}
	var all []found
	looked := 0
	pairs, done := tx.Scan(within, store.ScanOpt{})
	for kv := range pairs {
		key := store.Decode(kv.Key, len(root))
		i := int64(key.Uint())
		if key.More() || i < p.Again { // a further piece of a large one
			continue
		}
		if looked++; looked > perCommit || len(all) >= p.room() {
			break
		}
		p.Again = i + 1
		o, err := getLarge[outcome](tx, l.key.outcome(i))
		if err != nil {
			return err
		}
		if o != nil && o.Status != execution.Succeeded {
			all = append(all, found{i, o})
		}
	}
	if err := done(); err != nil {
		return err
	}
	if p.Redriving = looked > perCommit || len(all) > 0; !p.Redriving {
		return nil
	}
	for _, f := range all {
		if err := r.againOne(tx, l, p, f.i, f.o); err != nil {
			return err
		}
	}
	return nil
}

// againOne promises to run a child again.
func (r *Runs) againOne(tx store.Tx, l *loaded, p *progress, i int64, o *outcome) error {
	p.Open++
	p.OpenItems += o.Items
	p.Children[execution.PendingRedrive]--
	p.Items[execution.PendingRedrive] -= o.Items
	a := childArgs{Key: l.key, Index: i, Items: o.Items, Redrives: o.Redrives}
	if l.rec.Express {
		a.Redrives++
		if err := store.DeleteLarge(tx, l.key.outcome(i)); err != nil {
			return err
		}
		return setChild(tx, kindChild, a)
	}
	o.Status = execution.PendingRedrive
	if err := putLarge(tx, l.key.outcome(i), o); err != nil {
		return err
	}
	return setChild(tx, kindRedrive, a)
}

// keepRedrive redrives a standard child, once: it counts its redrives.
func (r *Runs) keepRedrive(ctx context.Context, kept *timer.Kept) error {
	var a childArgs
	if err := record.Decode(kept.Args, version, &a); err != nil {
		return err
	}
	l, err := r.read(ctx, a.Key)
	if err != nil || l == nil {
		return err
	}
	ref := l.ref(a.Key.child(a.Index))
	d, err := r.Engine.Describe(ctx, ref)
	if err == nil && d.Redrives == a.Redrives && l.p.Phase == going {
		_, err = r.Engine.Redrive(ctx, ref, "", true)
	}
	if err == nil && l.p.Phase == going {
		return nil
	}
	_, not := errors.AsType[*sfnapi.ExecutionNotRedrivable](err)
	_, none := errors.AsType[*sfnapi.ExecutionDoesNotExist](err)
	if err != nil && !not && !none {
		return err
	}
	return r.notRedriven(ctx, kept, a, r.Clock.Now())
}

// notRedriven leaves a child as it was.
func (r *Runs) notRedriven(ctx context.Context, kept *timer.Kept, a childArgs, now time.Time) error {
	_, err := r.shard(a.Key).Update(ctx, func(_ context.Context, tx store.Tx) error {
		if err := kept.Done(tx); err != nil {
			return err
		}
		p, err := get[progress](tx, a.Key.progress())
		if err != nil || p == nil {
			return err
		}
		o, err := getLarge[outcome](tx, a.Key.outcome(a.Index))
		if err != nil || o == nil || o.Status != execution.PendingRedrive {
			return err
		}
		if o.Status = execution.Failed; o.Error == nil {
			o.Status = execution.Aborted
		}
		o.Stop = now.UnixMicro()
		return r.ended(tx, a.Key, p, a.Index, o)
	})
	return gone(err)
}
