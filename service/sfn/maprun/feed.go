package maprun

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"

	"github.com/brume-dev/brume/asl"
	"github.com/brume-dev/brume/asl/fault"
	"github.com/brume-dev/brume/service/sfn/dataset"
	"github.com/brume-dev/brume/service/sfn/execution"
	"github.com/brume-dev/brume/service/sfn/machine"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
	"github.com/brume-dev/brume/timer"
)

// feeder reads items and starts children. There is one at a time for each map run: it has the promise, and Feeding says so.
type feeder struct {
	r        *Runs
	l        *loaded
	kept     *timer.Kept
	p        *progress
	reading  *dataset.Reading
	batches  *dataset.Batches
	selector *asl.Selector
	safe     dataset.Cursor // behind the last item that is in an input
	eof      bool
}

// errOrphan says that the parent does not wait any more.
var errOrphan = errors.New("sfn: the map state has ended")

// input is that of a child that is about to begin.
type input struct {
	text  []byte
	items int
}

// keepFeed reads on as long as there is room for more children.
func (r *Runs) keepFeed(ctx context.Context, kept *timer.Kept) error {
	l, err := r.load(ctx, kept)
	if err != nil || l == nil || !l.p.Feeding {
		return gone(err)
	}
	err = r.feed(ctx, l, kept)
	if errors.Is(err, errOrphan) {
		_, err = r.update(ctx, l.key, kept, func(_ store.Tx, p *progress) (bool, error) {
			p.Phase, p.Feeding = aborting, false
			return true, nil
		})
	}
	if f, ok := errors.AsType[*fault.Error](err); ok && ctx.Err() == nil {
		err = r.fail(ctx, l, kept, f)
	}
	return gone(err)
}

// gone ends the handler of a promise that is not there any more, or whose machine is not.
func gone(err error) error {
	if errors.Is(err, timer.ErrGone) {
		return nil
	}
	return err
}

func (r *Runs) feed(ctx context.Context, l *loaded, kept *timer.Kept) error {
	if l.p.Phase == going {
		if err := r.permitted(ctx, l, kept); err != nil {
			return err
		}
	}
	if l.p.Redriving && l.p.Phase == going {
		if more, err := r.again(ctx, l, kept); err != nil || more {
			return err
		}
	}
	f := &feeder{r: r, l: l, kept: kept, p: l.p, safe: l.cursor, batches: dataset.NewBatches(l.rec.batcher())}
	if l.p.Phase != going || l.p.EOF {
		return f.rest(ctx)
	}
	if err := f.open(ctx); err != nil {
		return err
	}
	defer f.reading.Close()
	for range roundsAtOnce {
		if f.p.Phase != going || f.p.room() <= 0 {
			return f.rest(ctx)
		}
		inputs, err := f.gather(ctx)
		if err != nil {
			return err
		}
		if err := f.begin(ctx, inputs); err != nil || f.eof {
			return err
		}
	}
	return &timer.Retry{Uncounted: true}
}

func (f *feeder) open(ctx context.Context) (err error) {
	var items []byte
	if f.l.rec.Reader == nil {
		items, err = store.View(ctx, f.r.shard(f.l.key), func(_ context.Context, rd store.Reader) ([]byte, error) {
			b, _, err := store.GetLarge(rd, f.l.key.items())
			return bytes.Clone(b), err
		})
		if err != nil {
			return err
		}
	}
	if f.l.rec.Selects {
		parent, setting, err := f.r.Engine.Mapping(ctx, f.l.at(), f.l.rec.Gen, f.l.rec.Seq)
		if err != nil {
			return err
		}
		if parent == nil {
			return errOrphan
		}
		f.selector = f.l.rev.Machine.Selector(ctx, parent, setting)
	}
	f.reading, err = dataset.Open(&bucket{runs: f.r, l: f.l, key: f.kept.Key, error: fault.ItemReaderFailed}, f.l.rec.reader(), items, f.safe)
	return err
}

// gather reads what the next children get.
func (f *feeder) gather(ctx context.Context) (inputs []input, err error) {
	most, size := min(perCommit, f.p.room()), 0
	for len(inputs) < most && size < commitBytes {
		before := f.reading.Cursor()
		it, err := f.reading.Next(ctx)
		if errors.Is(err, io.EOF) {
			f.eof = true
		} else if err != nil {
			return nil, err
		}
		value := it.Input()
		if f.selector != nil && !f.eof {
			if value, err = f.selector.Select(it); err != nil {
				return nil, err
			}
		}
		var text []byte
		n := 0
		if f.eof {
			text, n = f.batches.Rest()
			f.safe = f.reading.Cursor()
		} else if text, n = f.batches.Add(value); n > 0 {
			f.safe = before
		}
		if n > 0 {
			inputs = append(inputs, input{text, n})
			size += len(text)
		}
		if f.eof {
			break
		}
		if f.batches.Full() {
			text, n = f.batches.Rest()
			f.safe = f.reading.Cursor()
			inputs = append(inputs, input{text, n})
			size += len(text)
		}
	}
	for _, in := range inputs {
		if len(in.text) > asl.MaxData {
			return nil, fault.New(fault.DataLimitExceeded, "The state/task '%s' has an item or batch with a size exceeding the maximum number of bytes service limit.", f.l.rec.State)
		}
	}
	return inputs, nil
}

// begin starts children in one commit with the cursor behind their items.
func (f *feeder) begin(ctx context.Context, inputs []input) error {
	first, base := f.p.Created, f.p.Read
	var ready []*execution.Pending
	for i, in := range inputs {
		if f.l.rec.Express {
			break
		}
		p, err := f.r.Engine.Prepare(ctx, f.l.child(first+int64(i), in.text, int64(in.items)))
		if err != nil {
			return err
		}
		ready = append(ready, p)
	}
	p, err := store.Update(ctx, f.r.shard(f.l.key), func(_ context.Context, tx store.Tx) (*progress, error) {
		return f.write(tx, inputs, ready, first, base)
	})
	if err == nil {
		f.p = p
	}
	return err
}

func (f *feeder) write(tx store.Tx, inputs []input, ready []*execution.Pending, first, base int64) (*progress, error) {
	k := f.l.key
	p, err := get[progress](tx, k.progress())
	if err != nil {
		return nil, err
	}
	_, deleting, err := tx.Get(k.spot().Deleting())
	if err != nil {
		return nil, err
	}
	if p == nil || deleting || p.Created != first || p.Read != base {
		return nil, timer.ErrGone // with its machine, or somebody else has read on
	}
	if p.Phase != going {
		return p, nil
	}
	for i, in := range inputs {
		p.Open++
		p.OpenItems += int64(in.items)
		if f.l.rec.Express {
			if err := f.l.express(tx, first+int64(i), in); err != nil {
				return nil, err
			}
		}
	}
	p.Created += int64(len(inputs))
	p.Read = f.safe.Items
	put(tx, k.cursor(), f.safe)
	put(tx, k.progress(), p)
	for _, child := range ready { // one that ends at once is counted in the same commit
		if err := child.Write(tx); err != nil {
			return nil, err
		}
	}
	if p, err = get[progress](tx, k.progress()); err != nil || !f.eof {
		return p, err
	}
	p.EOF, p.Feeding = true, false
	if err := f.kept.Done(tx); err != nil {
		return nil, err
	}
	return p, f.r.settle(tx, k, p)
}

// rest gives the promise up, unless there is something to read for after all.
func (f *feeder) rest(ctx context.Context) error {
	p, err := f.r.update(ctx, f.l.key, f.kept, func(_ store.Tx, p *progress) (bool, error) {
		p.Feeding = p.Phase == going && !p.EOF && p.worth()
		return !p.Feeding, nil
	})
	if err == nil && p != nil && p.Feeding {
		return &timer.Retry{Uncounted: true}
	}
	return err
}

// ref is the child with a name.
func (l *loaded) ref(name string) execution.Ref {
	return execution.Ref{Spot: l.key.spot(), Name: l.rec.Label + "/" + name}
}

// child is the start of child number i.
func (l *loaded) child(i int64, text []byte, items int64) *execution.Begin {
	return &execution.Begin{Target: machine.Target{Revision: l.rev}, Name: l.ref(l.key.child(i)).Name, Input: text, Trace: l.rec.Trace,
		MapRun: l.rec.ARN, Block: l.rec.Block, Items: items}
}

func cut(name string) (label, rest string) {
	label, rest, _ = strings.Cut(name, "/")
	return label, rest
}

// childArgs are the arguments of kindChild and kindRedrive.
type childArgs struct {
	Key      key   `cbor:"1,keyasint"`
	Index    int64 `cbor:"2,keyasint"`
	Items    int64 `cbor:"3,keyasint"`
	Redrives int   `cbor:"4,keyasint,omitempty"` // of the child, before it is redriven
	Start    int64 `cbor:"5,keyasint,omitempty"`
}

func setChild(tx store.Tx, kind string, a childArgs) error {
	return timer.Set(tx, timer.Promise{Kind: kind, Args: record.Encode(version, a), Dest: a.Key.Run})
}

// express promises to run an express child.
func (l *loaded) express(tx store.Tx, i int64, in input) error {
	if err := store.SetLarge(tx, l.key.input(i), in.text); err != nil {
		return err
	}
	return setChild(tx, kindChild, childArgs{Key: l.key, Index: i, Items: int64(in.items)})
}
