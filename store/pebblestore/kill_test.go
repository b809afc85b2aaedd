package pebblestore_test

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/pebblestore"
	"github.com/brume-dev/brume/store/storetest"
)

var child = flag.String("store.child", "", "be the process that TestKill kills, on this folder; \"relaxed:\" before it sets the mode")

// TestKill kills a process with SIGKILL while it works, and looks at what it leaves.
func TestKill(t *testing.T) {
	if *child != "" {
		beKilled(t)
		return
	}
	for _, mode := range []string{"", "relaxed:"} {
		t.Run("mode="+mode, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for round := range 3 * *effort {
				known := killOne(t, mode+dir, *seed+uint64(round))
				s := open(t, pebblestore.Options{Dir: dir, Clock: machine{}, Relaxed: mode != ""})
				known.check(t, s, false)
				if err := s.Close(); err != nil {
					t.Error(err)
				}
				if t.Failed() {
					t.Fatalf("round %d", round)
				}
			}
		})
	}
}

// killOne runs a child on the folder, kills it after some lines of its output and returns what it told.
func killOne(t *testing.T, folder string, seed uint64) *ledger {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestKill$", "-store.child="+folder, fmt.Sprint("-store.seed=", seed))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if _, err := cmd.StdinPipe(); err != nil { // closed when this process ends, which ends the child
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	l := &ledger{}
	kill := 10 + rand.New(rand.NewPCG(seed, 9)).IntN(400)
	for n := 0; lines.Scan(); n++ {
		var w int
		var acked, version uint64
		if _, err := fmt.Sscanf(lines.Text(), "told %d %d %d", &w, &acked, &version); err != nil {
			t.Fatalf("the child says %q", lines.Text())
		}
		l.acked[w], l.seen = max(l.acked[w], acked), max(l.seen, store.Version(version))
		if n == kill {
			cmd.Process.Signal(syscall.SIGKILL) // lines that are in the pipe already are read on
		}
	}
	if err := cmd.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Fatalf("the child was to be killed, it ended with: %v", err)
	}
	return l
}

// beKilled works, and writes a line for each thing that is told, until the end.
func beKilled(t *testing.T) {
	dir, relaxed := strings.CutPrefix(*child, "relaxed:")
	s := open(t, pebblestore.Options{Dir: dir, Clock: machine{}, Relaxed: relaxed})
	l := &ledger{}
	for w := range workers {
		go func() {
			rnd := rand.New(rand.NewPCG(*seed, uint64(w)))
			for l.step(context.Background(), s.Shard(nil), w, rnd) == nil {
				k := l.known()
				os.Stdout.WriteString(fmt.Sprintf("told %d %d %d\n", w, k.acked[w], k.seen))
			}
		}()
	}
	io.Copy(io.Discard, os.Stdin)
	os.Exit(0)
}

// TestDiskErrors lets syncs and writes fail. Nothing may be acknowledged after the first failure, and all that was
// acknowledged before must be there when the disk is well again.
func TestDiskErrors(t *testing.T) {
	for _, c := range []struct {
		name string
		hits func(errorfs.Op) bool
	}{
		{"log sync", func(op errorfs.Op) bool { return isSync(op.Kind) && strings.HasSuffix(op.Path, ".log") }},
		{"log write", func(op errorfs.Op) bool { return op.Kind == errorfs.OpFileWrite && strings.HasSuffix(op.Path, ".log") }},
		{"any write", func(op errorfs.Op) bool { return op.Kind.ReadOrWrite() == errorfs.OpIsWrite }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for round := range 5 * *effort {
				failOnce(t, *seed+uint64(round), c.hits)
			}
		})
	}
}

func isSync(k errorfs.OpKind) bool {
	return k == errorfs.OpFileSync || k == errorfs.OpFileSyncData || k == errorfs.OpFileSyncTo
}

func failOnce(t *testing.T, seed uint64, hits func(errorfs.Op) bool) {
	rnd := rand.New(rand.NewPCG(seed, 11))
	disk := vfs.NewCrashableMem()
	sick := errors.New("injected")
	after := make(chan struct{}) // closed: the disk is sick
	files := errorfs.Wrap(disk, errorfs.InjectorFunc(func(op errorfs.Op) error {
		select {
		case <-after:
			if hits(op) {
				return sick
			}
		default:
		}
		return nil
	}))
	fatal := make(chan error, 1)
	o := pebblestore.Options{Dir: "data", FS: files, Clock: storetest.NewClock(epoch()), Fatal: func(err error) { fatal <- err }}
	s := open(t, o)
	l := &ledger{}
	c, cancel := context.WithCancel(context.Background())
	defer cancel()
	wg := l.run(c, s, seed)
	for range rnd.IntN(200) {
		if err := l.step(c, s.Shard(nil), 0, rnd); err != nil {
			break
		}
	}
	close(after)
	if err := <-fatal; !errors.Is(err, sick) && !strings.Contains(err.Error(), "injected") {
		t.Errorf("seed %d: the store failed with %v", seed, err)
	}
	wg.Wait() // every worker has been told
	known := l.known()
	if _, err := s.Shard(nil).Update(c, func(context.Context, store.Tx) error { return nil }); err == nil {
		t.Errorf("seed %d: an Update succeeded after the failure", seed)
	}
	if err := s.Shard(nil).View(c, func(context.Context, store.Reader) error { return nil }); err == nil {
		t.Errorf("seed %d: a View succeeded after the failure", seed)
	}
	if err := s.Close(); err == nil {
		t.Errorf("seed %d: Close says nothing of the failure", seed)
	}
	o.FS = disk.CrashClone(vfs.CrashCloneCfg{})
	o.Fatal = nil
	again := open(t, o)
	defer again.Close()
	known.check(t, again, false)
}

// TestFolderTaken: a folder has one owner, and the next is told clearly.
func TestFolderTaken(t *testing.T) {
	o := pebblestore.Options{Dir: t.TempDir(), Clock: machine{}}
	s := open(t, o)
	_, err := pebblestore.Open(o)
	if !errors.Is(err, store.ErrFenced) || !strings.Contains(err.Error(), "folder is taken") || !strings.Contains(err.Error(), o.Dir) {
		t.Errorf("the second Open: %v", err)
	}
	if err := pebblestore.Restore(o, strings.NewReader("")); err == nil {
		t.Error("a restore into a folder that is taken succeeded")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := open(t, o).Close(); err != nil {
		t.Error(err)
	}
	blocked := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(blocked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := pebblestore.Open(pebblestore.Options{Dir: blocked, Clock: machine{}}); err == nil || errors.Is(err, store.ErrFenced) {
		t.Errorf("a file in place of the folder: %v", err)
	}
}

// TestUnfinishedRestore: what is left of a restore that the process did not survive is refused.
func TestUnfinishedRestore(t *testing.T) {
	disk := vfs.NewCrashableMem()
	o := pebblestore.Options{Dir: "data", FS: disk, Clock: storetest.NewClock(epoch())}
	src := open(t, pebblestore.Options{Dir: "src", FS: vfs.NewMem(), Clock: o.Clock})
	defer src.Close()
	r, w := io.Pipe()
	go func() {
		src.Backup(context.Background(), w)
		w.Close()
	}()
	var left *vfs.MemFS
	err := pebblestore.Restore(o, io.MultiReader(cutHere{func() { left = disk.CrashClone(vfs.CrashCloneCfg{}) }}, r))
	if err != nil {
		t.Fatal(err)
	}
	o.FS = left
	if _, err := pebblestore.Open(o); err == nil || !strings.Contains(err.Error(), "not finished") {
		t.Errorf("Open after half a restore: %v", err)
	}
	o.FS = disk
	if err := open(t, o).Close(); err != nil {
		t.Error(err)
	}
}

// cutHere calls a function when it is read, and is empty.
type cutHere struct{ f func() }

func (c cutHere) Read([]byte) (int, error) {
	c.f()
	return 0, io.EOF
}
