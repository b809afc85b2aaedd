package platform

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/blob"
	"github.com/brume-dev/brume/blob/diskblob"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/dispatch"
	"github.com/brume-dev/brume/gateway"
	"github.com/brume-dev/brume/protocol"
	"github.com/brume-dev/brume/sandbox/process"
	"github.com/brume-dev/brume/service/lambda"
	"github.com/brume-dev/brume/service/sns"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/pebblestore"
	"github.com/brume-dev/brume/timer"
)

// house is the state in a folder and everything that works on it. It is made whole by open and thrown away by close;
// what it keeps in memory never outlives the state that it was read from.
type house struct {
	*Platform

	clock   clock.Clock
	virtual *clock.Virtual // clock, when its time can be moved
	store   store.Store
	blobs   blob.Store
	timer   *timer.Runner
	runner  *process.Runner // of functions
	table   *dispatch.Table
	gateway *gateway.Gateway

	// What the services are given and give in turn: see wire.go.
	keys      gateway.Keys
	policies  aws.Policies
	planes    map[string]aws.DataPlane
	objects   gateway.Buckets      // the rules of buckets for browsers
	callbacks aws.DataPlane        // takes the answers of CloudFormation's custom resources
	topics    *sns.Service         // shows its certificate and the mails that nobody took
	functions *lambda.Service      // serves the packages that GetFunction names
	live      map[string]blob.Live // which blobs of each space are named
	notes     []string             // what the user should know at the start

	loops   []func(context.Context) error
	closers []func() error // in the order of opening
	stop    context.CancelFunc
	running sync.WaitGroup
}

// open opens the folder and makes the services. Nothing runs yet.
func (p *Platform) open() (_ *house, err error) {
	h := &house{Platform: p, planes: map[string]aws.DataPlane{}, live: map[string]blob.Live{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, h.close())
		}
	}()
	if err := os.MkdirAll(p.Data, 0o700); err != nil { // for what is not on p.Disk, when there is one
		return nil, folderError(p.Data, err)
	}
	if err := makeFolder(p.disk(), p.Data); err != nil {
		return nil, folderError(p.Data, err)
	}
	if err := h.openClock(); err != nil {
		return nil, folderError(p.Data, err)
	}
	s, err := pebblestore.Open(pebblestore.Options{Dir: filepath.Join(p.Data, "store"), FS: p.Disk, Clock: h.clock, Log: p.Log})
	if err != nil {
		return nil, folderError(p.Data, err)
	}
	h.store, h.closers = s, append(h.closers, s.Close)
	if h.blobs, err = diskblob.Open(p.disk(), filepath.Join(p.Data, "blob")); err != nil {
		return nil, folderError(p.Data, err)
	}
	h.timer = timer.New(timer.Config{Store: h.store, Clock: h.clock, Log: p.Log})
	h.table = dispatch.New(dispatch.Config{Policies: late{h}, Log: p.Log,
		Elapsed: func() time.Duration { return time.Since(p.began) }})
	if err := h.openRunner(); err != nil {
		return nil, err
	}
	if err := h.wire(); err != nil {
		return nil, err
	}
	h.gateway = gateway.New(gateway.Config{
		Services: h.table.Services(),
		Call: func(ctx context.Context, id aws.Identity, op *aws.Operation, in any, r *protocol.Request) (any, error) {
			return h.table.Serve(ctx, id, op, in, r.Notes)
		},
		Keys: h.keys, Account: p.Account, Region: p.Region, Open: p.Auth == Open,
		Planes: h.planes, Buckets: h.objects, Own: h.own(), Clock: h.clock, Now: time.Now, Log: p.Log,
	})
	h.loops = append(h.loops, h.timer.Run, thrift,
		blob.NewSweeper(blob.SweepConfig{Store: h.blobs, Clock: clock.Real(), Live: h.live, Log: p.Log}).Run)
	return h, nil
}

// makeFolder makes a folder that is there after a power cut too: every folder above it that does not yet hold it for sure is
// synced. One that has been opened before is left alone.
func makeFolder(fs vfs.FS, dir string) error {
	if _, err := fs.Stat(filepath.Join(dir, "store")); err == nil {
		return nil
	}
	if err := fs.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for at := dir; ; at = filepath.Dir(at) {
		f, err := fs.OpenDir(at)
		if errors.Is(err, os.ErrPermission) {
			return nil // not ours: it was there before
		}
		if err != nil {
			return err
		}
		if err := errors.Join(f.Sync(), f.Close()); err != nil {
			return err
		}
		if filepath.Dir(at) == at {
			return nil
		}
	}
}

// disk is where the store and the blobs lie.
func (p *Platform) disk() vfs.FS {
	if p.Disk != nil {
		return p.Disk
	}
	return vfs.Default
}

// openClock makes the clock, which goes on where the last process left it.
func (h *house) openClock() error {
	if !h.VirtualClock {
		h.clock = clock.Real()
		return nil
	}
	offset, err := h.readOffset()
	if err != nil {
		return err
	}
	h.virtual = clock.Shifted(offset)
	h.clock = h.virtual
	return nil
}

func (h *house) readOffset() (time.Duration, error) {
	b, err := os.ReadFile(filepath.Join(h.Data, "clock"))
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	offset, err := time.ParseDuration(strings.TrimSpace(string(b)))
	if err != nil {
		return 0, fmt.Errorf("file clock: %w", err)
	}
	return offset, nil
}

// advance moves the time. Where it will be is on disk before the first thing happens there: a platform that dies on
// the way wakes up at the end of it, as a machine does that was off for so long, and nothing goes back in time.
func (h *house) advance(ctx context.Context, d time.Duration) (time.Time, error) {
	name := filepath.Join(h.Data, "clock")
	offset := h.virtual.Offset() + d
	if err := writeSynced(name+".new", offset.String()+"\n"); err != nil {
		return time.Time{}, err
	}
	if err := os.Rename(name+".new", name); err != nil {
		return time.Time{}, err
	}
	return h.virtual.Advance(ctx, d)
}

func writeSynced(name, text string) error {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Sync(), f.Close())
}

// close ends what runs and closes what is open, the last first.
func (h *house) close() error {
	if h.stop != nil {
		h.stop()
		h.running.Wait()
	}
	var errs []error
	for i := len(h.closers) - 1; i >= 0; i-- {
		errs = append(errs, h.closers[i]())
	}
	h.closers = nil
	return errors.Join(errs...)
}
