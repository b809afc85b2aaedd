package sandboxtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/brume-dev/brume/sandbox"
)

// isolation are functions that try to get out.
func (b *bench) isolation(t *testing.T) {
	t.Run("Files", b.hostFiles)
	t.Run("ReadOnly", b.readOnly)
	t.Run("Processes", b.otherProcesses)
	t.Run("Kernel", b.kernel)
	t.Run("Network", b.network)
	t.Run("Attacks", b.attacks)
	t.Run("Flood", b.flood)
	t.Run("ForkBomb", b.forkBomb)
	t.Run("DiskFiller", b.diskFiller)
	t.Run("Loops", b.loops)
	t.Run("Orphans", b.orphans)
}

// refused fails unless the event ends in an error that contains one of texts.
func (e *env) refused(event map[string]any, texts ...string) {
	e.t.Helper()
	got, fail := e.ask(event)
	for _, text := range texts {
		if strings.Contains(fail, text) {
			return
		}
	}
	e.t.Errorf("%v: got %.200s, %s; want an error with %q", event, got, fail, texts)
}

func (b *bench) hostFiles(t *testing.T) {
	e := b.start(t, nil)
	const absent, denied = "no such file", "permission denied"
	for _, path := range []string{b.Secret, filepath.Dir(b.Secret), "/etc/shadow", "/root/.bashrc", "/home", "/sys/kernel",
		"/proc/1/root/etc/passwd", "/proc/1/environ", "/var/lib", "/var/log", "/dev/mem", "/dev/sda", "/boot", "/srv"} {
		e.refused(map[string]any{"Do": "read", "Path": path}, absent, denied, "is a directory: none", "not permitted")
	}
	var names []string
	got, _ := e.ask(map[string]any{"Do": "list", "Path": "/"})
	if err := json.Unmarshal([]byte(got), &names); err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		switch n {
		case ".pause", "bin", "dev", "etc", "lib", "lib32", "lib64", "libx32", "nix", "opt", "proc", "root", "sbin", "tmp", "usr", "var":
		default:
			t.Errorf("the function sees /%s", n)
		}
	}
	// Another function's code and its own /tmp on the host.
	other := write(t, map[string]string{"secret.py": "x"})
	e.refused(map[string]any{"Do": "read", "Path": filepath.Join(other, "secret.py")}, absent)
	if passwd, _ := e.ask(map[string]any{"Do": "read", "Path": "/etc/passwd"}); strings.Count(passwd, `\n`) != 2 {
		t.Errorf("/etc/passwd is the host's: %.200s", passwd)
	}
}

func (b *bench) readOnly(t *testing.T) {
	e := b.start(t, nil)
	const readOnly, denied = "read-only file system", "permission denied"
	for _, path := range []string{"/var/task/new", "/opt/new", "/var/runtime/new", "/etc/passwd", "/new", "/usr/new", "/dev/new", "/proc/new"} {
		e.refused(map[string]any{"Do": "write", "Path": path, "Text": "x"}, readOnly, denied, "no such file")
	}
	e.refused(map[string]any{"Do": "remove", "Path": "/var/task/bootstrap"}, readOnly, denied)
	if _, err := os.Stat(filepath.Join(b.code, "bootstrap")); err != nil {
		t.Error(err)
	}
	e.refused(map[string]any{"Do": "write", "Path": "/proc/sys/kernel/core_pattern", "Text": "x"}, readOnly, denied)
}

func (b *bench) otherProcesses(t *testing.T) {
	e, victim := b.start(t, nil), b.start(t, nil)
	victim.invoke(map[string]any{"Do": "echo"})
	var pids []string
	got, _ := e.ask(map[string]any{"Do": "processes"})
	if err := json.Unmarshal([]byte(got), &pids); err != nil || len(pids) > 2 {
		t.Errorf("the function sees processes %s", got)
	}
	e.refused(map[string]any{"Do": "signal", "N": os.Getpid()}, "no such process")
	e.refused(map[string]any{"Do": "ptrace", "N": 1}, "operation not permitted")
	_, fail := e.ask(map[string]any{"Do": "signal", "N": 1})
	t.Logf("kill of the first process: %q", fail) // whatever it says: it lives
	if got, _ := victim.ask(map[string]any{"Do": "echo", "Text": "alive"}); got != `"alive"` {
		t.Errorf("the other function: %s", got)
	}
	var who struct {
		UID    int
		Host   string
		Status string
	}
	got, _ = e.ask(map[string]any{"Do": "whoami"})
	if err := json.Unmarshal([]byte(got), &who); err != nil {
		t.Fatal(err)
	}
	host, _ := os.Hostname()
	if who.UID == 0 || who.Host == host {
		t.Errorf("user %d on host %s", who.UID, who.Host)
	}
	for _, line := range []string{"CapEff:\t0000000000000000", "CapPrm:\t0000000000000000", "CapBnd:\t0000000000000000",
		"NoNewPrivs:\t1", "Seccomp:\t2"} {
		if !strings.Contains(who.Status, line) {
			t.Errorf("/proc/self/status lacks %q:\n%s", line, who.Status)
		}
	}
}

func (b *bench) kernel(t *testing.T) {
	e := b.start(t, nil)
	e.refused(map[string]any{"Do": "mount"}, "operation not permitted")
	e.refused(map[string]any{"Do": "unshare"}, "operation not permitted")
	e.refused(map[string]any{"Do": "chroot", "Path": "/tmp"}, "operation not permitted")
	e.refused(map[string]any{"Do": "socket", "N": 16 + 24}, "operation not permitted") // AF_VSOCK
	e.refused(map[string]any{"Do": "device", "Path": "/tmp/null"}, "operation not permitted", "permission denied")
}

func (b *bench) network(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	e := b.start(t, nil)
	e.refused(map[string]any{"Do": "dial", "Path": l.Addr().String()}, "refused")
	e.refused(map[string]any{"Do": "dial", "Path": "192.0.2.1:80"}, "unreachable")
	// The way out does not lead to the host itself.
	connect := fmt.Sprintf("CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n", l.Addr(), l.Addr())
	if got, fail := e.ask(map[string]any{"Do": "call", "Path": "127.0.0.1:3128", "Text": connect}); !strings.Contains(got, "403 Forbidden") {
		t.Errorf("proxy to the host: %s %s", got, fail)
	}
	// Each function has its own ports.
	if got, fail := e.ask(map[string]any{"Do": "listen", "Path": "127.0.0.1:" + strconv.Itoa(l.Addr().(*net.TCPAddr).Port)}); got != `"listening"` {
		t.Errorf("listen on a port of its own: %s %s", got, fail)
	}
}

// A fork bomb gets no more processes, or, where no control group counts them, is ended.
func (b *bench) forkBomb(t *testing.T) {
	e, other := b.start(t, nil), b.start(t, nil)
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	r, err := e.invokeContext(ctx, map[string]any{"Do": "forks", "N": 3000})
	var exit *sandbox.ExitError
	if !errors.As(err, &exit) && (err != nil || !strings.Contains(string(r.Payload), "resource temporarily unavailable")) {
		t.Errorf("3000 processes: %+v %v", r, err)
	}
	if got, _ := other.ask(map[string]any{"Do": "echo", "Text": "alive"}); got != `"alive"` {
		t.Errorf("the other function: %s", got)
	}
	e.Stop()
}

func (b *bench) diskFiller(t *testing.T) {
	e := b.start(t, func(s *sandbox.Spec) { s.MemoryMB = 128 })
	got, fail := e.ask(map[string]any{"Do": "fill", "Path": "/tmp/full", "N": 2000})
	if !strings.Contains(fail, "no space left on device after 51") {
		t.Errorf("fill /tmp: %s %s, want no space after 512 MB", got, fail)
	}
	// What lies in /tmp is not the function's memory.
	if got, fail := e.ask(map[string]any{"Do": "memory", "N": 30}); got != "30" {
		t.Errorf("memory beside a full /tmp: %s %s", got, fail)
	}
}

// An endless loop takes its share of the processor and no more.
func (b *bench) loops(t *testing.T) {
	for range 3 {
		e := b.start(t, nil)
		e.invoke(map[string]any{"Do": "echo"})
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() {
			_, _ = e.invokeContext(ctx, map[string]any{"Do": "loop"}) // ends with ctx
			close(done)
		}()
		defer func() { cancel(); <-done }()
	}
	e := b.start(t, nil)
	begun := time.Now()
	for range 20 {
		e.invoke(map[string]any{"Do": "echo"})
	}
	t.Logf("20 invocations beside three endless loops: %v", time.Since(begun))
}

// Processes that leave their session and their parent end with the environment.
func (b *bench) orphans(t *testing.T) {
	e := b.start(t, nil)
	if got, fail := e.ask(map[string]any{"Do": "orphan"}); fail != "" {
		t.Fatalf("orphan: %s %s", got, fail)
	}
	var pids []string
	got, _ := e.ask(map[string]any{"Do": "processes"})
	if err := json.Unmarshal([]byte(got), &pids); err != nil || len(pids) != 3 {
		t.Errorf("processes with an orphan: %s, want three", got)
	}
	marker := filepath.Join(b.code, "bootstrap")
	e.Stop()
	if left := running(marker); left != 0 {
		t.Errorf("%d processes of the function are left", left)
	}
}

// running counts processes that execute the program with the argument "sleep".
func running(program string) int {
	want, err := os.Stat(program)
	if err != nil {
		return -1
	}
	n := 0
	links, _ := filepath.Glob("/proc/[0-9]*/exe")
	for _, l := range links {
		if info, err := os.Stat(l); err == nil && os.SameFile(want, info) {
			if args, _ := os.ReadFile(filepath.Dir(l) + "/cmdline"); strings.Contains(string(args), "sleep") {
				n++
			}
		}
	}
	return n
}
