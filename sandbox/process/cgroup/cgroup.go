// Package cgroup limits and freezes groups of processes with Linux control groups: version 2 where a part of the tree
// is delegated to Brume, else version 1, each hierarchy on its own, else not at all.
// https://docs.kernel.org/admin-guide/cgroup-v2.html, https://docs.kernel.org/admin-guide/cgroup-v1/
package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Limits are what a group may use. Zero means no limit.
type Limits struct {
	Memory    int64   // bytes, page cache and memory file systems included
	Processes int     // processes and threads
	Weight    int     // share of processor time when it is scarce; a whole processor is 1024
	CPUs      float64 // processors that it may use at once
}

// Control makes groups below one of Brume's own.
type Control struct {
	v2  string            // folder of our group in version 2, "" when that is not used
	v1  map[string]string // folders of our group by controller
	run string            // name of our group
}

// Files of the kernel's interface.
const (
	selfGroups = "/proc/self/cgroup"
	selfMounts = "/proc/self/mountinfo"
)

// Open finds out what this process may do and makes its group, named after pid and name. It removes the empty groups of
// processes that are no more. A Control without any hierarchy is not an error: see Has.
func Open(pid int, name string) (*Control, error) {
	mounts, err := os.ReadFile(selfMounts)
	if err != nil {
		return nil, fmt.Errorf("cgroup: %w", err)
	}
	groups, err := os.ReadFile(selfGroups)
	if err != nil {
		return nil, fmt.Errorf("cgroup: %w", err)
	}
	v2, v1 := places(string(mounts), string(groups))
	c := &Control{v1: map[string]string{}, run: fmt.Sprintf("brume.%d.%s", pid, name)}
	if v2 != "" {
		sweep(v2)
		c.v2 = delegate(v2, c.run, pid)
	}
	if c.v2 == "" {
		for name, dir := range v1 {
			sweep(dir)
			ours := filepath.Join(dir, c.run)
			if err := os.Mkdir(ours, 0o755); err == nil || errors.Is(err, fs.ErrExist) {
				c.v1[name] = ours
			}
		}
	}
	c.weigh()
	return c, nil
}

// weigh gives all functions together a weight against everything else on the machine. Without it they would be one
// among the machine's tasks: on a busy machine the start of an environment then took seconds, and beside thirty others
// that worked one environment did not come through its start at all. It is not set where that is not allowed.
func (c *Control) weigh() {
	weight := WholeCPU * togetherPerCPU * runtime.NumCPU()
	switch {
	case c.v2 != "":
		_ = write(filepath.Join(c.v2, "cpu.weight"), weight2(weight))
		_ = write(c.v2+leafSuffix+"/cpu.weight", weight2(weight))
	case c.v1["cpu"] != "":
		_ = write(filepath.Join(c.v1["cpu"], "cpu.shares"), strconv.Itoa(weight))
	}
}

const (
	// WholeCPU is the weight of a task that is in no group of its own.
	WholeCPU = 1024
	// togetherPerCPU is how many such tasks functions together weigh, for each processor.
	togetherPerCPU = 2
	// leafSuffix ends the name of the group of version 2 into which Brume moves itself.
	leafSuffix = ".self"
)

// weight2 is a weight as version 2 writes it.
func weight2(weight int) string { return strconv.Itoa(max(1, min(10_000, weight*100/WholeCPU))) }

// places finds the folders of this process's own groups: the unified one and one for each controller of version 1.
func places(mounts, groups string) (v2 string, v1 map[string]string) {
	paths := map[string]string{} // controller, or "" for version 2, to path
	for line := range strings.Lines(groups) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) == 3 {
			for _, name := range strings.Split(parts[1], ",") {
				paths[name] = parts[2]
			}
		}
	}
	v1 = map[string]string{}
	for line := range strings.Lines(mounts) {
		before, after, _ := strings.Cut(line, " - ")
		f, g := strings.Fields(before), strings.Fields(after)
		if len(f) < 5 || len(g) < 3 {
			continue
		}
		dir := func(name string) (string, bool) {
			path, ok := paths[name]
			if !ok {
				return "", false
			}
			rel, err := filepath.Rel(f[3], path)
			if err != nil || strings.HasPrefix(rel, "..") {
				rel = "." // our group lies outside of what is mounted: the mount's root is all that there is
			}
			return filepath.Join(f[4], rel), true
		}
		switch g[0] {
		case "cgroup2":
			v2, _ = dir("")
		case "cgroup":
			for _, name := range strings.Split(g[2], ",") {
				if d, ok := dir(name); ok && controllers[name] {
					v1[name] = d
				}
			}
		}
	}
	return v2, v1
}

// controllers are those of version 1 that are used.
var controllers = map[string]bool{"memory": true, "pids": true, "cpu": true}

// delegate makes our group in version 2 and hands the controllers down to it. A group with processes cannot hand
// controllers down, so Brume moves itself into a leaf first. "" when any of that is not allowed.
func delegate(own, run string, pid int) string {
	control := filepath.Join(own, "cgroup.subtree_control")
	const want = "+memory +pids +cpu"
	if !handsDown(control) {
		leaf := filepath.Join(own, run+leafSuffix)
		if os.Mkdir(leaf, 0o755) != nil {
			return ""
		}
		if write(filepath.Join(leaf, "cgroup.procs"), strconv.Itoa(pid)) != nil || write(control, want) != nil {
			_ = write(filepath.Join(own, "cgroup.procs"), strconv.Itoa(pid))
			_ = syscall.Rmdir(leaf)
			return ""
		}
	}
	ours := filepath.Join(own, run)
	if err := os.Mkdir(ours, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return ""
	}
	if write(filepath.Join(ours, "cgroup.subtree_control"), want) != nil {
		_ = syscall.Rmdir(ours)
		return ""
	}
	return ours
}

func handsDown(control string) bool {
	b, err := os.ReadFile(control)
	return err == nil && strings.Contains(string(b), "memory") && strings.Contains(string(b), "pids")
}

// sweep removes the groups of processes named brume.PID that are no more, where they are empty.
func sweep(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		name, ok := strings.CutPrefix(e.Name(), "brume.")
		name, _, _ = strings.Cut(name, ".")
		pid, err := strconv.Atoi(name)
		if !ok || err != nil || pid == os.Getpid() || syscall.Kill(pid, 0) != syscall.ESRCH {
			continue
		}
		root := filepath.Join(dir, e.Name())
		inner, _ := os.ReadDir(root)
		for _, g := range inner {
			if g.IsDir() {
				_ = syscall.Rmdir(filepath.Join(root, g.Name()))
			}
		}
		_ = syscall.Rmdir(root)
	}
}

// Has reports whether groups can do something: "memory", "pids", "cpu".
func (c *Control) Has(controller string) bool { return c.v2 != "" || c.v1[controller] != "" }

// Version is 2, 1 or 0.
func (c *Control) Version() int {
	switch {
	case c.v2 != "":
		return 2
	case len(c.v1) > 0:
		return 1
	}
	return 0
}

// Close removes our own group, which must be empty.
func (c *Control) Close() error {
	var errs []error
	for _, d := range c.v1 {
		errs = append(errs, syscall.Rmdir(d))
	}
	if c.v2 != "" {
		errs = append(errs, syscall.Rmdir(c.v2))
	}
	return errors.Join(errs...)
}

// removeTimeout bounds the wait for a group's last process to be gone.
const removeTimeout = 2 * time.Second

func write(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}
