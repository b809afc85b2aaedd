package cloudformation

import (
	"context"
	"errors"
	"time"

	"github.com/brume-dev/brume/api/cloudformationapi"
	"github.com/brume-dev/brume/deploy/resource"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/timer"
)

// What is replaced is put aside until the operation has come to its end: it goes when the stack is cleaned up, and is there again
// when the operation goes back.

// keepStale puts what a replacement replaces aside, once the new resource has a name.
func (w *work) keepStale(rec *resourceRecord, o *resource.Op) {
	if rec.Verb != verbReplace || o.Physical == "" || o.Physical == rec.Physical && rec.Attributes[replacing] != "" {
		return
	}
	rec.Stale = append(rec.Stale, staleRecord{Type: rec.Type, Physical: rec.Physical, Ref: rec.Ref, Attributes: rec.Attributes,
		Properties: rec.Properties, Keep: rec.Replace == "Retain"})
}

// restores reports whether what is wanted is what the resource was before it was replaced: going back needs no calls then.
func (w *work) restores(want string) bool {
	for _, old := range w.rec.Stale {
		if old.Type == w.rec.Type && old.Properties == want {
			return true
		}
	}
	return false
}

// restore swaps the resource with what it was.
func (w *work) restore(ctx context.Context, k *timer.Kept, want string) error {
	_, err := w.shard(w.p).Update(ctx, func(_ context.Context, tx store.Tx) error {
		rec := w.fresh()
		for i, old := range rec.Stale {
			if old.Type != rec.Type || old.Properties != want {
				continue
			}
			if rec.Physical == "" {
				rec.Stale = append(rec.Stale[:i], rec.Stale[i+1:]...)
			} else {
				rec.Stale[i] = staleRecord{Type: rec.Type, Physical: rec.Physical, Ref: rec.Ref, Attributes: rec.Attributes, Properties: rec.Properties}
			}
			rec.Physical, rec.Ref, rec.Attributes, rec.Properties = old.Physical, old.Ref, old.Attributes, old.Properties
			break
		}
		rec.State = done
		return errors.Join(resourceEvent(tx, w.p, w.st, rec, string(cloudformationapi.ResourceStatusUpdateComplete), ""),
			writeResource(tx, w.p, w.st.UUID, rec), k.Done(tx), promiseDrive(tx, w.p, w.st.UUID, "", time.Time{}))
	})
	return err
}

// stays reports whether the template still has the resource: only what it was before goes.
func (w *work) stays(rec *resourceRecord) bool {
	d := &driver{plan: w.plan}
	return d.wanted(rec.Logical)
}

// staleEvents tells how far the deletion of what the resource was before is; what is retained was skipped when the rest is gone.
func (w *work) staleEvents(tx store.Tx, st *stackRecord, rec *resourceRecord, verb, status, reason string) error {
	if verb != verbDelete {
		return nil
	}
	for _, old := range rec.Stale {
		now := status
		if old.Keep && status != string(cloudformationapi.ResourceStatusDeleteComplete) {
			continue
		} else if old.Keep {
			now = string(cloudformationapi.ResourceStatusDeleteSkipped)
		}
		if err := addEvent(tx, w.p, st, eventRecord{Logical: rec.Logical, Physical: old.Physical, Type: old.Type, Status: now, Reason: reason}); err != nil {
			return err
		}
	}
	return nil
}
