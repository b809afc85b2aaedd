package sandboxtest

import (
	"encoding/json"
	"errors"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/brume-dev/brume/sandbox"
)

// attacks are what somebody who wants to get out would try.
func (b *bench) attacks(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("numbers of system calls are those of amd64")
	}
	abstract, err := net.Listen("unix", "@brume-"+filepath.Base(t.TempDir())+t.Name())
	if err != nil {
		t.Fatal(err)
	}
	defer abstract.Close()
	named, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer named.Close()
	if err := errors.Join(os.Symlink(b.Secret, filepath.Join(b.code, "link")),
		os.Symlink("/proc/1/root"+b.Secret, filepath.Join(b.code, "proc"))); err != nil {
		t.Fatal(err)
	}
	defer func() {
		for _, name := range []string{"link", "proc"} {
			_ = os.Remove(filepath.Join(b.code, name))
		}
	}()
	e, victim := b.start(t, nil), b.start(t, nil)
	const denied, permission, absent = "operation not permitted", "permission denied", "no such file"
	for _, c := range []struct {
		how, path string
		want      []string
	}{
		{"setns", "/proc/1/ns/mnt", []string{denied, permission}},
		{"setns", "/proc/self/ns/net", []string{denied}},
		{"keys", "", []string{denied}},
		{"io_uring", "", []string{"not implemented"}},
		{"clone3", "", []string{"not implemented"}},
		{"pidfd", "", []string{denied}},
		{"vm", "", []string{denied}},
		{"userns", "", []string{denied}},
		{"raw", "", []string{denied}},
		{"unix", abstract.Addr().String(), []string{"refused", denied}},
		{"unix", named.Addr().String(), []string{absent}},
		{"remount", "/var/task", []string{denied}},
		{"unmount", "/proc", []string{denied}},
		{"setuid", "", []string{denied, "invalid argument"}},
	} {
		e.refused(map[string]any{"Do": "attack", "Text": c.how, "Path": c.path}, c.want...)
	}
	for _, path := range []string{"/var/task/link", "/var/task/proc", "/proc/1/root/tmp", "/proc/1/fd/0", "/proc/kcore", "/proc/kmsg", "/proc/1/mem",
		"/proc/self/root" + b.Secret, "/proc/self/cwd/../.." + b.Secret, "/sys/fs/cgroup", "/dev/shm", "/run"} {
		e.refused(map[string]any{"Do": "read", "Path": path}, absent, permission, denied, "input/output error")
	}
	for _, path := range []string{"/proc/sysrq-trigger", "/proc/self/oom_score_adj/../../1/oom_score_adj", "/proc/sys/vm/drop_caches", "/proc/1/mem"} {
		e.refused(map[string]any{"Do": "write", "Path": path, "Text": "b"}, absent, permission, denied, "read-only file system", "not a directory")
	}
	e.holdsNothing()
	e.ask(map[string]any{"Do": "attack", "Text": "killall"})
	if got, _ := victim.ask(map[string]any{"Do": "echo", "Text": "alive"}); got != `"alive"` {
		t.Errorf("the other function: %s", got)
	}
}

// holdsNothing looks at where the function's open descriptors lead.
func (e *env) holdsNothing() {
	e.t.Helper()
	got, fail := e.ask(map[string]any{"Do": "attack", "Text": "descriptors"})
	var open []string
	if err := json.Unmarshal([]byte(got), &open); err != nil {
		e.t.Fatalf("%s %s", got, fail)
	}
	for _, to := range open {
		switch kind, _, _ := strings.Cut(to, ":"); kind {
		case "pipe", "socket", "anon_inode", "/dev/null":
		default:
			if !strings.HasPrefix(to, "/proc/") {
				e.t.Errorf("the function holds %s", to)
			}
		}
	}
}

// A function that prints for ever, and lines that never end, hold up neither its answers nor anybody else.
func (b *bench) flood(t *testing.T) {
	longest := 0
	e := b.start(t, func(s *sandbox.Spec) {
		s.Output = func(l sandbox.Line) { longest = max(longest, len(l.Text)) }
	})
	other := b.start(t, nil)
	if got, fail := e.ask(map[string]any{"Do": "attack", "Text": "flood"}); got != `"flooding"` {
		t.Fatalf("%s %s", got, fail)
	}
	for range 5 {
		e.Flush()
		if got, fail := e.ask(map[string]any{"Do": "echo", "Text": "x"}); got != `"x"` {
			t.Errorf("the function that prints: %s %s", got, fail)
		}
		if got, _ := other.ask(map[string]any{"Do": "echo", "Text": "alive"}); got != `"alive"` {
			t.Errorf("the other function: %s", got)
		}
	}
	e.Stop()
	if longest > 1<<20 {
		t.Errorf("a line of %d bytes", longest)
	}
}
