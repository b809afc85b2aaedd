package e2e

import (
	"context"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/brume-dev/brume/cmd/brume/platform"
	"github.com/brume-dev/brume/store/pebblestore/powercut"
)

// TestCrashPower is TestCrash with power cuts in the place of SIGKILL: the platform runs in this process, on a disk in memory
// that forgets what was not synced. An answer that reached a client before the cut must hold after it.
func TestCrashPower(t *testing.T) {
	need(t, "boto3", haveBoto3)
	rounds, seed := crashPlan(t, 20)
	rnd := rand.New(rand.NewPCG(seed, seed))
	folder, data := t.TempDir(), t.TempDir()
	disk := powercut.NewDisk()
	p := power(t, data, disk)
	announce(t, folder, p.url)
	drive, ended := startClients(t, folder)

	for range rounds {
		awaitWork(t, folder, drive, ended)
		time.Sleep(time.Duration(rnd.Int64N(int64(2 * time.Second))))
		p.cut() // from here on nobody hears an answer
		disk = disk.Cut(rnd)
		p.end() // the ghost's functions would take the machine from the living
		p = power(t, data, disk)
		announce(t, folder, p.url)
	}
	finishClients(t, folder, drive, ended)
}

// powered is a platform in this process behind a wire that can be cut.
type powered struct {
	url      string
	listener net.Listener
	end      func() // ends the platform, whose power is on or cut

	mu    sync.Mutex
	dead  bool
	conns []net.Conn
}

// power starts a platform on the disk. One whose power was cut is a ghost until it has ended: nothing that it does is on the
// next disk, and nobody hears it.
func power(t *testing.T, data string, disk *powercut.Disk) *powered {
	t.Helper()
	p, err := platform.New(platform.Config{Listen: "127.0.0.1:0", Data: data, Account: "000000000000", Region: "us-east-1",
		Auth: platform.Open, Isolation: platform.IsolateAuto, Version: "test", Disk: disk.FS(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan struct{})
	go func() {
		defer close(ran)
		_ = p.Run(ctx) // a ghost may fail as it likes
	}()
	end := sync.OnceFunc(func() { cancel(); <-ran; _ = p.Close() })
	t.Cleanup(end)

	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &powered{url: "http://" + l.Addr().String(), listener: l, end: end}
	go w.serve(strings.TrimPrefix(p.URL(), "http://"))
	t.Cleanup(w.cut)
	return w
}

func (w *powered) serve(to string) {
	for {
		client, err := w.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", to)
		if err != nil || !w.keep(client, server) {
			client.Close()
			continue
		}
		go func() { _, _ = io.Copy(server, client); server.Close() }()
		go func() { _, _ = io.Copy(client, server); client.Close() }()
	}
}

func (w *powered) keep(conns ...net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.dead {
		for _, c := range conns {
			c.Close()
		}
		return false
	}
	w.conns = append(w.conns, conns...)
	return true
}

// cut ends every connection, so that no answer gets through any more.
func (w *powered) cut() {
	w.listener.Close()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dead = true
	for _, c := range w.conns {
		c.Close()
	}
}

// startClients starts the clients of the crash suite.
func startClients(t *testing.T, folder string) (*lockedBuffer, chan error) {
	t.Helper()
	drive := exec.Command("python3", "testdata/crash/drive.py", folder)
	drive.Env = append(cleanEnv(), "PYTHONDONTWRITEBYTECODE=1")
	out := &lockedBuffer{}
	drive.Stdout, drive.Stderr = out, out
	if err := drive.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- drive.Wait() }()
	t.Cleanup(func() { _ = drive.Process.Kill() })
	return out, ended
}

// finishClients has the clients stop and check, and reports what they found.
func finishClients(t *testing.T, folder string, out *lockedBuffer, ended chan error) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(folder, "stop"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		t.Logf("%s", out)
		if err != nil {
			t.Error(err)
		}
	case <-time.After(3 * patience):
		t.Fatalf("the clients do not end\n%s", out)
	}
}
