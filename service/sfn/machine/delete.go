package machine

import (
	"context"

	"github.com/brume-dev/brume/api/sfnapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
	"github.com/brume-dev/brume/timer"
)

// going is a machine that is being deleted.
type going struct {
	Place
	Name string `cbor:"3,keyasint"`
	ID   uint64 `cbor:"4,keyasint"`
}

// DeleteStateMachine begins to delete a machine: it is gone when none of its executions runs any more. One that does not
// exist is deleted already.
func (m *Machines) DeleteStateMachine(ctx context.Context, _ aws.Identity, in *sfnapi.DeleteStateMachineInput) (*sfnapi.DeleteStateMachineOutput, error) {
	ref, err := named(in.StateMachineArn)
	if err != nil {
		return nil, err
	}
	_, err = m.home(ref.Place).Update(ctx, func(_ context.Context, tx store.Tx) error {
		rec, there, err := read[machineRecord](tx, ref.key())
		if err != nil || !there || rec.Deleting {
			return err
		}
		rec.Deleting = true
		ref.change(tx, &rec)
		return timer.Set(tx, timer.Promise{Kind: kindDelete, Dest: ref.ARN(), Args: record.Encode(version, going{ref.Place, ref.Name, rec.ID})})
	})
	return &sfnapi.DeleteStateMachineOutput{}, err
}

// finish ends a deletion. It tells the machine's own shard, waits until nothing runs there, and takes away the name, then
// all the rest.
func (m *Machines) finish(ctx context.Context, k *timer.Kept) error {
	var g going
	if err := record.Decode(k.Args, version, &g); err != nil {
		return err
	}
	at := Spot{Ref{g.Place, g.Name}, g.ID}
	own := m.Store.Shard(store.Key(at.Resource()))
	running, err := store.Update(ctx, own, func(_ context.Context, tx store.Tx) (int64, error) {
		tx.Set(at.Deleting(), []byte{1})
		return readCount(tx, at.Running())
	})
	if err != nil {
		return err
	}
	if running > 0 {
		return timer.Later(m.Clock.Now().Add(k.Backoff(shortestLook, longestLook)), nil)
	}
	for more := true; more; {
		if more, err = store.Update(ctx, m.home(at.Place), func(_ context.Context, tx store.Tx) (bool, error) { return forget(tx, at) }); err != nil {
			return err
		}
	}
	_, err = own.Update(ctx, func(_ context.Context, tx store.Tx) error {
		tx.DeleteRange(at.Resource().Range())
		return nil
	})
	return err
}

// forget takes away some of what a machine has in the home shard, its name with the last of it, and reports whether there
// is more.
func forget(tx store.Tx, at Spot) (more bool, err error) {
	for _, prefix := range []store.Tuple{at.aliases(), at.versions()} {
		left := eraseChunk
		pairs, done := tx.Scan(prefix.Range(), store.ScanOpt{Limit: left})
		for kv := range pairs {
			tx.Delete(kv.Key)
			left--
		}
		if err := done(); err != nil {
			return false, err
		}
		if left == 0 {
			return true, nil
		}
	}
	rec, there, err := read[machineRecord](tx, at.key())
	if err != nil || !there || rec.ID != at.ID {
		return false, err
	}
	tx.Delete(at.key())
	tx.Add(at.count(), -1)
	tx.Add(at.gen(), 1)
	return false, nil
}
