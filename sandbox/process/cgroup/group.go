package cgroup

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// Group is a control group. A nil Group is one that limits nothing.
type Group struct {
	c    *Control
	v2   string
	v1   map[string]string
	used *os.File // memory in use, kept open because it is read often
	peak *os.File // the most memory that was in use
}

// New makes a group with limits. Limits of controllers that are not there are left out.
func (c *Control) New(name string, l Limits) (*Group, error) {
	g := &Group{c: c, v1: map[string]string{}}
	if c.Version() == 0 {
		return nil, nil
	}
	if err := g.make(name); err != nil {
		return nil, errors.Join(fmt.Errorf("cgroup: %w", err), g.Remove())
	}
	if err := g.limit(l); err != nil {
		return nil, errors.Join(fmt.Errorf("cgroup: %w", err), g.Remove())
	}
	if file := g.file("memory", "memory.usage_in_bytes", "memory.current"); file != "" {
		f, err := os.Open(file)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("cgroup: %w", err), g.Remove())
		}
		g.used = f
		// Kernels before 5.19 have no peak in version 2.
		g.peak, _ = os.Open(g.file("memory", "memory.max_usage_in_bytes", "memory.peak"))
	}
	return g, nil
}

// Weigh changes the share of processor time.
func (g *Group) Weigh(weight int) error {
	if g == nil {
		return nil
	}
	path, text := g.file("cpu", "cpu.shares", "cpu.weight"), strconv.Itoa(max(2, weight))
	if g.v2 != "" {
		text = weight2(weight)
	}
	if path == "" {
		return nil
	}
	return write(path, text)
}

func (g *Group) make(name string) error {
	if g.c.v2 != "" {
		g.v2 = filepath.Join(g.c.v2, name)
		return os.Mkdir(g.v2, 0o755)
	}
	for controller, dir := range g.c.v1 {
		d := filepath.Join(dir, name)
		if err := os.Mkdir(d, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
		g.v1[controller] = d
	}
	return nil
}

// cpuPeriod is the period in microseconds over which processor time is counted.
const cpuPeriod = 100_000

func (g *Group) limit(l Limits) error {
	type setting struct {
		controller, v1, v2 string
		text1, text2       string
	}
	var all []setting
	same := func(controller, v1, v2 string, n int64) {
		if n > 0 {
			s := strconv.FormatInt(n, 10)
			all = append(all, setting{controller, v1, v2, s, s})
		}
	}
	same("memory", "memory.limit_in_bytes", "memory.max", l.Memory)
	if l.Memory > 0 { // no swap beyond it
		all = append(all, setting{"memory", "memory.memsw.limit_in_bytes", "memory.swap.max", strconv.FormatInt(l.Memory, 10), "0"})
	}
	same("pids", "pids.max", "pids.max", int64(l.Processes))
	if l.Weight > 0 {
		all = append(all, setting{"cpu", "cpu.shares", "cpu.weight", strconv.Itoa(max(2, l.Weight)), weight2(l.Weight)})
	}
	if l.CPUs > 0 {
		quota := strconv.Itoa(int(l.CPUs * cpuPeriod))
		all = append(all, setting{"cpu", "cpu.cfs_quota_us", "cpu.max", quota, quota + " " + strconv.Itoa(cpuPeriod)})
	}
	for _, s := range all {
		text := s.text1
		if g.v2 != "" {
			text = s.text2
		}
		path := g.file(s.controller, s.v1, s.v2)
		if path == "" {
			continue
		}
		// A kernel may be built without a part of a controller.
		if err := write(path, text); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// file is the path of an interface file, or "".
func (g *Group) file(controller, v1, v2 string) string {
	if g.v2 != "" {
		return filepath.Join(g.v2, v2)
	}
	if d := g.v1[controller]; d != "" {
		return filepath.Join(d, v1)
	}
	return ""
}

// Tasks are the files of version 1 to which a thread writes "0" to enter the group.
func (g *Group) Tasks() []string {
	if g == nil {
		return nil
	}
	var out []string
	for _, d := range g.v1 {
		out = append(out, filepath.Join(d, "tasks"))
	}
	return out
}

// Dir is the folder of version 2 in which processes are started, or "".
func (g *Group) Dir() string {
	if g == nil {
		return ""
	}
	return g.v2
}

// Freeze stops the group's processes, or lets them run again. ok is false when groups cannot do that here. What version 1
// freezes cannot be killed and would outlive Brume, so there they are stopped by signals.
func (g *Group) Freeze(frozen bool) (ok bool, err error) {
	switch {
	case g == nil:
		return false, nil
	case g.v2 != "":
		return true, write(filepath.Join(g.v2, "cgroup.freeze"), map[bool]string{true: "1", false: "0"}[frozen])
	case frozen:
		return g.each(syscall.SIGSTOP), nil
	}
	return g.each(syscall.SIGCONT), nil
}

// Weight reads what Weigh sets. ok is false where groups do not weigh.
func (g *Group) Weight() (n int, ok bool) {
	if g == nil {
		return 0, false
	}
	b, err := os.ReadFile(g.file("cpu", "cpu.shares", "cpu.weight"))
	if err != nil {
		return 0, false
	}
	n, err = strconv.Atoi(string(bytes.TrimSpace(b)))
	if g.v2 != "" {
		n = n * WholeCPU / 100
	}
	return n, err == nil
}

// Used is the memory in use, caches and memory file systems included, in bytes. ok is false when it is not known.
func (g *Group) Used() (n int64, ok bool) {
	if g == nil {
		return 0, false
	}
	return number(g.used)
}

// Peak is the most that Used has been so far. ok is false when it is not known.
func (g *Group) Peak() (n int64, ok bool) {
	if g == nil {
		return 0, false
	}
	return number(g.peak)
}

// number reads the number that a file of the kernel holds now.
func number(f *os.File) (n int64, ok bool) {
	if f == nil {
		return 0, false
	}
	var buf [32]byte
	k, _ := f.ReadAt(buf[:], 0) // io.EOF, as the file is shorter
	for _, c := range buf[:k] {
		if c < '0' || c > '9' {
			break
		}
		n = n*10 + int64(c-'0')
	}
	return n, k > 0
}

// Anonymous is the memory that processes have for themselves: what a function's memory limit counts.
func (g *Group) Anonymous() (n int64, ok bool) {
	if g == nil {
		return 0, false
	}
	return g.stat("memory", "memory.stat", "total_rss", "anon")
}

// OutOfMemory reports whether the kernel has killed a process of the group for memory.
func (g *Group) OutOfMemory() bool {
	if g == nil {
		return false
	}
	if g.v2 != "" {
		n, ok := readStat(filepath.Join(g.v2, "memory.events"), "oom_kill")
		return ok && n > 0
	}
	n, ok := g.stat("memory", "memory.oom_control", "oom_kill", "")
	return ok && n > 0
}

func (g *Group) stat(controller, v1, key1, key2 string) (int64, bool) {
	path, key := g.file(controller, v1, controller+".stat"), key1
	if g.v2 != "" {
		key = key2
	}
	if path == "" || key == "" {
		return 0, false
	}
	return readStat(path, key)
}

// readStat reads the number of a line "key number".
func readStat(path, key string) (int64, bool) {
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, false
	}
	for line := range bytes.Lines(b) {
		k, v, ok := bytes.Cut(line, []byte{' '})
		if ok && string(k) == key {
			n, err := strconv.ParseInt(string(bytes.TrimSpace(v)), 10, 64)
			return n, err == nil
		}
	}
	return 0, false
}

// Remove removes the group, waiting a moment for its last process to be gone.
func (g *Group) Remove() error {
	if g == nil {
		return nil
	}
	for _, f := range []*os.File{g.used, g.peak} {
		if f != nil {
			_ = f.Close()
		}
	}
	dirs := []string{g.v2}
	for _, d := range g.v1 {
		dirs = append(dirs, d)
	}
	var errs []error
	for _, d := range dirs {
		if d != "" {
			errs = append(errs, remove(d))
		}
	}
	return errors.Join(errs...)
}

func remove(dir string) error {
	for pause := time.Millisecond; ; pause *= 2 {
		err := syscall.Rmdir(dir)
		if err == nil || errors.Is(err, syscall.ENOENT) {
			return nil
		}
		if !errors.Is(err, syscall.EBUSY) || pause > removeTimeout/2 {
			return fmt.Errorf("cgroup: remove %s: %w", dir, err)
		}
		time.Sleep(pause)
	}
}

// Kill kills every process of the group.
func (g *Group) Kill() {
	if g == nil || g.v2 != "" && write(filepath.Join(g.v2, "cgroup.kill"), "1") == nil {
		return
	}
	g.each(syscall.SIGKILL)
}

// each signals every process of the group, those too that are forked meanwhile. It reports whether the group can tell.
func (g *Group) each(sig syscall.Signal) bool {
	path := g.file("pids", "cgroup.procs", "cgroup.procs")
	if path == "" {
		path = g.file("memory", "cgroup.procs", "cgroup.procs")
	}
	done := map[int]bool{}
	for news := true; news; {
		b, err := os.ReadFile(path)
		if err != nil {
			return false
		}
		news = false
		for _, f := range bytes.Fields(b) {
			if pid, err := strconv.Atoi(string(f)); err == nil && pid > 1 && !done[pid] {
				_ = syscall.Kill(pid, sig)
				done[pid], news = true, true
			}
		}
	}
	return true
}
