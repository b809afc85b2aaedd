package cgroup

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPlaces(t *testing.T) {
	const mounts = `31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 /docker/abc /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
36 31 0:33 / /sys/fs/cgroup/devices rw,relatime - cgroup cgroup rw,devices
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
`
	const groups = "5:cpu,cpuacct:/x\n4:memory:/docker/abc/y\n3:devices:/\n0::/user.slice\n"
	v2, v1 := places(mounts, groups)
	if v2 != "/sys/fs/cgroup/unified/user.slice" {
		t.Errorf("version 2: %s", v2)
	}
	if len(v1) != 2 || v1["cpu"] != "/sys/fs/cgroup/cpu,cpuacct/x" || v1["memory"] != "/sys/fs/cgroup/memory/y" {
		t.Errorf("version 1: %v", v1)
	}
}

// A folder of ordinary files stands in for a delegated part of version 2.
func TestVersion2(t *testing.T) {
	dir := t.TempDir()
	put := func(path, text string) {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, path)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, path), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	read := func(path string) string {
		b, _ := os.ReadFile(filepath.Join(dir, path))
		return string(b)
	}
	c := &Control{v2: dir}
	g := &Group{c: c, v2: filepath.Join(dir, "f")}
	for _, f := range []string{"memory.max", "memory.swap.max", "pids.max", "cpu.weight", "cpu.max", "cgroup.freeze"} {
		put("f/"+f, "")
	}
	put("f/memory.stat", "anon 4096\nfile 1\n")
	put("f/memory.events", "oom 1\noom_kill 2\n")
	if err := g.limit(Limits{Memory: 1 << 20, Processes: 7, Weight: 512, CPUs: 1.5}); err != nil {
		t.Fatal(err)
	}
	if _, err := g.Freeze(true); err != nil {
		t.Fatal(err)
	}
	for f, want := range map[string]string{"memory.max": "1048576", "memory.swap.max": "0", "pids.max": "7", "cpu.weight": "50",
		"cpu.max": "150000 100000", "cgroup.freeze": "1"} {
		if got := read("f/" + f); got != want {
			t.Errorf("%s: %q, want %q", f, got, want)
		}
	}
	if n, ok := g.Anonymous(); n != 4096 || !ok {
		t.Errorf("anonymous memory %d %v", n, ok)
	}
	if !g.OutOfMemory() || g.Dir() == "" || len(g.Tasks()) != 0 {
		t.Error("out of memory was not seen, or the group is not one of version 2")
	}
}

// What the machine offers is used for real, where it offers anything.
func TestGroup(t *testing.T) {
	c, err := Open(os.Getpid(), "test")
	if err != nil {
		t.Fatal(err)
	}
	if c.Version() == 0 {
		t.Skip("no control groups here")
	}
	defer func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}()
	g, err := c.New("one", Limits{Memory: 64 << 20, Processes: 10, Weight: 100, CPUs: 1})
	if err != nil {
		t.Fatal(err)
	}
	if n, ok := g.Used(); c.Has("memory") && (!ok || n > 1<<20) {
		t.Errorf("an empty group uses %d bytes (%v)", n, ok)
	}
	for _, f := range g.Tasks() {
		if !strings.HasSuffix(f, "/one/tasks") {
			t.Errorf("tasks: %s", f)
		}
	}
	if err := g.Remove(); err != nil {
		t.Error(err)
	}
	if n, err := c.New("two", Limits{}); err != nil || n.Remove() != nil {
		t.Errorf("a group without limits: %v", err)
	}
	var none *Group
	if ok, err := none.Freeze(true); ok || err != nil || none.Remove() != nil {
		t.Error("the group that limits nothing did something")
	}
}
