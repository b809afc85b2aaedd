package maprun

import (
	"context"
	"errors"

	"github.com/brume-dev/brume/asl"
	"github.com/brume-dev/brume/asl/fault"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/timer"
)

// keepFinish writes the results and tells the parent, when no child runs any more.
func (r *Runs) keepFinish(ctx context.Context, kept *timer.Kept) error {
	l, err := r.load(ctx, kept)
	if err != nil || l == nil || !l.p.Finishing { // it has been redriven meanwhile
		return err
	}
	status, h := "SUCCEEDED", asl.Happening{What: asl.Joined}
	w := &results{r: r, l: l, bucket: &bucket{runs: r, l: l, key: kept.Key, error: fault.ResultWriterFailed}}
	switch l.p.Phase {
	case aborting:
		return gone(r.close(ctx, l, kept, "ABORTED", w))
	case failing:
		status, h = "FAILED", asl.Happening{What: asl.Faulted, Error: l.p.Error}
		if l.rec.exports() {
			_, err := w.export(ctx)
			if _, ours := errors.AsType[*fault.Error](err); err != nil && !ours {
				return err
			} // that results cannot be written is not worth another error
		}
	default:
		h.Output, err = w.output(ctx)
		f, ours := errors.AsType[*fault.Error](err)
		if err != nil && !ours {
			return err
		}
		if ours {
			status, h = "FAILED", asl.Happening{What: asl.Faulted, Error: f}
		}
	}
	told, err := r.Engine.Advance(ctx, l.at(), l.rec.Gen, l.rec.Seq, h, func(tx store.Tx) error { return r.end(tx, l, kept, status, w) })
	if err == nil && !told {
		err = r.close(ctx, l, kept, "ABORTED", w)
	}
	return gone(err)
}

// close ends a run that nobody waits for.
func (r *Runs) close(ctx context.Context, l *loaded, kept *timer.Kept, status string, w *results) error {
	_, err := r.shard(l.key).Update(ctx, func(_ context.Context, tx store.Tx) error { return r.end(tx, l, kept, status, w) })
	return err
}

// end writes that the run is over.
func (r *Runs) end(tx store.Tx, l *loaded, kept *timer.Kept, status string, w *results) error {
	if err := kept.Done(tx); err != nil {
		return err
	}
	rec, err := getLarge[run](tx, l.key.record())
	if err != nil {
		return err
	}
	p, err := get[progress](tx, l.key.progress())
	if err != nil || p == nil || rec == nil || !p.Finishing {
		return err
	}
	if rec.Status == "RUNNING" {
		rec.Status, rec.Stop = status, tx.Now().UnixMicro()
	}
	if err := putLarge(tx, l.key.record(), rec); err != nil {
		return err
	}
	p.Phase, p.Finishing, p.Written, p.WrittenItems = over, false, w.written, w.items
	put(tx, l.key.progress(), p)
	return nil
}
